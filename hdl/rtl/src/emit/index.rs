//! Integer expressions inside `[..]` of a signal's path.

/// Evaluates `text` (no white space): integers, names, `+ - * / %`, parentheses.
pub(super) fn evaluate(text: &str, name: &dyn Fn(&str) -> Option<i128>) -> Result<i128, String> {
    let mut parser = Parser { text, at: 0, name };
    let value = parser.sum()?;
    match parser.at == text.len() {
        true => Ok(value),
        false => Err(format!("`{}` in index `{text}` is not understood", &text[parser.at..])),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    name: &'a dyn Fn(&str) -> Option<i128>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, accept: impl Fn(u8) -> bool) -> &str {
        let start = self.at;
        while self.peek().is_some_and(&accept) {
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    fn sum(&mut self) -> Result<i128, String> {
        let mut value = self.product()?;
        while let Some(op @ (b'+' | b'-')) = self.peek() {
            self.at += 1;
            let rhs = self.product()?;
            value = if op == b'+' { value + rhs } else { value - rhs };
        }
        Ok(value)
    }

    fn product(&mut self) -> Result<i128, String> {
        let mut value = self.atom()?;
        while let Some(op @ (b'*' | b'/' | b'%')) = self.peek() {
            self.at += 1;
            let rhs = self.atom()?;
            if op != b'*' && rhs == 0 {
                return Err(format!("division by zero in index `{}`", self.text));
            }
            value = match op {
                b'*' => value * rhs,
                b'/' => value / rhs,
                _ => value % rhs,
            };
        }
        Ok(value)
    }

    fn atom(&mut self) -> Result<i128, String> {
        match self.peek() {
            Some(b'(') => {
                self.at += 1;
                let value = self.sum()?;
                if self.peek() != Some(b')') {
                    return Err(format!("`)` is missing in index `{}`", self.text));
                }
                self.at += 1;
                Ok(value)
            }
            Some(c) if c.is_ascii_digit() => {
                let digits = self.take(|c| c.is_ascii_alphanumeric() || c == b'_');
                let digits = digits.trim_end_matches("usize").replace('_', "");
                digits.parse().map_err(|_| format!("`{digits}` is not a decimal integer"))
            }
            _ => {
                let word =
                    self.take(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'$').to_owned();
                // `self.k.index()` arrives as `k$index()`.
                if word.ends_with("$index") && self.text[self.at..].starts_with("()") {
                    self.at += 2;
                }
                let name = word.strip_suffix("$index").unwrap_or(&word);
                (self.name)(name).ok_or_else(|| {
                    format!("index `{}`: `{name}` is no loop variable or Const", self.text)
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic() {
        let name = |n: &str| match n {
            "i" => Some(5),
            "k" => Some(2),
            _ => None,
        };
        let eval = |t| evaluate(t, &name);
        assert_eq!(eval("i*2+1"), Ok(11));
        assert_eq!(eval("((i-1)%3)/k$index()"), Ok(0));
        assert_eq!(eval("1_0usize-i"), Ok(5));
        assert!(eval("i+j").is_err_and(|e| e.contains("`j`")));
        assert!(eval("_n").is_err());
        assert!(eval("i/0").is_err());
        assert!(eval("i]").is_err());
    }
}
