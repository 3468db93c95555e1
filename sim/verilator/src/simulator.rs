//! Running jobs on a built model.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering as Atomic};
use std::sync::mpsc;

use super::build::Recipe;
use super::cache;
use super::{BuildOptions, Verilator, VerilogFile, WaveFormat};
use crate::harness::{
    BenchResult, Job, Orderings, RunResult, decode_bench, decode_runs, encode_job,
};
use pecan_host::child;
use pecan_host::child::Scratch;
use pecan_ir::error::{Result, SimError};

/// Most runs given to one process of [`Simulator::run_parallel`]; bounds its job and result files.
const RUNS_PER_PROCESS: usize = 64;

/// An executable model of one accelerator.
#[derive(Clone, Debug)]
pub struct Simulator {
    /// The executable in the cache.
    pub executable: PathBuf,
    /// Options of the build.
    pub options: BuildOptions,
    /// Waveform format, if it was built with [`BuildOptions::wave`].
    pub wave: Option<WaveFormat>,
    /// Wall-clock seconds of the build, also if it happened in an earlier process.
    pub build_seconds: f64,
    /// Whether it came from the cache.
    pub cached: bool,
}

impl Simulator {
    /// Builds the model of the design in `sources`, or takes it from the cache.
    ///
    /// # Errors
    /// [`HostError::ToolFailed`](pecan_host::error::HostError::ToolFailed) with Verilator's or the compiler's words, [`SimError::InvalidJob`] for an
    /// impossible stream width or file name, [`HostError::Io`](pecan_host::error::HostError::Io) if the cache is not writable.
    pub fn build(
        sources: &[VerilogFile],
        options: &BuildOptions,
        verilator: &Verilator,
    ) -> Result<Self> {
        let wave = options.wave.then(|| verilator.wave_format());
        Self::build_with(sources, options, verilator, wave)
    }

    /// As [`Self::build`], with waveforms in this format regardless of the options and the machine.
    ///
    /// # Errors
    /// As [`Self::build`].
    pub fn build_with_wave(
        sources: &[VerilogFile],
        options: &BuildOptions,
        verilator: &Verilator,
        format: WaveFormat,
    ) -> Result<Self> {
        let options = BuildOptions { wave: true, ..*options };
        Self::build_with(sources, &options, verilator, Some(format))
    }

    fn build_with(
        sources: &[VerilogFile],
        options: &BuildOptions,
        verilator: &Verilator,
        wave: Option<WaveFormat>,
    ) -> Result<Self> {
        if options.stream_bits == 0 || !options.stream_bits.is_multiple_of(32) {
            return Err(SimError::InvalidJob {
                key: "stream_bits",
                value: options.stream_bits.to_string(),
                allowed: "a multiple of 32".into(),
            });
        }
        // A name with a folder could escape the build folder; one with a dash would be an option.
        let plain = |name: &str| {
            let legal = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
            name.ends_with(".v") && !name.starts_with(['-', '.']) && name.chars().all(legal)
        };
        if let Some(file) = sources.iter().find(|file| !plain(&file.name)) {
            return Err(SimError::InvalidJob {
                key: "Verilog file name",
                value: file.name.clone(),
                allowed: "letters, digits, _, - and ., ending in .v".into(),
            });
        }
        let entry = cache::obtain(&Recipe { verilator, sources, options: *options, wave })?;
        Ok(Self {
            executable: entry.folder.join(cache::EXECUTABLE),
            options: *options,
            wave: entry.detail.wave,
            build_seconds: entry.seconds,
            cached: entry.cached,
        })
    }

    /// Runs a job in one process; results in the order of the inputs.
    ///
    /// # Errors
    /// An invalid job, a program for other hardware ([`SimError::ConfigMismatch`]), a crash of the model
    /// ([`HostError::ToolFailed`](pecan_host::error::HostError::ToolFailed)) or its time limit ([`HostError::TimedOut`](pecan_host::error::HostError::TimedOut)). A run that ends in an error
    /// flag or a watchdog is *not* an error here: see [`RunResult::outcome`].
    pub fn run(&self, job: &Job) -> Result<Vec<RunResult>> {
        self.check(job)?;
        self.run_range(job, &Orderings::of(job), 0..job.inputs.len())
    }

    /// Runs a job in up to `threads` processes; results in the order of the inputs, and the same as those
    /// of [`Self::run`].
    ///
    /// # Errors
    /// As [`Self::run`]; the first error stops the processes that have not started.
    pub fn run_parallel(&self, job: &Job, threads: usize) -> Result<Vec<RunResult>> {
        let mut results = Vec::with_capacity(job.inputs.len());
        self.run_each(job, threads, &mut |_, result| results.push(result))?;
        Ok(results)
    }

    /// As [`Self::run_parallel`], passing each result to `sink` with its run's number, in order, as soon as it and all
    /// before it are available.
    ///
    /// # Errors
    /// As [`Self::run`]; results before the failed part have been passed on.
    pub fn run_each(
        &self,
        job: &Job,
        threads: usize,
        sink: &mut dyn FnMut(usize, RunResult),
    ) -> Result<()> {
        self.check(job)?;
        let (orderings, total) = (Orderings::of(job), job.inputs.len());
        // One waveform file cannot be written by several processes, and a pin trace continues across runs.
        let single = job.settings.wave.is_some() || job.settings.pins;
        let threads = if single { 1 } else { threads.max(1) };
        let limit = if threads == 1 { total } else { RUNS_PER_PROCESS };
        let size = total.div_ceil(threads).clamp(1, limit.max(1));
        let parts = total.div_ceil(size);
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let (sender, receiver) = mpsc::channel();
        std::thread::scope(|scope| {
            for _ in 0..threads.min(parts) {
                let (sender, next, stop, orderings) = (sender.clone(), &next, &stop, &orderings);
                scope.spawn(move || {
                    while !stop.load(Atomic::Relaxed) {
                        let part = next.fetch_add(1, Atomic::Relaxed);
                        if part >= parts {
                            return;
                        }
                        let range = part * size..total.min((part + 1) * size);
                        let result = self.run_range(job, orderings, range);
                        stop.fetch_or(result.is_err(), Atomic::Relaxed);
                        if sender.send((part, result)).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            deliver(receiver, size, sink)
        })
    }

    /// Measures the harness against a loop that only toggles the clock and replays the recorded pins, on
    /// the job's first input, `repeats` times.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn bench(&self, job: &Job, repeats: usize) -> Result<BenchResult> {
        self.check(job)?;
        let Some(input) = job.inputs.first() else {
            let allowed = "at least one input".into();
            return Err(SimError::InvalidJob { key: "inputs", value: "none".into(), allowed });
        };
        let inputs = vec![input.clone(); repeats.max(1)];
        let settings = job.settings.clone();
        let job = Job { program: job.program, later: None, inputs: &inputs, settings };
        let bytes = self.launch("bench", &job, &Orderings::of(&job), 0)?;
        decode_bench(&bytes, job.program.id())
    }

    fn check(&self, job: &Job) -> Result<()> {
        job.validate()?;
        if job.program.stream_bits != self.options.stream_bits {
            return Err(SimError::InvalidJob {
                key: "stream_bits of the program",
                value: job.program.stream_bits.to_string(),
                allowed: format!("the {} of the simulated hardware", self.options.stream_bits),
            });
        }
        match &job.settings.wave {
            Some(path) if self.wave.is_none() => Err(SimError::InvalidJob {
                key: "wave",
                value: path.display().to_string(),
                allowed: "none, as the simulator was built without waveform support".into(),
            }),
            _ => Ok(()),
        }
    }

    fn run_range(
        &self,
        job: &Job,
        orderings: &Orderings,
        range: Range<usize>,
    ) -> Result<Vec<RunResult>> {
        let first = range.start as u64;
        let part = Job {
            program: job.program,
            later: job.later,
            inputs: &job.inputs[range],
            settings: job.settings.clone(),
        };
        let bytes = self.launch("run", &part, orderings, first)?;
        let (id, stream) = (job.program.id(), job.program.stream_bits);
        decode_runs(&bytes, id, stream, part.inputs.len(), self.options.counters)
    }

    /// Runs the executable on a job file and returns its result file.
    fn launch(&self, mode: &str, job: &Job, orderings: &Orderings, first: u64) -> Result<Vec<u8>> {
        let folder = Scratch::new()?;
        let (request, answer) = (folder.path().join("job"), folder.path().join("result"));
        let bytes = encode_job(job, orderings, self.options.counters, first);
        write(&request, &bytes)?;
        drop(bytes);
        let mut command = Command::new(&self.executable);
        command.arg(mode).arg(&request).arg(&answer).env("TMPDIR", folder.path());
        child::run("simulator", &mut command, job.settings.timeout)?;
        fs::read(&answer).map_err(SimError::io("read", &answer))
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).map_err(SimError::io("write", path))
}

/// Puts the parts in order and passes their results on.
fn deliver(
    receiver: mpsc::Receiver<(usize, Result<Vec<RunResult>>)>,
    size: usize,
    sink: &mut dyn FnMut(usize, RunResult),
) -> Result<()> {
    let mut waiting = std::collections::BTreeMap::new();
    let (mut expected, mut failure) = (0, None);
    for (part, result) in receiver {
        match result {
            Ok(results) => _ = waiting.insert(part, results),
            Err(error) => failure = failure.or(Some(error)),
        }
        while let Some(results) = waiting.remove(&expected) {
            for (index, result) in results.into_iter().enumerate() {
                sink(expected * size + index, result);
            }
            expected += 1;
        }
    }
    failure.map_or(Ok(()), Err)
}
