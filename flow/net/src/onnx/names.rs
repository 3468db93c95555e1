//! Escapes the names of a model for display.

use pecan_text::escape::{acts, escape_name};

use super::{DimensionValue, GraphProto, ModelProto, TypeValue, ValueInfoProto};

/// Escapes characters that a terminal interprets, in every name of the graph. References stay consistent, and no table,
/// log or report needs to escape names. Returns the number of changed names.
pub(super) fn escape(proto: &mut ModelProto) -> usize {
    let mut changed = 0;
    let Some(graph) = &mut proto.graph else { return 0 };
    each(graph, &mut |name| {
        if name.contains(acts) {
            *name = escape_name(name).into_owned();
            changed += 1;
        }
    });
    changed
}

/// Calls `take` with every name of the graph that import may mention.
fn each(graph: &mut GraphProto, take: &mut dyn FnMut(&mut String)) {
    graph.name.iter_mut().for_each(&mut *take);
    for node in &mut graph.node {
        let kinds = node.name.iter_mut().chain(&mut node.op_type).chain(&mut node.domain);
        kinds.chain(&mut node.input).chain(&mut node.output).for_each(&mut *take);
        for attribute in &mut node.attribute {
            attribute.name.iter_mut().chain(&mut attribute.ref_attr_name).for_each(&mut *take);
            attribute.t.iter_mut().flat_map(|tensor| &mut tensor.name).for_each(&mut *take);
        }
    }
    let sparse = graph.sparse_initializer.iter_mut().filter_map(|sparse| sparse.values.as_mut());
    let tensors = graph.initializer.iter_mut().chain(sparse);
    tensors.filter_map(|tensor| tensor.name.as_mut()).for_each(&mut *take);
    let values = graph.input.iter_mut().chain(&mut graph.output).chain(&mut graph.value_info);
    values.for_each(|info| value(info, take));
    for annotation in &mut graph.quantization_annotation {
        annotation.tensor_name.iter_mut().for_each(&mut *take);
        let entries = annotation.quant_parameter_tensor_names.iter_mut();
        entries.filter_map(|entry| entry.value.as_mut()).for_each(&mut *take);
    }
}

/// The name of a value and of its symbolic extents.
fn value(info: &mut ValueInfoProto, take: &mut dyn FnMut(&mut String)) {
    info.name.iter_mut().for_each(&mut *take);
    let kind = info.r#type.as_mut().and_then(|kind| kind.value.as_mut());
    let Some(TypeValue::Tensor(tensor)) = kind else { return };
    for dimension in tensor.shape.iter_mut().flat_map(|shape| &mut shape.dim) {
        if let Some(DimensionValue::Param(name)) = &mut dimension.value {
            take(name);
        }
    }
}
