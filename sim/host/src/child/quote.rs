//! Words of the languages that paths are handed over in. What is a path comes out as one word with that very value.

use std::borrow::Cow;

/// One word of a POSIX shell.
#[must_use]
pub fn shell_word(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A value on the command line of `make` that a recipe hands to its shell as one word. A line end ends a recipe's
/// line in every spelling that make has, so there is no word with one.
#[must_use]
pub fn make_word(text: &str) -> Option<String> {
    // Make expands `$`; all else in a variable's value is taken as it is.
    (!text.contains(['\n', '\r'])).then(|| shell_word(text).replace('$', "$$"))
}

/// One word of Tcl.
#[must_use]
pub fn tcl_word(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    // In quotation marks a backslash makes any character that means something stand for itself; in braces, which are
    // quoted less, an unpaired brace would have no spelling.
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

    /// Everything that means something to a shell, make, Tcl or Yosys, and what looks like words of theirs.
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
