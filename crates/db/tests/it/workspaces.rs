//! Workspaces and their ACLs in the database: names, sleep, entries that follow memberships, and what the audit log
//! says of them.

use db::Database;
use model::{
    GroupId, OrganizationId, Page, PageRequest, UserId, WorkspaceId,
    acl::{AclDiff, AclRole, Principal},
    audit::{AuditAction, AuditFilter},
    users::UserStatus,
    workspaces::{
        NewWorkspace, OwnerFilter, Workspace, WorkspaceAccess, WorkspaceFilter,
        WorkspaceRole::{self, Admin, Use},
        WorkspaceUpdate,
    },
};
use rbac::{Action, Object, Visibility};
use store::StoreError;

use crate::support::{TestDb, begin, id, new_group, new_organization, new_user, read};

const PAGE: PageRequest = PageRequest {
    limit: 1_000,
    offset: 0,
};

/// What a decision about a workspace is about.
pub(crate) fn object(found: &WorkspaceAccess) -> Object {
    let Workspace {
        id,
        organization_id,
        owner_id,
        dormant_at,
        ..
    } = &found.workspace;
    let object = Object::workspace(Some(id.0), organization_id.0, owner_id.0);
    if dormant_at.is_some() {
        object
    } else {
        found.acl.onto(object)
    }
}

pub(crate) fn new_workspace(
    name: &str,
    organization: OrganizationId,
    owner: UserId,
) -> NewWorkspace {
    NewWorkspace {
        id: WorkspaceId(id()),
        organization_id: organization,
        owner_id: owner,
        name: name.parse().unwrap(),
        description: String::new(),
    }
}

pub(crate) fn entries(entries: &[(Principal, WorkspaceRole)]) -> AclDiff {
    let set = entries
        .iter()
        .map(|(principal, role)| (*principal, role.as_str()));
    AclDiff {
        set: set.collect(),
        removed: Vec::new(),
    }
}

pub(crate) async fn share(
    store: &Database,
    id: WorkspaceId,
    shared: &[(Principal, WorkspaceRole)],
) {
    let mut unit = begin(store).await;
    unit.workspace_acl_update(id, &entries(shared))
        .await
        .unwrap();
    unit.commit().await.unwrap();
}

/// Workspaces of `ada` (in the first two organizations), `bob` (in the first) and `eve` (in the last two), shared in
/// several ways, one of each asleep.
pub(crate) async fn shared(
    store: &Database,
    organizations: &[OrganizationId],
    people: &[UserId],
) -> Vec<WorkspaceId> {
    let [acme, beta, core] = organizations else {
        panic!("{organizations:?}")
    };
    let [ada, bob, eve, ..] = people else {
        panic!("{people:?}")
    };
    let (user, everyone) = (Principal::User, |of: &OrganizationId| {
        Principal::Group(of.everyone())
    });
    let shared = [
        (acme, ada, vec![]),
        (acme, ada, vec![(user(*bob), Use)]),
        (acme, bob, vec![(user(*ada), Admin), (everyone(acme), Use)]),
        (beta, ada, vec![(user(*eve), Use)]),
        (beta, eve, vec![(everyone(beta), Admin)]),
        (core, eve, vec![(everyone(core), Use), (user(*eve), Admin)]),
    ];
    let mut made = Vec::new();
    for (number, (organization, owner, acl)) in shared.iter().enumerate() {
        for asleep in [false, true] {
            let name = format!("w{number}{}", if asleep { "-asleep" } else { "" });
            let new = new_workspace(&name, **organization, **owner);
            let mut unit = begin(store).await;
            unit.workspace_create(&new).await.unwrap();
            unit.workspace_acl_update(new.id, &entries(acl))
                .await
                .unwrap();
            unit.workspace_dormant_update(new.id, asleep).await.unwrap();
            unit.commit().await.unwrap();
            made.push(new.id);
        }
    }
    made
}

/// Ada, Bob and Eve, and a group of Bob's, in an organization; joe is in none. Ada has a workspace there.
pub(crate) struct Team {
    pub(crate) db: TestDb,
    pub(crate) store: Database,
    pub(crate) acme: OrganizationId,
    pub(crate) ada: UserId,
    pub(crate) bob: UserId,
    pub(crate) eve: UserId,
    pub(crate) joe: UserId,
    pub(crate) crew: GroupId,
    pub(crate) plans: WorkspaceId,
}

impl Team {
    pub(crate) async fn new() -> Self {
        let db = TestDb::new().await;
        let store = db.store().await;
        let acme = new_organization("acme");
        let people = ["ada", "bob", "eve"].map(|name| new_user(name, &[acme.id]));
        let (joe, crew) = (new_user("joe", &[]), new_group("crew", acme.id));
        let [ada, bob, eve] = people.each_ref().map(|person| person.id);
        let plans = new_workspace("Plans", acme.id, ada);
        let mut unit = begin(&store).await;
        unit.organization_create(&acme).await.unwrap();
        for person in people.iter().chain([&joe]) {
            unit.user_create(person).await.unwrap();
        }
        unit.group_create(&crew).await.unwrap();
        let join = model::groups::GroupUpdate {
            add_users: vec![bob],
            ..Default::default()
        };
        unit.group_update(crew.id, &join).await.unwrap();
        unit.workspace_create(&plans).await.unwrap();
        unit.commit().await.unwrap();
        Self {
            db,
            store,
            acme: acme.id,
            ada,
            bob,
            eve,
            joe: joe.id,
            crew: crew.id,
            plans: plans.id,
        }
    }

    pub(crate) async fn access(&self) -> WorkspaceAccess {
        let found = read(&self.store).await.workspace_get(self.plans).await;
        found.unwrap().unwrap()
    }

    async fn list(&self, filter: WorkspaceFilter) -> Page<Workspace> {
        let mut unit = read(&self.store).await;
        let found = unit.workspace_list(&filter, PAGE, &Visibility::All).await;
        found.unwrap()
    }

    /// The audit lines about workspaces after the first ones: action, target, difference.
    pub(crate) async fn lines(&self, seen: usize) -> Vec<(AuditAction, String, serde_json::Value)> {
        let filter = AuditFilter {
            resource_type: Some("workspace".to_owned()),
            ..AuditFilter::default()
        };
        let mut unit = read(&self.store).await;
        let found = unit.audit_list(&filter, PAGE, &Visibility::All).await;
        let lines = found.unwrap().items.into_iter().rev().skip(seen);
        lines
            .map(|line| {
                assert_eq!(line.organization_id, Some(self.acme));
                assert_eq!(line.resource_id, self.plans.to_string());
                (line.action, line.resource_target, line.diff)
            })
            .collect()
    }
}

#[tokio::test]
async fn a_workspace_has_an_owner_in_its_organization_and_a_name_of_its_own() {
    let team = Team::new().await;
    let check = async |new: NewWorkspace, expected: &str| {
        let mut unit = begin(&team.store).await;
        let outcome = match unit.workspace_create(&new).await {
            Ok(made) => format!("{} of {}", made.name, made.owner_username),
            Err(StoreError::Taken(constraint)) => constraint,
            Err(StoreError::Refused(reason)) => reason,
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(outcome, expected, "{new:?}");
    };
    let no_member = "the owner must be an active member of the organization";
    let of = |name, owner| new_workspace(name, team.acme, owner);
    check(of("other", team.ada), "other of ada").await;
    check(of("pLANS", team.bob), "pLANS of bob").await;
    check(of("pLANS", team.ada), "workspaces_owner_id_name_key").await;
    check(of("plans", team.joe), no_member).await;
    check(of("plans", UserId(id())), no_member).await;
    let elsewhere = OrganizationId(id());
    check(new_workspace("x", elsewhere, team.ada), no_member).await;
    let mut unit = begin(&team.store).await;
    let suspended = UserStatus::Suspended;
    unit.user_status_update(team.bob, suspended).await.unwrap();
    unit.commit().await.unwrap();
    check(of("plans", team.bob), no_member).await;

    // Deleting frees the name, and nobody finds it any more.
    let mut unit = begin(&team.store).await;
    unit.workspace_delete(team.plans).await.unwrap();
    let again = unit.workspace_delete(team.plans).await;
    assert!(matches!(again, Err(StoreError::NotFound)), "{again:?}");
    assert_eq!(unit.workspace_lock(team.plans).await.unwrap(), None);
    let update = WorkspaceUpdate::default();
    let gone = unit.workspace_update(team.plans, &update).await;
    assert!(matches!(gone, Err(StoreError::NotFound)), "{gone:?}");
    unit.commit().await.unwrap();
    check(of("PLANS", team.ada), "PLANS of ada").await;
    assert_eq!(team.list(WorkspaceFilter::default()).await.count, 0);
}

#[tokio::test]
async fn lists_are_narrowed_by_owner_name_and_sharing() {
    let team = Team::new().await;
    let mut unit = begin(&team.store).await;
    for (name, owner) in [("a-plan", team.bob), ("Zoo", team.bob), ("eves", team.eve)] {
        let new = new_workspace(name, team.acme, owner);
        unit.workspace_create(&new).await.unwrap();
        if name != "Zoo" {
            let with = [(Principal::Group(team.acme.everyone()), Use)];
            unit.workspace_acl_update(new.id, &entries(&with))
                .await
                .unwrap();
        }
    }
    unit.commit().await.unwrap();
    let check = async |change: &dyn Fn(&mut WorkspaceFilter), expected: &[&str]| {
        let mut filter = WorkspaceFilter::default();
        change(&mut filter);
        let found = team.list(filter.clone()).await;
        let names: Vec<_> = found.items.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, expected, "{filter:?}");
        assert_eq!(usize::try_from(found.count).unwrap(), expected.len());
    };
    let all = ["a-plan", "eves", "Plans", "Zoo"];
    check(&|_| {}, &all).await;
    check(&|f| f.organization_id = Some(team.acme), &all).await;
    check(&|f| f.organization_id = Some(OrganizationId(id())), &[]).await;
    check(
        &|f| f.owner = Some(OwnerFilter::Id(team.bob)),
        &["a-plan", "Zoo"],
    )
    .await;
    let name = |text: &str| Some(OwnerFilter::Name(text.parse().unwrap()));
    check(&|f| f.owner = name("BOB"), &["a-plan", "Zoo"]).await;
    check(&|f| f.owner = name("nobody"), &[]).await;
    check(
        &|f| f.search = Some("PLAN".to_owned()),
        &["a-plan", "Plans"],
    )
    .await;
    check(&|f| f.search = Some("%".to_owned()), &[]).await;
    check(&|f| f.shared_with = Some(team.ada), &["a-plan", "eves"]).await;
    check(&|f| f.shared_with = Some(team.bob), &["eves"]).await;
    check(&|f| f.shared_with = Some(team.joe), &[]).await;
}

#[tokio::test]
async fn what_sleeps_is_shared_with_nobody_and_has_slept_since_it_fell_asleep() {
    let team = Team::new().await;
    let with_eve = [(Principal::User(team.eve), Admin)];
    share(&team.store, team.plans, &with_eve).await;
    let by_entries = Visibility::UserAcl {
        user: team.eve.0,
        action: Action::Share,
    };
    let mut since = None;
    for dormant in [false, true, true, false] {
        let mut unit = begin(&team.store).await;
        let found = unit.workspace_dormant_update(team.plans, dormant).await;
        let found = found.unwrap();
        unit.commit().await.unwrap();
        let seen = (found.dormant_at.is_some(), found.shared);
        assert_eq!(seen, (dormant, !dormant));
        assert!(since.is_none() || !dormant || since == found.dormant_at);
        since = found.dormant_at;
        let with_her = WorkspaceFilter {
            shared_with: Some(team.eve),
            ..WorkspaceFilter::default()
        };
        assert_eq!(team.list(with_her).await.count, u64::from(!dormant));
        let mut unit = read(&team.store).await;
        let all = WorkspaceFilter::default();
        let seen = unit.workspace_list(&all, PAGE, &by_entries).await;
        assert_eq!(seen.unwrap().count, u64::from(!dormant));
    }
}
