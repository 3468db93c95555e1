//! The streams and status registers of the accelerator around an error, in Icarus Verilog.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use super::Accelerator;
use pecan_config::geometry::Geometry;
use pecan_config::isa::register::{COL_BASE, ROW_BASE, Register};
use pecan_config::isa::{ErrorCode, Opcode, RunFlags, VERSION, command};
use pecan_config::{Config, Limits, preset};
use pecan_rtl::emit::emit;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// Error of a program after its store has begun.
#[derive(Clone, Copy)]
enum Fault {
    /// A command that does not exist.
    Opcode,
    /// A load beyond the global buffer.
    Range,
    /// A run that reads the global buffer in every cycle and does not end by itself.
    Endless,
}

impl Fault {
    fn code(self) -> ErrorCode {
        match self {
            Self::Opcode => ErrorCode::Opcode,
            Self::Range => ErrorCode::BufferRange,
            Self::Endless => ErrorCode::RunLimit,
        }
    }

    fn commands(self, g: &Geometry) -> Vec<u32> {
        match self {
            Self::Opcode => vec![9 << 28],
            Self::Range => {
                vec![command(Opcode::LoadActivation, 0, 0), g.buffer_words as u32, 1]
            }
            Self::Endless => vec![command(Opcode::Run, 0, RunFlags::NO_DRAIN)],
        }
    }
}

/// Registers of the endless run: loops as long as they can be, every step inside the image, no column in use.
fn registers(g: &Geometry) -> Vec<u32> {
    let value = |register: &Register| match register {
        Register::Limit | Register::CbBlocks | Register::KyBlocks | Register::KxBlocks => 1,
        Register::CbFull | Register::CbLast | Register::KyFull => 1,
        Register::KyLast | Register::KxFull | Register::KxLast => 1,
        Register::TilesY | Register::TilesX | Register::InH | Register::InW => 0xffff,
        _ => 0,
    };
    let scalars = Register::ALL.iter().map(value).collect();
    let blocks = [(0, scalars), (ROW_BASE, vec![0; 4 * g.rows]), (COL_BASE, vec![0; 2 * g.cols])];
    let write = |(first, values): (u32, Vec<u32>)| {
        let head = command(Opcode::Config, 0, (values.len() as u32) << 8 | first);
        std::iter::once(head).chain(values)
    };
    blocks.into_iter().flat_map(write).collect()
}

fn hex(beats: &[Vec<u32>], bits: usize) -> String {
    let mut text = String::new();
    for beat in beats {
        for word in (0..bits / 32).rev() {
            write!(text, "{:08x}", beat.get(word).unwrap_or(&0)).unwrap();
        }
        text.push('\n');
    }
    text
}

/// A program that ends in an error, the same without it, and the output of both, as beats.
struct Programs {
    faulty: Vec<Vec<u32>>,
    sound: Vec<Vec<u32>>,
    /// Beats before the error.
    before: usize,
    delivered: Vec<Vec<u32>>,
}

impl Programs {
    /// Words are loaded into the buffer, a store returns them, and then the fault follows.
    fn of(config: &Config, fault: Fault) -> Self {
        let g = &Geometry::of(config);
        let words = (9 * g.stream_bits / g.word_slot).max(2);
        let values: Vec<u32> =
            (0..words * g.word_slot / 32).map(|i| (i as u32).wrapping_mul(0x9e37_79b9)).collect();
        let delivered: Vec<Vec<u32>> =
            values.chunks(g.stream_bits / 32).map(<[u32]>::to_vec).collect();
        let single = |list: Vec<u32>| list.into_iter().map(|word| vec![word]);
        let load = [command(Opcode::LoadActivation, 0, 0), 0, words as u32];
        let store = [command(Opcode::Store, 0, 0), 0, words as u32];
        let mut sound = vec![vec![command(Opcode::Header, 0, VERSION)], vec![config.id()]];
        sound.extend(single(registers(g)).chain(single(load.to_vec())));
        sound.extend(delivered.iter().cloned().chain(single(store.to_vec())));
        let (mut faulty, before) = (sound.clone(), sound.len());
        faulty.extend(single(fault.commands(g)));
        sound.push(vec![command(Opcode::End, 0, 0)]);
        Self { faulty, sound, before, delivered }
    }
}

/// Runs the bench on a program with this fault; `None` without Icarus Verilog.
fn run(config: &Config, fault: Fault) -> Option<String> {
    let width = config.stream.bits;
    let Programs { faulty, sound, before, delivered } = Programs::of(config, fault);
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    write("faulty.hex", hex(&faulty, width));
    write("sound.hex", hex(&sound, width));
    write("expected.hex", hex(&delivered, width));
    let port = |word: usize| {
        let range = format!("[{}:{}]", 32 * word + 31, 32 * word);
        format!(".in_data_{word}(in_data{range}), .out_data_{word}(out_data{range}),\n")
    };
    let ports: String = (0..width / 32).map(port).collect();
    write("bench.v", include_str!("protocol_tb.v").replace("@data_ports@", &ports));
    write("pecan.v", emit(&Accelerator::new(config), "pecan").unwrap().text());
    let sizes = [
        ("FAULTY", faulty.len()),
        ("BEFORE", before),
        ("SOUND", sound.len()),
        ("OUT", delivered.len()),
        ("CODE", fault.code() as usize),
        ("WIDTH", width),
    ];
    let sizes = sizes.map(|(name, value)| format!("-Pprotocol_tb.{name}={value}"));
    let files = ["-g2005", "-o", "bench", "bench.v", "pecan.v"].map(str::to_owned);
    said(folder.path(), "iverilog", files.iter().chain(&sizes))?;
    said(folder.path(), "vvp", [&"bench".to_owned()])
}

/// Output of a tool; `None` where it is not installed.
fn said<'a>(
    folder: &Path,
    tool: &str,
    args: impl IntoIterator<Item = &'a String>,
) -> Option<String> {
    let output = Command::new(tool).args(args).current_dir(folder).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tool}: {text}");
    Some(text.into_owned())
}

/// Words narrower than a beat, equal to it and wider.
fn configurations() -> Vec<Config> {
    let mut list: Vec<Config> = ["tiny", "edge"].iter().map(|name| preset(name).unwrap()).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    list.extend((0..6).map(|_| Config::random(&mut rng, &Limits::small())));
    for order in [Ordering::Less, Ordering::Equal, Ordering::Greater] {
        assert!(list.iter().any(|c| c.word_bits().cmp(&c.stream.bits) == order), "{order:?}");
    }
    list
}

#[test]
fn offered_beats_stay_and_status_is_defined_around_an_error() {
    for config in configurations() {
        for fault in [Fault::Opcode, Fault::Range, Fault::Endless] {
            let Some(text) = run(&config, fault) else {
                pecan_test_support::skip("no iverilog");
                return;
            };
            let (name, code) = (config.name(), fault.code());
            assert!(text.contains("PASS") && !text.contains("FAIL"), "{name}, {code:?}: {text}");
        }
    }
}
