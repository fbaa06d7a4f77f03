//! Caps: in whose hands they are, and whose caps may be set.

use std::{sync::Arc, time::Duration};

use model::{
    Micros, OrganizationId, UserId,
    caps::{Cap, CapOverrideUpsert, CapScope, SubscriptionCapUpsert},
};
use store::{StoreError, caps::CapOverrideFilter};
use uuid::Uuid;

use super::world::{ANN, BOB, OLGA, ORG, actor, state};
use crate::{Actor, Authorized, CapUpsertOutcome, WriteOrder, WriteUnit, fake::FakeStore};

const ACME: CapScope = CapScope::Organization(ORG);
const NOBODY: UserId = UserId(Uuid::from_u128(0xdead));
const CAP: Cap = Cap {
    amount: Micros::USD,
    enabled: true,
};

async fn begin(store: &FakeStore, actor: Actor) -> WriteUnit {
    let authorized = Authorized::new(Arc::new(store.clone()));
    authorized.as_actor(actor).begin().await.unwrap()
}

fn of(user: UserId) -> CapOverrideUpsert {
    CapOverrideUpsert {
        user_id: user,
        cap: CAP,
        disabled_mode: None,
    }
}

fn done<T>(outcome: Result<T, StoreError>) -> bool {
    match outcome {
        Ok(_) => true,
        Err(error) if error.hidden() => false,
        Err(error) => panic!("{error:?}"),
    }
}

/// Whether every call is done, or every call refused.
async fn all(actor: &Actor, scope: CapScope) -> bool {
    let mut unit = begin(&FakeStore::new(state()), actor.clone()).await;
    let mut caps = unit.caps();
    let nothing = SubscriptionCapUpsert::default();
    let filter = CapOverrideFilter::default();
    let ends = [
        done(caps.cap_get(scope).await),
        done(caps.cap_override_list(scope, &filter).await),
        done(caps.cap_update_check(scope).await),
        done(caps.cap_delete_check(scope).await),
        done(caps.cap_override_check(scope, &[BOB]).await),
        done(caps.cap_flat_upsert(scope, CAP).await),
        done(caps.cap_subscription_upsert(scope, &nothing).await),
        done(caps.cap_override_upsert(scope, &[of(BOB)], false).await),
        done(caps.cap_override_upsert(scope, &[], false).await),
        done(caps.cap_override_delete(scope, &[BOB]).await),
    ];
    let mut upstream = unit.upstream_caps();
    let refresh = Duration::from_secs(5);
    let ends: Vec<bool> = ends
        .into_iter()
        .chain([
            done(upstream.cap_mirror_drop(scope).await),
            done(upstream.cap_mirror_confirm(scope, 1, refresh).await),
            done(
                upstream
                    .cap_override_mirror(scope, &[], WriteOrder::Known)
                    .await,
            ),
        ])
        .collect();
    assert!(ends.iter().all(|end| *end == ends[0]), "{ends:?}");
    ends[0]
}

#[tokio::test]
async fn an_organizations_caps_are_its_admins_and_the_deployments_take_admin_mode() {
    let check = async |user: UserId, role: &str, admin_mode: bool, acme: bool, instance: bool| {
        let roles: Vec<&str> = [role].into_iter().filter(|role| !role.is_empty()).collect();
        let mut actor = actor(user, &roles);
        actor.key.admin_mode = admin_mode;
        assert_eq!(all(&actor, ACME).await, acme, "{role}");
        assert_eq!(all(&actor, CapScope::Instance).await, instance, "{role}");
        // Missing looks like forbidden, whoever asks.
        let missing = CapScope::Organization(OrganizationId(Uuid::from_u128(0xdead)));
        assert!(!all(&actor, missing).await, "{role}");
    };
    check(OLGA, "owner", true, true, true).await;
    check(OLGA, "owner", false, true, false).await;
    check(ANN, &format!("organization-admin:{ORG}"), true, true, false).await;
    check(
        ANN,
        &format!("organization-admin:{ORG}"),
        false,
        true,
        false,
    )
    .await;
    check(
        ANN,
        &format!("organization-auditor:{ORG}"),
        true,
        false,
        false,
    )
    .await;
    check(
        ANN,
        &format!("organization-user-admin:{ORG}"),
        true,
        false,
        false,
    )
    .await;
    check(ANN, "auditor", true, false, false).await;
    check(ANN, "user-admin", true, false, false).await;
    check(ANN, "", true, false, false).await;
}

#[tokio::test]
async fn one_person_out_of_reach_rejects_all() {
    use CapUpsertOutcome::{Done, NoRecord, Outside, Unknown};
    let store = FakeStore::new(state());
    let set = async |scope: CapScope, users: &[UserId], implicit: bool| {
        let mut unit = begin(&store, actor(OLGA, &["owner"])).await;
        let overrides: Vec<_> = users.iter().copied().map(of).collect();
        let mut caps = unit.caps();
        let outcome = caps.cap_override_upsert(scope, &overrides, implicit).await;
        unit.commit().await.unwrap();
        match outcome.unwrap() {
            // Whose they are is enough.
            Done(set) => Ok(set.iter().map(|one| one.user_id).collect::<Vec<_>>()),
            refused => Err(refused),
        }
    };
    // People are looked at before the record.
    let unknown = Err(Unknown(vec![NOBODY]));
    assert_eq!(set(ACME, &[BOB, NOBODY, OLGA], false).await, unknown);
    assert_eq!(
        set(ACME, &[OLGA, BOB], true).await,
        Err(Outside(vec![OLGA]))
    );
    assert_eq!(set(ACME, &[BOB], false).await, Err(NoRecord));
    assert_eq!(set(ACME, &[], false).await, Ok(Vec::new()));
    assert!(store.state().caps.is_empty() && store.state().cap_overrides.is_empty());

    assert_eq!(set(ACME, &[BOB, ANN], true).await, Ok(vec![BOB, ANN]));
    let made = store.state().caps[0];
    assert_eq!(
        (made.scope, made.flat_user, made.subscription),
        (ACME, None, None)
    );
    assert_eq!(set(ACME, &[ANN], false).await, Ok(vec![ANN]));
    // The deployment has no outside.
    let everywhere = CapScope::Instance;
    assert_eq!(set(everywhere, &[OLGA], false).await, Err(NoRecord));
    assert_eq!(set(everywhere, &[OLGA], true).await, Ok(vec![OLGA]));
}

#[tokio::test]
async fn a_leavers_cap_may_still_be_changed_and_removed() {
    let store = FakeStore::new(state());
    let admin = || actor(ANN, &[&format!("organization-admin:{ORG}")]);
    let mut unit = begin(&store, admin()).await;
    let set = unit
        .caps()
        .cap_override_upsert(ACME, &[of(BOB)], true)
        .await;
    assert!(matches!(set, Ok(CapUpsertOutcome::Done(_))), "{set:?}");
    unit.commit().await.unwrap();
    store.state().members.retain(|member| member.user_id != BOB);

    let mut unit = begin(&store, admin()).await;
    let mut caps = unit.caps();
    let lower = CapOverrideUpsert {
        cap: Cap {
            amount: Micros(0),
            ..CAP
        },
        ..of(BOB)
    };
    let set = caps.cap_override_upsert(ACME, &[lower], false).await;
    assert!(matches!(set, Ok(CapUpsertOutcome::Done(_))), "{set:?}");
    assert_eq!(caps.cap_override_delete(ACME, &[BOB]).await.unwrap(), [BOB]);
    let gone = caps.cap_override_upsert(ACME, &[of(BOB)], false).await;
    assert_eq!(gone.unwrap(), CapUpsertOutcome::Outside(vec![BOB]));
}

#[tokio::test]
async fn what_was_set_upstream_is_mirrored_whoever_left_and_never_over_what_came_later() {
    let store = FakeStore::new(state());
    let admin = || actor(ANN, &[&format!("organization-admin:{ORG}")]);
    let mirror = async |users: &[UserId], order: WriteOrder| {
        let mut unit = begin(&store, admin()).await;
        let set: Vec<_> = users.iter().copied().map(of).collect();
        let mut caps = unit.upstream_caps();
        let stored = caps.cap_override_mirror(ACME, &set, order).await.unwrap();
        unit.commit().await.unwrap();
        let stored = stored.iter().map(|one| (one.user_id, one.cap));
        stored.collect::<Vec<_>>()
    };
    let version = || store.state().cap_mirrors.get(&ACME).map(|one| one.version);
    // Olga has left the organization, and nobody else has an account: that does not keep Bob's from being mirrored. A
    // record that somebody else made upstream is yet to be read.
    let set = mirror(&[BOB, NOBODY, OLGA], WriteOrder::Known).await;
    assert_eq!(set, [(BOB, CAP), (OLGA, CAP)]);
    assert_eq!(store.state().caps.len(), 1);
    assert_eq!(version(), Some(1));
    // What is mirrored of Bob came from somebody who may have been the last to write.
    let lower = Cap {
        amount: Micros(0),
        ..CAP
    };
    store.state().cap_overrides[0].1.cap = lower;
    let set = mirror(&[BOB, ANN], WriteOrder::Unknown).await;
    assert_eq!(set, [(BOB, lower), (ANN, CAP)]);
    assert_eq!(mirror(&[BOB], WriteOrder::Known).await, [(BOB, CAP)]);
    assert_eq!(version(), Some(1));
}

#[tokio::test]
async fn people_are_looked_at_before_anybody_is_asked() {
    use CapUpsertOutcome::{Outside, Unknown};
    let store = FakeStore::new(state());
    let check = async |scope: CapScope, users: &[UserId], expected: Option<CapUpsertOutcome>| {
        let mut unit = begin(&store, actor(OLGA, &["owner"])).await;
        let found = unit.caps().cap_override_check(scope, users).await;
        assert_eq!(found.unwrap(), expected, "{users:?}");
    };
    check(ACME, &[BOB, ANN], None).await;
    check(ACME, &[], None).await;
    check(ACME, &[BOB, NOBODY], Some(Unknown(vec![NOBODY]))).await;
    check(ACME, &[OLGA, BOB], Some(Outside(vec![OLGA]))).await;
    check(CapScope::Instance, &[OLGA], None).await;
}
