//! Mutated files of every kind: each is read or refused within a time and memory that its size bounds; no reader
//! panics, aborts, overflows its stack or hangs.
//!
//! The files of `corpus/KIND` are read first, including those of earlier failures. `PECAN_FUZZ_SECONDS` is the
//! processor time for mutations of them (3 by default, 300 in the long form); `PECAN_SEED` replays a run. A file that
//! breaks a reader is left in the folder that the failure names; after the fix, it belongs into the corpus.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use pecan_config::preset;
use pecan_map::{Options, compile};
use pecan_tests::mutation::Kind;
use pecan_tests::random::{self, Size};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Virtual memory of a reader in kB: the system refuses larger requests, and the reader aborts.
const ADDRESS_SPACE: u64 = 6 << 20;

/// Failures after which a kind is given up.
const ENOUGH: usize = 10;

/// Longest wait for an answer: a reader that uses no processor time hangs as well.
const PATIENCE: Duration = Duration::from_secs(600);

/// Processor time and memory in kB that one file may use: a fixed part for its kind, and a part for each byte.
fn allowed(length: usize) -> (Duration, u64) {
    let time = Duration::from_secs(3) + Duration::from_micros(50) * length as u32;
    (time, (768 << 10) + length as u64 / 4)
}

/// A process that reads files.
struct Reader {
    child: Child,
    input: ChildStdin,
    answers: Receiver<String>,
}

impl Reader {
    fn start(kind: Kind) -> Self {
        let mut child = Command::new("sh")
            .arg("-c")
            .arg(format!("ulimit -v {ADDRESS_SPACE}; ulimit -c 0; exec \"$0\" \"$1\""))
            .args([env!("CARGO_BIN_EXE_mutant"), kind.name()])
            .env("RUST_BACKTRACE", "0")
            .env("RAYON_NUM_THREADS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            lines.map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { child, input, answers }
    }

    /// Processor time of the process so far; it does not depend on the load of the machine.
    fn processor_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        // The name in parentheses may hold blanks; user and system time are the 12th and 13th field behind it.
        let stat = stat.unwrap_or_default();
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).filter_map(|text| text.parse::<u64>().ok()).sum();
        Duration::from_millis(10 * ticks)
    }

    /// Whether the file was accepted, or the failure of the reader.
    fn read(&mut self, bytes: &[u8]) -> Result<bool, String> {
        let (most_time, most_memory) = allowed(bytes.len());
        let mut frame = (bytes.len() as u32).to_le_bytes().to_vec();
        frame.extend_from_slice(bytes);
        // A reader that died does not accept it; its answer shows that.
        let _ = self.input.write_all(&frame).and_then(|()| self.input.flush());
        let (start, before) = (Instant::now(), self.processor_time());
        let answer = loop {
            match self.answers.recv_timeout(Duration::from_millis(500)) {
                Ok(answer) => break Some(answer),
                Err(RecvTimeoutError::Disconnected) => break None,
                Err(RecvTimeoutError::Timeout) => {
                    let taken = self.processor_time().saturating_sub(before);
                    if taken > most_time || start.elapsed() > PATIENCE {
                        return Err(format!(
                            "takes longer than {most_time:?}: {taken:?} in {:?}",
                            start.elapsed()
                        ));
                    }
                }
            }
        };
        let Some(answer) = answer else {
            let status = self.child.wait().unwrap();
            let mut said = String::new();
            let _ = self.child.stderr.take().unwrap().read_to_string(&mut said);
            let start: String = said.chars().take(600).collect();
            return Err(format!("ended with {status}: {start}"));
        };
        let words: Vec<&str> = answer.split(' ').collect();
        let memory: u64 = words[2].parse().unwrap();
        if memory > most_memory {
            return Err(format!("took {memory} kB, allowed are {most_memory}; {answer}"));
        }
        Ok(words[0] == "read")
    }
}

/// The test of a kind of file.
struct Campaign {
    kind: Kind,
    seed: u64,
    reader: Reader,
    failures: Vec<String>,
    read: [u64; 2],
    /// Processor time of the readers that have ended.
    ended: Duration,
}

impl Campaign {
    /// Processor time of all readers.
    fn processor_time(&self) -> Duration {
        self.ended + self.reader.processor_time()
    }

    fn feed(&mut self, name: &str, bytes: &[u8]) {
        match self.reader.read(bytes) {
            Ok(accepted) => self.read[usize::from(accepted)] += 1,
            Err(problem) => {
                let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mutated");
                std::fs::create_dir_all(&folder).unwrap();
                let file = folder.join(format!("{}-{}-{name}", self.kind.name(), self.seed));
                std::fs::write(&file, bytes).unwrap();
                self.failures.push(format!("{}: {problem}", file.display()));
                self.ended += self.reader.processor_time();
                let _ = self.reader.child.kill();
                let _ = self.reader.child.wait();
                self.reader = Reader::start(self.kind);
            }
        }
    }
}

fn campaign(kind: Kind) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let time = Duration::from_secs(number("PECAN_FUZZ_SECONDS").unwrap_or(3));
    let seed = number("PECAN_SEED").unwrap_or(1);
    let mut files: Vec<_> =
        std::fs::read_dir(kind.folder()).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let corpus: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
    assert!(corpus.len() > 1, "the corpus of {} is empty", kind.name());
    let reader = Reader::start(kind);
    let mut campaign =
        Campaign { kind, seed, reader, failures: Vec::new(), read: [0; 2], ended: Duration::ZERO };
    for (file, bytes) in files.iter().zip(&corpus) {
        campaign.feed(&file.file_name().unwrap().to_string_lossy(), bytes);
    }
    assert!(
        campaign.read[1] > 0 || !campaign.failures.is_empty(),
        "no file of {} is read",
        kind.name()
    );
    let start = Instant::now();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut made = 0u64;
    // The processor time of the readers; on a busy machine at most four times that.
    while campaign.processor_time() < time
        && start.elapsed() < 4 * time
        && campaign.failures.len() < ENOUGH
    {
        let bytes = kind.mutate(&mut rng, &corpus);
        campaign.feed(&made.to_string(), &bytes);
        made += 1;
    }
    let [refused, accepted] = campaign.read;
    println!(
        "{}: {} files and {made} mutations (seed {seed}) in {:.0?} of processor time: {accepted} read, {refused} refused",
        kind.name(),
        corpus.len(),
        campaign.processor_time()
    );
    assert!(campaign.failures.is_empty(), "seed {seed}:\n{}", campaign.failures.join("\n"));
    assert!(refused > 0 || made == 0, "nothing was refused");
}

macro_rules! kinds {
    ($($test:ident: $kind:ident;)*) => {
        $(
            #[test]
            fn $test() {
                campaign(Kind::$kind);
            }
        )*

        #[test]
        fn every_kind_has_a_test() {
            assert_eq!([$(Kind::$kind),*], Kind::ALL);
        }
    };
}

kinds! {
    mutated_networks: Onnx;
    mutated_samples: Npz;
    mutated_configurations: Configuration;
    mutated_topologies: Topology;
    mutated_libraries: Liberty;
    mutated_technologies: Technology;
    mutated_programs: Program;
    mutated_activities: Saif;
    mutated_changes: Vcd;
    mutated_netlists: Netlist;
}

/// Writes the programs of the corpus again, for a changed format or command set.
#[test]
#[ignore = "writes into the corpus"]
fn programs_of_the_corpus() {
    let config = preset("tiny").unwrap();
    for seed in 1..=4 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let size = Size { extent: 4, channels: 6, depth: seed as usize };
        let network = random::network(&mut rng, &config, size);
        let program = compile(&network, &config, &Options::default()).unwrap().program;
        program.write(&Kind::Program.folder().join(format!("random-{seed}.pecan"))).unwrap();
    }
}
