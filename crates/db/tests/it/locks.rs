//! What a lock of a repository holds still: nobody else changes it before the unit ends.

use db::local::LocalRole;
use model::{
    ProviderId, UserId,
    api_keys::{ApiKeyKind, NewApiKey},
    prices::ProviderKind,
};
use store::{StoreError, providers::NewProvider};
use tokio_postgres::Client;

use crate::{
    people::name,
    support::{TestDb, World, begin, id, new_group},
    workspaces::new_workspace,
};

/// Whether somebody else holds the rows of a query.
async fn held(client: &Client, rows: &str) -> bool {
    let query = format!("SELECT 1 FROM {rows} FOR NO KEY UPDATE NOWAIT");
    match client.query(&query, &[]).await {
        Ok(found) => {
            assert!(!found.is_empty(), "{rows} are none");
            false
        }
        Err(error) => {
            let code = error.code().map(|code| code.code().to_owned());
            assert_eq!(code.as_deref(), Some("55P03"), "{rows}: {error:?}");
            true
        }
    }
}

fn new_provider() -> NewProvider {
    NewProvider {
        id: ProviderId(id()),
        name: name("openai"),
        kind: ProviderKind::OpenAi,
        base_url: "https://api.openai.com/v1".parse().unwrap(),
        api_key: "sk-first".into(),
    }
}

fn new_key(user: UserId) -> NewApiKey {
    NewApiKey {
        id: "token00001".to_owned(),
        hashed_secret: [1; 32],
        user_id: user,
        kind: ApiKeyKind::Token,
        token_name: "laptop".to_owned(),
        scopes: vec!["all".to_owned()],
        allow_list: vec!["*:*".to_owned()],
        lifetime: chrono::Duration::hours(1),
    }
}

#[tokio::test]
async fn what_is_locked_is_held_still_until_the_unit_ends() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let World { organization, user } = World::new(&store, None).await;
    let team = new_group("team", organization);
    let mut unit = begin(&store).await;
    unit.group_create(&team).await.unwrap();
    unit.provider_create(&new_provider()).await.unwrap();
    unit.api_key_create(&new_key(user)).await.unwrap();
    unit.commit().await.unwrap();

    let client = db.client(LocalRole::App).await;
    let tables = [
        "users",
        "organization_members",
        "organizations",
        "groups WHERE name = 'team'",
        "api_keys",
        "ai_providers",
    ];
    for (lock, expected) in [
        ("user", &["users", "organization_members"][..]),
        ("organization", &["organizations"]),
        ("group", &["organizations", "groups WHERE name = 'team'"]),
        ("api_key", &["api_keys"]),
        ("provider", &["ai_providers"]),
    ] {
        let mut unit = begin(&store).await;
        let found = match lock {
            "user" => unit.user_lock(user).await.unwrap().is_some(),
            "organization" => unit
                .organization_lock(organization)
                .await
                .unwrap()
                .is_some(),
            "group" => unit.group_lock(team.id).await.unwrap().is_some(),
            "api_key" => unit.api_key_lock("token00001").await.unwrap().is_some(),
            _ => unit.provider_lock(&name("OpenAI")).await.unwrap().is_some(),
        };
        assert!(found, "{lock}");
        for rows in tables {
            let expected = expected.contains(&rows);
            assert_eq!(
                held(&client, rows).await,
                expected,
                "{lock}_lock holds {rows}"
            );
        }
        unit.commit().await.unwrap();
        for rows in tables {
            assert!(!held(&client, rows).await, "{rows} after {lock}_lock");
        }
    }
    let mut unit = begin(&store).await;
    assert!(unit.api_key_lock("nothing").await.unwrap().is_none());
    assert!(
        unit.provider_lock(&name("nothing"))
            .await
            .unwrap()
            .is_none()
    );
}

/// Whether somebody waits for somebody else's lock in this database.
async fn waiting(client: &Client) -> bool {
    let query = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity \
        WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0)";
    client.query_one(query, &[]).await.unwrap().get(0)
}

/// The two used to wait for each other, until PostgreSQL ended one of them.
#[tokio::test]
async fn an_account_ends_while_a_workspace_is_made_for_it() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let World { organization, user } = World::new(&store, None).await;
    let mut ending = begin(&store).await;
    assert!(ending.user_lock(user).await.unwrap().is_some());
    let other = db.store().await;
    let making = tokio::spawn(async move {
        let new = new_workspace("plans", organization, user);
        begin(&other).await.workspace_create(&new).await
    });
    let client = db.client(LocalRole::App).await;
    while !waiting(&client).await {
        assert!(
            !making.is_finished(),
            "a workspace was made for a locked account"
        );
        tokio::task::yield_now().await;
    }
    ending.user_delete(user).await.unwrap();
    ending.commit().await.unwrap();
    let made = making.await.unwrap();
    assert!(matches!(made, Err(StoreError::Refused(_))), "{made:?}");
}
