//! What is written to the portal and what it writes back: documents, variables and shapes, one room per direction.

pub(crate) mod blocked;
pub(crate) mod read;
pub(crate) mod write;

use std::{fmt, marker::PhantomData};

use bytes::Bytes;
use model::caps::Cap;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::value::RawValue;

use crate::{Malformation, money};

/// The body of a request.
#[expect(
    clippy::expect_used,
    reason = "writing text, numbers and booleans to memory cannot fail"
)]
pub(crate) fn body(query: &'static str, variables: impl Serialize) -> Bytes {
    #[derive(Serialize)]
    struct Request<V> {
        query: &'static str,
        variables: V,
    }
    let request = Request { query, variables };
    let body = serde_json::to_vec(&request).expect("the variables are JSON");
    body.into()
}

/// A JSON object and nothing else: serde's structs are read from lists too, by position.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Fields<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map))
            }
        }
        deserializer.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

/// Something that may be null, but not left out: unlike with serde's own `Option`, silence is no answer.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

/// An id, which some servers write as text and some as a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Id(pub(crate) String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrNumber;
        impl de::Visitor<'_> for TextOrNumber {
            type Value = Id;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Id, E> {
                Ok(Id(text.to_owned()))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Id, E> {
                Ok(Id(number.to_string()))
            }
        }
        deserializer.deserialize_any(TextOrNumber)
    }
}

/// A cap that may never have been set, of the two fields that it comes in.
///
/// # Errors
/// When one of them is there without the other, or the amount is none.
fn optional_cap(
    field: &'static str,
    amount: Option<&RawValue>,
    enabled: Option<bool>,
) -> Result<Option<Cap>, Malformation> {
    match (amount, enabled) {
        (None, None | Some(false)) => Ok(None),
        (Some(amount), Some(enabled)) => cap(field, amount, enabled).map(Some),
        (None, Some(true)) | (Some(_), None) => Err(Malformation::HalfCap { field }),
    }
}

fn cap(field: &'static str, amount: &RawValue, enabled: bool) -> Result<Cap, Malformation> {
    let amount = money::micros(amount.get()).ok_or(Malformation::Amount { field })?;
    Ok(Cap { amount, enabled })
}
