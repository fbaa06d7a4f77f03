//! Writing: whose doing it is, what is believed of the answer, and what is left when there is none.

use std::num::NonZeroU32;

use caps::{BudgetCaps, CapsError, LocalCaps};
use dbauthz::CapUpsertOutcome;
use fakeportal::{Amount, Operation, Place, Way};
use model::caps::{CapOverrideUpsert, CapTrust, DisabledMode, SubscriptionCapUpsert};

use crate::rig::{ACME, BOB, NOBODY, OLGA, ORG, REFRESH, Rig, cap, end, of, until, writing};

#[tokio::test]
async fn what_the_portal_stored_is_mirrored_as_the_doing_of_whoever_set_it() {
    let rig = Rig::new().await;
    rig.caps.fresh(ACME).await.unwrap();
    let (before, read) = (rig.writers().len(), rig.portal.count());
    let olga = rig.olga();
    let set = rig.set_flat(&olga, cap(20, false));
    assert_eq!(set.await.unwrap(), cap(20, false));
    let off = CapOverrideUpsert {
        cap: cap(3, false),
        disabled_mode: Some(DisabledMode::Inherit),
        ..of(BOB, 3)
    };
    let set = rig.set_own(&olga, vec![off], false);
    let CapUpsertOutcome::Done(set) = set.await.unwrap() else {
        panic!("it is set");
    };
    assert_eq!(set.len(), 1);
    assert_eq!(
        (set[0].user_id, set[0].cap, set[0].disabled_mode),
        (BOB, off.cap, DisabledMode::Inherit)
    );
    assert_eq!(
        (rig.flat(), rig.own(BOB)),
        (Some(cap(20, false)), Some(off.cap))
    );
    assert!(rig.writers().iter().skip(before).all(|name| name == "olga"));
    // That is all there is to know: the mirror is as fresh as it was.
    rig.caps.fresh(ACME).await.unwrap();
    assert_eq!(rig.portal.count() - read, 2);
    assert_eq!(
        rig.portal
            .books()
            .namespace(ORG.to_string())
            .overrides
            .len(),
        1
    );
}

#[tokio::test]
async fn nobody_is_asked_when_it_is_refused_here() {
    let rig = Rig::new().await;
    let (olga, bob) = (rig.olga(), rig.bound(BOB, &[]));
    let set = rig.set_flat(&bob, cap(1, true));
    assert_eq!(end(set.await), "hidden");
    let check = async |users: &[CapOverrideUpsert], expected: CapUpsertOutcome| {
        let set = rig.set_own(&olga, users.to_vec(), true);
        assert_eq!(set.await.unwrap(), expected);
    };
    let all = [of(BOB, 1), of(NOBODY, 1), of(OLGA, 1)];
    check(&all, CapUpsertOutcome::Unknown(vec![NOBODY])).await;
    check(&[of(OLGA, 1)], CapUpsertOutcome::Outside(vec![OLGA])).await;
    check(&[], CapUpsertOutcome::Done(Vec::new())).await;
    let set = rig.set_own(&bob, vec![], true);
    assert_eq!(end(set.await), "hidden");
    assert_eq!((rig.portal.count(), rig.mirror().version), (0, 0));
    // What is set at the portal only: who may not set it here does not learn that.
    let nothing = SubscriptionCapUpsert::default();
    for (store, expected) in [(&bob, "hidden"), (&olga, "CAPS_AT_PORTAL")] {
        let gone = rig.caps.override_delete(writing(store).await, &[BOB]);
        assert_eq!(end(gone.await), expected);
        let set = rig.caps.subscription_upsert(writing(store).await, &nothing);
        assert_eq!(end(set.await), expected);
    }
    let rig = Rig::with(|config| config.admin = None).await;
    for (store, expected) in [
        (rig.bound(BOB, &[]), "hidden"),
        (rig.olga(), "PORTAL_NO_CREDENTIALS"),
    ] {
        let set = rig.set_flat(&store, cap(1, true));
        assert_eq!(end(set.await), expected);
    }
    assert_eq!((rig.portal.count(), rig.mirror().version), (0, 0));
}

#[tokio::test]
async fn without_a_record_overrides_are_rejected_unless_one_may_be_made() {
    let rig = Rig::new().await;
    rig.portal.books().namespace(ORG.to_string()).recorded = false;
    rig.caps.fresh(ACME).await.unwrap();
    let olga = rig.olga();
    let set = async |implicit| {
        let set = rig.set_own(&olga, vec![of(BOB, 3)], implicit);
        end(set.await)
    };
    assert_eq!(set(false).await, "PORTAL_REJECTED");
    assert_eq!((rig.flat(), rig.own(BOB)), (None, None));
    assert_eq!(rig.portal.count_of(Operation::FlatCap), 0);
    assert_eq!(set(true).await, "done");
    assert_eq!(
        (rig.flat(), rig.own(BOB)),
        (Some(cap(0, false)), Some(cap(3, true)))
    );
    assert_eq!(rig.portal.count_of(Operation::FlatCap), 1);
    // Another reason is passed on, whoever may make what.
    let no = Way::Errors(Place::Payload, "no".to_owned());
    rig.portal.next_of(Operation::Overrides, [no]);
    assert_eq!(set(true).await, "PORTAL_REJECTED");
    assert_eq!(rig.portal.count_of(Operation::FlatCap), 1);
}

/// Between two questions to the portal somebody else may set the flat cap, which is not replaced.
#[tokio::test]
async fn a_flat_cap_that_was_set_meanwhile_stays() {
    let rig = Rig::new().await;
    let late = Way::Errors(
        Place::Payload,
        "Subscription budget cap not found".to_owned(),
    );
    rig.portal.next_of(Operation::Overrides, [late]);
    let set = rig.set_own(&rig.olga(), vec![of(BOB, 3)], true).await;
    assert_eq!(end(set), "done");
    assert_eq!(rig.portal.count_of(Operation::FlatCap), 0);
    let flat = rig.portal.books().namespace(ORG.to_string()).flat.clone();
    assert_eq!(flat, Amount::new("10", true));
    assert_eq!(
        (rig.flat(), rig.own(BOB)),
        (Some(cap(10, true)), Some(cap(3, true)))
    );
}

/// The flat cap was made on the way, and then there was no answer: that is not nothing.
#[tokio::test]
async fn what_was_done_in_part_is_told() {
    for last in [Way::status(503), Way::Reset] {
        let rig = Rig::new().await;
        rig.portal.books().namespace(ORG.to_string()).recorded = false;
        let first = Way::Errors(
            Place::Payload,
            "Subscription budget cap not found".to_owned(),
        );
        rig.portal.next_of(Operation::Overrides, [first, last]);
        let set = rig.set_own(&rig.olga(), vec![of(BOB, 3)], true).await;
        assert!(matches!(set, Err(CapsError::Partly(_))), "{set:?}");
        assert_eq!(rig.portal.count_of(Operation::FlatCap), 1);
        assert_eq!(rig.flat(), Some(cap(0, false)));
    }
    // Where it was left alone before anything was done, nothing was.
    let rig = Rig::with(|config| config.breaker.failures = NonZeroU32::MIN).await;
    rig.portal.books().namespace(ORG.to_string()).recorded = false;
    rig.portal.next_of(Operation::FlatCap, [Way::status(503)]);
    let set = rig.set_own(&rig.olga(), vec![of(BOB, 3)], true).await;
    assert!(matches!(set, Err(CapsError::Portal(_))), "{set:?}");
    let set = rig.set_own(&rig.olga(), vec![of(BOB, 3)], true).await;
    assert_eq!(end(set), "PORTAL_BREAKER_OPEN");
}

/// The ledger goes by what was read of late only: a write is not to be the end of service.
#[tokio::test]
async fn after_a_write_a_mirror_is_read_that_was_not_to_be_trusted() {
    let rig = Rig::new().await;
    let olga = rig.olga();
    let reads = || rig.portal.count_of(Operation::BudgetCaps);
    rig.set_flat(&olga, cap(1, true)).await.unwrap();
    assert_eq!(reads(), 1);
    // Older than the refresh, and still trusted.
    rig.pass(REFRESH * 2);
    rig.set_flat(&olga, cap(2, true)).await.unwrap();
    assert_eq!(reads(), 1);
    rig.pass(CapTrust::MAX_AGE);
    rig.set_flat(&olga, cap(3, true)).await.unwrap();
    assert_eq!((reads(), rig.flat()), (2, Some(cap(3, true))));
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_looked_for() {
    let rig = Rig::new().await;
    rig.caps.fresh(ACME).await.unwrap();
    let olga = rig.olga();
    rig.portal.next([Way::DoneReset]);
    let set = rig.set_flat(&olga, cap(30, true));
    assert_eq!(end(set.await), "PORTAL_UNREACHABLE");
    assert_eq!(rig.flat(), Some(cap(30, true)));
    // Not done, and then the portal cannot be read either: the mirror is due, and read when it can be.
    rig.portal.next([Way::Reset, Way::Reset]);
    let set = rig.set_own(&olga, vec![of(BOB, 3)], false);
    assert_eq!(end(set.await), "PORTAL_UNREACHABLE");
    let mirror = rig.mirror();
    assert_ne!(mirror.read_version, Some(mirror.version));
    rig.pass(REFRESH);
    rig.caps.fresh(ACME).await.unwrap();
    assert_eq!((rig.flat(), rig.own(BOB)), (Some(cap(30, true)), None));
    let mirror = rig.mirror();
    assert_eq!(mirror.read_version, Some(mirror.version));
}

#[tokio::test]
async fn a_client_that_leaves_does_not_stop_what_it_began() {
    let rig = Rig::new().await;
    rig.caps.fresh(ACME).await.unwrap();
    let told = std::sync::Arc::new(tokio::sync::Notify::new());
    rig.portal.next([Way::Late(std::sync::Arc::clone(&told))]);
    let (caps, olga) = (std::sync::Arc::clone(&rig.caps), rig.olga());
    let setting = tokio::spawn(async move {
        let set = caps.flat_upsert(writing(&olga).await, cap(40, true));
        set.await
    });
    rig.portal.wait_for(2).await;
    setting.abort();
    assert!(setting.await.unwrap_err().is_cancelled());
    told.notify_one();
    until(|| rig.flat() == Some(cap(40, true))).await;
    assert!(rig.writers().last().is_some_and(|name| name == "olga"));
}

#[tokio::test]
async fn set_here_it_is_the_stores() {
    let rig = Rig::new().await;
    let olga = rig.olga();
    let set = LocalCaps.flat_upsert(writing(&olga).await, cap(1, true));
    assert_eq!(set.await.unwrap(), cap(1, true));
    let (bobs, olgas) = ([of(BOB, 2)], [of(OLGA, 2)]);
    let set = LocalCaps.override_upsert(writing(&olga).await, &bobs, false);
    assert!(matches!(set.await.unwrap(), CapUpsertOutcome::Done(set) if set.len() == 1));
    let refused = LocalCaps.override_upsert(writing(&olga).await, &olgas, false);
    assert_eq!(
        refused.await.unwrap(),
        CapUpsertOutcome::Outside(vec![OLGA])
    );
    assert_eq!(
        (rig.flat(), rig.own(BOB)),
        (Some(cap(1, true)), Some(cap(2, true)))
    );
    let upsert = SubscriptionCapUpsert {
        cap: Some(cap(9, true)),
        included: None,
    };
    let set = LocalCaps.subscription_upsert(writing(&olga).await, &upsert);
    assert_eq!(set.await.unwrap().subscription, Some(cap(9, true)));
    let gone = LocalCaps.override_delete(writing(&olga).await, &[BOB]);
    assert_eq!(gone.await.unwrap(), [BOB]);
    assert_eq!((rig.own(BOB), rig.portal.count()), (None, 0));
}

/// Whoever sets caps again and again keeps reads from counting, but not for ever.
#[tokio::test]
async fn what_is_set_waits_for_a_read_that_is_long_overdue() {
    let rig = Rig::new().await;
    rig.caps.fresh(ACME).await.unwrap();
    let olga = rig.olga();
    rig.portal.books().namespace(ORG.to_string()).cap = Amount::new("1", true);
    let told = || {
        let state = rig.store.state();
        let mut caps = state.caps.iter();
        caps.find(|caps| caps.scope == ACME)
            .and_then(|caps| caps.subscription)
    };
    let read = || rig.portal.count_of(Operation::BudgetCaps);
    let before = read();
    for passed in [REFRESH, 2 * REFRESH] {
        rig.pass(passed);
        rig.set_flat(&olga, cap(20, true)).await.unwrap();
        assert_eq!((told(), read()), (None, before));
    }
    rig.pass(REFRESH);
    rig.set_flat(&olga, cap(21, true)).await.unwrap();
    assert_eq!((told(), read()), (Some(cap(1, true)), before + 1));
    // A portal that cannot be read can still be written to.
    rig.pass(4 * REFRESH);
    rig.portal
        .always_of(Operation::BudgetCaps, Way::status(404));
    rig.set_flat(&olga, cap(22, true)).await.unwrap();
    assert_eq!((rig.flat(), read()), (Some(cap(22, true)), before + 2));
}
