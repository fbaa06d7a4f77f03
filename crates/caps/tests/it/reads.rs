//! Reading: when the portal is asked, how often, and what is believed.

use std::{sync::Arc, time::Duration};

use caps::{BudgetCaps, LocalCaps};
use fakeportal::{Amount, Blocked, Operation, Own, Way};
use model::{
    Micros,
    caps::{BlockedCap, CapScope},
};
use tokio::sync::Notify;

use crate::rig::{ACME, BOB, NOBODY, OLGA, ORG, REFRESH, Rig, cap, end};

#[tokio::test]
async fn what_was_read_a_moment_ago_is_not_asked_for_again() {
    let rig = Rig::new().await;
    let asked = || rig.portal.count();
    rig.caps.fresh(ACME).await.unwrap();
    assert_eq!((asked(), rig.flat()), (1, Some(cap(10, true))));
    rig.pass(REFRESH / 2);
    rig.caps.fresh(ACME).await.unwrap();
    assert_eq!(asked(), 1);
    rig.portal.books().namespace(ORG.to_string()).overrides = vec![
        Own::new(BOB.to_string(), "2", true),
        Own::new(NOBODY.to_string(), "3", true),
        Own::new("42", "4", true),
    ];
    rig.pass(REFRESH);
    rig.caps.fresh(ACME).await.unwrap();
    assert_eq!((asked(), rig.own(BOB)), (2, Some(cap(2, true))));
    assert_eq!(rig.store.state().cap_overrides.len(), 1);
    // The record goes, but for what is not the portal's.
    let included = Micros(24);
    for record in &mut rig.store.state().caps {
        record.included = included;
    }
    rig.portal.books().namespace(ORG.to_string()).recorded = false;
    rig.pass(REFRESH);
    rig.caps.fresh(ACME).await.unwrap();
    assert_eq!((rig.flat(), rig.own(BOB)), (None, None));
    assert_eq!(rig.store.state().caps[0].included, included);
    assert!(rig.writers().iter().all(|name| name == "caps-mirror"));
}

#[tokio::test]
async fn many_who_wait_are_served_by_one_read() {
    let rig = Rig::new().await;
    let told = Arc::new(Notify::new());
    rig.portal.next([Way::Late(Arc::clone(&told))]);
    let wait = || {
        let caps = Arc::clone(&rig.caps);
        tokio::spawn(async move { caps.fresh(ACME).await })
    };
    let first = wait();
    rig.portal.wait_for(1).await;
    let others: Vec<_> = (0..20).map(|_| wait()).collect();
    // Whoever began it need not stay.
    first.abort();
    told.notify_one();
    for other in others {
        other.await.unwrap().unwrap();
    }
    assert_eq!(rig.portal.count(), 1);
    assert_eq!(rig.flat(), Some(cap(10, true)));
}

#[tokio::test]
async fn a_read_during_which_something_was_written_does_not_count() {
    let rig = Rig::new().await;
    let told = Arc::new(Notify::new());
    rig.caps.fresh(ACME).await.unwrap();
    rig.pass(REFRESH);
    rig.portal.next([Way::Late(Arc::clone(&told))]);
    let reading = {
        let caps = Arc::clone(&rig.caps);
        tokio::spawn(async move { caps.fresh(ACME).await })
    };
    rig.portal.wait_for(2).await;
    let olga = rig.olga();
    let set = rig.set_flat(&olga, cap(20, true));
    assert_eq!(set.await.unwrap(), cap(20, true));
    assert_eq!(rig.flat(), Some(cap(20, true)));
    // Whatever it tells now, it may have been from before.
    rig.portal.books().namespace(ORG.to_string()).flat = Amount::new("5", true);
    told.notify_one();
    reading.await.unwrap().unwrap();
    // It was read again, and that counted.
    assert_eq!(rig.portal.count_of(Operation::BudgetCaps), 3);
    assert_eq!(rig.flat(), Some(cap(5, true)));
}

#[tokio::test]
async fn a_portal_that_fails_is_told_of_and_what_was_read_last_stays() {
    let rig = Rig::new().await;
    rig.caps.fresh(ACME).await.unwrap();
    for (way, code) in [
        (Way::Reset, "PORTAL_UNREACHABLE"),
        (Way::status(503), "PORTAL_REFUSED"),
        (Way::Null, "PORTAL_MALFORMED"),
        (
            Way::Body(r#"{"data":{"subscription":null}}"#.to_owned()),
            "PORTAL_MALFORMED",
        ),
        (Way::garbage(), "PORTAL_MALFORMED"),
    ] {
        rig.pass(REFRESH);
        rig.portal.next([way]);
        assert_eq!(end(rig.caps.fresh(ACME).await), code);
        assert_eq!(rig.flat(), Some(cap(10, true)));
    }
    rig.pass(REFRESH);
    rig.caps.fresh(ACME).await.unwrap();
}

/// A portal that fails at once is not asked as often as somebody wants to see the caps.
#[tokio::test]
async fn a_read_that_failed_a_moment_ago_is_not_tried_again_for_everybody() {
    let rig = Rig::new().await;
    rig.portal.always(Way::status(403));
    for _ in 0..5 {
        assert_eq!(end(rig.caps.fresh(ACME).await), "PORTAL_REFUSED");
    }
    assert_eq!(rig.portal.count(), 1);
    rig.pass(Duration::from_secs(1));
    assert_eq!(end(rig.caps.fresh(ACME).await), "PORTAL_REFUSED");
    assert_eq!(rig.portal.count(), 2);
    rig.portal.behave();
    assert_eq!(end(rig.caps.fresh(ACME).await), "PORTAL_REFUSED");
    // Whoever sets something finds out, and so does everybody.
    rig.set_flat(&rig.olga(), cap(2, true)).await.unwrap();
    rig.caps.fresh(ACME).await.unwrap();
    assert_eq!(rig.flat(), Some(cap(2, true)));
}

#[tokio::test]
async fn nothing_is_asked_where_there_are_no_credentials() {
    let rig = Rig::new().await;
    let everywhere = CapScope::Instance;
    assert_eq!(
        end(rig.caps.fresh(everywhere).await),
        "PORTAL_NO_CREDENTIALS"
    );
    let blocked = rig.caps.blocked(everywhere, &[BOB]).await;
    assert_eq!(end(blocked), "PORTAL_NO_CREDENTIALS");
    assert_eq!(rig.portal.count(), 0);
    let rig = Rig::with(|config| {
        Rig::knows_licence(config);
        config.admin = None;
    })
    .await;
    rig.caps.fresh(everywhere).await.unwrap();
    assert_eq!(end(rig.caps.fresh(ACME).await), "PORTAL_NO_CREDENTIALS");
    assert_eq!(rig.portal.count(), 1);
}

#[tokio::test]
async fn whom_the_portal_stops_is_its_own_word() {
    let rig = Rig::new().await;
    {
        let mut books = rig.portal.books();
        let acme = books.namespace(ORG.to_string());
        acme.blocked = vec![Blocked::new(BOB.to_string(), "FLAT_USER_CAP")];
        acme.left_out.insert(NOBODY.to_string());
    }
    let told = rig.caps.blocked(ACME, &[BOB, OLGA, NOBODY]).await;
    let told = told.unwrap().unwrap();
    let told: Vec<_> = told
        .iter()
        .map(|one| (one.user_id, one.blocked, one.cap))
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.contains(&(OLGA, false, None)), "{told:?}");
    let blocked = told.iter().find(|(user, ..)| *user == BOB).unwrap();
    assert_eq!((blocked.1, blocked.2), (true, Some(BlockedCap::FlatUser)));
    assert!(LocalCaps.blocked(ACME, &[BOB]).await.unwrap().is_none());
    assert!(LocalCaps.fresh(ACME).await.is_ok());
}
