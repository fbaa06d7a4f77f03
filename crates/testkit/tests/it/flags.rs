//! What comes with membership, by an organization's rule about sharing: the table of six rows, asked over HTTP at two
//! servers, by sessions that stay open while the rule changes.

use std::collections::BTreeMap;

use bursar::demo::{PASSWORD, member_of};
use bursar_sdk::{
    AuthorizationCheck, AuthorizationCheckQuery, AuthorizationObject, AuthorizationRequest, Client,
    CreateWorkspaceRequest, ShareableWorkspaceOwners as Rule, UpdateAclRequest,
    UpdateWorkspaceSharingSettingsRequest, client::Error,
};
use testkit::{ServerOptions, TestServer, World};
use uuid::Uuid;

use crate::support::{Person, login, member, roles, world};

/// Who a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Member,
    ServiceAccount,
}
use Kind::{Member, ServiceAccount};

/// The table: who, the rule, and whether they read members, read groups, are denied sharing in the organization, and
/// are denied sharing their own.
const TABLE: [(Kind, Rule, [bool; 4]); 6] = [
    (Member, Rule::Everyone, [true, true, false, false]),
    (Member, Rule::None, [false, false, true, true]),
    (Member, Rule::ServiceAccounts, [true, false, false, true]),
    (ServiceAccount, Rule::Everyone, [true, true, false, false]),
    (ServiceAccount, Rule::None, [false, false, true, false]),
    (
        ServiceAccount,
        Rule::ServiceAccounts,
        [true, true, false, false],
    ),
];

/// Every change from one rule to another, in one walk.
const WALK: [Rule; 7] = [
    Rule::Everyone,
    Rule::None,
    Rule::ServiceAccounts,
    Rule::Everyone,
    Rule::ServiceAccounts,
    Rule::None,
    Rule::Everyone,
];

/// Two people of a kind: one with nothing but membership and the organization's default roles, and one who may share
/// anybody's workspace unless that is denied.
struct Pair {
    kind: Kind,
    plain: Person,
    /// The plain one's workspace.
    workspace: Uuid,
    admin: Person,
}

struct Scene {
    world: World,
    second: TestServer,
    pairs: [Pair; 2],
}

/// A person who signs in, as opposed to a service account.
async fn human(world: &World, name: &str, given: &[&str]) -> Person {
    let (owner, acme) = (&world.cast.owner, world.cast.organization_id);
    let made = member_of(owner, name, acme).await.unwrap();
    let given = roles(given);
    let changed = owner.organization_member_roles_update(acme, made.id, &given);
    changed.await.unwrap();
    let email = format!("{name}@example.com");
    let client = login(world.server.nobody(), &email, PASSWORD)
        .await
        .unwrap();
    Person {
        id: made.id,
        client,
    }
}

impl Scene {
    async fn new() -> Self {
        let world = world().await;
        let options = ServerOptions::default();
        let second = TestServer::start(&world.database, &options).await.unwrap();
        let admin = ["organization-admin"];
        let mia = human(&world, "mia", &[]).await;
        let max = human(&world, "max", &admin).await;
        let bot = member(&world, "bot", &[]).await;
        let bob = member(&world, "bob", &admin).await;
        let mut pairs = Vec::new();
        for (kind, plain, admin) in [(Member, mia, max), (ServiceAccount, bot, bob)] {
            let new = CreateWorkspaceRequest {
                name: "plans".to_owned(),
                ..CreateWorkspaceRequest::default()
            };
            let made = plain.client.workspace_create("acme", &new).await.unwrap();
            pairs.push(Pair {
                kind,
                plain,
                workspace: made.id,
                admin,
            });
        }
        Self {
            world,
            second,
            pairs: pairs.try_into().ok().unwrap(),
        }
    }

    fn servers(&self) -> [&TestServer; 2] {
        [&self.world.server, &self.second]
    }

    async fn set(&self, rule: Rule) {
        let word = serde_json::to_value(rule).unwrap();
        let body = UpdateWorkspaceSharingSettingsRequest {
            shareable_workspace_owners: word.as_str().map(str::to_owned),
            ..Default::default()
        };
        let owner = &self.world.cast.owner;
        let set = owner.workspace_sharing_update("acme", &body).await.unwrap();
        assert_eq!(set.shareable_workspace_owners, rule);
    }

    /// Shares a workspace with the cast's member.
    async fn share(&self, caller: &Client, workspace: Uuid) -> u16 {
        let ada = self.world.cast.member_id.to_string();
        let body = UpdateAclRequest {
            user_roles: BTreeMap::from([(ada, "use".to_owned())]),
            ..UpdateAclRequest::default()
        };
        status(&caller.workspace_acl_update(workspace, &body).await)
    }

    /// Whether they read others of the organization, groups that they are not in, share anybody's, share their own.
    fn questions(&self, somebody: Uuid) -> AuthorizationRequest {
        let acme = Some(self.world.cast.organization_id);
        let question = |name: &str, resource: &str, action: &str, owner: Option<String>| {
            let object = AuthorizationObject {
                resource_type: resource.to_owned(),
                organization_id: acme,
                owner_id: owner,
                ..AuthorizationObject::default()
            };
            let action = action.to_owned();
            (name.to_owned(), AuthorizationCheck { object, action })
        };
        let checks = [
            question("members", "organization_member", "read", None),
            question("groups", "group", "read", None),
            question("own", "workspace", "share", Some("me".to_owned())),
            question("other", "workspace", "share", Some(somebody.to_string())),
        ];
        AuthorizationRequest {
            checks: checks.into(),
        }
    }

    /// What a caller is told, about themself or about somebody else.
    async fn told(&self, caller: &Client, user: Option<Uuid>) -> BTreeMap<String, bool> {
        let query = AuthorizationCheckQuery {
            user: user.map(|user| user.to_string()),
            ..AuthorizationCheckQuery::default()
        };
        // Somebody's whose workspaces nobody here owns.
        let questions = self.questions(self.world.cast.member_id);
        let answers = caller
            .authorization_check(&query, &questions)
            .await
            .unwrap();
        let answers = answers.0.into_iter();
        answers
            .map(|(name, answer)| (name, answer.allowed()))
            .collect()
    }

    /// Holds a row of the table against what its people are answered at a server.
    async fn check(&self, server: &TestServer, pair: &Pair, rule: Rule, flags: [bool; 4]) {
        let [members, groups, denied, denied_own] = flags;
        let shown = format!("{:?} {rule:?}", pair.kind);
        let plain = server.as_caller(&pair.plain.client);

        let seen = plain.organization_member_list("acme").await.unwrap();
        let others = seen.iter().any(|seen| seen.user_id != pair.plain.id);
        assert_eq!(others, members, "{shown}: members");
        let seen = plain.organization_group_list("acme").await.unwrap();
        let group = seen
            .iter()
            .any(|group| group.id == self.world.cast.group_id);
        assert_eq!(group, groups, "{shown}: groups");

        let own = !denied && !denied_own;
        let expected = if own { 204 } else { 403 };
        let shared = self.share(&plain, pair.workspace).await;
        assert_eq!(shared, expected, "{shown}: shares an own workspace");

        let told = self.told(&plain, None).await;
        assert_eq!(told["members"], members, "{shown}: {told:?}");
        assert_eq!(told["groups"], groups, "{shown}: {told:?}");
        assert_eq!(told["own"], own, "{shown}: {told:?}");
        assert!(!told["other"], "{shown}: {told:?}");
        let owner = server.as_caller(&self.world.cast.owner);
        assert_eq!(
            self.told(&owner, Some(pair.plain.id)).await,
            told,
            "{shown}"
        );

        // Whoever may share anybody's workspace: what is denied in the organization beats that.
        let admin = server.as_caller(&pair.admin.client);
        let told = self.told(&admin, None).await;
        assert_eq!(told["other"], !denied, "{shown}: {told:?}");
        // A service account's can be shared unless nobody's can.
        let [_, Pair { workspace, .. }] = &self.pairs;
        let expected = if denied { 403 } else { 204 };
        let shared = self.share(&admin, *workspace).await;
        assert_eq!(shared, expected, "{shown}: shares anybody's");
    }
}

fn status<T>(outcome: &Result<T, Error>) -> u16 {
    match outcome {
        Ok(_) => 204,
        Err(error) => error.api().unwrap().status.as_u16(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_table_holds_at_every_server_through_every_change_of_the_rule() {
    let scene = Scene::new().await;
    let mut tried = 0;
    for rule in WALK {
        scene.set(rule).await;
        let rows = TABLE.iter().filter(|(_, known, _)| *known == rule);
        for (kind, _, flags) in rows {
            let pair = scene.pairs.iter().find(|pair| pair.kind == *kind).unwrap();
            for server in scene.servers() {
                scene.check(server, pair, rule, *flags).await;
            }
            tried += 1;
        }
    }
    assert_eq!(tried, 2 * WALK.len(), "each rule has a row of each kind");
}
