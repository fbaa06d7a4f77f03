//! A batch in memory: counters that are locked, reservations that were removed, and what becomes of them.
//! No I/O: what was read goes in, what is to be written comes out. What asks for room is in
//! [`super::reserving`] and [`super::extending`], what happened elsewhere in [`super::reporting`].

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use model::{
    Micros, UserId,
    caps::CapScope,
    spend::{LimitKey, LimitKind, SettleEffect, SettleOutcome},
};
use store::StoreResult;
use uuid::Uuid;

use super::{
    calendar::Calendar,
    candidates::Standing,
    counter::{Change, Counter, Key, Place},
    event::EventRow,
    moves::{Delta, Move},
    prices::Snapshots,
    reservation::ReservationRow,
    steps::{Closing, How},
    sweep,
};
use crate::errors::{internal, unavailable};

/// What a reservation that was closed before left behind.
#[derive(Debug)]
struct Past {
    event: EventRow,
    corrected: bool,
}

/// What was read, and what has become of it.
#[derive(Debug)]
pub(super) struct Books {
    pub(super) calendar: Calendar,
    pub(super) counters: BTreeMap<Key, Counter>,
    places: BTreeMap<Key, Place>,
    /// What changed, and whether it is who waits.
    changed: BTreeMap<Key, bool>,
    pub(super) standings: BTreeMap<UserId, Standing>,
    open: BTreeMap<Uuid, ReservationRow>,
    /// Open ones that stay open.
    pub(super) kept: BTreeMap<Uuid, ReservationRow>,
    past: BTreeMap<Uuid, Past>,
    /// The models of the prices of what is swept.
    models: BTreeMap<Uuid, String>,
    wake: BTreeSet<LimitKey>,
    /// Where spend rose.
    raised: BTreeSet<Key>,
    pub(super) new: New,
}

/// What is to be written besides counters.
#[derive(Debug, Default)]
pub(super) struct New {
    pub(super) snapshots: Snapshots,
    pub(super) reservations: Vec<ReservationRow>,
    /// What open reservations hold now.
    pub(super) holds: BTreeMap<Uuid, Micros>,
    pub(super) events: Vec<EventRow>,
    pub(super) daily: BTreeMap<(Uuid, NaiveDate, Uuid), Micros>,
    /// Limits whose alerts must be looked at.
    pub(super) reached: Vec<LimitKey>,
}

/// What was read for a batch.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) counters: BTreeMap<Key, Counter>,
    /// Where their rows lie.
    pub(super) places: BTreeMap<Key, Place>,
    pub(super) standings: BTreeMap<UserId, Standing>,
    /// Those that were removed to be closed.
    pub(super) open: Vec<ReservationRow>,
    /// Those that are extended.
    pub(super) kept: Vec<ReservationRow>,
    /// Events of reservations that are not open any more, corrections among them.
    pub(super) past: Vec<EventRow>,
    pub(super) models: BTreeMap<Uuid, String>,
}

impl Books {
    pub(super) fn new(calendar: Calendar, read: Read) -> Self {
        let corrected: BTreeSet<Uuid> = read
            .past
            .iter()
            .filter_map(|event| event.corrects)
            .collect();
        let first = read
            .past
            .into_iter()
            .filter(|event| event.corrects.is_none());
        let past = first.map(|event| {
            let corrected = corrected.contains(&event.id);
            (event.id, Past { event, corrected })
        });
        Self {
            calendar,
            counters: read.counters,
            places: read.places,
            changed: BTreeMap::new(),
            standings: read.standings,
            open: read.open.into_iter().map(|row| (row.id, row)).collect(),
            kept: read.kept.into_iter().map(|row| (row.id, row)).collect(),
            past: past.collect(),
            models: read.models,
            wake: BTreeSet::new(),
            raised: BTreeSet::new(),
            new: New::default(),
        }
    }

    /// The counters that changed, and the limits where somebody waits for what came free.
    pub(super) fn close(mut self) -> (Vec<Change>, Vec<LimitKey>, New) {
        let of = |(key, line): (&Key, &bool)| {
            Some(Change {
                place: self.places.remove(key)?,
                counter: *self.counters.get(key)?,
                line: *line,
            })
        };
        let changed = self.changed.iter().filter_map(of).collect();
        let told_of = |key: &&Key| matches!(key.0.kind, LimitKind::User | LimitKind::Pool);
        let alerts = |key: &&Key| self.counters.get(key).is_some_and(Counter::alerts);
        let reached: BTreeSet<LimitKey> = self
            .raised
            .iter()
            .filter(told_of)
            .filter(alerts)
            .map(|key| key.0)
            .collect();
        self.new.reached = reached.into_iter().collect();
        (changed, self.wake.into_iter().collect(), self.new)
    }

    pub(super) fn counter(&mut self, key: Key) -> StoreResult<&mut Counter> {
        let counter = self.counters.get_mut(&key);
        counter.ok_or_else(|| unavailable(format!("the limit {} came up meanwhile", key.0)))
    }

    pub(super) fn change(&mut self, key: Key, work: impl FnOnce(&mut Counter)) -> StoreResult<()> {
        let counter = self.counter(key)?;
        let before = *counter;
        work(counter);
        let after = *counter;
        if after != before {
            *self.changed.entry(key).or_default() |= after.lines() != before.lines();
        }
        if after.spent > before.spent {
            self.raised.insert(key);
        }
        Ok(())
    }

    /// Closes a reservation.
    pub(super) fn shut(&mut self, closing: &Closing<'_>) -> StoreResult<SettleOutcome> {
        match self.open.remove(&closing.id.0) {
            Some(row) if row.account() != closing.account => {
                Err(internal("a reservation is closed for somebody else"))
            }
            Some(row) => self.shut_open(row, closing),
            None => self.shut_closed(closing),
        }
    }

    fn shut_open(
        &mut self,
        row: ReservationRow,
        closing: &Closing<'_>,
    ) -> StoreResult<SettleOutcome> {
        let moves = self.moves(closing.account, closing.id.instant())?;
        let hold = row.hold();
        let event = match closing.how {
            How::Release => None,
            How::Settle(settlement) => {
                let price_id = self.new.snapshots.note(settlement.prices.as_ref())?;
                Some(EventRow::of(row).settled(settlement, price_id))
            }
            How::Sweep => {
                let model = row.price_id.and_then(|id| self.models.get(&id).cloned());
                Some(EventRow {
                    priced_model: model,
                    ..sweep::estimate(row)
                })
            }
        };
        let charge = event.as_ref().map_or(Micros::ZERO, EventRow::charge);
        let over_hold = event.as_ref().map_or(0, |event| event.over_hold_micros);
        let by = Delta {
            spent: charge,
            reserved: Micros::ZERO.saturating_sub(hold),
        };
        self.shift(&moves, by)?;
        self.freed_all(&moves)?;
        let effect = match event {
            Some(event) => {
                self.record(event);
                SettleEffect::Settled
            }
            None => SettleEffect::Released,
        };
        Ok(outcome(effect, &moves, Micros(over_hold)))
    }

    /// An estimate made by a sweep is corrected, once; the counters move by the difference.
    fn shut_closed(&mut self, closing: &Closing<'_>) -> StoreResult<SettleOutcome> {
        let Some(past) = self.past.get_mut(&closing.id.0) else {
            return Ok(outcome(SettleEffect::Unknown, &[], Micros::ZERO));
        };
        if !past.event.swept || past.corrected || matches!(closing.how, How::Sweep) {
            return Ok(outcome(SettleEffect::AlreadySettled, &[], Micros::ZERO));
        }
        past.corrected = true;
        let event = past.event.clone();
        let truth = match closing.how {
            How::Settle(settlement) => {
                let price_id = self.new.snapshots.note(settlement.prices.as_ref())?;
                event.clone().settled(settlement, price_id)
            }
            How::Release | How::Sweep => event.clone().released(),
        };
        let over_hold = Micros(truth.over_hold_micros);
        let correction = EventRow::correction(&event, truth);
        let charge = correction.charge();
        let moves = self.moves(closing.account, closing.id.instant())?;
        self.shift(&moves, Delta::spent(charge))?;
        self.freed_all(&moves)?;
        self.record(correction);
        Ok(outcome(SettleEffect::Corrected, &moves, over_hold))
    }

    fn freed_all(&mut self, moves: &[Move]) -> StoreResult<()> {
        for one in moves {
            self.freed(one.key)?;
        }
        Ok(())
    }

    pub(super) fn freed(&mut self, key: Key) -> StoreResult<()> {
        let now = self.calendar.now;
        if self.counter(key)?.awaited(now) {
            self.wake.insert(key.0);
        }
        Ok(())
    }

    /// Notes an event to be written, and that it was, for whoever closes the same one later in this batch.
    pub(super) fn record(&mut self, event: EventRow) {
        let day = event.created_at().date_naive();
        let group = event.effective_group_id.unwrap_or_default();
        if event.charge() != Micros::ZERO {
            let spent = self
                .new
                .daily
                .entry((event.user_id, day, group))
                .or_default();
            *spent = spent.saturating_add(event.charge());
        }
        if event.corrects.is_none() {
            let past = Past {
                event: event.clone(),
                corrected: false,
            };
            self.past.insert(event.id, past);
        }
        self.new.events.push(event);
    }
}

fn outcome(effect: SettleEffect, moves: &[Move], over_hold: Micros) -> SettleOutcome {
    SettleOutcome {
        effect,
        freed: moves.iter().map(|one| one.key.0).collect(),
        over_hold,
    }
}

/// The counter of a limit in its present period; `None` for a pool or a cap that is none any more.
pub(super) fn present_key(calendar: &Calendar, limit: LimitKey) -> StoreResult<Option<Key>> {
    let how = match limit.kind {
        LimitKind::User => Some(&calendar.people),
        LimitKind::UserCap => calendar
            .caps
            .of(CapScope::of(limit.scope))
            .map(|_| &calendar.people),
        LimitKind::Subscription => calendar
            .caps
            .of(CapScope::of(limit.id))
            .filter(|set| set.subscription.is_some())
            .map(|_| &calendar.people),
        LimitKind::Pool => calendar
            .pools
            .get(&model::GroupId(limit.id))
            .map(|pool| &pool.reckoning),
    };
    let period = how
        .map(|how| calendar.period(how, calendar.now))
        .transpose()?;
    Ok(period.map(|period| (limit, period.start)))
}
