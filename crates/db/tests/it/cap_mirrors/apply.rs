//! What a read changes, and what it leaves alone.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use db::local::LocalRole;
use model::caps::{
    CapOverride, CapOverrideUpsert, CapScope, DisabledMode, MirrorChanges, MirroredCaps,
    MirroredOverride, SubscriptionCapUpsert,
};
use model::{Micros, UserId};
use store::{StoreError, caps::CapOverrideFilter};
use uuid::Uuid;

use super::{TestDb, apply, begin, cap, mirror, of, read, take, told};
use crate::{
    caps::{Acme, entries, told as line},
    support::{id, new_organization},
};

fn changes(record: bool, overrides: u64, removed: u64) -> MirrorChanges {
    MirrorChanges {
        record,
        overrides,
        removed,
    }
}

async fn own(store: &db::Database, scope: CapScope) -> Vec<CapOverride> {
    let filter = CapOverrideFilter {
        limit: 100,
        ..CapOverrideFilter::default()
    };
    let mut unit = read(store).await;
    let page = unit.cap_override_list(scope, &filter).await.unwrap();
    page.overrides
}

#[tokio::test]
async fn what_is_as_it_was_read_is_not_touched() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let acme = Acme::new(&store, &["ben", "cleo", "dan"]).await;
    let (scope, people) = (acme.scope, &acme.people);
    let all = [of(people[0], 1), of(people[1], 2)];
    assert_eq!(
        mirror(&store, scope, Some(&told(7, &all))).await,
        changes(true, 2, 0)
    );
    let (before, lines) = (own(&store, scope).await, entries(&store).await.len());
    let record = read(&store).await.cap_get(scope).await.unwrap();
    assert_eq!(lines, 3);

    db.shift_time("1 hour").await;
    // In another order, and somebody who has no account here.
    let again = [all[1], of(UserId(id()), 9), all[0]];
    assert_eq!(
        mirror(&store, scope, Some(&told(7, &again))).await,
        changes(false, 0, 0)
    );
    assert_eq!(own(&store, scope).await, before);
    assert_eq!(read(&store).await.cap_get(scope).await.unwrap(), record);
    assert_eq!(entries(&store).await.len(), lines);

    // One of each kind.
    let next = [of(people[1], 3), of(people[2], 4)];
    assert_eq!(
        mirror(&store, scope, Some(&told(8, &next))).await,
        changes(true, 2, 1)
    );
    let told: Vec<_> = entries(&store).await.iter().skip(lines).map(line).collect();
    let mut sorted = told.clone();
    sorted.sort();
    let expected = [
        "Create dan: cap_micros null→4, disabled_mode null→\"exempt\", enabled null→true",
        "Delete ben: cap_micros 1→null, disabled_mode \"exempt\"→null, enabled true→null",
        "Write : flat_user_cap_micros 7→8",
        "Write cleo: cap_micros 2→3",
    ];
    assert_eq!(sorted, expected);
    let after = own(&store, scope).await;
    assert_eq!(after[0].created_at, before[1].created_at);
    assert!(after[0].updated_at > before[1].updated_at);
}

#[tokio::test]
async fn what_the_portal_does_not_know_stays_and_what_it_never_set_is_not_set() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let acme = Acme::new(&store, &["ben"]).await;
    let (scope, ben) = (acme.scope, acme.people[0]);
    let included = SubscriptionCapUpsert {
        cap: Some(cap(50, true)),
        included: Some(Micros(24)),
    };
    let mut unit = begin(&store).await;
    unit.cap_flat_upsert(scope, cap(5, true)).await.unwrap();
    unit.cap_subscription_upsert(scope, &included)
        .await
        .unwrap();
    let off = CapOverrideUpsert {
        user_id: ben,
        cap: cap(1, false),
        disabled_mode: Some(DisabledMode::Inherit),
    };
    unit.cap_override_upsert(scope, &[off]).await.unwrap();
    unit.commit().await.unwrap();

    let day = |days| DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(days);
    let dated = MirroredOverride {
        created_at: Some(day(1)),
        updated_at: Some(day(2)),
        ..of(ben, 2)
    };
    let caps = MirroredCaps {
        flat_user: None,
        subscription: Some(cap(60, false)),
        overrides: vec![dated],
    };
    assert_eq!(
        mirror(&store, scope, Some(&caps)).await,
        changes(true, 1, 0)
    );
    let record = read(&store).await.cap_get(scope).await.unwrap().unwrap();
    assert_eq!(
        (record.flat_user, record.subscription, record.included),
        (None, Some(cap(60, false)), Micros(24))
    );
    let held = own(&store, scope).await[0];
    assert_eq!(
        (
            held.cap,
            held.disabled_mode,
            held.created_at,
            held.updated_at
        ),
        (cap(2, true), DisabledMode::Inherit, day(1), day(2))
    );
}

/// A page that slides while it is read may leave somebody out once.
#[tokio::test]
async fn who_is_left_out_once_comes_back_as_they_were() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let acme = Acme::new(&store, &["ben", "cleo"]).await;
    let (scope, ben, cleo) = (acme.scope, acme.people[0], acme.people[1]);
    let all = told(7, &[of(ben, 1), of(cleo, 2)]);
    mirror(&store, scope, Some(&all)).await;
    let mode = async |disabled_mode| {
        let set = CapOverrideUpsert {
            user_id: ben,
            cap: cap(1, true),
            disabled_mode: Some(disabled_mode),
        };
        let mut unit = begin(&store).await;
        unit.cap_override_upsert(scope, &[set]).await.unwrap();
        unit.commit().await.unwrap();
    };
    for (kept, gone) in [
        (DisabledMode::Inherit, Some(told(7, &[of(cleo, 2)]))),
        (DisabledMode::Inherit, None),
        (DisabledMode::Exempt, None),
    ] {
        mode(kept).await;
        for _ in 0..2 {
            mirror(&store, scope, gone.as_ref()).await;
            assert!(
                own(&store, scope)
                    .await
                    .iter()
                    .all(|one| one.user_id != ben)
            );
        }
        mirror(&store, scope, Some(&all)).await;
        let held = own(&store, scope).await;
        let modes = |user| {
            held.iter()
                .find(|one| one.user_id == user)
                .map(|one| one.disabled_mode)
        };
        assert_eq!(modes(ben), Some(kept), "{gone:?}");
        assert_eq!(modes(cleo), Some(DisabledMode::Exempt));
    }
}

#[tokio::test]
async fn a_record_that_vanished_sets_no_cap_and_keeps_what_is_ours() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let acme = Acme::new(&store, &["ben"]).await;
    for scope in [acme.scope, CapScope::Instance] {
        // No record is made of nothing.
        assert_eq!(mirror(&store, scope, None).await, changes(false, 0, 0));
        assert_eq!(read(&store).await.cap_get(scope).await.unwrap(), None);
        let caps = MirroredCaps {
            subscription: Some(cap(50, true)),
            ..told(7, &[of(acme.people[0], 1)])
        };
        mirror(&store, scope, Some(&caps)).await;
        let included = SubscriptionCapUpsert {
            cap: None,
            included: Some(Micros(24)),
        };
        let mut unit = begin(&store).await;
        let set = unit.cap_subscription_upsert(scope, &included).await;
        set.unwrap();
        unit.commit().await.unwrap();
        let lines = entries(&store).await.len();
        assert_eq!(mirror(&store, scope, None).await, changes(true, 0, 1));
        let record = read(&store).await.cap_get(scope).await.unwrap().unwrap();
        assert_eq!(
            (record.flat_user, record.subscription, record.included),
            (None, None, Micros(24))
        );
        assert!(own(&store, scope).await.is_empty());
        let gone = entries(&store).await;
        let gone: Vec<_> = gone
            .iter()
            .skip(lines)
            .map(|line| line.resource_target.as_str())
            .collect();
        assert_eq!(gone, ["", "ben"]);
        assert_eq!(mirror(&store, scope, None).await, changes(false, 0, 0));
        assert!(super::fresh(&store, scope).await);
        // It comes back as it was.
        mirror(&store, scope, Some(&caps)).await;
        let record = read(&store).await.cap_get(scope).await.unwrap().unwrap();
        assert_eq!(
            (record.flat_user, record.included),
            (caps.flat_user, Micros(24))
        );
        assert_eq!(own(&store, scope).await.len(), 1);
    }
    let mut unit = read(&store).await;
    assert_eq!(unit.ledger_verify().await.unwrap(), []);
}

#[tokio::test]
async fn who_has_no_account_any_more_is_passed_over() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let acme = Acme::new(&store, &["ben", "cleo"]).await;
    let (scope, people) = (acme.scope, &acme.people);
    let all = [
        of(people[0], 1),
        of(people[1], 2),
        of(UserId(Uuid::nil()), 3),
    ];
    mirror(&store, scope, Some(&told(7, &all))).await;
    let mut unit = begin(&store).await;
    unit.user_delete(people[0]).await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(
        mirror(&store, scope, Some(&told(7, &all))).await,
        changes(false, 0, 0)
    );
    assert_eq!(own(&store, scope).await.len(), 1);
}

#[tokio::test]
async fn an_organization_that_ended_while_it_was_read_has_no_caps() {
    let db = TestDb::new().await;
    let store = db.store().await;
    Acme::new(&store, &[]).await;
    let beta = new_organization("beta");
    let mut unit = begin(&store).await;
    unit.organization_create(&beta).await.unwrap();
    unit.commit().await.unwrap();
    let scope = CapScope::Organization(beta.id);
    mirror(&store, scope, Some(&told(7, &[]))).await;
    let claim = take(&store, scope).await;
    let mut unit = begin(&store).await;
    unit.organization_delete(beta.id).await.unwrap();
    unit.commit().await.unwrap();
    let mut unit = begin(&store).await;
    let late = unit.cap_mirror_apply(&claim, Some(&told(8, &[]))).await;
    assert!(matches!(late, Err(StoreError::NotFound)), "{late:?}");
    assert_eq!(read(&store).await.cap_get(scope).await.unwrap(), None);
}

/// Whoever counts is waited for where counting begins anew, and nowhere else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_is_held_where_counting_begins() {
    let db = TestDb::new().await;
    let store = Arc::new(db.store().await);
    let acme = Acme::new(&store, &["ben"]).await;
    let scope = acme.scope;
    let caps = |flat, subscription: Option<i64>| MirroredCaps {
        subscription: subscription.map(|micros| cap(micros, true)),
        ..told(flat, &[of(acme.people[0], flat)])
    };
    let ledger = db.client(LocalRole::App).await;
    let watcher = db.client(LocalRole::Superuser).await;
    for (caps, waits) in [
        (Some(caps(1, None)), true),
        (Some(caps(2, None)), false),
        (Some(caps(2, Some(9))), true),
        (Some(caps(3, Some(8))), false),
        (Some(caps(3, None)), true),
        (None, false),
    ] {
        let claim = take(&store, scope).await;
        ledger
            .batch_execute("BEGIN; SELECT bursar_lock_ledger()")
            .await
            .unwrap();
        let applying = {
            let (store, caps) = (Arc::clone(&store), caps.clone());
            tokio::spawn(async move { apply(&store, &claim, caps.as_ref()).await })
        };
        let waiting = "SELECT count(*) FROM pg_stat_activity \
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let mut waited = false;
        while !waited && !applying.is_finished() {
            let count: i64 = watcher.query_one(waiting, &[]).await.unwrap().get(0);
            waited = count > 0;
        }
        assert_eq!(waited, waits, "{caps:?}");
        ledger.batch_execute("COMMIT").await.unwrap();
        applying.await.unwrap();
    }
    let mut unit = read(&store).await;
    assert_eq!(unit.ledger_verify().await.unwrap(), []);
}
