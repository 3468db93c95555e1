//! The decoder's clock, and the memory and store engine that advance with it.

use pecan_config::geometry::Geometry;
use pecan_config::isa::counter::{Counter, Counters};
use pecan_config::isa::{ErrorCode, payload_beats, payload_cycles};

use super::Outcome;
use super::activity::{Streams, Toggles};
use super::background::{DrainPort, LoaderPort};
use super::store::Store;
use super::timing::Timer;
use pecan_ir::memory::{DramTiming, MemoryModel, MemoryState};
use pecan_ir::program::{OrderedTransfer, Ordering};

/// Use of the beat on the input stream by the decoder in a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// Nothing.
    Ignore,
    /// Uses it and keeps it at the input.
    Use,
    /// Consumes it.
    Take,
}

/// End of a kernel by an error.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub(super) cycle: u64,
    pub(super) code: ErrorCode,
}

/// A kernel in the background.
#[derive(Debug)]
struct Running {
    idle: u64,
    /// Timing of the kernel, until the ports are needed, which is rare; none for a kernel without defined timing.
    timer: Option<Timer>,
    /// Use of the buffer's ports.
    ports: Option<(DrainPort, LoaderPort)>,
    fault: Option<Fault>,
}

/// Position in the beats of one direction.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    transfer: usize,
    beat: u64,
}

impl Cursor {
    /// DRAM address of the beat, if there is one left.
    fn address(&self, list: &[OrderedTransfer], beat_bytes: u64) -> Option<usize> {
        let transfer = list.get(self.transfer)?;
        Some((transfer.address + self.beat * beat_bytes) as usize)
    }

    fn advance(&mut self, list: &[OrderedTransfer]) {
        self.beat += 1;
        if list.get(self.transfer).is_some_and(|t| t.beats == self.beat) {
            *self = Self { transfer: self.transfer + 1, beat: 0 };
        }
    }
}

/// Time, memory, store engine and the kernel in the background.
#[derive(Debug)]
pub(super) struct Clock<'a> {
    /// The next cycle.
    pub(super) now: u64,
    /// Events up to the previous cycle.
    pub(super) counters: Counters,
    /// DRAM.
    pub(super) dram: Vec<u8>,
    /// Bytes that the device has sent.
    ordering: &'a Ordering,
    memory: MemoryState<'a>,
    ideal: bool,
    patience: u64,
    sent: Cursor,
    received: Cursor,
    beat_bytes: usize,
    store: Store,
    /// Beats of the running store that have not left.
    outgoing: std::collections::VecDeque<u8>,
    running: Option<Running>,
    progress: u64,
    streams: Option<&'a mut Streams>,
}

impl<'a> Clock<'a> {
    pub(super) fn new(
        ordering: &'a Ordering,
        model: &MemoryModel,
        geometry: &Geometry,
        dram: Vec<u8>,
        streams: Option<&'a mut Streams>,
    ) -> Self {
        let beat_bytes = geometry.stream_bits / 8;
        let patience = match model {
            MemoryModel::Ideal => 4,
            MemoryModel::Dram(DramTiming { numerator, denominator, latency, .. }) => {
                latency + 4 * (beat_bytes as u64 * denominator).div_ceil(*numerator) + 16
            }
        };
        Self {
            now: 0,
            counters: Counters::default(),
            dram,
            ordering,
            memory: MemoryState::new(ordering, beat_bytes as u64, model),
            ideal: *model == MemoryModel::Ideal,
            patience,
            sent: Cursor::default(),
            received: Cursor::default(),
            beat_bytes,
            store: Store::new(geometry.word_slot, geometry.stream_bits),
            outgoing: std::collections::VecDeque::new(),
            running: None,
            progress: 0,
            streams,
        }
    }

    /// Resets the toggle counts of the streams to 0.
    pub(super) fn restart_streams(&mut self) {
        if let Some(streams) = &mut self.streams {
            streams.restart();
        }
    }

    /// Bits toggled on the streams.
    pub(super) fn stream_toggles(&self) -> Toggles {
        self.streams.as_ref().map_or_else(Toggles::default, |streams| streams.toggles())
    }

    /// Steps one cycle; returns whether the input beat could be used.
    fn step(&mut self, input: Input) -> Result<bool, Outcome> {
        self.check_fault()?;
        let offer = self.memory.begin_cycle();
        let usable = offer.read && input != Input::Ignore;
        let taken = usable && input == Input::Take;
        let now = self.now;
        let busy = !self.store.idle() && self.ports().is_some_and(|(_, loader)| loader.reads(now));
        let events = self.store.cycle(self.now, offer.write, busy);
        self.memory.end_cycle(taken, events.beat);
        if taken {
            self.observe_taken();
            self.sent.advance(&self.ordering.sends);
            self.counters[Counter::BeatsIn] += 1;
        }
        if events.beat {
            self.deliver();
        }
        self.counters[Counter::BufferReads] += u64::from(events.read);
        if usable || events.beat || events.read {
            self.progress = self.now;
        }
        self.now += 1;
        Ok(usable)
    }

    fn observe_taken(&mut self) {
        let Some(streams) = &mut self.streams else { return };
        let address = self.sent.address(&self.ordering.sends, self.beat_bytes as u64);
        if let Some(beat) = address.and_then(|at| self.dram.get(at..at + self.beat_bytes)) {
            streams.taken(beat);
        }
    }

    fn check_fault(&self) -> Result<(), Outcome> {
        match self.running.as_ref().and_then(|run| run.fault) {
            Some(fault) if self.now >= fault.cycle => Err(Outcome::Error(fault.code)),
            _ => Ok(()),
        }
    }

    fn deliver(&mut self) {
        self.counters[Counter::BeatsOut] += 1;
        let bytes: Vec<u8> =
            self.outgoing.drain(..self.beat_bytes.min(self.outgoing.len())).collect();
        if let Some(streams) = &mut self.streams {
            streams.given(&bytes);
        }
        let address = self.received.address(&self.ordering.receives, self.beat_bytes as u64);
        let target = address.and_then(|at| self.dram.get_mut(at..at + bytes.len()));
        if let Some(target) = target {
            target.copy_from_slice(&bytes);
        }
        self.received.advance(&self.ordering.receives);
    }

    /// Advances to cycle `until` without input.
    pub(super) fn advance(&mut self, until: u64) -> Result<(), Outcome> {
        while self.now < until {
            if self.ideal && self.store.idle() {
                // Nothing can happen in between except a fault of the kernel.
                let fault = self.running.as_ref().and_then(|run| run.fault);
                self.now = fault.map_or(until, |fault| fault.cycle.clamp(self.now, until));
                self.check_fault()?;
            } else {
                self.step(Input::Ignore)?;
            }
        }
        Ok(())
    }

    /// Uses the input beat in the first cycle in which it is available (and, for a write of the global buffer, the
    /// drain does not write).
    fn input(&mut self, input: Input, buffer_write: bool) -> Result<(), Outcome> {
        self.progress = self.now;
        loop {
            let now = self.now;
            let yields = buffer_write && self.ports().is_some_and(|(drain, _)| drain.writes(now));
            if !yields && self.step(input)? {
                return Ok(());
            }
            if yields {
                self.step(Input::Ignore)?;
            }
            self.check_progress()?;
        }
    }

    /// Reports a device that waits for an event that cannot occur.
    fn check_progress(&mut self) -> Result<(), Outcome> {
        if self.memory.all_sent() && self.store.idle() {
            self.check_later_fault()?;
            return Err(Outcome::Starved);
        }
        self.check_stall()
    }

    fn check_stall(&mut self) -> Result<(), Outcome> {
        // The loader may block the store engine's reads for as long as a kernel lasts.
        if self.running.as_ref().is_some_and(|run| run.idle > self.now) {
            self.progress = self.now;
        }
        if self.now > self.progress + self.patience {
            return Err(Outcome::Stalled);
        }
        Ok(())
    }

    /// Reports the fault of a kernel that occurs while the device waits for input.
    fn check_later_fault(&self) -> Result<(), Outcome> {
        match self.running.as_ref().and_then(|run| run.fault) {
            Some(fault) => Err(Outcome::Error(fault.code)),
            None => Ok(()),
        }
    }

    fn ports(&mut self) -> Option<&mut (DrainPort, LoaderPort)> {
        let running = self.running.as_mut()?;
        if let Some(timer) = running.timer.take() {
            running.ports = Some((DrainPort::new(timer.clone()), LoaderPort::new(timer)));
        }
        running.ports.as_mut()
    }

    /// Uses the input beat and keeps it at the input, see [`Self::input`].
    pub(super) fn use_beat(&mut self, buffer_write: bool) -> Result<&[u8], Outcome> {
        let at = self.sent;
        self.input(Input::Use, buffer_write)?;
        Ok(self.beat(at))
    }

    /// Consumes the input beat, see [`Self::input`].
    pub(super) fn take_beat(&mut self, buffer_write: bool) -> Result<&[u8], Outcome> {
        let at = self.sent;
        self.input(Input::Take, buffer_write)?;
        Ok(self.beat(at))
    }

    /// Consumes the payload of a load of `items` in slots of `slot` bits, whatever its contents. With ideal memory, a
    /// stretch without other events is consumed at once.
    pub(super) fn take_payload(
        &mut self,
        items: u64,
        slot: usize,
        stream: usize,
        buffer_write: bool,
    ) -> Result<(), Outcome> {
        let (parts, per_beat) = ((slot / stream).max(1), (stream / slot).max(1) as u64);
        for item in 0..items {
            if item.is_multiple_of(per_beat) && self.quiet(buffer_write) {
                self.now += payload_cycles(items - item, slot, stream);
                self.counters[Counter::BeatsIn] += payload_beats(items - item, slot, stream);
                return Ok(());
            }
            let leaves = item + 1 == items || (item + 1).is_multiple_of(per_beat);
            if !leaves {
                self.use_beat(buffer_write)?;
                continue;
            }
            for part in 0..parts {
                self.take_beat(buffer_write && part + 1 == parts)?;
            }
        }
        Ok(())
    }

    /// Whether a load has memory and the buffer's port for itself, and no kernel will end in a fault.
    fn quiet(&self, buffer_write: bool) -> bool {
        let running = self
            .running
            .as_ref()
            .is_some_and(|run| run.fault.is_some() || (buffer_write && run.idle > self.now));
        self.ideal && self.store.idle() && !running
    }

    fn beat(&self, at: Cursor) -> &[u8] {
        let address = at.address(&self.ordering.sends, self.beat_bytes as u64);
        address.and_then(|at| self.dram.get(at..at + self.beat_bytes)).unwrap_or(&[])
    }

    /// Whether a kernel is running in this cycle.
    pub(super) fn computes(&self) -> bool {
        self.running.as_ref().is_some_and(|run| run.fault.is_some() || run.idle > self.now)
    }

    /// Waits until the compute engine is idle.
    pub(super) fn wait_compute(&mut self) -> Result<(), Outcome> {
        let Some(run) = &self.running else { return Ok(()) };
        // A faulty kernel never becomes idle; its fault stops the clock before.
        let until = run.fault.map_or(run.idle, |fault| fault.cycle + 1);
        self.advance(until)
    }

    /// Waits until the store engine is idle.
    pub(super) fn wait_store(&mut self) -> Result<(), Outcome> {
        self.progress = self.now;
        while !self.store.idle() {
            self.step(Input::Ignore)?;
            self.check_stall()?;
        }
        Ok(())
    }

    /// Starts a store in this cycle.
    pub(super) fn start_store(&mut self, words: u64, mut payload: Vec<u8>) {
        payload.resize(payload.len().next_multiple_of(self.beat_bytes), 0);
        self.outgoing = payload.into();
        self.store.start(self.now, words);
    }

    /// Puts a kernel started in this cycle into the background.
    pub(super) fn start_run(&mut self, timer: Timer, idle: u64, fault: Option<Fault>) {
        self.running = Some(Running { idle, timer: Some(timer), ports: None, fault });
    }

    /// A kernel without defined timing, which its limit ends in cycle `abort`.
    pub(super) fn start_endless(&mut self, abort: u64) {
        let fault = Some(Fault { cycle: abort, code: ErrorCode::RunLimit });
        self.running = Some(Running { idle: abort, timer: None, ports: None, fault });
    }
}
