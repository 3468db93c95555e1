//! Mutated files: their generation from a corpus, and the readers for them.

mod model;
mod mutate;
mod readers;

use std::path::{Path, PathBuf};

use rand_chacha::ChaCha8Rng;

/// Reads a file; returns whether it was accepted.
pub type Reader = Box<dyn Fn(&[u8]) -> bool>;

/// The kinds of files from users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Networks.
    Onnx,
    /// Samples.
    Npz,
    /// Configurations, process descriptions and targets in TOML.
    Configuration,
    /// Layer shapes.
    Topology,
    /// Cell libraries.
    Liberty,
    /// Technology files.
    Technology,
    /// Compiled programs with their command streams.
    Program,
    /// Toggle counts.
    Saif,
    /// Value changes.
    Vcd,
    /// Netlists of Yosys.
    Netlist,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Onnx,
        Self::Npz,
        Self::Configuration,
        Self::Topology,
        Self::Liberty,
        Self::Technology,
        Self::Program,
        Self::Saif,
        Self::Vcd,
        Self::Netlist,
    ];

    /// Name, as of its folder in the corpus.
    pub fn name(self) -> &'static str {
        match self {
            Self::Onnx => "onnx",
            Self::Npz => "npz",
            Self::Configuration => "configuration",
            Self::Topology => "topology",
            Self::Liberty => "liberty",
            Self::Technology => "technology",
            Self::Program => "program",
            Self::Saif => "saif",
            Self::Vcd => "vcd",
            Self::Netlist => "netlist",
        }
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Folder of its corpus.
    pub fn folder(self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(self.name())
    }

    /// Reader of files of the kind in the product.
    pub fn reader(self) -> Reader {
        readers::of(self)
    }

    /// A mutation of a file of the corpus.
    pub fn mutate(self, rng: &mut ChaCha8Rng, corpus: &[Vec<u8>]) -> Vec<u8> {
        let bytes = mutate::bytes(rng, corpus);
        match self {
            Self::Onnx => model::mutate(rng, corpus).unwrap_or(bytes),
            Self::Npz => mutate::archive(rng, corpus).unwrap_or(bytes),
            Self::Program => mutate::sealed(bytes),
            _ => bytes,
        }
    }
}
