//! `Dropout`: the identity, outside training.

use super::{NodeView, Operator, identity::Identity};

pub(super) fn parse(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(3, 1);
    node.data(0);
    for name in ["ratio", "seed", "is_test"] {
        node.attributes.ignore(name);
    }
    let training = node.optional(2).and_then(|c| c.ints()).is_some_and(|v| v.contains(&1));
    node.attributes
        .require(!training, || "input 2 (training_mode) is true; supported: false".into());
    node.done(Some(Identity))
}
