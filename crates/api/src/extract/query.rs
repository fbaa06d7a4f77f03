//! The query. Parameters that an operation does not know are ignored, unless its type denies them.

use axum::{extract::FromRequestParts, http::request::Parts};
use serde::de::DeserializeOwned;

use super::complaint;
use crate::error::ApiError;

/// The query of a request, read as `T`.
#[derive(Debug)]
pub(crate) struct QueryParams<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for QueryParams<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        read(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

fn read<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    // A parameter without a value is one that was not given: existing clients send `q=` for no search.
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    let given = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    let given = serde_urlencoded::to_string(given.collect::<Vec<_>>()).unwrap_or_default();
    let parsed = serde_urlencoded::Deserializer::new(url::form_urlencoded::parse(given.as_bytes()));
    serde_path_to_error::deserialize(parsed)
        .map_err(|error| ApiError::Query(vec![complaint(&error)]))
}

#[cfg(test)]
mod tests {
    use bursar_sdk::{AuditListQuery, GroupMemberSpendListQuery, UserListQuery};

    use super::*;

    fn check<T: DeserializeOwned + Default + PartialEq + std::fmt::Debug>(
        query: &str,
        expected: Result<T, &str>,
    ) {
        let outcome = read::<T>(query).map_err(|error| match error {
            ApiError::Query(errors) => errors.into_iter().map(|error| error.field).collect(),
            other => format!("{other:?}"),
        });
        assert_eq!(outcome, expected.map_err(ToOwned::to_owned), "{query}");
    }

    #[test]
    fn a_query_is_read_by_its_type() {
        let q = Some("ada & co".to_owned());
        check("", Ok(UserListQuery::default()));
        check("q=&limit=&unknown=1", Ok(UserListQuery::default()));
        check(
            "q=ada+%26+co",
            Ok(UserListQuery {
                q,
                ..Default::default()
            }),
        );
        check(
            "limit=5",
            Ok(UserListQuery {
                limit: Some(5),
                ..Default::default()
            }),
        );
        check::<UserListQuery>("limit=x", Err("limit"));
        check::<UserListQuery>("limit=-1", Err("limit"));
        check::<AuditListQuery>("request_id=7", Err("request_id"));
        check::<AuditListQuery>("action=explode", Err("action"));
        check::<AuditListQuery>("since=yesterday", Err("since"));
        for (query, field) in [
            ("", "user_ids"),
            ("user_ids=", "user_ids"),
            ("user_ids=x", "user_ids"),
            (
                "user_ids=00000000-0000-0000-0000-000000000001&more=1",
                "more",
            ),
        ] {
            check::<GroupMemberSpendListQuery>(query, Err(field));
        }
        let user = Some("me".to_owned());
        check(
            "username=me",
            Ok(AuditListQuery {
                user,
                ..Default::default()
            }),
        );
    }
}
