//! What the schema knows about a key, and the values that a key can take.

use std::fmt;

use super::{Config, Rate};

/// Whether a key changes the generated hardware or only its simulated surroundings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Part of the emitted Verilog, and therefore of [`Config::hash`].
    Hardware,
    /// Only the simulated environment, such as the DRAM model; not hashed.
    Simulation,
}

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

/// The legal values of one key, regarded alone (the cross-field rules come on top).
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

/// A field type of the configuration and its conversion to and from [`Value`].
pub(super) trait Field: Sized {
    fn to_value(&self) -> Value;
    fn from_value(value: Value) -> Option<Self>;
}

impl Field for usize {
    fn to_value(&self) -> Value {
        Value::Integer(*self as u64)
    }
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Integer(value) => Self::try_from(value).ok(),
            _ => None,
        }
    }
}

impl Field for bool {
    fn to_value(&self) -> Value {
        Value::Flag(*self)
    }
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Flag(value) => Some(value),
            _ => None,
        }
    }
}

impl Field for Rate {
    fn to_value(&self) -> Value {
        Value::Decimal(*self)
    }
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Decimal(value) => Some(value),
            _ => None,
        }
    }
}

/// A section of the configuration, `[name]` in TOML.
#[derive(Debug)]
pub struct Section {
    /// Name as written in TOML.
    pub name: &'static str,
    pub(super) doc: &'static str,
    /// The section's keys in the order of the schema.
    pub keys: &'static [Key],
}

impl Section {
    /// One line that says what the section configures.
    #[must_use]
    pub fn doc(&self) -> &'static str {
        self.doc.trim()
    }
}

/// One key of the configuration with everything that is known about it.
#[derive(Debug)]
pub struct Key {
    /// Section in which the key stands.
    pub section: &'static str,
    /// Name inside its section.
    pub name: &'static str,
    /// Unit of the value, or an empty string.
    pub unit: &'static str,
    /// Whether the key changes the hardware.
    pub scope: Scope,
    /// Legal values.
    pub domain: Domain,
    pub(super) doc: &'static str,
    pub(super) get: fn(&Config) -> Value,
    pub(super) set: fn(&mut Config, Value) -> bool,
}

impl Key {
    /// Full name, `section.key`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    /// One line that says what the key means.
    #[must_use]
    pub fn doc(&self) -> &'static str {
        self.doc.trim()
    }

    /// The key's value in a configuration.
    #[must_use]
    pub fn get(&self, config: &Config) -> Value {
        (self.get)(config)
    }

    /// Writes a value if the key's domain accepts it and says whether it did. The cross-field
    /// rules are not looked at: see [`Config::violations`].
    #[must_use]
    pub fn set(&self, config: &mut Config, value: Value) -> bool {
        self.domain.accepts(value) && (self.set)(config, value)
    }

    /// The value that holds when nothing is said.
    #[must_use]
    pub fn default_value(&self) -> Value {
        self.get(&Config::default())
    }
}

/// Generates from one list of keys the typed structs, their defaults and the metadata table.
macro_rules! schema {
    ($(
        $(#[doc = $section_doc:literal])+
        $section:ident: $Section:ident {
            $(
                $(#[doc = $doc:literal])+
                $name:ident: $type:ty = $default:expr, $domain:expr, $unit:literal, $scope:ident;
            )+
        }
    )+) => {
        $(
            $(#[doc = $section_doc])+
            #[derive(Clone, Debug, PartialEq, Eq, Hash)]
            pub struct $Section {
                $(
                    $(#[doc = $doc])+
                    #[doc = concat!("\n\nUnit: ", $unit, "; default: `", stringify!($default),
                        "`; legal: `", stringify!($domain), "`.")]
                    pub $name: $type,
                )+
            }

            impl Default for $Section {
                fn default() -> Self {
                    Self { $($name: $default),+ }
                }
            }
        )+

        /// A complete configuration of the accelerator and its simulated memory.
        ///
        /// The default is the preset `edge`. A value that was obtained from [`Loader`], from
        /// [`preset`](super::preset) or from [`Config::random`] is legal; after changing fields by
        /// hand, ask [`Config::violations`].
        ///
        /// [`Loader`]: super::Loader
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
        pub struct Config {
            $( $(#[doc = $section_doc])+ pub $section: $Section, )+
        }

        /// Every section with its keys, in the order in which they are documented.
        pub static SECTIONS: &[Section] = &[
            $( Section {
                name: stringify!($section),
                doc: concat!($($section_doc),+),
                keys: &[ $( Key {
                    section: stringify!($section),
                    name: stringify!($name),
                    unit: $unit,
                    scope: Scope::$scope,
                    domain: $domain,
                    doc: concat!($($doc),+),
                    get: |config| Field::to_value(&config.$section.$name),
                    set: |config, value| match Field::from_value(value) {
                        Some(value) => { config.$section.$name = value; true }
                        None => false,
                    },
                } ),+ ],
            } ),+
        ];
    };
}
pub(super) use schema;
