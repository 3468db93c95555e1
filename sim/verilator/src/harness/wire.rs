//! Job and result files: the Rust side of `cpp/wire.h`. All numbers are 64-bit little endian.

use pecan_ir::error::{Result, SimError};
use pecan_ir::memory::MemoryModel;
use pecan_ir::program::{OrderedTransfer, Ordering, Program};

use super::{BenchResult, Job, LayerSnapshot, Outcome, PinTrace, Pins, RunResult};

struct JobWriter(Vec<u8>);

impl JobWriter {
    fn number(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn numbers(&mut self, values: &[u64]) {
        values.iter().for_each(|value| self.number(*value));
    }

    fn block(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn program(&mut self, program: &Program, ordering: &Ordering) {
        self.transfers(&ordering.sends);
        self.transfers(&ordering.receives);
        self.block(&program.dram);
    }

    fn transfers(&mut self, list: &[OrderedTransfer]) {
        self.number(list.len() as u64);
        for transfer in list {
            self.numbers(&[transfer.address, transfer.beats, transfer.wait]);
        }
    }
}

/// The orders of transfers of a job's programs.
pub(crate) struct Orderings {
    first: Ordering,
    later: Option<Ordering>,
}

impl Orderings {
    /// The orders of the programs of `job`.
    pub(crate) fn of(job: &Job) -> Self {
        Self { first: Ordering::of(job.program), later: job.later.map(Ordering::of) }
    }
}

/// A probability in units of 2^-32.
fn threshold(probability: f64) -> u64 {
    (probability * 4_294_967_296.0).round() as u64
}

/// Encodes a validated job. `first_run` is the number of its first run in the user's job.
pub(crate) fn encode_job(
    job: &Job,
    orderings: &Orderings,
    counters: usize,
    first_run: u64,
) -> Vec<u8> {
    let (program, settings) = (job.program, &job.settings);
    let mut out = JobWriter(Vec::with_capacity(program.dram.len() + 4096));
    out.0.extend_from_slice(b"PECANJB1");
    out.numbers(&[program.beat_bytes(), counters as u64, u64::from(program.id())]);
    match settings.memory {
        MemoryModel::Ideal => out.numbers(&[0, 0, 0, 1]),
        MemoryModel::Dram(t) => out.numbers(&[t.numerator, t.denominator, t.latency, t.window]),
    }
    let stalls = settings.stalls;
    out.numbers(&[stalls.seed, threshold(stalls.input), threshold(stalls.output)]);
    out.numbers(&[
        settings.watchdog,
        settings.max_cycles,
        u64::from(settings.whole_dram),
        u64::from(settings.pins),
        first_run,
    ]);
    let wave = settings.wave.as_deref().map(|path| path.to_string_lossy().into_owned());
    out.block(wave.unwrap_or_default().as_bytes());
    out.numbers(&[program.input.address, program.input.bytes]);
    out.numbers(&[program.output.address, program.output.bytes]);
    out.program(program, &orderings.first);
    let later = job.later.zip(orderings.later.as_ref());
    out.number(u64::from(later.is_some()));
    if let Some((program, ordering)) = later {
        out.program(program, ordering);
    }
    out.number(job.inputs.len() as u64);
    job.inputs.iter().for_each(|input| out.block(input));
    out.0
}

struct ResultReader<'a>(&'a [u8]);

impl<'a> ResultReader<'a> {
    fn take(&mut self, count: u64) -> Result<&'a [u8]> {
        let split = usize::try_from(count).ok().and_then(|count| self.0.split_at_checked(count));
        let (head, tail) = split.ok_or_else(|| SimError::Protocol("it is cut short".into()))?;
        self.0 = tail;
        Ok(head)
    }

    fn number(&mut self) -> Result<u64> {
        let mut raw = [0; 8];
        raw.copy_from_slice(self.take(8)?);
        Ok(u64::from_le_bytes(raw))
    }

    fn block(&mut self) -> Result<Vec<u8>> {
        let count = self.number()?;
        Ok(self.take(count)?.to_vec())
    }

    fn expect(&mut self, magic: &str) -> Result<()> {
        let found = self.take(8)?;
        if found == magic.as_bytes() {
            return Ok(());
        }
        let found = String::from_utf8_lossy(found);
        Err(SimError::Protocol(format!("expected {magic}, found {found:?}")))
    }

    /// Checks the header and that the hardware is the one the program was compiled for.
    fn header(&mut self, program: u32) -> Result<()> {
        self.expect("PECANRS1")?;
        let device = self.number()? as u32;
        if device == program {
            return Ok(());
        }
        Err(SimError::ConfigMismatch { program, device })
    }

    fn counters(&mut self, count: usize) -> Result<Vec<u64>> {
        (0..count).map(|_| self.number()).collect()
    }

    fn run(&mut self, counters: usize, stream_bits: u32) -> Result<RunResult> {
        self.expect("PECANRUN")?;
        let (kind, code, cycles) = (self.number()?, self.number()?, self.number()?);
        let (sent_bytes, received_bytes) = (self.number()?, self.number()?);
        let pins = self.number()?;
        let bit = |index: u32| pins >> index & 1 == 1;
        let outcome = match kind {
            0 => Outcome::Done,
            1 => Outcome::Error { code: code as u8 },
            2 => Outcome::Starved,
            3 => Outcome::Stalled(Pins {
                in_valid: bit(0),
                in_ready: bit(1),
                out_valid: bit(2),
                out_ready: bit(3),
            }),
            4 => Outcome::CycleLimit,
            5 => Outcome::Incomplete,
            other => return Err(SimError::Protocol(format!("unknown outcome {other}"))),
        };
        let count = self.number()?;
        let marks: Vec<(u64, u64)> =
            (0..count).map(|_| Ok((self.number()?, self.number()?))).collect::<Result<_>>()?;
        let start_counters = self.counters(counters)?;
        let mut layers = Vec::new();
        for (layer, cycle) in marks {
            let counters = self.counters(counters)?;
            layers.push(LayerSnapshot { layer: layer as u16, cycle, counters });
        }
        Ok(RunResult {
            outcome,
            cycles,
            sent_bytes,
            received_bytes,
            start_counters,
            layers,
            counters: self.counters(counters)?,
            output: self.block()?,
            dram: self.block()?,
            trace: PinTrace::new(stream_bits, self.block()?)?,
        })
    }
}

/// Decodes the results of `runs` runs of the program with identifier `id` for beats of `stream_bits`.
pub(crate) fn decode_runs(
    bytes: &[u8],
    id: u32,
    stream_bits: u32,
    runs: usize,
    counters: usize,
) -> Result<Vec<RunResult>> {
    let mut reader = ResultReader(bytes);
    reader.header(id)?;
    let run = |_| reader.run(counters, stream_bits);
    let results = (0..runs).map(run).collect::<Result<_>>()?;
    reader.expect("PECANEND")?;
    Ok(results)
}

/// Decodes the result of a benchmark.
pub(crate) fn decode_bench(bytes: &[u8], id: u32) -> Result<BenchResult> {
    let mut reader = ResultReader(bytes);
    reader.header(id)?;
    reader.expect("PECANBEN")?;
    let (cycles, repeats) = (reader.number()?, reader.number()?);
    let speed = |nanoseconds: u64| cycles as f64 * 1e9 / nanoseconds.max(1) as f64;
    let mut result = BenchResult { cycles, harness: Vec::new(), bare: Vec::new() };
    for _ in 0..repeats {
        result.harness.push(speed(reader.number()?));
        result.bare.push(speed(reader.number()?));
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_results_are_errors_not_panics() {
        let mut good = JobWriter(b"PECANRS1".to_vec());
        good.number(7);
        good.0.extend_from_slice(b"PECANRUN");
        good.numbers(&[1, 9, 100, 8, 16, 0, 1, 1, 50, 0, 5, 6]);
        good.block(b"out");
        good.block(b"");
        good.block(b"elevenbytes");
        good.0.extend_from_slice(b"PECANEND");
        let results = decode_runs(&good.0, 7, 32, 1, 1).unwrap();
        assert_eq!(results[0].outcome, Outcome::Error { code: 9 });
        assert_eq!(results[0].layers[0].counters, [5]);
        assert_eq!(results[0].output, b"out");
        assert_eq!(results[0].trace.len(), 1);
        for cut in 0..good.0.len() {
            assert!(decode_runs(&good.0[..cut], 7, 32, 1, 1).is_err(), "cut at {cut}");
        }
        let error = decode_runs(&good.0, 8, 32, 1, 1).unwrap_err();
        assert!(error.to_string().contains("00000008"));
    }
}
