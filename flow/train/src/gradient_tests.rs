//! Gradients of every operator against differences.

use candle_core::{Device, Tensor, Var};
use pecan_ir::layer::{Shape, Window};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::activation::{Activation, Grid, RoundedWeights};
use super::conv::Convolution;
use super::density::Density;
use super::geometry::Geometry;
use super::norm::{Moments, Normalize};
use super::pool::{Maximum, Mean};

fn random(dims: &[usize], rng: &mut ChaCha8Rng) -> Tensor {
    let values: Vec<f32> =
        (0..dims.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
}

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Compares the gradient of a random weighting of `f`'s output for every argument.
fn check(name: &str, arguments: &[Tensor], step: f32, f: impl Fn(&[Tensor]) -> Tensor) {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let weighting = random(f(arguments).dims(), &mut rng);
    let value = |arguments: &[Tensor]| -> f64 {
        let (y, w) = (flat(&f(arguments)), flat(&weighting));
        y.iter().zip(&w).map(|(y, w)| f64::from(*y) * f64::from(*w)).sum()
    };
    let variables: Vec<Var> = arguments.iter().map(|a| Var::from_tensor(a).unwrap()).collect();
    let tensors: Vec<Tensor> = variables.iter().map(|v| v.as_tensor().clone()).collect();
    let sum = (f(&tensors) * &weighting).unwrap().sum_all().unwrap();
    let gradients = sum.backward().unwrap();
    for (at, variable) in variables.iter().enumerate() {
        let exact = flat(gradients.get(variable).unwrap());
        for place in 0..exact.len() {
            let moved = |by: f32| {
                let mut values = flat(&arguments[at]);
                values[place] += by;
                let mut arguments = arguments.to_vec();
                arguments[at] =
                    Tensor::from_vec(values, arguments[at].shape(), &Device::Cpu).unwrap();
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
                random(&[4, 3, 5, 6], &mut rng),
                random(&[outputs, inputs], &mut rng),
                random(&[outputs], &mut rng),
            ];
            let name = format!("convolution {number} in {groups} groups");
            check(&name, &arguments, 1e-2, |a| a[0].apply_op3(&a[1], &a[2], op).unwrap());
        }
    }
}

/// Many images are divided into parts; the result is that of images one by one.
#[test]
fn parts_of_a_batch() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let (window, images) = (windows()[0], 67);
    let x = random(&[4, images, 5, 6], &mut rng);
    let (w, b) = (random(&[6, 36], &mut rng), random(&[6], &mut rng));
    let convolve = |x: &Tensor| {
        let geometry = Geometry::new(shape(), window, x.dim(1).unwrap()).unwrap();
        x.apply_op3(&w, &b, Convolution { geometry, groups: 1, outputs: 6 }).unwrap()
    };
    let all = convolve(&x);
    for image in [0, 16, 17, 18, 33, 34, 66] {
        let one = convolve(&x.narrow(1, image, 1).unwrap().contiguous().unwrap());
        let same = all.narrow(1, image, 1).unwrap();
        let pairs = flat(&one).into_iter().zip(flat(&same));
        assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-5), "{image}");
    }
}

#[test]
fn pooling() {
    for window in windows().into_iter().filter(|w| !w.has_empty_window(5, 6)) {
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        let geometry = Geometry::new(shape(), window, 3).unwrap();
        let x = [random(&[4, 3, 5, 6], &mut rng)];
        // A value that no other is near stays the maximum when it moves.
        check("maximum", &x, 1e-5, |a| {
            let scaled = (&a[0] * 100.0).unwrap();
            (scaled.apply_op1(Maximum(geometry)).unwrap() / 100.0).unwrap()
        });
        let mean = Mean { geometry, divisor: 3.0 };
        check("mean", &x, 1e-2, |a| a[0].apply_op1(mean).unwrap());
    }
}

#[test]
fn normalization() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let dims = [3, 4, 2, 3];
    let arguments = [random(&dims, &mut rng), random(&[3], &mut rng), random(&[3], &mut rng)];
    check("normalization", &arguments, 1e-2, |a| {
        let moments = Moments::of(&a[0]).unwrap();
        a[0].apply_op3(&a[1], &a[2], Normalize::new(&moments, 1e-3)).unwrap()
    });
}

#[test]
fn limits() {
    let x = Tensor::from_slice(&[-2.0f32, -0.3, 0.2, 0.9, 1.6, 5.0], 6, &Device::Cpu).unwrap();
    for bounds in [[0.0, f32::INFINITY], [-1.0, 1.5], [f32::NEG_INFINITY, 1.0]] {
        check("limits", std::slice::from_ref(&x), 1e-2, |a| {
            a[0].apply_op1(Activation { bounds, grid: None }).unwrap()
        });
    }
}

#[test]
fn rounding_passes_gradients_in_range() {
    let x = Var::new(&[-9.0f32, -0.4, 0.0, 0.26, 3.5, 8.0], &Device::Cpu).unwrap();
    let grid = Grid::new(3.5, 4);
    let bounds = [-1.0, f32::INFINITY];
    let y = x.apply_op1(Activation { bounds, grid }).unwrap();
    assert_eq!(flat(&y), [-1.0, -0.5, 0.0, 0.5, 3.5, 3.5]);
    let gradients = y.sum_all().unwrap().backward().unwrap();
    assert_eq!(flat(gradients.get(&x).unwrap()), [0.0, 1.0, 1.0, 1.0, 1.0, 0.0]);
    let w = Var::from_slice(&[0.7f32, -0.32, 0.0, 7.0, 3.4, 0.0], (2, 3), &Device::Cpu).unwrap();
    let y = w.apply_op1(RoundedWeights { bits: 4 }).unwrap();
    let expected = [0.7, -0.3, 0.0, 7.0, 3.0, 0.0];
    assert!(flat(&y).iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6));
    let gradients = y.sum_all().unwrap().backward().unwrap();
    assert_eq!(flat(gradients.get(&w).unwrap()), [1.0; 6]);
}

#[test]
fn density_measures_zeros() {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let x = random(&[3, 4, 2, 2], &mut rng);
    check("density", std::slice::from_ref(&x), 1e-3, |a| a[0].apply_op1(Density).unwrap());
    let scaled = (&x * 37.0).unwrap().apply_op1(Density).unwrap().to_scalar::<f32>().unwrap();
    let own = x.apply_op1(Density).unwrap().to_scalar::<f32>().unwrap();
    assert!((scaled / own - 1.0).abs() < 1e-5);
    let half = Tensor::from_slice(&[2.0f32, 0.0, 0.0, 2.0], (1, 4), &Device::Cpu).unwrap();
    assert_eq!(half.apply_op1(Density).unwrap().to_scalar::<f32>().unwrap(), 0.5);
    let none = Tensor::zeros((2, 4), candle_core::DType::F32, &Device::Cpu).unwrap();
    assert_eq!(none.apply_op1(Density).unwrap().to_scalar::<f32>().unwrap(), 0.0);
}
