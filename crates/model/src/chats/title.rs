//! Titles of chats that nobody gave one.

use super::{ContentPart, legible};

/// The longest title that is made of what is said, in characters.
const MADE_TITLE_CHARS: usize = 60;
/// The title of a chat in which nothing is said that could be one.
const NEW_CHAT: &str = "New Chat";

/// The title of a chat that was given none: the beginning of what is said first in it.
#[must_use]
pub fn made_title(content: &[ContentPart]) -> String {
    let said = super::text_of(content);
    let words = said.split(|char: char| char.is_whitespace() || char.is_control());
    let words = words.map(|word| word.replace(|char: char| !legible(char), ""));
    let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
    let title = words.join(" ");
    let Some((end, _)) = title.char_indices().nth(MADE_TITLE_CHARS) else {
        let blank = title.is_empty();
        return if blank { NEW_CHAT.to_owned() } else { title };
    };
    let start = title.get(..end).unwrap_or_default();
    let whole = start.rsplit_once(' ').map_or(start, |(words, _)| words);
    format!("{whole}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_made_of_what_is_said_first() {
        let check = |said: &str, expected: &str| {
            let text = said.to_owned();
            assert_eq!(made_title(&[ContentPart::Text { text }]), expected);
        };
        check("Plan the launch", "Plan the launch");
        check("  Plan\n\tthe \0 launch ", "Plan the launch");
        check("", "New Chat");
        // What is said is kept as it is; the title shows nothing the other way round.
        check("Pay \u{202e}eno\u{2069} \u{200b} now", "Pay eno now");
        check("\u{202e}", "New Chat");
        let words = "word ".repeat(30);
        let made = made_title(&[ContentPart::Text { text: words }]);
        assert!(made.ends_with("word…"), "{made}");
        assert!(made.chars().count() <= MADE_TITLE_CHARS + 1, "{made}");
        let made = made_title(&[ContentPart::Text {
            text: "é".repeat(400),
        }]);
        assert_eq!(made, format!("{}…", "é".repeat(MADE_TITLE_CHARS)));
        assert_eq!(made_title(&[]), "New Chat");
    }
}
