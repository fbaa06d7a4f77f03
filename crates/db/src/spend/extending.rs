//! Open reservations that want to hold more, in a batch's books.

use model::{
    Micros, OrganizationId,
    admission::{Extension, Limit, extend},
    spend::{Extend, ExtendOutcome, SpendState},
};
use store::StoreResult;

use super::{books::Books, candidates::Standing};
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
        let counted = self.counted(asked.account, &standing, at)?;
        let mut limits = Vec::new();
        let mut kinds = Vec::new();
        for one in &counted {
            if let Some(state) = one.limit {
                let head = self.counter(one.key)?.head;
                limits.push(Limit { state, head });
                kinds.push(one.key.0.kind);
            }
        }
        let more = asked.hold.saturating_sub(held);
        let blocked = |limit: usize| -> StoreResult<SpendState> {
            Ok(SpendState {
                blocked_by: kinds.get(limit).copied(),
                ..self.state(user, &standing, &counted, at)?
            })
        };
        match extend(&limits, held, asked.hold, self.calendar.now) {
            Extension::Refused { limit } => return Ok(ExtendOutcome::Refused(blocked(limit)?)),
            Extension::RetryLater { limit } => {
                return Ok(ExtendOutcome::RetryLater(blocked(limit)?));
            }
            Extension::Granted => {}
        }
        for one in &counted {
            self.change(one.key, |counter| {
                counter.reserved = counter.reserved.saturating_add(more);
            })?;
        }
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
