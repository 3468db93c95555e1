//! Limits of TOML text, checked before its parser sees it.
//!
//! The parser limits the nesting of what is well formed, but where a bracket is not closed its search for further
//! problems calls itself for every bracket that follows, and overflows the stack. So brackets are counted first, in the
//! tokens of the parser's own scanner: neither recursion can be deeper than these counts.

use toml_parser::Source;
use toml_parser::lexer::TokenKind;

use crate::escape::place;

/// Deepest nesting of arrays and inline tables; a bracket that is not closed counts for all that follows.
pub const MOST_NESTING: usize = 64;

/// Most inline tables.
pub const MOST_INLINE_TABLES: usize = 1024;

/// Checks that `text` is within the limits.
///
/// # Errors
/// The limit, with the line at which it is exceeded.
pub fn check(text: &str) -> Result<(), String> {
    let mut open = Vec::new();
    let mut tables = 0;
    for token in Source::new(text).lex() {
        let limit = match token.kind() {
            kind @ (TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket) => {
                tables += usize::from(kind == TokenKind::LeftCurlyBracket);
                open.push(kind);
                match (open.len() > MOST_NESTING, tables > MOST_INLINE_TABLES) {
                    (true, _) => {
                        format!("brackets nested deeper than {MOST_NESTING}, or not closed")
                    }
                    (_, true) => format!("more than {MOST_INLINE_TABLES} inline tables"),
                    _ => continue,
                }
            }
            TokenKind::RightSquareBracket => {
                open.pop_if(|kind| *kind == TokenKind::LeftSquareBracket);
                continue;
            }
            TokenKind::RightCurlyBracket => {
                open.pop_if(|kind| *kind == TokenKind::LeftCurlyBracket);
                continue;
            }
            _ => continue,
        };
        let (line, column) = place(text, token.span().start());
        return Err(format!("line {line}, column {column}: {limit}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_counted_outside_of_texts_and_comments() {
        let brackets = "[{".repeat(1000);
        let fine =
            format!("a = \"{brackets}\"\n# {brackets}\nb = '''{brackets}'''\n[c.d]\n[[e]]\n");
        assert_eq!(check(&fine), Ok(()));
        let nested =
            |depth: usize| format!("x = 1\na = {}{}\n", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(check(&nested(MOST_NESTING)), Ok(()));
        assert!(check(&nested(MOST_NESTING + 1)).unwrap_err().contains("line 2, column 69"));
        for text in ["x = {[0.0]\n", "x = {[}\n", "x = [{]\n", "x = {{]}[}\n"] {
            assert!(check(&text.repeat(100_000)).is_err(), "{text}");
        }
        let tables = "x = {}\n".repeat(MOST_INLINE_TABLES + 1);
        assert!(check(&tables).unwrap_err().contains("more than 1024 inline tables"));
        assert_eq!(check(&"[[fits]]\nx = [1, [2, 3]]\n".repeat(10_000)), Ok(()));
    }
}
