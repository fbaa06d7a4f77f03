//! Reading the fields of requests about chats, with the words that clients know for what is wrong with them.

use std::collections::BTreeMap;

use bursar_sdk::{ChatInputPart, ValidationError};
use dbauthz::BusyBehavior;
use model::{
    ChatFileId,
    chats::{
        ClientType, ContentPart, ContentProblem, LABELS_MAX, MessageId, QueuedId, TITLE_MAX_CHARS,
        content_problems, legible, provider_and_model,
    },
};

use crate::error::{ApiError, ApiResult};

/// The longest key of a label, in characters.
const LABEL_KEY_MAX_CHARS: usize = 64;
/// The longest value of a label, in characters.
const LABEL_VALUE_MAX_CHARS: usize = 256;

/// What somebody says.
pub(super) fn content(parts: Vec<ChatInputPart>) -> ApiResult<Vec<ContentPart>> {
    if parts.is_empty() {
        return Err(ApiError::Request(ContentProblem::Empty.to_string()));
    }
    let mut problems = Vec::new();
    let mut read = Vec::new();
    for (place, given) in parts.into_iter().enumerate() {
        match part(given) {
            Ok(part) => read.push(part),
            Err(detail) => problems.push(format!("content[{place}].{detail}")),
        }
    }
    if problems.is_empty() {
        problems = content_problems(&read)
            .iter()
            .map(ToString::to_string)
            .collect();
    }
    if problems.is_empty() {
        Ok(read)
    } else {
        Err(ApiError::Content(problems))
    }
}

fn part(part: ChatInputPart) -> Result<ContentPart, String> {
    // What the database cannot keep as JSON.
    let texts = [
        ("text", &part.text),
        ("file_name", &part.file_name),
        ("content", &part.content),
    ];
    if let Some((field, _)) = texts.iter().find(|(_, text)| text.contains('\0')) {
        return Err(format!("{field} cannot contain the character U+0000."));
    }
    match part.r#type.as_str() {
        "text" => Ok(ContentPart::Text { text: part.text }),
        "file" => {
            let id = part.file_id.filter(|id| !id.is_nil());
            let id = id.ok_or("file_id is required for file parts.")?;
            Ok(ContentPart::File {
                file_id: ChatFileId(id),
                mime_type: None,
                name: None,
            })
        }
        "file-reference" => Ok(ContentPart::FileReference {
            file_name: part.file_name,
            start_line: part.start_line.unwrap_or_default(),
            end_line: part.end_line.unwrap_or_default(),
            content: part.content,
        }),
        other => Err(format!("type {other:?} is not supported.")),
    }
}

/// A title that somebody gives.
pub(super) fn title(text: &str) -> ApiResult<String> {
    let title = text.trim();
    let wrong = |words: String| Err(ApiError::Request(words));
    if title.is_empty() {
        wrong("Title cannot be empty.".to_owned())
    } else if title.chars().count() > TITLE_MAX_CHARS {
        wrong(format!(
            "Title must be at most {TITLE_MAX_CHARS} characters."
        ))
    } else if !title.chars().all(legible) {
        wrong("Title cannot contain control characters.".to_owned())
    } else {
        Ok(title.to_owned())
    }
}

/// Labels that somebody gives.
pub(super) fn labels(labels: BTreeMap<String, String>) -> ApiResult<BTreeMap<String, String>> {
    let mut validations = Vec::new();
    let mut wrong = |detail: String| {
        validations.push(ValidationError {
            field: "labels".to_owned(),
            detail,
        });
    };
    if labels.len() > LABELS_MAX {
        wrong(format!("must not be more than {LABELS_MAX}"));
    }
    for (key, value) in &labels {
        let word = |char: char| char.is_ascii_alphanumeric() || "._/-".contains(char);
        if key.is_empty() || !key.chars().all(word) || key.len() > LABEL_KEY_MAX_CHARS {
            wrong(format!(
                "the key {key:?} must be 1 to {LABEL_KEY_MAX_CHARS} letters, digits and `._/-`"
            ));
        }
        let length = value.chars().count();
        if !(1..=LABEL_VALUE_MAX_CHARS).contains(&length) || !value.chars().all(legible) {
            wrong(format!(
                "the value of {key:?} must be 1 to {LABEL_VALUE_MAX_CHARS} characters on a line"
            ));
        }
    }
    if validations.is_empty() {
        Ok(labels)
    } else {
        Err(ApiError::Body {
            message: "Invalid labels.",
            validations,
        })
    }
}

/// The name of a provider and its model.
pub(super) fn model(text: Option<String>) -> ApiResult<Option<String>> {
    let Some(text) = text else { return Ok(None) };
    if provider_and_model(&text).is_some() {
        return Ok(Some(text));
    }
    Err(ApiError::Body {
        message: "Invalid model.",
        validations: vec![ValidationError {
            field: "model".to_owned(),
            detail: "must have the form `provider/model`".to_owned(),
        }],
    })
}

/// What the model is told before anything is said.
pub(super) fn system(text: String) -> ApiResult<String> {
    if text.contains('\0') {
        let words = "system_prompt cannot contain the character U+0000.";
        return Err(ApiError::Request(words.to_owned()));
    }
    Ok(text)
}

/// What becomes of what is said while the model answers.
pub(super) fn busy_behavior(text: Option<&str>) -> ApiResult<BusyBehavior> {
    match text {
        None | Some("queue") => Ok(BusyBehavior::Queue),
        Some("interrupt") => Ok(BusyBehavior::Interrupt),
        Some(_) => Err(ApiError::Request("Invalid busy_behavior value.".to_owned())),
    }
}

/// By what kind of program a chat is started.
pub(super) fn client_type(text: Option<&str>) -> ApiResult<ClientType> {
    let Some(text) = text else {
        return Ok(ClientType::default());
    };
    let invalid = || ApiError::Request("Invalid client_type.".to_owned());
    ClientType::parse(text).ok_or_else(invalid)
}

/// A place on top of a list; 0 is none.
pub(super) fn pin_order(place: i64) -> ApiResult<u32> {
    if place < 0 {
        return Err(ApiError::Request(
            "Pin order must be non-negative.".to_owned(),
        ));
    }
    // Places end where chats do: a place behind all others is the last one.
    let place = i32::try_from(place).unwrap_or(i32::MAX);
    Ok(place.unsigned_abs())
}

/// A message in the path.
pub(super) fn message(text: &str) -> ApiResult<MessageId> {
    let id = text.parse().ok().filter(|id: &MessageId| id.0 > 0);
    id.ok_or(ApiError::Detailed {
        message: "Invalid chat message ID.",
        detail: "Message ID must be a positive integer.",
    })
}

/// Something that waits, in the path.
pub(super) fn queued(text: &str) -> ApiResult<QueuedId> {
    let id = text.parse().ok().filter(|id: &QueuedId| id.0 > 0);
    id.ok_or(ApiError::Detailed {
        message: "Invalid queued message ID.",
        detail: "Queued message ID must be a positive integer.",
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_cannot_be_said_is_told_by_its_place() {
        let check = |parts: Vec<ChatInputPart>, expected: &[&str]| {
            let problems = match content(parts) {
                Ok(_) => Vec::new(),
                Err(ApiError::Content(problems)) => problems,
                Err(other) => vec![other.to_string()],
            };
            assert_eq!(problems, expected);
        };
        let text = ChatInputPart::text;
        let of = |kind: &str| ChatInputPart {
            r#type: kind.to_owned(),
            ..ChatInputPart::default()
        };
        check(Vec::new(), &["Content is required."]);
        check(vec![text("hello")], &[]);
        check(vec![ChatInputPart::file(Uuid::from_u128(1))], &[]);
        check(
            vec![text("hello"), text(" \n")],
            &["content[1].text cannot be empty."],
        );
        check(
            vec![text("a\0")],
            &["content[0].text cannot contain the character U+0000."],
        );
        let file = "content[0].file_id is required for file parts.";
        check(vec![of("file")], &[file]);
        check(vec![ChatInputPart::file(Uuid::nil())], &[file]);
        check(
            vec![of("file-reference")],
            &["content[0].file_name cannot be empty for file-reference."],
        );
        check(
            vec![of("tool-call"), text("x"), of("reasoning"), of("")],
            &[
                "content[0].type \"tool-call\" is not supported.",
                "content[2].type \"reasoning\" is not supported.",
                "content[3].type \"\" is not supported.",
            ],
        );
    }

    #[test]
    fn titles_are_short_and_not_blank() {
        let check = |text: &str, expected: Result<&str, &str>| {
            let read = title(text).map_err(|error| error.to_string());
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(read, expected, "{text:?}");
        };
        check("  Plans ", Ok("Plans"));
        check(" \t", Err("Title cannot be empty."));
        check("a\nb", Err("Title cannot contain control characters."));
        check(
            "a\u{202e}b",
            Err("Title cannot contain control characters."),
        );
        let longest = "é".repeat(200);
        check(&longest, Ok(&longest));
        check(
            &"é".repeat(201),
            Err("Title must be at most 200 characters."),
        );
    }

    #[test]
    fn labels_are_words_with_values() {
        let check = |pairs: &[(&str, &str)], good: bool| {
            let given = pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
            assert_eq!(labels(given.collect()).is_ok(), good, "{pairs:?}");
        };
        check(&[], true);
        check(&[("repo", "acme/site"), ("a.b/c-d_9", "é ü")], true);
        check(&[("", "x")], false);
        check(&[("a b", "x")], false);
        check(&[("a:b", "x")], false);
        check(&[("a", "")], false);
        check(&[("a", "x\0")], false);
        check(&[("a", "x\u{202e}")], false);
        check(&[("a", &"x".repeat(257))], false);
        check(&[(&"x".repeat(65), "x")], false);
        let many: BTreeMap<_, _> = (0..51).map(|i| (format!("k{i}"), "v".to_owned())).collect();
        assert!(labels(many).is_err());
    }

    #[test]
    fn a_model_is_of_a_provider() {
        let check = |text: &str, good: bool| {
            assert_eq!(model(Some(text.to_owned())).is_ok(), good, "{text}");
        };
        assert_eq!(model(None).unwrap(), None);
        check("openai/gpt-5-mini", true);
        check("gpt-5", false);
        check("openai/gpt 5", false);
    }

    #[test]
    fn messages_are_numbered_from_one() {
        let check = |text: &str, good: bool| {
            assert_eq!(message(text).is_ok(), good, "{text}");
            assert_eq!(queued(text).is_ok(), good, "{text}");
        };
        check("1", true);
        check("9223372036854775807", true);
        check("0", false);
        check("-1", false);
        check("9223372036854775808", false);
        check("x", false);
    }

    #[test]
    fn a_place_on_top_is_counted_from_one() {
        let check = |place: i64, expected: Option<u32>| {
            assert_eq!(pin_order(place).ok(), expected, "{place}");
        };
        check(-1, None);
        check(0, Some(0));
        check(7, Some(7));
        check(i64::MAX, Some(2_147_483_647));
    }
}
