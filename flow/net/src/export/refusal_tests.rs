use super::tests::{change, conv, values, written};
use super::*;
use crate::testing::{ModelBuilder, lenet};

/// Two layers with one weight.
fn tied() -> Model {
    ModelBuilder::new(&[2, 3, 3])
        .floats("w", &[2, 2, 1, 1], &values(4))
        .floats("b", &[2], &values(2))
        .node("Conv", &["x", "w", "b"], "c", &[])
        .node("Relu", &["c"], "r", &[])
        .node("Conv", &["r", "w", "b"], "y", &[])
        .model()
}

#[test]
fn shared_weights_must_agree() {
    written(&tied());
    let mut graph = Graph::import(&tied()).unwrap();
    let linear = graph.node_mut("n_y").unwrap().op.as_mut().unwrap().linear_mut().unwrap();
    linear.weights[1] = 0.0;
    let text = pruned(&tied(), &graph).unwrap_err().to_string();
    assert!(text.contains("`w`") && text.contains("`n_c`") && text.contains("`n_y`"), "{text}");
    change(&mut graph);
    let linear = graph.node_mut("n_y").unwrap().op.as_mut().unwrap().linear_mut().unwrap();
    linear.weights[0] = 9.0;
    let text = pruned(&tied(), &graph).unwrap_err().to_string();
    assert!(text.contains("`w`") && text.contains("`n_c`") && text.contains("`n_y`"), "{text}");
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let other = Graph::import(&lenet()).unwrap();
    let text = pruned(&tied(), &other).unwrap_err().to_string();
    assert!(text.contains("`n_c`") && text.contains("no such layer"), "{text}");
    let mut renamed = tied();
    renamed.proto.graph.as_mut().unwrap().node[0].name = Some("n_cc".into());
    let graph = Graph::import(&renamed).unwrap();
    let text = pruned(&tied(), &graph).unwrap_err().to_string();
    assert!(text.contains("no such layer"), "{text}");
    let smaller = ModelBuilder::new(&[2, 3, 3])
        .floats("w", &[1, 2, 1, 1], &values(2))
        .node("Conv", &["x", "w"], "y", &[])
        .model();
    let text = pruned(&conv("y").model(), &Graph::import(&smaller).unwrap()).unwrap_err();
    assert!(text.to_string().contains("2 weights; 6 in the model"), "{text}");
    let mut graph = Graph::import(&tied()).unwrap();
    let linear = graph.node_mut("n_y").unwrap().op.as_mut().unwrap().linear_mut().unwrap();
    linear.bias[1] = f32::NAN;
    let text = pruned(&tied(), &graph).unwrap_err().to_string();
    assert!(text.contains("`n_y`") && text.contains("NaN"), "{text}");
}

#[test]
fn models_of_integers_are_refused() {
    let model = conv("c")
        .floats("s", &[], &[0.1])
        .node("QuantizeLinear", &["c", "s"], "q", &[])
        .node("DequantizeLinear", &["q", "s"], "y", &[])
        .model();
    let graph = Graph::import(&model).unwrap();
    let text = pruned(&model, &graph).unwrap_err().to_string();
    assert!(text.contains("`n_q`") && text.contains("prune and export the float model"), "{text}");
}

#[test]
fn external_values_are_refused() {
    let mut model = conv("y").model();
    let graph = Graph::import(&model).unwrap();
    model.proto.graph.as_mut().unwrap().initializer[0].data_location = Some(1);
    let text = pruned(&model, &graph).unwrap_err().to_string();
    assert!(text.contains("external file"), "{text}");
}
