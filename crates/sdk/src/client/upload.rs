//! A file that is brought to the server.

use std::fmt::{self, Write as _};

/// A file to be kept: its bytes are the body of the call.
#[derive(Clone)]
pub struct Upload {
    /// Its name.
    pub name: String,
    /// What it is; `None` lets the server find out.
    pub content_type: Option<String>,
    /// Its bytes.
    pub data: Vec<u8>,
}

impl Upload {
    /// A file whose type the server finds out.
    #[must_use]
    pub fn new(name: impl Into<String>, data: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.into(),
            content_type: None,
            data: data.into(),
        }
    }

    /// Its name as a header has it, whatever is in it (RFC 8187).
    pub(super) fn disposition(&self) -> String {
        let mut header = "attachment; filename*=UTF-8''".to_owned();
        for byte in self.name.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                header.push(char::from(byte));
            } else {
                // Writing to a text does not fail.
                let _written = write!(header, "%{byte:02X}");
            }
        }
        header
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload")
            .field("name", &self.name)
            .field("content_type", &self.content_type)
            .field("bytes", &self.data.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Upload;

    #[test]
    fn any_name_is_a_header() {
        let check = |name: &str, expected: &str| {
            let header = Upload::new(name, b"x").disposition();
            assert_eq!(header, format!("attachment; filename*=UTF-8''{expected}"));
        };
        check("plan.md", "plan.md");
        check("größe; \"x\"\n", "gr%C3%B6%C3%9Fe%3B%20%22x%22%0A");
    }
}
