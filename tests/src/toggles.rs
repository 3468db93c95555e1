//! Counts the toggles of signals in a waveform.

use anyhow::{Context, Result};
use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use vcd::{Command, IdCode, Parser, ScopeItem, Value};

/// A signal of a waveform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// Full name (`scope.scope.name`).
    pub name: String,
    /// Its code in the file; names of the same wire share it.
    pub code: IdCode,
    /// Bits that changed after its first value.
    pub bits: u64,
}

/// Counts the bits that changed in every signal of a VCD file.
///
/// # Errors
/// The file cannot be read or is no VCD.
pub fn count(path: &Path) -> Result<Vec<Signal>> {
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let mut parser = Parser::new(BufReader::new(file));
    let header = parser.parse_header()?;
    let mut names = Vec::new();
    collect(&header.items, "", &mut names);
    let mut signals: HashMap<IdCode, (Option<Vec<Value>>, u64)> = HashMap::new();
    for command in parser {
        let (id, value) = match command? {
            Command::ChangeScalar(id, value) => (id, vec![value]),
            Command::ChangeVector(id, value) => (id, value),
            _ => continue,
        };
        let (last, bits) = signals.entry(id).or_default();
        if let Some(last) = last {
            *bits += distance(last, &value);
        }
        *last = Some(value);
    }
    let bits = |id| signals.get(&id).map_or(0, |(_, bits)| *bits);
    Ok(names.into_iter().map(|(name, code)| Signal { name, code, bits: bits(code) }).collect())
}

fn collect(items: &[ScopeItem], prefix: &str, names: &mut Vec<(String, IdCode)>) {
    for item in items {
        match item {
            ScopeItem::Scope(scope) => {
                collect(&scope.children, &format!("{prefix}{}.", scope.identifier), names);
            }
            ScopeItem::Var(var) => {
                // An element of a memory carries its index in the name or beside it.
                let index = match &var.index {
                    Some(vcd::ReferenceIndex::BitSelect(i)) => format!("[{i}]"),
                    _ => String::new(),
                };
                names.push((format!("{prefix}{}{index}", var.reference), var.code));
            }
        }
    }
}

/// Bits that differ; leading zeros are not written.
fn distance(a: &[Value], b: &[Value]) -> u64 {
    let at = |v: &[Value], i: usize| v.len().checked_sub(i + 1).map_or(Value::V0, |k| v[k]);
    (0..a.len().max(b.len())).filter(|i| at(a, *i) != at(b, *i)).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_of_a_small_waveform() {
        let text = "$scope module top $end $var wire 4 ! a [3:0] $end $scope module u $end $var wire 1 \" b $end \
                    $upscope $end $upscope $end $enddefinitions $end #0 b0 ! 0\" #5 b1111 ! 1\" #10 b1 ! #15 b10 !\n";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.vcd");
        std::fs::write(&path, text).unwrap();
        let counts = count(&path).unwrap();
        let counts: Vec<_> = counts.iter().map(|s| (s.name.as_str(), s.bits)).collect();
        assert_eq!(counts, [("top.a", 4 + 3 + 2), ("top.u.b", 1)]);
    }
}
