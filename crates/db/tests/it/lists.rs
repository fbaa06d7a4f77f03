//! Lists: what is visible, on full pages, counted right.

use db::Database;
use model::{
    GroupId, OrganizationId, PageRequest, UserId,
    groups::GroupFilter,
    users::{UserFilter, UserStatus},
};
use rbac::{Action, Visibility};

use crate::support::{TestDb, World, begin, new_group, new_organization, new_user, read};

/// Beside the world's organization and person: another of each, and a group of the first.
struct Two {
    acme: OrganizationId,
    beta: OrganizationId,
    bob: UserId,
    team: GroupId,
}

impl Two {
    async fn new(store: &Database) -> Self {
        let acme = World::new(store, None).await.organization;
        let beta = new_organization("beta");
        let (bob, team) = (new_user("bob", &[beta.id]), new_group("team", acme));
        let mut unit = begin(store).await;
        unit.organization_create(&beta).await.unwrap();
        unit.user_create(&bob).await.unwrap();
        unit.group_create(&team).await.unwrap();
        unit.commit().await.unwrap();
        Self {
            acme,
            beta: beta.id,
            bob: bob.id,
            team: team.id,
        }
    }
}

#[tokio::test]
async fn users_are_listed_by_page_search_and_visibility() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let Two { acme, bob, .. } = Two::new(&store).await;
    let page = PageRequest {
        limit: 1,
        offset: 0,
    };
    let list = async |search: Option<&str>, visibility: &Visibility| {
        let search = search.map(str::to_owned);
        let filter = UserFilter {
            search,
            status: Some(UserStatus::Active),
        };
        let mut unit = read(&store).await;
        unit.user_list(&filter, page, visibility).await.unwrap()
    };
    let found = list(None, &Visibility::All).await;
    assert_eq!((found.items.len(), found.count), (1, 2));
    assert_eq!(found.items[0].organization_ids, [acme]);
    let found = list(None, &Visibility::OwnerIs(bob.0)).await;
    assert_eq!((found.items[0].id, found.count), (bob, 1));
    assert_eq!(list(Some("BOB@"), &Visibility::All).await.count, 1);
    assert_eq!(list(Some("%"), &Visibility::All).await.count, 0);
}

#[tokio::test]
async fn organizations_and_their_people_are_listed_by_visibility() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let Two { beta, bob, .. } = Two::new(&store).await;
    let mut unit = read(&store).await;
    for (visibility, count) in [
        (Visibility::All, 2),
        (Visibility::OrgIn(vec![beta.0]), 1),
        (Visibility::OrgIsNull, 0),
    ] {
        let found = unit.organization_list(&visibility).await.unwrap();
        assert_eq!(found.len(), count, "{visibility:?}");
    }
    for (visibility, count) in [
        (Visibility::All, 1),
        (Visibility::OwnerIs(bob.0), 1),
        (Visibility::OwnerIs(beta.0), 0),
    ] {
        let found = unit
            .organization_member_list(beta, &visibility)
            .await
            .unwrap();
        assert_eq!(found.len(), count, "{visibility:?}");
    }
}

#[tokio::test]
async fn groups_are_listed_by_person_and_visibility() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let Two {
        beta, bob, team, ..
    } = Two::new(&store).await;
    let check = async |user_id, visibility: Visibility, count| {
        let filter = GroupFilter {
            user_id,
            ..GroupFilter::default()
        };
        let mut unit = read(&store).await;
        let found = unit.group_list(filter, &visibility).await.unwrap();
        assert_eq!(found.len(), count, "{user_id:?} {visibility:?}");
    };
    let acl = |action| Visibility::GroupAcl {
        groups: vec![team.0],
        action,
    };
    check(None, Visibility::All, 3).await;
    check(Some(bob), Visibility::All, 1).await;
    check(None, Visibility::OrgIn(vec![beta.0]), 1).await;
    check(None, acl(Action::Read), 3).await;
    check(None, acl(Action::Update), 0).await;
}
