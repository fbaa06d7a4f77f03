//! What the race is run on: the servers, their database that is watched, and the people; and what goes wrong there.

use std::{
    os::unix::fs::PermissionsExt,
    process::Output,
    sync::{Arc, RwLock},
    time::Duration,
};

use bursar::demo::Cast;
use bursar_sdk::{Client, CreateOrganizationRequest};
use db::local::{Durability, LocalConfig, LocalPostgres};
use fakeprovider::{FakeProvider, Script};
use futures_util::future::join_all;
use model::Micros;
use secrecy::ExposeSecret;
use tempfile::TempDir;
use uuid::Uuid;

use super::watch;
use crate::process::{Program, run};

const SERVERS: usize = 4;

/// What each person of the capped organization may spend whatever its cap is, at first.
const INCLUDED: i64 = 2_000;
/// The same in the whole deployment.
const ALL_INCLUDED: i64 = 500;
/// A limit that nobody comes to.
const PLENTY: i64 = 1_000_000_000_000;

/// One of the servers.
struct Replica {
    program: Program,
    address: String,
}

/// Four servers, their database, the provider and the people.
pub(super) struct Stage {
    folder: TempDir,
    postgres: LocalPostgres,
    replicas: Vec<Replica>,
    /// Where the servers listen now.
    pub(super) addresses: Arc<RwLock<Vec<String>>>,
    _fake: FakeProvider,
    /// Whose people have budgets, and a pool.
    pub(super) budgeted: Uuid,
    /// Whose people share the cap of a subscription.
    pub(super) capped: Uuid,
    /// Of people of the one organization and of the other by turns.
    pub(super) tokens: Arc<[String]>,
}

/// How far above what was spent limits are set (below it, if negative).
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Of each person with a budget.
    pub(super) person: i64,
    /// Of their pool.
    pub(super) pool: i64,
    /// Of the capped organization.
    pub(super) cap: i64,
    /// Of the whole deployment.
    pub(super) all_cap: i64,
    /// What is included for each person of the capped organization: not above anything, but the amount.
    pub(super) included: i64,
}

impl Limits {
    /// Room for so many requests of each organization, which does not last.
    pub(super) const fn room(requests: i64) -> Self {
        Self {
            person: 8_000,
            pool: 250_000,
            cap: requests * 10_000,
            all_cap: requests * 40_000,
            included: INCLUDED,
        }
    }

    /// About what was spent: sometimes less, and never room for all who ask.
    fn random() -> Self {
        Self {
            person: rand::random_range(-2_000..8_000),
            pool: rand::random_range(-20_000..250_000),
            cap: rand::random_range(-10_000..30_000),
            all_cap: rand::random_range(-10_000..80_000),
            // Seldom another amount, which counts everything anew.
            included: if rand::random_ratio(1, 3) {
                rand::random_range(0..2 * INCLUDED)
            } else {
                INCLUDED
            },
        }
    }
}

async fn start_postgres(folder: &TempDir) -> LocalPostgres {
    let mut config = LocalConfig::new(folder.path());
    // What was committed must be there after a crash.
    config.durability = Durability::Durable;
    LocalPostgres::start(config).await.unwrap()
}

async fn start_replica(postgres: &LocalPostgres, folder: &TempDir) -> Replica {
    let key = folder.path().join("race.key");
    let arguments = [
        "server",
        "--http-address",
        "127.0.0.1:0",
        "--log",
        "error",
        "--ai-lease",
        "2s",
        "--ai-admission-wait",
        "2s",
        "--database-max-connections",
        "12",
    ];
    let (app, owner) = (postgres.app_url(), postgres.owner_url());
    let variables = [
        ("BURSAR_DATABASE_URL", app.expose_secret()),
        ("BURSAR_MIGRATE_DATABASE_URL", owner.expose_secret()),
        ("BURSAR_ENCRYPTION_KEY_FILE", key.to_str().unwrap()),
    ];
    let mut program = Program::start(&arguments, &variables);
    let line = program.line_with("listens on ").await;
    let address = line.split("listens on ").nth(1).unwrap().to_owned();
    Replica { program, address }
}

impl Stage {
    pub(super) async fn start(people: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("race.key");
        std::fs::write(&key, "00112233445566778899aabbccddeeff".repeat(2)).unwrap();
        std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
        let postgres = start_postgres(&folder).await;
        let script = Script {
            output: fakeprovider::Output::FillCap,
            first_byte_delay: Duration::from_millis(15),
            ..Script::default()
        };
        let fake = FakeProvider::start(script).await.unwrap();
        // The first one makes the tables.
        let mut replicas = vec![start_replica(&postgres, &folder).await];
        let others = (1..SERVERS).map(|_| start_replica(&postgres, &folder));
        replicas.extend(join_all(others).await);
        let nobody = Client::new(&replicas[0].address).unwrap();
        let cast = Cast::assemble(&nobody, &fake, Micros::USD).await.unwrap();
        let capped = CreateOrganizationRequest {
            name: "capped".to_owned(),
            ..CreateOrganizationRequest::default()
        };
        let capped = cast.owner.organization_create(&capped).await.unwrap().id;
        let addresses = replicas.iter().map(|one| one.address.clone()).collect();
        let stage = Self {
            folder,
            postgres,
            replicas,
            addresses: Arc::new(RwLock::new(addresses)),
            _fake: fake,
            budgeted: cast.organization_id,
            capped,
            tokens: (0..people)
                .map(|number| format!("race{number:06}-{number:022}"))
                .collect(),
        };
        stage
            .sql(&watch::tables(stage.budgeted, stage.capped))
            .await;
        stage.people(people).await;
        stage
    }

    pub(super) async fn sql(&self, text: &str) {
        let owner = testkit::connect(&self.postgres.owner_url()).await.unwrap();
        let text = format!("SET bursar.actor_name = 'race'; BEGIN; {text}; COMMIT");
        owner.batch_execute(&text).await.unwrap();
    }

    async fn people(&self, count: usize) {
        let (budgeted, capped) = (self.budgeted, self.capped);
        let last = count - 1;
        self.sql(&format!(
            "INSERT INTO users (id, email, username)
                SELECT md5('race' || n)::uuid, n || '@race.example.com', 'race-' || n
                FROM generate_series(0, {last}) AS n;
            INSERT INTO organization_members (organization_id, user_id)
                SELECT CASE n % 2 WHEN 0 THEN '{budgeted}'::uuid ELSE '{capped}' END, md5('race' || n)::uuid
                FROM generate_series(0, {last}) AS n;
            INSERT INTO api_keys (id, hashed_secret, user_id, kind, token_name, scopes, allow_list, expires_at)
                SELECT 'race' || lpad(n::text, 6, '0'), sha256(lpad(n::text, 22, '0')::bytea),
                    md5('race' || n)::uuid, 'token', 'race', '{{all}}', '{{*:*}}', now() + interval '1 day'
                FROM generate_series(0, {last}) AS n;
            INSERT INTO group_ai_budgets (group_id, organization_id, spend_limit_micros, pool_limit_micros)
                VALUES ('{budgeted}', '{budgeted}', 3000, 40000), ('{capped}', '{capped}', {PLENTY}, NULL);
            INSERT INTO subscription_budget_caps
                (scope_id, organization_id, subscription_cap_micros, subscription_cap_enabled, included_micros)
                VALUES ('{capped}', '{capped}', 20000, true, {INCLUDED}),
                    ('00000000-0000-0000-0000-000000000000', NULL, 60000, true, {ALL_INCLUDED});
            INSERT INTO race_limits (person, pool, included, cap, all_included, all_cap)
                VALUES (3000, 40000, {INCLUDED}, 20000, {ALL_INCLUDED}, 60000)"
        ))
        .await;
    }

    /// Other limits for everybody.
    pub(super) async fn change_limits(&self) {
        self.set_limits(Limits::random()).await;
    }

    pub(super) async fn set_limits(&self, limits: Limits) {
        let Limits {
            person,
            pool,
            cap,
            all_cap,
            included,
        } = limits;
        let (budgeted, capped) = (self.budgeted, self.capped);
        let spent = |which: &str| {
            format!("coalesce((SELECT max(spent_micros) FROM spend_counters WHERE {which}), 0)")
        };
        let persons = spent(&format!(
            "limit_kind = 'user' AND limit_id IN
                (SELECT user_id FROM organization_members WHERE organization_id = '{budgeted}')"
        ));
        let pools = spent(&format!("limit_kind = 'pool' AND limit_id = '{budgeted}'"));
        let caps = spent("limit_kind = 'subscription' AND limit_id = scope_id_of_cap");
        self.sql(&format!(
            "UPDATE group_ai_budgets SET spend_limit_micros = greatest(0, {persons} + {person}),
                pool_limit_micros = greatest(0, {pools} + {pool}) WHERE group_id = '{budgeted}';
            UPDATE subscription_budget_caps AS s SET included_micros = {included}
                WHERE scope_id = '{capped}' AND included_micros <> {included};
            UPDATE subscription_budget_caps AS s SET subscription_cap_micros = greatest(0, {caps}
                + CASE WHEN organization_id IS NULL THEN {all_cap} ELSE {cap} END);
            INSERT INTO race_limits (person, pool, included, cap, all_included, all_cap)
                SELECT b.spend_limit_micros, b.pool_limit_micros, o.included_micros, o.subscription_cap_micros,
                    i.included_micros, i.subscription_cap_micros
                FROM group_ai_budgets AS b, subscription_budget_caps AS o, subscription_budget_caps AS i
                WHERE b.group_id = '{budgeted}' AND o.organization_id = '{capped}' AND i.organization_id IS NULL"
        ).replace("scope_id_of_cap", "s.scope_id"))
        .await;
    }

    /// Kills a server as a crash does, and starts another one.
    pub(super) async fn kill_one(&mut self) {
        let place = rand::random_range(0..SERVERS);
        let fresh = start_replica(&self.postgres, &self.folder).await;
        self.addresses.write().unwrap()[place].clone_from(&fresh.address);
        let killed = std::mem::replace(&mut self.replicas[place], fresh);
        killed.program.crash().await;
    }

    /// Lets PostgreSQL crash under everybody's feet and starts it again, at the same place.
    pub(super) async fn restart_postgres(mut self) -> Self {
        let file =
            std::fs::read_to_string(self.postgres.data_dir().join("postgres/postmaster.pid"))
                .unwrap();
        let pid = file.lines().next().unwrap();
        let kill = std::process::Command::new("kill")
            .args(["-QUIT", pid])
            .status();
        assert!(kill.unwrap().success());
        self.postgres.exited().await;
        self.postgres.stop().await.unwrap();
        self.postgres = start_postgres(&self.folder).await;
        self
    }

    /// The only number of a query's only row.
    pub(super) async fn number(&self, sql: &str) -> i64 {
        let owner = testkit::connect(&self.postgres.owner_url()).await.unwrap();
        owner.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// At any moment: no reservation was admitted past a limit, every counter is what it comes to, and no more was
    /// spent, by anybody or by all, than the greatest limit that ever held.
    pub(super) async fn check(&self) {
        let owner = testkit::connect(&self.postgres.owner_url()).await.unwrap();
        let wrong = owner
            .query("SELECT what FROM race_wrong LIMIT 3", &[])
            .await
            .unwrap();
        let wrong: Vec<String> = wrong.iter().map(|row| row.get(0)).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        assert_eq!(
            self.number(watch::DIFFER).await,
            0,
            "the counters differ from the recount"
        );
        assert_eq!(
            self.number(&watch::past_budgets(self.budgeted)).await,
            0,
            "somebody is past every limit that ever held"
        );
        for scope in [Some(self.capped), None] {
            let past = self.number(&watch::past_cap(scope)).await;
            assert!(
                past <= 0,
                "{scope:?} is {past} past every cap that ever held"
            );
        }
    }

    /// Lets `bursar ledger verify` look at the database.
    pub(super) async fn verify(&self) -> Output {
        let url = self.postgres.app_url();
        run(&["ledger", "verify", "--database-url", url.expose_secret()]).await
    }

    /// Ends the servers, which must obey, and PostgreSQL.
    pub(super) async fn end(mut self) {
        for replica in &mut self.replicas {
            assert!(replica.program.terminate().await.success());
        }
        self.postgres.stop().await.unwrap();
    }
}
