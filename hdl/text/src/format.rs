//! Numbers for people.

/// An energy in its unit with three digits: `12.3 nJ` for pJ, `12.3 k MAC` for costs relative to a MAC.
#[must_use]
pub fn energy(value: f64, unit: &str) -> String {
    if unit == "pJ" {
        let (scaled, prefix) = scale(value, &["p", "n", "µ", "m", ""]);
        return format!("{} {prefix}J", digits(scaled));
    }
    let (scaled, prefix) = scale(value, &["", "k", "M", "G", "T"]);
    let gap = if prefix.is_empty() { "" } else { " " };
    format!("{} {prefix}{gap}{unit}", digits(scaled))
}

/// A count with three digits: `12.3 M`.
#[must_use]
pub fn count(value: f64) -> String {
    let (scaled, prefix) = scale(value, &["", "k", "M", "G", "T"]);
    if prefix.is_empty() { digits(scaled) } else { format!("{} {prefix}", digits(scaled)) }
}

/// A number with blanks between groups of three digits.
#[must_use]
pub fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// A share in percent.
#[must_use]
pub fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.1} %", 100.0 * share) } else { "-".into() }
}

/// A ratio with three digits.
#[must_use]
pub fn ratio(value: f64) -> String {
    if value.is_finite() { format!("{}x", digits(value)) } else { "-".into() }
}

/// The number between 1 and 1000 with its prefix.
fn scale<'a>(value: f64, prefixes: &[&'a str]) -> (f64, &'a str) {
    let mut value = value;
    let mut at = 0;
    // Rounding to three digits must not give 1000.
    while value.abs() >= 999.5 && at + 1 < prefixes.len() {
        value /= 1000.0;
        at += 1;
    }
    (value, prefixes.get(at).copied().unwrap_or(""))
}

/// Three significant digits, without an exponent.
fn digits(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        "0".into()
    } else if size >= 99.95 {
        format!("{value:.0}")
    } else if size >= 9.995 {
        format!("{value:.1}")
    } else if size >= 0.0995 {
        format!("{value:.2}")
    } else {
        format!("{value:.4}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_in_a_readable_unit() {
        assert_eq!(energy(1234.0, "pJ"), "1.23 nJ");
        assert_eq!(energy(999_700.0, "pJ"), "1.00 µJ");
        assert_eq!(energy(5.6e13, "pJ"), "56.0 J");
        assert_eq!(energy(12.0, "MAC"), "12.0 MAC");
        assert_eq!(energy(12_345.0, "MAC"), "12.3 k MAC");
        assert_eq!(
            (count(0.0), count(999.4), count(1.5e9)),
            ("0".into(), "999".into(), "1.50 G".into())
        );
        assert_eq!(
            (ratio(0.5), ratio(f64::NAN), percent(0.123)),
            ("0.50x".into(), "-".into(), "12.3 %".into())
        );
    }
}
