//! People, as far as whoever asks may see them.

use std::collections::HashMap;

use async_graphql::{Interface, SimpleObject};
use model::{
    PageRequest, UserId, caps::CapScope, organizations::OrganizationMember, users::UserFilter,
};

use super::super::{failure::Failure, ids::GlobalId, viewer::Viewer};

/// A person or service account.
#[derive(Debug, Clone, SimpleObject)]
pub(in super::super) struct UserCore {
    /// The global id.
    id: GlobalId,
    /// The unique name.
    username: String,
    /// The name that people read.
    name: String,
    /// The address of a picture; none is kept here.
    avatar_url: Option<String>,
}

/// What all forms of people have in common.
#[derive(Debug, Interface)]
#[expect(
    clippy::duplicated_attributes,
    reason = "two fields are of the same type"
)]
#[graphql(
    field(name = "id", ty = "&GlobalId", desc = "The global id."),
    field(name = "username", ty = "&String", desc = "The unique name."),
    field(name = "name", ty = "&String", desc = "The name that people read."),
    field(
        name = "avatar_url",
        ty = "&Option<String>",
        desc = "The address of a picture; none is kept here."
    )
)]
pub(in super::super) enum User {
    Core(UserCore),
}

impl From<model::users::User> for UserCore {
    fn from(user: model::users::User) -> Self {
        let username = user.username.to_string();
        Self::new(user.id, username, user.name)
    }
}

impl From<OrganizationMember> for UserCore {
    fn from(member: OrganizationMember) -> Self {
        let username = member.username.to_string();
        Self::new(member.user_id, username, member.name)
    }
}

impl UserCore {
    /// Somebody; who has no name that people read is known by the unique one.
    fn new(id: UserId, username: String, name: String) -> Self {
        Self {
            id: id.into(),
            name: if name.is_empty() {
                username.clone()
            } else {
                name
            },
            username,
            avatar_url: None,
        }
    }
}

/// Those of these people whom the caller may see, if anybody is `wanted`.
///
/// # Errors
/// Those of the database.
pub(super) async fn known(
    viewer: &Viewer,
    scope: CapScope,
    people: &[UserId],
    wanted: bool,
) -> Result<HashMap<UserId, UserCore>, Failure> {
    let mut known = HashMap::new();
    if !wanted || people.is_empty() {
        return Ok(known);
    }
    let mut unit = viewer.read().await?;
    if let Some(organization) = scope.organization() {
        let mut organizations = unit.organizations();
        let members = organizations.organization_member_list(organization).await?;
        let of_them = |member: &OrganizationMember| people.contains(&member.user_id);
        let of_them = members.into_iter().filter(of_them);
        known.extend(of_them.map(|member| (member.user_id, member.into())));
    }
    // Who is no member, as of the whole deployment nobody has to be.
    let others = people.iter().filter(|user| !known.contains_key(user));
    let others: Vec<UserId> = others.copied().collect();
    if others.is_empty() {
        return Ok(known);
    }
    let page = PageRequest {
        limit: u32::try_from(others.len()).unwrap_or(u32::MAX),
        offset: 0,
    };
    let filter = UserFilter {
        ids: Some(others),
        ..UserFilter::default()
    };
    let found = unit.users().user_list(&filter, page).await?.items;
    known.extend(found.into_iter().map(|user| (user.id, user.into())));
    Ok(known)
}
