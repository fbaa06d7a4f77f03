//! Keeps order: archives chats that nobody has changed for long, and removes those that were long in the archive, files
//! that nobody attached, entries of ACLs that have ended, and what people keep of chats that they have lost.
//!
//! Any number of servers run it, and one of them at a time. Batches are small, so nobody waits for them.

use std::sync::Arc;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use model::Clock;
use store::{StoreResult, chats::ViewerPlace};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{ChatConfig, ports::Keeping, telemetry};

/// How many are put away in one transaction.
const BATCH: u32 = 100;
/// How many rows of what viewers keep are looked at in one transaction.
const VIEWERS: u32 = 1_000;
/// How many transactions follow each other before the next job has its turn.
const BATCHES: u32 = 50;
/// What removing what viewers keep is called.
const VIEWERS_WORD: &str = "viewers_removed";
/// For how long a file is kept that nobody attached.
const LOOSE: TimeDelta = TimeDelta::days(1);

/// One of the jobs.
#[derive(Debug, Clone, Copy)]
enum Job {
    Archive,
    Purge,
    Files,
    Shares,
}

impl Job {
    const ALL: [Self; 4] = [Self::Archive, Self::Purge, Self::Files, Self::Shares];

    const fn word(self) -> &'static str {
        match self {
            Self::Archive => "archived",
            Self::Purge => "removed",
            Self::Files => "files_removed",
            Self::Shares => "shares_removed",
        }
    }

    /// What is older than this is put away; `None` when nothing is.
    fn before(self, config: &ChatConfig, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            // A whole day at a time, so that what is archived does not depend on the hour.
            Self::Archive => days(config.auto_archive_days)
                .and_then(|days| now.checked_sub_signed(days))
                .map(|at| at.date_naive().and_time(NaiveTime::MIN).and_utc()),
            Self::Purge => {
                days(config.retention_days).and_then(|days| now.checked_sub_signed(days))
            }
            Self::Files => now.checked_sub_signed(LOOSE),
            // An entry says itself when it ends.
            Self::Shares => Some(now),
        }
    }
}

fn days(days: u32) -> Option<TimeDelta> {
    TimeDelta::try_days(days.into()).filter(|days| !days.is_zero())
}

/// Does the jobs until the token is cancelled.
pub(crate) async fn run(
    keeping: Arc<dyn Keeping>,
    clock: Arc<dyn Clock>,
    config: ChatConfig,
    stopping: CancellationToken,
) {
    let mut place = None;
    while stopping
        .run_until_cancelled(sleep(config.jobs_every))
        .await
        .is_some()
    {
        for job in Job::ALL {
            let Some(before) = job.before(&config, clock.now()) else {
                continue;
            };
            let done = all(keeping.as_ref(), job, before, &stopping).await;
            tell(job.word(), &done);
        }
        let done = viewers(keeping.as_ref(), &mut place, &stopping).await;
        tell(VIEWERS_WORD, &done);
    }
}

fn tell(job: &'static str, done: &StoreResult<u64>) {
    match done {
        Ok(0) => {}
        Ok(count) => tracing::info!(job, count, "what is old was put away"),
        Err(error) => {
            let error = telemetry::cause(error);
            tracing::warn!(error, job, "what is old cannot be put away yet");
        }
    }
}

/// Goes on looking at what viewers keep where it was left, and begins anew at the end.
async fn viewers(
    keeping: &dyn Keeping,
    place: &mut Option<ViewerPlace>,
    stopping: &CancellationToken,
) -> StoreResult<u64> {
    let mut total: u64 = 0;
    for _ in 0..BATCHES {
        let (count, next) = keeping.prune_viewers(*place, VIEWERS).await?;
        telemetry::kept(VIEWERS_WORD, count);
        total = total.saturating_add(count);
        // Where nothing moves another server is at it.
        let over = next.is_none() || next == *place;
        *place = next;
        if over || stopping.is_cancelled() {
            break;
        }
    }
    Ok(total)
}

/// Does one job until there is nothing left, or others are to have their turn.
async fn all(
    keeping: &dyn Keeping,
    job: Job,
    before: DateTime<Utc>,
    stopping: &CancellationToken,
) -> StoreResult<u64> {
    let mut total: u64 = 0;
    for _ in 0..BATCHES {
        let count = match job {
            Job::Archive => keeping.archive_old(before, BATCH).await?,
            Job::Purge => keeping.purge(before, BATCH).await?,
            Job::Files => keeping.prune_files(before, BATCH).await?,
            Job::Shares => keeping.prune_acl(BATCH).await?,
        };
        telemetry::kept(job.word(), count);
        total = total.saturating_add(count);
        if count < u64::from(BATCH) || stopping.is_cancelled() {
            break;
        }
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_is_old_is_counted_in_days() {
        let now: DateTime<Utc> = "2026-11-26T15:04:05Z".parse().unwrap();
        let check = |job: Job, archive, retention, expected: Option<&str>| {
            let config = ChatConfig {
                auto_archive_days: archive,
                retention_days: retention,
                ..ChatConfig::default()
            };
            let expected = expected.map(|at| at.parse::<DateTime<Utc>>().unwrap());
            assert_eq!(
                job.before(&config, now),
                expected,
                "{job:?} {archive} {retention}"
            );
        };
        check(Job::Archive, 0, 30, None);
        check(Job::Archive, 7, 0, Some("2026-11-19T00:00:00Z"));
        check(Job::Purge, 7, 0, None);
        check(Job::Purge, 0, 30, Some("2026-10-27T15:04:05Z"));
        check(Job::Purge, 0, u32::MAX, None);
        check(Job::Files, 0, 0, Some("2026-11-25T15:04:05Z"));
    }

    /// Has so much left to put away.
    #[derive(Debug)]
    struct Left(Mutex<(u64, u32)>);

    #[async_trait]
    impl Keeping for Left {
        async fn archive_old(&self, _before: DateTime<Utc>, limit: u32) -> StoreResult<u64> {
            let mut left = self.0.lock().unwrap();
            let count = left.0.min(limit.into());
            *left = (left.0 - count, left.1 + 1);
            Ok(count)
        }

        async fn purge(&self, before: DateTime<Utc>, limit: u32) -> StoreResult<u64> {
            self.archive_old(before, limit).await
        }

        async fn prune_files(&self, before: DateTime<Utc>, limit: u32) -> StoreResult<u64> {
            self.archive_old(before, limit).await
        }

        async fn prune_acl(&self, limit: u32) -> StoreResult<u64> {
            self.archive_old(DateTime::UNIX_EPOCH, limit).await
        }

        /// Each row stands at its number.
        async fn prune_viewers(
            &self,
            after: Option<ViewerPlace>,
            limit: u32,
        ) -> StoreResult<(u64, Option<ViewerPlace>)> {
            let mut left = self.0.lock().unwrap();
            left.1 += 1;
            let seen = after.map_or(0, |after| after.0.0.as_u128());
            let upto = seen + u128::from(limit);
            let more = upto < u128::from(left.0);
            let place = (Uuid::from_u128(upto).into(), Uuid::from_u128(upto).into());
            Ok((1, more.then_some(place)))
        }
    }

    #[tokio::test]
    async fn what_viewers_keep_is_looked_at_to_the_end_over_and_over() {
        let (batch, most) = (u64::from(VIEWERS), u64::from(BATCHES));
        let left = Left(Mutex::new((batch * (most + 2), 0)));
        let (mut place, going_on) = (None, CancellationToken::new());
        for (asked, over) in [
            (BATCHES, false),
            (BATCHES + 2, true),
            (BATCHES * 2 + 2, false),
        ] {
            viewers(&left, &mut place, &going_on).await.unwrap();
            assert_eq!((left.0.lock().unwrap().1, place.is_none()), (asked, over));
        }
    }

    #[tokio::test]
    async fn a_job_ends_with_its_work_or_leaves_the_rest() {
        let check = async |there: u64, expected: (u64, u32)| {
            let left = Left(Mutex::new((there, 0)));
            let (epoch, going_on) = (DateTime::UNIX_EPOCH, CancellationToken::new());
            let done = all(&left, Job::Archive, epoch, &going_on).await.unwrap();
            assert_eq!((done, left.0.lock().unwrap().1), expected);
        };
        let (batch, most) = (u64::from(BATCH), u64::from(BATCHES));
        check(0, (0, 1)).await;
        check(batch + 1, (batch + 1, 2)).await;
        check(batch * (most + 1), (batch * most, BATCHES)).await;
    }
}
