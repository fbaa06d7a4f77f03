//! Typed ids: UUID newtypes, parsed at the edge, so that no other spelling reaches a table.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )+};
}

ids! {
    /// A person or service account.
    UserId,
    /// An organization.
    OrganizationId,
    /// A group of an organization. The Everyone group's id equals its organization's.
    GroupId,
    /// A custom role of an organization.
    RoleId,
    /// A workspace: a shared folder of a team's AI work.
    WorkspaceId,
    /// A configured AI provider.
    ProviderId,
    /// One row of the audit log.
    AuditId,
    /// A reservation of spend, and the usage event that settles it.
    ReservationId,
    /// A request that asks for room under its limits, before it has a reservation.
    WaiterId,
    /// The lease of one running server process.
    LeaseId,
    /// A message to a person.
    NotificationId,
    /// A configured receiver of events.
    WebhookId,
    /// Something that is sent to one receiver, however often it is tried.
    DeliveryId,
    /// One attempt at a delivery: whoever holds it may say how it ended.
    ClaimId,
    /// A chat.
    ChatId,
    /// A file of a chat.
    ChatFileId,
}

impl OrganizationId {
    /// The group that everyone in this organization belongs to.
    #[must_use]
    pub const fn everyone(self) -> GroupId {
        GroupId(self.0)
    }
}
