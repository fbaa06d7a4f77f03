//! How a provider and its model are named together.

/// The longest name of both, in characters.
const MAX_CHARS: usize = 255;

/// The provider and its model that a text of the form `provider/model` names; `None` for any other text. A model's own
/// name may have more slashes.
#[must_use]
pub fn provider_and_model(text: &str) -> Option<(&str, &str)> {
    let (provider, model) = text.split_once('/')?;
    let plain = !text
        .chars()
        .any(|char| char.is_control() || char.is_whitespace());
    let good = plain && !provider.is_empty() && !model.is_empty();
    (good && text.chars().count() <= MAX_CHARS).then_some((provider, model))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        check(&format!("openai/{}", "x".repeat(300)), None);
    }
}
