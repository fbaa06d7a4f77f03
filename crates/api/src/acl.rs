//! ACLs as the wire shows them: the same for everything that is shared.

use std::collections::BTreeMap;

use axum::extract::{FromRequest, Request};
use bursar_sdk::{self as sdk, UpdateAclRequest};
use model::acl::{AclChange, AclField, AclListing, AclRole, AclUser};

use crate::{error::ApiResult, extract::JsonBody, groups::group_with};

/// The name of a part of a change on the wire.
pub(crate) const fn field(field: AclField) -> &'static str {
    match field {
        AclField::Users => "user_roles",
        AclField::Groups => "group_roles",
        AclField::Expiry => "expires_at",
    }
}

/// Reads a change from the body of a request, whose sender must have been found to be allowed to share: nobody else
/// may learn what is wrong with it.
pub(crate) async fn change<R: AclRole>(request: Request) -> ApiResult<AclChange<R>> {
    let JsonBody(body): JsonBody<UpdateAclRequest> = JsonBody::from_request(request, &()).await?;
    Ok(parsed(&body.user_roles, &body.group_roles))
}

/// Reads a change from roles by ids, in any spelling.
pub(crate) fn parsed<R: AclRole>(
    users: &BTreeMap<String, String>,
    groups: &BTreeMap<String, String>,
) -> AclChange<R> {
    AclChange::parse(
        users.iter().map(|(id, role)| (id.as_str(), role.as_str())),
        groups.iter().map(|(id, role)| (id.as_str(), role.as_str())),
    )
}

pub(crate) fn listing<R: AclRole>(listing: AclListing<R>) -> sdk::Acl {
    let user = |user: AclUser<R>| sdk::AclUser {
        id: user.id.0,
        username: user.username.into(),
        name: user.name,
        avatar_url: String::new(),
        role: user.role.as_str().to_owned(),
    };
    let group = |(group, role): (model::groups::Group, R)| sdk::AclGroup {
        group: group_with(group, Vec::new()),
        role: role.as_str().to_owned(),
    };
    sdk::Acl {
        users: listing.users.into_iter().map(user).collect(),
        groups: listing.groups.into_iter().map(group).collect(),
    }
}
