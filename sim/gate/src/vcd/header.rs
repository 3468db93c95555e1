//! Declarations at the begin of a file.

use std::collections::HashMap;
use std::io::BufRead;

use super::super::hierarchy::{Bits, Hierarchy, MOST_NESTING};
use super::super::saif::scale_ns;
use super::{Fault, Words, shown};

/// Types of variables that are no nets.
const NO_NETS: [&[u8]; 6] =
    [b"real", b"realtime", b"shortreal", b"string", b"event", b"real_parameter"];

/// What the changes in a file refer to.
#[derive(Debug, Default)]
pub(in super::super) struct Header {
    /// ns per unit of time.
    pub(super) scale_ns: f64,
    /// Names; the number of a variable is that of its identifier, which several may share.
    pub(in super::super) names: Hierarchy,
    /// Numbers of the identifiers.
    pub(super) identifiers: HashMap<Box<[u8]>, u32>,
    /// Bits by number of the identifier; none for variables that are no nets.
    pub(super) widths: Vec<Option<u32>>,
}

impl Header {
    /// Reads up to `$enddefinitions`.
    pub(in super::super) fn read<R: BufRead>(words: &mut Words<R>) -> Result<Self, Fault> {
        let mut header = Self::default();
        let mut scale = None;
        let mut path: Vec<String> = Vec::new();
        loop {
            words.required("`$enddefinitions`")?;
            match words.word() {
                b"$scope" => path.push(scope(words, path.len())?),
                b"$upscope" => {
                    words.end()?;
                    path.pop()
                        .ok_or_else(|| words.problem("`$upscope` without `$scope`".into()))?;
                }
                b"$var" => header.variable(words, &path)?,
                b"$timescale" => {
                    let text = joined(words)?;
                    scale = Some(scale_ns(&text).map_err(|p| words.problem(p))?);
                }
                b"$enddefinitions" => {
                    words.end()?;
                    break;
                }
                // `$date`, `$version`, `$comment` and what others have added.
                word if word.starts_with(b"$") && word != b"$end" => words.skip()?,
                word => {
                    return Err(words.problem(format!(
                        "{} where a declaration of a VCD file is expected, such as `$scope`, `$var` or \
                         `$enddefinitions`",
                        shown(word)
                    )));
                }
            }
        }
        header.scale_ns = scale.ok_or_else(|| words.problem("there is no `$timescale`".into()))?;
        Ok(header)
    }

    /// `TYPE SIZE IDENTIFIER NAME [RANGE] $end`
    fn variable<R: BufRead>(&mut self, words: &mut Words<R>, path: &[String]) -> Result<(), Fault> {
        words.required("the type of a variable")?;
        let net = !NO_NETS.contains(&words.word());
        words.required("the size of a variable")?;
        let size = words.word();
        let parsed = std::str::from_utf8(size).ok().and_then(|text| text.parse::<u32>().ok());
        let Some(size) = parsed else {
            let text = format!("{} is no size; allowed is a whole number of bits", shown(size));
            return Err(words.problem(text));
        };
        words.required("the identifier of a variable")?;
        let identifier: Box<[u8]> = words.word().into();
        let name = joined(words)?;
        if name.is_empty() {
            return Err(words.problem("a variable without a name".into()));
        }
        let width = net.then_some(size);
        let next = self.widths.len() as u32;
        let number = *self.identifiers.entry(identifier).or_insert(next);
        match self.widths.get(number as usize) {
            None => self.widths.push(width),
            Some(&known) if known == width => {}
            Some(known) => {
                let known = known.map_or("another type".into(), |bits| format!("{bits} bits"));
                let text =
                    format!("{name} has {size} bits; its identifier was declared with {known}");
                return Err(words.problem(text));
            }
        }
        if net {
            let instance = self.names.instance(&path.join(".")).map_err(|p| words.problem(p))?;
            let (name, bits) = bits(&name, size);
            self.names.add(instance, name.to_string(), number, bits);
        }
        Ok(())
    }
}

/// `TYPE NAME $end`, inside of `depth` scopes.
fn scope<R: BufRead>(words: &mut Words<R>, depth: usize) -> Result<String, Fault> {
    words.required("the type of a scope")?;
    let name = joined(words)?;
    if name.is_empty() {
        return Err(words.problem("a scope without a name".into()));
    }
    if depth == MOST_NESTING {
        return Err(words.problem(format!("scopes nested deeper than {MOST_NESTING}")));
    }
    Ok(name)
}

/// Words up to `$end` as one, without the backslash of an escaped name.
fn joined<R: BufRead>(words: &mut Words<R>) -> Result<String, Fault> {
    let mut text = String::new();
    loop {
        words.required("`$end`")?;
        match words.word() {
            b"$end" => return Ok(text),
            word => {
                let word = word.strip_prefix(b"\\").unwrap_or(word);
                text.push_str(&String::from_utf8_lossy(word));
            }
        }
    }
}

/// Splits `a[7:0]` into `a` and its bits; any other name is one as a whole.
fn bits(name: &str, width: u32) -> (&str, Bits) {
    let range = || {
        let (base, range) = name.strip_suffix(']')?.rsplit_once('[')?;
        let (left, right) = range.split_once(':')?;
        let (left, right): (i32, i32) = (left.trim().parse().ok()?, right.trim().parse().ok()?);
        let range = (i64::from(left), i64::from(right));
        let fits = (range.0 - range.1).unsigned_abs() + 1 == u64::from(width);
        fits.then_some((base, Bits { width, range: Some(range) }))
    };
    range().unwrap_or((name, Bits { width, range: None }))
}
