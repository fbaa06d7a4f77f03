//! What messages are made of, as far as it is the same in both languages.

use base64::{Engine, engine::general_purpose::STANDARD};
use model::chats::{ChatFileBytes, ContentPart};

use super::Files;

/// A part of a message as a provider takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// Words.
    Text(String),
    /// A picture, and what kind of one.
    Image(&'a str, String),
    /// A PDF, by its name.
    Pdf(&'a str, String),
}

/// The parts of a message as a provider takes them. How the model came to an earlier answer is not told to it again.
pub(super) fn parts<'a>(content: &'a [ContentPart], files: &'a Files) -> Vec<Part<'a>> {
    content
        .iter()
        .filter_map(|part| match part {
            ContentPart::Text { text } => said(text.clone()),
            ContentPart::Reasoning { .. } => None,
            ContentPart::FileReference {
                file_name,
                start_line,
                end_line,
                content,
            } => Some(Part::Text(fenced(
                &format!("{file_name}, lines {start_line} to {end_line}"),
                content,
            ))),
            ContentPart::File { file_id, name, .. } => Some(match files.get(file_id) {
                Some(Some(file)) => attached(file),
                Some(None) => absent(
                    name.as_deref(),
                    "is left out, to keep the conversation short",
                ),
                None => absent(name.as_deref(), "is gone"),
            }),
        })
        .collect()
}

/// Words, unless there are none: Anthropic refuses empty ones.
fn said(text: String) -> Option<Part<'static>> {
    (!text.trim().is_empty()).then_some(Part::Text(text))
}

/// A file as a provider takes it.
pub(super) fn attached(bytes: &ChatFileBytes) -> Part<'_> {
    let (file, data) = (&bytes.file, &bytes.data);
    match file.mime_type.as_str() {
        kind if kind.starts_with("image/") => Part::Image(kind, STANDARD.encode(data)),
        "application/pdf" => Part::Pdf(&file.name, STANDARD.encode(data)),
        _ => Part::Text(fenced(&file.name, &String::from_utf8_lossy(data))),
    }
}

fn absent(name: Option<&str>, why: &str) -> Part<'static> {
    let name = name.unwrap_or("without a name");
    Part::Text(format!("[The file {name} was attached here, and {why}.]"))
}

/// A text that comes from elsewhere, under its name, between fences that it does not contain.
fn fenced(name: &str, text: &str) -> String {
    let runs = text.split(|one| one != '`').map(str::len);
    let fence = "`".repeat(
        runs.max()
            .map_or(3, |longest| longest.saturating_add(1).max(3)),
    );
    let text = text.strip_suffix('\n').unwrap_or(text);
    format!("{name}:\n{fence}\n{text}\n{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_breaks_out_of_its_fence() {
        assert_eq!(fenced("a", "b\n"), "a:\n```\nb\n```");
        assert_eq!(fenced("a", "```\nb"), "a:\n````\n```\nb\n````");
        assert_eq!(fenced("a", "````"), "a:\n`````\n````\n`````");
        assert_eq!(fenced("a", "``"), "a:\n```\n``\n```");
    }

    #[test]
    fn a_file_of_fences_takes_no_longer_than_any_other() {
        let most = 10 * 1024 * 1024;
        let text = "`".repeat(most);
        assert_eq!(fenced("a", &text).len(), 3 * most + "a:\n".len() + 2 + 2);
    }
}
