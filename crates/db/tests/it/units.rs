//! Units of work: committed or gone, and never back in the pool inside a transaction.

use std::time::Duration;

use db::{Database, Hint, local::LocalRole};
use model::{OrganizationId, UserId, spend::LimitKey};
use rbac::Visibility;
use store::{Store, StoreError};

use crate::support::{TestDb, begin, id, new_organization, new_user, read};

async fn organizations(store: &Database) -> usize {
    read(store)
        .await
        .organization_list(&Visibility::All)
        .await
        .unwrap()
        .len()
}

/// With one connection, whatever state it came back in would show.
async fn narrow(db: &TestDb) -> Database {
    db.store_with(|options| options.max_connections = 1).await
}

#[tokio::test]
async fn a_dropped_unit_is_rolled_back() {
    let db = TestDb::new().await;
    let store = narrow(&db).await;
    let mut unit = begin(&store).await;
    unit.organization_create(&new_organization("acme"))
        .await
        .unwrap();
    drop(unit);
    assert_eq!(organizations(&store).await, 0);
    let mut unit = begin(&store).await;
    unit.organization_create(&new_organization("acme"))
        .await
        .unwrap();
    unit.commit().await.unwrap();
    assert_eq!(organizations(&store).await, 1);
    assert_eq!(store.status().size, 1);
}

#[tokio::test]
async fn a_unit_that_was_cancelled_in_the_middle_of_a_query_is_rolled_back() {
    let db = TestDb::new().await;
    let (store, blocker) = (narrow(&db).await, db.store().await);
    let acme = new_organization("acme");
    let mut unit = begin(&blocker).await;
    unit.organization_create(&acme).await.unwrap();
    unit.commit().await.unwrap();
    let mut holding = begin(&blocker).await;
    holding.organization_lock(acme.id).await.unwrap();

    let mut unit = begin(&store).await;
    unit.organization_create(&new_organization("beta"))
        .await
        .unwrap();
    let waiting = async {
        let locked = unit.organization_lock(acme.id).await;
        drop(unit);
        locked
    };
    let cancelled = tokio::time::timeout(Duration::from_millis(100), waiting).await;
    assert!(cancelled.is_err(), "the lock was not waited for");
    // The row is still locked by the other, so the query had to be cancelled for this to pass.
    assert_eq!(organizations(&store).await, 1);
    drop(holding);
    assert_eq!(organizations(&store).await, 1);
}

#[tokio::test]
async fn a_begin_that_was_cancelled_leaves_nothing_open() {
    let db = TestDb::new().await;
    let store = narrow(&db).await;
    for _ in 0..20 {
        let context = crate::support::context();
        let begin = store.begin(&context);
        let _cancelled = tokio::time::timeout(Duration::ZERO, begin).await;
    }
    let client = db.client(LocalRole::Superuser).await;
    assert_eq!(organizations(&store).await, 0);
    let open = "SELECT count(*) FROM pg_stat_activity \
        WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    let open: i64 = client.query_one(open, &[]).await.unwrap().get(0);
    assert_eq!(open, 0);
}

#[tokio::test]
async fn a_commit_after_a_failed_statement_is_an_error() {
    let db = TestDb::new().await;
    let store = narrow(&db).await;
    // Also when the statement that tells is not prepared yet, so twice.
    for _ in 0..2 {
        let mut unit = begin(&store).await;
        unit.organization_create(&new_organization("acme"))
            .await
            .unwrap();
        let twice = unit.organization_create(&new_organization("acme")).await;
        assert!(matches!(twice, Err(StoreError::Taken(_))), "{twice:?}");
        assert!(unit.commit().await.is_err());
        assert_eq!(organizations(&store).await, 0);
    }
}

#[tokio::test]
async fn a_lost_connection_is_unavailable_and_the_next_one_works() {
    let db = TestDb::new().await;
    let store = narrow(&db).await;
    let mut unit = begin(&store).await;
    let client = db.client(LocalRole::Superuser).await;
    let kill = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
        WHERE datname = current_database() AND application_name = 'bursar'";
    client.query(kill, &[]).await.unwrap();
    let lost = unit.user_get(UserId(id())).await;
    assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
    drop(unit);
    store.ping().await.unwrap();
}

#[tokio::test]
async fn an_exhausted_pool_is_unavailable_in_time() {
    let db = TestDb::new().await;
    let store = db
        .store_with(|options| {
            options.max_connections = 1;
            options.acquire_timeout = Duration::from_millis(400);
        })
        .await;
    let _unit = begin(&store).await;
    let refused = store.ping().await;
    assert!(
        matches!(refused, Err(StoreError::Unavailable(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn an_unreachable_database_is_unavailable() {
    let db = TestDb::new().await;
    let url = db.url(LocalRole::App).await;
    let url = secrecy::ExposeSecret::expose_secret(&url).replace(&db.name, "no_such_database");
    let options = db::DatabaseOptions::new(url.into());
    let refused = Database::connect(options, db::Sealer::from_key(&[0; 32])).await;
    assert!(
        matches!(refused, Err(StoreError::Unavailable(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn an_address_that_requires_tls_gets_no_less() {
    let db = TestDb::new().await;
    let url = db.url(LocalRole::App).await;
    let url = secrecy::ExposeSecret::expose_secret(&url).to_owned() + "&sslmode=require";
    let options = db::DatabaseOptions::new(url.into());
    let refused = Database::connect(options, db::Sealer::from_key(&[0; 32])).await;
    assert!(
        matches!(refused, Err(StoreError::Unavailable(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn ids_that_do_not_exist_are_not_found() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let mut unit = begin(&store).await;
    assert_eq!(unit.user_get(UserId(id())).await.unwrap(), None);
    assert_eq!(
        unit.organization_get(OrganizationId(id())).await.unwrap(),
        None
    );
    let missing = unit.user_roles_update(UserId(id()), &[]).await;
    assert!(matches!(missing, Err(StoreError::NotFound)), "{missing:?}");
    let missing = unit.user_delete(UserId(id())).await;
    assert!(matches!(missing, Err(StoreError::NotFound)), "{missing:?}");
    unit.user_create(&new_user("ada", &[])).await.unwrap();
    unit.commit().await.unwrap();
}

#[tokio::test]
async fn hints_arrive_at_commit_and_the_listener_survives_a_lost_connection() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let mut listener = db::listen(db.url(LocalRole::App).await);
    assert_eq!(listener.next().await, Hint::Connected);
    let user = UserId(id());
    let tell = async |user| {
        let mut unit = begin(&store).await;
        unit.spend_notify(&[LimitKey::user(user)]).await.unwrap();
        unit.commit().await.unwrap();
    };
    let mut silent = begin(&store).await;
    silent
        .spend_notify(&[LimitKey::user(UserId(id()))])
        .await
        .unwrap();
    drop(silent);
    tell(user).await;
    assert_eq!(listener.next().await, Hint::Spend(LimitKey::user(user)));

    let client = db.client(LocalRole::Superuser).await;
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
        WHERE datname = current_database() AND application_name = 'bursar listen'";
    client.query(kill, &[]).await.unwrap();
    assert_eq!(listener.next().await, Hint::Connected);
    tell(user).await;
    assert_eq!(listener.next().await, Hint::Spend(LimitKey::user(user)));
}
