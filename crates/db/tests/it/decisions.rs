//! The rows of every list, against the decision about each of them: random subjects, with the roles, groups, scopes
//! and allow-lists that a prepared subject is made of.

use std::{fmt::Debug, sync::Arc};

use db::Database;
use model::{
    GroupId, OrganizationId, PageRequest, ProviderId, UserId,
    audit::AuditFilter,
    groups::{GroupFilter, GroupUpdate},
    prices::ProviderKind,
    users::UserFilter,
    workspaces::WorkspaceFilter,
};
use rbac::{
    Action, AllowEntry, AllowList, Assignment, Object, Permission, PreparedSubject, ResourceType,
    Role, Scope, Subject, Visibility,
};
use store::{ReadUnit, providers::NewProvider};
use uuid::Uuid;

use crate::{
    chats,
    support::{TestDb, begin, id, new_group, new_organization, new_user, read},
    workspaces,
};

const PAGE: PageRequest = PageRequest {
    limit: 1_000,
    offset: 0,
};

/// The types that have a list.
const LISTED: [ResourceType; 9] = [
    ResourceType::User,
    ResourceType::Organization,
    ResourceType::OrganizationMember,
    ResourceType::Group,
    ResourceType::GroupMember,
    ResourceType::AuditLog,
    ResourceType::AiProvider,
    ResourceType::Workspace,
    ResourceType::Chat,
];

/// Organizations, people and groups, some of them in several.
struct World {
    organizations: Vec<OrganizationId>,
    people: Vec<UserId>,
    groups: Vec<GroupId>,
    /// The ids of everything, and one of nothing.
    ids: Vec<Uuid>,
}

async fn world(store: &Database) -> World {
    let organizations = ["acme", "beta", "core"].map(new_organization);
    let [acme, beta, core] = [0, 1, 2].map(|place: usize| organizations[place].id);
    let people = [
        new_user("ada", &[acme, beta]),
        new_user("bob", &[acme]),
        new_user("eve", &[beta, core]),
        new_user("joe", &[]),
    ];
    let groups = [
        (new_group("team", acme), vec![people[0].id, people[1].id]),
        (new_group("crew", beta), vec![people[2].id]),
        (new_group("none", core), vec![]),
    ];
    let mut unit = begin(store).await;
    for organization in &organizations {
        unit.organization_create(organization).await.unwrap();
    }
    for person in &people {
        unit.user_create(person).await.unwrap();
    }
    for (group, members) in &groups {
        unit.group_create(group).await.unwrap();
        let update = GroupUpdate {
            add_users: members.clone(),
            ..GroupUpdate::default()
        };
        unit.group_update(group.id, &update).await.unwrap();
    }
    let providers = ["one", "two", "three"].map(|word| NewProvider {
        id: ProviderId(id()),
        name: word.parse().unwrap(),
        kind: ProviderKind::OpenAi,
        base_url: "https://example.com/v1".parse().unwrap(),
        api_key: "sk-secret".into(),
    });
    for provider in &providers {
        unit.provider_create(provider).await.unwrap();
    }
    unit.commit().await.unwrap();
    let organizations = vec![acme, beta, core];
    let mut groups: Vec<_> = groups.iter().map(|(group, _)| group.id).collect();
    groups.extend(organizations.iter().map(|one| one.everyone()));
    let ids = organizations.iter().map(|one| one.0);
    let ids = ids.chain(people.iter().map(|person| person.id.0));
    let mut ids: Vec<_> = ids.chain(groups.iter().map(|group| group.0)).collect();
    ids.extend(providers.iter().map(|provider| provider.id.0));
    let owners = people.each_ref().map(|one| one.id);
    let workspaces = workspaces::shared(store, &organizations, &owners).await;
    ids.extend(workspaces.iter().map(|one| one.0));
    let chats = chats::shared(store, &organizations, &owners).await;
    ids.extend(chats.iter().map(|one| one.0));
    ids.push(id());
    World {
        organizations,
        people: people.iter().map(|person| person.id).collect(),
        groups,
        ids,
    }
}

/// Subjects by a fixed generator, so that a failure can be repeated.
struct Draw<'a> {
    state: u64,
    world: &'a World,
    /// The type that is asked about, and so named most.
    asked: ResourceType,
}

impl Draw<'_> {
    fn below(&mut self, end: usize) -> usize {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.state >> 33).unwrap() % end
    }

    fn id(&mut self) -> Uuid {
        let place = self.below(self.world.ids.len());
        self.world.ids[place]
    }

    fn resource(&mut self) -> Option<ResourceType> {
        match self.below(5) {
            0 => None,
            1 => Some(LISTED[self.below(LISTED.len())]),
            _ => Some(self.asked),
        }
    }

    fn permissions(&mut self, most: usize) -> Vec<Permission> {
        let count = self.below(most + 1);
        let one = |draw: &mut Self| Permission {
            negate: draw.below(5) == 0,
            resource: draw.resource(),
            action: [Some(Action::Read), Some(Action::Update), None][draw.below(3)],
        };
        (0..count).map(|_| one(self)).collect()
    }

    fn roles(&mut self, most: usize) -> Vec<Assignment> {
        let count = self.below(most + 1);
        let one = |draw: &mut Self| {
            let role = Role::new("drawn", "")
                // Only the site level reaches what no organization and nobody has.
                .with_site(if draw.asked == ResourceType::AiProvider || draw.below(4) == 0 {
                    draw.permissions(2)
                } else {
                    Vec::new()
                })
                .with_user(draw.permissions(2))
                .with_org(draw.permissions(3))
                .with_member(draw.permissions(3));
            let org = draw.below(4);
            Assignment {
                org: draw.world.organizations.get(org).map(|org| org.0),
                role: Arc::new(role),
            }
        };
        (0..count).map(|_| one(self)).collect()
    }

    fn scope(&mut self) -> Scope {
        let mut grants = self.roles(3);
        if self.below(2) == 0 {
            let all = Role::new("all", "").with_site([Permission::ANY]);
            grants.push(Assignment {
                org: None,
                role: Arc::new(all),
            });
        }
        let count = self.below(5);
        let mut entries: Vec<_> = (0..count)
            .map(|_| AllowEntry {
                resource: self.resource(),
                id: Some(self.id()),
            })
            .collect();
        if self.below(2) == 0 {
            entries.push(AllowEntry {
                resource: self.resource(),
                id: None,
            });
        }
        Scope::from_grants(grants, AllowList::new(entries))
    }

    fn subject(&mut self) -> PreparedSubject {
        let (roles, count) = (self.roles(4), self.below(3));
        let groups: Vec<_> = (0..count).map(|_| self.id()).collect();
        let person = self.below(self.world.people.len());
        let subject = Subject::new(self.world.people[person].0).groups(groups);
        let subject = if self.below(3) == 0 {
            subject
        } else {
            subject.scope(self.scope())
        };
        let held = roles.into_iter().fold(subject, |subject, held| match held {
            Assignment {
                org: Some(org),
                role,
            } => subject.org_role(org, role),
            Assignment { org: None, role } => subject.site_role(role),
        });
        held.prepare()
    }
}

/// The roots of each person's own list: together they are all.
async fn chats_of_all(
    unit: &mut dyn ReadUnit,
    world: &World,
    visible: &Visibility,
) -> Vec<(String, Object)> {
    let mut listed = Vec::new();
    for person in &world.people {
        let page = unit.chat_list(&chats::own(), *person, visible).await;
        for family in page.unwrap().chats {
            let row = family.root;
            let access = unit.chat_get(row.id, None).await.unwrap().unwrap();
            listed.push((format!("{row:?}"), chats::object(&access)));
        }
    }
    listed
}

/// Every row of a type that the condition shows, as text, with what a decision is about.
async fn listed(
    unit: &mut dyn ReadUnit,
    world: &World,
    resource: ResourceType,
    visible: &Visibility,
) -> Vec<(String, Object)> {
    fn each<T: Debug>(rows: &[T], object: impl Fn(&T) -> Object) -> Vec<(String, Object)> {
        let each = rows.iter().map(|row| (format!("{row:?}"), object(row)));
        each.collect()
    }
    match resource {
        ResourceType::User => {
            let found = unit.user_list(&UserFilter::default(), PAGE, visible).await;
            let found = found.unwrap();
            assert_eq!(usize::try_from(found.count).unwrap(), found.items.len());
            each(&found.items, |row| Object::user(row.id.0))
        }
        ResourceType::Organization => {
            let found = unit.organization_list(visible).await.unwrap();
            each(&found, |row| Object::organization(row.id.0))
        }
        ResourceType::OrganizationMember => {
            let mut found = Vec::new();
            for organization in &world.organizations {
                let members = unit.organization_member_list(*organization, visible).await;
                found.extend(members.unwrap());
            }
            each(&found, |row| {
                Object::organization_member(row.organization_id.0, row.user_id.0)
            })
        }
        ResourceType::Group => {
            let found = unit.group_list(GroupFilter::default(), visible).await;
            each(&found.unwrap(), |row| {
                Object::group(row.organization_id.0, row.id.0)
            })
        }
        ResourceType::GroupMember => {
            let found = unit.group_member_list(&world.groups, visible).await;
            each(&found.unwrap(), |row| {
                Object::group_member(row.organization_id.0, row.user_id.0)
            })
        }
        ResourceType::AuditLog => {
            let found = unit
                .audit_list(&AuditFilter::default(), PAGE, visible)
                .await;
            let found = found.unwrap();
            assert_eq!(found.count, u64::try_from(found.items.len()).ok());
            each(&found.items, |row| {
                Object::audit_log(row.organization_id.map(|id| id.0))
            })
        }
        ResourceType::AiProvider => {
            let found = unit.provider_list(visible).await.unwrap();
            each(&found, |row| Object::ai_provider(Some(row.id.0)))
        }
        ResourceType::Workspace => {
            let found = unit
                .workspace_list(&WorkspaceFilter::default(), PAGE, visible)
                .await
                .unwrap();
            assert_eq!(usize::try_from(found.count).unwrap(), found.items.len());
            let mut listed = Vec::new();
            for row in found.items {
                let access = unit.workspace_get(row.id).await.unwrap().unwrap();
                listed.push((format!("{row:?}"), workspaces::object(&access)));
            }
            listed
        }
        ResourceType::Chat => chats_of_all(unit, world, visible).await,
        other => panic!("{other} has no list"),
    }
}

#[tokio::test]
async fn a_list_holds_exactly_the_rows_that_a_decision_allows() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = world(&store).await;
    let mut unit = read(&store).await;
    for (seed, resource) in (1..).zip(LISTED) {
        let mut draw = Draw {
            state: seed,
            world: &world,
            asked: resource,
        };
        let all = listed(&mut *unit, &world, resource, &Visibility::All).await;
        assert!(all.len() > 2, "{resource}");
        let mut parts = 0;
        // Few subjects see some of the rows of such a type: only an allow-list can tell them apart.
        let site_only = resource == ResourceType::AiProvider;
        let actions: &[Action] = match resource {
            // What an entry lets do depends on its role.
            ResourceType::Workspace | ResourceType::Chat => {
                &[Action::Read, Action::Share, Action::Delete]
            }
            _ => &[Action::Read],
        };
        for turn in 0..if site_only { 1_500 } else { 150 } {
            let subject = draw.subject();
            let action = actions[turn % actions.len()];
            let visible = subject.visibility(action, resource);
            let found = listed(&mut *unit, &world, resource, &visible).await;
            let found: Vec<_> = found.into_iter().map(|(row, _)| row).collect();
            let allowed = all
                .iter()
                .filter(|(_, object)| subject.allows(action, object));
            let allowed: Vec<_> = allowed.map(|(row, _)| row.clone()).collect();
            parts += usize::from(!found.is_empty() && found.len() < all.len());
            assert_eq!(found, allowed, "{resource} {action}: {visible:?}");
        }
        assert!(parts > 10, "{resource}: {parts}");
    }
}
