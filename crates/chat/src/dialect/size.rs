//! How long JSON is, without writing it.

use std::io::{self, Write};

use serde_json::Value;

/// The bytes of a value in its shortest form.
pub(super) fn of(value: &Value) -> usize {
    let mut counted = Counted(0);
    match serde_json::to_writer(&mut counted, value) {
        Ok(()) => counted.0,
        // A value can always be written, and what counts never fails.
        Err(_never) => usize::MAX,
    }
}

struct Counted(usize);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_is_as_long_as_its_text() {
        for value in [
            json!(null),
            json!({"a": [1, 2.5, "\n\"\u{1}é😀"], "b": {}}),
            json!("\"".repeat(1_000)),
        ] {
            assert_eq!(of(&value), value.to_string().len());
        }
    }
}
