//! Reads configurations: a base, then TOML files, then `key=value` overrides; all problems at once.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use miette::NamedSource;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::convert::{Refusal, convert};
use super::error::{ConfigError, ProblemKind};
use super::key::{Key, Section};
use super::{Config, PRESETS, RULES, Rule, SECTIONS};
use pecan_text::diagnostic::{Problem, Problems, Source};
use pecan_text::escape::{escape_name, mask};
use pecan_text::nearest;
use pecan_text::toml_limits;

/// Source of the value of a key, legal or not.
struct Origin {
    source: Source,
    span: Range<usize>,
    bad: bool,
}

/// Collects a configuration from several sources. Later sources win; problems are reported by [`Loader::finish`], all
/// of them from all sources.
///
/// ```
/// use pecan_config::{Config, Loader};
///
/// let config = Loader::new(Config::default())
///     .toml("accelerator.toml", "[pe]\nzero_gating = false\n")
///     .set("weights.sparsity=dense")
///     .finish()?;
/// assert!(!config.pe.zero_gating && !config.stores_index());
/// # Ok::<(), pecan_config::ConfigError>(())
/// ```
pub struct Loader {
    config: Config,
    origins: BTreeMap<String, Origin>,
    problems: Problems,
}

impl Loader {
    /// Starts from a configuration that provides the values of all keys that are not set.
    #[must_use]
    pub fn new(base: Config) -> Self {
        Self { config: base, origins: BTreeMap::new(), problems: Problems::default() }
    }

    /// Starts again from a named preset.
    #[must_use]
    pub fn preset(mut self, name: &str) -> Self {
        match super::preset(name) {
            Some(config) => self.config = config,
            None => {
                let names: Vec<_> = PRESETS.iter().map(|preset| preset.name).collect();
                let hint = nearest(name, names.iter().copied());
                let hint = hint.map(|near| format!("did you mean `{near}`? "));
                let help = format!("{}presets: {}", hint.unwrap_or_default(), names.join(", "));
                let message = format!("there is no preset `{name}`");
                self.report(ProblemKind::UnknownPreset, message, Some(help), None, vec![]);
            }
        }
        self
    }

    /// Reads a TOML file. Keys that it does not set keep their values.
    #[must_use]
    pub fn file(mut self, path: &Path) -> Self {
        match std::fs::read_to_string(path) {
            Ok(text) => self.toml(&path.display().to_string(), &text),
            Err(error) => {
                let message = format!("cannot read {}: {error}", path.display());
                let help = "`pecan init` writes a configuration to start from".to_owned();
                self.report(ProblemKind::Unreadable, message, Some(help), None, vec![]);
                self
            }
        }
    }

    /// Reads TOML text; `name` is the file's name in messages.
    #[must_use]
    pub fn toml(mut self, name: &str, text: &str) -> Self {
        let source = Arc::new(NamedSource::new(escape_name(name), mask(text).into_owned()));
        if let Err(limit) = toml_limits::check(text) {
            self.report(ProblemKind::Syntax, format!("{name}, {limit}"), None, None, vec![]);
            return self;
        }
        let (table, errors) = DeTable::parse_recoverable(text);
        if errors.is_empty() {
            self.document(&source, table.get_ref());
        }
        for error in errors {
            let labels = error.span().map(|span| (span, String::new())).into_iter().collect();
            let message = format!("not valid TOML: {}", error.message());
            self.report(ProblemKind::Syntax, message, None, Some(&source), labels);
        }
        self
    }

    /// Applies an override `section.key=value`. The value is a TOML value; a word needs no quotes.
    #[must_use]
    pub fn set(mut self, expression: &str) -> Self {
        let source = Arc::new(NamedSource::new("--set", mask(expression).into_owned()));
        let Some((path, value)) = expression.split_once('=') else {
            let message = format!("`{expression}` is not of the form section.key=value");
            let help = Some("for example array.rows=4".to_owned());
            let labels = vec![(0..expression.len(), String::new())];
            self.report(ProblemKind::Syntax, message, help, Some(&source), labels);
            return self;
        };
        let start = path.len() + 1;
        let span = start..expression.len();
        match Config::key(path.trim()) {
            None => self.unknown_path(&source, path, 0..path.len()),
            Some(key) if toml_limits::check(value).is_err() => {
                let word = DeValue::String(value.trim().to_owned().into());
                self.assign(&source, key, &word, span);
            }
            Some(key) => match DeValue::parse(value.trim()) {
                Ok(parsed) => self.assign(&source, key, parsed.get_ref(), span),
                Err(_) => {
                    let word = DeValue::String(value.trim().to_owned().into());
                    self.assign(&source, key, &word, span);
                }
            },
        }
        self
    }

    /// The configuration, if there was no problem and it obeys every rule.
    ///
    /// # Errors
    /// [`ConfigError`] with every problem: those of the earlier steps, and every broken rule between values that are
    /// legal themselves.
    pub fn finish(mut self) -> Result<Config, ConfigError> {
        let bad = |path: &str| self.origins.get(path).is_some_and(|origin| origin.bad);
        let judged = RULES.iter().filter(|rule| !rule.keys.iter().any(|path| bad(path)));
        let broken: Vec<_> = judged.filter(|rule| !rule.holds(&self.config)).collect();
        for rule in broken {
            self.clash(rule);
        }
        if self.problems.is_empty() {
            Ok(self.config)
        } else {
            Err(ConfigError::new(self.problems))
        }
    }

    fn document(&mut self, source: &Source, table: &DeTable<'_>) {
        for (name, value) in in_order(table) {
            let section = SECTIONS.iter().find(|section| section.name == name.get_ref().as_ref());
            match (section, value.get_ref()) {
                (Some(section), DeValue::Table(keys)) => self.section(source, section, keys),
                (Some(section), other) => {
                    let message =
                        format!("`{}` must be a section, not {}", section.name, noun(other));
                    let help = Some(format!("write [{}] and its keys below", section.name));
                    let labels = vec![(value.span(), "here".to_owned())];
                    self.report(ProblemKind::WrongType, message, help, Some(source), labels);
                }
                (None, DeValue::Table(_)) => self.unknown_section(source, name),
                (None, _) => self.unknown_path(source, name.get_ref(), name.span()),
            }
        }
    }

    fn section(&mut self, source: &Source, section: &'static Section, keys: &DeTable<'_>) {
        for (name, value) in in_order(keys) {
            let key = section.keys.iter().find(|key| key.name == name.get_ref().as_ref());
            match key {
                Some(key) => self.assign(source, key, value.get_ref(), value.span()),
                None => self.unknown_key(source, section, name),
            }
        }
    }

    fn assign(
        &mut self,
        source: &Source,
        key: &'static Key,
        value: &DeValue<'_>,
        span: Range<usize>,
    ) {
        let result = convert(key, value);
        let bad = match result {
            Ok(value) => !key.set(&mut self.config, value),
            Err(Refusal { kind, message, label, help }) => {
                let labels = vec![(span.clone(), label)];
                self.report(kind, message, Some(help), Some(source), labels);
                true
            }
        };
        self.origins.insert(key.path(), Origin { source: source.clone(), span, bad });
    }

    fn unknown_section(&mut self, source: &Source, name: &Spanned<std::borrow::Cow<'_, str>>) {
        if self.problems.count_if_full() {
            return;
        }
        let text = name.get_ref().as_ref();
        let names = SECTIONS.iter().map(|section| section.name);
        let help = match nearest(text, names.clone()) {
            Some(near) => format!("did you mean [{near}]?"),
            None => format!("sections: {}", names.collect::<Vec<_>>().join(", ")),
        };
        let labels = vec![(name.span(), "no such section".to_owned())];
        let message = format!("unknown section `{}`", escape_name(text));
        self.report(ProblemKind::UnknownKey, message, Some(help), Some(source), labels);
    }

    fn unknown_key(
        &mut self,
        source: &Source,
        section: &'static Section,
        name: &Spanned<std::borrow::Cow<'_, str>>,
    ) {
        if self.problems.count_if_full() {
            return;
        }
        let text = name.get_ref().as_ref();
        let names = section.keys.iter().map(|key| key.name);
        let owner = Config::keys().find(|key| key.name == text);
        let help = match (owner, nearest(text, names.clone())) {
            (Some(key), _) => format!("`{text}` is a key of the section [{}]", key.section),
            (None, Some(near)) => format!("did you mean `{near}`?"),
            (None, None) => {
                let names: Vec<_> = names.collect();
                format!("keys of [{}]: {}", section.name, names.join(", "))
            }
        };
        let labels = vec![(name.span(), "no such key".to_owned())];
        let message = format!("unknown key `{}.{}`", section.name, escape_name(text));
        self.report(ProblemKind::UnknownKey, message, Some(help), Some(source), labels);
    }

    fn unknown_path(&mut self, source: &Source, path: &str, span: Range<usize>) {
        if self.problems.count_if_full() {
            return;
        }
        let paths: Vec<_> = Config::keys().map(Key::path).collect();
        let help = match Config::keys().find(|key| key.name == path.trim()) {
            Some(key) => format!("did you mean `{}`?", key.path()),
            None => match nearest(path.trim(), paths.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("keys are written section.key; all: {}", paths.join(", ")),
            },
        };
        let labels = vec![(span, "no such key".to_owned())];
        let message = format!("unknown key `{}`", escape_name(path.trim()));
        self.report(ProblemKind::UnknownKey, message, Some(help), Some(source), labels);
    }

    fn clash(&mut self, rule: &'static Rule) {
        let mut source: Option<Source> = None;
        let mut labels = Vec::new();
        let mut values = Vec::new();
        for key in rule.schema_keys() {
            let value = format!("{} = {}", key.path(), key.get(&self.config));
            let Some(origin) = self.origins.get(&key.path()) else {
                values.push(format!("{value} (not given)"));
                continue;
            };
            let shown = source.get_or_insert_with(|| origin.source.clone());
            if Arc::ptr_eq(shown, &origin.source) {
                labels.push((origin.span.clone(), key.path()));
            }
            values.push(value);
        }
        let message = format!("values clash: {}", values.join(", "));
        let mut help = format!("rule: {}", rule.doc);
        for remedy in rule.remedies(&self.config) {
            help.push_str("\nlegal if the others stay: ");
            help.push_str(&remedy);
        }
        self.report(ProblemKind::Clash, message, Some(help), source.as_ref(), labels);
    }

    fn report(
        &mut self,
        kind: ProblemKind,
        message: String,
        help: Option<String>,
        source: Option<&Source>,
        labels: Vec<(Range<usize>, String)>,
    ) {
        self.problems.report(|| {
            let problem = Problem::new(&message, help.as_deref()).with_code(kind.code());
            match source {
                Some(source) => problem.at(source, labels),
                None => problem,
            }
        });
    }
}

/// The entries of a table in the order in which they were written; the parser sorts them by name.
fn in_order<'t, 'i>(
    table: &'t DeTable<'i>,
) -> Vec<(&'t Spanned<std::borrow::Cow<'i, str>>, &'t Spanned<DeValue<'i>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    entries
}

/// A TOML value's type with its article.
pub(super) fn noun(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "a truth value",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

impl Config {
    /// Reads TOML text over the defaults; `name` is the file's name in messages.
    ///
    /// # Errors
    /// [`ConfigError`] with every problem of the text.
    pub fn from_toml(name: &str, text: &str) -> Result<Self, ConfigError> {
        Loader::new(Self::default()).toml(name, text).finish()
    }

    /// Reads a TOML file over the defaults.
    ///
    /// # Errors
    /// [`ConfigError`] if the file cannot be read, or with every problem of its text.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        Loader::new(Self::default()).file(path).finish()
    }
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
