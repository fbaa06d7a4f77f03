//! A batch of steps in three round trips: the present, and what holds for people; what is needed, under locks; what
//! becomes of it, which is sent with the commit.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use chrono::NaiveDate;
use diesel::sql_types::{Array, BigInt, Date, Uuid as SqlUuid};
use diesel_async::AsyncPgConnection;
use futures_util::future::{try_join, try_join3, try_join5};
use model::{
    Micros, ReservationId, UserId,
    caps::{CapScope, CapTrust},
    spend::{LedgerAnswer, LedgerBatch, LockWait},
};
use store::StoreResult;
use uuid::Uuid;

use super::{
    alerting,
    books::{Books, New, Read},
    calendar::{self, Calendar},
    candidates::{Standing, stand, standings},
    caps::{self, Caps},
    counter::{self, Change, Counter, CounterRow, Key, Place},
    event, prices,
    reservation::{self, ReservationRow},
    sql,
    steps::{Closing, How, Step, Turn},
    subjects::Subjects,
};
use crate::{
    budgets,
    errors::unavailable,
    query::{Cached, run},
};

/// How long [`LockWait::Brief`] is: much longer than a batch of another server takes.
const BRIEF_MS: u32 = 500;

/// For how long what was read of budgets is as good as new: a batch that waited longer for its locks reads it again, so
/// that whoever changed a budget need not think of it.
const FRESH: Duration = Duration::from_millis(100);

/// Which counters a batch takes for there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counters {
    /// All of them, as they are but for the first request of somebody in a period: locking and reading them is one
    /// statement.
    Known,
    /// Those that are missing are made.
    Any,
}

/// How a batch is taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) wait: LockWait,
    pub(crate) counters: Counters,
    /// How far mirrored caps are trusted; `None` where caps live here.
    pub(crate) cap_trust: Option<CapTrust>,
}

/// Takes the steps by their [`Turn`]s. `began` is sent first. Everything is decided then; what it comes to is yet to be
/// written. `None`: a counter is missing that was taken for there. Others are locked, and it must not be made out of its
/// turn, so the transaction must be rolled back.
pub(crate) async fn run_batch(
    conn: &AsyncPgConnection,
    began: impl Future<Output = StoreResult<()>>,
    steps: &[Step<'_>],
    manner: Manner,
) -> StoreResult<Option<(LedgerBatch, Writes)>> {
    let about = Subjects::of(steps);
    let lock_timeout = match manner.wait {
        LockWait::Brief => BRIEF_MS,
        LockWait::Long => 0,
    };
    let people = about.people();
    let ((), mut calendar, candidates) = try_join3(
        began,
        calendar::begin(conn, lock_timeout, &about.groups),
        budgets::candidates(conn, &people),
    )
    .await?;
    let asked = Instant::now();
    calendar.cap_trust = manner.cap_trust;
    let mut standings = stand(&calendar, &candidates);
    let charged = about.spenders(&standings);
    let scopes = about.scopes(&calendar, &standings);
    let ((), caps) = try_join(
        calendar.learn_pools(conn, charged.filter_map(|account| account.group_id)),
        caps::read(conn, manner.cap_trust, &scopes, &people),
    )
    .await?;
    calendar.caps = caps;
    calendar.learn(conn, &about.instants(&calendar)).await?;
    let keys = about.keys(steps, &calendar, &standings)?;
    let Some(locked) = lock(conn, &keys, manner.counters, &about).await? else {
        return Ok(None);
    };
    if asked.elapsed() > FRESH {
        (standings, calendar.caps) =
            renewed(conn, &mut calendar, &about, &standings, &scopes).await?;
    }
    let read = read(conn, steps, &keys, locked, standings).await?;
    let mut books = Books::new(calendar, read);
    let mut answers: Vec<Option<LedgerAnswer>> = vec![None; steps.len()];
    for turn in Turn::ALL {
        for (step, answer) in steps.iter().zip(&mut answers) {
            if step.turn() == turn {
                *answer = Some(take(&mut books, step)?);
            }
        }
    }
    let (changed, wake, new) = books.close();
    let batch = LedgerBatch {
        answers: answers.into_iter().flatten().collect(),
        wake,
    };
    Ok(Some((batch, Writes { changed, new })))
}

fn take(books: &mut Books, step: &Step<'_>) -> StoreResult<LedgerAnswer> {
    Ok(match step {
        Step::Close(closing) => LedgerAnswer::Closed(books.shut(closing)?),
        Step::WaitEnd(end) => books.wait_end(end)?,
        Step::Report(report) => LedgerAnswer::Reported(books.report(report)?),
        Step::Reserve(request) => LedgerAnswer::Reserved(Box::new(books.reserve(request)?)),
        Step::Extend(extend) => LedgerAnswer::Extended(Box::new(books.extend(extend)?)),
    })
}

/// What a batch comes to.
#[derive(Debug)]
pub(crate) struct Writes {
    changed: Vec<Change>,
    new: New,
}

impl Writes {
    /// Writes it, in one round trip.
    pub(crate) async fn write(&self, conn: &AsyncPgConnection) -> StoreResult<()> {
        let rare = try_join(
            reservation::extend(conn, &self.new.holds),
            alerting::add(conn, &self.new.reached),
        );
        let usual = try_join5(
            prices::add(conn, &self.new.snapshots),
            reservation::add(conn, &self.new.reservations),
            event::add(conn, &self.new.events),
            counter::save(conn, &self.changed),
            add_daily(conn, &self.new.daily),
        );
        try_join(usual, rare).await.map(drop)
    }
}

/// What holds for people now, after the locks were waited for.
async fn renewed(
    conn: &AsyncPgConnection,
    calendar: &mut Calendar,
    about: &Subjects,
    before: &BTreeMap<UserId, Standing>,
    scopes: &BTreeSet<CapScope>,
) -> StoreResult<(BTreeMap<UserId, Standing>, Caps)> {
    calendar.renew(conn).await?;
    let people = about.people();
    let (now, caps) = try_join(
        standings(conn, calendar, &people),
        caps::read(conn, calendar.cap_trust, scopes, &people),
    )
    .await?;
    let same = about.spenders(&now).eq(about.spenders(before));
    if same && caps.counts_like(&calendar.caps) {
        Ok((now, caps))
    } else {
        // Other counters than those that are locked.
        Err(unavailable("whom spend is charged to changed meanwhile"))
    }
}

/// What was read under the locks.
struct Locked {
    counters: Vec<CounterRow>,
    open: Vec<ReservationRow>,
    kept: Vec<ReservationRow>,
}

/// Locks the counters, and reads after that what was committed before the locks were had; `None` when one is missing
/// that was taken for there.
async fn lock(
    conn: &AsyncPgConnection,
    keys: &[Key],
    counters: Counters,
    about: &Subjects,
) -> StoreResult<Option<Locked>> {
    let counters = async {
        match counters {
            Counters::Known => counter::lock_known(conn, keys).await,
            Counters::Any => try_join(counter::lock(conn, keys), counter::read(conn, keys))
                .await
                .map(|(_, rows)| rows),
        }
    };
    let (counters, open, kept) = try_join3(
        counters,
        reservation::take(conn, &about.closing),
        reservation::open(conn, &about.extending),
    )
    .await?;
    let all = counters.len() == keys.len();
    Ok(all.then_some(Locked {
        counters,
        open,
        kept,
    }))
}

/// Reads what is not open any more, which is rarely anything.
async fn read(
    conn: &AsyncPgConnection,
    steps: &[Step<'_>],
    keys: &[Key],
    locked: Locked,
    standings: BTreeMap<UserId, Standing>,
) -> StoreResult<Read> {
    let Locked {
        counters,
        open,
        kept,
    } = locked;
    let taken: BTreeSet<Uuid> = open.iter().map(|row| row.id).collect();
    let mut missing = Vec::new();
    let mut swept_prices = Vec::new();
    for step in steps {
        if let Step::Close(Closing { id, how, .. }) = step {
            if !taken.contains(&id.0) {
                missing.push(*id);
            } else if matches!(how, How::Sweep) {
                let row = open.iter().find(|row| row.id == id.0);
                swept_prices.extend(row.and_then(|row| row.price_id));
            }
        }
    }
    let (past, models) = past(conn, &missing, swept_prices).await?;
    Ok(Read {
        places: places(keys, &counters),
        counters: by_key(keys, &counters),
        standings,
        open,
        kept,
        past,
        models,
    })
}

/// What is needed of reservations that are not open any more, and of swept ones: rarely anything.
async fn past(
    conn: &AsyncPgConnection,
    missing: &[ReservationId],
    prices: Vec<Uuid>,
) -> StoreResult<(Vec<event::EventRow>, BTreeMap<Uuid, String>)> {
    try_join(
        event::of_closed(conn, missing),
        prices::models(conn, prices),
    )
    .await
}

fn places(keys: &[Key], rows: &[CounterRow]) -> BTreeMap<Key, Place> {
    let of = |row: &CounterRow| {
        let place = usize::try_from(row.place).ok()?.checked_sub(1)?;
        Some((*keys.get(place)?, row.lies_at.clone()))
    };
    rows.iter().filter_map(of).collect()
}

fn by_key(keys: &[Key], rows: &[CounterRow]) -> BTreeMap<Key, Counter> {
    let of = |row: &CounterRow| {
        let place = usize::try_from(row.place).ok()?.checked_sub(1)?;
        Some((*keys.get(place)?, Counter::from(row)))
    };
    rows.iter().filter_map(of).collect()
}

/// What would be more than can be counted stays at the most: no settlement fails for what was reported before it.
const DAILY: &str = "\
INSERT INTO ai_user_daily_spend AS d (user_id, day, effective_group_id, spend_micros) \
SELECT $1[n], $2[n], $3[n], $4[n] FROM generate_series(1, cardinality($1)) AS n \
ON CONFLICT (user_id, day, effective_group_id) DO UPDATE \
    SET spend_micros = least(d.spend_micros, 9223372036854775807 - greatest(excluded.spend_micros, 0)) \
        + excluded.spend_micros";

async fn add_daily(
    conn: &AsyncPgConnection,
    daily: &BTreeMap<(Uuid, NaiveDate, Uuid), Micros>,
) -> StoreResult<()> {
    if daily.is_empty() {
        return Ok(());
    }
    let users: Vec<Uuid> = daily.keys().map(|key| key.0).collect();
    let days: Vec<NaiveDate> = daily.keys().map(|key| key.1).collect();
    let groups: Vec<Uuid> = daily.keys().map(|key| key.2).collect();
    let spent: Vec<i64> = daily.values().map(|spent| spent.0).collect();
    let add = sql(DAILY)
        .bind::<Array<SqlUuid>, _>(users)
        .bind::<Array<Date>, _>(days)
        .bind::<Array<SqlUuid>, _>(groups)
        .bind::<Array<BigInt>, _>(spent);
    run(conn, Cached(add)).await.map(drop)
}
