//! Compares gradients of every operator with finite differences.

use pecan_ir::layer::{Shape, Window};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::activation::{Activation, Grid, rounded_weights};
use super::arrange::{concat, linear, reshape, sum};
use super::conv::Convolution;
use super::density::density;
use super::geometry::Geometry;
use super::norm::{Moments, normalize};
use super::pool::{Maximum, Mean};
use super::tensor::{Dims, Tensor, trace};

fn random(dims: Dims, rng: &mut ChaCha8Rng) -> Tensor {
    let values: Vec<f32> =
        (0..dims.iter().product::<usize>()).map(|_| rng.random_range(-1.0..1.0)).collect();
    Tensor::new(values, dims)
}

/// Compares the gradient of a random weighting of `f`'s output for every argument.
fn check(name: &str, arguments: &[Tensor], step: f32, f: impl Fn(&[Tensor]) -> Tensor) {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let weighting = random(f(arguments).dims, &mut rng);
    let value = |arguments: &[Tensor]| -> f64 {
        let y = f(arguments);
        y.values.iter().zip(&weighting.values).map(|(y, w)| f64::from(*y) * f64::from(*w)).sum()
    };
    let variable = |a: &Tensor| Tensor::variable(a.values.to_vec(), a.dims);
    let variables: Vec<Tensor> = arguments.iter().map(variable).collect();
    let gradients = trace(vec![(&f(&variables), weighting.values.to_vec())]);
    for (at, variable) in variables.iter().enumerate() {
        let exact = gradients.get(&variable.key()).unwrap();
        for place in 0..exact.len() {
            let moved = |by: f32| {
                let mut values = arguments[at].values.to_vec();
                values[place] += by;
                let mut arguments = arguments.to_vec();
                arguments[at] = Tensor::new(values, arguments[at].dims);
                value(&arguments)
            };
            let slope = (moved(step) - moved(-step)) / f64::from(2.0 * step);
            let error = (slope - f64::from(exact[place])).abs();
            let scale = 1.0 + slope.abs();
            assert!(error < 5e-3 * scale, "{name} {at}.{place}: {slope} {}", exact[place]);
        }
    }
}

fn windows() -> [Window; 5] {
    let window = |kernel, stride, dilation, pads| Window { kernel, stride, dilation, pads };
    [
        window([3, 3], [1, 1], [1, 1], [1, 1, 1, 1]),
        window([3, 2], [2, 1], [1, 2], [0, 1, 2, 0]),
        window([2, 2], [2, 2], [1, 1], [0, 0, 0, 0]),
        window([1, 1], [1, 2], [1, 1], [0, 0, 1, 0]),
        window([4, 1], [1, 3], [1, 1], [3, 0, 3, 1]),
    ]
}

fn shape() -> Shape {
    Shape::new(4, 5, 6)
}

#[test]
fn convolution() {
    for (number, window) in windows().into_iter().enumerate() {
        for (groups, outputs) in [(1, 5), (2, 8), (4, 4), (4, 8)] {
            let mut rng = ChaCha8Rng::seed_from_u64(number as u64);
            let geometry = Geometry::new(shape(), window, 3).unwrap();
            let op = Convolution { geometry, groups, outputs };
            let inputs = 4 / groups * geometry.taps();
            let arguments = [
                random([4, 3, 5, 6], &mut rng),
                random([outputs, inputs, 1, 1], &mut rng),
                random([outputs, 1, 1, 1], &mut rng),
            ];
            let name = format!("convolution {number} in {groups} groups");
            check(&name, &arguments, 1e-2, |a| op.apply(&[&a[0], &a[1], &a[2]]));
        }
    }
}

/// Many images are divided into parts; the result equals that of single images.
#[test]
fn parts_of_a_batch() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let (window, images) = (windows()[0], 67);
    let x = random([4, images, 5, 6], &mut rng);
    let (w, b) = (random([6, 36, 1, 1], &mut rng), random([6, 1, 1, 1], &mut rng));
    let convolve = |x: &Tensor| {
        let geometry = Geometry::new(shape(), window, x.dims[1]).unwrap();
        Convolution { geometry, groups: 1, outputs: 6 }.apply(&[x, &w, &b])
    };
    let of_image = |x: &Tensor, image: usize| {
        let planes = x.values.chunks(30).skip(image).step_by(images);
        Tensor::new(planes.flatten().copied().collect(), [x.dims[0], 1, 5, 6])
    };
    let all = convolve(&x);
    for image in [0, 16, 17, 18, 33, 34, 66] {
        let (one, same) = (convolve(&of_image(&x, image)), of_image(&all, image));
        let mut pairs = one.values.iter().zip(&same.values);
        assert!(pairs.all(|(a, b)| (a - b).abs() < 1e-5), "{image}");
    }
}

#[test]
fn pooling() {
    for window in windows().into_iter().filter(|w| !w.has_empty_window(5, 6)) {
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        let geometry = Geometry::new(shape(), window, 3).unwrap();
        let x = [random([4, 3, 5, 6], &mut rng)];
        // A value well above the others stays the maximum when it changes a little.
        check("maximum", &x, 1e-5, |a| Maximum(geometry).apply(&a[0]));
        let mean = Mean { geometry, divisor: 3.0 };
        check("mean", &x, 1e-2, |a| mean.apply(&a[0]));
    }
}

#[test]
fn normalization() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let arguments = [[3, 4, 2, 3], [3, 1, 1, 1], [3, 1, 1, 1]].map(|dims| random(dims, &mut rng));
    check("normalization", &arguments, 1e-2, |a| {
        let moments = Moments::of(&a[0]);
        normalize([&a[0], &a[1], &a[2]], &moments, 1e-3)
    });
}

#[test]
fn limits() {
    let x = Tensor::new(vec![-2.0, -0.3, 0.2, 0.9, 1.6, 5.0], [6, 1, 1, 1]);
    for bounds in [[0.0, f32::INFINITY], [-1.0, 1.5], [f32::NEG_INFINITY, 1.0]] {
        check("limits", std::slice::from_ref(&x), 1e-2, |a| {
            Activation { bounds, grid: None }.apply(&a[0])
        });
    }
}

#[test]
fn rounding_passes_gradients_in_range() {
    let x = Tensor::variable(vec![-9.0, -0.4, 0.0, 0.26, 3.5, 8.0], [6, 1, 1, 1]);
    let grid = Grid::new(3.5, 4);
    let bounds = [-1.0, f32::INFINITY];
    let y = Activation { bounds, grid }.apply(&x);
    assert_eq!(y.values, [-1.0, -0.5, 0.0, 0.5, 3.5, 3.5]);
    let gradients = trace(vec![(&y, vec![1.0; 6])]);
    assert_eq!(*gradients.get(&x.key()).unwrap(), [0.0, 1.0, 1.0, 1.0, 1.0, 0.0]);
    let w = Tensor::variable(vec![0.7, -0.32, 0.0, 7.0, 3.4, 0.0], [2, 3, 1, 1]);
    let y = rounded_weights(&w, 4);
    let expected = [0.7, -0.3, 0.0, 7.0, 3.0, 0.0];
    assert!(y.values.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6));
    let gradients = trace(vec![(&y, vec![1.0; 6])]);
    assert_eq!(*gradients.get(&w.key()).unwrap(), [1.0; 6]);
}

#[test]
fn density_measures_zeros() {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let x = random([3, 4, 2, 2], &mut rng);
    check("density", std::slice::from_ref(&x), 1e-3, |a| density(&a[0]));
    let of = |values: Vec<f32>, channels: usize| {
        let dims = [channels, values.len() / channels, 1, 1];
        density(&Tensor::new(values, dims)).values[0]
    };
    let scaled = of(x.values.iter().map(|x| x * 37.0).collect(), 3);
    assert!((scaled / of(x.values.to_vec(), 3) - 1.0).abs() < 1e-5);
    assert_eq!(of(vec![2.0, 0.0, 0.0, 2.0], 1), 0.5);
    assert_eq!(of(vec![0.0; 8], 2), 0.0);
}

#[test]
fn products_and_shapes() {
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    for (outputs, inputs, images) in [(5, 4, 3), (1, 40, 2), (7, 3, 1), (2, 2, 1), (18, 17, 2)] {
        let dims = [[inputs, images, 2, 1], [outputs, inputs, 1, 1], [outputs, 1, 1, 1]];
        let arguments = dims.map(|dims| random(dims, &mut rng));
        check("product", &arguments[..2], 1e-2, |a| linear(&a[0], &a[1], None));
        check("with bias", &arguments, 1e-2, |a| linear(&a[0], &a[1], Some(&a[2])));
    }
    let two = [[2, 3, 2, 4], [2, 3, 2, 4]].map(|dims| random(dims, &mut rng));
    check("sum", &two, 1e-2, |a| sum(&a[0], &a[1]));
    // A tensor that is read several times receives all gradients.
    check("concatenation", &two, 1e-2, |a| concat(&[&a[0], &a[1], &a[0]]));
    check("shape", &two[..1], 1e-2, |a| reshape(&a[0], [4, 3, 1, 4]));
    let images = Tensor::new((0u8..12).map(f32::from).collect(), [3, 2, 1, 2]);
    let columns = reshape(&images, [6, 2, 1, 1]);
    assert_eq!(
        columns.values,
        [0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11].map(f32::from as fn(u8) -> f32)
    );
}
