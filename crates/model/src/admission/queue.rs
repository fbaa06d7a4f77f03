//! First come, first served among the waiters of a limit, over any number of servers.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{Micros, WaiterId};

/// For so long smaller requests may pass the first of the waiters; then room is kept for it.
pub const PATIENCE_OF_THE_HEAD: TimeDelta = TimeDelta::seconds(1);

/// The request that has waited longest under a limit, as the limit's row tells every server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The request.
    pub id: WaiterId,
    /// When it began to wait.
    pub since: DateTime<Utc>,
    /// The hold that it asks for.
    pub need: Micros,
    /// When its claim to be the first lapses, should its server have died.
    pub expires_at: DateTime<Utc>,
}

/// Whether a request that needs `need` must leave the `room` to the head of the queue: a live head, another
/// than itself, that has waited for a second, and not room for both.
#[must_use]
pub fn must_yield(
    head: Option<&Head>,
    me: WaiterId,
    need: Micros,
    room: Micros,
    now: DateTime<Utc>,
) -> bool {
    head.is_some_and(|head| {
        let live = head.expires_at > now;
        let waited = now.signed_duration_since(head.since) >= PATIENCE_OF_THE_HEAD;
        head.id != me && live && waited && need.saturating_add(head.need) > room
    })
}
