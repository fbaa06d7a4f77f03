//! Allow-lists: the objects that a token may touch at all.

use std::fmt;

use uuid::Uuid;

use crate::registry::ResourceType;

/// The most entries that a list may have.
const MAX_ENTRIES: usize = 128;

/// A line of an allow-list: a type and an id, each of which may be `*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AllowEntry {
    /// The type; `None` is `*`.
    pub resource: Option<ResourceType>,
    /// The id; `None` is `*`.
    pub id: Option<Uuid>,
}

impl AllowEntry {
    const ANY: Self = Self {
        resource: None,
        id: None,
    };

    fn covers(self, other: Self) -> bool {
        (self.resource.is_none() || self.resource == other.resource)
            && (self.id.is_none() || self.id == other.id)
    }

    /// What both entries admit.
    fn meet(self, other: Self) -> Option<Self> {
        Some(Self {
            resource: meet(self.resource, other.resource)?,
            id: meet(self.id, other.id)?,
        })
    }
}

/// The narrower of two values of which `None` is "every"; nothing if they exclude each other.
#[expect(
    clippy::option_option,
    reason = "the inner one is `*`, the outer one is nothing in common"
)]
fn meet<T: PartialEq>(one: Option<T>, other: Option<T>) -> Option<Option<T>> {
    match (one, other) {
        (None, narrow) | (narrow, None) => Some(narrow),
        (Some(one), Some(other)) => (one == other).then_some(Some(one)),
    }
}

impl fmt::Display for AllowEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.resource.map_or("*", ResourceType::as_str))?;
        match self.id {
            Some(id) => write!(f, ":{id}"),
            None => f.write_str(":*"),
        }
    }
}

/// An allow-list that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AllowListError {
    /// Not two words around a colon.
    #[error("invalid allow_list entry \"{0}\": want <type>:<id>")]
    Shape(String),
    /// The type is not in the registry.
    #[error("unknown resource type \"{0}\"")]
    Resource(String),
    /// The id is neither a UUID nor `*`.
    #[error("invalid {resource} ID (must be UUID): \"{id}\"")]
    Id {
        /// The type as written.
        resource: String,
        /// The id as written.
        id: String,
    },
    /// Too many entries.
    #[error("allow_list has {0} entries; max allowed is {MAX_ENTRIES}")]
    TooLong(usize),
}

/// The objects that a token may touch. Sorted, without duplicates and without what another entry covers.
/// The empty list admits nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowList(Vec<AllowEntry>);

impl AllowList {
    /// Admits everything: `*:*`.
    #[must_use]
    pub fn any() -> Self {
        Self(vec![AllowEntry::ANY])
    }

    /// A list of these entries.
    #[must_use]
    pub fn new(entries: impl IntoIterator<Item = AllowEntry>) -> Self {
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.sort_unstable();
        entries.dedup();
        let all = entries.clone();
        entries.retain(|entry| !all.iter().any(|wide| wide != entry && wide.covers(*entry)));
        Self(entries)
    }

    /// Reads entries of the form `<type>:<id>`. No entry admits nothing.
    ///
    /// # Errors
    ///
    /// More than 128 entries, or one that is not a known type (or `*`) and a UUID (or `*`).
    pub fn parse<S: AsRef<str>>(entries: &[S]) -> Result<Self, AllowListError> {
        if entries.len() > MAX_ENTRIES {
            return Err(AllowListError::TooLong(entries.len()));
        }
        let entries: Result<Vec<_>, _> = entries.iter().map(|e| parse_entry(e.as_ref())).collect();
        Ok(Self::new(entries?))
    }

    /// The entries.
    #[must_use]
    pub fn entries(&self) -> &[AllowEntry] {
        &self.0
    }

    /// The entries as text, sorted: the form to store, which [`AllowList::parse`] reads.
    #[must_use]
    pub fn to_strings(&self) -> Vec<String> {
        let mut lines: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        lines.sort_unstable();
        lines
    }

    /// Whether everything is admitted.
    #[must_use]
    pub fn is_any(&self) -> bool {
        matches!(self.0.as_slice(), [AllowEntry::ANY])
    }

    /// The entry that admits an object. One without an id needs an entry with the id `*`.
    #[must_use]
    pub fn entry_for(&self, resource: ResourceType, id: Option<Uuid>) -> Option<AllowEntry> {
        let with = |resource, id| {
            let entry = AllowEntry { resource, id };
            self.0.binary_search(&entry).is_ok().then_some(entry)
        };
        with(None, None)
            .or_else(|| with(Some(resource), None))
            .or_else(|| id.and_then(|id| with(Some(resource), Some(id))))
            .or_else(|| id.and_then(|id| with(None, Some(id))))
    }

    /// Whether an entry admits an object.
    #[must_use]
    pub fn admits(&self, resource: ResourceType, id: Option<Uuid>) -> bool {
        self.entry_for(resource, id).is_some()
    }

    /// What both lists admit.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let pairs = self
            .0
            .iter()
            .flat_map(|one| other.0.iter().map(move |two| one.meet(*two)));
        Self::new(pairs.flatten())
    }

    /// Whether this list admits everything that the other admits.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other
            .0
            .iter()
            .all(|entry| self.0.iter().any(|own| own.covers(*entry)))
    }
}

fn parse_entry(text: &str) -> Result<AllowEntry, AllowListError> {
    let lower = text.trim().to_ascii_lowercase();
    let (resource, id) = match lower.split_once(':') {
        Some((resource, id)) if !resource.is_empty() && !id.is_empty() && !id.contains(':') => {
            (resource, id)
        }
        _ => return Err(AllowListError::Shape(text.to_owned())),
    };
    let parsed_resource = match resource {
        "*" => None,
        word => match word.parse() {
            Ok(known) => Some(known),
            Err(_) => return Err(AllowListError::Resource(word.to_owned())),
        },
    };
    let parsed_id = match id {
        "*" => None,
        _ => match Uuid::try_parse(id) {
            Ok(id) => Some(id),
            Err(_) => {
                return Err(AllowListError::Id {
                    resource: resource.to_owned(),
                    id: id.to_owned(),
                });
            }
        },
    };
    Ok(AllowEntry {
        resource: parsed_resource,
        id: parsed_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "00000000-0000-0000-0000-000000000001";
    const TWO: &str = "00000000-0000-0000-0000-000000000002";

    fn list(entries: &[&str]) -> AllowList {
        AllowList::parse(entries).unwrap()
    }

    fn w(id: &str) -> String {
        format!("workspace:{id}")
    }

    #[test]
    fn broken_entries_are_refused() {
        let rows = [
            (
                "workspace",
                "invalid allow_list entry \"workspace\": want <type>:<id>",
            ),
            (":*", "invalid allow_list entry \":*\": want <type>:<id>"),
            (
                "chat:",
                "invalid allow_list entry \"chat:\": want <type>:<id>",
            ),
            (
                "chat:a:b",
                "invalid allow_list entry \"chat:a:b\": want <type>:<id>",
            ),
            ("template:*", "unknown resource type \"template\""),
            ("chat:7", "invalid chat ID (must be UUID): \"7\""),
        ];
        for (entry, message) in rows {
            assert_eq!(AllowList::parse(&[entry]).unwrap_err().to_string(), message);
        }
        let long = vec!["chat:*"; 129];
        let message = "allow_list has 129 entries; max allowed is 128";
        assert_eq!(AllowList::parse(&long).unwrap_err().to_string(), message);
        assert!(AllowList::parse(&long[1..]).is_ok());
    }

    #[test]
    fn entries_are_normalised() {
        let upper = format!(" WORKSPACE:{ONE} ");
        let rows: [(&[&str], &[&str]); 4] = [
            (&[&upper, &w(ONE)], &[&w(ONE)]),
            (
                &["workspace:*", &w(ONE), "chat:*"],
                &["chat:*", "workspace:*"],
            ),
            (&[&w(ONE), "*:*", "chat:*"], &["*:*"]),
            (&[], &[]),
        ];
        for (written, normal) in rows {
            assert_eq!(list(written).to_strings(), normal, "{written:?}");
            assert_eq!(
                AllowList::parse(&list(written).to_strings()).unwrap(),
                list(written)
            );
        }
    }

    #[test]
    fn intersection_is_what_both_admit() {
        let rows: [(&[&str], &[&str], &[&str]); 6] = [
            (&["*:*"], &[&w(ONE)], &[&w(ONE)]),
            (&["*:*"], &[], &[]),
            (&[], &[], &[]),
            (&["workspace:*", "chat:*"], &[&w(ONE), "user:*"], &[&w(ONE)]),
            (&[&w(ONE)], &[&w(TWO)], &[]),
            (&[&format!("*:{ONE}")], &["workspace:*"], &[&w(ONE)]),
        ];
        for (one, two, both) in rows {
            assert_eq!(
                list(one).intersect(&list(two)),
                list(both),
                "{one:?} {two:?}"
            );
            assert_eq!(
                list(two).intersect(&list(one)),
                list(both),
                "{two:?} {one:?}"
            );
        }
    }

    #[test]
    fn objects_without_an_id_need_a_wildcard() {
        let id = Some(Uuid::from_u128(1));
        let rows: [(&[&str], Option<Uuid>, bool); 8] = [
            (&["*:*"], None, true),
            (&["workspace:*"], None, true),
            (&[&w(ONE)], None, false),
            (&[&w(ONE)], id, true),
            (&[&w(TWO)], id, false),
            (&[&format!("*:{ONE}")], id, true),
            (&["chat:*"], id, false),
            (&[], id, false),
        ];
        for (entries, id, admitted) in rows {
            let admits = list(entries).admits(ResourceType::Workspace, id);
            assert_eq!(admits, admitted, "{entries:?} {id:?}");
        }
    }
}
