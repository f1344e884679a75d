//! Quantities on the wire: text or a whole number in, text out, and the schema that says so.

use std::{borrow::Cow, fmt, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Quantity, Unit, unit};

/// Longest text of a quantity.
const MAXIMUM_LENGTH: usize = 24;

impl<U> Serialize for Quantity<U> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de, U: Unit> Deserialize<'de> for Quantity<U> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrNumber(PhantomData))
    }
}

struct TextOrNumber<U>(PhantomData<U>);

impl<U: Unit> de::Visitor<'_> for TextOrNumber<U> {
    type Value = Quantity<U>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} (a number with decimals goes in quotes)",
            U::WANTED
        )
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Quantity::new(text.to_owned()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Quantity::new(number.to_string()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Quantity::new(number.to_string()))
    }
}

impl<U: Unit> JsonSchema for Quantity<U> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Quantity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "x-kubernetes-int-or-string": true,
            "pattern": unit::pattern::<U>(),
            "maxLength": MAXIMUM_LENGTH,
            "minimum": 0,
            "x-kubernetes-validations": [{
                "rule": format!(
                    "string(self) == '' || (isQuantity(string(self)) && !quantity(string(self)).isLessThan(quantity('0')) && !quantity(string(self)).isGreaterThan(quantity('{}')))",
                    U::MAXIMUM_TEXT
                ),
                "message": format!("not from 0 to {}, which is what is accepted: write {}", U::MAXIMUM_TEXT, U::WANTED),
            }],
        })
    }
}
