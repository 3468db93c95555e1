//! Escapes text of files before it is shown on a terminal, in a log or in a report.
//!
//! Names of layers, keys and cells come from files. A control character in one of them could move the cursor, colour or
//! hide text; a format character of Unicode could change the order of the text behind it.

use std::borrow::Cow;
use std::ops::Range;

/// Whether a terminal or viewer interprets `c` instead of showing it: control characters, marks of writing direction,
/// line and paragraph separators, characters without width, tags.
#[must_use]
pub fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// A name with every such character written as an escape, such as `\u{1b}`, line ends included.
#[must_use]
pub fn escape_name(name: &str) -> Cow<'_, str> {
    escape(name, acts)
}

/// Text of several lines with every such character, except line ends and tabs, written as an escape.
#[must_use]
pub fn escape_text(text: &str) -> Cow<'_, str> {
    escape(text, |c| acts(c) && c != '\n' && c != '\t')
}

fn escape(text: &str, acts: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&acts) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' if acts(c) => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' if acts(c) => escaped.push_str("\\t"),
            c if acts(c) => escaped.extend(c.escape_unicode()),
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// Text in which every such character, except line ends and tabs, is replaced by another of the same number of bytes,
/// so that places in it do not move: for the source lines of a diagnostic.
#[must_use]
pub fn mask(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| acts(c) && !matches!(c, '\n' | '\t' | '\r');
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    for c in text.chars() {
        match c.len_utf8() {
            _ if !hidden(c) => masked.push(c),
            1 => masked.push('?'),
            2 => masked.push('\u{bf}'),
            3 => masked.push('\u{fffd}'),
            _ => masked.push_str("\u{bf}\u{bf}"),
        }
    }
    Cow::Owned(masked)
}

/// The text, with the middle left out if it has more than `most` bytes.
#[must_use]
pub fn shorten(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return text.into();
    }
    let head = text.floor_char_boundary(most / 2);
    let tail = text.ceil_char_boundary(text.len() - most / 2);
    format!("{} ... {}", &text[..head], &text[tail..]).into()
}

/// Most bytes of the lines around a place that are shown with it.
const MOST_SHOWN: usize = 1000;

/// Whether a diagnostic can show the lines of `span` and their neighbours: in a file of few long lines that would be
/// all of it, which some renderers cannot handle.
#[must_use]
pub fn shows(text: &str, span: &Range<usize>) -> bool {
    let bytes = text.as_bytes();
    let (start, end) = (span.start.min(bytes.len()), span.end.min(bytes.len()));
    let line_end = |byte: &u8| *byte == b'\n';
    // The second line end to each side is that of the neighbouring line.
    let before = bytes[..start].iter().rev().enumerate().filter(|(_, byte)| line_end(byte)).nth(1);
    let behind =
        bytes[end.max(start)..].iter().enumerate().filter(|(_, byte)| line_end(byte)).nth(1);
    let before = before.map_or(start, |(at, _)| at);
    let behind = behind.map_or(bytes.len() - end.max(start), |(at, _)| at);
    before + behind + end.saturating_sub(start) <= MOST_SHOWN
}

/// Line and column, from 1, of a place in `text`.
#[must_use]
pub fn place(text: &str, at: usize) -> (usize, usize) {
    let at = text.floor_char_boundary(at);
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    (text[..start].matches('\n').count() + 1, text[start..at].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\u{1b}[31m\u{7}\r\n\u{85}\u{202e}\u{2028}\u{e0041}\u{7f}é\t`z";

    #[test]
    fn lines_around_a_place_are_shown_if_they_are_short() {
        let long = "x".repeat(MOST_SHOWN);
        let text = format!("{long}\na = 1\nb = 2\nc = 3\n{long}\n");
        let at = |what: &str| text.find(what).map(|at| at..at + 1).unwrap_or_default();
        assert!(!shows(&text, &at("a =")) && shows(&text, &at("b =")) && !shows(&text, &at("c =")));
        assert!(!shows(&text, &at("x")) && shows("a = 1", &(0..1)) && shows("", &(0..0)));
        let whole = 0..text.len();
        assert!(shows("é", &(9..9)) && !shows(&text, &whole));
        assert_eq!(place(&text, at("b =").start + 2), (3, 3));
    }

    #[test]
    fn nothing_that_acts_is_left() {
        assert_eq!(escape_name("conv/1 é 層"), Cow::Borrowed("conv/1 é 層"));
        assert_eq!(
            escape_name(HOSTILE),
            "a\\u{1b}[31m\\u{7}\\r\\n\\u{85}\\u{202e}\\u{2028}\\u{e0041}\\u{7f}é\\t`z"
        );
        let text = escape_text(HOSTILE);
        assert!(text.contains('\n') && text.contains('\t'));
        assert!(!text.contains(|c| acts(c) && c != '\n' && c != '\t'));
        for c in '\0'..=char::MAX {
            let one = c.to_string();
            assert!(!escape_name(&one).contains(acts), "{c:?}");
            assert_eq!(mask(&one).len(), one.len(), "{c:?}");
            assert!(c == '\r' || !mask(&one).contains(|c| acts(c) && c != '\n' && c != '\t'));
        }
    }
}
