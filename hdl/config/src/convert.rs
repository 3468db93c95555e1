//! Converts a TOML value to the value of a key.

use toml::de::DeValue;

use super::domain::{Domain, Value};
use super::error::ProblemKind;
use super::key::Key;
use super::load::noun;
use pecan_text::nearest;

/// Reason why a value is refused.
pub(super) struct Refusal {
    pub(super) kind: ProblemKind,
    pub(super) message: String,
    pub(super) label: String,
    pub(super) help: String,
}

/// The key's value for a TOML value.
pub(super) fn convert(key: &Key, value: &DeValue<'_>) -> Result<Value, Refusal> {
    match (key.domain, value) {
        (Domain::Flag, DeValue::Boolean(flag)) => Ok(Value::Flag(*flag)),
        (Domain::Words(words), DeValue::String(text)) => {
            let found = words.iter().find(|word| **word == text.as_ref());
            found.map(|word| Value::Word(word)).ok_or_else(|| unknown_word(key, words, text))
        }
        (Domain::Decimal { .. }, DeValue::Integer(_) | DeValue::Float(_)) => decimal(key, value),
        (
            Domain::Range { .. } | Domain::PowersOfTwo { .. } | Domain::Choice(_),
            DeValue::Integer(integer),
        ) => {
            let value = u64::from_str_radix(integer.as_str(), integer.radix()).ok();
            let value = value.map(Value::Integer).filter(|value| key.domain.accepts(*value));
            value.ok_or_else(|| out_of_range(key, &integer.to_string()))
        }
        _ => Err(Refusal {
            kind: ProblemKind::WrongType,
            message: format!(
                "`{}` must be {}, not {}",
                key.path(),
                key.domain.expected(),
                noun(value)
            ),
            label: format!("expected {}", key.domain.expected()),
            help: format!("legal: {}", legal(key)),
        }),
    }
}

fn decimal(key: &Key, value: &DeValue<'_>) -> Result<Value, Refusal> {
    let text = match value {
        DeValue::Float(float) => float.to_string(),
        DeValue::Integer(integer) if integer.radix() == 10 => integer.to_string(),
        _ => return Err(out_of_range(key, "not decimal")),
    };
    let parsed = text.parse().ok().map(Value::Decimal);
    parsed.filter(|value| key.domain.accepts(*value)).ok_or_else(|| {
        let mut refusal = out_of_range(key, &text);
        refusal.help.push_str("; written with at most three decimals and no exponent");
        refusal
    })
}

fn unknown_word(key: &Key, words: &'static [&'static str], text: &str) -> Refusal {
    let mut refusal = out_of_range(key, &format!("\"{text}\""));
    if let Some(near) = nearest(text, words.iter().copied()) {
        refusal.help.push_str(&format!("; did you mean \"{near}\"?"));
    }
    refusal
}

fn out_of_range(key: &Key, value: &str) -> Refusal {
    Refusal {
        kind: ProblemKind::OutOfRange,
        message: format!("`{}` cannot be {value}", key.path()),
        label: "not a legal value".to_owned(),
        help: format!("legal: {}", legal(key)),
    }
}

fn legal(key: &Key) -> String {
    if key.unit.is_empty() {
        key.domain.to_string()
    } else {
        format!("{} ({})", key.domain, key.unit)
    }
}
