//! Accounts, organizations, groups and budgets.

use model::{
    GroupId, Micros, Name, OrganizationId, UserId, budgets::GroupBudgetUpsert, groups::GroupUpdate,
};
use rbac::Visibility;
use store::{StoreError, StoreResult};

use crate::support::{TestDb, World, begin, id, new_group, new_organization, new_user, read};

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn check_taken<T: std::fmt::Debug>(result: StoreResult<T>, constraint: &str) {
    match result {
        Err(StoreError::Taken(taken)) => assert_eq!(taken, constraint),
        other => panic!("{constraint}: {other:?}"),
    }
}

#[tokio::test]
async fn names_are_unique_without_regard_to_case_among_the_living() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let (acme, ada) = (new_organization("acme"), new_user("ada", &[]));
    let second = new_organization("second");
    let team = new_group("team", acme.id);
    let mut unit = begin(&store).await;
    unit.organization_create(&acme).await.unwrap();
    unit.organization_create(&second).await.unwrap();
    unit.user_create(&ada).await.unwrap();
    unit.group_create(&team).await.unwrap();
    unit.group_create(&new_group("team", second.id))
        .await
        .unwrap();
    unit.commit().await.unwrap();

    let again = new_user("ADA", &[]);
    check_taken(
        begin(&store).await.user_create(&again).await,
        "users_username_key",
    );
    let mut same_address = new_user("bob", &[]);
    same_address.email = "Ada@Example.com".parse().unwrap();
    check_taken(
        begin(&store).await.user_create(&same_address).await,
        "users_email_key",
    );
    let again = new_organization("Acme");
    check_taken(
        begin(&store).await.organization_create(&again).await,
        "organizations_name_key",
    );
    let again = new_group("Team", acme.id);
    let key = "groups_organization_id_name_key";
    check_taken(begin(&store).await.group_create(&again).await, key);
    let everyone = new_group("everyone", acme.id);
    check_taken(begin(&store).await.group_create(&everyone).await, key);

    let mut unit = begin(&store).await;
    assert_eq!(
        unit.user_get_by_name(&name("aDa"))
            .await
            .unwrap()
            .unwrap()
            .id,
        ada.id
    );
    unit.user_delete(ada.id).await.unwrap();
    unit.organization_delete(second.id).await.unwrap();
    assert_eq!(unit.user_get(ada.id).await.unwrap(), None);
    assert_eq!(unit.organization_get(second.id).await.unwrap(), None);
    unit.user_create(&new_user("ada", &[])).await.unwrap();
    unit.organization_create(&new_organization("second"))
        .await
        .unwrap();
    unit.commit().await.unwrap();
    assert!(read(&store).await.first_user_exists().await.unwrap());
}

#[tokio::test]
async fn the_first_organization_is_the_default_and_stays() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let (acme, beta) = (new_organization("acme"), new_organization("beta"));
    let mut unit = begin(&store).await;
    assert!(!unit.first_user_exists().await.unwrap());
    unit.first_user_lock().await.unwrap();
    assert!(unit.organization_create(&acme).await.unwrap().default);
    assert!(!unit.organization_create(&beta).await.unwrap().default);
    let found = unit
        .organization_get_by_name(&name("default"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.id, acme.id);
    let refused = unit.organization_delete(acme.id).await;
    assert!(
        matches!(refused, Err(StoreError::Refused(_))),
        "{refused:?}"
    );
    let unknown = unit.organization_delete(OrganizationId(id())).await;
    assert!(matches!(unknown, Err(StoreError::NotFound)), "{unknown:?}");
    unit.commit().await.unwrap();
}

#[tokio::test]
async fn what_is_deleted_or_unknown_cannot_be_joined() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, None).await;
    let bob = new_user("bob", &[]);
    let mut unit = begin(&store).await;
    unit.user_create(&bob).await.unwrap();
    unit.user_delete(bob.id).await.unwrap();
    let deleted = unit
        .organization_member_create(world.organization, bob.id, &[])
        .await;
    assert!(matches!(deleted, Err(StoreError::NotFound)), "{deleted:?}");
    let unknown = unit
        .user_create(&new_user("eve", &[OrganizationId(id())]))
        .await;
    assert!(matches!(unknown, Err(StoreError::NotFound)), "{unknown:?}");
    let unknown = unit
        .group_budget_upsert(GroupId(id()), &GroupBudgetUpsert::limit(Micros(1)))
        .await;
    assert!(matches!(unknown, Err(StoreError::NotFound)), "{unknown:?}");
    let unknown = unit
        .group_create(&new_group("team", OrganizationId(id())))
        .await;
    assert!(matches!(unknown, Err(StoreError::NotFound)), "{unknown:?}");
    unit.commit().await.unwrap();
}

#[tokio::test]
async fn budgets_keep_when_they_were_made() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let everyone = World::new(&store, Some(Micros(7)))
        .await
        .organization
        .everyone();
    let first = read(&store)
        .await
        .group_budget_get(everyone)
        .await
        .unwrap()
        .unwrap();
    let mut unit = begin(&store).await;
    let second = unit
        .group_budget_upsert(everyone, &GroupBudgetUpsert::limit(Micros(9)))
        .await
        .unwrap();
    assert_eq!(
        (second.created_at, second.spend_limit),
        (first.created_at, Micros(9))
    );
    assert!(second.updated_at > first.updated_at);
    assert!(unit.group_budget_delete(everyone).await.unwrap());
    assert!(!unit.group_budget_delete(everyone).await.unwrap());
}

#[tokio::test]
async fn the_last_owner_is_counted_under_lock() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let mut unit = begin(&store).await;
    for (username, roles) in [
        ("ada", vec!["owner"]),
        ("bob", vec!["owner", "auditor"]),
        ("eve", vec![]),
    ] {
        let mut user = new_user(username, &[]);
        user.roles = roles.into_iter().map(str::to_owned).collect();
        unit.user_create(&user).await.unwrap();
    }
    unit.commit().await.unwrap();
    // Two demotions at once: the second counts what the first has left.
    let demote = async |username: &str| {
        let mut unit = begin(&store).await;
        let owners = unit.owner_count_lock().await.unwrap();
        let user = unit
            .user_get_by_name(&name(username))
            .await
            .unwrap()
            .unwrap();
        unit.user_roles_update(user.id, &[]).await.unwrap();
        unit.commit().await.unwrap();
        owners
    };
    let (one, other) = tokio::join!(demote("ada"), demote("bob"));
    assert_eq!(one + other, 3);
}

fn add(user: UserId) -> GroupUpdate {
    let add_users = vec![user];
    GroupUpdate {
        add_users,
        ..GroupUpdate::default()
    }
}

#[tokio::test]
async fn only_people_of_the_organization_are_in_its_groups_and_once() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let World { organization, user } = World::new(&store, None).await;
    let (bob, team) = (new_user("bob", &[]), new_group("team", organization));
    let mut unit = begin(&store).await;
    unit.user_create(&bob).await.unwrap();
    unit.group_create(&team).await.unwrap();
    let joined = unit.group_update(team.id, &add(user)).await.unwrap();
    assert_eq!(joined.total_member_count, 1);
    unit.commit().await.unwrap();

    let foreign = begin(&store)
        .await
        .group_update(team.id, &add(bob.id))
        .await;
    let rule = "group_members_organization_member_fkey";
    assert!(
        matches!(&foreign, Err(StoreError::Violated(name)) if name == rule),
        "{foreign:?}"
    );
    let twice = begin(&store).await.group_update(team.id, &add(user)).await;
    check_taken(twice, "group_members_pkey");

    let mut unit = begin(&store).await;
    unit.organization_member_delete(organization, user)
        .await
        .unwrap();
    assert!(!unit.group_contains(team.id, user).await.unwrap());
    let left = unit.user_get(user).await.unwrap().unwrap();
    assert_eq!(left.organization_ids, []);
    let gone = unit.organization_member_delete(organization, user).await;
    assert!(matches!(gone, Err(StoreError::NotFound)), "{gone:?}");
}

#[tokio::test]
async fn everyone_follows_the_membership() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let World { organization, user } = World::new(&store, None).await;
    let (bob, everyone) = (new_user("bob", &[]), organization.everyone());
    let mut unit = begin(&store).await;
    unit.user_create(&bob).await.unwrap();
    let group = unit.group_get(everyone).await.unwrap().unwrap();
    assert_eq!(
        (group.name.as_str(), group.total_member_count),
        ("Everyone", 1)
    );
    let joined = unit
        .organization_member_create(organization, bob.id, &[])
        .await
        .unwrap();
    assert_eq!(joined.username.as_str(), "bob");
    assert!(unit.group_contains(everyone, bob.id).await.unwrap());
    for (visibility, count) in [(Visibility::All, 2), (Visibility::OwnerIs(bob.id.0), 1)] {
        let members = unit
            .group_member_list(&[everyone], &visibility)
            .await
            .unwrap();
        assert_eq!(members.len(), count, "{visibility:?}");
    }
    unit.organization_member_delete(organization, user)
        .await
        .unwrap();
    assert!(!unit.group_contains(everyone, user).await.unwrap());

    let rename = GroupUpdate {
        name: Some(name("all")),
        ..GroupUpdate::default()
    };
    for refused in [rename, add(bob.id)] {
        let refused = unit.group_update(everyone, &refused).await;
        assert!(
            matches!(refused, Err(StoreError::Refused(_))),
            "{refused:?}"
        );
    }
    let refused = unit.group_delete(everyone).await;
    assert!(
        matches!(refused, Err(StoreError::Refused(_))),
        "{refused:?}"
    );
}
