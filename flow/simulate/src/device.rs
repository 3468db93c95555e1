//! The emulator as the device that images go through one after the other.

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
    /// Whether the device holds what the first program loads.
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

    /// Runs image number `image`. The first loads the weights; a device that sees a later one first loads them in a
    /// run that does not count, so that results do not depend on how images are dealt out.
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
            // The DRAM image is restored for every run; the program never changes it in here.
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
