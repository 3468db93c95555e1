use super::*;
use crate::onnx::{AttributeProto, attribute_type};

fn ints(values: &[i64]) -> Constant {
    Constant::new("c".into(), vec![values.len()], Values::Int(values.to_vec()))
}

fn node(op: &str, attributes: &[(&str, &[i64])]) -> NodeProto {
    let attribute = |(name, values): &(&str, &[i64])| AttributeProto {
        name: Some((*name).into()),
        r#type: Some(if values.len() == 1 { attribute_type::INT } else { attribute_type::INTS }),
        i: (values.len() == 1).then(|| values[0]),
        ints: if values.len() == 1 { Vec::new() } else { values.to_vec() },
        ..AttributeProto::default()
    };
    NodeProto {
        op_type: Some(op.into()),
        output: vec!["y".into()],
        attribute: attributes.iter().map(attribute).collect(),
        ..NodeProto::default()
    }
}

fn run(node: &NodeProto, inputs: &[&Constant]) -> Result<Constant, String> {
    let inputs: Vec<Option<&Constant>> = inputs.iter().map(|c| Some(*c)).collect();
    Evaluator::new(100).evaluate(node, &inputs).map(|mut all| all.remove(0))
}

#[test]
fn the_shape_of_a_view_is_computed() {
    let shape = ints(&[1, 3, 4, 5]);
    let batch = run(&node("Gather", &[("axis", &[0])]), &[&shape, &ints(&[0])]).unwrap();
    let all = run(&node("Concat", &[("axis", &[0])]), &[&batch, &ints(&[-1])]).unwrap();
    assert_eq!(all.ints().unwrap(), [1, -1]);
    let tail = run(&node("Slice", &[]), &[&shape, &ints(&[1]), &ints(&[i64::MAX])]).unwrap();
    assert_eq!(tail.ints().unwrap(), [3, 4, 5]);
    let product = run(&node("ReduceProd", &[("keepdims", &[0])]), &[&tail]).unwrap();
    assert_eq!((product.dims.as_slice(), product.ints().unwrap()), (&[][..], &[60][..]));
    let back =
        run(&node("Slice", &[]), &[&shape, &ints(&[-1]), &ints(&[-9]), &ints(&[0]), &ints(&[-2])]);
    assert_eq!(back.unwrap().ints().unwrap(), [5, 3]);
}

#[test]
fn transposed_weights_keep_their_units() {
    let mut weights =
        Constant::new("w".into(), vec![2, 3], Values::Float((0..6).map(|v| v as f32).collect()));
    weights.grid = Some((0, vec![0.5, 0.25]));
    let turned = run(&node("Transpose", &[]), &[&weights]).unwrap();
    assert_eq!(turned.floats().unwrap(), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    assert_eq!((turned.dims, turned.grid), (vec![3, 2], Some((1, vec![0.5, 0.25]))));
}

#[test]
fn values_that_do_not_fit_a_new_type_are_refused() {
    let floats = |values: &[f32]| {
        Constant::new("c".into(), vec![values.len()], Values::Float(values.to_vec()))
    };
    let cast =
        |value: f32, to: i32| run(&node("Cast", &[("to", &[i64::from(to)])]), &[&floats(&[value])]);
    use crate::onnx::data_type::{INT64, UINT8};
    assert_eq!(cast(-2.7, INT64).unwrap().ints().unwrap(), [-2]);
    for (value, to) in [(1e30, INT64), (f32::NAN, INT64), (256.0, UINT8), (-1.0, UINT8)] {
        assert!(cast(value, to).is_err(), "{value}");
    }
}

/// Many nodes with small results may not read a large constant again and again.
#[test]
fn reads_of_constants_are_bounded() {
    let large = Constant::new("c".into(), vec![1 << 20], Values::Float(vec![0.0; 1 << 20]));
    let mut evaluator = Evaluator::new(1 << 20);
    let (start, end) = (ints(&[0]), ints(&[1]));
    let inputs = [Some(&large), Some(&start), Some(&end)];
    let slice = node("Slice", &[]);
    let reads = (0..1 << 20).take_while(|_| evaluator.evaluate(&slice, &inputs).is_ok()).count();
    assert!((16..10_000).contains(&reads), "{reads}");
    assert!(run(&slice, &[&ints(&[1, 2]), &ints(&[0; 3]), &ints(&[1; 3])]).is_err());
}

#[test]
fn small_files_do_not_make_large_constants() {
    for dims in [vec![1 << 40], vec![1 << 20, 1 << 20], vec![-1]] {
        assert!(run(&node("ConstantOfShape", &[]), &[&ints(&dims)]).is_err());
    }
    let huge = run(&node("ConstantOfShape", &[]), &[&ints(&[1 << 23])]).unwrap_err();
    assert!(huge.contains("8388608 more values of computed constants"), "{huge}");
    assert!(run(&node("Range", &[]), &[&ints(&[0]), &ints(&[i64::MAX]), &ints(&[1])]).is_err());
    assert!(run(&node("Div", &[]), &[&ints(&[1]), &ints(&[0])]).is_err());
    assert!(run(&node("Mul", &[]), &[&ints(&[i64::MAX]), &ints(&[2])]).is_err());
    let edges = [i64::MIN, i64::MAX, i64::MAX].map(|v| ints(&[v]));
    let wide = run(&node("Range", &[]), &[&edges[0], &edges[1], &edges[2]]).unwrap();
    assert_eq!(wide.ints().unwrap(), [i64::MIN, -1, i64::MAX - 1]);
    assert!(run(&node("Conv", &[]), &[&ints(&[1])]).unwrap_err().contains("of constants only"));
}
