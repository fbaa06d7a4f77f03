//! Groups of an organization's people.

use chrono::{DateTime, Utc};

use crate::{GroupId, Name, OrganizationId, UserId};

/// The name of the group that everyone in an organization belongs to.
pub const EVERYONE: &str = "Everyone";

/// A group of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id; the Everyone group's equals its organization's.
    pub id: GroupId,
    /// The organization it belongs to.
    pub organization_id: OrganizationId,
    /// The organization's unique name.
    pub organization_name: Name,
    /// The organization's name that people read.
    pub organization_display_name: String,
    /// Its name, unique in its organization.
    pub name: Name,
    /// The name that people read; may be empty.
    pub display_name: String,
    /// The address of a picture; may be empty.
    pub avatar_url: String,
    /// How many people are in it, whoever asks.
    pub total_member_count: u64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl Group {
    /// Whether this is the group that everyone in its organization belongs to.
    #[must_use]
    pub fn everyone(&self) -> bool {
        self.id == self.organization_id.everyone()
    }
}

/// A group to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGroup {
    /// Its id.
    pub id: GroupId,
    /// The organization it belongs to.
    pub organization_id: OrganizationId,
    /// Its name, unique in its organization.
    pub name: Name,
    /// The name that people read.
    pub display_name: String,
    /// The address of a picture.
    pub avatar_url: String,
}

/// A change of a group; `None` leaves a value as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupUpdate {
    /// A new name.
    pub name: Option<Name>,
    /// A new name that people read.
    pub display_name: Option<String>,
    /// A new picture.
    pub avatar_url: Option<String>,
    /// People to add; each must belong to the organization.
    pub add_users: Vec<UserId>,
    /// People to remove; one who is not in the group is passed over.
    pub remove_users: Vec<UserId>,
}

/// What a list of groups is narrowed by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GroupFilter {
    /// Only groups of this organization.
    pub organization_id: Option<OrganizationId>,
    /// Only groups that this person is in.
    pub user_id: Option<UserId>,
}

/// A person in a group, as others see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMember {
    /// The group.
    pub group_id: GroupId,
    /// The organization of the group.
    pub organization_id: OrganizationId,
    /// The person.
    pub user_id: UserId,
    /// The person's unique name.
    pub username: Name,
    /// The name that people read.
    pub name: String,
    /// The person's e-mail address.
    pub email: String,
}
