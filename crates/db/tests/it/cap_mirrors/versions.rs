//! Who reads which mirror, and which reads count beside writes and other reads.

use std::time::Duration;

use model::caps::{CapScope, MirrorOutcome};
use store::{StoreError, cap_mirrors::CapMirrorsDue};

use super::{
    ALL, REFRESH, TestDb, announce, apply, begin, confirm, due, fresh, mirror, read, take, told,
};
use crate::support::{World, new_organization};

const DEPLOYMENT: CapScope = CapScope::Instance;

#[tokio::test]
async fn each_mirror_is_due_once_in_a_while_and_only_where_it_is_kept() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let acme = CapScope::Organization(World::new(&store, None).await.organization);
    let ended = new_organization("ended");
    let mut unit = begin(&store).await;
    unit.organization_create(&ended).await.unwrap();
    unit.commit().await.unwrap();
    let only = |instance, organizations| CapMirrorsDue {
        instance,
        organizations,
        ..ALL
    };
    assert_eq!(due(&store, &only(false, false)).await, []);
    assert_eq!(due(&store, &only(true, false)).await, [DEPLOYMENT]);
    let both = [acme, CapScope::Organization(ended.id)];
    assert_eq!(due(&store, &only(false, true)).await, both);
    assert_eq!(due(&store, &ALL).await, []);

    // Later, when one organization has ended and one has come; the longest due come first.
    let beta = new_organization("beta");
    let mut unit = begin(&store).await;
    unit.organization_delete(ended.id).await.unwrap();
    unit.organization_create(&beta).await.unwrap();
    unit.commit().await.unwrap();
    let beta = CapScope::Organization(beta.id);
    assert_eq!(due(&store, &ALL).await, [beta]);
    db.shift_time("10 seconds").await;
    let one = CapMirrorsDue { limit: 1, ..ALL };
    assert_eq!(due(&store, &one).await, [DEPLOYMENT]);
    assert_eq!(due(&store, &one).await, [acme]);
    assert_eq!(due(&store, &ALL).await, [beta]);
    // Whoever reads one for somebody who waits puts off the others.
    db.shift_time("20 seconds").await;
    take(&store, acme).await;
    assert_eq!(due(&store, &ALL).await, [DEPLOYMENT, beta]);
    let gone = CapScope::Organization(ended.id);
    let mut unit = begin(&store).await;
    let taken = unit.cap_mirror_begin(gone, REFRESH).await;
    assert!(matches!(taken, Err(StoreError::NotFound)), "{taken:?}");
    let mut unit = begin(&store).await;
    let dropped = unit.cap_mirror_drop(gone).await;
    assert!(matches!(dropped, Err(StoreError::NotFound)), "{dropped:?}");
}

#[tokio::test]
async fn a_clock_that_was_set_back_stops_nothing() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let scope = CapScope::Organization(World::new(&store, None).await.organization);
    db.shift_time("1 hour").await;
    mirror(&store, scope, Some(&told(1, &[]))).await;
    assert_eq!(due(&store, &ALL).await, [DEPLOYMENT]);
    db.shift_time("0 seconds").await;
    assert!(!fresh(&store, scope).await);
    assert_eq!(due(&store, &ALL).await, [DEPLOYMENT, scope]);
    assert_eq!(due(&store, &ALL).await, []);
    mirror(&store, scope, Some(&told(2, &[]))).await;
    assert!(fresh(&store, scope).await);
    // Likewise for whoever reads it themselves, or writes.
    db.shift_time("1 hour").await;
    mirror(&store, scope, Some(&told(1, &[]))).await;
    db.shift_time("0 seconds").await;
    take(&store, scope).await;
    assert_eq!(due(&store, &ALL).await, []);
    let version = announce(&store, scope).await;
    confirm(&store, scope, version).await;
    db.shift_time("6 seconds").await;
    assert_eq!(due(&store, &ALL).await, [DEPLOYMENT, scope]);
}

#[tokio::test]
async fn what_could_not_be_read_is_given_back() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let scope = CapScope::Organization(World::new(&store, None).await.organization);
    let put_back = async |scope, wait: u64| {
        let mut unit = begin(&store).await;
        let wait = Duration::from_secs(wait);
        unit.cap_mirror_put_back(scope, wait).await.unwrap();
        unit.commit().await.unwrap();
    };
    assert_eq!(due(&store, &ALL).await, [DEPLOYMENT, scope]);
    put_back(scope, 0).await;
    assert_eq!(due(&store, &ALL).await, [scope]);
    put_back(scope, 3).await;
    assert_eq!(due(&store, &ALL).await, []);
    db.shift_time("4 seconds").await;
    assert_eq!(due(&store, &ALL).await, [scope]);
    // Never later than it would have been.
    put_back(scope, 1_000).await;
    db.shift_time("10 seconds").await;
    assert_eq!(due(&store, &ALL).await, [DEPLOYMENT, scope]);
    // Nothing is made of one that there is not.
    put_back(CapScope::of(uuid::Uuid::from_u128(9)), 0).await;
    assert_eq!(due(&store, &ALL).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_servers_that_look_at_once_one_takes_each_mirror() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let mut unit = begin(&store).await;
    for number in 0..20 {
        let organization = new_organization(&format!("o{number}"));
        unit.organization_create(&organization).await.unwrap();
    }
    unit.commit().await.unwrap();
    for round in 0..5 {
        db.shift_time(&format!("{} seconds", round * 10)).await;
        let looks = (0..4).map(|_| {
            let store = store.clone();
            // Whoever looks again finds nothing that another has, and none is left.
            tokio::spawn(async move {
                let mut taken = Vec::new();
                loop {
                    let more = due(&store, &CapMirrorsDue { limit: 3, ..ALL }).await;
                    if more.is_empty() {
                        return taken;
                    }
                    taken.extend(more);
                }
            })
        });
        let looks: Vec<_> = looks.collect();
        let mut taken = Vec::new();
        for look in looks {
            taken.extend(look.await.unwrap());
        }
        taken.extend(due(&store, &ALL).await);
        taken.sort();
        let all = taken.len();
        taken.dedup();
        assert_eq!((all, taken.len()), (21, 21), "round {round}");
    }
}

#[tokio::test]
async fn a_mirror_that_somebody_holds_is_passed_over() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let acme = CapScope::Organization(World::new(&store, None).await.organization);
    assert_eq!(due(&store, &ALL).await, [DEPLOYMENT, acme]);
    announce(&store, acme).await;
    let mut unit = begin(&store).await;
    unit.cap_mirror_drop(acme).await.unwrap();
    assert_eq!(due(&store, &ALL).await, []);
    drop(unit);
    let mut unit = begin(&store).await;
    // Waits until the dropped unit is rolled back.
    unit.cap_mirror_drop(acme).await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(due(&store, &ALL).await, [acme]);
}

#[tokio::test]
async fn what_was_read_before_a_write_was_done_does_not_count() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let scope = CapScope::Organization(World::new(&store, None).await.organization);
    let old = told(1, &[]);
    let superseded = MirrorOutcome::Superseded;
    mirror(&store, scope, Some(&old)).await;
    assert!(fresh(&store, scope).await);

    // Begun before the write.
    let claim = take(&store, scope).await;
    let version = announce(&store, scope).await;
    assert!(!fresh(&store, scope).await);
    assert_eq!(apply(&store, &claim, Some(&old)).await, superseded);
    // Begun while it is under way.
    let claim = take(&store, scope).await;
    assert!(confirm(&store, scope, version).await);
    assert_eq!(apply(&store, &claim, Some(&old)).await, superseded);
    // The mirror was fresh before, and what was written since is in it.
    assert!(fresh(&store, scope).await);
    assert_eq!(due(&store, &ALL).await, [DEPLOYMENT]);

    // One that was mirrored in between may have seen more than this write, or less.
    let version = announce(&store, scope).await;
    mirror(&store, scope, Some(&old)).await;
    assert!(confirm(&store, scope, version).await);
    assert!(!fresh(&store, scope).await);
    assert_eq!(due(&store, &ALL).await, [scope]);

    // One that was not fresh is not made so by a write.
    let version = announce(&store, scope).await;
    assert!(confirm(&store, scope, version).await);
    assert!(!fresh(&store, scope).await);
    assert_eq!(due(&store, &ALL).await, [scope]);
}

#[tokio::test]
async fn of_two_writes_at_once_neither_is_the_last_word() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let scope = CapScope::Organization(World::new(&store, None).await.organization);
    for back in [false, true] {
        mirror(&store, scope, Some(&told(1, &[]))).await;
        let first = announce(&store, scope).await;
        let second = announce(&store, scope).await;
        assert!(second > first);
        if back {
            // The one that began last may take itself for alone only as long as the other is under way.
            assert!(confirm(&store, scope, second).await);
            assert!(!confirm(&store, scope, first).await);
        } else {
            assert!(!confirm(&store, scope, first).await);
            assert!(!confirm(&store, scope, second).await);
        }
        assert!(!fresh(&store, scope).await, "{back}");
        assert!(due(&store, &ALL).await.contains(&scope), "{back}");
    }
}

#[tokio::test]
async fn of_two_reads_the_one_that_began_last_counts() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let scope = CapScope::Organization(World::new(&store, None).await.organization);
    let (first, second) = (take(&store, scope).await, take(&store, scope).await);
    assert!(first.at < second.at);
    apply(&store, &second, Some(&told(2, &[]))).await;
    let late = apply(&store, &first, Some(&told(1, &[]))).await;
    assert_eq!(late, MirrorOutcome::Superseded);
    let mut unit = read(&store).await;
    let caps = unit.cap_get(scope).await.unwrap().unwrap();
    assert_eq!(caps.flat_user, told(2, &[]).flat_user);
    let mirror = unit.cap_mirror_get(scope).await.unwrap();
    assert_eq!((mirror.read_at, mirror.dropped), (Some(second.at), false));
    // A clock that was set back does not keep new reads from counting.
    db.shift_time("-1 hour").await;
    let third = take(&store, scope).await;
    assert!(third.at < second.at);
    let outcome = apply(&store, &third, Some(&told(3, &[]))).await;
    assert!(matches!(outcome, MirrorOutcome::Mirrored(_)));
    // What nobody ever read is not fresh.
    assert!(!fresh(&store, DEPLOYMENT).await);
}
