//! SAIF files: toggle counts and times at 1 by instance and net.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::elaborate::Flat;
use super::energies::Energies;
use super::hierarchy::{Bits, Hierarchy, MOST_NESTING};

/// A SAIF file.
#[derive(Debug, Default)]
pub(super) struct Saif {
    pub(super) duration: f64,
    /// ns per time unit.
    pub(super) scale_ns: f64,
    pub(super) names: Hierarchy,
    /// Toggles and time at 1, in units of the file, by number of the variable.
    pub(super) figures: Vec<(f64, f64)>,
}

/// Parses a file; the error describes the problem and names its line.
pub(super) fn parse(text: &str) -> Result<Saif, String> {
    let mut tokens = Tokens(text);
    read(&mut tokens).map_err(|problem| {
        let line = text[..text.len() - tokens.0.len()].matches('\n').count() + 1;
        format!("line {line}: {problem}")
    })
}

fn read(tokens: &mut Tokens<'_>) -> Result<Saif, String> {
    let mut saif = Saif { scale_ns: 1.0, ..Saif::default() };
    let mut stack: Vec<Vec<String>> = Vec::new();
    let mut path = Path::default();
    let mut figures = BTreeMap::new();
    for token in tokens {
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
                    path.push(&words[1].replace('\\', ""))?;
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
    /// The instance, found when a net needs it.
    instance: Option<usize>,
}

impl Path {
    fn push(&mut self, name: &str) -> Result<(), String> {
        if self.names.len() == MOST_NESTING {
            return Err(format!("instances nested deeper than {MOST_NESTING}"));
        }
        self.names.push(name.to_string());
        self.instance = None;
        Ok(())
    }

    fn pop(&mut self) {
        self.names.pop();
        self.instance = None;
    }

    fn instance(&mut self, names: &mut Hierarchy) -> Result<usize, String> {
        match self.instance {
            Some(instance) => Ok(instance),
            None => Ok(*self.instance.insert(names.instance(&self.names.join("."))?)),
        }
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
            saif.scale_ns = scale_ns(&words[1..].concat())?;
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
            let instance = path.instance(&mut saif.names)?;
            let number = saif.figures.len() as u32;
            saif.names.add(instance, name.replace('\\', ""), number, Bits::ONE);
            saif.figures.push((toggles, ones));
            figures.clear();
        }
        _ => {}
    }
    Ok(())
}

/// Nanoseconds of a unit of time such as `10ps`.
pub(super) fn scale_ns(text: &str) -> Result<f64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "s" => Some(1e9),
        "ms" => Some(1e6),
        "us" => Some(1e3),
        "ns" => Some(1.0),
        "ps" => Some(1e-3),
        "fs" => Some(1e-6),
        _ => None,
    };
    let number = digits.parse().ok().filter(|n: &f64| n.is_finite() && *n > 0.0);
    let scale = number.zip(unit).map(|(number, unit)| number * unit);
    scale.ok_or_else(|| {
        format!("`{text}` is no unit of time; allowed is 1, 10 or 100 and s, ms, us, ns, ps or fs")
    })
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
    // Paths of the instances that are open.
    let mut open: Vec<&str> = Vec::new();
    for scope in &flat.scopes {
        let name = loop {
            match open.last() {
                None => break flat.top_name(),
                Some(&"") => break &scope.path,
                Some(outer) => {
                    let inside = scope.path.strip_prefix(outer);
                    match inside.and_then(|inside| inside.strip_prefix('.')) {
                        Some(name) => break name,
                        None => drop(open.pop()),
                    }
                }
            }
            text.push_str(")\n");
        };
        let _ = writeln!(text, "(INSTANCE {}\n(NET", escape(name));
        open.push(&scope.path);
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
    text.push_str(&")".repeat(open.len() + 1));
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
            (INSTANCE u (NET (b (T0 0) (T1 100) (TC 0))))\n\
            (INSTANCE u\\.0 (NET (c (T0 50) (T1 50) (TC 1)))))))";
        let saif = parse(text).unwrap();
        assert_eq!((saif.duration, saif.scale_ns), (100.0, 0.01));
        assert_eq!(saif.figures, [(7.0, 60.0), (0.0, 100.0), (1.0, 50.0)]);
        let find = |path: &str, name: &str| saif.names.find(path, name);
        assert_eq!(find("bench.top", "a[1]"), Some((0, 0)));
        assert_eq!(find("bench.top.u", "b"), Some((1, 0)));
        assert_eq!(find("bench.top.u.0", "c"), Some((2, 0)));
        assert!(parse("(SAIFILE (DURATION x))").is_err());
        assert!(parse("(SAIFILE").is_err());
    }

    #[test]
    fn nesting_has_a_limit() {
        let text = |depth: usize| format!("{}{}", "(INSTANCE a ".repeat(depth), ")".repeat(depth));
        assert!(parse(&text(MOST_NESTING)).is_ok());
        let said = parse(&text(100_000)).unwrap_err();
        assert_eq!(said, "line 1: instances nested deeper than 256");
        assert_eq!(
            parse(&"(".repeat(100_000)).unwrap_err(),
            "line 1: lists nested deeper than 512"
        );
        // An instance without a name opens and closes no scope.
        assert!(parse("(INSTANCE) (INSTANCE a (NET (n (TC 1))))").is_ok());
    }
}
