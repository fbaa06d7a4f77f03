//! A place in a list as a text.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Datelike, Utc};

use super::ChatCursor;

/// Why a text is no place in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no place in a list")]
pub struct CursorError;

/// As lists give it out; whoever uses one need not understand it.
impl fmt::Display for ChatCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.updated_at.timestamp_micros();
        write!(f, "{}_{micros}_{}", self.pin_order, self.id)
    }
}

impl FromStr for ChatCursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let mut parts = text.split('_');
        let mut next = || parts.next().ok_or(CursorError);
        let (pin_order, micros, id) = (next()?, next()?, next()?);
        let micros = micros.parse().map_err(|_error| CursorError)?;
        let updated_at = DateTime::<Utc>::from_timestamp_micros(micros).ok_or(CursorError)?;
        if parts.next().is_some() || !(1..=9999).contains(&updated_at.year()) {
            return Err(CursorError);
        }
        Ok(Self {
            // As the database counts it.
            pin_order: pin_order
                .parse::<i32>()
                .ok()
                .and_then(|place| place.try_into().ok())
                .ok_or(CursorError)?,
            updated_at,
            id: id.parse().map_err(|_error| CursorError)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let place = ChatCursor {
            pin_order: 3,
            updated_at: DateTime::from_timestamp_micros(1_764_129_000_123_456).unwrap(),
            id: "0190d3a0-b5a0-7c3b-9d2f-3f1d2a3b4c5d".parse().unwrap(),
        };
        let text = place.to_string();
        assert_eq!(text.parse(), Ok(place));
        for wrong in [
            "",
            "3",
            "3_1",
            "3_1_x",
            "x_1_0190d3a0-b5a0-7c3b-9d2f-3f1d2a3b4c5d",
            "-1_1_0190d3a0-b5a0-7c3b-9d2f-3f1d2a3b4c5d",
            "3000000000_1_0190d3a0-b5a0-7c3b-9d2f-3f1d2a3b4c5d",
            "3_9223372036854775807_0190d3a0-b5a0-7c3b-9d2f-3f1d2a3b4c5d",
            "3_253402300800000000_0190d3a0-b5a0-7c3b-9d2f-3f1d2a3b4c5d",
            &format!("{text}_"),
        ] {
            assert_eq!(wrong.parse::<ChatCursor>(), Err(CursorError), "{wrong}");
        }
    }
}
