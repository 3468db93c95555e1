//! Place of the bias of a layer.

use super::ExportError;
use super::edit::{Edit, connect};
use crate::onnx::NodeProto;

/// Input of the bias of `Conv` and `Gemm`.
const BIAS: usize = 2;

/// Turns node `at`, a `Conv`, `Gemm` or `MatMul`, into one that reads the bias `tensor`: a `MatMul` becomes the `Gemm`
/// of the same weights, as it has no such input.
pub(super) fn attach(edit: &mut Edit, at: usize, tensor: String) -> Result<(), ExportError> {
    if edit.graph.node[at].op_type.as_deref() == Some("MatMul") {
        // Before version 7 a Gemm did not broadcast a vector over the batch by itself.
        if let Some(version) = edit.model.opset().filter(|v| *v < 7) {
            let problem = format!(
                "no place for its bias: MatMul has none, and in operator set {version} a Gemm would not \
                 do; supported: 7 and later, or an Add behind it"
            );
            return Err(edit.fail(&edit.names[at], problem));
        }
        edit.graph.node[at].op_type = Some("Gemm".into());
    }
    connect(&mut edit.graph.node[at], BIAS, tensor);
    Ok(())
}

/// Sets the factors of a `Gemm` to 1 (their default): they are part of the weights and biases.
pub(super) fn drop_factors(node: &mut NodeProto) {
    if node.op_type.as_deref() == Some("Gemm") {
        node.attribute.retain(|a| !matches!(a.name.as_deref(), Some("alpha" | "beta")));
    }
}
