//! What an administrator decides: which claim counts, and what its values stand for.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::{GroupId, OrganizationId};

/// The greatest length of a claim's name, in characters.
pub const FIELD_MAX_CHARS: usize = 256;
/// The greatest length of a value that a mapping names, in characters.
pub const VALUE_MAX_CHARS: usize = 256;
/// The greatest number of values that a mapping names.
pub const MAPPING_MAX_ENTRIES: usize = 1_000;
/// The greatest number of things that one value stands for.
pub const MAPPING_MAX_TARGETS: usize = 100;
/// The greatest length of a pattern, in characters.
pub const PATTERN_MAX_CHARS: usize = 512;
/// The greatest size of a compiled pattern, in bytes: patterns such as `(a{1000}){1000}` are refused.
const PATTERN_MAX_BYTES: usize = 256 * 1024;

/// Why a text is no [`ClaimField`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// More than [`FIELD_MAX_CHARS`] characters.
    #[error("must not be longer than {FIELD_MAX_CHARS} characters")]
    Length,
    /// A control character.
    #[error("must not contain control characters")]
    Control,
}

/// The name of the claim that decides; empty while a synchronization is off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimField(String);

impl ClaimField {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether no claim is named, so that nothing is touched.
    #[must_use]
    pub const fn off(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for ClaimField {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        if text.chars().count() > FIELD_MAX_CHARS {
            return Err(FieldError::Length);
        }
        if text.chars().any(char::is_control) {
            return Err(FieldError::Control);
        }
        Ok(Self(text.to_owned()))
    }
}

/// Why something is no [`Mapping`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// More than [`MAPPING_MAX_ENTRIES`] values.
    #[error("must not name more than {MAPPING_MAX_ENTRIES} values")]
    Entries,
    /// More than [`MAPPING_MAX_TARGETS`] things for one value.
    #[error("must not name more than {MAPPING_MAX_TARGETS} for `{0}`")]
    Targets(String),
    /// A value that no claim can have: nothing, or more than [`VALUE_MAX_CHARS`] characters.
    #[error("values must be between 1 and {VALUE_MAX_CHARS} characters")]
    ValueLength,
    /// A value with a NUL character, which no table holds.
    #[error("values must not contain NUL characters")]
    ValueNul,
}

/// What each value of a claim stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent, bound(deserialize = "T: Ord + Deserialize<'de>"))]
pub struct Mapping<T>(BTreeMap<String, BTreeSet<T>>);

impl<T> Default for Mapping<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Ord + Clone> Mapping<T> {
    /// A mapping of these entries.
    ///
    /// # Errors
    /// [`MappingError`] when it is larger than anybody needs, or names what can be no value.
    pub fn new(
        entries: impl IntoIterator<Item = (String, BTreeSet<T>)>,
    ) -> Result<Self, MappingError> {
        let entries: BTreeMap<_, _> = entries.into_iter().collect();
        if entries.len() > MAPPING_MAX_ENTRIES {
            return Err(MappingError::Entries);
        }
        for (value, targets) in &entries {
            if value.is_empty() || value.chars().count() > VALUE_MAX_CHARS {
                return Err(MappingError::ValueLength);
            }
            if value.contains('\0') {
                return Err(MappingError::ValueNul);
            }
            if targets.len() > MAPPING_MAX_TARGETS {
                return Err(MappingError::Targets(value.clone()));
            }
        }
        Ok(Self(entries))
    }

    /// Each value with what it stands for.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &BTreeSet<T>)> {
        self.0
            .iter()
            .map(|(value, targets)| (value.as_str(), targets))
    }

    /// What a value stands for; `None` when the mapping does not name it.
    #[must_use]
    pub fn get(&self, value: &str) -> Option<&BTreeSet<T>> {
        self.0.get(value)
    }

    /// Everything that some value stands for.
    #[must_use]
    pub fn targets(&self) -> BTreeSet<T> {
        self.0.values().flatten().cloned().collect()
    }

    /// Everything that these values stand for.
    #[must_use]
    pub fn of(&self, values: &BTreeSet<String>) -> BTreeSet<T> {
        let named = values.iter().filter_map(|value| self.0.get(value));
        named.flatten().cloned().collect()
    }
}

/// Why a text is no [`RegexFilter`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// More than [`PATTERN_MAX_CHARS`] characters.
    #[error("must not be longer than {PATTERN_MAX_CHARS} characters")]
    Length,
    /// It is no regular expression, or one that is too large; with what is wrong.
    #[error("{0}")]
    Syntax(String),
}

/// A regular expression; what it does not match anywhere in a text is passed over. Matching takes time in
/// proportion to the text, whatever the pattern.
#[derive(Debug, Clone)]
pub struct RegexFilter(Regex);

impl RegexFilter {
    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether it matches somewhere in the text.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl FromStr for RegexFilter {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text.chars().count() > PATTERN_MAX_CHARS {
            return Err(PatternError::Length);
        }
        if text.contains('\0') {
            return Err(PatternError::Syntax(
                "must not contain NUL characters".to_owned(),
            ));
        }
        let built = RegexBuilder::new(text)
            .size_limit(PATTERN_MAX_BYTES)
            .build();
        built
            .map(Self)
            .map_err(|error| PatternError::Syntax(in_a_line(&error)))
    }
}

/// What is wrong with a pattern; the library's text shows the pattern above it, with a mark under the place.
fn in_a_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default().trim();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

impl PartialEq for RegexFilter {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for RegexFilter {}

impl fmt::Display for RegexFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which roles a setting may take from people: those that its last writer could take by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum TakenRoles {
    /// Every one.
    #[default]
    All,
    /// These only; whoever holds another one keeps it.
    Only(BTreeSet<String>),
}

impl TakenRoles {
    /// Whether a role of this name may be taken.
    #[must_use]
    pub fn contains(&self, role: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(roles) => roles.contains(role),
        }
    }
}

/// Which organizations people are in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationSync {
    /// The claim.
    pub field: ClaimField,
    /// The organizations that each value stands for.
    pub mapping: Mapping<OrganizationId>,
    /// Whether everybody is in the default organization, whatever the claim says.
    pub assign_default: bool,
    /// Who holds another role than these in an organization does not leave it.
    pub takes: TakenRoles,
}

impl Default for OrganizationSync {
    /// Off. Once it is on nobody leaves the default organization unless that is asked for.
    fn default() -> Self {
        Self {
            field: ClaimField::default(),
            mapping: Mapping::default(),
            assign_default: true,
            takes: TakenRoles::All,
        }
    }
}

/// Which groups of an organization its people are in. Off by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupSync {
    /// The claim.
    pub field: ClaimField,
    /// The groups that each value stands for. A value that is not named stands for the group of its name.
    pub mapping: Mapping<GroupId>,
    /// Which of the values that the mapping does not name count; all of them without.
    pub regex_filter: Option<RegexFilter>,
    /// Whether a group that a value names by its name is made when it is missing.
    pub create_missing: bool,
}

/// Which roles people hold in an organization. Off by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleSync {
    /// The claim.
    pub field: ClaimField,
    /// The roles that each value stands for. A value that is not named stands for none.
    pub mapping: Mapping<String>,
    /// Who holds another role than these keeps it.
    pub takes: TakenRoles,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_a_short_text() {
        let check = |text: &str, expected: Result<(), FieldError>| {
            assert_eq!(text.parse::<ClaimField>().map(drop), expected, "{text:?}");
        };
        check("", Ok(()));
        check("https://example.com/groups", Ok(()));
        check("Gruppen für alle", Ok(()));
        check(&"ä".repeat(FIELD_MAX_CHARS), Ok(()));
        check(&"a".repeat(FIELD_MAX_CHARS + 1), Err(FieldError::Length));
        check("a\0b", Err(FieldError::Control));
        check("a\n", Err(FieldError::Control));
        assert!(ClaimField::default().off());
    }

    #[test]
    fn a_mapping_has_bounds() {
        let check = |entries: Vec<(String, usize)>, expected: Result<(), MappingError>| {
            let entries = entries
                .into_iter()
                .map(|(value, targets)| (value, (0..targets).collect::<BTreeSet<usize>>()));
            assert_eq!(Mapping::new(entries).map(drop), expected);
        };
        let many = |count: usize| (0..count).map(|n| (n.to_string(), 1)).collect();
        check(Vec::new(), Ok(()));
        check(many(MAPPING_MAX_ENTRIES), Ok(()));
        check(many(MAPPING_MAX_ENTRIES + 1), Err(MappingError::Entries));
        check(vec![("a".to_owned(), MAPPING_MAX_TARGETS)], Ok(()));
        check(
            vec![("a".to_owned(), MAPPING_MAX_TARGETS + 1)],
            Err(MappingError::Targets("a".to_owned())),
        );
        check(vec![(String::new(), 1)], Err(MappingError::ValueLength));
        check(
            vec![("x".repeat(VALUE_MAX_CHARS + 1), 1)],
            Err(MappingError::ValueLength),
        );
        check(vec![("a\0".to_owned(), 1)], Err(MappingError::ValueNul));
    }

    #[test]
    fn a_pattern_is_bounded_and_told_what_is_wrong_with_it() {
        let check = |text: &str, wrong: Option<&str>| {
            let outcome = text
                .parse::<RegexFilter>()
                .map_err(|error| error.to_string());
            match wrong {
                None => assert!(outcome.is_ok(), "{text}: {outcome:?}"),
                Some(part) => {
                    let told = outcome.unwrap_err();
                    assert!(
                        told.contains(part) && !told.contains('\n'),
                        "{text}: {told}"
                    );
                }
            }
        };
        check("", None);
        check("^bursar-", None);
        check("(a+)+$", None);
        check("(", Some("unclosed group"));
        check("a\n(", Some("unclosed group"));
        check("(?=x)", Some("look-around"));
        check(r"(a)\1", Some("backreferences"));
        check("(a{1000}){1000}", Some("size limit"));
        check("a\0", Some("NUL"));
        check(&"a".repeat(PATTERN_MAX_CHARS + 1), Some("512"));
    }

    #[test]
    fn a_pattern_matches_anywhere_unless_it_says_otherwise() {
        let check = |pattern: &str, text: &str, expected: bool| {
            let filter: RegexFilter = pattern.parse().unwrap();
            assert_eq!(filter.matches(text), expected, "{pattern} on {text}");
        };
        check("team", "my-team-x", true);
        check("^team", "my-team-x", false);
        check("(?i)^TEAM$", "team", true);
        check("", "anything", true);
    }
}
