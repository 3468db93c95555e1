//! The keys of a profile.

/// Type of the value of a key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Form {
    /// A text that is not empty.
    Text,
    /// A list of texts that are not empty.
    Texts,
    /// The name of an item that gets files of its own.
    Name,
    /// The name of a cell or pin.
    Identifier,
    /// A list of names of cells or pins.
    Identifiers,
    /// A list of names of cells in which `*` matches any text.
    Patterns,
    /// A number within these bounds, both legal.
    Number(f64, f64),
}

/// One key.
#[derive(Debug)]
pub(super) struct Key {
    /// Section; empty at the top.
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    pub(super) form: Form,
    /// Whether it is required in a section that is present.
    pub(super) required: bool,
}

impl Key {
    /// Name as a person writes it: `section.key`.
    pub(super) fn path(&self) -> String {
        match self.section {
            "" => self.name.to_owned(),
            section => format!("{section}.{}", self.name),
        }
    }
}

const fn key(section: &'static str, name: &'static str, form: Form, required: bool) -> Key {
    Key { section, name, form, required }
}

/// Sections that may be left out as a whole.
pub(super) const OPTIONAL: &[&str] = &["clock_gate", "tie", "cells", "sram"];

/// Every key.
pub(super) const KEYS: &[Key] = &[
    key("", "name", Form::Name, true),
    key("", "description", Form::Text, true),
    key("", "node_nm", Form::Number(1.0, 10_000.0), true),
    key("liberty", "files", Form::Texts, true),
    key("liberty", "folders", Form::Texts, false),
    key("liberty", "install", Form::Text, false),
    key("clock_gate", "cell", Form::Identifier, true),
    key("clock_gate", "enable", Form::Identifier, true),
    key("clock_gate", "clock", Form::Identifier, true),
    key("clock_gate", "output", Form::Identifier, true),
    key("clock_gate", "tie_low", Form::Identifiers, false),
    key("tie", "high_cell", Form::Identifier, true),
    key("tie", "high_pin", Form::Identifier, true),
    key("tie", "low_cell", Form::Identifier, true),
    key("tie", "low_pin", Form::Identifier, true),
    key("wire", "fixed_ff", Form::Number(0.0, 1e6), true),
    key("wire", "per_fanout_ff", Form::Number(0.0, 1e6), true),
    key("wire", "reason", Form::Text, true),
    key("timing", "period_ns", Form::Number(1e-3, 1e6), true),
    key("timing", "slew_ns", Form::Number(1e-6, 1e3), true),
    key("cells", "dont_use", Form::Patterns, false),
    key("cells", "driver", Form::Identifier, false),
    key("cells", "load_ff", Form::Number(0.0, 1e6), false),
    key("sram", "files", Form::Texts, true),
];

/// The names of the sections, without the top, in order.
pub(super) fn sections() -> Vec<&'static str> {
    let mut names: Vec<&str> = Vec::new();
    for key in KEYS {
        if !key.section.is_empty() && !names.contains(&key.section) {
            names.push(key.section);
        }
    }
    names
}
