//! Measures setting people's own caps, 200 at a time, as the mutation of GraphQL does: `cargo xtask bench caps`.
//!
//! PostgreSQL is durable and has Bursar's own settings. What is counted is the whole unit of work through the authorized
//! store: rights, locks, people, caps, their audit lines, commit. `--first FILE` runs this SQL before, as a migration would,
//! to compare two ways of doing it.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a program that measures prints, and may stop where it stands"
)]

use std::{sync::Arc, time::Duration};

use db::{
    Database, DatabaseOptions, Sealer,
    local::{LocalConfig, LocalPostgres, LocalRole},
};
use dbauthz::{Actor, Authorized, BoundStore, CapUpsertOutcome, PresentedKey};
use model::{
    Micros, OrganizationId, UserId,
    api_keys::ApiKeyKind,
    caps::{Cap, CapOverrideUpsert, CapScope},
};
use rbac::{ScopeSet, Subject, builtin};
use secrecy::ExposeSecret;
use tokio::time::Instant;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

/// How many caps are set at once: the most that the mutation takes.
const OVERRIDES: i64 = 200;
/// How many people have a cap of their own besides.
const OTHERS: i64 = 20_000;
/// How often it is done.
const ROUNDS: i64 = 200;
const ACME: CapScope = CapScope::Organization(OrganizationId(Uuid::from_u128(0xa)));
const OWNER: UserId = UserId(Uuid::from_u128(0x1));

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(run());
}

async fn run() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = LocalConfig::new(folder.path());
    config.path_env = std::env::var_os("PATH");
    let load = ("shared_preload_libraries", "pg_stat_statements");
    config.settings.push((load.0.to_owned(), load.1.to_owned()));
    let postgres = LocalPostgres::start(config).await.unwrap();
    db::migrate(&postgres.owner_url(), LocalRole::App.name())
        .await
        .unwrap();
    let administrator = administrator(&postgres).await;
    if let Some(file) = first() {
        let sql = std::fs::read_to_string(&file).unwrap();
        administrator.batch_execute(&sql).await.unwrap();
        println!("with {file}:");
    }
    let people = seed(&administrator).await;
    let options = DatabaseOptions::new(postgres.app_url());
    let database = Database::connect(options, Sealer::from_key(&[7; 32])).await;
    let store = Authorized::new(Arc::new(database.unwrap())).as_actor(owner());

    // What the first uses make is made before it counts.
    set(&store, &people, 1).await;
    let reset = "SELECT pg_stat_statements_reset()";
    administrator.batch_execute(reset).await.unwrap();
    let mut took = Vec::new();
    for round in 1..=ROUNDS {
        let began = Instant::now();
        set(&store, &people, round * 1_000_000).await;
        took.push(began.elapsed());
    }
    tell(&mut took);
    statements(&administrator).await;
    postgres.stop().await.unwrap();
}

/// The file of SQL that is run before.
fn first() -> Option<String> {
    let mut words = std::env::args().skip_while(|word| word != "--first");
    words.nth(1)
}

fn tell(took: &mut [Duration]) {
    took.sort_unstable();
    let at = |share: usize| took[(took.len() - 1) * share / 100];
    println!("{ROUNDS} times {OVERRIDES} own caps, beside {OTHERS} others; goal: under 20 ms");
    println!("| p50 | p99 | most |\n|---|---|---|");
    println!("| {:.1?} | {:.1?} | {:.1?} |", at(50), at(99), at(100));
}

/// One mutation: each cap becomes another amount.
async fn set(store: &BoundStore, people: &[UserId], micros: i64) {
    let asked = people.iter().map(|user| CapOverrideUpsert {
        user_id: *user,
        cap: Cap {
            amount: Micros(micros),
            enabled: true,
        },
        disabled_mode: None,
    });
    let asked: Vec<_> = asked.collect();
    let mut unit = store.begin().await.unwrap();
    let outcome = unit.caps().cap_override_upsert(ACME, &asked, true).await;
    assert!(
        matches!(outcome, Ok(CapUpsertOutcome::Done(set)) if set.len() == people.len()),
        "all are set"
    );
    unit.commit().await.unwrap();
}

fn owner() -> Actor {
    let role = builtin::site_role(builtin::OWNER).unwrap();
    Actor {
        subject: Arc::new(Subject::user(OWNER.0).site_role(Arc::clone(role)).prepare()),
        user_id: OWNER,
        username: "owner".parse().unwrap(),
        key: PresentedKey {
            id: "abcdefghij".to_owned(),
            kind: ApiKeyKind::Session,
            scopes: ScopeSet::all(),
            admin_mode: true,
        },
        request_id: None,
    }
}

async fn administrator(postgres: &LocalPostgres) -> Client {
    let url = postgres.url(LocalRole::Superuser, "bursar");
    let (client, connection) = tokio_postgres::connect(url.expose_secret(), NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client
}

/// An organization with people who have a cap of their own; of as many as are set at once, their ids.
async fn seed(administrator: &Client) -> Vec<UserId> {
    let CapScope::Organization(acme) = ACME else {
        return Vec::new();
    };
    let sql = format!(
        "SET bursar.actor_name = 'bench';
        CREATE EXTENSION pg_stat_statements;
        INSERT INTO organizations (id, name) VALUES ('{acme}', 'acme');
        INSERT INTO users (id, email, username, login_type) VALUES
            ('{OWNER}', 'owner@example.com', 'owner', 'password');
        INSERT INTO users (id, email, username, login_type)
            SELECT md5(n::text)::uuid, n || '@example.com', 'user-' || n, 'password'
            FROM generate_series(1, {all}) AS n;
        INSERT INTO organization_members (organization_id, user_id)
            SELECT '{acme}', md5(n::text)::uuid FROM generate_series(1, {all}) AS n;
        INSERT INTO subscription_budget_caps (scope_id, organization_id) VALUES ('{acme}', '{acme}');
        INSERT INTO user_budget_cap_overrides (scope_id, user_id, cap_micros, enabled)
            SELECT '{acme}', md5(n::text)::uuid, 0, true FROM generate_series(1, {OTHERS}) AS n;",
        all = OTHERS + OVERRIDES,
    );
    administrator.batch_execute(&sql).await.unwrap();
    administrator.batch_execute("VACUUM ANALYZE").await.unwrap();
    let ids = "SELECT md5(n::text)::uuid FROM generate_series($1::bigint + 1, $1 + $2) AS n";
    let ids = administrator.query(ids, &[&OTHERS, &OVERRIDES]).await;
    let ids = ids.unwrap();
    ids.iter().map(|row| UserId(row.get(0))).collect()
}

/// Prints what the statements of all rounds were, and sees that the caps took one each time.
async fn statements(administrator: &Client) {
    let rows = administrator
        .query(
            "SELECT calls, mean_exec_time, rows, left(query, 60) FROM pg_stat_statements \
             WHERE toplevel AND calls >= $1 ORDER BY total_exec_time DESC",
            &[&ROUNDS],
        )
        .await
        .unwrap();
    println!("| calls | ms each | rows | statement |\n|---|---|---|---|");
    for row in &rows {
        println!(
            "| {} | {:.3} | {} | {} |",
            row.get::<_, i64>(0),
            row.get::<_, f64>(1),
            row.get::<_, i64>(2),
            row.get::<_, String>(3)
        );
    }
    let all = ROUNDS * OVERRIDES;
    let setting = rows
        .iter()
        .filter(|row| row.get::<_, String>(3).starts_with("WITH asked"));
    let setting: Vec<(i64, i64)> = setting.map(|row| (row.get(0), row.get(2))).collect();
    assert_eq!(setting, [(ROUNDS, all)], "one statement for all of them");
}
