//! SAIF files: toggle counts and times at 1 by instance and net.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use super::elaborate::Flat;
use super::energies::Energies;

/// Deepest nesting of instances and of lists.
pub(crate) const MOST_NESTING: usize = 256;

/// Figures of one net.
#[derive(Debug, PartialEq)]
pub(super) struct SaifNet {
    /// Instances from the outermost, separated by `.`.
    pub(super) path: Arc<str>,
    pub(super) name: String,
    pub(super) toggles: f64,
    /// Time at 1, in units of the file.
    pub(super) ones: f64,
}

/// A SAIF file.
#[derive(Debug, Default)]
pub(super) struct Saif {
    pub(super) duration: f64,
    /// ns per time unit.
    pub(super) scale_ns: f64,
    pub(super) nets: Vec<SaifNet>,
}

impl Saif {
    /// Path of the instance `top`: the outermost one of that name; else the outermost of all.
    pub(super) fn prefix(&self, top: &str) -> String {
        let paths = self.nets.iter().map(|n| &*n.path);
        let inside = |p: &&str| p.rsplit('.').next() == Some(top);
        let named = paths.clone().filter(inside).min_by_key(|p| p.len());
        named.or_else(|| paths.min_by_key(|p| p.len())).unwrap_or_default().to_string()
    }
}

/// Parses a file; the error describes the problem.
pub(super) fn parse(text: &str) -> Result<Saif, String> {
    let mut saif = Saif { scale_ns: 1.0, ..Saif::default() };
    let mut stack: Vec<Vec<String>> = Vec::new();
    let mut path = Path::default();
    let mut figures = BTreeMap::new();
    for token in Tokens(text) {
        match token {
            "(" if stack.len() == 2 * MOST_NESTING => {
                return Err(format!("lists nested deeper than {}", 2 * MOST_NESTING));
            }
            "(" => stack.push(Vec::new()),
            ")" => {
                let words = stack.pop().ok_or("`)` without `(`")?;
                close(&words, &stack, &mut path, &mut figures, &mut saif)?;
            }
            word => {
                let words = stack.last_mut().ok_or_else(|| format!("`{word}` outside of `(`"))?;
                words.push(word.trim_matches('"').to_string());
                if words.len() == 2 && words[0] == "INSTANCE" {
                    path.push(&words[1])?;
                }
            }
        }
    }
    if stack.is_empty() { Ok(saif) } else { Err(format!("{} `(` are not closed", stack.len())) }
}

/// The open instances, from the outermost.
#[derive(Default)]
struct Path {
    names: Vec<String>,
    /// The joined names, made when a net needs them; nets share the text.
    joined: Option<Arc<str>>,
}

impl Path {
    fn push(&mut self, name: &str) -> Result<(), String> {
        if self.names.len() == MOST_NESTING {
            return Err(format!("instances nested deeper than {MOST_NESTING}"));
        }
        self.names.push(name.to_string());
        self.joined = None;
        Ok(())
    }

    fn pop(&mut self) {
        self.names.pop();
        self.joined = None;
    }

    fn joined(&mut self) -> Arc<str> {
        self.joined.get_or_insert_with(|| self.names.join(".").into()).clone()
    }
}

/// Evaluates a finished list.
fn close(
    words: &[String],
    outer: &[Vec<String>],
    path: &mut Path,
    figures: &mut BTreeMap<String, f64>,
    saif: &mut Saif,
) -> Result<(), String> {
    let number = |i: usize| -> Result<f64, String> {
        let text = words.get(i).ok_or_else(|| format!("{} without a number", words[0]))?;
        text.parse().map_err(|_| format!("{}: `{text}` is not a number", words[0]))
    };
    match words.first().map(String::as_str) {
        Some("DURATION") => saif.duration = number(1)?,
        Some("TIMESCALE") => {
            // (TIMESCALE 1 ns) or (TIMESCALE 1ns)
            let text = words[1..].concat();
            let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let unit = match &text[digits.len()..] {
                "s" => 1e9,
                "us" => 1e3,
                "ns" => 1.0,
                "ps" => 1e-3,
                "fs" => 1e-6,
                other => return Err(format!("TIMESCALE unit `{other}`")),
            };
            let number = digits.parse().ok().filter(|n: &f64| n.is_finite() && *n > 0.0);
            saif.scale_ns = number.ok_or("TIMESCALE")? * unit;
        }
        // An instance without a name was not entered.
        Some("INSTANCE") if words.len() > 1 => path.pop(),
        Some("T0" | "T1" | "TX" | "TZ" | "TC" | "IG" | "TB") => {
            figures.insert(words[0].clone(), number(1)?);
        }
        Some(name) if outer.last().is_some_and(|o| o.first().is_some_and(|w| w == "NET")) => {
            let take = |key: &str| figures.get(key).copied();
            let toggles = take("TC").ok_or_else(|| format!("net {name} has no TC"))?;
            let ones = take("T1").unwrap_or(0.0);
            let name = name.replace('\\', "");
            saif.nets.push(SaifNet { path: path.joined(), name, toggles, ones });
            figures.clear();
        }
        _ => {}
    }
    Ok(())
}

/// Parentheses, strings and words.
struct Tokens<'a>(&'a str);

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.0 = self.0.trim_start();
        let end = match self.0.chars().next()? {
            '(' | ')' => 1,
            '"' => self.0[1..].find('"').map_or(self.0.len(), |end| end + 2),
            _ => word_end(self.0),
        };
        let (token, rest) = self.0.split_at(end);
        self.0 = rest;
        Some(token)
    }
}

/// End of a word; a backslash includes the next character.
fn word_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if !escaped && (c.is_whitespace() || c == '(' || c == ')') {
            return at;
        }
        escaped = !escaped && c == '\\';
    }
    text.len()
}

/// A name with everything but letters, digits and `_` escaped.
fn escape(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() && c != '_' {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

/// The SAIF file of a run of `duration` ps.
pub(super) fn text(flat: &Flat, energies: &Energies, duration: f64) -> String {
    let mut text = String::from("(SAIFILE\n(SAIFVERSION \"2.0\")\n(DIRECTION \"backward\")\n");
    let _ = writeln!(text, "(DIVIDER .)\n(TIMESCALE 1 ps)\n(DURATION {duration})");
    let mut depth = 0;
    for scope in &flat.scopes {
        let own = if scope.path.is_empty() { 0 } else { scope.path.matches('.').count() + 1 };
        while depth > own {
            text.push_str(")\n");
            depth -= 1;
        }
        let name = match scope.path.rsplit('.').next() {
            Some("") | None => flat.top_name(),
            Some(name) => name,
        };
        let _ = writeln!(text, "(INSTANCE {}\n(NET", escape(name));
        depth += 1;
        for (name, local) in &flat.netlist.modules[scope.module_index].aliases {
            let net = scope.nets[*local as usize] as usize;
            let ones = (energies.ones[net] * duration).round();
            let _ = writeln!(
                text,
                "({} (T0 {}) (T1 {ones}) (TX 0) (TC {}))",
                escape(name),
                duration - ones,
                energies.toggles[net]
            );
        }
        text.push_str(")\n");
    }
    text.push_str(&")".repeat(depth + 1));
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_nets_and_escapes() {
        let text = "(SAIFILE (SAIFVERSION \"2.0\") (DURATION 100) (TIMESCALE 10 ps)\n\
            (INSTANCE bench (INSTANCE top (NET (a\\[1\\] (T0 40) (T1 60) (TX 0) (TC 7)))\n\
            (INSTANCE u (NET (b (T0 0) (T1 100) (TC 0)))))))";
        let saif = parse(text).unwrap();
        assert_eq!((saif.duration, saif.scale_ns), (100.0, 0.01));
        let a = SaifNet { path: "bench.top".into(), name: "a[1]".into(), toggles: 7.0, ones: 60.0 };
        assert_eq!(saif.nets[0], a);
        assert_eq!(&*saif.nets[1].path, "bench.top.u");
        assert_eq!(saif.prefix("top"), "bench.top");
        assert!(parse("(SAIFILE (DURATION x))").is_err());
        assert!(parse("(SAIFILE").is_err());
    }

    #[test]
    fn nesting_has_a_limit() {
        let text = |depth: usize| format!("{}{}", "(INSTANCE a ".repeat(depth), ")".repeat(depth));
        assert!(parse(&text(MOST_NESTING)).is_ok());
        let said = parse(&text(100_000)).unwrap_err();
        assert_eq!(said, "instances nested deeper than 256");
        assert_eq!(parse(&"(".repeat(100_000)).unwrap_err(), "lists nested deeper than 512");
        // An instance without a name opens and closes no scope.
        assert!(parse("(INSTANCE) (INSTANCE a (NET (n (TC 1))))").is_ok());
    }
}
