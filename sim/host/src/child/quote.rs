//! Quoting of paths for other languages. A path becomes one word with exactly its value.

use std::borrow::Cow;

/// One word of a POSIX shell.
#[must_use]
pub fn shell_word(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A value on the command line of `make` that a recipe passes to its shell as one word. `None` for a text with a line
/// end, which ends a recipe's line however it is quoted.
#[must_use]
pub fn make_word(text: &str) -> Option<String> {
    // Make expands `$`; everything else in a variable's value is literal.
    (!text.contains(['\n', '\r'])).then(|| shell_word(text).replace('$', "$$"))
}

/// One word of Tcl.
#[must_use]
pub fn tcl_word(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    // In quotation marks a backslash makes any special character literal. In braces, which need less quoting, an
    // unpaired brace could not be written.
    let mut word = String::from("\"");
    for c in text.chars() {
        match c {
            '\n' => word.push_str("\\n"),
            '\r' => word.push_str("\\r"),
            '\\' | '"' | '$' | '[' | ']' | '{' | '}' => word.extend(['\\', c]),
            _ => word.push(c),
        }
    }
    word.push('"');
    Cow::Owned(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// Special characters of a shell, make, Tcl or Yosys, and texts that look like their words.
    const HOSTILE: &[&str] = &[
        "plain/path-1.lib",
        "two words",
        "; touch broken ; #",
        "} ] [exit] {",
        "$HOME $(exit) ${x} $$ $",
        "it's \"quoted\" `exit`",
        "back\\slash\\",
        "tab\tand % ~ * ? & | < > ( ) ! = :",
        "-option",
        "",
    ];

    fn output(command: &mut Command) -> Vec<u8> {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    #[test]
    fn a_shell_takes_any_text_as_one_word() {
        for text in HOSTILE.iter().copied().chain(["line\nend"]) {
            let script = format!("printf '%s|' {}", shell_word(text));
            let said = output(Command::new("sh").args(["-c", &script]));
            assert_eq!(String::from_utf8(said).unwrap(), format!("{text}|"));
        }
    }

    #[test]
    fn make_hands_any_text_of_one_line_to_its_shell() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("makefile");
        std::fs::write(&file, "all:\n\t@printf '%s|' $(WORD)\n").unwrap();
        for text in HOSTILE {
            let word = format!("WORD={}", make_word(text).unwrap());
            let said = output(Command::new("make").arg("-sf").arg(&file).arg(word));
            assert_eq!(String::from_utf8(said).unwrap(), format!("{text}|"));
        }
        assert_eq!(make_word("line\nend"), None);
    }

    #[test]
    fn tcl_takes_any_text_as_one_word() {
        // The words of Tcl, by its own rules for words in quotation marks.
        let read = |word: &str| {
            let Some(inside) = word.strip_prefix('"').and_then(|w| w.strip_suffix('"')) else {
                return word.to_owned();
            };
            let (mut text, mut chars) = (String::new(), inside.chars());
            while let Some(c) = chars.next() {
                match c {
                    '\\' => match chars.next().unwrap() {
                        'n' => text.push('\n'),
                        'r' => text.push('\r'),
                        other => text.push(other),
                    },
                    '"' | '$' | '[' => panic!("{word} is not one word"),
                    other => text.push(other),
                }
            }
            text
        };
        for text in HOSTILE.iter().copied().chain(["line\nend"]) {
            assert_eq!(read(&tcl_word(text)), text);
        }
    }
}
