//! How chats and what is about them may be named.

/// The longest name of both, in characters.
const MAX_CHARS: usize = 255;

/// Whether a character may stand in a name that people read on a line. Those may not that nobody sees and that change how
/// others are seen: controls, what changes the direction of writing, and other characters of format. Joiners may: there
/// are scripts, and pictures of people, that cannot be written without them.
#[must_use]
pub fn legible(char: char) -> bool {
    let hidden = matches!(
        char,
        // Soft hyphen, letter and vowel marks.
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        // Ends of lines and paragraphs, embeddings and overrides.
        | '\u{2028}'..='\u{202e}'
        // Word joiner, what is not seen in formulas, isolates, and what nobody should use any more.
        | '\u{2060}'..='\u{206f}'
        // The mark at the beginning of texts, annotations, and tags.
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    );
    !hidden && !char.is_control()
}

/// The provider and its model that a text of the form `provider/model` names; `None` for any other text. A model's own
/// name may have more slashes.
#[must_use]
pub fn provider_and_model(text: &str) -> Option<(&str, &str)> {
    let (provider, model) = text.split_once('/')?;
    let plain = text
        .chars()
        .all(|char| legible(char) && !char.is_whitespace());
    let good = plain && !provider.is_empty() && !model.is_empty();
    (good && text.chars().count() <= MAX_CHARS).then_some((provider, model))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_stands_in_no_name() {
        let bad = "\0\n\u{7f}\u{85}\u{ad}\u{61c}\u{200b}\u{200e}\u{200f}\u{2028}\u{202a}\u{202e}\u{2066}\u{2069}\u{feff}\u{e0041}";
        for char in bad.chars() {
            assert!(!legible(char), "{char:?}");
        }
        let good = "aZ9 -_/é\u{5d0}\u{627}\u{200c}\u{200d}日😀\u{fe0f}…";
        for char in good.chars() {
            assert!(legible(char), "{char:?}");
        }
    }

    #[test]
    fn a_model_is_of_a_provider() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            assert_eq!(provider_and_model(text), expected, "{text}");
        };
        check("openai/gpt-5-mini", Some(("openai", "gpt-5-mini")));
        check("router/meta/llama-3", Some(("router", "meta/llama-3")));
        check("gpt-5", None);
        check("/gpt-5", None);
        check("openai/", None);
        check("openai/gpt 5", None);
        check("openai/gpt\0", None);
        check("openai/\u{202e}tpg", None);
        check(&format!("openai/{}", "x".repeat(300)), None);
    }
}
