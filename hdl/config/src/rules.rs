//! The rules between keys. One rule is one entry of [`RULES`].

use super::Config;
use super::domain::{Domain, Value};
use super::key::Key;

/// A condition on several keys.
#[derive(Debug)]
pub struct Rule {
    /// The condition, as a sentence without its full stop.
    pub doc: &'static str,
    /// Full names of the keys that take part.
    pub keys: &'static [&'static str],
    holds: fn(&Config) -> bool,
}

/// Smallest and largest depth of the global buffer, in words.
const BUFFER_WORDS: std::ops::RangeInclusive<usize> = 16..=1 << 20;

/// Every rule between keys.
pub static RULES: &[Rule] = &[
    Rule {
        doc: "array.lanes divides buffers.channels_per_word",
        keys: &["array.lanes", "buffers.channels_per_word"],
        holds: |c| c.buffers.channels_per_word.is_multiple_of(c.array.lanes),
    },
    Rule {
        doc: "drain.lanes divides buffers.channels_per_word",
        keys: &["drain.lanes", "buffers.channels_per_word"],
        holds: |c| c.buffers.channels_per_word.is_multiple_of(c.drain.lanes),
    },
    Rule {
        doc: "drain.lanes divides array.cols * array.lanes",
        keys: &["drain.lanes", "array.cols", "array.lanes"],
        holds: |c| (c.array.cols * c.array.lanes).is_multiple_of(c.drain.lanes),
    },
    Rule {
        doc: "the global buffer has 16 to 1048576 words of buffers.channels_per_word * \
              numerics.activation_bits bits",
        keys: &["buffers.global_kib", "buffers.channels_per_word", "numerics.activation_bits"],
        holds: |c| BUFFER_WORDS.contains(&c.buffer_words()),
    },
    Rule {
        doc: "numerics.accumulator_bits is at least numerics.activation_bits + \
              numerics.weight_bits + 2",
        keys: &["numerics.accumulator_bits", "numerics.activation_bits", "numerics.weight_bits"],
        holds: |c| {
            let product = c.numerics.activation_bits + c.numerics.weight_bits;
            c.numerics.accumulator_bits >= product + 2
        },
    },
    Rule {
        doc: "buffers.channels_per_word * numerics.activation_bits is at most 256",
        keys: &["buffers.channels_per_word", "numerics.activation_bits"],
        holds: |c| c.word_bits() <= 256,
    },
    Rule {
        doc: "array.rows * array.cols * array.lanes is at most 4096",
        keys: &["array.rows", "array.cols", "array.lanes"],
        holds: |c| c.multipliers() <= 4096,
    },
    Rule {
        doc: "array.cols * array.lanes * pe.psum_depth / 2 is at least buffers.channels_per_word",
        keys: &["array.cols", "array.lanes", "pe.psum_depth", "buffers.channels_per_word"],
        // A run must be able to produce one whole buffer word.
        holds: |c| c.channels_per_pass() * c.psum_bank_depth() >= c.buffers.channels_per_word,
    },
    Rule {
        doc: "buffers.weight_entries is at least buffers.channels_per_word * \
              ceil(buffers.channels_per_word / (array.cols * array.lanes))",
        keys: &["buffers.weight_entries", "buffers.channels_per_word", "array.cols", "array.lanes"],
        // A column must hold the lists of one slice of one word for one word of outputs.
        holds: |c| {
            let b = c.buffers.channels_per_word;
            c.buffers.weight_entries >= b * b.div_ceil(c.channels_per_pass())
        },
    },
];

impl Rule {
    /// Whether the configuration obeys the rule.
    #[must_use]
    pub fn holds(&self, config: &Config) -> bool {
        (self.holds)(config)
    }

    /// The schema entries of the keys that take part.
    pub fn schema_keys(&self) -> impl Iterator<Item = &'static Key> {
        self.keys.iter().filter_map(|path| Config::key(path))
    }

    /// For each key that takes part, the values that would satisfy the rule if the other keys kept
    /// theirs; one line per key that has any.
    #[must_use]
    pub fn remedies(&self, config: &Config) -> Vec<String> {
        self.schema_keys()
            .filter_map(|key| {
                let legal = |value: &Value| {
                    let mut changed = config.clone();
                    key.set(&mut changed, *value) && self.holds(&changed)
                };
                let values: Vec<Value> =
                    key.domain.candidates().into_iter().filter(legal).collect();
                (!values.is_empty()).then(|| format!("{} = {}", key.path(), list(key, &values)))
            })
            .collect()
    }
}

/// Writes many values of a range as `first to last`, otherwise all of them.
fn list(key: &Key, values: &[Value]) -> String {
    if let (Domain::Range { step, .. }, &[Value::Integer(first), .., Value::Integer(last)]) =
        (key.domain, values)
        && (last - first) / step + 1 == values.len() as u64
    {
        return format!("{first} to {last}");
    }
    let texts: Vec<_> = values.iter().map(Value::to_string).collect();
    texts.join(", ")
}

impl Config {
    /// The rules between keys that the configuration breaks; empty for a legal one.
    #[must_use]
    pub fn violations(&self) -> Vec<&'static Rule> {
        RULES.iter().filter(|rule| !rule.holds(self)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_name_existing_keys() {
        for rule in RULES {
            assert_eq!(rule.schema_keys().count(), rule.keys.len(), "{}", rule.doc);
            assert!(rule.holds(&Config::default()), "{}", rule.doc);
        }
    }

    #[test]
    fn each_rule_can_break() {
        let broken = |change: fn(&mut Config), index: usize| {
            let mut config = Config::default();
            change(&mut config);
            let docs: Vec<_> = config.violations().iter().map(|rule| rule.doc).collect();
            assert!(docs.contains(&RULES[index].doc), "{index}: {docs:?}");
        };
        broken(|c| c.array.lanes = 16, 0);
        broken(|c| c.drain.lanes = 16, 1);
        broken(|c| c.array.cols = 3, 2);
        broken(|c| c.buffers.global_kib = 4096 * 4096, 3);
        broken(|c| c.numerics.accumulator_bits = 17, 4);
        broken(|c| c.buffers.channels_per_word = 64, 5);
        broken(|c| (c.array.rows, c.array.cols, c.array.lanes) = (32, 32, 8), 6);
        broken(|c| (c.array.cols, c.array.lanes, c.pe.psum_depth) = (1, 1, 2), 7);
        let few = |c: &mut Config| {
            (c.array.cols, c.array.lanes, c.buffers.weight_entries) = (1, 1, 16);
        };
        broken(few, 8);
    }

    #[test]
    fn remedies_satisfy_the_rule() {
        let mut config = Config::default();
        config.numerics.accumulator_bits = 12;
        let rule = config.violations()[0];
        assert_eq!(rule.remedies(&config), ["numerics.accumulator_bits = 18 to 48"]);
        config = Config::default();
        config.array.cols = 3;
        assert_eq!(
            config.violations()[0].remedies(&config),
            [
                "drain.lanes = 1, 2, 4",
                "array.cols = 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32",
                "array.lanes = 8, 16"
            ]
        );
    }
}
