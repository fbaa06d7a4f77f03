//! A filled database is dumped and restored with PostgreSQL's own programs, triggers and rules included.

use std::process::{Command, Output, Stdio};

use db::local::{LocalRole, find_programs};
use model::{Change, Micros, budgets::GroupBudgetUpsert};
use secrecy::ExposeSecret;

use crate::{
    migrations::contents,
    overrides::{Team, charged_to},
    support::{TestDb, begin, read},
};

fn run(program: &std::path::Path, arguments: &[&str], input: Stdio) -> Output {
    let mut command = Command::new(program);
    let output = command.args(arguments).stdin(input).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}: {errors}", program.display());
    output
}

/// Everything in every table, one line each.
async fn rows(db: &TestDb) -> Vec<String> {
    let client = db.client(LocalRole::Superuser).await;
    let tables = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace \
        AND relkind = 'r' ORDER BY 1";
    let mut lines = Vec::new();
    for table in client.query(tables, &[]).await.unwrap() {
        let table: String = table.get(0);
        let query = format!("SELECT to_jsonb(t)::text FROM \"{table}\" AS t ORDER BY 1");
        for row in client.query(&query, &[]).await.unwrap() {
            lines.push(format!("{table} {}", row.get::<_, String>(0)));
        }
    }
    lines
}

/// Compares line by line. Columns that a migration dropped leave a trace, which a dump does not keep.
fn same(mut restored: Vec<String>, mut dumped: Vec<String>) {
    for lines in [&mut restored, &mut dumped] {
        lines.retain(|line| !line.contains(".pg.dropped."));
        lines.sort();
    }
    let (new, missing): (Vec<_>, Vec<_>) = (
        restored
            .iter()
            .filter(|line| !dumped.contains(line))
            .collect(),
        dumped
            .iter()
            .filter(|line| !restored.contains(line))
            .collect(),
    );
    assert!(
        new.is_empty() && missing.is_empty(),
        "{new:#?} {missing:#?}"
    );
    assert_eq!(restored.len(), dumped.len());
}

#[tokio::test]
async fn a_filled_database_is_dumped_and_restored() {
    let programs = find_programs(None, std::env::var_os("PATH").as_deref()).unwrap();
    let (pg_dump, psql) = (
        programs.bin_dir.join("pg_dump"),
        programs.bin_dir.join("psql"),
    );
    if !(pg_dump.exists() && psql.exists()) {
        return; // The server may be installed without its clients.
    }
    let db = TestDb::new().await;
    let store = db.store().await;
    let made = Team::new(&store).await;
    let mut unit = begin(&store).await;
    let budget = GroupBudgetUpsert {
        pool_limit: Change::Set(Micros(9)),
        ..GroupBudgetUpsert::limit(Micros(5))
    };
    unit.group_budget_upsert(made.team, &budget).await.unwrap();
    unit.budget_override_upsert(made.user, &charged_to(made.team, 7))
        .await
        .unwrap();
    unit.commit().await.unwrap();
    drop(store);

    let dump = tempfile::NamedTempFile::new().unwrap();
    let from = db.url(LocalRole::Superuser).await;
    let file = dump.path().to_str().unwrap();
    run(
        &pg_dump,
        &["--file", file, "--dbname", from.expose_secret()],
        Stdio::null(),
    );
    let restored = TestDb::empty().await;
    let to = restored.url(LocalRole::Superuser).await;
    let arguments = [
        "--no-psqlrc",
        "--quiet",
        "--set",
        "ON_ERROR_STOP=1",
        "--single-transaction",
        "--file",
        file,
        "--dbname",
        to.expose_secret(),
    ];
    run(&psql, &arguments, Stdio::null());

    same(contents(&restored).await, contents(&db).await);
    same(rows(&restored).await, rows(&db).await);
    // It works on: the rules are in force.
    let store = restored.store().await;
    let mut unit = begin(&store).await;
    let refused = unit
        .budget_override_upsert(made.user, &charged_to(made.other, 7))
        .await;
    assert!(refused.is_err());
    let mut unit = begin(&store).await;
    unit.group_delete(made.team).await.unwrap();
    unit.commit().await.unwrap();
    let left = read(&store).await.budget_override_get(made.user).await;
    assert_eq!(left.unwrap(), None);
}
