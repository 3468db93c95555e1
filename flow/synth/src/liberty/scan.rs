//! The group structure of liberty text, without its meaning.

use std::ops::Range;

/// A statement of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item<'a> {
    /// `kind (name) { body }`.
    Group {
        kind: &'a str,
        /// What stands in the brackets, without quotes.
        name: &'a str,
        /// From the kind to the closing brace.
        span: Range<usize>,
        /// Between the braces.
        body: Range<usize>,
    },
    /// `name : value ;`.
    Attribute { name: &'a str, value: &'a str },
}

/// The statements within `range` of the text, or the place of a brace, quote or comment that is not closed
/// or not opened. Statements of other forms, such as lists in brackets, are left out.
pub(super) fn items(text: &str, range: Range<usize>) -> Result<Vec<Item<'_>>, usize> {
    let bytes = text.as_bytes();
    let mut items = Vec::new();
    let mut at = range.start;
    let mut start = at;
    // Whether what begins at `start` may be an attribute that ends with its line: the lines of one that cannot are
    // not looked at again and again.
    let mut value = Value::Before;
    while at < range.end {
        let from = start;
        match bytes[at] {
            b'{' => {
                let close = matching(bytes, at, range.end)?;
                items.extend(group(text, start, at, close));
                at = close;
                start = at + 1;
            }
            b'}' => return Err(at),
            b';' => {
                items.extend(attribute(&text[start..at]));
                start = at + 1;
            }
            // Some libraries leave the semicolon out at the end of a line.
            b'\n' if value == Value::There => match attribute(&text[start..at]) {
                Some(item) => {
                    items.push(item);
                    start = at + 1;
                }
                None => value = Value::Never,
            },
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                let begin = at;
                at = comment(bytes, at, range.end)?;
                // A comment in front of a statement is no part of it.
                if text[start..begin].trim_start().is_empty() {
                    start = at + 1;
                }
            }
            b'"' => {
                at = quote(bytes, at, range.end)?;
                value = value.seen(b'"');
            }
            byte => value = value.seen(byte),
        }
        if start != from {
            value = Value::Before;
        }
        at += 1;
    }
    Ok(items)
}

/// Where in an attribute a place is.
#[derive(Clone, Copy, PartialEq)]
enum Value {
    /// In front of the colon.
    Before,
    /// Behind the colon, with no value yet.
    Open,
    /// In or behind the value.
    There,
    /// This is no attribute.
    Never,
}

impl Value {
    fn seen(self, byte: u8) -> Self {
        match self {
            Self::Before if byte == b':' => Self::Open,
            Self::Open if !byte.is_ascii_whitespace() => Self::There,
            other => other,
        }
    }
}

/// The closing brace of the one at `open`.
fn matching(bytes: &[u8], open: usize, end: usize) -> Result<usize, usize> {
    let mut depth = 0usize;
    let mut at = open;
    while at < end {
        match bytes[at] {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Ok(at);
                }
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => at = comment(bytes, at, end)?,
            b'"' => at = quote(bytes, at, end)?,
            _ => {}
        }
        at += 1;
    }
    Err(open)
}

/// The last byte of the comment that starts at `open`.
fn comment(bytes: &[u8], open: usize, end: usize) -> Result<usize, usize> {
    (open + 3..end).find(|&at| bytes[at] == b'/' && bytes[at - 1] == b'*').ok_or(open)
}

/// The closing quote of the one at `open`.
fn quote(bytes: &[u8], open: usize, end: usize) -> Result<usize, usize> {
    let mut at = open + 1;
    while at < end {
        match bytes[at] {
            b'"' => return Ok(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    Err(open)
}

fn group(text: &str, start: usize, open: usize, close: usize) -> Option<Item<'_>> {
    let head = &text[start..open];
    let bracket = head.rfind('(')?;
    let name = head[bracket + 1..].trim_end().trim_end_matches(')').trim().trim_matches('"');
    let before = head[..bracket].trim_end();
    let in_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let kind = &before[before.trim_end_matches(in_word).len()..];
    let word = before.len() - kind.len();
    Some(Item::Group { kind, name, span: start + word..close + 1, body: open + 1..close })
}

fn attribute(statement: &str) -> Option<Item<'_>> {
    let (name, value) = statement.split_once(':')?;
    let (name, value) = (name.trim(), value.trim().trim_matches('"'));
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (plain && !value.is_empty()).then_some(Item::Attribute { name, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_in_quotes_and_comments_do_not_count() {
        let text = "/* { */ library (\"a\") {\n x : \"}\" ; /* ; } */ cell(b) { area : 2.5; }\n}";
        let top = items(text, 0..text.len()).unwrap();
        let [Item::Group { kind: "library", name: "a", body, .. }] = &top[..] else {
            panic!("{top:?}")
        };
        let inner = items(text, body.clone()).unwrap();
        assert_eq!(inner[0], Item::Attribute { name: "x", value: "}" });
        let Item::Group { kind: "cell", name: "b", span, body } = &inner[1] else {
            panic!("{inner:?}")
        };
        assert_eq!(&text[span.clone()], "cell(b) { area : 2.5; }");
        let area = items(text, body.clone()).unwrap();
        assert_eq!(area, [Item::Attribute { name: "area", value: "2.5" }]);
    }

    #[test]
    fn words_of_any_script_are_cut_between_characters() {
        let text = "é\u{202e}cell (層) { a : é; }\n\u{202e} (b) { }";
        let items = items(text, 0..text.len()).unwrap();
        assert!(matches!(items[0], Item::Group { kind: "cell", name: "層", .. }), "{items:?}");
        assert!(matches!(items[1], Item::Group { kind: "", name: "b", .. }), "{items:?}");
    }

    /// Text of which every line could begin an attribute and none does. Looked at anew from each line, a file of this
    /// size would take hours.
    #[test]
    fn what_cannot_be_an_attribute_is_looked_at_once() {
        for line in ["word\n", "x :\n", "(:)\n", "/**/a\n", "\n"] {
            let text = line.repeat(1_000_000);
            items(&text, 0..text.len()).unwrap();
            let text = format!("x :{text}");
            items(&text, 0..text.len()).unwrap();
        }
    }

    #[test]
    fn a_line_ends_an_attribute() {
        let text = "area : 0.7\n kind : a;\n values ( \\\n \"1, 2\");\n";
        let expected = [("area", "0.7"), ("kind", "a")];
        let expected = expected.map(|(name, value)| Item::Attribute { name, value });
        assert_eq!(items(text, 0..text.len()).unwrap(), expected);
    }

    #[test]
    fn what_is_not_closed_is_pointed_at() {
        for (text, at) in [("a (b) { c", 6), ("x : \"y", 4), ("  /* y", 2), ("a; }", 3)] {
            assert_eq!(items(text, 0..text.len()), Err(at), "{text}");
        }
    }
}
