//! Kind of a module, independent of its name.

/// Kind of a module. Names may end in sizes and a number, so code that needs the kind reads it here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Name of the block: `pe`, `weight_buffer`, `psum_file`, without sizes, prefix and number.
    pub block: String,
    /// Size, if it is a synchronous memory, which may become a macro.
    pub memory: Option<MemorySize>,
}

/// Size of a synchronous memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemorySize {
    /// Number of words.
    pub words: usize,
    /// Bits of each word.
    pub bits: usize,
}

impl Kind {
    /// A block that is no memory.
    pub fn block(name: impl Into<String>) -> Self {
        Self { block: name.into(), memory: None }
    }
}
