//! Counting generated text: the bytes of all strings in a piece of an answer.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::json;

/// UTF-8 bytes of all string values of `value`, those aside that the format makes and the model does not (role, id,
/// type). A value that cannot be decoded counts by its JSON text.
pub(super) fn text_bytes(value: &RawValue) -> u64 {
    let mut reader = serde_json::Deserializer::from_str(value.get());
    Text.deserialize(&mut reader)
        .unwrap_or_else(|_| json::compact_len(value.get()))
}

struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_str<E>(self, text: &str) -> Result<u64, E> {
        Ok(u64::try_from(text.len()).unwrap_or(u64::MAX))
    }

    fn visit_unit<E>(self) -> Result<u64, E> {
        Ok(0)
    }

    fn visit_bool<E>(self, _: bool) -> Result<u64, E> {
        Ok(0)
    }

    fn visit_u64<E>(self, _: u64) -> Result<u64, E> {
        Ok(0)
    }

    fn visit_i64<E>(self, _: i64) -> Result<u64, E> {
        Ok(0)
    }

    fn visit_f64<E>(self, _: f64) -> Result<u64, E> {
        Ok(0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<u64, A::Error> {
        let mut sum = 0_u64;
        while let Some(bytes) = seq.next_element_seed(Text)? {
            sum = sum.saturating_add(bytes);
        }
        Ok(sum)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<u64, A::Error> {
        let mut sum = 0_u64;
        while let Some(key) = map.next_key::<String>()? {
            if matches!(key.as_str(), "role" | "id" | "type") {
                map.next_value::<IgnoredAny>()?;
            } else {
                sum = sum.saturating_add(map.next_value_seed(Text)?);
            }
        }
        Ok(sum)
    }
}
