//! What is set is kept, what is equal is left alone, and each change leaves a line.

use model::{
    Micros, OrganizationId, UserId,
    caps::{CapOverrideUpsert, CapScope, DisabledMode, SubscriptionCapUpsert},
};
use store::{StoreError, caps::CapOverrideFilter};

use super::{Acme, TestDb, begin, cap, entries, new_user, of, read, set_flat, set_own, told};
use crate::support::{id, new_organization};

#[tokio::test]
async fn the_flat_cap_is_set_left_alone_and_turned_off_with_its_amount() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let acme = Acme::new(&store, &[]).await;
    for scope in [acme.scope, CapScope::Instance] {
        assert_eq!(read(&store).await.cap_get(scope).await.unwrap(), None);
    }
    let first = set_flat(&store, acme.scope, cap(50, true)).await;
    assert_eq!(first.flat_user, Some(cap(50, true)));
    assert_eq!((first.subscription, first.included), (None, Micros(0)));
    assert_eq!(first.updated_at, first.created_at);
    assert_eq!(
        read(&store)
            .await
            .cap_get(CapScope::Instance)
            .await
            .unwrap(),
        None
    );
    db.shift_time("1 hour").await;
    assert_eq!(set_flat(&store, acme.scope, cap(50, true)).await, first);
    let second = set_flat(&store, acme.scope, cap(50, false)).await;
    assert_eq!(second.flat_user, Some(cap(50, false)));
    assert_eq!(second.created_at, first.created_at);
    assert!(second.updated_at > first.updated_at);
    set_flat(&store, CapScope::Instance, cap(0, true)).await;

    let lines = entries(&store).await;
    let expected = [
        "Create : flat_user_cap_enabled null→true, flat_user_cap_micros null→50, included_micros null→0, \
         subscription_cap_enabled null→false",
        "Write : flat_user_cap_enabled true→false",
        "Create : flat_user_cap_enabled null→true, flat_user_cap_micros null→0, included_micros null→0, \
         subscription_cap_enabled null→false",
    ];
    assert_eq!(lines.iter().map(told).collect::<Vec<_>>(), expected);
    let places: Vec<_> = lines.iter().map(|line| line.organization_id).collect();
    assert_eq!(places, [Some(acme.id), Some(acme.id), None]);
    assert!(lines.iter().all(|line| line.actor_name == "test"));
}

#[tokio::test]
async fn what_is_for_all_together_leaves_the_flat_cap_alone_and_the_other_way_round() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let set = async |cap, included| {
        let upsert = SubscriptionCapUpsert { cap, included };
        let mut unit = begin(&store).await;
        let set = unit.cap_subscription_upsert(CapScope::Instance, &upsert);
        let set = set.await.unwrap();
        unit.commit().await.unwrap();
        set
    };
    let nothing = set(None, None).await;
    assert_eq!((nothing.flat_user, nothing.subscription), (None, None));
    set_flat(&store, CapScope::Instance, cap(7, true)).await;
    set(Some(cap(100, true)), None).await;
    set(None, Some(Micros(24))).await;
    let all = set_flat(&store, CapScope::Instance, cap(8, true)).await;
    assert_eq!(
        (all.flat_user, all.subscription, all.included),
        (Some(cap(8, true)), Some(cap(100, true)), Micros(24))
    );
    assert_eq!(set(Some(cap(100, true)), Some(Micros(24))).await, all);
}

#[tokio::test]
async fn two_hundred_own_caps_are_set_at_once_and_answered_as_they_were_asked() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let names: Vec<String> = (0..200).map(|number| format!("u{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let acme = Acme::new(&store, &names).await;
    set_flat(&store, acme.scope, cap(0, false)).await;
    let asked: Vec<CapOverrideUpsert> = acme
        .people
        .iter()
        .rev()
        .zip(1..)
        .map(|(user, micros)| of(*user, micros, None))
        .collect();
    let mut unit = begin(&store).await;
    let set = unit.cap_override_upsert(acme.scope, &asked).await.unwrap();
    let nobody = unit.cap_override_upsert(acme.scope, &[]).await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(nobody, []);
    assert_eq!(set.len(), 200);
    for (asked, set) in asked.iter().zip(&set) {
        assert_eq!((set.user_id, set.cap), (asked.user_id, asked.cap));
        assert_eq!(set.disabled_mode, DisabledMode::Exempt);
        assert_eq!(set.created_at, set.updated_at);
    }
}

#[tokio::test]
async fn an_own_cap_that_is_set_again_keeps_its_place_its_beginning_and_its_mode() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let acme = Acme::new(&store, &["ben", "cleo"]).await;
    let (ben, cleo) = (acme.people[0], acme.people[1]);
    set_flat(&store, acme.scope, cap(0, false)).await;
    let inherit = Some(DisabledMode::Inherit);
    set_own(
        &store,
        acme.scope,
        &[of(ben, 5, inherit), of(cleo, 6, None)],
    )
    .await;
    let all = async || {
        let filter = CapOverrideFilter {
            limit: 10,
            ..CapOverrideFilter::default()
        };
        let mut unit = read(&store).await;
        let page = unit.cap_override_list(acme.scope, &filter).await.unwrap();
        assert_eq!(page.count, 2);
        page.overrides
    };
    let first = all().await;
    db.shift_time("1 hour").await;
    set_own(&store, acme.scope, &[of(cleo, 6, None), of(ben, 5, None)]).await;
    set_own(&store, acme.scope, &[of(ben, 5, inherit)]).await;
    assert_eq!(all().await, first);

    set_own(&store, acme.scope, &[of(ben, 9, None), of(cleo, 6, None)]).await;
    let second = all().await;
    assert_eq!(second[0].cap, cap(9, true));
    assert_eq!(second[0].disabled_mode, DisabledMode::Inherit);
    assert_eq!(second[0].created_at, first[0].created_at);
    assert!(second[0].updated_at > first[0].updated_at);
    assert_eq!(second[1], first[1]);
    set_own(
        &store,
        acme.scope,
        &[of(ben, 9, Some(DisabledMode::Exempt))],
    )
    .await;

    let lines = entries(&store).await;
    let mut people: Vec<_> = lines.iter().skip(1).map(told).collect();
    people.sort();
    let expected = [
        "Create ben: cap_micros null→5, disabled_mode null→\"inherit\", enabled null→true",
        "Create cleo: cap_micros null→6, disabled_mode null→\"exempt\", enabled null→true",
        "Write ben: cap_micros 5→9",
        "Write ben: disabled_mode \"inherit\"→\"exempt\"",
    ];
    assert_eq!(people, expected);
    assert!(
        lines
            .iter()
            .all(|line| line.organization_id == Some(acme.id))
    );
}

#[tokio::test]
async fn own_caps_need_a_record_and_people_and_caps_an_organization() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let acme = Acme::new(&store, &["ben"]).await;
    let refused = async |user: UserId| {
        let mut unit = begin(&store).await;
        let own = [of(user, 1, None)];
        let outcome = unit.cap_override_upsert(acme.scope, &own).await;
        match outcome.unwrap_err() {
            StoreError::Violated(constraint) => constraint,
            error => panic!("{error:?}"),
        }
    };
    let no_record = "user_budget_cap_overrides_scope_id_fkey";
    assert_eq!(refused(acme.people[0]).await, no_record);
    set_flat(&store, acme.scope, cap(0, false)).await;
    let nobody = refused(UserId(id())).await;
    assert_eq!(nobody, "user_budget_cap_overrides_user_id_fkey");

    let gone = new_organization("gone");
    let mut unit = begin(&store).await;
    unit.organization_create(&gone).await.unwrap();
    unit.organization_delete(gone.id).await.unwrap();
    unit.commit().await.unwrap();
    for organization in [gone.id, OrganizationId(id())] {
        let scope = CapScope::Organization(organization);
        let mut unit = begin(&store).await;
        let set = unit.cap_flat_upsert(scope, cap(1, true)).await;
        assert!(matches!(set, Err(StoreError::NotFound)), "{set:?}");
    }
}

#[tokio::test]
async fn people_are_told_apart_by_account_membership_and_cap() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let acme = Acme::new(&store, &["ben", "cleo", "dan"]).await;
    let (ben, cleo, dan) = (acme.people[0], acme.people[1], acme.people[2]);
    let eve = new_user("eve", &[]);
    set_flat(&store, acme.scope, cap(0, false)).await;
    set_own(&store, acme.scope, &[of(cleo, 6, None)]).await;
    let mut unit = begin(&store).await;
    unit.user_create(&eve).await.unwrap();
    unit.user_delete(dan).await.unwrap();
    let left = unit.organization_member_delete(acme.id, cleo).await;
    left.unwrap();
    let asked = [UserId(id()), eve.id, dan, cleo, ben];
    let mut look = async |scope| {
        let people = unit.cap_people_lock(scope, &asked).await.unwrap();
        let one = |user| people.iter().find(move |one| one.user_id == user);
        let one = |user| one(user).map(|one| (one.member, one.capped));
        asked.map(one)
    };
    let in_acme = [
        None,
        Some((false, false)),
        None,
        Some((false, true)),
        Some((true, false)),
    ];
    assert_eq!(look(acme.scope).await, in_acme);
    let somebody = Some((true, false));
    let everywhere = [None, somebody, None, somebody, somebody];
    assert_eq!(look(CapScope::Instance).await, everywhere);
}
