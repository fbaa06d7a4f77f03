//! Whether a cost that nobody was asked for first passes a limit.

use super::LimitState;
use crate::Micros;

/// The limit that a cost passes, by its place: the one that blocks with the least room, the first of equals, when
/// the cost is more than that. What costs nothing passes nothing.
#[must_use]
pub fn passed(limits: &[LimitState], cost: Micros) -> Option<usize> {
    let blocking = limits
        .iter()
        .enumerate()
        .filter(|(_, limit)| limit.enforced());
    let tightest = blocking.min_by_key(|(place, limit)| (limit.room(), *place));
    let (place, limit) = tightest?;
    (cost > Micros::ZERO && cost > limit.room()).then_some(place)
}
