//! The language of lists: words of the form `key:value`, separated by blanks, a value in quotes where it has blanks or
//! colons in it. All that is wrong with a text is told together.

use std::{collections::BTreeMap, str::FromStr};

use super::{ChatFilter, ChatSources};

/// The longest text, in characters.
const QUERY_MAX_CHARS: usize = 1_000;

/// The keys that a text may have.
const KEYS: &[&str] = &[
    "title",
    "archived",
    "has_unread",
    "source",
    "label",
    "hidden",
    "search",
];

/// Something that is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryProblem {
    /// The key that it is about; `q` when it is about the text as such.
    pub key: String,
    /// What is wrong.
    pub detail: String,
}

impl QueryProblem {
    fn new(key: &str, detail: impl Into<String>) -> Self {
        let (key, detail) = (key.to_owned(), detail.into());
        Self { key, detail }
    }
}

impl FromStr for ChatFilter {
    type Err = Vec<QueryProblem>;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.chars().count() > QUERY_MAX_CHARS {
            let detail = format!("must not be longer than {QUERY_MAX_CHARS} characters");
            return Err(vec![QueryProblem::new("q", detail)]);
        }
        if text.chars().any(char::is_control) {
            let detail = "must not contain control characters";
            return Err(vec![QueryProblem::new("q", detail)]);
        }
        let mut reader = Reader::default();
        for word in words(text) {
            reader.word(&word);
        }
        reader.filter()
    }
}

/// One word, its quotes taken off.
#[derive(Debug, Default, PartialEq, Eq)]
struct Word {
    /// As it was written.
    written: String,
    /// What is before each colon that is not quoted, and after the last one.
    parts: Vec<String>,
    /// Whether its quotes end.
    closed: bool,
}

fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let (mut word, mut part) = (Word::default(), String::new());
    let mut quoted = false;
    for char in text.chars() {
        if char.is_whitespace() && !quoted {
            end(&mut words, &mut word, &mut part, true);
            continue;
        }
        word.written.push(char);
        match char {
            '"' => quoted = !quoted,
            ':' if !quoted => word.parts.push(std::mem::take(&mut part)),
            char => part.push(char),
        }
    }
    end(&mut words, &mut word, &mut part, !quoted);
    words
}

fn end(words: &mut Vec<Word>, word: &mut Word, part: &mut String, closed: bool) {
    if word.written.is_empty() {
        return;
    }
    let mut word = std::mem::take(word);
    word.parts.push(std::mem::take(part));
    word.closed = closed;
    words.push(word);
}

/// What was read so far.
#[derive(Debug, Default)]
struct Reader {
    values: BTreeMap<&'static str, Vec<String>>,
    problems: Vec<QueryProblem>,
}

impl Reader {
    fn word(&mut self, word: &Word) {
        match self.read(word) {
            Ok((key, value)) => self.values.entry(key).or_default().push(value),
            Err(problem) => self.problems.push(problem),
        }
    }

    fn read(&self, word: &Word) -> Result<(&'static str, String), QueryProblem> {
        let wrong = |detail: String| Err(QueryProblem::new("q", detail));
        let written = &word.written;
        if !word.closed {
            return wrong(format!("a quote is not closed: {written}"));
        }
        let (key, value) = match word.parts.as_slice() {
            [_] => return wrong(format!("unsupported search term: {written:?}")),
            [key, value] => (key, value),
            _ => return wrong(format!("query element {written:?} can only contain 1 ':'")),
        };
        if key.is_empty() || written.ends_with(':') {
            return wrong(format!(
                "query element {written:?} cannot start or end with ':'"
            ));
        }
        let known = KEYS.iter().find(|known| known.eq_ignore_ascii_case(key));
        match known {
            Some(known) => Ok((known, value.clone())),
            None => Err(QueryProblem::new(
                key,
                format!("{key:?} is not a valid query param"),
            )),
        }
    }

    fn filter(mut self) -> Result<ChatFilter, Vec<QueryProblem>> {
        let filter = ChatFilter {
            title: self.one("title"),
            archived: self.boolean("archived").unwrap_or_default(),
            has_unread: self.boolean("has_unread"),
            sources: self.sources(),
            labels: self.labels(),
            with_hidden: self.boolean("hidden").unwrap_or_default(),
            search: self.one("search"),
            ..ChatFilter::default()
        };
        if filter.title.is_some() && filter.search.is_some() {
            let detail = "cannot be combined with `title`";
            self.problems.push(QueryProblem::new("search", detail));
        }
        if self.problems.is_empty() {
            Ok(filter)
        } else {
            Err(self.problems)
        }
    }

    fn one(&mut self, key: &'static str) -> Option<String> {
        let mut values = self.values.remove(key)?;
        if values.len() > 1 {
            self.problems
                .push(QueryProblem::new(key, "can only be given once"));
        }
        values.pop()
    }

    fn boolean(&mut self, key: &'static str) -> Option<bool> {
        let value = self.one(key)?;
        match value.to_ascii_lowercase().as_str() {
            "true" | "t" | "1" => Some(true),
            "false" | "f" | "0" => Some(false),
            _ => {
                let detail = format!("{value:?} is no boolean");
                self.problems.push(QueryProblem::new(key, detail));
                None
            }
        }
    }

    fn labels(&mut self) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::new();
        for value in self.values.remove("label").unwrap_or_default() {
            match label(&value) {
                Some((key, value)) => {
                    let before = labels.insert(key, value.clone());
                    if before.is_some_and(|before| before != value) {
                        let detail = "a label has one value only";
                        self.problems.push(QueryProblem::new("label", detail));
                    }
                }
                None => {
                    let detail = format!("{value:?} must have the form `\"key:value\"`");
                    self.problems.push(QueryProblem::new("label", detail));
                }
            }
        }
        labels
    }

    fn sources(&mut self) -> ChatSources {
        let (mut own, mut shared) = (false, false);
        let values = self.values.remove("source").unwrap_or_default();
        for value in values.iter().flat_map(|value| value.split(',')) {
            match value.trim() {
                "created_by_me" => own = true,
                "shared_with_me" => shared = true,
                other => {
                    let detail = format!("{other:?} must be `created_by_me` or `shared_with_me`");
                    self.problems.push(QueryProblem::new("source", detail));
                }
            }
        }
        match (own, shared) {
            (_, false) => ChatSources::Own,
            (false, true) => ChatSources::Shared,
            (true, true) => ChatSources::Both,
        }
    }
}

/// Reads a label that is asked for, `key:value`; `None` when it is none.
#[must_use]
pub fn label(text: &str) -> Option<(String, String)> {
    let (key, value) = text.split_once(':')?;
    let good = !key.is_empty() && !value.is_empty() && !text.contains('\0');
    good.then(|| (key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<(String, String)> {
        let read = text.parse::<ChatFilter>();
        let found = read.err().unwrap_or_default().into_iter();
        found.map(|one| (one.key, one.detail)).collect()
    }

    #[test]
    fn words_are_read_by_their_keys() {
        let check = |text: &str, expected: ChatFilter| {
            assert_eq!(text.parse::<ChatFilter>(), Ok(expected), "{text}");
        };
        let none = ChatFilter::default;
        check("", none());
        check("   ", none());
        let title = |text: &str| ChatFilter {
            title: Some(text.to_owned()),
            ..none()
        };
        check("title:plan", title("plan"));
        check("TITLE:Plan", title("Plan"));
        check(r#"title:"a plan: b""#, title("a plan: b"));
        check(r#"  "title":a"b c"d  "#, title("ab cd"));
        check(r#"title:"""#, title(""));
        check("title:über", title("über"));
        let archived = |archived| ChatFilter { archived, ..none() };
        check("archived:true", archived(true));
        check("archived:FALSE", none());
        check("archived:1", archived(true));
        check("archived:f", none());
        let unread = ChatFilter {
            has_unread: Some(false),
            ..archived(true)
        };
        check("archived:t has_unread:0", unread);
        let hidden = ChatFilter {
            with_hidden: true,
            ..none()
        };
        check("hidden:true", hidden);
        let search = ChatFilter {
            search: Some("budget of may".to_owned()),
            ..none()
        };
        check(r#"search:"budget of may""#, search);
        let labels = ChatFilter {
            labels: [("a", "b"), ("c", "d e")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            ..none()
        };
        check(r#"label:"a:b" label:"c:d e""#, labels);
    }

    #[test]
    fn sources_are_one_or_both() {
        let check = |text: &str, sources: ChatSources| {
            let read = text.parse::<ChatFilter>().map(|filter| filter.sources);
            assert_eq!(read, Ok(sources), "{text}");
        };
        check("", ChatSources::Own);
        check("source:created_by_me", ChatSources::Own);
        check(
            "source:created_by_me source:created_by_me",
            ChatSources::Own,
        );
        check("source:shared_with_me", ChatSources::Shared);
        check("source:created_by_me,shared_with_me", ChatSources::Both);
        check(
            "source:shared_with_me source:created_by_me",
            ChatSources::Both,
        );
        check(
            r#"source:"shared_with_me, created_by_me""#,
            ChatSources::Both,
        );
    }

    #[test]
    fn what_is_no_word_of_the_language_is_told() {
        let check = |text: &str, key: &str, detail: &str| {
            assert_eq!(problems(text), [(key.to_owned(), detail.to_owned())]);
        };
        check("plan", "q", r#"unsupported search term: "plan""#);
        check(
            "a:b:c",
            "q",
            r#"query element "a:b:c" can only contain 1 ':'"#,
        );
        for text in ["title:", ":plan", ":"] {
            let detail = format!("query element {text:?} cannot start or end with ':'");
            check(text, "q", &detail);
        }
        check(r#"title:"a b"#, "q", r#"a quote is not closed: title:"a b"#);
        check(
            "colour:red",
            "colour",
            r#""colour" is not a valid query param"#,
        );
        check("pr:5", "pr", r#""pr" is not a valid query param"#);
        check("archived:yes", "archived", r#""yes" is no boolean"#);
        check(
            "has_unread:",
            "q",
            r#"query element "has_unread:" cannot start or end with ':'"#,
        );
        check("title:a title:b", "title", "can only be given once");
        let two = r#"label:"a:b" label:"a:c""#;
        check(two, "label", "a label has one value only");
        check(
            "label:a",
            "label",
            r#""a" must have the form `"key:value"`"#,
        );
        let source = r#""foo" must be `created_by_me` or `shared_with_me`"#;
        check("source:foo", "source", source);
        check("source:created_by_me,foo", "source", source);
        let all = r#""all" must be `created_by_me` or `shared_with_me`"#;
        check("source:all", "source", all);
        check(
            "title:a search:b",
            "search",
            "cannot be combined with `title`",
        );
        check("title:a\0", "q", "must not contain control characters");
        let long = "x".repeat(QUERY_MAX_CHARS + 1);
        check(&long, "q", "must not be longer than 1000 characters");
    }

    #[test]
    fn all_that_is_wrong_is_told_together() {
        let keys: Vec<_> = problems("plan archived:yes source:x colour:red hidden:maybe")
            .into_iter()
            .map(|(key, _)| key)
            .collect();
        assert_eq!(keys, ["q", "colour", "archived", "source", "hidden"]);
    }

    #[test]
    fn a_label_has_a_key_and_a_value() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
            assert_eq!(label(text), expected, "{text}");
        };
        check("a:b", Some(("a", "b")));
        check("a:b:c", Some(("a", "b:c")));
        check("label=a", None);
        check("a:", None);
        check(":b", None);
        check("", None);
        check("a:\0", None);
    }
}
