//! A change of with whom a chat's family is shared.

use axum::{
    extract::{FromRequest, Request, State},
    http::StatusCode,
};
use bursar_sdk::{Change, UpdateChatAclRequest};
use chrono::{DateTime, Utc};
use model::{acl::AclField, chats::AclExpiry};

use crate::{
    ApiState, acl,
    error::ApiResult,
    extract::{JsonBody, PathParams, Session, id_param},
    validate::instant,
};

/// Change with whom a chat and all its sub-chats are shared: the people and groups that are named get the role `read`, or
/// with an empty role lose theirs; everybody else keeps what they have. An end may be set for those that are named.
///
/// All that is wrong with a request is told together, once the caller is known to be allowed to share.
#[utoipa::path(
    patch,
    path = "/chats/{chat}/acl",
    tag = "chats",
    params(("chat" = uuid::Uuid, Path, description = "The id of a root.")),
    request_body = UpdateChatAclRequest,
    responses(
        (status = 204, description = "It was changed."),
        (
            status = 403,
            description = "Sharing is switched off, or the caller may read the chat but not share it.",
            body = bursar_sdk::ErrorBody,
        ),
    ),
)]
pub(crate) async fn chat_acl_update(
    State(state): State<ApiState>,
    Session(caller): Session,
    PathParams(chat): PathParams<String>,
    request: Request,
) -> ApiResult<StatusCode> {
    let id = id_param(&chat)?;
    // Without holding anything: a body may take its time.
    let mut unit = caller.store.read().await?;
    unit.chats().chat_share_check(id).await?;
    drop(unit);
    let JsonBody(body) = JsonBody::<UpdateChatAclRequest>::from_request(request, &()).await?;
    let change = acl::parsed(&body.user_roles, &body.group_roles);
    // Told with the rest, after the rule that nobody changes their own entry: the end is changed by nobody then.
    let (change, expiry) = match expiry(&body.expires_at, state.auth.clock.now()) {
        Ok(expiry) => (change, expiry),
        Err(detail) => (change.wrong(AclField::Expiry, detail), AclExpiry::Keep),
    };
    let mut unit = caller.store.begin().await?;
    unit.chats().chat_acl_update(id, &change, expiry).await?;
    unit.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What an end comes to, or what is wrong with it.
fn expiry(end: &Change<DateTime<Utc>>, now: DateTime<Utc>) -> Result<AclExpiry, &'static str> {
    let at = match end {
        Change::Keep => return Ok(AclExpiry::Keep),
        Change::Remove => return Ok(AclExpiry::Never),
        Change::Set(at) => *at,
    };
    match instant("expires_at", Some(at)) {
        Ok(_) if at > now => Ok(AclExpiry::At(at)),
        Ok(_) => Err("must be in the future"),
        Err(_) => Err("must be in the years 0001 to 9999"),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn an_entry_ends_in_the_future_or_never() {
        let now = DateTime::UNIX_EPOCH;
        let check = |end, expected: Option<AclExpiry>| {
            assert_eq!(expiry(&end, now).ok(), expected, "{end:?}");
        };
        check(Change::Keep, Some(AclExpiry::Keep));
        check(Change::Remove, Some(AclExpiry::Never));
        let later = now + TimeDelta::hours(1);
        check(Change::Set(later), Some(AclExpiry::At(later)));
        check(Change::Set(now), None);
        check(Change::Set(DateTime::<Utc>::MAX_UTC), None);
    }
}
