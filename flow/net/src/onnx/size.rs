//! Counts the messages in an ONNX file before memory is allocated for them.

use crate::limits::MOST_MESSAGES;

/// Deepest nesting of messages, as in the decoder.
const MOST_DEPTH: usize = 100;

/// The kinds of messages that contain others.
#[derive(Clone, Copy, Debug)]
enum MessageType {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Sparse,
    Value,
    Type,
    TensorType,
    Shape,
    /// A type inside of a type: sequence, optional, and map.
    Element,
    Map,
    Training,
    Function,
    Annotation,
    Placement,
    Sharding,
    ShardedAxis,
    /// A message that contains none.
    Leaf,
}

impl MessageType {
    /// The message in that field, if it is one.
    fn field(self, number: u64) -> Option<Self> {
        use MessageType::*;
        Some(match (self, number) {
            (Model, 7) | (Attribute, 6 | 11) | (Training, 1 | 2) => Graph,
            (Model, 20) => Training,
            (Model, 25) => Function,
            (Graph, 1) | (Function, 7) => Node,
            (Graph, 5) | (Attribute, 5 | 10) | (Sparse, 1 | 2) => Tensor,
            (Graph, 15) | (Attribute, 22 | 23) => Sparse,
            (Graph, 11..=13) | (Function, 12) => Value,
            (Graph, 14) => Annotation,
            (Node, 5) | (Function, 11) => Attribute,
            (Node, 10) => Placement,
            (Placement, 2) => Sharding,
            (Sharding, 4) => ShardedAxis,
            (Value, 2) | (Attribute, 14 | 15) | (Element, 1) | (Map, 2) => Type,
            (Type, 1 | 8) => TensorType,
            (Type, 4 | 9) => Element,
            (Type, 5) => Map,
            (TensorType, 2) => Shape,
            (Model, 8 | 14 | 26)
            | (Graph, 16)
            | (Node, 9)
            | (Tensor, 3 | 13 | 16)
            | (Value, 4)
            | (Type, 7)
            | (Shape, 1)
            | (Training, 3 | 4)
            | (Function, 9 | 14)
            | (Annotation, 2)
            | (Sharding, 3)
            | (ShardedAxis, 2) => Leaf,
            _ => return None,
        })
    }
}

/// Checks that `bytes` do not contain more messages than are allowed. The decoder reports damage.
///
/// # Errors
/// The limit that is exceeded.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    // Unfinished messages, with the rest of their bytes.
    let mut open = vec![(MessageType::Model, bytes)];
    let mut count = 0;
    while let Some((kind, rest)) = open.last_mut() {
        let Some((number, value)) = field(rest) else {
            open.pop();
            continue;
        };
        let Some(inner) = value.and_then(|value| Some((kind.field(number)?, value))) else {
            continue;
        };
        count += 1;
        if count > MOST_MESSAGES {
            return Err(format!(
                "more than {MOST_MESSAGES} messages (nodes, attributes, tensors, types and their entries)"
            ));
        }
        if open.len() < MOST_DEPTH {
            open.push(inner);
        }
    }
    Ok(())
}

/// Splits off the next field: its number, and its bytes if it may be a message. None at the end and before damage.
fn field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Option<&'a [u8]>)> {
    let key = varint(rest)?;
    let value = match key & 7 {
        0 => {
            varint(rest)?;
            None
        }
        1 => {
            take(rest, 8)?;
            None
        }
        2 => {
            let length = varint(rest)?;
            Some(take(rest, usize::try_from(length).ok()?)?)
        }
        5 => {
            take(rest, 4)?;
            None
        }
        // Groups, which the format does not use: their fields follow.
        3 | 4 => None,
        _ => return None,
    };
    Some((key >> 3, value))
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(count)?;
    *rest = tail;
    Some(head)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
