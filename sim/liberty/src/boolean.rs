//! Boolean expressions of Liberty files as truth tables.

/// A truth table: bit `s` is the value in state `s` (bit `i` of a state is variable `i`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    words: Vec<u64>,
    variables: u32,
}

/// Patterns of the variables whose period fits a word.
const PATTERNS: [u64; 6] = [
    0xaaaa_aaaa_aaaa_aaaa,
    0xcccc_cccc_cccc_cccc,
    0xf0f0_f0f0_f0f0_f0f0,
    0xff00_ff00_ff00_ff00,
    0xffff_0000_ffff_0000,
    0xffff_ffff_0000_0000,
];

impl Truth {
    /// The constant `value` over `variables` variables.
    pub fn constant(value: bool, variables: u32) -> Self {
        let words = 1usize << variables.saturating_sub(6);
        Self { words: vec![if value { u64::MAX } else { 0 }; words], variables }
    }

    /// Variable `index` of `variables`.
    pub fn variable(index: u32, variables: u32) -> Self {
        let mut truth = Self::constant(false, variables);
        for (word, bits) in truth.words.iter_mut().enumerate() {
            *bits = match PATTERNS.get(index as usize) {
                Some(&pattern) => pattern,
                None if word >> (index - 6) & 1 == 1 => u64::MAX,
                None => 0,
            };
        }
        truth
    }

    /// Value in `state`.
    pub fn get(&self, state: usize) -> bool {
        self.words[state >> 6] >> (state & 63) & 1 == 1
    }

    /// The words, lowest states first.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// The complement.
    #[must_use]
    pub fn complement(mut self) -> Self {
        self.words.iter_mut().for_each(|w| *w = !*w);
        self
    }

    /// `self` and `other` combined word by word.
    pub fn zip(mut self, other: &Self, f: impl Fn(u64, u64) -> u64) -> Self {
        for (a, b) in self.words.iter_mut().zip(&other.words) {
            *a = f(*a, *b);
        }
        self
    }
}

/// Deepest nesting of parentheses and complements.
pub(crate) const MOST_NESTING: usize = 64;

/// Compiles `expression`; `variable` gives the table of a name.
pub(crate) fn compile(
    expression: &str,
    variables: u32,
    variable: &dyn Fn(&str) -> Option<Truth>,
) -> Result<Truth, String> {
    let mut parser = Parser { expression, at: 0, depth: 0, variables, variable };
    let truth = parser.or()?;
    match parser.peek() {
        None => Ok(truth),
        Some(c) => Err(format!("`{c}` is not expected in `{expression}`")),
    }
}

struct Parser<'a> {
    expression: &'a str,
    at: usize,
    /// Parentheses and complements around the present operand.
    depth: usize,
    variables: u32,
    variable: &'a dyn Fn(&str) -> Option<Truth>,
}

impl Parser<'_> {
    /// The next character that is not blank.
    fn peek(&mut self) -> Option<char> {
        let rest = &self.expression[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        self.expression[self.at..].chars().next()
    }

    fn or(&mut self) -> Result<Truth, String> {
        let mut left = self.and()?;
        while matches!(self.peek(), Some('+' | '|')) {
            self.at += 1;
            let right = self.and()?;
            left = left.zip(&right, |a, b| a | b);
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Truth, String> {
        let mut left = self.xor()?;
        loop {
            match self.peek() {
                Some('*' | '&') => self.at += 1,
                // Two operands side by side are an AND.
                Some(c) if c == '(' || c == '!' || is_name(c) => {}
                _ => return Ok(left),
            }
            let right = self.xor()?;
            left = left.zip(&right, |a, b| a & b);
        }
    }

    fn xor(&mut self) -> Result<Truth, String> {
        let mut left = self.operand()?;
        while self.peek() == Some('^') {
            self.at += 1;
            let right = self.operand()?;
            left = left.zip(&right, |a, b| a ^ b);
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<Truth, String> {
        if self.depth == MOST_NESTING {
            return Err(format!("an expression nested deeper than {MOST_NESTING}"));
        }
        self.depth += 1;
        let value = self.nested();
        self.depth -= 1;
        value
    }

    fn nested(&mut self) -> Result<Truth, String> {
        let mut value = match self.peek() {
            Some('!' | '~') => {
                self.at += 1;
                self.operand()?.complement()
            }
            Some('(') => {
                self.at += 1;
                let inner = self.or()?;
                if self.peek() != Some(')') {
                    return Err(format!("`(` without `)` in `{}`", self.expression));
                }
                self.at += 1;
                inner
            }
            Some(c) if is_name(c) => self.name()?,
            _ => return Err(format!("an operand is missing in `{}`", self.expression)),
        };
        while self.peek() == Some('\'') {
            self.at += 1;
            value = value.complement();
        }
        Ok(value)
    }

    fn name(&mut self) -> Result<Truth, String> {
        let rest = &self.expression[self.at..];
        let name = &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())];
        self.at += name.len();
        match name {
            "0" => Ok(Truth::constant(false, self.variables)),
            "1" => Ok(Truth::constant(true, self.variables)),
            _ => (self.variable)(name)
                .ok_or_else(|| format!("`{name}` in `{}` is not a pin", self.expression)),
        }
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_[].".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(expression: &str) -> Result<Truth, String> {
        let variable = |name: &str| match name {
            "A" => Some(Truth::variable(0, 3)),
            "B" => Some(Truth::variable(1, 3)),
            "C" => Some(Truth::variable(2, 3)),
            _ => None,
        };
        compile(expression, 3, &variable)
    }

    #[test]
    fn precedence_and_spellings() {
        for state in 0..8usize {
            let (a, b, c) = (state & 1 == 1, state & 2 == 2, state & 4 == 4);
            for (text, value) in [
                ("!((A*B)+C)", !((a && b) || c)),
                ("A B' + C", (a && !b) || c),
                ("(A&!B)|(!A & B)", a != b),
                ("A^B*C", (a ^ b) && c),
                ("!A'", a),
                ("1", true),
                ("0 + C", c),
            ] {
                assert_eq!(table(text).unwrap().get(state), value, "{text} in {state}");
            }
        }
    }

    #[test]
    fn malformed_expressions_are_errors() {
        let nested = |depth: usize| format!("{}A{}", "(".repeat(depth), ")".repeat(depth));
        assert!(table(&nested(MOST_NESTING - 1)).is_ok());
        for text in [nested(MOST_NESTING), nested(100_000), "!".repeat(100_000)] {
            assert!(table(&text).unwrap_err().contains("nested deeper than 64"));
        }
        for text in ["A +", "(A", "A)", "D", ""] {
            assert!(table(text).is_err(), "{text}");
        }
    }

    #[test]
    fn variables_beyond_one_word() {
        let high = Truth::variable(8, 9);
        assert!(!high.get(255) && high.get(256) && high.get(511));
    }
}
