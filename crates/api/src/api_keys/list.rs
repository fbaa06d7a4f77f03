//! The tokens of a person.

use axum::Json;
use bursar_sdk::{AllowListTarget, ApiKey, ApiKeyLoginType};
use model::api_keys::ApiKeyKind;

use crate::{
    error::ApiResult,
    extract::{PathParams, Session},
};

/// List a person's API tokens, newest first; sessions are not among them.
#[utoipa::path(
    get,
    path = "/users/{user}/keys/tokens",
    tag = "api keys",
    params(("user" = String, Path, description = "An id, a username or `me`.")),
    responses((status = 200, description = "The tokens, without their secrets.", body = Vec<ApiKey>)),
)]
pub(crate) async fn api_key_list(
    Session(caller): Session,
    PathParams(user): PathParams<String>,
) -> ApiResult<Json<Vec<ApiKey>>> {
    let mut unit = caller.store.read().await?;
    let user = unit.users().user_find(&user).await?;
    let keys = unit.api_keys().api_key_list(user.id).await?;
    Ok(Json(keys.into_iter().map(api_key).collect()))
}

fn api_key(key: model::api_keys::ApiKey) -> ApiKey {
    let target = |entry: String| {
        let (kind, id) = entry.split_once(':').unwrap_or((&entry, ""));
        AllowListTarget {
            kind: kind.to_owned(),
            id: id.to_owned(),
        }
    };
    ApiKey {
        id: key.id,
        user_id: key.user_id.0,
        token_name: key.token_name,
        login_type: match key.kind {
            ApiKeyKind::Session => ApiKeyLoginType::Password,
            ApiKeyKind::Token => ApiKeyLoginType::Token,
        },
        scopes: key.scopes,
        allow_list: key.allow_list.into_iter().map(target).collect(),
        created_at: key.created_at,
        expires_at: key.expires_at,
        lifetime_seconds: (key.expires_at - key.created_at).num_seconds(),
    }
}
