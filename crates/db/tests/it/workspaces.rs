//! Workspaces and their ACLs in the database: names, sleep, entries that follow memberships, and what the audit log
//! says of them.

use db::{Database, local::LocalRole};
use model::{
    GroupId, OrganizationId, Page, PageRequest, UserId, WorkspaceId,
    acl::{AclDiff, AclPrincipals, AclRole, Principal},
    audit::{AuditAction, AuditFilter},
    users::{LoginType, NewUser, UserStatus},
    workspaces::{
        NewWorkspace, OwnerFilter, Workspace, WorkspaceAccess, WorkspaceFilter,
        WorkspaceRole::{self, Admin, Use},
        WorkspaceUpdate,
    },
};
use rbac::{Action, Object, ShareableOwners, Visibility};
use serde_json::json;
use store::StoreError;
use uuid::Uuid;

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

fn new_workspace(name: &str, organization: OrganizationId, owner: UserId) -> NewWorkspace {
    NewWorkspace {
        id: WorkspaceId(id()),
        organization_id: organization,
        owner_id: owner,
        name: name.parse().unwrap(),
        description: String::new(),
    }
}

fn entries(entries: &[(Principal, WorkspaceRole)]) -> AclDiff {
    let set = entries
        .iter()
        .map(|(principal, role)| (*principal, role.as_str()));
    AclDiff {
        set: set.collect(),
        removed: Vec::new(),
    }
}

async fn share(store: &Database, id: WorkspaceId, shared: &[(Principal, WorkspaceRole)]) {
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
struct Team {
    db: TestDb,
    store: Database,
    acme: OrganizationId,
    ada: UserId,
    bob: UserId,
    eve: UserId,
    joe: UserId,
    crew: GroupId,
    plans: WorkspaceId,
}

impl Team {
    async fn new() -> Self {
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

    async fn access(&self) -> WorkspaceAccess {
        let found = read(&self.store).await.workspace_get(self.plans).await;
        found.unwrap().unwrap()
    }

    async fn list(&self, filter: WorkspaceFilter) -> Page<Workspace> {
        let mut unit = read(&self.store).await;
        let found = unit.workspace_list(&filter, PAGE, &Visibility::All).await;
        found.unwrap()
    }

    /// The audit lines about workspaces after the first ones: action, target, difference.
    async fn lines(&self, seen: usize) -> Vec<(AuditAction, String, serde_json::Value)> {
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
async fn a_change_of_an_acl_is_one_line_with_what_differs() {
    let team = Team::new().await;
    let (bob, crew) = (Principal::User(team.bob), Principal::Group(team.crew));
    let eve = Principal::User(team.eve);
    share(&team.store, team.plans, &[(bob, Use), (crew, Use)]).await;
    // In one transaction: one becomes more, one comes, one goes, and one comes and goes.
    let mut unit = begin(&team.store).await;
    let change = AclDiff {
        set: vec![(bob, "admin"), (eve, "use")],
        removed: vec![crew],
    };
    unit.workspace_acl_update(team.plans, &change)
        .await
        .unwrap();
    let everyone = Principal::Group(team.acme.everyone());
    for change in [
        entries(&[(everyone, Use)]),
        AclDiff {
            set: vec![],
            removed: vec![everyone],
        },
        entries(&[(eve, Use)]),
    ] {
        unit.workspace_acl_update(team.plans, &change)
            .await
            .unwrap();
    }
    unit.commit().await.unwrap();
    let map = |entries: &[(Uuid, &str)]| -> serde_json::Value {
        let entries = entries
            .iter()
            .map(|(id, role)| (id.to_string(), json!(role)));
        entries.collect::<serde_json::Map<_, _>>().into()
    };
    let side = |old: &[(Uuid, &str)], new: &[(Uuid, &str)]| json!({"old": map(old), "new": map(new), "secret": false});
    let (b, e, c) = (team.bob.0, team.eve.0, team.crew.0);
    let diffs: Vec<_> = team.lines(1).await.into_iter().map(|line| line.2).collect();
    assert_eq!(
        diffs,
        [
            json!({"user_acl": side(&[], &[(b, "use")]), "group_acl": side(&[], &[(c, "use")])}),
            json!({
                "user_acl": side(&[(b, "use")], &[(b, "admin"), (e, "use")]),
                "group_acl": side(&[(c, "use")], &[]),
            }),
        ]
    );
    // Whoever leaves takes their entry with them, and the log says so, by whatever way they left.
    let owner = team.db.client(LocalRole::Owner).await;
    let leave = format!(
        "BEGIN; SELECT set_config('bursar.actor_name', 'test', true); \
         DELETE FROM organization_members WHERE user_id = '{b}'; COMMIT"
    );
    owner.batch_execute(&leave).await.unwrap();
    let lines = team.lines(3).await;
    let gone = json!({"user_acl": side(&[(b, "admin")], &[])});
    assert_eq!(lines, [(AuditAction::Write, "Plans".to_owned(), gone)]);
    // The end of the workspace is its own line, before that of its entries.
    let mut unit = begin(&team.store).await;
    unit.workspace_delete(team.plans).await.unwrap();
    unit.commit().await.unwrap();
    let lines = team.lines(4).await;
    let actions: Vec<_> = lines.iter().map(|line| line.0).collect();
    assert_eq!(actions, [AuditAction::Delete, AuditAction::Write]);
    assert_eq!(lines[1].2, json!({"user_acl": side(&[(e, "use")], &[])}));

    // No entry without an actor, and no note left behind.
    let by_nobody = format!("DELETE FROM organization_members WHERE user_id = '{e}'");
    assert!(owner.batch_execute(&by_nobody).await.is_err());
    let left = owner
        .query_one("SELECT count(*) FROM acl_changes", &[])
        .await;
    assert_eq!(left.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn only_principals_of_the_organization_can_be_in_an_acl() {
    let team = Team::new().await;
    let mut unit = begin(&team.store).await;
    let beta = new_organization("beta");
    unit.organization_create(&beta).await.unwrap();
    let suspended = UserStatus::Suspended;
    unit.user_status_update(team.eve, suspended).await.unwrap();
    let everyone = [team.acme.everyone(), beta.id.everyone()];
    let wanted = AclPrincipals {
        users: [team.ada, team.bob, team.eve, team.joe, UserId(id())].into(),
        groups: [team.crew, everyone[0], everyone[1], GroupId(id())].into(),
    };
    let found = unit.acl_principal_lock(team.acme, &wanted).await.unwrap();
    assert_eq!(found.users, [team.ada, team.bob].into());
    assert_eq!(found.groups, [team.crew, everyone[0]].into());
    unit.commit().await.unwrap();
    for (principal, constraint) in [
        (
            Principal::User(team.joe),
            "workspace_acl_organization_member_fkey",
        ),
        (Principal::Group(everyone[1]), "workspace_acl_group_fkey"),
    ] {
        let mut unit = begin(&team.store).await;
        let change = entries(&[(principal, Use)]);
        let refused = unit.workspace_acl_update(team.plans, &change).await;
        assert!(
            matches!(&refused, Err(StoreError::Violated(named)) if named == constraint),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn an_organizations_rule_ends_what_may_not_be_shared() {
    let team = Team::new().await;
    let robot = NewUser {
        login_type: LoginType::None,
        ..new_user("robot", &[team.acme])
    };
    let own = new_workspace("own", team.acme, robot.id);
    let mut unit = begin(&team.store).await;
    unit.user_create(&robot).await.unwrap();
    unit.workspace_create(&own).await.unwrap();
    unit.commit().await.unwrap();
    let two = [
        (Principal::User(team.bob), Use),
        (Principal::Group(team.crew), Admin),
    ];
    share(&team.store, own.id, &two).await;
    share(&team.store, team.plans, &two).await;
    let found = read(&team.store).await.workspace_get(own.id).await.unwrap();
    assert!(found.unwrap().owner_service_account);
    assert!(!team.access().await.owner_service_account);
    for (settings, ended, left) in [
        (ShareableOwners::Everyone, 0, [2, 2]),
        (ShareableOwners::ServiceAccounts, 2, [0, 2]),
        (ShareableOwners::ServiceAccounts, 0, [0, 2]),
        (ShareableOwners::None, 2, [0, 0]),
    ] {
        let mut unit = begin(&team.store).await;
        let trimmed = unit.workspace_acl_trim(team.acme, settings).await;
        assert_eq!(trimmed.unwrap(), ended, "{settings}");
        for (id, entries) in [team.plans, own.id].into_iter().zip(left) {
            let found = unit.workspace_get(id).await.unwrap().unwrap();
            assert_eq!(found.acl.len(), entries, "{settings}");
            assert_eq!(found.workspace.shared, entries > 0, "{settings}");
        }
        unit.commit().await.unwrap();
    }
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
    // What sleeps is shared with nobody, and has slept since it fell asleep.
    share(
        &team.store,
        team.plans,
        &[(Principal::User(team.eve), Admin)],
    )
    .await;
    check(&|f| f.shared_with = Some(team.eve), &["a-plan", "Plans"]).await;
    let mut since = None;
    for (dormant, expected) in [
        (true, &["a-plan"][..]),
        (true, &["a-plan"]),
        (false, &["a-plan", "Plans"]),
    ] {
        let mut unit = begin(&team.store).await;
        let found = unit
            .workspace_dormant_update(team.plans, dormant)
            .await
            .unwrap();
        unit.commit().await.unwrap();
        assert_eq!(
            (found.dormant_at.is_some(), found.shared),
            (dormant, !dormant)
        );
        assert!(since.is_none() || !dormant || since == found.dormant_at);
        since = found.dormant_at;
        check(&|f| f.shared_with = Some(team.eve), expected).await;
        let entries = Visibility::UserAcl {
            user: team.eve.0,
            action: Action::Share,
        };
        let mut unit = read(&team.store).await;
        let seen = unit
            .workspace_list(&WorkspaceFilter::default(), PAGE, &entries)
            .await;
        assert_eq!(seen.unwrap().count, u64::from(!dormant));
    }
}
