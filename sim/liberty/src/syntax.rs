//! Syntax of Liberty files: groups, attributes and their values as text, with line numbers.

use std::ops::Range;

/// Deepest nesting of groups; the libraries of three processes have 6.
pub const MOST_NESTING: usize = 16;

/// One statement `name (args) { ... }`.
#[derive(Debug)]
pub struct Group<'a> {
    /// Keyword, such as `cell`.
    pub name: &'a str,
    /// Arguments in its parentheses.
    pub args: Vec<&'a str>,
    /// Line of the keyword, from 1.
    pub line: u32,
    /// Bytes of the whole statement.
    pub span: Range<usize>,
    /// Bytes between its braces.
    pub body: Range<usize>,
    /// Simple and complex attributes.
    pub attributes: Vec<Attribute<'a>>,
    /// Groups inside.
    pub groups: Vec<Group<'a>>,
}

/// One statement `name : value;` or `name (value, ...);`.
#[derive(Debug)]
pub struct Attribute<'a> {
    /// Keyword.
    pub name: &'a str,
    /// Values without their quotes.
    pub values: Vec<&'a str>,
    /// Line, from 1.
    pub line: u32,
}

/// A problem of a Liberty text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Line in the text, from 1.
    pub line: u32,
    /// The problem.
    pub problem: String,
}

impl SyntaxError {
    /// A problem of a line.
    pub fn new(line: u32, problem: impl Into<String>) -> Self {
        Self { line, problem: problem.into() }
    }
}

impl<'a> Group<'a> {
    /// The attribute `name`, if it is there.
    pub fn attribute(&self, name: &str) -> Option<&Attribute<'a>> {
        self.attributes.iter().find(|a| a.name == name)
    }

    /// First value of the attribute `name`.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.attribute(name).and_then(|a| a.values.first().copied())
    }

    /// The groups with keyword `name`.
    pub fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Group<'a>> {
        self.groups.iter().filter(move |g| g.name == name)
    }

    /// Numeric value of the attribute `name`.
    pub fn number(&self, name: &str) -> Result<Option<f64>, SyntaxError> {
        let Some(attribute) = self.attribute(name) else { return Ok(None) };
        let text = attribute.values.first().copied().unwrap_or_default();
        match finite(text.trim()) {
            Some(number) => Ok(Some(number)),
            None => {
                let problem = format!("{name} is not a finite number: `{text}`");
                Err(SyntaxError::new(attribute.line, problem))
            }
        }
    }
}

/// A number of a Liberty file: neither infinite nor NaN.
pub(crate) fn finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Parses a file: its one top-level group.
///
/// # Errors
/// The line and the problem.
pub fn parse(text: &str) -> Result<Group<'_>, SyntaxError> {
    let mut scanner = Scanner { text, at: 0, line: 1, depth: 0 };
    scanner.blank()?;
    match scanner.statement()? {
        Statement::Group(group) if group.name == "library" => Ok(group),
        _ => Err(SyntaxError::new(scanner.line, "a Liberty file begins with `library (name) {`")),
    }
}

enum Statement<'a> {
    Group(Group<'a>),
    Attribute(Attribute<'a>),
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    /// Groups that are open.
    depth: usize,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn error<T>(&self, message: impl Into<String>) -> Result<T, SyntaxError> {
        Err(SyntaxError::new(self.line, message))
    }

    /// Skips `length` bytes and counts their lines.
    fn skip(&mut self, length: usize) -> &'a str {
        let passed = &self.rest()[..length];
        self.line += passed.bytes().filter(|&b| b == b'\n').count() as u32;
        self.at += length;
        passed
    }

    /// Skips blanks, line continuations and comments.
    fn blank(&mut self) -> Result<(), SyntaxError> {
        loop {
            let rest = self.rest();
            let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n', '\\']).len();
            if blanks > 0 {
                self.skip(blanks);
            } else if rest.starts_with("/*") {
                let Some(end) = rest.find("*/") else { return self.error("comment without end") };
                self.skip(end + 2);
            } else if rest.starts_with("//") {
                let end = rest.find('\n').unwrap_or(rest.len());
                self.skip(end);
            } else {
                return Ok(());
            }
        }
    }

    fn word(&mut self) -> Result<&'a str, SyntaxError> {
        let rest = self.rest();
        let end = rest
            .find(|c: char| c.is_whitespace() || "(){}:;,\"\\".contains(c))
            .unwrap_or(rest.len());
        if end == 0 {
            let found = self.peek().map_or("end of file".into(), |c| format!("`{c}`"));
            return self.error(format!("expected a keyword, found {found}"));
        }
        Ok(self.skip(end))
    }

    fn quoted(&mut self) -> Result<&'a str, SyntaxError> {
        self.skip(1);
        let Some(end) = self.rest().find('"') else { return self.error("string without end") };
        let text = self.skip(end);
        self.skip(1);
        Ok(text)
    }

    fn statement(&mut self) -> Result<Statement<'a>, SyntaxError> {
        let (line, start) = (self.line, self.at);
        let name = self.word()?;
        self.blank()?;
        match self.peek() {
            Some(':') => {
                self.skip(1);
                let value = self.value()?;
                Ok(Statement::Attribute(Attribute { name, values: vec![value], line }))
            }
            Some('(') => {
                let args = self.arguments()?;
                self.blank()?;
                if self.peek() == Some('{') {
                    self.skip(1);
                    if self.depth == MOST_NESTING {
                        let problem = format!("groups nested deeper than {MOST_NESTING}");
                        return Err(SyntaxError { line, problem });
                    }
                    self.depth += 1;
                    let mut group = self.body(name, args, line)?;
                    group.span = start..self.at;
                    self.depth -= 1;
                    return Ok(Statement::Group(group));
                }
                if self.peek() == Some(';') {
                    self.skip(1);
                }
                Ok(Statement::Attribute(Attribute { name, values: args, line }))
            }
            _ => self.error(format!("expected `:` or `(` after `{name}`")),
        }
    }

    /// The value of a simple attribute, up to its semicolon or the end of the line.
    fn value(&mut self) -> Result<&'a str, SyntaxError> {
        self.blank()?;
        let value = if self.peek() == Some('"') {
            self.quoted()?
        } else {
            let rest = self.rest();
            let end = rest.find([';', '\n', '}']).unwrap_or(rest.len());
            let comment = ["//", "/*"].iter().filter_map(|mark| rest[..end].find(mark)).min();
            self.skip(comment.unwrap_or(end)).trim()
        };
        self.blank()?;
        if self.peek() == Some(';') {
            self.skip(1);
        }
        Ok(value)
    }

    /// `(a, "b", ...)`.
    fn arguments(&mut self) -> Result<Vec<&'a str>, SyntaxError> {
        self.skip(1);
        let mut args = Vec::new();
        loop {
            self.blank()?;
            match self.peek() {
                None => return self.error("`(` without `)`"),
                Some(')') => {
                    self.skip(1);
                    return Ok(args);
                }
                Some(',') => {
                    self.skip(1);
                }
                Some('"') => args.push(self.quoted()?),
                Some(_) => {
                    let rest = self.rest();
                    let end = rest.find([',', ')', '"', '\n']).unwrap_or(rest.len());
                    args.push(self.skip(end).trim_end_matches([' ', '\t', '\r', '\\']));
                }
            }
        }
    }

    fn body(
        &mut self,
        name: &'a str,
        args: Vec<&'a str>,
        line: u32,
    ) -> Result<Group<'a>, SyntaxError> {
        let mut group = Group {
            name,
            args,
            line,
            span: 0..0,
            body: self.at..self.at,
            attributes: Vec::new(),
            groups: Vec::new(),
        };
        loop {
            self.blank()?;
            match self.peek() {
                None => {
                    let problem = format!("group `{name}` is not closed");
                    return Err(SyntaxError { line, problem });
                }
                Some('}') => {
                    group.body.end = self.at;
                    self.skip(1);
                    return Ok(group);
                }
                Some(';') => {
                    self.skip(1);
                }
                Some(_) => match self.statement()? {
                    Statement::Group(inner) => group.groups.push(inner),
                    Statement::Attribute(attribute) => group.attributes.push(attribute),
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_attributes_and_lines() {
        let text = "/* c */ library (l) {\n a : \"x y\" ;\n b (1,pf);\n c : 2.5\n \
                    pin(D[3:0]) { values ( \\\n \"1, 2\", \\\n \"3\" ); }\n}\n";
        let library = parse(text).unwrap();
        assert_eq!(library.text("a"), Some("x y"));
        assert_eq!(library.attribute("b").unwrap().values, ["1", "pf"]);
        assert_eq!(library.number("c").unwrap(), Some(2.5));
        assert_eq!(library.groups[0].args, ["D[3:0]"]);
        assert_eq!(library.groups[0].attributes[0].values, ["1, 2", "3"]);
        assert_eq!(library.groups[0].line, 5);
    }

    #[test]
    fn a_comment_ends_a_value() {
        let library = parse("library (l) {\n a : 1.5 // old: 2\n b : 2 /* c */ ;\n}\n").unwrap();
        assert_eq!((library.text("a"), library.text("b")), (Some("1.5"), Some("2")));
    }

    #[test]
    fn spans_are_those_of_the_text() {
        let text = "library (l) {\n cell (é) { area : 1; }\n}\n";
        let library = parse(text).unwrap();
        let cell = &library.groups[0];
        assert_eq!(&text[cell.span.clone()], "cell (é) { area : 1; }");
        assert_eq!(&text[cell.body.clone()], " area : 1; ");
        assert_eq!(&text[..library.body.start], "library (l) {");
    }

    #[test]
    fn errors_name_the_line() {
        assert_eq!(parse("library (l) {\n a : 1;\n cell (x) {\n").unwrap_err().line, 3);
        assert_eq!(parse("library (l) {\n\n ) }").unwrap_err().line, 3);
        assert!(parse("cell (x) { }").is_err());
    }

    #[test]
    fn nesting_has_a_limit() {
        let nested = |depth: usize| {
            format!("library (l) {{\n{}{}}}", "a () {\n".repeat(depth), "}\n".repeat(depth))
        };
        assert!(parse(&nested(MOST_NESTING - 1)).is_ok());
        let error = parse(&nested(MOST_NESTING)).unwrap_err();
        assert_eq!(error, SyntaxError::new(17, "groups nested deeper than 16"));
        assert_eq!(parse(&nested(100_000)).unwrap_err().line, 17);
    }
}
