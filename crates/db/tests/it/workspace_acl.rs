//! ACLs of workspaces in the database: who can be in them, what ends entries, and what the audit log says.

use db::local::LocalRole;
use model::{
    GroupId, UserId,
    acl::{AclDiff, AclPrincipals, Principal},
    audit::AuditAction,
    users::{LoginType, NewUser, UserStatus},
    workspaces::WorkspaceRole::{Admin, Use},
};
use rbac::ShareableOwners;
use serde_json::json;
use store::StoreError;
use uuid::Uuid;

use crate::{
    support::{begin, id, new_organization, new_user, read},
    workspaces::{Team, entries, new_workspace, share},
};

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
