//! Counting of changes and of times.

use std::io::BufRead;

use super::super::hierarchy::BitOf;
use super::slots::{Slots, value};
use super::{Fault, Header, Window, Words, shown};

/// Toggles and times at 1.
#[derive(Debug)]
pub(in super::super) struct Counts {
    /// ns per unit of time.
    pub(in super::super) scale_ns: f64,
    /// Units of time that count.
    pub(in super::super) duration: u64,
    slots: Slots,
}

impl Counts {
    /// Toggles and units of time at 1 of a net.
    pub(in super::super) fn of(&self, net: usize) -> Option<(u64, u64)> {
        self.slots.of(net)
    }
}

/// Where the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    /// Among changes.
    Changes,
    /// In `$dumpall`: all values once more, of which one that has changed at this time may not have been written yet.
    All,
    /// In a section that states values without saying when they came: `$dumpvars`, `$dumpon`, `$dumpoff`.
    State,
}

struct Counter<R> {
    words: Words<R>,
    header: Header,
    slots: Slots,
    /// Changes later than the first and up to the second count, in units of the file.
    window: (u64, u64),
    /// First and present time of the file.
    start: Option<u64>,
    now: u64,
    /// Units of time that counted.
    counted: u64,
    /// The dump is switched on.
    on: bool,
    section: Section,
    /// Changes count at present.
    counts: bool,
    /// Bits of a value.
    digits: Vec<u8>,
}

/// Counts the changes behind a header for the nets of a design, whose bits are given.
pub(in super::super) fn count<R: BufRead>(
    words: Words<R>,
    header: Header,
    bits: &[Option<BitOf>],
    window: &Window,
) -> Result<Counts, Fault> {
    // Numbers beyond the greatest become it.
    let units = |ns: f64| (ns / header.scale_ns).round() as u64;
    let range = (window.from_ns.map_or(0, units), window.to_ns.map_or(u64::MAX, units));
    let slots = Slots::new(bits, header.widths.len());
    let mut counter = Counter {
        words,
        header,
        slots,
        window: range,
        start: None,
        now: 0,
        counted: 0,
        on: true,
        section: Section::Changes,
        counts: false,
        digits: Vec::new(),
    };
    counter.read()?;
    counter.finish(window)
}

impl<R: BufRead> Counter<R> {
    fn read(&mut self) -> Result<(), Fault> {
        while self.words.advance()? {
            let word = self.words.word();
            match word[0] {
                b'#' => {
                    if self.time()? {
                        return Ok(());
                    }
                }
                b'$' => self.section()?,
                b'b' | b'B' => self.vector()?,
                b'r' | b'R' | b's' | b'S' => {
                    self.words.required("an identifier")?;
                    let identifier = self.words.word();
                    if !self.header.identifiers.contains_key(identifier) {
                        return Err(self.undeclared(identifier));
                    }
                }
                first if value(first).is_some() => {
                    let (digits, identifier) = word.split_at(1);
                    let Some(&number) = self.header.identifiers.get(identifier) else {
                        return Err(self.undeclared(identifier));
                    };
                    self.slots.change(number, digits, self.counted, self.counts);
                }
                _ => {
                    let text = format!(
                        "{} is no change of a value; allowed are `0`, `1`, `x`, `z` with an identifier behind it, \
                         `b...`, `r...` and `s...` before one, `#` with a time, `$dumpvars`, `$dumpall`, `$dumpon`, \
                         `$dumpoff`, `$comment` and `$end` (ports of the extended format are not read)",
                        shown(word)
                    );
                    return Err(self.words.problem(text));
                }
            }
        }
        Ok(())
    }

    fn undeclared(&self, identifier: &[u8]) -> Fault {
        self.words.problem(format!("identifier {} is not declared", shown(identifier)))
    }

    /// Sets whether changes count from here on.
    fn update(&mut self) {
        let (from, to) = self.window;
        let inside = self.start.is_some_and(|start| self.now > from.max(start)) && self.now <= to;
        self.counts = inside && self.on && self.section != Section::State;
    }

    /// A time; true if nothing behind it counts.
    fn time(&mut self) -> Result<bool, Fault> {
        let word = self.words.word();
        let time = std::str::from_utf8(&word[1..]).ok().and_then(|text| text.parse::<u64>().ok());
        let Some(time) = time else {
            let text = format!("{} is no time; allowed is a whole number behind `#`", shown(word));
            return Err(self.words.problem(text));
        };
        if self.section != Section::Changes {
            return Err(self.words.problem("a time inside of a section without `$end`".into()));
        }
        if time < self.now {
            let text = format!("time {time} is before {}, the one before it", self.now);
            return Err(self.words.problem(text));
        }
        let start = *self.start.get_or_insert(time);
        let (from, to) = (self.window.0.max(start), self.window.1);
        if self.on && time > from {
            self.counted += time.min(to).saturating_sub(self.now.max(from));
        }
        self.now = time;
        self.update();
        Ok(time > to)
    }

    fn section(&mut self) -> Result<(), Fault> {
        let inside = self.section != Section::Changes;
        let begins = match self.words.word() {
            b"$comment" => return self.words.skip(),
            b"$end" if inside => Section::Changes,
            b"$dumpall" if !inside => Section::All,
            b"$dumpvars" if !inside => Section::State,
            b"$dumpon" if !inside => {
                self.on = true;
                Section::State
            }
            b"$dumpoff" if !inside => {
                self.on = false;
                Section::State
            }
            word => {
                let allowed = if inside {
                    "changes and `$end`"
                } else {
                    "changes, times, `$dumpvars`, `$dumpall`, `$dumpon`, `$dumpoff` and `$comment`"
                };
                let text = format!("{} is not expected here; allowed are {allowed}", shown(word));
                return Err(self.words.problem(text));
            }
        };
        self.section = begins;
        self.update();
        Ok(())
    }

    fn vector(&mut self) -> Result<(), Fault> {
        self.digits.clear();
        self.digits.extend_from_slice(&self.words.word()[1..]);
        let digits = &self.digits;
        if digits.is_empty() || digits.iter().any(|digit| value(*digit).is_none()) {
            let text = format!("{} is no value of bits", shown(self.words.word()));
            return Err(self.words.problem(text));
        }
        self.words.required("an identifier")?;
        let identifier = self.words.word();
        let Some(&number) = self.header.identifiers.get(identifier) else {
            return Err(self.undeclared(identifier));
        };
        let width = self.header.widths[number as usize];
        if let Some(width) = width.filter(|width| digits.len() as u64 > u64::from(*width)) {
            let text = format!("a value of {} bits for {width}", digits.len());
            return Err(self.words.problem(text));
        }
        self.slots.change(number, digits, self.counted, self.counts);
        Ok(())
    }

    /// Closes all times at 1.
    fn finish(mut self, window: &Window) -> Result<Counts, Fault> {
        let scale_ns = self.header.scale_ns;
        let start = self.start.ok_or_else(|| "there is no time in the file".to_string())?;
        let ns = |units: u64| units as f64 * scale_ns;
        let (from, to) =
            (window.from_ns.unwrap_or(ns(start)), window.to_ns.unwrap_or(ns(self.now)));
        let early = self.window.0 > 0 && self.window.0 < start;
        let late = self.window.1 < u64::MAX && self.window.1 > self.now;
        if early || late || self.window.0 > self.now {
            let text = format!(
                "the window from {from} to {to} ns is not inside of the file, which goes from {} to {} ns",
                ns(start),
                ns(self.now)
            );
            return Err(text.into());
        }
        if self.counted == 0 {
            let begin = ns(start);
            let text = format!("no time counts from {from} to {to} ns; the file begins at {begin}");
            return Err(text.into());
        }
        self.slots.close(self.counted);
        Ok(Counts { scale_ns, duration: self.counted, slots: self.slots })
    }
}
