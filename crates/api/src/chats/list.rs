//! A page of chats, narrowed by a query.

use std::collections::BTreeMap;

use axum::{Json, http::HeaderName};
use bursar_sdk::{Chat, ChatListQuery, ValidationError};
use model::chats::{
    ChatCursor, ChatFilter,
    query::{QueryProblem, label},
};

use super::wire;
use crate::{
    error::{ApiError, ApiResult},
    extract::{QueryParams, Session},
    validate::{both, optional, page, parse, wrong},
};

/// How many chats a page holds when nobody says.
const LIMIT: u32 = 50;
/// Where a page tells its end when more follows.
const NEXT: HeaderName = HeaderName::from_static("x-next-cursor");

/// List chats with their sub-chats: the caller's own that are not archived, unless the query says otherwise. What is kept
/// on top comes first, in its order, then what changed last.
///
/// When there are more, the header `x-next-cursor` tells the `cursor` of the next page.
#[utoipa::path(
    get,
    path = "/chats",
    tag = "chats",
    params(ChatListQuery),
    responses((
        status = 200, description = "A page of roots.", body = Vec<Chat>,
        headers(("x-next-cursor" = String, description = "The `cursor` of the next page; absent with the last one.")),
    )),
)]
pub(crate) async fn chat_list(
    Session(caller): Session,
    QueryParams(query): QueryParams<ChatListQuery>,
) -> ApiResult<(Option<[(HeaderName, String); 1]>, Json<Vec<Chat>>)> {
    let Some(filter) = filter(&query)? else {
        return Ok((None, Json(Vec::new())));
    };
    let mut unit = caller.store.read().await?;
    let page = unit.chats().chat_list(&filter).await?;
    let last = page.chats.last().filter(|_| page.has_more);
    let next = last.map(|family| [(NEXT, ChatCursor::of(&family.root).to_string())]);
    let chats = page.chats.into_iter().map(wire::family).collect();
    Ok((next, Json(chats)))
}

/// What is asked for; `None` when no chat can be that.
fn filter(query: &ChatListQuery) -> ApiResult<Option<ChatFilter>> {
    let after = optional(query.cursor.as_deref(), |text| parse("cursor", text));
    let after = match after {
        Ok(Some(_)) if query.after_id.is_some() => {
            wrong("after_id", "cannot be given together with `cursor`")
        }
        after => after,
    };
    let page = page(query.limit, query.offset, LIMIT);
    let (after, page) = both(after, page).map_err(ApiError::Query)?;
    let words = query.q.as_deref().unwrap_or_default();
    let filter: ChatFilter = words.parse().map_err(unknown)?;
    let Some(labels) = labels(filter.labels.clone(), &query.label)? else {
        return Ok(None);
    };
    Ok(Some(ChatFilter {
        labels,
        after,
        after_id: query.after_id.map(Into::into),
        offset: page.offset,
        limit: page.limit,
        ..filter
    }))
}

fn unknown(problems: Vec<QueryProblem>) -> ApiError {
    let validation = |problem: QueryProblem| ValidationError {
        field: problem.key,
        detail: problem.detail,
    };
    ApiError::Body {
        message: "Invalid chat search query.",
        validations: problems.into_iter().map(validation).collect(),
    }
}

/// All labels that are asked for; `None` when no chat can have them, since a label has one value.
fn labels(
    mut labels: BTreeMap<String, String>,
    asked: &[String],
) -> ApiResult<Option<BTreeMap<String, String>>> {
    let mut possible = true;
    for text in asked {
        let (key, value) = label(text).ok_or_else(|| {
            ApiError::Request(format!(
                "Invalid label filter: {text:?} (expected format key:value, both must be non-empty)"
            ))
        })?;
        let before = labels.insert(key, value.clone());
        possible &= before.is_none_or(|before| before == value);
    }
    Ok(possible.then_some(labels))
}

#[cfg(test)]
mod tests {
    use model::chats::ChatSources;

    use super::*;

    fn query(q: &str, label: &[&str]) -> ChatListQuery {
        ChatListQuery {
            q: Some(q.to_owned()),
            label: label.iter().map(ToString::to_string).collect(),
            ..ChatListQuery::default()
        }
    }

    #[test]
    fn a_query_becomes_a_filter() {
        let read = filter(&query(
            "source:shared_with_me archived:true",
            &["a:b", "c:d"],
        ));
        let read = read.unwrap().unwrap();
        assert_eq!(read.sources, ChatSources::Shared);
        assert!(read.archived);
        assert_eq!(read.labels.len(), 2);
        assert_eq!((read.limit, read.offset), (LIMIT, 0));
        let none = filter(&ChatListQuery::default()).unwrap().unwrap();
        assert_eq!(none.sources, ChatSources::Own);
        // No chat has two values of one label.
        assert_eq!(filter(&query("", &["a:b", "a:c"])).unwrap(), None);
        assert!(filter(&query("", &["a:b", "a:b"])).unwrap().is_some());
    }

    #[test]
    fn what_is_wrong_is_told_in_the_words_that_clients_know() {
        let check = |query: ChatListQuery, words: &str, field: Option<&str>| {
            let (message, fields) = match filter(&query).unwrap_err() {
                ApiError::Body {
                    message,
                    validations,
                } => (message.to_owned(), validations),
                ApiError::Query(validations) => ("query".to_owned(), validations),
                other => (other.to_string(), Vec::new()),
            };
            assert_eq!(message, words);
            let first = fields.first().map(|one| one.field.as_str());
            assert_eq!(first, field, "{words}");
        };
        check(query("plan", &[]), "Invalid chat search query.", Some("q"));
        let source = query("source:foo", &[]);
        check(source, "Invalid chat search query.", Some("source"));
        let words =
            r#"Invalid label filter: "a" (expected format key:value, both must be non-empty)"#;
        check(query("", &["a"]), words, None);
        let limited = |limit, cursor: Option<&str>| ChatListQuery {
            limit: Some(limit),
            cursor: cursor.map(str::to_owned),
            ..ChatListQuery::default()
        };
        check(limited(0, None), "query", Some("limit"));
        check(limited(5, Some("x")), "query", Some("cursor"));
        let both = ChatListQuery {
            after_id: Some(uuid::Uuid::nil()),
            ..limited(5, Some("0_1_0190d3a0-b5a0-7c3b-9d2f-3f1d2a3b4c5d"))
        };
        check(both, "query", Some("after_id"));
    }
}
