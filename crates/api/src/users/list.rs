//! A page of people, narrowed by a search.

use axum::Json;
use bursar_sdk::{GetUsersResponse, UserListQuery};
use model::users::{UserFilter, UserStatus};

use super::wire;
use crate::{
    error::{ApiError, ApiResult},
    extract::{QueryParams, Session},
    validate::{Checked, both, page, wrong},
};

/// How many people a page holds when nobody says.
const LIMIT: u32 = 100;

/// List the people that the caller may see, by username.
#[utoipa::path(
    get,
    path = "/users",
    tag = "users",
    params(UserListQuery),
    responses((status = 200, description = "A page of people.", body = GetUsersResponse)),
)]
pub(crate) async fn user_list(
    Session(caller): Session,
    QueryParams(query): QueryParams<UserListQuery>,
) -> ApiResult<Json<GetUsersResponse>> {
    let filter = search(query.q.as_deref().unwrap_or_default());
    let page = page(query.limit, query.offset, LIMIT);
    let (filter, page) = both(filter, page).map_err(ApiError::Query)?;
    let mut unit = caller.store.read().await?;
    let found = unit.users().user_list(&filter, page).await?;
    let users = found.items.into_iter().map(wire::user).collect();
    Ok(Json(GetUsersResponse {
        users,
        count: found.count,
    }))
}

/// Reads a search: words, `search:word` and `status:…`.
fn search(q: &str) -> Checked<UserFilter> {
    let mut filter = UserFilter::default();
    let mut words = Vec::new();
    for word in q.split_whitespace() {
        match word.split_once(':') {
            None => words.push(word),
            Some(("search", word)) => words.push(word),
            Some(("status", status)) => filter.status = Some(read_status(status)?),
            Some((key, _)) => return wrong("q", format_args!("`{key}` is nothing to search by")),
        }
    }
    let words = words.join(" ");
    if words.chars().any(char::is_control) {
        return wrong("q", "must not contain control characters");
    }
    filter.search = Some(words).filter(|words| !words.is_empty());
    Ok(filter)
}

fn read_status(text: &str) -> Checked<UserStatus> {
    match text.to_ascii_lowercase().as_str() {
        "active" => Ok(UserStatus::Active),
        "suspended" => Ok(UserStatus::Suspended),
        _ => wrong(
            "q",
            format_args!("`{text}` is no status: `active` and `suspended` are"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_words_and_a_status() {
        let check = |q: &str, expected: Option<(Option<&str>, Option<UserStatus>)>| {
            let found = search(q).ok();
            let expected = expected.map(|(search, status)| UserFilter {
                search: search.map(ToOwned::to_owned),
                status,
                ids: None,
            });
            assert_eq!(found, expected, "{q:?}");
        };
        check("", Some((None, None)));
        check("ada", Some((Some("ada"), None)));
        check(" ada   love ", Some((Some("ada love"), None)));
        check("status:active", Some((None, Some(UserStatus::Active))));
        check(
            "status:Suspended ada",
            Some((Some("ada"), Some(UserStatus::Suspended))),
        );
        check("search:ada", Some((Some("ada"), None)));
        check("status:asleep", None);
        check("role:owner", None);
        check("a\0", None);
    }
}
