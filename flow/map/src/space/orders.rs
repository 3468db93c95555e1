//! Orders of the channels of tensors.

/// Channel at each position of every tensor; `None` where channels are in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Orders(pub(crate) Vec<Option<Vec<usize>>>);

impl Orders {
    /// The order of a tensor's channels, if it is not the natural one.
    pub(crate) fn of(&self, tensor: usize) -> Option<&[usize]> {
        self.0.get(tensor)?.as_deref()
    }
}
