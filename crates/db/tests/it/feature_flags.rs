//! Switches of features: the nearest one decides, on every server at once; setting what is set changes nothing; and what
//! another version of the program switched is left alone.

use db::{Database, local::LocalRole};
use model::{
    OrganizationId,
    feature_flags::{Feature, FeatureSwitch},
};
use store::StoreError;
use uuid::Uuid;

use crate::support::{TestDb, begin, new_organization, read};

const FEATURE: Feature = Feature::BudgetCapsGraphqlApi;

async fn set(store: &Database, place: Option<OrganizationId>, enabled: bool) -> FeatureSwitch {
    let mut unit = begin(store).await;
    let set = unit.feature_flag_upsert(FEATURE, place, enabled).await;
    unit.commit().await.unwrap();
    set.unwrap()
}

async fn remove(store: &Database, place: Option<OrganizationId>) -> bool {
    let mut unit = begin(store).await;
    let removed = unit.feature_flag_delete(FEATURE, place).await.unwrap();
    unit.commit().await.unwrap();
    removed
}

async fn organization(store: &Database, name: &str) -> OrganizationId {
    let new = new_organization(name);
    let mut unit = begin(store).await;
    unit.organization_create(&new).await.unwrap();
    unit.commit().await.unwrap();
    new.id
}

async fn on(store: &Database, place: Option<OrganizationId>) -> bool {
    let mut unit = read(store).await;
    unit.feature_enabled(FEATURE, place).await.unwrap()
}

async fn switches(store: &Database) -> Vec<FeatureSwitch> {
    let mut unit = read(store).await;
    let of_it = unit.feature_flag_get(FEATURE).await.unwrap();
    assert_eq!(unit.feature_flag_list().await.unwrap(), of_it);
    of_it
}

#[tokio::test]
async fn the_nearest_switch_decides_on_every_server_at_once() {
    let db = TestDb::new().await;
    let (here, there) = (db.store().await, db.store().await);
    let (acme, beta) = (
        organization(&here, "acme").await,
        organization(&here, "beta").await,
    );
    // A switch, and what is on after it: for the deployment, in acme, in beta.
    let check = async |change: (Option<OrganizationId>, Option<bool>), expected: [bool; 3]| {
        let (place, enabled) = change;
        match enabled {
            Some(enabled) => drop(set(&here, place, enabled).await),
            None => assert!(remove(&here, place).await),
        }
        for store in [&here, &there] {
            let found = [
                on(store, None).await,
                on(store, Some(acme)).await,
                on(store, Some(beta)).await,
            ];
            assert_eq!(found, expected, "{change:?}");
        }
    };
    assert!(on(&there, None).await && on(&there, Some(acme)).await);
    check((Some(acme), Some(false)), [true, false, true]).await;
    check((None, Some(false)), [false, false, false]).await;
    check((Some(beta), Some(true)), [false, false, true]).await;
    check((Some(acme), None), [false, false, true]).await;
    check((None, None), [true, true, true]).await;
    check((Some(beta), Some(false)), [true, true, false]).await;
    assert!(!remove(&here, None).await);
}

#[tokio::test]
async fn what_is_set_already_stays_as_it_is() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let acme = organization(&store, "acme").await;
    for place in [None, Some(acme)] {
        let first = set(&store, place, false).await;
        assert_eq!(set(&store, place, false).await, first);
        let other = set(&store, place, true).await;
        assert!(other.enabled && other.updated_at > first.updated_at);
    }
    let places: Vec<_> = switches(&store)
        .await
        .iter()
        .map(|one| one.organization)
        .collect();
    assert_eq!(places, [None, Some(acme)]);
    let audited = "SELECT string_agg(action || ' ' || resource_target || ' ' || coalesce(organization_id::text, '-'), ', ' \
        ORDER BY id) FROM audit_logs WHERE resource_type = 'feature_flag'";
    let owner = db.client(LocalRole::Owner).await;
    let lines: String = owner.query_one(audited, &[]).await.unwrap().get(0);
    let name = FEATURE.name();
    assert_eq!(
        lines,
        format!("create {name} -, write {name} -, create {name} {acme}, write {name} {acme}")
    );
}

#[tokio::test]
async fn a_switch_needs_its_organization_and_ends_with_it() {
    let db = TestDb::new().await;
    let store = db.store().await;
    // The first one is the default, which never ends.
    organization(&store, "acme").await;
    let beta = organization(&store, "beta").await;
    set(&store, Some(beta), false).await;
    let mut unit = begin(&store).await;
    unit.organization_delete(beta).await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(switches(&store).await, []);
    let nowhere = Some(OrganizationId(Uuid::from_u128(7)));
    let mut unit = begin(&store).await;
    let refused = unit.feature_flag_upsert(FEATURE, nowhere, false).await;
    assert!(
        matches!(refused, Err(StoreError::Violated(ref name)) if name == "feature_flags_organization_id_fkey"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_feature_of_another_version_is_passed_over() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let client = db.client(LocalRole::Owner).await;
    let newer = "SET bursar.actor_name = 'newer'; \
        INSERT INTO feature_flags (name, enabled) VALUES ('teleportation', false)";
    client.batch_execute(newer).await.unwrap();
    assert_eq!(switches(&store).await, []);
    set(&store, None, false).await;
    assert_eq!(switches(&store).await.len(), 1);
}
