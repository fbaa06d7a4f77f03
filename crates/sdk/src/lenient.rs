//! What existing clients send for "nothing": `null` lists and empty texts.

use serde::{Deserialize, Deserializer, de::IntoDeserializer};

/// Reads `null` as the default value: programs in Go send `null` for an empty list.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Reads an empty text as absent: programs in Go send `""` for a value that was not given.
pub(crate) fn empty_as_none<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let text = Option::<String>::deserialize(deserializer)?;
    text.filter(|text| !text.is_empty())
        .map(|text| T::deserialize(text.into_deserializer()))
        .transpose()
}
