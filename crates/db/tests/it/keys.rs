//! Keys and providers.

use chrono::Duration;
use db::{Database, DatabaseOptions, Sealer, local::LocalRole};
use model::{
    ProviderId, UserId,
    api_keys::{ApiKeyKind, KeyStanding, NewApiKey},
    groups::GroupUpdate,
    prices::ProviderKind,
    subjects::{SubjectStanding, SubjectVersions},
    users::UserStatus,
};
use secrecy::ExposeSecret;
use store::{
    StoreError,
    providers::{NewProvider, ProviderUpdate},
};

use crate::{
    people::{check_taken, name},
    support::{TestDb, World, begin, id, new_group, read},
};

fn new_key(user: UserId, key_id: &str, kind: ApiKeyKind, token_name: &str) -> NewApiKey {
    NewApiKey {
        id: key_id.to_owned(),
        hashed_secret: [1; 32],
        user_id: user,
        kind,
        token_name: token_name.to_owned(),
        scopes: vec!["all".to_owned()],
        allow_list: vec!["*:*".to_owned()],
        lifetime: Duration::hours(1),
    }
}

/// A token and two sessions.
async fn sign_in(store: &Database, user: UserId) {
    let mut unit = begin(store).await;
    for (key_id, kind, token) in [
        ("token00001", ApiKeyKind::Token, "laptop"),
        ("session001", ApiKeyKind::Session, ""),
        ("session002", ApiKeyKind::Session, ""),
    ] {
        let key = new_key(user, key_id, kind, token);
        unit.api_key_create(&key).await.unwrap();
    }
    unit.commit().await.unwrap();
}

#[tokio::test]
async fn a_key_tells_all_that_a_decision_for_its_owner_needs() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let World { organization, user } = World::new(&store, None).await;
    sign_in(&store, user).await;
    let (team, roles) = (
        new_group("team", organization),
        ["organization-admin".to_owned()],
    );
    let mut unit = begin(&store).await;
    unit.group_create(&team).await.unwrap();
    let add_users = vec![user];
    let join = GroupUpdate {
        add_users,
        ..GroupUpdate::default()
    };
    unit.group_update(team.id, &join).await.unwrap();
    let site_roles = ["auditor".to_owned()];
    unit.user_roles_update(user, &site_roles).await.unwrap();
    let changed = unit
        .organization_member_roles_update(organization, user, &roles)
        .await;
    changed.unwrap();
    unit.commit().await.unwrap();

    let mut unit = read(&store).await;
    let stamp = unit.key_stamp_get("token00001").await.unwrap().unwrap();
    assert_eq!(stamp.hashed_secret, [1; 32]);
    assert_eq!((stamp.username.as_str(), stamp.expired), ("ada", false));
    // Made and joined, then changed in three ways at once; the organization was made.
    let expected = SubjectVersions {
        user: 2,
        organizations: vec![(organization, 1)],
    };
    assert_eq!(stamp.versions, expected);
    let nobody = UserId(uuid::Uuid::from_u128(404));
    let standing = unit.subject_standing_list(&[nobody, user]).await.unwrap();
    let ada = SubjectStanding {
        user_id: user,
        username: stamp.username.clone(),
        status: UserStatus::Active,
        versions: expected.clone(),
    };
    assert_eq!(standing, [ada]);
    let held = unit.subject_roles_get(user).await.unwrap().unwrap();
    assert_eq!(held.site_roles, site_roles);
    let given: Vec<_> = held
        .organizations
        .iter()
        .map(|held| (held.id, held.roles.as_slice()))
        .collect();
    assert_eq!(given, [(organization, roles.as_slice())]);
    assert_eq!(held.group_ids, [team.id]);
    let listed = unit.api_key_list(user).await.unwrap();
    assert_eq!(listed, std::slice::from_ref(&stamp.key));
    let asked = ["nothing000", "token00001", "session001"].map(str::to_owned);
    let standing = |id: &str, expired| KeyStanding {
        id: id.to_owned(),
        user_id: user,
        expired,
        status: UserStatus::Active,
        versions: expected.clone(),
    };
    for (shift, expired) in [("0 hours", false), ("2 hours", true)] {
        db.shift_time(shift).await;
        let mut found = unit.key_standing_list(&asked).await.unwrap();
        found.sort_by(|one, other| one.id.cmp(&other.id));
        let known = ["session001", "token00001"];
        assert_eq!(found, known.map(|id| standing(id, expired)));
    }
    let stamp = unit.key_stamp_get("token00001").await.unwrap().unwrap();
    assert!(stamp.expired);
    assert_eq!(unit.key_standing_list(&[]).await.unwrap(), []);
}

#[tokio::test]
async fn keys_end_with_their_owner() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let user = World::new(&store, None).await.user;
    sign_in(&store, user).await;
    let again = new_key(user, "token00002", ApiKeyKind::Token, "Laptop");
    let again = begin(&store).await.api_key_create(&again).await;
    check_taken(again, "api_keys_user_id_token_name_key");

    let mut unit = begin(&store).await;
    let ended = unit.api_key_delete_sessions(user, Some("session001")).await;
    assert_eq!(ended.unwrap(), 1);
    unit.api_key_delete("token00001").await.unwrap();
    let gone = unit.api_key_delete("token00001").await;
    assert!(matches!(gone, Err(StoreError::NotFound)), "{gone:?}");
    let suspended = UserStatus::Suspended;
    unit.user_status_update(user, suspended).await.unwrap();
    let stamp = unit.key_stamp_get("session001").await.unwrap().unwrap();
    assert_eq!(stamp.status, suspended);
    unit.user_delete(user).await.unwrap();
    assert_eq!(unit.key_stamp_get("session001").await.unwrap(), None);
    let asked = ["session001".to_owned()];
    assert_eq!(unit.key_standing_list(&asked).await.unwrap(), []);
    assert_eq!(unit.subject_roles_get(user).await.unwrap(), None);
    let late = new_key(user, "late000001", ApiKeyKind::Session, "");
    let late = unit.api_key_create(&late).await;
    assert!(matches!(late, Err(StoreError::NotFound)), "{late:?}");
}

#[tokio::test]
async fn a_session_is_in_admin_mode_for_a_while_and_a_token_never() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let user = World::new(&store, None).await.user;
    sign_in(&store, user).await;
    let begin_for = async |key: &str, minutes: i64| {
        let mut unit = begin(&store).await;
        let until = unit.admin_mode_begin(key, Duration::minutes(minutes)).await;
        unit.commit().await.unwrap();
        until
    };
    let until_of = async |key: &str| {
        let stamp = read(&store).await.key_stamp_get(key).await.unwrap();
        stamp.unwrap().admin_mode_until
    };
    for missing in ["token00001", "nothing000"] {
        let refused = begin_for(missing, 10).await;
        assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
    }
    let until = begin_for("session001", 10).await.unwrap();
    begin_for("session002", 10).await.unwrap();
    assert_eq!(until_of("session001").await, Some(until));
    assert_eq!(until_of("token00001").await, None);
    for (shift, inside) in [
        ("9 minutes 50 seconds", true),
        ("10 minutes 10 seconds", false),
    ] {
        db.shift_time(shift).await;
        assert_eq!(until_of("session001").await.is_some(), inside, "{shift}");
    }
    // No longer than the session, which has less than fifty minutes left.
    let ends = read(&store).await.api_key_get("session001").await.unwrap();
    let until = begin_for("session001", 120).await.unwrap();
    assert_eq!(until, ends.unwrap().expires_at);
    begin_for("session002", 10).await.unwrap();
    let mut unit = begin(&store).await;
    unit.admin_mode_end("session002").await.unwrap();
    unit.admin_mode_end("session002").await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(until_of("session002").await, None);
    // A password change spares the session that it came by, but not its admin mode.
    let mut unit = begin(&store).await;
    let ended = unit.api_key_delete_sessions(user, Some("session001")).await;
    assert_eq!(ended.unwrap(), 1);
    unit.commit().await.unwrap();
    assert_eq!(until_of("session001").await, None);
    db.shift_time("2 hours").await;
    let late = begin_for("session001", 10).await;
    assert!(matches!(late, Err(StoreError::NotFound)), "{late:?}");
}

#[tokio::test]
async fn providers_are_sealed_at_rest() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let new = NewProvider {
        id: ProviderId(id()),
        name: name("OpenAI"),
        kind: ProviderKind::OpenAi,
        base_url: "https://api.openai.com/v1".parse().unwrap(),
        api_key: "sk-first".into(),
    };
    let mut unit = begin(&store).await;
    unit.provider_create(&new).await.unwrap();
    unit.commit().await.unwrap();
    check_taken(
        begin(&store)
            .await
            .provider_create(&NewProvider {
                id: ProviderId(id()),
                ..new.clone()
            })
            .await,
        "ai_providers_name_key",
    );

    let mut unit = read(&store).await;
    let found = unit.provider_get(&name("openai")).await.unwrap().unwrap();
    assert_eq!((found.id, found.kind), (new.id, ProviderKind::OpenAi));
    assert_eq!(
        unit.provider_list(&rbac::Visibility::All).await.unwrap(),
        [found]
    );
    let key = unit.provider_key_get(new.id).await.unwrap().unwrap();
    assert_eq!(key.api_key.expose_secret(), "sk-first");

    let client = db.client(LocalRole::Superuser).await;
    let select = "SELECT ciphertext, key_id FROM ai_providers";
    let row = client.query_one(select, &[]).await.unwrap();
    let (ciphertext, key_id): (Vec<u8>, String) = (row.get(0), row.get(1));
    assert!(!ciphertext.windows(8).any(|part| part == b"sk-first"));
    assert_eq!(key_id, Sealer::from_key(&[7; 32]).key_id());

    let options = DatabaseOptions::new(db.url(LocalRole::App).await);
    let other = Database::connect(options, Sealer::from_key(&[8; 32]))
        .await
        .unwrap();
    assert_eq!(store.providers_sealed_otherwise().await.unwrap(), [""; 0]);
    assert_eq!(
        other.providers_sealed_otherwise().await.unwrap(),
        ["OpenAI"]
    );
    let refused = read(&other).await.provider_key_get(new.id).await;
    assert!(
        matches!(refused, Err(StoreError::Internal(_))),
        "{refused:?}"
    );

    let mut unit = begin(&store).await;
    let update = ProviderUpdate {
        api_key: Some("sk-next".into()),
        ..ProviderUpdate::default()
    };
    unit.provider_update(new.id, &update).await.unwrap();
    let key = unit.provider_key_get(new.id).await.unwrap().unwrap();
    assert_eq!(key.api_key.expose_secret(), "sk-next");
    unit.provider_delete(new.id).await.unwrap();
    assert!(unit.provider_key_get(new.id).await.unwrap().is_none());
}
