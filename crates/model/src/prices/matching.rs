//! Match rules: which requested names an entry of a price book covers.

use fancy_regex::Regex;
use serde::Deserialize;

use super::PriceError;

/// A rule as a price file writes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Rule {
    /// The whole name.
    Equals(String),
    /// Its beginning.
    StartsWith(String),
    /// Its end.
    EndsWith(String),
    /// Any part of it.
    Contains(String),
    /// A regular expression, found anywhere unless it is anchored.
    Regex(String),
    /// At least one of the rules.
    Or(Vec<Self>),
    /// All of the rules.
    And(Vec<Self>),
}

/// A rule that is ready to be asked: literals in lower case, expressions compiled.
#[derive(Debug)]
pub(super) enum Matcher {
    Equals(Box<str>),
    StartsWith(Box<str>),
    EndsWith(Box<str>),
    Contains(Box<str>),
    Regex(Box<Regex>),
    Or(Box<[Self]>),
    And(Box<[Self]>),
}

impl Matcher {
    /// Compiles a rule.
    ///
    /// # Errors
    /// [`PriceError::Pattern`] when an expression does not compile.
    pub(super) fn compile(rule: Rule) -> Result<Self, PriceError> {
        let all = |rules: Vec<Rule>| {
            rules
                .into_iter()
                .map(Self::compile)
                .collect::<Result<_, _>>()
        };
        Ok(match rule {
            Rule::Equals(text) => Self::Equals(fold(text)),
            Rule::StartsWith(text) => Self::StartsWith(fold(text)),
            Rule::EndsWith(text) => Self::EndsWith(fold(text)),
            Rule::Contains(text) => Self::Contains(fold(text)),
            Rule::Regex(pattern) => match Regex::new(&pattern) {
                Ok(regex) => Self::Regex(Box::new(regex)),
                Err(source) => {
                    return Err(PriceError::Pattern {
                        pattern,
                        source: Box::new(source),
                    });
                }
            },
            Rule::Or(rules) => Self::Or(all(rules)?),
            Rule::And(rules) => Self::And(all(rules)?),
        })
    }

    /// The rule as patterns in which `*` is any text, one of which must cover a name. `None` when it is none that can
    /// be written so.
    pub(super) fn patterns(&self) -> Option<Vec<String>> {
        let plain = |text: &str, pattern: String| (!text.contains('*')).then(|| vec![pattern]);
        match self {
            Self::Equals(text) => plain(text, text.to_string()),
            Self::StartsWith(text) => plain(text, format!("{text}*")),
            Self::EndsWith(text) => plain(text, format!("*{text}")),
            Self::Contains(text) => plain(text, format!("*{text}*")),
            Self::Or(rules) => {
                let each: Option<Vec<_>> = rules.iter().map(Self::patterns).collect();
                Some(each?.concat())
            }
            Self::Regex(_) | Self::And(_) => None,
        }
    }

    /// Whether the rule covers `name`, which is in lower case. An expression that gives up does not.
    pub(super) fn covers(&self, name: &str) -> bool {
        match self {
            Self::Equals(text) => name == &**text,
            Self::StartsWith(text) => name.starts_with(&**text),
            Self::EndsWith(text) => name.ends_with(&**text),
            Self::Contains(text) => name.contains(&**text),
            Self::Regex(regex) => regex.is_match(name).unwrap_or(false),
            Self::Or(rules) => rules.iter().any(|rule| rule.covers(name)),
            Self::And(rules) => rules.iter().all(|rule| rule.covers(name)),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "taken from the parsed rule")]
fn fold(text: String) -> Box<str> {
    text.to_lowercase().into_boxed_str()
}

/// The name with a compact date (`-20251211`) written out (`-2025-12-11`), if it has one: some proxies send
/// the first form where price books know the second.
pub(super) fn expand_compact_date(name: &str) -> Option<String> {
    let mut parts = name.split('-').map(str::to_owned).collect::<Vec<_>>();
    let mut found = false;
    for part in parts.iter_mut().skip(1) {
        let (date, rest) = part
            .split_once(':')
            .map_or((part.as_str(), None), |(d, r)| (d, Some(r)));
        if let Some(mut written) = written_date(date) {
            if let Some(rest) = rest {
                written.push(':');
                written.push_str(rest);
            }
            *part = written;
            found = true;
        }
    }
    found.then(|| parts.join("-"))
}

fn written_date(text: &str) -> Option<String> {
    if text.len() != 8 || !text.starts_with("20") || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (year, month, day) = (text.get(..4)?, text.get(4..6)?, text.get(6..)?);
    let within = |text: &str, last: u32| text.parse().is_ok_and(|n| (1..=last).contains(&n));
    (within(month, 12) && within(day, 31)).then(|| format!("{year}-{month}-{day}"))
}

impl Matcher {
    /// Names that the rule may cover: the literals in it.
    pub(super) fn examples(&self) -> Vec<&str> {
        match self {
            Self::Equals(text)
            | Self::StartsWith(text)
            | Self::EndsWith(text)
            | Self::Contains(text) => vec![text],
            Self::Regex(_) => Vec::new(),
            Self::Or(rules) | Self::And(rules) => rules.iter().flat_map(Self::examples).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_cover_names() {
        let check = |rule: &str, name: &str, covered: bool| {
            let rule = serde_json::from_str::<Rule>(rule).expect("a rule");
            let matcher = Matcher::compile(rule).expect("compiles");
            assert_eq!(matcher.covers(name), covered, "{matcher:?} {name}");
        };
        check(r#"{"equals": "GPT-5"}"#, "gpt-5", true);
        check(r#"{"equals": "gpt-5"}"#, "gpt-5-mini", false);
        check(r#"{"starts_with": "claude-2"}"#, "claude-2.1", true);
        check(r#"{"starts_with": "claude-2"}"#, "x-claude-2", false);
        check(r#"{"ends_with": "-latest"}"#, "grok-latest", true);
        check(r#"{"ends_with": "-latest"}"#, "grok-latest-1", false);
        check(r#"{"contains": "nova"}"#, "us.amazon.nova-pro", true);
        check(r#"{"contains": "nova"}"#, "gemini", false);
        check(
            r#"{"regex": "^grok-4\\.5-\\d{8}$"}"#,
            "grok-4.5-20260101",
            true,
        );
        check(
            r#"{"regex": "^grok-4\\.5-\\d{8}$"}"#,
            "grok-4x5-20260101",
            false,
        );
        check(r#"{"regex": "^(?!.*-tts$)"}"#, "gemini-tts", false);
        check(r#"{"or": [{"equals": "a"}, {"equals": "b"}]}"#, "b", true);
        check(r#"{"or": []}"#, "b", false);
        check(
            r#"{"and": [{"starts_with": "a"}, {"ends_with": "b"}]}"#,
            "ab",
            true,
        );
        check(
            r#"{"and": [{"starts_with": "a"}, {"ends_with": "b"}]}"#,
            "ac",
            false,
        );
    }

    #[test]
    fn an_expression_that_does_not_compile_is_an_error() {
        let error = Matcher::compile(Rule::Regex("(".to_owned())).expect_err("no expression");
        assert_eq!(error.to_string(), "pattern `(` is not a regular expression");
    }

    #[test]
    fn compact_dates_are_written_out() {
        let check = |name, written: Option<&str>| {
            assert_eq!(expand_compact_date(name).as_deref(), written, "{name}");
        };
        check("gpt-5-20251211", Some("gpt-5-2025-12-11"));
        check("gpt-5-20251211-mini", Some("gpt-5-2025-12-11-mini"));
        check("gpt-5-20251211:free", Some("gpt-5-2025-12-11:free"));
        check("gpt-5-20251311", None);
        check("gpt-5-2025121", None);
        check("20251211", None);
        check("gpt-4o", None);
    }
}
