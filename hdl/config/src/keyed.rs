//! Values under a fixed list of keys, as members of results.

use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// An enumeration whose variants are keys of an object in results.
pub trait ResultKey: Copy + 'static {
    /// All keys, in the order of results.
    const ALL: &'static [Self];
    /// Name of an object with these keys in schemas.
    const OBJECT: &'static str;
    /// Unit of the values; empty where it depends on the object.
    const UNIT: &'static str;

    /// The key.
    fn key(self) -> &'static str;

    /// Meaning of the value.
    fn meaning(self) -> &'static str;
}

/// A value for every key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed<K, V> {
    values: Vec<V>,
    keys: PhantomData<K>,
}

impl<K: ResultKey, V> Keyed<K, V> {
    /// The values that `value` gives for the keys.
    pub fn of(value: impl FnMut(K) -> V) -> Self {
        Self { values: K::ALL.iter().copied().map(value).collect(), keys: PhantomData }
    }
}

impl<K: ResultKey, V: Serialize> Serialize for Keyed<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.values.len()))?;
        for (key, value) in K::ALL.iter().zip(&self.values) {
            map.serialize_entry(key.key(), value)?;
        }
        map.end()
    }
}

impl<K: ResultKey, V: JsonSchema> JsonSchema for Keyed<K, V> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}_{}", V::schema_name(), K::OBJECT).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut properties = serde_json::Map::new();
        for key in K::ALL {
            let mut schema = V::json_schema(generator);
            schema.insert("description".into(), key.meaning().into());
            if !K::UNIT.is_empty() {
                schema.insert("unit".into(), K::UNIT.into());
            }
            properties.insert(key.key().into(), schema.into());
        }
        let required: Vec<_> = K::ALL.iter().map(|key| key.key()).collect();
        json_schema!({ "type": "object", "properties": properties, "required": required })
    }
}
