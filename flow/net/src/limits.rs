//! Limits of the size of a network. A file of a few bytes can describe a network of any size, so the size is checked
//! before memory or time is spent on it; `docs/networks.md` has the table.

/// Most nodes of a graph, constants included.
pub const MOST_NODES: usize = 1 << 16;

/// Most messages (nodes, attributes, tensors, types, entries) of an ONNX file. An empty message takes two bytes in
/// the file and up to a kilobyte in memory.
pub const MOST_MESSAGES: usize = 1 << 18;

/// Most axes of a tensor.
pub const MOST_AXES: usize = 16;

/// Most values that one tensor may have for one sample.
pub const MOST_VALUES: usize = 1 << 24;

/// Most values that all tensors together may have for one sample.
pub const MOST_NETWORK_VALUES: usize = 1 << 27;

/// Most parameters of all nodes together: a tensor that several nodes read counts for each of them.
pub const MOST_PARAMETERS: usize = 1 << 28;

/// Number of uses of the constants of a file, on average.
pub const MOST_SHARING: usize = 16;

/// Number of parameters that may be used any number of times.
pub const FREE_PARAMETERS: usize = 1 << 22;

/// Most operations of all nodes together for one sample.
pub const MOST_OPERATIONS: u64 = 1 << 35;

/// Most operations of a node without parameters for one sample.
pub const MOST_WINDOW_OPERATIONS: u64 = 1 << 28;

/// Most factors, summands and normalizations that become part of one layer.
pub const MOST_FOLDED: usize = 64;

/// Most channels of a factor and summand per channel that is a layer of its own.
pub const MOST_FACTORS: usize = 1 << 16;

/// Most layers of an integer network.
pub const MOST_LAYERS: usize = 1 << 12;

/// Most weights that an integer network may have for operators without parameters (averages, concatenations).
pub const MOST_MADE_WEIGHTS: usize = 1 << 26;

/// Sum of the needs of the nodes met so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    values: usize,
    parameters: usize,
    operations: u64,
    /// Most parameters of this network.
    most_parameters: usize,
}

/// Resources that one node needs for one sample.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    /// Values of its output.
    pub(super) values: usize,
    /// Its parameters.
    pub(super) parameters: usize,
    /// Operations for one value of its output.
    pub(super) taps: usize,
}

impl Budget {
    /// The budget of a network whose file holds so many values of constants.
    pub(super) fn new(constants: usize) -> Self {
        let shared = constants.saturating_mul(MOST_SHARING).saturating_add(FREE_PARAMETERS);
        let most_parameters = shared.min(MOST_PARAMETERS);
        Self { values: 0, parameters: 0, operations: 0, most_parameters }
    }

    /// Adds a node.
    ///
    /// # Errors
    /// The limit that it exceeds; nothing is added then.
    pub(super) fn add(&mut self, need: Need) -> Result<(), String> {
        let operations = (need.values as u64).saturating_mul(need.taps as u64);
        if need.parameters == 0 && operations > MOST_WINDOW_OPERATIONS {
            return Err(format!(
                "{operations} operations on one sample; allowed without weights: at most {MOST_WINDOW_OPERATIONS}"
            ));
        }
        let sum = Self {
            values: self.values.saturating_add(need.values),
            parameters: self.parameters.saturating_add(need.parameters),
            operations: self.operations.saturating_add(operations),
            most_parameters: self.most_parameters,
        };
        let exceeded = [
            ("values in one sample", sum.values as u64, MOST_NETWORK_VALUES as u64),
            ("parameters", sum.parameters as u64, self.most_parameters as u64),
            ("operations on one sample", sum.operations, MOST_OPERATIONS),
        ];
        if let Some((what, count, most)) =
            exceeded.into_iter().find(|(_, count, most)| count > most)
        {
            return Err(format!("with it the network has {count} {what}; allowed: at most {most}"));
        }
        *self = sum;
        Ok(())
    }
}
