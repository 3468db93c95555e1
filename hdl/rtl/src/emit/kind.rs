//! What a module is, beyond its name.

/// What a module is. Its name may have sizes and a number behind, so whoever wants to know reads this.
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
