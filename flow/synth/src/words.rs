//! Legal names from files, before they go into scripts of tools or become paths.

/// Whether this can be the name of a cell or pin: it then is one literal word in scripts of Yosys, ABC and OpenSTA and
/// in Verilog.
#[must_use]
pub(super) fn is_identifier(text: &str) -> bool {
    let first = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    first && text.chars().all(|c| c.is_ascii_alphanumeric() || "_$[].".contains(c))
}

/// Whether this can be a pattern for cells: a name in which `*` matches any text.
#[must_use]
pub(super) fn is_pattern(text: &str) -> bool {
    !text.is_empty() && (text.contains('*') || is_identifier(text)) && {
        text.chars().all(|c| c == '*' || is_identifier(&format!("_{c}")))
    }
}

/// Whether this can be the name of an item with files of its own: one component of a path, in no folder above.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let first = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    first
        && text.len() <= 100
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &[&str] = &[
        "",
        " ",
        "X ; exec -- touch x",
        "a b",
        "a;",
        "a\nb",
        "-a",
        "$(x)",
        "a\"b",
        "a'b",
        "a`b",
        "a\\b",
        "a}b",
        "ä",
    ];

    #[test]
    fn names_that_mean_something_to_a_tool_are_no_names() {
        for text in HOSTILE {
            assert!(!is_identifier(text) && !is_pattern(text) && !is_name(text), "{text:?}");
        }
        for text in ["sg13g2_lgcp_1", "DFFHQNx1_ASAP7_75t_R", "A[3]", "u.v", "$x"] {
            assert_eq!(is_identifier(text), text != "$x", "{text:?}");
        }
        assert!(is_pattern("*_8") && is_pattern("sg13g2_*") && !is_pattern("a*;*"));
    }

    #[test]
    fn names_do_not_leave_their_folder() {
        for text in ["..", "../x", "a/b", "/etc", ".hidden", "a/../b"] {
            assert!(!is_name(text), "{text:?}");
        }
        assert!(is_name("sg13g2") && is_name("ho_2x4x1") && is_name("my-process.v2"));
    }
}
