//! `bursar roles reconcile` as a process, and eight of them at once.

use std::process::Output;

use futures_util::future::join_all;
use testkit::TestDatabase;
use tokio::time::Instant;

use crate::process::{Program, failed, run, run_on, said};

const PROCESSES: usize = 8;
const ORGANIZATIONS: i64 = 200;
/// Two roles in each.
const ROLES: i64 = 2 * ORGANIZATIONS;

/// A database with many organizations, made as SQL makes them: with placeholders.
async fn database(organizations: i64) -> TestDatabase {
    let database = TestDatabase::create().await.unwrap();
    let make = format!(
        "SET bursar.actor_name = 'test'; INSERT INTO organizations (id, name) \
         SELECT gen_random_uuid(), 'org-' || n FROM generate_series(1, {organizations}) AS n"
    );
    sql(&database, &make).await;
    database
}

async fn sql(database: &TestDatabase, statement: &str) {
    let owner = database.owner().await.unwrap();
    owner.batch_execute(statement).await.unwrap();
}

async fn texts(database: &TestDatabase, query: &str) -> Vec<String> {
    let owner = database.owner().await.unwrap();
    let rows = owner.query(query, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Runs it as an operator would who has the server's variables at hand.
async fn reconcile(database: &TestDatabase, arguments: &[&str]) -> Output {
    run_on(database, &[&["roles", "reconcile"], arguments].concat()).await
}

/// Every role as it is, and the transaction that wrote it.
async fn rows(database: &TestDatabase) -> Vec<String> {
    let query = "SELECT concat_ws(' ', organization_id, id, name, xmin, definition_version, \
        org_permissions, member_permissions) FROM custom_roles ORDER BY id";
    texts(database, query).await
}

async fn audited(database: &TestDatabase) -> Vec<String> {
    let query = "SELECT concat_ws(' ', count(*), action, resource_type, actor_name) FROM audit_logs \
        WHERE actor_name <> 'test' GROUP BY action, resource_type, actor_name";
    texts(database, query).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_at_once_write_each_role_once() {
    let database = database(ORGANIZATIONS).await;
    let started = Instant::now();
    let outputs = join_all((0..PROCESSES).map(|_| reconcile(&database, &[]))).await;
    let took = started.elapsed();
    println!("{PROCESSES} processes with {ORGANIZATIONS} organizations took {took:?}");

    let told: Vec<_> = outputs.iter().map(said).collect();
    let wrote = |text: &&String| text.contains(&format!("Wrote {ROLES} roles."));
    let idle = |text: &&String| text.contains("Nothing to write.");
    assert_eq!(told.iter().filter(wrote).count(), 1, "{told:?}");
    assert_eq!(told.iter().filter(idle).count(), PROCESSES - 1, "{told:?}");

    // One row each, all of them alike and of this program's version; as many lines in the log as rows were written.
    let right = "SELECT concat_ws(' ', name, count(*), count(DISTINCT organization_id), \
            count(DISTINCT (org_permissions, member_permissions)), \
            min(jsonb_array_length(org_permissions)) > 0, min(definition_version)) \
        FROM custom_roles GROUP BY name ORDER BY name";
    let version = rbac::SYSTEM_ROLES_VERSION;
    let expected = ["organization-member", "organization-service-account"]
        .map(|name| format!("{name} {ORGANIZATIONS} {ORGANIZATIONS} 1 t {version}"));
    assert_eq!(texts(&database, right).await, expected);
    let written = format!("{ROLES} write assign_org_role role-reconciler");
    assert_eq!(audited(&database).await, [written.as_str()]);

    let before = rows(&database).await;
    let again = join_all((0..PROCESSES).map(|_| reconcile(&database, &[]))).await;
    for output in &again {
        let text = said(output);
        assert!(text.contains(&format!("{ROLES} unchanged")), "{text}");
    }
    assert_eq!(
        rows(&database).await,
        before,
        "a second pass writes nothing"
    );
    assert_eq!(audited(&database).await, [written.as_str()]);
}

#[tokio::test]
async fn a_dry_run_tells_what_would_be_written_and_writes_nothing() {
    let database = database(2).await;
    let before = rows(&database).await;
    let text = said(&reconcile(&database, &["--dry-run"]).await);
    assert!(
        text.contains("Dry run: would write 4 roles; nothing was written."),
        "{text}"
    );
    let told = |name: &str| {
        let mut lines = text.lines();
        lines.any(|line| line.starts_with(name) && line.contains("placeholder"))
    };
    assert!(told("org-1") && told("org-2"), "{text}");
    assert_eq!(rows(&database).await, before);
    assert_eq!(audited(&database).await, [""; 0]);
}

#[tokio::test]
async fn a_role_that_was_deleted_by_hand_is_made_again_and_said() {
    let database = database(1).await;
    said(&reconcile(&database, &[]).await);
    let delete = "SET bursar.actor_name = 'test'; DELETE FROM custom_roles WHERE name = 'organization-member'";
    sql(&database, delete).await;
    let output = reconcile(&database, &[]).await;
    let text = said(&output);
    assert!(
        text.contains("Wrote 1 role.") && text.contains("1 missing"),
        "{text}"
    );
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(
        errors.contains("ERROR") && errors.contains("critical"),
        "{errors}"
    );
    assert!(
        errors.contains("org-1") && errors.contains("organization-member"),
        "{errors}"
    );
    assert_eq!(rows(&database).await.len(), 2);
}

#[tokio::test]
async fn what_a_newer_program_wrote_stays_and_is_said() {
    let database = database(2).await;
    let newer = "SET bursar.actor_name = 'test'; UPDATE custom_roles SET definition_version = 99, \
        org_permissions = '[]' WHERE organization_id = (SELECT id FROM organizations WHERE name = 'org-2')";
    sql(&database, newer).await;
    let text = said(&reconcile(&database, &[]).await);
    assert!(
        text.contains("Wrote 2 roles.") && text.contains("2 newer"),
        "{text}"
    );
    assert!(text.contains("were left as they are"), "{text}");
    let kept = "SELECT DISTINCT concat_ws(' ', o.name, r.org_permissions = '[]') FROM custom_roles AS r \
        JOIN organizations AS o ON o.id = r.organization_id WHERE r.definition_version = 99";
    assert_eq!(texts(&database, kept).await, ["org-2 t"]);
}

#[tokio::test]
async fn an_own_database_is_looked_after_while_no_server_runs_on_it() {
    let data_dir = tempfile::tempdir().unwrap();
    let folder = data_dir.path().to_str().unwrap();
    let command = ["roles", "reconcile", "--data-dir", folder];
    let nothing = failed(&run(&command).await);
    assert!(
        nothing.contains("there is no database") && nothing.contains(folder),
        "{nothing}"
    );
    assert!(std::fs::read_dir(data_dir.path()).unwrap().next().is_none());

    let server = [
        "server",
        "--http-address",
        "127.0.0.1:0",
        "--log",
        "warn",
        "--data-dir",
        folder,
    ];
    let mut program = Program::start(&server, &[]);
    program.line_with("listens on ").await;
    let running = failed(&run(&command).await);
    assert!(
        running.contains("stop the server that runs on it"),
        "{running}"
    );
    assert!(program.terminate().await.success());
    let text = said(&run(&command).await);
    assert!(text.contains("Nothing to write."), "{text}");
}

#[tokio::test]
async fn a_database_of_before_is_not_migrated_by_the_way() {
    let database = TestDatabase::create().await.unwrap();
    db::migrate_to(&database.owner_url(), "bursar_app", "20261125110000")
        .await
        .unwrap();
    let refused = failed(&reconcile(&database, &[]).await);
    assert!(
        refused.contains("lacks the migration `20261125110100`"),
        "{refused}"
    );
    assert!(refused.contains("start `bursar server`"), "{refused}");
    let pending = db::pending_migrations(&database.app_url()).await.unwrap();
    assert_eq!(pending.first().map(String::as_str), Some("20261125110100"));
}
