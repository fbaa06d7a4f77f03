//! Lists: what is visible, on full pages, counted right.

use db::Database;
use model::{
    GroupId, OrganizationId, PageRequest, UserId,
    groups::GroupFilter,
    users::{UserFilter, UserStatus},
};
use rbac::{Action, Object, Visibility};
use uuid::Uuid;

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
            ids: None,
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
async fn users_are_listed_by_their_ids_as_far_as_they_are_visible() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let Two { bob, .. } = Two::new(&store).await;
    let page = PageRequest {
        limit: 10,
        offset: 0,
    };
    let mut unit = read(&store).await;
    let any = UserFilter::default();
    let all = unit.user_list(&any, page, &Visibility::All);
    let all: Vec<UserId> = all.await.unwrap().items.iter().map(|one| one.id).collect();
    assert_eq!(all.len(), 2);
    let nobody = UserId(Uuid::from_u128(0xdead));
    let mut check = async |ids: &[UserId], visibility: &Visibility, expected: &[UserId]| {
        let filter = UserFilter {
            ids: Some(ids.to_vec()),
            ..UserFilter::default()
        };
        let found = unit.user_list(&filter, page, visibility).await.unwrap();
        let found_ids: Vec<UserId> = found.items.iter().map(|one| one.id).collect();
        assert_eq!(found_ids, expected, "{ids:?}");
        assert_eq!(found.count, u64::try_from(expected.len()).unwrap());
    };
    check(&[], &Visibility::All, &[]).await;
    check(&[nobody], &Visibility::All, &[]).await;
    check(&[bob, nobody, bob], &Visibility::All, &[bob]).await;
    check(&all, &Visibility::All, &all).await;
    check(&all, &Visibility::OwnerIs(bob.0), &[bob]).await;
    check(&all, &Visibility::None, &[]).await;
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

/// Conditions by a fixed generator, so that a failure can be repeated.
struct Draw {
    state: u64,
    ids: Vec<Uuid>,
}

impl Draw {
    fn below(&mut self, end: usize) -> usize {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.state >> 33).unwrap() % end
    }

    fn id(&mut self) -> Uuid {
        let place = self.below(self.ids.len());
        self.ids[place]
    }

    fn some_ids(&mut self) -> Vec<Uuid> {
        let count = self.below(3);
        (0..count).map(|_| self.id()).collect()
    }

    fn action(&mut self) -> Action {
        if self.below(4) > 0 {
            Action::Read
        } else {
            Action::Update
        }
    }

    fn visibility(&mut self, depth: usize) -> Visibility {
        match self.below(if depth == 0 { 8 } else { 12 }) {
            0 => Visibility::All,
            1 => Visibility::None,
            2 => Visibility::OrgIn(self.some_ids()),
            3 => Visibility::OrgIsNull,
            4 => Visibility::IdIn(self.some_ids()),
            5 => Visibility::OwnerIs(self.id()),
            6 => Visibility::UserAcl {
                user: self.id(),
                action: self.action(),
            },
            7 => Visibility::GroupAcl {
                groups: self.some_ids(),
                action: self.action(),
            },
            8 | 9 => Visibility::And(self.parts(depth - 1)),
            _ => Visibility::Or(self.parts(depth - 1)),
        }
    }

    fn parts(&mut self, depth: usize) -> Vec<Visibility> {
        let count = self.below(4);
        (0..count).map(|_| self.visibility(depth)).collect()
    }
}

#[tokio::test]
async fn the_database_shows_exactly_what_the_engine_says_is_visible() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let two = Two::new(&store).await;
    let page = PageRequest {
        limit: 100,
        offset: 0,
    };
    let (any_user, any_group) = (UserFilter::default(), GroupFilter::default());
    let all = Visibility::All;
    let mut unit = read(&store).await;
    let users = unit.user_list(&any_user, page, &all).await.unwrap().items;
    let organizations = unit.organization_list(&all).await.unwrap();
    let groups = unit.group_list(any_group, &all).await.unwrap();
    let group_ids: Vec<_> = groups.iter().map(|group| group.id).collect();
    let members = unit.organization_member_list(two.beta, &all).await.unwrap();
    let people = unit.group_member_list(&group_ids, &all).await.unwrap();
    let ids = [two.acme.0, two.beta.0, two.bob.0, two.team.0, users[0].id.0];
    let mut draw = Draw {
        state: 1,
        ids: ids.to_vec(),
    };
    for _ in 0..200 {
        let visibility = draw.visibility(3);
        let sees = |object: Object| visibility.matches(&object);
        let mut expected = users.clone();
        expected.retain(|user| sees(Object::user(user.id.0)));
        let found = unit.user_list(&any_user, page, &visibility).await.unwrap();
        assert_eq!(found.items, expected, "{visibility:?}");
        let mut expected = organizations.clone();
        expected.retain(|one| sees(Object::organization(one.id.0)));
        let found = unit.organization_list(&visibility).await.unwrap();
        assert_eq!(found, expected, "{visibility:?}");
        let mut expected = groups.clone();
        expected.retain(|one| sees(Object::group(one.organization_id.0, one.id.0)));
        let found = unit.group_list(any_group, &visibility).await.unwrap();
        assert_eq!(found, expected, "{visibility:?}");
        let mut expected = members.clone();
        expected.retain(|one| {
            sees(Object::organization_member(
                one.organization_id.0,
                one.user_id.0,
            ))
        });
        let found = unit
            .organization_member_list(two.beta, &visibility)
            .await
            .unwrap();
        assert_eq!(found, expected, "{visibility:?}");
        let mut expected = people.clone();
        expected.retain(|one| sees(Object::group_member(one.organization_id.0, one.user_id.0)));
        let found = unit
            .group_member_list(&group_ids, &visibility)
            .await
            .unwrap();
        assert_eq!(found, expected, "{visibility:?}");
    }
}
