//! Writing caps to a portal that behaves.

use fakeportal::{Own, Way};
use model::Micros;
use portal::{PortalError, PortalScope};

use crate::rig::{Rig, cap, namespace, own};

#[tokio::test]
async fn what_is_written_is_read_again_exactly() {
    let rig = Rig::new().await;
    let scope = namespace();
    for (micros, enabled) in [
        (25_000_000, true),
        (25_000_000, false),
        (0, true),
        (1, true),
        (100_000, true),
        (9_007_199_254_740_993, true),
        (i64::MAX, false),
    ] {
        let cap = cap(micros, enabled);
        let stored = rig.portal.flat_user_cap_upsert(&scope, cap).await.unwrap();
        assert_eq!(stored.cap, cap);
        assert_eq!(stored.subscription_name.as_deref(), Some("A-S00012345"));
        let read = rig.read().await.unwrap().subscription.unwrap();
        assert_eq!(read.flat_user, Some(cap));
        assert_eq!(read.subscription, None);
        assert_eq!(read.name.as_deref(), Some("A-S00012345"));
    }
}

#[tokio::test]
async fn what_the_portal_keeps_is_told_and_not_what_was_sent() {
    let rig = Rig::new().await;
    rig.fake.next([Way::Body(
        r#"{"data":{"upsertBudgetCapSubscription":{"subscriptionBudgetCap":{"subscriptionName":null,"flatUserCap":7.50,"flatUserCapEnabled":false},"errors":null}}}"#.to_owned(),
    )]);
    let scope = namespace();
    let stored = rig.portal.flat_user_cap_upsert(&scope, cap(1, true));
    let stored = stored.await.unwrap();
    assert_eq!(stored.cap, cap(7_500_000, false));
    assert_eq!(stored.subscription_name, None);
}

#[tokio::test]
async fn overrides_need_a_record_and_say_so_in_the_portals_words() {
    let rig = Rig::new().await;
    let (portal, scope) = (&rig.portal, namespace());
    let overrides = [own("7", 300_000_000, true)];
    let error = portal.user_overrides_upsert(&scope, &overrides).await;
    let error = error.unwrap_err();
    assert_eq!(error.code(), "PORTAL_REJECTED");
    let PortalError::Rejected(errors) = error else {
        panic!("{error:?}");
    };
    assert_eq!(errors, ["Subscription budget cap not found"]);
    let off = cap(1, false);
    portal.flat_user_cap_upsert(&scope, off).await.unwrap();
    let stored = portal.user_overrides_upsert(&scope, &overrides).await;
    assert_eq!(stored.unwrap().len(), 1);
    let none = portal.user_overrides_upsert(&scope, &[]).await;
    assert_eq!(none.unwrap(), []);
    assert_eq!(rig.fake.count(), 4);
}

#[tokio::test]
async fn negative_amounts_are_the_portals_to_reject() {
    let rig = Rig::new().await;
    let scope = namespace();
    let negative = rig.portal.flat_user_cap_upsert(&scope, cap(-1, true));
    let error = negative.await.unwrap_err();
    let PortalError::Rejected(errors) = error else {
        panic!("{error:?}");
    };
    assert_eq!(errors, ["Flat user cap must be greater than or equal to 0"]);
}

#[tokio::test]
async fn overrides_of_an_instance_are_its_own() {
    let rig = Rig::new().await;
    let scope = PortalScope::Instance;
    let portal = &rig.portal;
    let flat = cap(1, false);
    portal.flat_user_cap_upsert(&scope, flat).await.unwrap();
    let other = Own {
        instance: Some("act-other".to_owned()),
        ..Own::new("7", "5", true)
    };
    rig.keeps(|kept| kept.overrides.push(other.clone()));
    for micros in [1, 2] {
        let overrides = [own("7", micros, true)];
        let stored = portal.user_overrides_upsert(&scope, &overrides).await;
        let [stored] = &stored.unwrap()[..] else {
            panic!("one row");
        };
        assert_eq!(stored.entity_id.as_deref(), Some("7"));
        assert_eq!(stored.cap.amount, Micros(micros));
        assert_eq!(
            stored.instance_activation_id.as_deref(),
            Some("act-unique-1")
        );
        assert_eq!((stored.created_at, stored.updated_at), (None, None));
    }
    let read = portal.budget_caps(&scope).await.unwrap().overrides;
    let told = |row: &portal::PortalOverride| (row.instance_activation_id.clone(), row.cap.amount);
    let told: Vec<_> = read.iter().map(told).collect();
    let act = |name: &str| Some(format!("act-{name}"));
    assert_eq!(
        told,
        [
            (act("other"), Micros(5_000_000)),
            (act("unique-1"), Micros(2))
        ]
    );
}
