//! Measures the spend ledger beside pgbench on the same server: `cargo xtask bench ledger`. `docs/performance.md`
//! tells what is measured.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a program that measures prints, and may stop where it stands"
)]

use std::{process::Command, sync::Arc, time::Duration};

use db::{
    Database, DatabaseOptions, Sealer,
    local::{LocalConfig, LocalPostgres, LocalRole},
};
use dbauthz::{Authorized, SystemActor};
use gateway::{Ledger, StoreLedger};
use model::{
    LeaseId, Micros, ProviderId, UserId, WaiterId,
    admission::{Patience, WorstCase},
    metering::{PriceSnapshot, PriceSource, TokenUsage, UnitPrices},
    spend::{CredentialKind, ReserveOutcome, ReserveRequest, Settlement, SettlementBasis},
};
use secrecy::ExposeSecret;
use tokio::time::Instant;
use tokio_postgres::NoTls;
use uuid::Uuid;

/// How many callers there are at a time.
const CALLERS: u64 = 200;
/// How many people there are with a budget of their own, and how many in one pool.
const PEOPLE: u64 = 10_000;
const POOLED: u64 = 1_000;
/// How many limits a server looks at together, to see whether somebody must be told.
const LOOKED_AT: u32 = 500;

/// What is said on the command line.
struct Options {
    seconds: u64,
    /// Settings of PostgreSQL, `name=value`, to try.
    settings: Vec<(String, String)>,
    /// Only the rows that begin with this.
    only: Option<String>,
    /// Whether to tell what time the statements took.
    statements: bool,
    /// How many batches are in flight, where it is not the gateway's number.
    in_flight: Option<usize>,
}

fn options() -> Options {
    let mut options = Options {
        seconds: 20,
        settings: Vec::new(),
        only: None,
        statements: false,
        in_flight: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--short" => options.seconds = 3,
            "--seconds" => options.seconds = words.next().unwrap().parse().unwrap(),
            "--in-flight" => options.in_flight = words.next().unwrap().parse().ok(),
            "--statements" => options.statements = true,
            "--only" => options.only = words.next(),
            "--set" => {
                let set = words.next().unwrap();
                let (name, value) = set.split_once('=').unwrap();
                options.settings.push((name.to_owned(), value.to_owned()));
            }
            // What cargo passes to every bench.
            "--bench" => {}
            other => eprintln!("`{other}` means nothing here"),
        }
    }
    options
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(run(&options()));
}

/// PostgreSQL with Bursar's settings, migrated.
async fn start(options: &Options, folder: &tempfile::TempDir) -> LocalPostgres {
    let mut config = LocalConfig::new(folder.path());
    config.path_env = std::env::var_os("PATH");
    config.max_connections = 300;
    config.settings.clone_from(&options.settings);
    if options.statements {
        let load = ("shared_preload_libraries", "pg_stat_statements");
        config.settings.push((load.0.to_owned(), load.1.to_owned()));
    }
    let postgres = LocalPostgres::start(config).await.unwrap();
    db::migrate(&postgres.owner_url(), LocalRole::App.name())
        .await
        .unwrap();
    postgres
}

async fn run(options: &Options) {
    let folder = tempfile::tempdir().unwrap();
    let postgres = start(options, &folder).await;
    let people = seed(&postgres).await;
    let mut database = DatabaseOptions::new(postgres.app_url());
    database.max_connections = 32;
    let database = Database::connect(database, Sealer::from_key(&[7; 32])).await;
    let authorized = Authorized::new(Arc::new(database.unwrap()));
    let ledger = Arc::new(match options.in_flight {
        Some(batches) => StoreLedger::with_batches_in_flight(&authorized, batches),
        None => StoreLedger::new(&authorized),
    });
    let looking = tokio::spawn(look(authorized.clone()));
    let lease = LeaseId(Uuid::from_u128(5));
    let hour = chrono::Duration::hours(1);
    assert!(ledger.lease_renew(lease, hour).await.unwrap());
    ledger.months_make().await.unwrap();

    println!(
        "{} s each, {CALLERS} callers, PostgreSQL {}",
        options.seconds,
        postgres.programs().version
    );
    println!("| measured | per second | of pgbench | p50 | p99 |");
    println!("|---|---|---|---|---|");
    let pgbench = pgbench(&postgres, options.seconds).await;
    println!("| `pgbench -N -s 10 -c 200 -j 2 -M simple`, transactions | {pgbench:.0} | 1.0 | | |");
    let rows: [(&str, &[UserId]); 3] = [
        ("a: one budget, one person", &people.0[..1]),
        ("a2: one pool, 1,000 people", &people.1),
        ("b: 10,000 people", &people.0),
    ];
    for (name, people) in rows {
        if options
            .only
            .as_ref()
            .is_none_or(|only| name.starts_with(only))
        {
            let figures = measure(&ledger, lease, people, options.seconds).await;
            println!(
                "| {name}: pairs | {:.0} | {:.1} | {:.1?} | {:.1?} |",
                figures.pairs,
                figures.pairs / pgbench,
                figures.p50,
                figures.p99
            );
        }
    }
    if options.statements {
        statements(&postgres).await;
    }
    looking.abort();
    let sweeper = authorized.as_system(SystemActor::LedgerSweeper);
    let began = Instant::now();
    let differences = sweeper.read().await.unwrap().ledger().ledger_verify().await;
    let differences = differences.unwrap();
    println!(
        "ledger verify: {} differences, in {:.1?}",
        differences.len(),
        began.elapsed()
    );
    assert!(differences.is_empty(), "{differences:?}");
    postgres.stop().await.unwrap();
}

/// Looks each second whose alerts are due, as every server does.
async fn look(authorized: Authorized) {
    let alerts = authorized.as_system(SystemActor::Alerts);
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        while alerts
            .read()
            .await
            .unwrap()
            .alerts()
            .alerts_due()
            .await
            .unwrap()
        {
            let mut unit = alerts.begin().await.unwrap();
            unit.alerts().alerts_evaluate(LOOKED_AT).await.unwrap();
            unit.commit().await.unwrap();
        }
    }
}

/// What was measured.
struct Figures {
    /// Reserve and settle, together, a second.
    pairs: f64,
    p50: Duration,
    p99: Duration,
}

async fn measure(
    ledger: &Arc<StoreLedger>,
    lease: LeaseId,
    people: &[UserId],
    seconds: u64,
) -> Figures {
    // What the first uses make is made before it counts.
    drop(spend(ledger, lease, people, Duration::from_secs(1)).await);
    let began = Instant::now();
    let mut took = spend(ledger, lease, people, Duration::from_secs(seconds)).await;
    let elapsed = began.elapsed();
    took.sort_unstable();
    let at = |share: usize| took[(took.len() - 1) * share / 100];
    let pairs = u32::try_from(took.len() / 2).unwrap();
    Figures {
        pairs: f64::from(pairs) / elapsed.as_secs_f64(),
        p50: at(50),
        p99: at(99),
    }
}

/// All callers reserve and settle for as long as `most`; how long each step took.
async fn spend(
    ledger: &Arc<StoreLedger>,
    lease: LeaseId,
    people: &[UserId],
    most: Duration,
) -> Vec<Duration> {
    let people: Arc<[UserId]> = people.into();
    let end = Instant::now() + most;
    let callers = (0..CALLERS).map(|number| {
        let (ledger, people) = (Arc::clone(ledger), Arc::clone(&people));
        tokio::spawn(async move {
            let (mut took, mut dice) = (Vec::new(), number * 977 + 1);
            while Instant::now() < end {
                dice = dice
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let person = usize::try_from(dice >> 33).unwrap() % people.len();
                let asked = request(people[person], lease, dice);
                let began = Instant::now();
                let outcome = ledger.reserve(&asked).await.unwrap();
                took.push(began.elapsed());
                let ReserveOutcome::Admitted { id, account, .. } = outcome else {
                    panic!("{outcome:?}")
                };
                let settlement = Settlement {
                    id,
                    account,
                    usage: TokenUsage {
                        input: 100,
                        output: 50,
                        ..TokenUsage::default()
                    },
                    basis: SettlementBasis::Reported,
                    cost: Some(Micros(500)),
                    prices: asked.prices,
                    response_model: Some("gpt-5-mini-2025-08-07".to_owned()),
                    provider_response_id: Some(format!("chatcmpl-{dice:016x}")),
                };
                let began = Instant::now();
                ledger.settle(&settlement).await.unwrap();
                took.push(began.elapsed());
            }
            took
        })
    });
    let mut all = Vec::new();
    for caller in callers.collect::<Vec<_>>() {
        all.extend(caller.await.unwrap());
    }
    all
}

fn request(user_id: UserId, lease_id: LeaseId, dice: u64) -> ReserveRequest {
    let prices = PriceSnapshot {
        provider: "openai".to_owned(),
        model: "gpt-5-mini".to_owned(),
        source: PriceSource::File,
        effective_from: None,
        tier_start: 0,
        prices: UnitPrices {
            input: Some(250_000),
            output: Some(2_000_000),
            ..UnitPrices::default()
        },
    };
    let worst = WorstCase {
        input_cost: Micros(100),
        output_price: 2_000_000,
        choices: 1,
        cap: 450,
        floor: 16,
        fees: Micros::ZERO,
    };
    ReserveRequest {
        waiter: WaiterId(Uuid::from_u64_pair(dice, dice)),
        lease_id,
        user_id,
        api_key_id: "abcdefghij".to_owned(),
        provider_id: ProviderId(Uuid::from_u128(9)),
        provider_name: "openai".to_owned(),
        model: "gpt-5-mini".to_owned(),
        client: Some("openai-python".to_owned()),
        credential_kind: CredentialKind::Centralized,
        input_bound_tokens: 400,
        worst_case: Ok(worst),
        prices: Some(prices),
        patience: Patience::Arrived,
        waiting_since: None,
        gives_up_at: chrono::DateTime::UNIX_EPOCH,
    }
}

/// Two organizations: one with people under a budget each, one with people under a budget each and a pool. Each of
/// the first is in two more groups, one of them with a budget.
async fn seed(postgres: &LocalPostgres) -> (Vec<UserId>, Vec<UserId>) {
    let (client, connection) = tokio_postgres::connect(postgres.owner_url().expose_secret(), NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let (wide, pooled) = (Uuid::from_u128(0xa), Uuid::from_u128(0xb));
    let sql = format!(
        "SET bursar.actor_name = 'bench';
        INSERT INTO organizations (id, name) VALUES ('{wide}', 'wide'), ('{pooled}', 'pooled');
        INSERT INTO groups (id, organization_id, name)
            SELECT ('00000000-0000-0000-0000-0000000000c' || n)::uuid, '{wide}', 'team-' || n
            FROM generate_series(1, 2) AS n;
        INSERT INTO users (id, email, username, login_type)
            SELECT u.id, u.n || '@example.com', 'user-' || u.n, 'password'
            FROM (SELECT n, md5(n::text)::uuid AS id
                FROM generate_series(1, {all}) AS n) AS u;
        INSERT INTO organization_members (organization_id, user_id)
            SELECT CASE WHEN n <= {PEOPLE} THEN '{wide}' ELSE '{pooled}' END::uuid, md5(n::text)::uuid
            FROM generate_series(1, {all}) AS n;
        INSERT INTO group_members (group_id, organization_id, user_id)
            SELECT g.id, '{wide}', md5(n::text)::uuid
            FROM generate_series(1, {PEOPLE}) AS n CROSS JOIN groups AS g
            WHERE g.organization_id = '{wide}' AND g.id <> '{wide}';
        INSERT INTO group_ai_budgets (group_id, organization_id, spend_limit_micros, pool_limit_micros) VALUES
            ('{wide}', '{wide}', 1000000000000, NULL),
            ('00000000-0000-0000-0000-0000000000c1', '{wide}', 900000000000, NULL),
            ('{pooled}', '{pooled}', 1000000000000, 1000000000000);",
        all = PEOPLE + POOLED,
    );
    client.batch_execute(&sql).await.unwrap();
    let ids = client
        .query(
            "SELECT md5(n::text)::uuid FROM generate_series(1, $1::bigint) AS n ORDER BY n",
            &[&i64::try_from(PEOPLE + POOLED).unwrap()],
        )
        .await
        .unwrap();
    let mut ids: Vec<UserId> = ids.iter().map(|row| UserId(row.get(0))).collect();
    let pooled = ids.split_off(usize::try_from(PEOPLE).unwrap());
    (ids, pooled)
}

/// Prints what time the statements of the ledger took.
async fn statements(postgres: &LocalPostgres) {
    let url = postgres.url(LocalRole::Superuser, "bursar");
    let (client, connection) = tokio_postgres::connect(url.expose_secret(), NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client
        .batch_execute("CREATE EXTENSION pg_stat_statements")
        .await
        .unwrap();
    let rows = client
        .query(
            "SELECT calls, total_exec_time, mean_exec_time, rows, wal_bytes::bigint, left(query, 70) \
             FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = 'bursar') \
             ORDER BY total_exec_time DESC LIMIT 16",
            &[],
        )
        .await
        .unwrap();
    println!("| calls | ms | ms each | rows | WAL | statement |");
    for row in rows {
        println!(
            "| {} | {:.0} | {:.3} | {} | {} | {} |",
            row.get::<_, i64>(0),
            row.get::<_, f64>(1),
            row.get::<_, f64>(2),
            row.get::<_, i64>(3),
            row.get::<_, i64>(4),
            row.get::<_, String>(5)
        );
    }
}

/// Transactions a second of pgbench on this server.
async fn pgbench(postgres: &LocalPostgres, seconds: u64) -> f64 {
    postgres.create_database("pgbench").await.unwrap();
    let program = postgres.programs().bin_dir.join("pgbench");
    let url = postgres.url(LocalRole::Superuser, "pgbench");
    let run = |arguments: &[&str]| {
        let output = Command::new(&program)
            .args(arguments)
            .arg(url.expose_secret())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    run(&["-i", "-q", "-s", "10"]);
    let seconds = seconds.to_string();
    let said = run(&[
        "-N", "-s", "10", "-c", "200", "-j", "2", "-M", "simple", "-T", &seconds,
    ]);
    let line = said
        .lines()
        .find(|line| line.starts_with("tps = "))
        .unwrap();
    line.split_whitespace().nth(2).unwrap().parse().unwrap()
}
