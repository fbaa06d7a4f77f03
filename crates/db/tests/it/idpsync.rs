//! Settings for an identity provider's claims: kept once for each place, and what they are compared with.

use std::{collections::BTreeSet, time::Duration};

use db::local::LocalRole;
use model::{
    OrganizationId,
    idpsync::{
        GroupSync, Mapping, OrganizationSync, Place, PlaceSettings, RoleSync, TakenRoles,
        WantedGroups,
    },
};
use tokio::time::timeout;

use crate::support::{TestDb, begin, id, new_group, new_organization, new_user, read};

fn mapping<T: Ord + Clone>(value: &str, target: T) -> Mapping<T> {
    Mapping::new([(value.to_owned(), [target].into())]).unwrap()
}

#[tokio::test]
async fn settings_are_kept_once_for_each_place_and_come_back_as_they_were() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let (one, other) = (new_organization("one"), new_organization("other"));
    let mut unit = begin(&store).await;
    unit.organization_create(&one).await.unwrap();
    unit.organization_create(&other).await.unwrap();
    let nothing = unit.idpsync_organization_get().await.unwrap();
    assert_eq!(nothing, OrganizationSync::default());

    let mut organizations = OrganizationSync {
        field: "orgs".parse().unwrap(),
        mapping: mapping("a \"quoted\" \\ value", one.id),
        assign_default: false,
        takes: TakenRoles::Only(["organization-workspace-access".to_owned()].into()),
    };
    let groups = GroupSync {
        field: "groups".parse().unwrap(),
        mapping: mapping("g", one.id.everyone()),
        regex_filter: Some(r"^\d+$".parse().unwrap()),
        create_missing: true,
    };
    let roles = RoleSync {
        field: "roles".parse().unwrap(),
        mapping: mapping("r", "organization-admin".to_owned()),
        takes: TakenRoles::Only([].into()),
    };
    unit.idpsync_organization_update(&organizations)
        .await
        .unwrap();
    organizations.assign_default = true;
    unit.idpsync_organization_update(&organizations)
        .await
        .unwrap();
    unit.idpsync_groups_update(one.id, &groups).await.unwrap();
    unit.idpsync_groups_update(one.id, &groups).await.unwrap();
    unit.idpsync_roles_update(one.id, &roles).await.unwrap();
    let off = RoleSync {
        field: "".parse().unwrap(),
        ..roles.clone()
    };
    unit.idpsync_roles_update(other.id, &off).await.unwrap();
    unit.commit().await.unwrap();

    let mut unit = read(&store).await;
    assert_eq!(
        unit.idpsync_organization_get().await.unwrap(),
        organizations
    );
    assert_eq!(unit.idpsync_groups_get(one.id).await.unwrap(), groups);
    assert_eq!(unit.idpsync_roles_get(other.id).await.unwrap(), off);
    assert_eq!(
        unit.idpsync_groups_get(other.id).await.unwrap(),
        GroupSync::default()
    );
    // Only what decides anything.
    let places = unit
        .idpsync_place_list(&[one.id, other.id].into())
        .await
        .unwrap();
    let organization_id = one.id;
    assert_eq!(
        places,
        [PlaceSettings {
            organization_id,
            groups,
            roles
        }]
    );
}

#[tokio::test]
async fn what_claims_are_compared_with_knows_nothing_of_the_deleted() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let (first, gone) = (new_organization("first"), new_organization("gone"));
    let mut unit = begin(&store).await;
    for organization in [&first, &gone] {
        unit.organization_create(organization).await.unwrap();
    }
    let ann = new_user("ann", &[first.id, gone.id]);
    unit.user_create(&ann).await.unwrap();
    let group = new_group("Makers", first.id);
    unit.group_create(&group).await.unwrap();
    let role = "organization-auditor".to_owned();
    for organization in [first.id, gone.id] {
        let roles = [role.clone()];
        let update = unit.organization_member_roles_update(organization, ann.id, &roles);
        update.await.unwrap();
    }
    unit.idpsync_roles_update(
        gone.id,
        &RoleSync {
            field: "r".parse().unwrap(),
            ..RoleSync::default()
        },
    )
    .await
    .unwrap();
    unit.organization_delete(gone.id).await.unwrap();
    let made = unit
        .idpsync_group_create(first.id, &"made".parse().unwrap())
        .await
        .unwrap();
    unit.commit().await.unwrap();

    let mut unit = read(&store).await;
    let person = unit.idpsync_person_get(ann.id).await.unwrap();
    let place = Place {
        roles: [role].into(),
        groups: BTreeSet::new(),
    };
    assert_eq!(person.places, [(first.id, place)].into());
    let unknown = OrganizationId(id());
    let asked: BTreeSet<_> = [first.id, gone.id, unknown].into();
    let known = unit.idpsync_organization_find(&asked).await.unwrap();
    assert_eq!(
        (known.default, known.ids),
        (Some(first.id), [first.id].into())
    );
    assert_eq!(unit.idpsync_place_list(&asked).await.unwrap(), []);
    let wanted = WantedGroups {
        ids: [made, gone.id.everyone()].into(),
        names: [("makers".to_owned(), "MAKERS".parse().unwrap())].into(),
    };
    let groups = unit.idpsync_group_find(first.id, &wanted).await.unwrap();
    let groups: BTreeSet<_> = groups.into_iter().map(|group| group.id).collect();
    assert_eq!(groups, [group.id, made].into());
}

/// Whoever adds a person to an organization holds the organization and looks at the person's row; a sign-in holds
/// the person and wants the organization. Neither may wait for the other for ever.
#[tokio::test]
async fn holding_a_person_for_a_sign_in_holds_up_sign_ins_only() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let organization = new_organization("acme");
    let ann = new_user("ann", &[]);
    let mut unit = begin(&store).await;
    unit.organization_create(&organization).await.unwrap();
    unit.user_create(&ann).await.unwrap();
    unit.commit().await.unwrap();

    let mut sign_in = begin(&store).await;
    assert!(sign_in.idpsync_person_lock(ann.id).await.unwrap());
    let mut by_hand = begin(&store).await;
    by_hand.organization_lock(organization.id).await.unwrap();
    let added = by_hand.organization_member_create(organization.id, ann.id, &[]);
    timeout(Duration::from_secs(20), added)
        .await
        .unwrap()
        .unwrap();
    let client = db.client(LocalRole::Owner).await;
    let second = "SELECT 1 FROM users WHERE username = 'ann' FOR NO KEY UPDATE NOWAIT";
    let waits = client.query(second, &[]).await.unwrap_err();
    assert_eq!(
        waits.code().map(tokio_postgres::error::SqlState::code),
        Some("55P03")
    );
    by_hand.commit().await.unwrap();
    sign_in.organization_lock(organization.id).await.unwrap();
    let nobody = model::UserId(id());
    assert!(!sign_in.idpsync_person_lock(nobody).await.unwrap());
    sign_in.commit().await.unwrap();
    assert_eq!(client.query(second, &[]).await.unwrap().len(), 1);
}
