//! Description of a key in the schema, and the macro that declares the schema.

use super::domain::{Domain, Value};
use super::{Config, Rate};

/// Whether a key changes the generated hardware or only its simulated surroundings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Part of the emitted Verilog, and therefore of [`Config::hash`].
    Hardware,
    /// Only the simulated environment, such as the DRAM model; not hashed.
    Simulation,
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
    /// Purpose of the section, in one line.
    #[must_use]
    pub fn doc(&self) -> &'static str {
        self.doc.trim()
    }
}

/// One key of the configuration with everything that is known about it.
#[derive(Debug)]
pub struct Key {
    /// Section of the key.
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

    /// Meaning of the key, in one line.
    #[must_use]
    pub fn doc(&self) -> &'static str {
        self.doc.trim()
    }

    /// The key's value in a configuration.
    #[must_use]
    pub fn get(&self, config: &Config) -> Value {
        (self.get)(config)
    }

    /// Writes a value if the key's domain accepts it and returns whether it did. The cross-field rules are not checked:
    /// see [`Config::violations`].
    #[must_use]
    pub fn set(&self, config: &mut Config, value: Value) -> bool {
        self.domain.accepts(value) && (self.set)(config, value)
    }

    /// The value of a key that is not set.
    #[must_use]
    pub fn default_value(&self) -> Value {
        self.get(&Config::default())
    }
}

/// Generates the typed structs, their defaults and the metadata table from one list of keys.
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
