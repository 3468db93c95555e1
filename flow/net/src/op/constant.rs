//! `Constant`: a tensor that is part of the graph; treated as an initializer.

use super::{Attributes, list};
use crate::onnx::{AttributeProto, Constant, ConstantError, NodeProto, Values};

/// Value of a `Constant` node.
pub(crate) fn value(node: &NodeProto) -> Result<Constant, ConstantError> {
    let name = node.output.first().cloned().unwrap_or_default();
    let fail = |problem: String| ConstantError { tensor: name.clone(), problem };
    let [attribute] = node.attribute.as_slice() else {
        return Err(fail(format!("{} attributes; expected 1", node.attribute.len())));
    };
    let constant = match attribute.name.as_deref() {
        Some("value") => {
            let tensor = attribute.t.as_ref().ok_or_else(|| fail("no tensor in `value`".into()))?;
            Constant::decode(tensor).map_err(|e| fail(e.problem))?
        }
        Some(other) => {
            let dims = if other.ends_with('s') { vec![length(attribute)] } else { Vec::new() };
            Constant::new(String::new(), dims, plain(other, node).map_err(&fail)?)
        }
        None => return Err(fail("attribute without a name".into())),
    };
    Ok(Constant { name: name.clone(), ..constant })
}

fn length(attribute: &AttributeProto) -> usize {
    attribute.ints.len() + attribute.floats.len()
}

fn plain(name: &str, node: &NodeProto) -> Result<Values, String> {
    const LEGAL: [&str; 5] = ["value", "value_float", "value_floats", "value_int", "value_ints"];
    let attributes = Attributes::new(&node.attribute);
    let attribute = &node.attribute[0];
    let values = match name {
        "value_float" => Values::Float(vec![attributes.float(name, 0.0)]),
        "value_int" => Values::Int(vec![attributes.int(name, 0)]),
        "value_ints" => Values::Int(attributes.ints(name).unwrap_or_default().to_vec()),
        "value_floats" => {
            attributes.ignore(name);
            Values::Float(attribute.floats.clone())
        }
        _ => return Err(format!("attribute `{name}`; supported: {}", list(&LEGAL))),
    };
    attributes.finish().map_err(|problems| problems.join("; "))?;
    Ok(values)
}
