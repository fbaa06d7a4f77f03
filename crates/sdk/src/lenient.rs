//! What existing clients send for "nothing": `null` lists and empty texts.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IntoDeserializer, MapAccess, Visitor},
};

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

/// Reads `null` as the default value, given: in a change it empties what an absent value leaves as it is.
pub(crate) fn null_as_given<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    null_as_default(deserializer).map(Some)
}

/// Reads a mapping in which no key comes twice; `null` is an empty one. Which of two was meant nobody can tell.
pub(crate) fn distinct_keys<'de, D, T>(deserializer: D) -> Result<BTreeMap<String, T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_any(DistinctKeys(PhantomData))
}

struct DistinctKeys<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for DistinctKeys<T> {
    type Value = BTreeMap<String, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(BTreeMap::new())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut read = BTreeMap::new();
        while let Some((key, value)) = map.next_entry::<String, T>()? {
            if read.insert(key, value).is_some() {
                return Err(A::Error::custom("a key is named more than once"));
            }
        }
        Ok(read)
    }
}

/// Reads a mapping in which `null` is an empty list, or an empty mapping.
pub(crate) fn null_lists<'de, D, T>(deserializer: D) -> Result<BTreeMap<String, Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let mapping = Option::<BTreeMap<String, Option<Vec<T>>>>::deserialize(deserializer)?;
    let entries = mapping.unwrap_or_default().into_iter();
    Ok(entries
        .map(|(value, list)| (value, list.unwrap_or_default()))
        .collect())
}

/// Reads a mapping as [`null_lists`] does, given: in a change `null` empties it.
pub(crate) fn null_mapping_as_given<'de, D, T>(
    deserializer: D,
) -> Result<Option<BTreeMap<String, Vec<T>>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    null_lists(deserializer).map(Some)
}
