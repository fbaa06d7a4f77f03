//! Open reservations that want to hold more, in a batch's books.

use model::{
    Micros, OrganizationId,
    admission::{Extension, Limit, LimitState, extend},
    spend::{Extend, ExtendOutcome},
};
use store::StoreResult;

use super::{books::Books, bounds::blocked, candidates::Standing, moves::Delta};
use crate::errors::internal;

impl Books {
    /// Decides about a reservation that wants to hold more. The limits are those of the present; the counters are
    /// those of its own instant, and of the group that it is charged to.
    pub(super) fn extend(&mut self, asked: &Extend) -> StoreResult<ExtendOutcome> {
        let Some(row) = self.kept.get(&asked.id.0) else {
            return Ok(ExtendOutcome::Unknown);
        };
        if row.account() != asked.account {
            return Err(internal("a reservation is extended for somebody else"));
        }
        let (held, organization) = (row.hold(), row.organization_id.map(OrganizationId));
        if asked.hold <= held {
            return Ok(ExtendOutcome::Extended { hold: held });
        }
        let user = asked.account.user_id;
        let standing = Standing {
            group: asked.account.group_id,
            organization,
            ..self.standings.get(&user).copied().unwrap_or_default()
        };
        let at = asked.id.instant();
        let state = self.state(user, &standing, at)?;
        let bounds = self.bounds(user, &state, held, asked.hold)?;
        let limits: Vec<Limit> = bounds.iter().map(|one| one.limit).collect();
        let more = asked.hold.saturating_sub(held);
        match extend(&limits, held, asked.hold, self.calendar.now) {
            Extension::Refused { limit } => {
                let never = |limit: &LimitState| asked.hold > limit.rest();
                return Ok(ExtendOutcome::Refused(blocked(
                    state, &bounds, limit, never,
                )));
            }
            Extension::RetryLater { limit } => {
                let not_now = |limit: &LimitState| more > limit.room();
                let state = blocked(state, &bounds, limit, not_now);
                return Ok(ExtendOutcome::RetryLater(state));
            }
            Extension::Granted => {}
        }
        let moves = self.moves(asked.account, at)?;
        self.shift(&moves, Delta::held(more))?;
        self.hold(asked, asked.hold);
        Ok(ExtendOutcome::Extended { hold: asked.hold })
    }

    /// Notes what is held now, also for whoever extends the same one later in this batch.
    fn hold(&mut self, asked: &Extend, hold: Micros) {
        if let Some(row) = self.kept.get_mut(&asked.id.0) {
            row.hold_micros = hold.0;
        }
        self.new.holds.insert(asked.id.0, hold);
    }
}
