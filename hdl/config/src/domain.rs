//! The values that a key can take.

use std::fmt;

use super::Rate;

/// The value of one key, independent of the Rust type of its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// A non-negative integer.
    Integer(u64),
    /// A decimal number with three decimals.
    Decimal(Rate),
    /// A truth value.
    Flag(bool),
    /// One of a fixed set of words.
    Word(&'static str),
}

/// Prints the value as a TOML literal.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => write!(f, "{value}"),
            Self::Decimal(value) => write!(f, "{value}"),
            Self::Flag(value) => write!(f, "{value}"),
            Self::Word(value) => write!(f, "\"{value}\""),
        }
    }
}

impl Value {
    /// An integer or flag (0 or 1) as a number; other values have no order.
    #[must_use]
    pub fn ordinal(self) -> Option<f64> {
        match self {
            Self::Integer(value) => Some(value as f64),
            Self::Flag(value) => Some(f64::from(u8::from(value))),
            Self::Decimal(_) | Self::Word(_) => None,
        }
    }

    /// The value as JSON (a number, a truth value or a string).
    #[must_use]
    pub fn to_json(self) -> serde_json::Value {
        match self {
            Self::Integer(value) => value.into(),
            Self::Decimal(value) => value.to_f64().into(),
            Self::Flag(value) => value.into(),
            Self::Word(value) => value.into(),
        }
    }

    /// Whether both are numbers of the same kind and `self` is the larger one.
    #[must_use]
    pub fn exceeds(self, limit: Value) -> bool {
        match (self, limit) {
            (Self::Integer(value), Self::Integer(limit)) => value > limit,
            (Self::Decimal(value), Self::Decimal(limit)) => value > limit,
            _ => false,
        }
    }
}

/// The legal values of one key by itself (the cross-field rules are checked in addition).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// The integers `min`, `min + step`, ... up to `max`.
    Range {
        /// Smallest legal value.
        min: u64,
        /// Largest legal value.
        max: u64,
        /// Distance of neighbouring values.
        step: u64,
    },
    /// The powers of two from `min` to `max` (themselves powers of two).
    PowersOfTwo {
        /// Smallest legal value.
        min: u64,
        /// Largest legal value.
        max: u64,
    },
    /// A set of integers in rising order.
    Choice(&'static [u64]),
    /// Any decimal number from `min` to `max`.
    Decimal {
        /// Smallest legal value.
        min: Rate,
        /// Largest legal value.
        max: Rate,
    },
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Words(&'static [&'static str]),
}

/// All integers from `min` to `max`.
pub(super) const fn range(min: u64, max: u64) -> Domain {
    Domain::Range { min, max, step: 1 }
}

/// All even integers from `min` (even) to `max`.
pub(super) const fn even(min: u64, max: u64) -> Domain {
    Domain::Range { min, max, step: 2 }
}

/// All powers of two from `min` to `max`.
pub(super) const fn powers_of_two(min: u64, max: u64) -> Domain {
    Domain::PowersOfTwo { min, max }
}

impl Domain {
    /// The kind of value that is expected, as a noun with its article.
    #[must_use]
    pub fn expected(&self) -> &'static str {
        match self {
            Self::Range { .. } | Self::PowersOfTwo { .. } | Self::Choice(_) => "an integer",
            Self::Decimal { .. } => "a number",
            Self::Flag => "true or false",
            Self::Words(_) => "a string",
        }
    }

    /// Whether the value has the right type and is one of the legal values.
    #[must_use]
    pub fn accepts(&self, value: Value) -> bool {
        match (self, value) {
            (Self::Range { min, max, step }, Value::Integer(value)) => {
                (*min..=*max).contains(&value) && (value - min) % step == 0
            }
            (Self::PowersOfTwo { min, max }, Value::Integer(value)) => {
                (*min..=*max).contains(&value) && value.is_power_of_two()
            }
            (Self::Choice(choices), Value::Integer(value)) => choices.contains(&value),
            (Self::Decimal { min, max }, Value::Decimal(value)) => (*min..=*max).contains(&value),
            (Self::Flag, Value::Flag(_)) => true,
            (Self::Words(words), Value::Word(word)) => words.contains(&word),
            _ => false,
        }
    }

    /// Every legal value in rising order; of a decimal domain only its two ends.
    #[must_use]
    pub fn candidates(&self) -> Vec<Value> {
        match *self {
            Self::Range { min, max, step } => {
                (min..=max).step_by(step as usize).map(Value::Integer).collect()
            }
            Self::PowersOfTwo { min, max } => {
                (min.ilog2()..=max.ilog2()).map(|bit| Value::Integer(1 << bit)).collect()
            }
            Self::Choice(choices) => choices.iter().copied().map(Value::Integer).collect(),
            Self::Decimal { min, max } => vec![Value::Decimal(min), Value::Decimal(max)],
            Self::Flag => vec![Value::Flag(false), Value::Flag(true)],
            Self::Words(words) => words.iter().copied().map(Value::Word).collect(),
        }
    }

    /// The smallest legal value (the first one of words, `false` of a flag).
    #[must_use]
    pub fn smallest(&self) -> Value {
        match *self {
            Self::Range { min, .. } | Self::PowersOfTwo { min, .. } => Value::Integer(min),
            Self::Choice(choices) => Value::Integer(choices[0]),
            Self::Decimal { min, .. } => Value::Decimal(min),
            Self::Flag => Value::Flag(false),
            Self::Words(words) => Value::Word(words[0]),
        }
    }

    /// The largest legal value (the last one of words, `true` of a flag).
    #[must_use]
    pub fn largest(&self) -> Value {
        match *self {
            Self::Range { min, max, step } => Value::Integer(max - (max - min) % step),
            Self::PowersOfTwo { max, .. } => Value::Integer(max),
            Self::Choice(choices) => Value::Integer(choices[choices.len() - 1]),
            Self::Decimal { max, .. } => Value::Decimal(max),
            Self::Flag => Value::Flag(true),
            Self::Words(words) => Value::Word(words[words.len() - 1]),
        }
    }
}

/// Prints the legal values for a person, such as `1 to 32` or `one of 4, 8, 16`.
impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range { min, max, step: 1 } => write!(f, "{min} to {max}"),
            Self::Range { min, max, step: 2 } => write!(f, "an even number, {min} to {max}"),
            Self::Range { min, max, step } => write!(f, "{min} to {max} in steps of {step}"),
            Self::PowersOfTwo { min, max } => write!(f, "a power of two, {min} to {max}"),
            Self::Decimal { min, max } => write!(f, "{min} to {max}"),
            Self::Flag => f.write_str("true or false"),
            Self::Choice(_) | Self::Words(_) => {
                let values: Vec<_> = self.candidates().iter().map(Value::to_string).collect();
                write!(f, "one of {}", values.join(", "))
            }
        }
    }
}
