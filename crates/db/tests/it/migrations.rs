//! Migrations: there and back, as an owner that is no superuser, and what the application's role may do after.

use db::{MigrateError, local::LocalRole};
use model::{LeaseId, Micros};

use crate::{
    ledger::{admit, check_spend, request, settle, settlement, sweep},
    support::{APP_ROLE, TestDb, World, id},
};

/// Everything that is in the schema, one line each.
pub(crate) async fn contents(db: &TestDb) -> Vec<String> {
    let client = db.client(LocalRole::Owner).await;
    let query = "\
        SELECT 'table ' || c.relname || ' ' || c.relkind::text || ' ' || a.attname || ' ' \
                || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull::text \
            FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 \
            WHERE c.relnamespace = 'public'::regnamespace \
        UNION ALL SELECT 'function ' || oid::regprocedure::text FROM pg_proc \
            WHERE pronamespace = 'public'::regnamespace \
        UNION ALL SELECT 'constraint ' || conname || ' ' || pg_get_constraintdef(oid) \
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace \
        UNION ALL SELECT 'trigger ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal \
        ORDER BY 1";
    let rows = client.query(query, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn migrations_go_back_and_forth() {
    let db = TestDb::empty().await;
    let owner = db.url(LocalRole::Owner).await;
    let before = contents(&db).await;
    let up = db::migrate(&owner, APP_ROLE).await.unwrap();
    assert!(up.applied.len() >= 10, "{up:?}");
    assert_eq!(up.version.as_ref(), up.applied.last());
    let migrated = contents(&db).await;

    let again = db::migrate(&owner, APP_ROLE).await.unwrap();
    assert_eq!(again.applied, Vec::<String>::new());

    let down = db::revert_all(&owner).await.unwrap();
    assert_eq!(down.version, None);
    assert_eq!(
        down.applied.iter().rev().collect::<Vec<_>>(),
        up.applied.iter().collect::<Vec<_>>()
    );
    let left: Vec<_> = contents(&db)
        .await
        .into_iter()
        .filter(|line| !line.contains("__diesel"))
        .collect();
    assert_eq!(left, before);

    db::migrate(&owner, APP_ROLE).await.unwrap();
    assert_eq!(contents(&db).await, migrated);
}

/// Events, one of them swept and corrected, an open reservation and counters go to the tables as they were before
/// batches, and come back.
#[tokio::test]
async fn the_ledger_goes_back_and_forth_with_what_is_in_it() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, Some(Micros(100_000))).await;
    let lost = admit(&store, &request(world.user, LeaseId(id()), 100, 400)).await;
    sweep(&store).await;
    settle(&store, &settlement(lost, 50, Some(150))).await;
    let lease = crate::ledger::lease(&store).await;
    let done = admit(&store, &request(world.user, lease, 100, 400)).await;
    settle(&store, &settlement(done, 60, Some(160))).await;
    let open = admit(&store, &request(world.user, lease, 100, 400)).await;
    let owner = db.client(LocalRole::Owner).await;
    let contents = async || {
        let sql = "SELECT concat(e.id, e.created_at, e.corrects, e.user_id, e.effective_group_id, e.model, \
                e.priced_model, e.output_tokens, e.cost_micros, e.swept, p.prices) \
            FROM ai_usage_events AS e LEFT JOIN ai_price_snapshots AS p ON p.id = e.price_id ORDER BY 1";
        let rows = owner.query(sql, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect::<Vec<String>>()
    };
    let before = contents().await;
    assert_eq!(before.len(), 3);
    for step in [
        include_str!("../../../../migrations/2026-11-25-140000_extend_spend_ledger/down.sql"),
        include_str!("../../../../migrations/2026-11-25-120100_batch_spend_ledger/down.sql"),
    ] {
        owner.batch_execute(step).await.unwrap();
    }
    let old = "SELECT sum(e.cost_micros)::bigint, count(*), count(DISTINCT e.reservation_id), \
            (SELECT spent_micros FROM spend_counters), (SELECT reserved_micros FROM spend_counters) \
        FROM ai_usage_events AS e WHERE prices IS NOT NULL";
    let old = owner.query_one(old, &[]).await.unwrap();
    let old = [0, 1, 2, 3, 4].map(|column| old.get::<_, i64>(column));
    assert_eq!(old, [310, 3, 2, 310, 500]);
    for step in [
        include_str!("../../../../migrations/2026-11-25-120100_batch_spend_ledger/up.sql"),
        include_str!("../../../../migrations/2026-11-25-140000_extend_spend_ledger/up.sql"),
    ] {
        owner.batch_execute(step).await.unwrap();
    }
    let grant = format!("SELECT bursar_grant_application('{APP_ROLE}')");
    owner.batch_execute(&grant).await.unwrap();
    assert_eq!(contents().await, before);
    let store = db.store().await;
    check_spend(&store, world.user, 310, 500).await;
    settle(&store, &settlement(open, 40, Some(140))).await;
    check_spend(&store, world.user, 450, 0).await;
}

#[tokio::test]
async fn months_are_made_ahead_and_append_only_as_the_table_is() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let owner = db.client(LocalRole::Owner).await;
    let months = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'ai_usage_events'::regclass";
    let count = async || owner.query_one(months, &[]).await.unwrap().get::<_, i64>(0);
    // This month, the next three, and the one for the rest.
    assert_eq!(count().await, 5);
    db.shift_time("40 days").await;
    let make = async || {
        let mut unit = crate::support::begin(&store).await;
        let made = unit.ledger_months_make().await.unwrap();
        unit.commit().await.unwrap();
        made
    };
    let made = make().await;
    assert!((1..=2).contains(&made), "{made}");
    assert_eq!(make().await, 0);
    assert_eq!(count().await, 5 + i64::try_from(made).unwrap());
    // A month whose events went to the rest stays there, and nothing fails.
    db.shift_time("400 days").await;
    let world = World::new(&store, None).await;
    let held = admit(&store, &request(world.user, LeaseId(id()), 100, 400)).await;
    settle(&store, &settlement(held, 60, Some(160))).await;
    assert_eq!(make().await, 3);
    check_spend(&store, world.user, 160, 0).await;
    let names = "SELECT inhrelid::regclass::text FROM pg_inherits \
        WHERE inhparent = 'ai_usage_events'::regclass";
    let app = db.client(LocalRole::App).await;
    for row in owner.query(names, &[]).await.unwrap() {
        let name: String = row.get(0);
        let refused = owner.batch_execute(&format!("DELETE FROM {name}")).await;
        let refused = refused.unwrap_err();
        let refused = refused.as_db_error().and_then(|error| error.constraint());
        assert_eq!(refused, Some("ai_usage_events_append_only"), "{name}");
        let read = app.batch_execute(&format!("SELECT FROM {name}")).await;
        assert_eq!(
            read.unwrap_err()
                .code()
                .map(tokio_postgres::error::SqlState::code),
            Some("42501"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn two_servers_may_migrate_at_once() {
    let db = TestDb::empty().await;
    let owner = db.url(LocalRole::Owner).await;
    let (one, other) = tokio::join!(db::migrate(&owner, APP_ROLE), db::migrate(&owner, APP_ROLE));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.version, other.version);
    assert!(
        one.applied.is_empty() != other.applied.is_empty(),
        "{one:?} {other:?}"
    );
}

#[tokio::test]
async fn a_database_that_is_newer_than_the_program_is_left_alone() {
    let db = TestDb::new().await;
    let client = db.client(LocalRole::Owner).await;
    let insert = "INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')";
    client.batch_execute(insert).await.unwrap();
    let refused = db::migrate(&db.url(LocalRole::Owner).await, APP_ROLE).await;
    match refused {
        Err(MigrateError::Newer { version }) => assert_eq!(version, "99990101000000"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_role_that_is_missing_and_may_not_be_made_is_named() {
    let db = TestDb::new().await;
    let refused = db::migrate(&db.url(LocalRole::Owner).await, "nobody_made_me").await;
    let Err(error @ MigrateError::AppRole { .. }) = refused else {
        panic!("{refused:?}")
    };
    assert!(
        error.to_string().contains("CREATE ROLE \"nobody_made_me\""),
        "{error}"
    );
}

#[tokio::test]
async fn the_owner_cannot_be_the_application() {
    let db = TestDb::new().await;
    let refused = db::migrate(&db.url(LocalRole::Owner).await, "bursar_owner").await;
    assert!(
        matches!(refused, Err(MigrateError::Statement(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn an_account_that_may_not_migrate_is_told_so() {
    let db = TestDb::new().await;
    let refused = db::migrate(&db.url(LocalRole::App).await, APP_ROLE).await;
    assert!(
        matches!(&refused, Err(MigrateError::NotOwner { account }) if account == APP_ROLE),
        "{refused:?}"
    );
}

/// As PostgreSQL 14 sets databases up.
#[tokio::test]
async fn the_application_makes_nothing_where_everybody_could() {
    let db = TestDb::new().await;
    let superuser = db.client(LocalRole::Superuser).await;
    let everybody = "GRANT CREATE ON SCHEMA public TO PUBLIC";
    superuser.batch_execute(everybody).await.unwrap();
    let owner = db.url(LocalRole::Owner).await;
    db::migrate(&owner, APP_ROLE).await.unwrap();
    let app = db.client(LocalRole::App).await;
    let refused = app.batch_execute("CREATE TABLE mine (id int)").await;
    assert!(refused.is_err(), "the owner takes the right from everybody");

    let not_the_owners = "ALTER SCHEMA public OWNER TO bursar_superuser; \
        GRANT ALL ON SCHEMA public TO bursar_owner; GRANT CREATE ON SCHEMA public TO PUBLIC";
    superuser.batch_execute(not_the_owners).await.unwrap();
    let refused = db::migrate(&owner, APP_ROLE).await;
    assert!(
        matches!(&refused, Err(MigrateError::AppMayCreate { role }) if role == APP_ROLE),
        "{refused:?}"
    );
}

#[tokio::test]
async fn an_owner_that_may_makes_the_role_and_takes_it_on() {
    let db = TestDb::new().await;
    let superuser = db.client(LocalRole::Superuser).await;
    superuser
        .batch_execute("ALTER ROLE bursar_owner CREATEROLE")
        .await
        .unwrap();
    let role = format!("app_of_{}", db.name);
    let migrated = db::migrate(&db.url(LocalRole::Owner).await, &role).await;
    superuser
        .batch_execute("ALTER ROLE bursar_owner NOCREATEROLE")
        .await
        .unwrap();
    migrated.unwrap();

    let owner = db.url(LocalRole::Owner).await;
    let store = db
        .store_with(|options| {
            options.url = owner;
            options.app_role = Some(role);
        })
        .await;
    let refused = store::Store::begin(&store, &crate::support::context()).await;
    let mut unit = refused.unwrap();
    unit.organization_create(&crate::support::new_organization("acme"))
        .await
        .unwrap();
    unit.commit().await.unwrap();
}

#[tokio::test]
async fn the_application_cannot_touch_audit_rows_history_or_tables() {
    let db = TestDb::new().await;
    let app = db.client(LocalRole::App).await;
    let check = async |statement: &str, allowed: bool| {
        let refused = app
            .batch_execute(statement)
            .await
            .err()
            .and_then(|e| e.code().cloned());
        let denied = refused.as_ref().is_some_and(|code| code.code() == "42501");
        assert_eq!(denied, !allowed, "{statement}: {refused:?}");
    };
    check("SELECT * FROM audit_logs", true).await;
    for statement in [
        "INSERT INTO audit_logs (action, resource_type, resource_id, resource_target, actor_name, \
            diff, status_code) VALUES ('write', 'user', '', '', 'me', '{}', 200)",
        "UPDATE audit_logs SET actor_name = 'me'",
        "DELETE FROM audit_logs",
        "TRUNCATE audit_logs",
        "UPDATE ai_usage_events SET cost_micros = 0",
        "DELETE FROM ai_usage_events",
        "TRUNCATE users",
        "DELETE FROM __diesel_schema_migrations",
        "CREATE TABLE mine (id int)",
        "ALTER TABLE users ADD COLUMN mine int",
        "ALTER TABLE users DISABLE TRIGGER audit_users",
        "DROP TABLE users",
        "CREATE OR REPLACE FUNCTION bursar_now() RETURNS timestamptz LANGUAGE sql AS 'SELECT now()'",
        "SELECT audit_actor_name()",
        "SELECT bursar_grant_application('bursar_app')",
    ] {
        check(statement, false).await;
    }
}

#[tokio::test]
async fn not_even_the_owner_changes_usage_events() {
    let db = TestDb::new().await;
    let owner = db.client(LocalRole::Owner).await;
    for statement in [
        "UPDATE ai_usage_events SET cost_micros = 0",
        "DELETE FROM ai_usage_events",
        "TRUNCATE ai_usage_events",
    ] {
        let refused = owner.batch_execute(statement).await.unwrap_err();
        let refused = refused.as_db_error().and_then(|error| error.constraint());
        assert_eq!(refused, Some("ai_usage_events_append_only"), "{statement}");
    }
}
