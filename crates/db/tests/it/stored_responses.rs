//! What AI providers keep: one id is one person's, for ninety days, and nobody's once the person is gone.

use db::{Database, local::LocalRole};
use model::{
    ProviderId, UserId,
    stored_responses::{NewStoredResponse, STORED_IDS_MAX, StoredId},
};
use uuid::Uuid;

use crate::support::{TestDb, World, begin, id, new_user, read};

const PROVIDER: ProviderId = ProviderId(Uuid::from_u128(1));
const OTHER: ProviderId = ProviderId(Uuid::from_u128(2));

fn ids(ids: &[&str]) -> Vec<StoredId> {
    ids.iter().map(|id| id.parse().unwrap()).collect()
}

async fn note(store: &Database, user_id: UserId, names: &[&str]) {
    let new = NewStoredResponse {
        provider_id: PROVIDER,
        user_id,
        ids: ids(names),
    };
    let mut unit = begin(store).await;
    unit.stored_response_create(&new).await.unwrap();
    unit.commit().await.unwrap();
}

/// Which of these ids are the person's, sorted.
async fn own(store: &Database, provider: ProviderId, user: UserId, names: &[&str]) -> Vec<String> {
    let mut unit = read(store).await;
    let found = unit.stored_response_get(provider, user, &ids(names)).await;
    let mut found: Vec<String> = found.unwrap().iter().map(ToString::to_string).collect();
    found.sort();
    found
}

async fn count(db: &TestDb) -> i64 {
    let client = db.client(LocalRole::App).await;
    let count = "SELECT count(*) FROM ai_stored_responses";
    client.query_one(count, &[]).await.unwrap().get(0)
}

async fn two(store: &Database) -> (UserId, UserId) {
    let ada = World::new(store, None).await.user;
    let bob = new_user("bob", &[]);
    let mut unit = begin(store).await;
    unit.user_create(&bob).await.unwrap();
    unit.commit().await.unwrap();
    (ada, bob.id)
}

#[tokio::test]
async fn an_id_is_one_persons_at_one_provider() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let (ada, bob) = two(&store).await;
    note(&store, ada, &["resp_1", "msg_1"]).await;
    note(&store, bob, &["resp_2"]).await;
    // Whoever comes second gets nothing of it, and once is as good as twice.
    note(&store, bob, &["resp_1", "msg_2", "msg_2"]).await;
    let all = ["resp_1", "msg_1", "resp_2", "msg_2", "resp_3"];
    assert_eq!(own(&store, PROVIDER, ada, &all).await, ["msg_1", "resp_1"]);
    assert_eq!(own(&store, PROVIDER, bob, &all).await, ["msg_2", "resp_2"]);
    assert_eq!(own(&store, OTHER, ada, &all).await, [""; 0]);
    assert_eq!(own(&store, PROVIDER, ada, &[]).await, [""; 0]);
}

#[tokio::test]
async fn it_is_forgotten_after_ninety_days_a_bounded_number_at_a_time() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let (ada, _bob) = two(&store).await;
    let many: Vec<String> = (0..=STORED_IDS_MAX)
        .map(|n| format!("msg_{n:04}"))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    note(&store, ada, &many).await;
    db.shift_time("89 days").await;
    assert_eq!(
        own(&store, PROVIDER, ada, &["msg_0000"]).await,
        ["msg_0000"]
    );
    note(&store, ada, &["resp_1"]).await;
    assert_eq!(count(&db).await, 1_002);
    db.shift_time("91 days").await;
    assert_eq!(own(&store, PROVIDER, ada, &["msg_0000"]).await, [""; 0]);
    note(&store, ada, &["resp_2"]).await;
    assert_eq!(count(&db).await, 3);
    note(&store, ada, &["resp_3"]).await;
    assert_eq!(
        own(&store, PROVIDER, ada, &["resp_1", "resp_2"])
            .await
            .len(),
        2
    );
    assert_eq!(count(&db).await, 3);
}

#[tokio::test]
async fn of_somebody_who_is_gone_nothing_is_noted() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let (ada, bob) = two(&store).await;
    note(&store, ada, &["resp_1"]).await;
    note(&store, bob, &["resp_2"]).await;
    let mut unit = begin(&store).await;
    unit.user_delete(ada).await.unwrap();
    // An answer that ends meanwhile waits for what becomes of the account.
    let late = tokio::spawn({
        let store = store.clone();
        async move { note(&store, ada, &["resp_3"]).await }
    });
    unit.commit().await.unwrap();
    late.await.unwrap();
    note(&store, ada, &["resp_4"]).await;
    note(&store, UserId(id()), &["resp_5"]).await;
    assert_eq!(count(&db).await, 1);
    assert_eq!(own(&store, PROVIDER, bob, &["resp_2"]).await, ["resp_2"]);
}
