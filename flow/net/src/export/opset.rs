//! Raises the operator set of a model without changing the meaning of a node.

use super::ExportError;
use crate::graph::standard_domain;
use crate::onnx::{Model, NodeProto, OperatorSetIdProto};

/// First version with scales per channel.
pub(super) const PER_CHANNEL: i64 = 13;

/// First version with activations of 4 and 16 bits.
pub(super) const ALL_WIDTHS: i64 = 21;

/// Versions of the file format that an operator set needs: operator set, format.
const FORMATS: [(i64, i64); 2] = [(PER_CHANNEL, 7), (ALL_WIDTHS, 10)];

/// Attributes that became inputs or disappeared: operator, first version without, attributes. A node without them means
/// the same before and after. All other changes of the supported operators since [`OLDEST`] only allow more (Softmax,
/// whose axis is counted differently since 13, is supported only where it goes over all values of a sample).
const REMOVED: [(&str, i64, &[&str]); 7] = [
    ("BatchNormalization", 9, &["spatial"]),
    ("Clip", 11, &["min", "max"]),
    ("Pad", 11, &["pads", "value"]),
    ("Dropout", 12, &["ratio"]),
    ("Squeeze", 13, &["axes"]),
    ("Unsqueeze", 13, &["axes"]),
    ("ReduceMean", 18, &["axes"]),
];

/// Before this version shapes were broadcast differently.
const OLDEST: i64 = 7;

/// Raises the standard operator set to `target`, if it is below.
///
/// # Errors
/// [`ExportError::Opset`]: the model states no version or one before [`OLDEST`], or a node has an attribute
/// that `target` does not have.
pub(super) fn raise(model: &mut Model, target: i64) -> Result<(), ExportError> {
    let origin = model.origin.clone();
    let fail = |problem: String| ExportError::Opset { origin: origin.clone(), problem, target };
    let version = model.opset().ok_or_else(|| fail("the model states no operator set".into()))?;
    if version < target {
        if version < OLDEST {
            return Err(fail(format!("operator set {version} is older than {OLDEST}")));
        }
        let mut nodes = model.proto.graph.iter().flat_map(|g| &g.node);
        if let Some(problem) = nodes.find_map(|n| obstacle(n, version, target)) {
            return Err(fail(problem));
        }
        let standard = |o: &&mut OperatorSetIdProto| {
            matches!(o.domain.as_deref(), None | Some("" | "ai.onnx"))
        };
        for set in model.proto.opset_import.iter_mut().filter(standard) {
            set.version = Some(target);
        }
    }
    let formats = FORMATS.iter().filter(|(set, _)| *set <= target.max(version));
    let format = formats.map(|(_, format)| *format).max();
    model.proto.ir_version = model.proto.ir_version.max(format);
    Ok(())
}

/// Reason why `node` would change its meaning.
fn obstacle(node: &NodeProto, version: i64, target: i64) -> Option<String> {
    let op = node.op_type.as_deref().filter(|_| standard_domain(node))?;
    let changes =
        REMOVED.iter().filter(|(name, at, _)| *name == op && version < *at && *at <= target);
    for (_, at, attributes) in changes {
        let mut names = node.attribute.iter().filter_map(|a| a.name.as_deref());
        if let Some(attribute) = names.find(|n| attributes.contains(n)) {
            let name = node.name.as_deref().unwrap_or("");
            return Some(format!(
                "{op} `{name}` has the attribute `{attribute}`, which operator set {at} has no more"
            ));
        }
    }
    None
}
