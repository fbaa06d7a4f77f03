//! What the race is run on: the servers, their database that is watched, and the people; and what goes wrong there.

use std::{
    os::unix::fs::PermissionsExt,
    process::Output,
    sync::{Arc, RwLock},
    time::Duration,
};

use bursar::demo::Cast;
use bursar_sdk::Client;
use db::local::{Durability, LocalConfig, LocalPostgres};
use fakeprovider::{FakeProvider, Script};
use futures_util::future::join_all;
use model::Micros;
use secrecy::ExposeSecret;
use tempfile::TempDir;
use uuid::Uuid;

use crate::process::{Program, run};

const SERVERS: usize = 4;

/// Notes every limit that ever held, and, when a reservation becomes durable, whether its counters are within the
/// greatest limits that held while its transaction ran.
const WATCH: &str = "
CREATE TABLE race_limits (
    at timestamptz NOT NULL DEFAULT clock_timestamp(), person bigint NOT NULL, pool bigint NOT NULL);
CREATE TABLE race_wrong (what text NOT NULL);
CREATE FUNCTION race_check() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    greatest race_limits;
BEGIN
    SELECT now(), max(person), max(pool) INTO greatest FROM race_limits WHERE at >= coalesce(
        (SELECT max(at) FROM race_limits WHERE at < now() - interval '2 seconds'), '-infinity');
    INSERT INTO race_wrong
        SELECT format('%s %s has %s and %s, limits %s', c.limit_kind, c.limit_id, c.spent_micros,
            c.reserved_micros, greatest)
        FROM spend_counters AS c
        WHERE c.limit_id IN (NEW.user_id, NEW.effective_group_id) AND c.period_start > now() - interval '40 days'
            AND c.spent_micros + c.reserved_micros > CASE c.limit_kind
                WHEN 'user' THEN greatest.person ELSE greatest.pool END;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER race_check AFTER INSERT ON ai_reservations DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.hold_micros > 0) EXECUTE FUNCTION race_check();";

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
    pub(super) organization: Uuid,
    pub(super) tokens: Arc<[String]>,
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
        let addresses = replicas.iter().map(|one| one.address.clone()).collect();
        let stage = Self {
            folder,
            postgres,
            replicas,
            addresses: Arc::new(RwLock::new(addresses)),
            _fake: fake,
            organization: cast.organization_id,
            tokens: (0..people)
                .map(|number| format!("race{number:06}-{number:022}"))
                .collect(),
        };
        stage.sql(WATCH).await;
        stage.people(people).await;
        stage
    }

    pub(super) async fn sql(&self, text: &str) {
        let owner = testkit::connect(&self.postgres.owner_url()).await.unwrap();
        let text = format!("SET bursar.actor_name = 'race'; BEGIN; {text}; COMMIT");
        owner.batch_execute(&text).await.unwrap();
    }

    async fn people(&self, count: usize) {
        let organization = self.organization;
        let last = count - 1;
        self.sql(&format!(
            "INSERT INTO users (id, email, username)
                SELECT md5('race' || n)::uuid, n || '@race.example.com', 'race-' || n
                FROM generate_series(0, {last}) AS n;
            INSERT INTO organization_members (organization_id, user_id)
                SELECT '{organization}', md5('race' || n)::uuid FROM generate_series(0, {last}) AS n;
            INSERT INTO api_keys (id, hashed_secret, user_id, kind, token_name, scopes, allow_list, expires_at)
                SELECT 'race' || lpad(n::text, 6, '0'), sha256(lpad(n::text, 22, '0')::bytea),
                    md5('race' || n)::uuid, 'token', 'race', '{{all}}', '{{*:*}}', now() + interval '1 day'
                FROM generate_series(0, {last}) AS n;
            INSERT INTO group_ai_budgets (group_id, organization_id, spend_limit_micros, pool_limit_micros)
                VALUES ('{organization}', '{organization}', 3000, 40000);
            INSERT INTO race_limits (person, pool) VALUES (3000, 40000)"
        ))
        .await;
    }

    /// Other limits for everybody, about what was spent: sometimes less, and never room for all who ask.
    pub(super) async fn change_limits(&self) {
        let person = rand::random_range(-2_000..8_000);
        let pool = rand::random_range(-20_000..250_000);
        self.set_limits(person, pool).await;
    }

    /// Limits that are so many micros above what was spent (below it, if negative).
    pub(super) async fn set_limits(&self, person: i64, pool: i64) {
        let organization = self.organization;
        let spent = |kind: &str| {
            format!(
                "coalesce((SELECT max(spent_micros) FROM spend_counters WHERE limit_kind = '{kind}'), 0)"
            )
        };
        let (persons, pools) = (spent("user"), spent("pool"));
        self.sql(&format!(
            "UPDATE group_ai_budgets SET spend_limit_micros = greatest(0, {persons} + {person}),
                pool_limit_micros = greatest(0, {pools} + {pool}) WHERE group_id = '{organization}';
            INSERT INTO race_limits (person, pool) SELECT spend_limit_micros, pool_limit_micros
                FROM group_ai_budgets WHERE group_id = '{organization}'"
        ))
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

    /// At any moment: no reservation was admitted past a limit, every counter is what it comes to, and nobody has
    /// spent more than the greatest limit that ever held.
    pub(super) async fn check(&self) {
        let owner = testkit::connect(&self.postgres.owner_url()).await.unwrap();
        let wrong = owner
            .query("SELECT what FROM race_wrong LIMIT 3", &[])
            .await
            .unwrap();
        let wrong: Vec<String> = wrong.iter().map(|row| row.get(0)).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        let differ = "SELECT count(*) FROM spend_counters AS c \
            FULL JOIN bursar_recount() AS r USING (limit_kind, limit_id, scope_id, period_start) \
            WHERE coalesce(c.spent_micros, 0) <> coalesce(r.spent_micros, 0) \
                OR coalesce(c.reserved_micros, 0) <> coalesce(r.reserved_micros, 0)";
        assert_eq!(
            self.number(differ).await,
            0,
            "the counters differ from the recount"
        );
        let past = "SELECT count(*) FROM spend_counters AS c, \
                (SELECT max(person) AS person, max(pool) AS pool FROM race_limits) AS g \
            WHERE c.spent_micros + c.reserved_micros > \
                CASE c.limit_kind WHEN 'user' THEN g.person ELSE g.pool END";
        assert_eq!(
            self.number(past).await,
            0,
            "somebody is past every limit that ever held"
        );
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
