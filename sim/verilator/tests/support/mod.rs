//! The stand-in device and programs for it.

use pecan_host::tools::Finder;
use pecan_ir::error::SimError;
use pecan_ir::program::{Program, Region, Transfer};
use pecan_verilator::{BuildOptions, Simulator, Verilator, VerilogFile};

/// Identifier of the stand-in.
pub(crate) const ID: u32 = 0x0001_0203;

/// A command of the stand-in.
#[derive(Clone, Copy)]
pub(crate) enum Command {
    Header(u32),
    Echo(u32),
    Mark,
    End,
    Wait(u32),
    Draw(u32),
    Unknown,
}

impl Command {
    pub(crate) fn bytes(self) -> [u8; 8] {
        let (opcode, argument) = match self {
            Self::Header(id) => (1u32, id),
            Self::Echo(beats) => (2, beats),
            Self::Mark => (3, 0),
            Self::End => (4, 0),
            Self::Wait(cycles) => (5, cycles),
            Self::Draw(beats) => (6, beats),
            Self::Unknown => (99, 0),
        };
        let mut beat = [0; 8];
        beat[..4].copy_from_slice(&opcode.to_le_bytes());
        beat[4..].copy_from_slice(&argument.to_le_bytes());
        beat
    }
}

/// Builds programs: commands go into DRAM one after another.
pub(crate) struct ProgramBuilder {
    program: Program,
    next: u64,
}

impl ProgramBuilder {
    /// `dram` bytes; commands are placed from the middle on.
    pub(crate) fn new(dram: usize) -> Self {
        let mut config_hash = [7; 32];
        config_hash[..4].copy_from_slice(&ID.to_be_bytes());
        let program = Program {
            config_hash,
            stream_bits: 64,
            dram: vec![0; dram],
            transfers: Vec::new(),
            input: Region::default(),
            output: Region::default(),
            layers: 0,
        };
        Self { program, next: dram as u64 / 2 }
    }

    pub(crate) fn command(mut self, command: Command) -> Self {
        let at = self.next as usize;
        self.program.dram[at..at + 8].copy_from_slice(&command.bytes());
        self.program.transfers.push(Transfer::Send { address: self.next, bytes: 8 });
        self.next += 8;
        self
    }

    pub(crate) fn transfer(mut self, transfer: Transfer) -> Self {
        self.program.transfers.push(transfer);
        self
    }

    pub(crate) fn build(mut self, input: Region, output: Region) -> Program {
        self.program.input = input;
        self.program.output = output;
        self.program
    }
}

/// Echoes `beats` beats twice through memory (the second layer reads what the first wrote).
pub(crate) fn echo_twice(beats: u32) -> Program {
    let bytes = u64::from(beats) * 8;
    let regions = [0, bytes, 2 * bytes].map(|address| Region { address, bytes });
    let send = |r: Region| Transfer::Send { address: r.address, bytes: r.bytes };
    let receive = |r: Region| Transfer::Receive { address: r.address, bytes: r.bytes };
    let mut program = ProgramBuilder::new(2 * (3 * bytes as usize + 64))
        .command(Command::Header(ID))
        .command(Command::Echo(beats))
        .transfer(send(regions[0]))
        .transfer(receive(regions[1]))
        .command(Command::Mark)
        .command(Command::Wait(20))
        .command(Command::Echo(beats))
        .transfer(send(regions[1]))
        .transfer(receive(regions[2]))
        .command(Command::Mark)
        .command(Command::End)
        .build(regions[0], regions[2]);
    program.layers = 2;
    program
}

/// Output of a device that adds `amount` to every 32-bit word of `bytes`.
pub(crate) fn incremented(bytes: &[u8], amount: u32) -> Vec<u8> {
    let words = bytes.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().unwrap()));
    words.flat_map(|word| word.wrapping_add(amount).to_le_bytes()).collect()
}

/// Deterministic bytes that differ from run to run.
pub(crate) fn input(run: usize, bytes: u64) -> Vec<u8> {
    (0..bytes).map(|i| (i * 31 + run as u64 * 17 + 3) as u8).collect()
}

pub(crate) fn finder() -> Finder {
    Finder::from_environment().unwrap()
}

/// The machine's Verilator, installed into the cache where it is absent.
pub(crate) fn verilator() -> Verilator {
    Verilator::locate(&finder(), &|line| eprintln!("{line}")).unwrap()
}

pub(crate) fn source() -> VerilogFile {
    VerilogFile { name: "stand_in.v".into(), text: include_str!("../data/stand_in.v").into() }
}

pub(crate) fn options(wave: bool) -> BuildOptions {
    BuildOptions { stream_bits: 64, counters: 3, wave }
}

pub(crate) fn build(wave: bool) -> Result<Simulator, SimError> {
    Simulator::build(&[source()], &options(wave), &verilator())
}
