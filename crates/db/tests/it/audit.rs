//! The audit log: every audited table, cascades, secrets, and no change without an actor.

use db::{Database, local::LocalRole};
use model::{
    GroupId, Micros, OrganizationId, PageRequest, ProviderId, UserId,
    api_keys::{ApiKeyKind, NewApiKey},
    audit::{AuditAction, AuditEntry, AuditFilter, RefusedWrite},
    budgets::GroupBudgetUpsert,
    groups::GroupUpdate,
    organizations::OrganizationUpdate,
    prices::ProviderKind,
    users::{PasswordHash, UserStatus},
};
use rbac::Visibility;
use store::{
    Store, StoreError, WriteContext,
    providers::{NewProvider, ProviderUpdate},
};
use uuid::Uuid;

use crate::support::{TestDb, begin, id, new_group, new_organization, new_user, read};

const ALL: PageRequest = PageRequest {
    limit: 1000,
    offset: 0,
};

/// All lines, the oldest first.
async fn log(store: &Database, filter: &AuditFilter) -> Vec<AuditEntry> {
    let page = read(store)
        .await
        .audit_list(filter, ALL, &Visibility::All)
        .await
        .unwrap();
    assert_eq!(page.count, u64::try_from(page.items.len()).ok());
    page.items.into_iter().rev().collect()
}

/// The lines as `action type target`, the oldest first, and none left for the next call.
struct Reader {
    seen: usize,
}

impl Reader {
    async fn new(store: &Database) -> Self {
        let seen = log(store, &AuditFilter::default()).await.len();
        Self { seen }
    }

    async fn check(&mut self, store: &Database, expected: &[&str]) {
        let lines = log(store, &AuditFilter::default()).await;
        let new: Vec<String> = lines[self.seen..]
            .iter()
            .map(|line| {
                let action = format!("{:?}", line.action).to_lowercase();
                let text = format!("{action} {} {}", line.resource_type, line.resource_target);
                let code = match line.action {
                    AuditAction::Create => 201,
                    AuditAction::Write => 200,
                    AuditAction::Delete => 204,
                };
                assert_eq!(line.status_code, code, "{text}");
                assert_eq!(line.actor_name, "test");
                text.trim_end().to_owned()
            })
            .collect();
        self.seen = lines.len();
        assert_eq!(new, expected);
    }
}

fn key(user: UserId, key_id: &str, name: &str) -> NewApiKey {
    NewApiKey {
        id: key_id.to_owned(),
        hashed_secret: [0xab; 32],
        user_id: user,
        kind: ApiKeyKind::Token,
        token_name: name.to_owned(),
        scopes: vec!["all".to_owned()],
        allow_list: vec!["*:*".to_owned()],
        lifetime: chrono::Duration::hours(1),
    }
}

/// One of everything that is audited, providers aside.
struct Lively {
    acme: OrganizationId,
    beta: OrganizationId,
    ada: UserId,
    team: GroupId,
}

impl Lively {
    async fn new(store: &Database) -> Self {
        let (acme, beta) = (new_organization("acme"), new_organization("beta"));
        let (ada, team) = (new_user("ada", &[acme.id]), new_group("team", acme.id));
        let mut unit = begin(store).await;
        unit.organization_create(&acme).await.unwrap();
        unit.organization_create(&beta).await.unwrap();
        unit.user_create(&ada).await.unwrap();
        unit.group_create(&team).await.unwrap();
        let add_users = vec![ada.id];
        let join = GroupUpdate {
            add_users,
            ..GroupUpdate::default()
        };
        unit.group_update(team.id, &join).await.unwrap();
        unit.group_budget_upsert(team.id, &GroupBudgetUpsert::limit(Micros(5)))
            .await
            .unwrap();
        let laptop = key(ada.id, "0123456789", "laptop");
        unit.api_key_create(&laptop).await.unwrap();
        unit.commit().await.unwrap();
        Self {
            acme: acme.id,
            beta: beta.id,
            ada: ada.id,
            team: team.id,
        }
    }
}

#[tokio::test]
async fn what_is_made_is_recorded() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let mut reader = Reader::new(&store).await;
    Lively::new(&store).await;
    let created = [
        "create organization acme",
        "create group Everyone",
        "create assign_org_role organization-member",
        "create assign_org_role organization-service-account",
        "create organization beta",
        "create group Everyone",
        "create assign_org_role organization-member",
        "create assign_org_role organization-service-account",
        "create user ada",
        "create organization_member ada",
        "create group team",
        "create group_member ada",
        "create ai_budget team",
        "create api_key laptop",
    ];
    reader.check(&store, &created).await;
}

#[tokio::test]
async fn what_changes_is_recorded_and_nothing_else() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let Lively {
        acme, ada, team, ..
    } = Lively::new(&store).await;
    let mut reader = Reader::new(&store).await;
    let mut unit = begin(&store).await;
    let rename = OrganizationUpdate {
        name: Some("apex".parse().unwrap()),
        ..OrganizationUpdate::default()
    };
    unit.organization_update(acme, &rename).await.unwrap();
    let suspended = UserStatus::Suspended;
    unit.user_status_update(ada, suspended).await.unwrap();
    // Neither a sign-in nor a change to what is already so is worth a line.
    unit.user_seen(ada).await.unwrap();
    unit.user_status_update(ada, suspended).await.unwrap();
    let hash = PasswordHash("$other".to_owned());
    unit.user_password_update(ada, &hash).await.unwrap();
    let roles = ["organization-admin".to_owned()];
    let changed = unit
        .organization_member_roles_update(acme, ada, &roles)
        .await;
    changed.unwrap();
    let rename = GroupUpdate {
        name: Some("crew".parse().unwrap()),
        ..GroupUpdate::default()
    };
    unit.group_update(team, &rename).await.unwrap();
    unit.group_budget_upsert(team, &GroupBudgetUpsert::limit(Micros(6)))
        .await
        .unwrap();
    unit.commit().await.unwrap();
    let changed = [
        "write organization apex",
        "write user ada",
        "write user ada",
        "write organization_member ada",
        "write group crew",
        "write ai_budget crew",
    ];
    reader.check(&store, &changed).await;
}

#[tokio::test]
async fn what_is_removed_is_recorded_with_all_that_goes_with_it() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let Lively {
        beta, ada, team, ..
    } = Lively::new(&store).await;
    let mut reader = Reader::new(&store).await;
    let mut unit = begin(&store).await;
    unit.user_delete(ada).await.unwrap();
    unit.group_delete(team).await.unwrap();
    unit.organization_delete(beta).await.unwrap();
    unit.commit().await.unwrap();
    let deleted = [
        "delete group_member ada",
        "delete organization_member ada",
        "delete api_key laptop",
        "delete user ada",
        "delete ai_budget team",
        "delete group team",
        "delete group Everyone",
        "delete organization beta",
    ];
    reader.check(&store, &deleted).await;
}

#[tokio::test]
async fn rows_removed_by_cascade_are_recorded() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let Lively { acme, team, .. } = Lively::new(&store).await;
    let mut reader = Reader::new(&store).await;
    let seen = reader.seen;
    let owner = db.client(LocalRole::Owner).await;
    let delete = format!(
        "BEGIN; SELECT set_config('bursar.actor_name', 'test', true); \
         DELETE FROM groups WHERE id = '{team}'; COMMIT"
    );
    owner.batch_execute(&delete).await.unwrap();
    // The budget goes before its group, so that its line can name it.
    let gone = [
        "delete ai_budget team",
        "delete group team",
        "delete group_member ada",
    ];
    reader.check(&store, &gone).await;
    let lines = log(&store, &AuditFilter::default()).await;
    assert!(
        lines[seen..]
            .iter()
            .all(|line| line.organization_id == Some(acme))
    );
}

#[tokio::test]
async fn nothing_changes_without_an_actor() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let nobody = WriteContext {
        user_id: None,
        actor_name: String::new(),
        request_id: None,
    };
    let mut unit = store.begin(&nobody).await.unwrap();
    let refused = unit.organization_create(&new_organization("acme")).await;
    let required = |name: &StoreError| matches!(name, StoreError::Violated(name) if name == "audit_actor_required");
    assert!(refused.as_ref().is_err_and(required), "{refused:?}");
    drop(unit);

    // As the owner too, and outside a unit of work.
    let owner = db.client(LocalRole::Owner).await;
    let insert = "INSERT INTO organizations (id, name) VALUES (gen_random_uuid(), 'acme')";
    let refused = owner.batch_execute(insert).await.unwrap_err();
    let refused = refused.as_db_error().and_then(|error| error.constraint());
    assert_eq!(refused, Some("audit_actor_required"));
    assert_eq!(log(&store, &AuditFilter::default()).await, []);
}

#[tokio::test]
async fn the_actor_of_one_unit_does_not_leak_into_the_next() {
    let db = TestDb::new().await;
    let store = db.store_with(|options| options.max_connections = 1).await;
    begin(&store).await.commit().await.unwrap();
    let nobody = WriteContext {
        user_id: None,
        actor_name: String::new(),
        request_id: None,
    };
    let mut unit = store.begin(&nobody).await.unwrap();
    assert!(
        unit.organization_create(&new_organization("acme"))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn secrets_are_recorded_as_changed_but_never_by_value() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let ada = new_user("ada", &[]);
    let mut unit = begin(&store).await;
    unit.user_create(&ada).await.unwrap();
    let hash = PasswordHash("$other-hash".to_owned());
    unit.user_password_update(ada.id, &hash).await.unwrap();
    let laptop = key(ada.id, "0123456789", "laptop");
    unit.api_key_create(&laptop).await.unwrap();
    unit.commit().await.unwrap();

    check_absent(&db, &["secret-hash", "other-hash", &"ab".repeat(32)]).await;
    let lines = log(&store, &AuditFilter::default()).await;
    check_secret(&lines[0], "hashed_password", true);
    check_secret(&lines[0], "username", false);
    assert_eq!(lines[0].diff["username"]["new"], "ada");
    let changed = lines[1].diff.as_object().unwrap().keys();
    assert_eq!(changed.collect::<Vec<_>>(), ["hashed_password"]);
    check_secret(&lines[2], "hashed_secret", true);
}

#[tokio::test]
async fn a_providers_key_is_not_recorded_even_sealed() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let provider = NewProvider {
        id: ProviderId(id()),
        name: "openai".parse().unwrap(),
        kind: ProviderKind::OpenAi,
        base_url: "https://api.openai.com/v1".parse().unwrap(),
        api_key: "sk-very-secret".into(),
    };
    let mut unit = begin(&store).await;
    unit.provider_create(&provider).await.unwrap();
    let update = ProviderUpdate {
        api_key: Some("sk-new".into()),
        ..ProviderUpdate::default()
    };
    unit.provider_update(provider.id, &update).await.unwrap();
    unit.provider_delete(provider.id).await.unwrap();
    unit.commit().await.unwrap();

    check_absent(&db, &["sk-very-secret", "sk-new"]).await;
    let lines = log(&store, &AuditFilter::default()).await;
    for line in &lines {
        check_secret(line, "ciphertext", true);
        check_secret(line, "nonce", true);
    }
    let actions: Vec<_> = lines.iter().map(|line| line.action).collect();
    let expected = [AuditAction::Create, AuditAction::Write, AuditAction::Delete];
    assert_eq!(actions, expected);
}

/// Nowhere in the whole log.
async fn check_absent(db: &TestDb, secrets: &[&str]) {
    let client = db.client(LocalRole::Superuser).await;
    let select = "SELECT string_agg(audit_logs::text, '\n') FROM audit_logs";
    let row = client.query_one(select, &[]).await.unwrap();
    let text: String = row.get(0);
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

fn check_secret(entry: &AuditEntry, column: &str, secret: bool) {
    let found = &entry.diff[column];
    assert_eq!(found["secret"], secret, "{column}: {entry:?}");
    if secret {
        assert_eq!(found["old"], "", "{column}: {entry:?}");
        assert_eq!(found["new"], "", "{column}: {entry:?}");
    }
}

/// Two organizations, a person, and a refused write of hers in this request.
async fn refused_once(store: &Database) -> (OrganizationId, OrganizationId, UserId, Uuid) {
    let (acme, beta) = (new_organization("acme"), new_organization("beta"));
    let (ada, request) = (new_user("ada", &[acme.id]), id());
    let mut unit = begin(store).await;
    unit.organization_create(&acme).await.unwrap();
    unit.organization_create(&beta).await.unwrap();
    unit.user_create(&ada).await.unwrap();
    unit.commit().await.unwrap();
    let by_ada = WriteContext {
        user_id: Some(ada.id),
        actor_name: "ada".to_owned(),
        request_id: Some(request),
    };
    let refused = RefusedWrite {
        action: AuditAction::Delete,
        resource_type: "organization".to_owned(),
        resource_target: "acme".to_owned(),
        status_code: 403,
    };
    let mut unit = store.begin(&by_ada).await.unwrap();
    unit.audit_refused(&refused).await.unwrap();
    unit.commit().await.unwrap();
    (acme.id, beta.id, ada.id, request)
}

#[tokio::test]
async fn only_what_is_visible_is_listed_and_counted() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let (acme, ..) = refused_once(&store).await;
    let check = async |visibility: Visibility, expected: u64| {
        let filter = AuditFilter::default();
        let mut unit = read(&store).await;
        let page = unit.audit_list(&filter, ALL, &visibility).await.unwrap();
        assert_eq!(page.count, Some(expected), "{visibility:?}");
        assert_eq!(page.items.len(), usize::try_from(expected).unwrap());
    };
    check(Visibility::All, 11).await;
    check(Visibility::None, 0).await;
    check(Visibility::OrgIn(vec![acme.0]), 5).await;
    check(Visibility::OrgIsNull, 2).await;
    check(Visibility::IdIn(vec![acme.0]), 0).await;
}

#[tokio::test]
async fn entries_are_filtered_and_paged() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let (_, beta, ada, request) = refused_once(&store).await;
    let lines = log(&store, &AuditFilter::default()).await;
    let last = lines.last().unwrap().clone();
    let seen = (last.status_code, last.user_id, last.request_id);
    assert_eq!(seen, (403, Some(ada), Some(request)));
    let check = async |change: &dyn Fn(&mut AuditFilter), expected: usize| {
        let mut filter = AuditFilter::default();
        change(&mut filter);
        assert_eq!(log(&store, &filter).await.len(), expected, "{filter:?}");
    };
    check(&|f| f.resource_type = Some("group".to_owned()), 2).await;
    check(&|f| f.action = Some(AuditAction::Delete), 1).await;
    check(&|f| f.user_id = Some(ada), 1).await;
    check(&|f| f.request_id = Some(request), 1).await;
    check(&|f| f.organization_id = Some(beta), 4).await;
    check(&|f| f.resource_id = Some(ada.to_string()), 2).await;
    check(&|f| f.since = Some(last.time), 1).await;
    check(&|f| f.until = Some(last.time), 10).await;

    let page = PageRequest {
        limit: 2,
        offset: 1,
    };
    let filter = AuditFilter::default();
    let mut unit = read(&store).await;
    let page = unit
        .audit_list(&filter, page, &Visibility::All)
        .await
        .unwrap();
    assert_eq!((page.items.len(), page.count), (2, Some(11)));
    assert_eq!(page.items[0], lines[9]);
}
