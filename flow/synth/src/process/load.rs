//! Reads profiles and reports all problems at once.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::NamedSource;
use pecan_technologies::{File, FindError, Found, find, names};
use pecan_text::diagnostic::{Problem, Problems};
use pecan_text::escape::{escape_name, mask, place, shows};
use pecan_text::nearest;
use pecan_text::toml_limits;
use toml::de::{DeTable, DeValue};

use super::error::ProcessError;
use super::keys::{Form, KEYS, Key, OPTIONAL, sections};
use super::{ClockGate, Process, Sizing, Tie, Timing, Wire};
use crate::words::{is_identifier, is_name, is_pattern};

/// A value that has the form of its key.
enum Value {
    Text(String),
    Texts(Vec<String>),
    Number(f64),
}

/// Collects values and problems.
struct ProfileReader {
    source: Arc<NamedSource<String>>,
    text: String,
    values: BTreeMap<String, Value>,
    problems: Problems,
    /// Sections that are present.
    sections: Vec<String>,
}

impl Process {
    /// The profile of a technology by its name, its folder, or the profile's file.
    ///
    /// # Errors
    /// [`ProcessError`] if there is none, or with all problems of it.
    pub fn load(name_or_path: &str) -> Result<Self, ProcessError> {
        match find(name_or_path, File::Process) {
            Ok(Found { text, path }) => {
                let mut process = Self::parse(name_or_path, &text)?;
                process.folder =
                    path.map(|path| path.parent().map(Path::to_path_buf).unwrap_or_default());
                Ok(process)
            }
            Err(error) => {
                let known = names(File::Process).join(", ");
                let near = match &error {
                    FindError::Unknown { nearest: Some(near), .. } => {
                        format!("did you mean `{near}`? ")
                    }
                    _ => String::new(),
                };
                let help = format!("{near}processes are {known}");
                let mut problems = Problems::default();
                problems.report(|| Problem::new(&error.to_string(), Some(&help)));
                Err(ProcessError { origin: name_or_path.to_owned(), problems })
            }
        }
    }

    /// Reads a profile; `origin` names it in messages.
    ///
    /// # Errors
    /// [`ProcessError`] with every problem of the text.
    pub fn parse(origin: &str, text: &str) -> Result<Self, ProcessError> {
        let mut reader = ProfileReader {
            source: Arc::new(NamedSource::new(escape_name(origin), mask(text).into_owned())),
            text: text.to_owned(),
            values: BTreeMap::new(),
            problems: Problems::default(),
            sections: Vec::new(),
        };
        // Text beyond the limits is not parsed.
        let limit = toml_limits::check(text).err();
        let (table, errors) = DeTable::parse_recoverable(if limit.is_some() { "" } else { text });
        if let Some(limit) = &limit {
            reader.report(limit.clone(), "see https://toml.io".into(), None);
        }
        for error in &errors {
            let message = format!("not valid TOML: {}", error.message());
            reader.report(message, "see https://toml.io".into(), error.span());
        }
        if errors.is_empty() && limit.is_none() {
            reader.document(table.get_ref());
        }
        reader.problems.sort();
        match reader.build() {
            Some(process) if reader.problems.is_empty() => Ok(process),
            _ => Err(ProcessError { origin: origin.to_owned(), problems: reader.problems }),
        }
    }
}

impl ProfileReader {
    fn report(&mut self, message: String, help: String, span: Option<Range<usize>>) {
        self.problems.report(|| {
            let Some(span) = span else { return Problem::new(&message, Some(&help)) };
            let line = place(&self.text, span.start).0;
            let problem = Problem::new(&format!("line {line}: {message}"), Some(&help));
            // Lines that are too long to show are already reported.
            if shows(&self.text, &span) {
                problem.at(&self.source, vec![(span, String::new())])
            } else {
                problem
            }
        });
    }

    fn document(&mut self, table: &DeTable<'_>) {
        for (name, value) in table {
            let text = name.get_ref().as_ref();
            match value.get_ref() {
                DeValue::Table(keys) if sections().contains(&text) => {
                    self.sections.push(text.to_owned());
                    for (key, value) in keys {
                        let (word, value_span) = (key.get_ref().as_ref(), value.span());
                        self.assign(text, word, key.span(), value.get_ref(), value_span);
                    }
                }
                DeValue::Table(_) => {
                    let help = suggestion(text, &sections(), "sections");
                    self.report(format!("unknown section `{text}`"), help, Some(name.span()));
                }
                other => self.assign("", text, name.span(), other, value.span()),
            }
        }
        for key in KEYS.iter().filter(|key| key.required) {
            let there = key.section.is_empty() || self.sections.iter().any(|s| s == key.section);
            let needed = there || !OPTIONAL.contains(&key.section);
            let mentioned = self.values.contains_key(&key.path())
                || self
                    .problems
                    .list()
                    .iter()
                    .any(|p| p.to_string().contains(&format!("`{}`", key.path())));
            if needed && !mentioned {
                let help = format!("it is {}", describe(key.form));
                self.report(format!("`{}` is missing", key.path()), help, None);
            }
        }
    }

    fn assign(
        &mut self,
        section: &str,
        name: &str,
        name_span: Range<usize>,
        value: &DeValue<'_>,
        value_span: Range<usize>,
    ) {
        let mine = || KEYS.iter().filter(|key| key.section == section);
        let Some(key) = mine().find(|key| key.name == name) else {
            if self.problems.count_if_full() {
                return;
            }
            let names: Vec<&str> = mine().map(|key| key.name).collect();
            let help = match KEYS.iter().find(|key| key.name == name) {
                Some(other) => format!("did you mean `{}`?", other.path()),
                None => suggestion(name, &names, "keys"),
            };
            let path = if section.is_empty() { name.into() } else { format!("{section}.{name}") };
            self.report(format!("unknown key `{path}`"), help, Some(name_span));
            return;
        };
        match convert(key, value) {
            Some(value) => {
                self.values.insert(key.path(), value);
            }
            None => {
                let shown = self.text[value_span.clone()].trim().to_owned();
                let message = format!("`{}` = {shown} is not legal", key.path());
                self.report(message, format!("it is {}", describe(key.form)), Some(value_span));
            }
        }
    }

    fn text(&mut self, path: &str) -> Option<String> {
        match self.values.remove(path)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    fn texts(&mut self, path: &str) -> Vec<String> {
        match self.values.remove(path) {
            Some(Value::Texts(texts)) => texts,
            _ => Vec::new(),
        }
    }

    fn number(&mut self, path: &str) -> Option<f64> {
        match self.values.remove(path)? {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The profile, if every required key is present.
    fn build(&mut self) -> Option<Process> {
        Some(Process {
            name: self.text("name")?,
            description: self.text("description")?,
            node_nm: self.number("node_nm")?,
            liberty: self.texts("liberty.files"),
            install: self.text("liberty.install").unwrap_or_default(),
            folders: self.texts("liberty.folders").into_iter().map(PathBuf::from).collect(),
            clock_gate: self.clock_gate(),
            tie: self.tie(),
            wire: Wire {
                fixed_ff: self.number("wire.fixed_ff")?,
                per_fanout_ff: self.number("wire.per_fanout_ff")?,
                reason: self.text("wire.reason")?,
            },
            timing: Timing {
                period_ns: self.number("timing.period_ns")?,
                slew_ns: self.number("timing.slew_ns")?,
            },
            dont_use: self.texts("cells.dont_use"),
            sizing: self.sizing(),
            sram: self.texts("sram.files"),
            folder: None,
        })
    }

    fn clock_gate(&mut self) -> Option<ClockGate> {
        Some(ClockGate {
            cell: self.text("clock_gate.cell")?,
            enable: self.text("clock_gate.enable")?,
            clock: self.text("clock_gate.clock")?,
            output: self.text("clock_gate.output")?,
            tie_low: self.texts("clock_gate.tie_low"),
        })
    }

    fn sizing(&mut self) -> Option<Sizing> {
        let (driver, load_ff) = (self.text("cells.driver"), self.number("cells.load_ff"));
        if driver.is_some() != load_ff.is_some() {
            let message = "`cells.driver` and `cells.load_ff` go together".to_owned();
            self.report(message, "give both, or neither to leave gates as mapped".into(), None);
        }
        Some(Sizing { driver: driver?, load_ff: load_ff? })
    }

    fn tie(&mut self) -> Option<Tie> {
        Some(Tie {
            high_cell: self.text("tie.high_cell")?,
            high_pin: self.text("tie.high_pin")?,
            low_cell: self.text("tie.low_cell")?,
            low_pin: self.text("tie.low_pin")?,
        })
    }
}

fn convert(key: &Key, value: &DeValue<'_>) -> Option<Value> {
    let legal = match key.form {
        Form::Name => is_name,
        Form::Identifier | Form::Identifiers => is_identifier,
        Form::Patterns => is_pattern,
        Form::Text | Form::Texts | Form::Number(..) => printable,
    };
    let text = |value: &DeValue<'_>| match value {
        DeValue::String(text) if legal(text) => Some(text.to_string()),
        _ => None,
    };
    match (key.form, value) {
        (Form::Text | Form::Name | Form::Identifier, value) => text(value).map(Value::Text),
        (Form::Texts | Form::Identifiers | Form::Patterns, DeValue::Array(items)) => {
            let texts: Option<Vec<String>> = items.iter().map(|i| text(i.get_ref())).collect();
            texts.filter(|list| !(key.required && list.is_empty())).map(Value::Texts)
        }
        (Form::Number(low, high), DeValue::Integer(number)) => {
            let number = number.to_string().parse::<f64>().ok()?;
            (low..=high).contains(&number).then_some(Value::Number(number))
        }
        (Form::Number(low, high), DeValue::Float(number)) => {
            let number = number.to_string().parse::<f64>().ok()?;
            (low..=high).contains(&number).then_some(Value::Number(number))
        }
        _ => None,
    }
}

/// Whether a text can be shown in one line. It is not used in scripts.
fn printable(text: &str) -> bool {
    !text.trim().is_empty() && !text.chars().any(char::is_control)
}

fn describe(form: Form) -> String {
    match form {
        Form::Text => "a text in quotes, not empty, without line ends in it".into(),
        Form::Name => {
            "a name of letters, digits, `_`, `-` and `.`, with a letter or digit first".into()
        }
        Form::Identifier => "a cell's or pin's name: letters, digits and `_ $ [ ] .`".into(),
        Form::Identifiers => {
            "a list of names of cells or pins: letters, digits and `_ $ [ ] .`".into()
        }
        Form::Patterns => "a list of names of cells, in which `*` stands for anything".into(),
        Form::Texts => "a list of texts, such as [\"one\", \"two\"]".into(),
        Form::Number(low, high) => format!("a number from {low} to {high}"),
    }
}

fn suggestion(name: &str, names: &[&str], what: &str) -> String {
    match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("{what}: {}", names.join(", ")),
    }
}
