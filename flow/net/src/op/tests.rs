use proptest::prelude::*;

use super::*;
use crate::graph::Graph;
use crate::testing::ModelBuilder;

/// Convolution by its definition, on padded coordinates.
fn direct(
    x: &[f32],
    [c, h, w]: [usize; 3],
    weights: &[f32],
    window: &Window,
    o: usize,
) -> Vec<f32> {
    let [rows, cols] = window.output_size(h, w).unwrap();
    let [kr, kc] = window.kernel;
    let mut y = Vec::new();
    for o in 0..o {
        for oy in 0..rows {
            for ox in 0..cols {
                let mut sum = 0f32;
                for (i, r, k) in
                    (0..c).flat_map(|i| (0..kr).flat_map(move |r| (0..kc).map(move |k| (i, r, k))))
                {
                    let iy = (oy * window.stride[0] + r * window.dilation[0])
                        .wrapping_sub(window.pads[0]);
                    let ix = (ox * window.stride[1] + k * window.dilation[1])
                        .wrapping_sub(window.pads[1]);
                    if iy < h && ix < w {
                        sum += x[(i * h + iy) * w + ix] * weights[((o * c + i) * kr + r) * kc + k];
                    }
                }
                y.push(sum);
            }
        }
    }
    y
}

proptest! {
    #[test]
    fn convolution_matches_its_definition(
        size in (1usize..4, 1usize..9, 1usize..9),
        kernel in prop::array::uniform2(1usize..4),
        stride in prop::array::uniform2(1usize..4),
        dilation in prop::array::uniform2(1usize..3),
        pads in prop::array::uniform4(0usize..4),
    ) {
        let (c, h, w) = size;
        let window = Window { kernel, stride, dilation, pads };
        prop_assume!(window.output_size(h, w).is_some());
        let count = 2 * c * kernel[0] * kernel[1];
        let weights: Vec<f32> = (0..count).map(|i| (i * 7 % 13) as f32 - 6.0).collect();
        let x: Vec<f32> = (0..c * h * w).map(|i| (i * 5 % 11) as f32 - 5.0).collect();
        let int = |v: &[usize]| v.iter().map(|&v| v as i64).collect::<Vec<_>>();
        let model = ModelBuilder::new(&int(&[c, h, w]))
            .floats("w", &int(&[2, c, kernel[0], kernel[1]]), &weights)
            .node("Conv", &["x", "w"], "y", &[
                ("strides", &int(&stride)),
                ("dilations", &int(&dilation)),
                ("pads", &int(&pads)),
            ])
            .model();
        let graph = Graph::import(&model).unwrap();
        let y = graph.outputs(&[&x]).unwrap().concat();
        prop_assert_eq!(y, direct(&x, [c, h, w], &weights, &window, 2));
    }
}

#[test]
fn gemm_with_both_layouts_and_factors() {
    let x = [1.0, 2.0, 3.0];
    let build = |transposed: i64, dims: &[i64], values: &[f32]| {
        let mut b =
            ModelBuilder::new(&[3]).floats("w", dims, values).floats("c", &[2], &[10.0, 20.0]);
        b = b.node("Gemm", &["x", "w", "c"], "y", &[("transB", &[transposed])]);
        for (name, value) in [("alpha", 2.0), ("beta", 0.5)] {
            b.graph.node[0].attribute.push(crate::onnx::AttributeProto {
                name: Some(name.into()),
                r#type: Some(1),
                f: Some(value),
                ..Default::default()
            });
        }
        let graph = Graph::import(&b.model()).unwrap();
        let linear = graph.iter().next().unwrap().op.as_ref().unwrap().linear().unwrap();
        let doubled: Vec<f32> = values.iter().map(|v| 2.0 * v).collect();
        assert_eq!(linear.to_file_order(&linear.weights), doubled);
        graph.outputs(&[&x]).unwrap().concat()
    };
    let expected = [2.0 * 14.0 + 5.0, 2.0 * 32.0 + 10.0];
    assert_eq!(build(1, &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), expected);
    assert_eq!(build(0, &[3, 2], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]), expected);
}

#[test]
fn same_padding_is_asymmetric_at_the_right_end() {
    for (mode, pads) in [("SAME_UPPER", [0, 0, 1, 1]), ("SAME_LOWER", [1, 1, 0, 0])] {
        let mut b = ModelBuilder::new(&[1, 4, 4]).floats("w", &[1, 1, 3, 3], &[1.0; 9]);
        b = b.node("Conv", &["x", "w"], "y", &[("strides", &[2, 2])]);
        b.graph.node[0].attribute.push(crate::onnx::AttributeProto {
            name: Some("auto_pad".into()),
            r#type: Some(3),
            s: Some(mode.as_bytes().to_vec()),
            ..Default::default()
        });
        let graph = Graph::import(&b.model()).unwrap();
        let node = graph.iter().next().unwrap();
        let Lowering::Linear { window, .. } =
            node.op.as_ref().unwrap().lower(&[Shape::new(1, 4, 4)])
        else {
            panic!()
        };
        assert_eq!(window.pads, pads, "{mode}");
    }
}

#[test]
fn refusals_say_why() {
    assert!(find("Conv").is_ok());
    assert_eq!(find("MaxPol").unwrap_err(), "unknown operator");
    assert!(find("LSTM").unwrap_err().contains("recurrence"));
    assert!(find("HardSwish").unwrap_err().contains("no table yet"));
    assert!(foreign("com.microsoft", "Attention").contains("attention multiplies"));
    assert!(crate::rewrite::known().starts_with("Add, ArgMax, AveragePool"));
}
