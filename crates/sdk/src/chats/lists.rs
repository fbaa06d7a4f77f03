//! Lists of chats.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
    ser::SerializeSeq,
};
use uuid::Uuid;

/// Which chats to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct ChatListQuery {
    /// What is looked for: words of the form `key:value`, separated by blanks, a value in `"` where it has blanks or
    /// colons in it. `title:` is in the title, without regard to case; `archived:true` was put away, otherwise only what
    /// was not is listed; `has_unread:true` or `false` has, or has not, an answer that the caller has not seen;
    /// `source:created_by_me`, which is the rule, `source:shared_with_me`, or both; `label:"key:value"` has that label;
    /// `hidden:true` also shows what the caller keeps out of sight; `search:` has all these words in its title or in what was said, also in a sub-chat.
    pub q: Option<String>,
    /// A label that the chat has, as `key:value`; may come more than once, and then the chat has them all.
    #[cfg_attr(feature = "openapi", param(style = Form, explode, required = false))]
    pub label: Vec<String>,
    /// Only what follows this place: the answer's header `x-next-cursor` before.
    pub cursor: Option<String>,
    /// Only what follows this chat where it stands now. A cursor is better: a chat moves when something happens in it.
    pub after_id: Option<Uuid>,
    /// How many to return: 1 to 1000, 50 when absent.
    pub limit: Option<u32>,
    /// How many to pass over first.
    pub offset: Option<u32>,
}

impl Serialize for ChatListQuery {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pairs = serializer.serialize_seq(None)?;
        let texts = [("q", &self.q), ("cursor", &self.cursor)];
        for (key, text) in texts {
            if let Some(text) = text {
                pairs.serialize_element(&(key, text))?;
            }
        }
        for label in &self.label {
            pairs.serialize_element(&("label", label))?;
        }
        if let Some(id) = self.after_id {
            pairs.serialize_element(&("after_id", id))?;
        }
        for (key, number) in [("limit", self.limit), ("offset", self.offset)] {
            if let Some(number) = number {
                pairs.serialize_element(&(key, number))?;
            }
        }
        pairs.end()
    }
}

impl<'de> Deserialize<'de> for ChatListQuery {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Pairs)
    }
}

/// Reads pairs, of which those of one key may be many.
struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = ChatListQuery;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a query")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Self::Value, A::Error> {
        let mut query = ChatListQuery::default();
        while let Some(key) = pairs.next_key::<String>()? {
            match key.as_str() {
                "q" => once("q", &mut query.q, pairs.next_value()?)?,
                "label" => query.label.push(pairs.next_value()?),
                "cursor" => once("cursor", &mut query.cursor, pairs.next_value()?)?,
                "after_id" => once("after_id", &mut query.after_id, pairs.next_value()?)?,
                "limit" => once("limit", &mut query.limit, pairs.next_value()?)?,
                "offset" => once("offset", &mut query.offset, pairs.next_value()?)?,
                _ => drop(pairs.next_value::<IgnoredAny>()?),
            }
        }
        Ok(query)
    }
}

fn once<T, E: Error>(key: &'static str, slot: &mut Option<T>, value: T) -> Result<(), E> {
    if slot.replace(value).is_some() {
        return Err(E::duplicate_field(key));
    }
    Ok(())
}

/// Of which workspaces the newest chat is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct ChatListByWorkspaceQuery {
    /// The workspaces' ids, separated by commas, 25 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_ids: Option<String>,
}

/// The newest chat of each workspace that the caller may read, by the workspace's id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct ChatsByWorkspace(pub BTreeMap<Uuid, Uuid>);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::ChatListQuery;

    #[test]
    fn labels_may_be_many_and_all_else_is_one() {
        let check = |text: &str, expected: Option<ChatListQuery>| {
            // A map of pairs, as of a query: JSON knows no two values of a key, but its reader does.
            let read = serde_json::from_str::<ChatListQuery>(text);
            assert_eq!(read.ok(), expected, "{text}");
        };
        check("{}", Some(ChatListQuery::default()));
        let labels = ChatListQuery {
            label: vec!["a:b".to_owned(), "c:d".to_owned()],
            limit: Some(5),
            ..ChatListQuery::default()
        };
        let text = r#"{"label": "a:b", "x": [1], "limit": 5, "label": "c:d"}"#;
        check(text, Some(labels));
        check(r#"{"limit": 5, "limit": 6}"#, None);
        check(r#"{"q": "a", "q": "a"}"#, None);
        check(r#"{"after_id": "x"}"#, None);
    }

    #[test]
    fn a_query_is_written_as_pairs() {
        let query = ChatListQuery {
            q: Some("title:x".to_owned()),
            label: vec!["a:b".to_owned(), "c:d".to_owned()],
            offset: Some(2),
            ..ChatListQuery::default()
        };
        let pairs = json!([
            ["q", "title:x"],
            ["label", "a:b"],
            ["label", "c:d"],
            ["offset", 2]
        ]);
        assert_eq!(serde_json::to_value(query).unwrap(), pairs);
    }
}
