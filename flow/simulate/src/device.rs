//! The emulator as a device that executes images one after the other.

use pecan_config::Config;
use pecan_emulator::{Emulator, Report};
use pecan_ir::memory::MemoryModel;
use pecan_ir::program::{Program, ProgramError};

use pecan_map::Compiled;

/// An emulated device and the programs of a network.
pub struct Device {
    emulator: Emulator,
    first: Program,
    later: Option<Program>,
    /// Whether the device holds the weights and parameters that the first program loads.
    loaded: bool,
}

impl Device {
    pub(super) fn new(config: &Config, compiled: &Compiled) -> Self {
        Self::of(Emulator::new(config), compiled)
    }

    /// A device that counts the bits that toggle.
    pub fn observed(config: &Config, compiled: &Compiled) -> Self {
        Self::of(Emulator::observed(config), compiled)
    }

    fn of(emulator: Emulator, compiled: &Compiled) -> Self {
        Self {
            emulator,
            first: compiled.program.clone(),
            later: compiled.later.as_ref().map(|later| later.program.clone()),
            loaded: false,
        }
    }

    /// Executes image number `image`. The first loads the weights. A device whose first image is a later one loads them
    /// in an uncounted run before, so that results do not depend on the distribution of images.
    ///
    /// # Errors
    /// A program is malformed.
    pub fn run(
        &mut self,
        image: usize,
        input: &[u8],
        memory: &MemoryModel,
    ) -> Result<Report, ProgramError> {
        let Self { emulator, first, later, loaded } = self;
        let mut execute = |program: &mut Program| {
            // The DRAM image is restored for every run; no program changes it outside the input.
            let range = program.input.range();
            program.dram[range].copy_from_slice(input);
            emulator.run_with(program, memory)
        };
        match later {
            Some(later) if image > 0 => {
                if !*loaded {
                    execute(first)?;
                    *loaded = true;
                }
                execute(later)
            }
            _ => {
                *loaded = true;
                execute(first)
            }
        }
    }
}
