//! What messages are made of.

use serde::{Deserialize, Serialize};

use crate::ChatFileId;

/// The largest body of a request with content, in bytes.
pub const MAX_CONTENT_BYTES: usize = 256 * 1024;

/// A part of a message, as it is stored and sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ContentPart {
    /// Words.
    Text {
        /// The words.
        text: String,
    },
    /// How the model came to its answer, where it says so.
    Reasoning {
        /// The words.
        text: String,
    },
    /// A file of the chat.
    File {
        /// Which.
        file_id: ChatFileId,
        /// What it is by its bytes; filled in when it is attached.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mime_type: Option<String>,
        /// Its name; filled in when it is attached.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// Lines of a file that is somewhere else.
    FileReference {
        /// What it is called there.
        file_name: String,
        /// The first line.
        start_line: u32,
        /// The last line.
        end_line: u32,
        /// The lines.
        content: String,
    },
}

/// A file that a message attaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Which.
    pub file_id: ChatFileId,
    /// What it is by its bytes.
    pub mime_type: String,
    /// Its name.
    pub name: String,
}

/// What is wrong with a part that somebody sends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentProblem {
    /// There are no parts.
    #[error("Content is required.")]
    Empty,
    /// A text says nothing.
    #[error("content[{0}].text cannot be empty.")]
    Text(usize),
    /// A reference to a file has no name.
    #[error("content[{0}].file_name cannot be empty for file-reference.")]
    FileName(usize),
    /// A part that only answers have.
    #[error("content[{0}].type \"{1}\" is not supported.")]
    Type(usize, &'static str),
}

/// What is wrong with what somebody sends; nothing when it can be said.
#[must_use]
pub fn content_problems(parts: &[ContentPart]) -> Vec<ContentProblem> {
    if parts.is_empty() {
        return vec![ContentProblem::Empty];
    }
    let problem = |(place, part): (usize, &ContentPart)| match part {
        ContentPart::Text { text } => text
            .trim()
            .is_empty()
            .then_some(ContentProblem::Text(place)),
        ContentPart::Reasoning { .. } => Some(ContentProblem::Type(place, "reasoning")),
        ContentPart::File { .. } => None,
        ContentPart::FileReference { file_name, .. } => file_name
            .trim()
            .is_empty()
            .then_some(ContentProblem::FileName(place)),
    };
    parts.iter().enumerate().filter_map(problem).collect()
}

/// The words of parts, for titles and prompts.
#[must_use]
pub fn text_of(parts: &[ContentPart]) -> String {
    let words = parts.iter().filter_map(|part| match part {
        ContentPart::Text { text } => Some(text.as_str()),
        ContentPart::Reasoning { .. }
        | ContentPart::File { .. }
        | ContentPart::FileReference { .. } => None,
    });
    words.collect::<Vec<_>>().join("\n\n")
}

/// Pieces in their order as what they are together: words that follow words of the same kind are one part.
#[must_use]
pub fn joined(pieces: impl IntoIterator<Item = ContentPart>) -> Vec<ContentPart> {
    let mut parts: Vec<ContentPart> = Vec::new();
    for piece in pieces {
        match (parts.last_mut(), &piece) {
            (Some(ContentPart::Text { text }), ContentPart::Text { text: more })
            | (Some(ContentPart::Reasoning { text }), ContentPart::Reasoning { text: more }) => {
                text.push_str(more);
            }
            _ => parts.push(piece),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> ContentPart {
        ContentPart::Text {
            text: text.to_owned(),
        }
    }

    fn reasoning(text: &str) -> ContentPart {
        ContentPart::Reasoning {
            text: text.to_owned(),
        }
    }

    const FILE: ContentPart = ContentPart::File {
        file_id: ChatFileId(uuid::Uuid::from_u128(7)),
        mime_type: None,
        name: None,
    };

    fn reference(name: &str) -> ContentPart {
        ContentPart::FileReference {
            file_name: name.to_owned(),
            start_line: 1,
            end_line: 2,
            content: String::new(),
        }
    }

    #[test]
    fn all_that_is_wrong_with_content_is_told_by_its_place() {
        let check = |parts: &[ContentPart], expected: &[&str]| {
            let found: Vec<_> = content_problems(parts)
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(found, expected, "{parts:?}");
        };
        check(&[], &["Content is required."]);
        check(&[text("hello"), FILE, reference("a.rs")], &[]);
        check(&[text(" \n")], &["content[0].text cannot be empty."]);
        check(
            &[text("x"), reference(" "), reasoning("hm"), text("")],
            &[
                "content[1].file_name cannot be empty for file-reference.",
                "content[2].type \"reasoning\" is not supported.",
                "content[3].text cannot be empty.",
            ],
        );
    }

    #[test]
    fn pieces_are_joined_with_those_of_their_kind() {
        let check = |pieces: &[ContentPart], expected: &[ContentPart]| {
            assert_eq!(joined(pieces.iter().cloned()), expected);
        };
        check(&[], &[]);
        check(&[text("a"), text("b")], &[text("ab")]);
        check(
            &[
                reasoning("h"),
                reasoning("m"),
                text("a"),
                FILE,
                text("b"),
                text("c"),
            ],
            &[reasoning("hm"), text("a"), FILE, text("bc")],
        );
        assert_eq!(
            text_of(&[reasoning("hm"), text("a"), FILE, text("b")]),
            "a\n\nb"
        );
    }

    #[test]
    fn content_is_stored_by_the_names_of_its_types() {
        let stored = serde_json::to_value([text("a"), FILE, reference("x")]).unwrap();
        let expected = serde_json::json!([
            {"type": "text", "text": "a"},
            {"type": "file", "file_id": "00000000-0000-0000-0000-000000000007"},
            {"type": "file-reference", "file_name": "x", "start_line": 1, "end_line": 2, "content": ""},
        ]);
        assert_eq!(stored, expected);
    }
}
