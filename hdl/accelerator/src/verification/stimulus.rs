//! Random stimulus that exercises the blocks.

use rust_hdl_core::block::Block;

use super::commands::Commands;
use pecan_rtl::prelude::*;
use pecan_rtl::wrap;

/// A block whose inputs can be driven.
pub(crate) trait Stimulus: Block + Sized {
    /// Sets the clock.
    fn set_clock(&mut self, high: bool);

    /// Sets all inputs but the clock for the next cycle and returns their number.
    fn drive(&mut self, source: &mut Source) -> usize;

    /// Observes the block before the rising edge, when all signals have settled.
    fn settled(&mut self, _source: &mut Source) {}
}

/// Distribution of an input.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Anything; the activity changes every few cycles.
    Free,
    /// A flag that is up in the first cycle and in one of so many.
    Rare(u64),
    /// Below a limit.
    Below(usize),
    /// A register index that runs through all of them, with jumps.
    Sweep,
    /// 0 to 3, rarely more: typical counts and extents of configuration registers.
    Few,
}

/// Activity of an input for the next few cycles.
#[derive(Clone, Copy, Default)]
struct Mood {
    /// Chance of a flag to be up, in sixteenths.
    up: u64,
    /// Values of a number: 0 holds, 1 stays small, 2 is 0, else anything.
    number: u64,
}

/// Cycles between changes of mood.
const EPOCH: usize = 48;

/// The random numbers of one run.
pub(crate) struct Source {
    state: u64,
    cycle: usize,
    moods: Vec<Mood>,
    /// Command stream of a block that takes one.
    pub(super) commands: Option<Commands>,
}

impl Source {
    /// A source whose numbers depend on `name` only.
    pub(super) fn new(name: &str, commands: Option<Commands>) -> Self {
        let seed = name.bytes().fold(7, |seed: u64, b| seed.wrapping_mul(257) + u64::from(b));
        Self { state: seed, cycle: 0, moods: Vec::new(), commands }
    }

    pub(super) fn next_cycle(&mut self) -> &mut Self {
        self.cycle += 1;
        if self.cycle % EPOCH == 1 {
            self.moods.clear();
        }
        self
    }

    /// Whether this is the first cycle.
    pub(super) fn first_cycle(&self) -> bool {
        self.cycle == 1
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    pub(super) fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// True in one of `n` cases.
    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.word().is_multiple_of(n)
    }

    /// A number below `n`.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.word() % n
    }

    fn mood(&mut self, field: usize) -> Mood {
        while self.moods.len() <= field {
            let up = [1, 2, 4, 8, 8, 12, 14, 15, 16][self.below(9) as usize];
            let number = self.below(8);
            self.moods.push(Mood { up, number });
        }
        self.moods[field]
    }

    fn flag(&mut self, kind: Kind, field: usize) -> bool {
        match kind {
            Kind::Rare(n) => self.cycle == 1 || self.one_in(n),
            _ => self.below(16) < self.mood(field).up,
        }
    }

    /// The next number of an input of `width` bits; `None` to keep the last.
    fn number(&mut self, kind: Kind, field: usize, width: usize) -> Option<u64> {
        match kind {
            Kind::Below(n) => Some(self.below(n as u64)),
            Kind::Sweep if self.one_in(8) => Some(self.word()),
            Kind::Sweep => Some(self.cycle as u64),
            Kind::Few if self.one_in(32) => Some(self.word()),
            Kind::Few => Some([0, 1, 1, 1, 2, 2, 3, 4][self.below(8) as usize]),
            Kind::Free | Kind::Rare(_) => match self.mood(field).number {
                0 => None,
                1 => Some(self.below(4)),
                2 => Some(0),
                _ => Some(match self.below(8) {
                    0 => 0,
                    1 => u64::MAX,
                    2 => 1 << (width - 1),
                    3 => (1 << (width - 1)) - 1,
                    _ => self.word(),
                }),
            },
        }
    }
}

/// An input or a group of inputs.
pub(crate) trait Input {
    /// Sets the inputs and returns their number.
    fn drive(&mut self, kind: Kind, field: usize, source: &mut Source) -> usize;
}

impl Input for Signal<In, Bit> {
    fn drive(&mut self, kind: Kind, field: usize, source: &mut Source) -> usize {
        self.next = source.flag(kind, field);
        1
    }
}

impl Input for Wire<In> {
    fn drive(&mut self, kind: Kind, field: usize, source: &mut Source) -> usize {
        if let Some(number) = source.number(kind, field, self.width()) {
            self.next = wrap(i128::from(number), self.width(), self.is_signed()).into();
        }
        1
    }
}

impl<T: Input> Input for Vec<T> {
    fn drive(&mut self, kind: Kind, field: usize, source: &mut Source) -> usize {
        self.iter_mut().map(|input| input.drive(kind, field, source)).sum()
    }
}

/// Declares the stimulus of a block: its inputs, each with its [`Kind`] unless that is `Free`; `rows[x]` is the field
/// `x` of every bundle of `rows`. A kind may use the block under the name between the bars.
macro_rules! stimulus {
    ($block:ty, |$this:ident| {
        $($input:ident $(.$part:ident)? $([$field:ident])? $(= $kind:expr)?),* $(,)?
    }) => {
        impl $crate::verification::stimulus::Stimulus for $block {
            fn set_clock(&mut self, high: bool) {
                self.clock.next = high.into();
            }

            fn drive(&mut self, source: &mut $crate::verification::stimulus::Source) -> usize {
                use $crate::verification::stimulus::{Input, Kind};
                let ($this, mut field, mut driven) = (self, 0, 0);
                $(
                    #[allow(unused_mut, unused_assignments)]
                    let mut kind = Kind::Free;
                    $(kind = $kind;)?
                    driven += $crate::verification::stimulus::drive!(
                        ($this.$input $(.$part)?) $($field)? => (kind, field, source)
                    );
                    field += 1;
                )*
                let _ = field;
                driven
            }
        }
    };
}

/// Drives one input, or a field of several bundles.
macro_rules! drive {
    (($($input:tt)+) => ($($with:expr),+)) => {
        $($input)+.drive($($with),+)
    };
    (($($input:tt)+) $field:ident => ($($with:expr),+)) => {
        $($input)+.iter_mut().map(|bundle| bundle.$field.drive($($with),+)).sum::<usize>()
    };
}

pub(crate) use {drive, stimulus};
