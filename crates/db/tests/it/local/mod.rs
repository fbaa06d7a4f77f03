//! The embedded PostgreSQL, really started: as root it runs as another account, else as oneself.

mod recovery;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use db::local::{Durability, LocalConfig, LocalError, LocalPostgres, LocalRole};
use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn config(data_dir: &Path) -> LocalConfig {
    LocalConfig {
        durability: Durability::Throwaway,
        path_env: std::env::var_os("PATH"),
        max_connections: 20,
        ..LocalConfig::new(data_dir)
    }
}

async fn start(data_dir: &Path) -> LocalPostgres {
    LocalPostgres::start(config(data_dir))
        .await
        .expect("PostgreSQL starts")
}

async fn refused(config: LocalConfig) -> LocalError {
    LocalPostgres::start(config)
        .await
        .expect_err("PostgreSQL must not start")
}

async fn connect(url: &SecretString) -> Client {
    let (client, connection) = tokio_postgres::connect(url.expose_secret(), NoTls)
        .await
        .expect("a connection");
    tokio::spawn(connection);
    client
}

async fn text(client: &Client, query: &str) -> String {
    client.query_one(query, &[]).await.expect("a row").get(0)
}

/// Makes a table with one row, as the owner.
async fn remember(postgres: &LocalPostgres) {
    let owner = connect(&postgres.owner_url()).await;
    let statement = "CREATE TABLE kept AS SELECT 'still here' AS what";
    owner
        .batch_execute(statement)
        .await
        .expect("the owner may create tables");
}

async fn remembered(postgres: &LocalPostgres) -> String {
    text(
        &connect(&postgres.owner_url()).await,
        "SELECT what FROM kept",
    )
    .await
}

#[tokio::test]
async fn data_survives_a_stop_and_a_start() {
    let temporary = folder();
    let data_dir = temporary.path();
    let durable = LocalConfig {
        durability: Durability::Durable,
        ..config(data_dir)
    };
    let postgres = LocalPostgres::start(durable)
        .await
        .expect("PostgreSQL starts");
    remember(&postgres).await;
    let first_url = postgres.app_url();
    postgres.stop().await.expect("it stops");
    assert!(!data_dir.join("postgres/postmaster.pid").exists());

    // What an interrupted `initdb` would have left does not matter.
    fs::create_dir_all(data_dir.join("postgres.new-x/base")).expect("folder");
    let postgres = start(data_dir).await;
    assert!(!postgres.stopped_orphan());
    assert!(!data_dir.join("postgres.new-x").exists());
    assert_eq!(
        postgres.app_url().expose_secret(),
        first_url.expose_secret()
    );
    assert_eq!(remembered(&postgres).await, "still here");
    postgres.stop().await.expect("it stops");
}

#[tokio::test]
async fn a_first_start_sets_everything_up() {
    let temporary = folder();
    let postgres = start(temporary.path()).await;
    let superuser = connect(&postgres.superuser_url()).await;
    for (query, expected) in [
        ("SHOW data_checksums", "on"),
        ("SHOW server_encoding", "UTF8"),
        ("SHOW listen_addresses", ""),
        ("SHOW password_encryption", "scram-sha-256"),
        ("SHOW max_connections", "20"),
        (
            "SELECT string_agg(concat_ws(' ', type, database, user_name, auth_method, error), ';') \
          FROM pg_hba_file_rules",
            "local {all} {all} scram-sha-256",
        ),
        (
            "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles \
          WHERE rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls",
            "bursar_superuser",
        ),
        (
            "SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = 'bursar'",
            "bursar_owner",
        ),
        (
            "SELECT count(*)::text FROM pg_authid WHERE rolpassword NOT LIKE 'SCRAM-SHA-256$%'",
            "0",
        ),
    ] {
        assert_eq!(text(&superuser, query).await, expected, "{query}");
    }
    remember(&postgres).await;
    let app = connect(&postgres.app_url()).await;
    for forbidden in [
        "CREATE TABLE t (i int)",
        "SELECT * FROM kept",
        "CREATE SCHEMA s",
    ] {
        app.batch_execute(forbidden).await.expect_err(forbidden);
    }
    let wrong = SecretString::from(
        postgres
            .app_url()
            .expose_secret()
            .replace("bursar_app", "bursar_owner"),
    );
    assert!(
        tokio_postgres::connect(wrong.expose_secret(), NoTls)
            .await
            .is_err()
    );

    check_files(&postgres);
    postgres.stop().await.expect("it stops");
}

/// Bursar's own files are its own, and PostgreSQL's folders are not root's.
fn check_files(postgres: &LocalPostgres) {
    let mine = fs::metadata(postgres.data_dir().join("bursar.lock"))
        .expect("the lock")
        .uid();
    for (name, private_to_bursar, mode) in [
        ("secrets", true, 0o700),
        ("secrets/bursar_superuser.password", true, 0o600),
        ("secrets/bursar_app.password", true, 0o600),
        ("bursar.lock", true, 0o600),
        ("postgres.log", true, 0o600),
        ("postgres", false, 0o700),
        ("run", false, 0o700),
    ] {
        let metadata = fs::metadata(postgres.data_dir().join(name)).expect(name);
        assert_eq!(metadata.mode() & 0o777, mode, "{name}");
        assert_eq!(
            metadata.uid() == mine,
            private_to_bursar || mine != 0,
            "{name}"
        );
    }
    let left = fs::read_dir(postgres.data_dir()).expect("list").flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert!(
        !left
            .iter()
            .any(|name| name.to_string_lossy().contains("initdb")),
        "{left:?}"
    );
}

#[tokio::test]
async fn databases_can_be_made_and_cloned() {
    let temporary = folder();
    let postgres = start(temporary.path()).await;
    remember(&postgres).await;
    let superuser = connect(&postgres.superuser_url()).await;
    superuser
        .batch_execute("CREATE DATABASE copy TEMPLATE bursar")
        .await
        .expect("a clone");
    postgres.create_database("copy").await.expect("grants");
    postgres
        .create_database("of its \"own\"")
        .await
        .expect("another");
    postgres
        .create_database("of its \"own\"")
        .await
        .expect("once more");
    for name in ["copy", "of its \"own\""] {
        let app = connect(&postgres.url(LocalRole::App, name)).await;
        assert_eq!(text(&app, "SELECT current_database()::text").await, name);
    }
    postgres.stop().await.expect("it stops");
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_moves_it_to_a_private_folder() {
    let temporary = folder();
    let deep = temporary.path().join("d".repeat(120));
    if fs::metadata(temporary.path()).expect("folder").uid() == 0 {
        fs::set_permissions(temporary.path(), fs::Permissions::from_mode(0o711)).expect("mode");
    }
    let postgres = start(&deep).await;
    remember(&postgres).await;
    let socket_dir = postgres.socket_dir().to_path_buf();
    assert!(!socket_dir.starts_with(temporary.path()));
    assert_eq!(
        fs::metadata(&socket_dir).expect("folder").mode() & 0o777,
        0o700
    );
    postgres.stop().await.expect("it stops");
    assert!(!socket_dir.exists());
}

#[tokio::test]
async fn a_cluster_of_another_major_version_is_refused_untouched() {
    let temporary = folder();
    let version = temporary.path().join("postgres/PG_VERSION");
    fs::create_dir(temporary.path().join("postgres")).expect("folder");
    fs::write(&version, "12\n").expect("file");
    let error = refused(config(temporary.path())).await;
    assert!(
        matches!(
            error,
            LocalError::WrongMajor {
                cluster_major: 12,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(fs::read_to_string(version).expect("file"), "12\n");
    assert!(!temporary.path().join("secrets").exists());
}

#[tokio::test]
async fn a_parent_closed_to_the_account_is_named() {
    let temporary = folder();
    let closed = temporary.path().join("closed");
    fs::create_dir(&closed).expect("folder");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).expect("mode");
    if fs::metadata(&closed).expect("folder").uid() != 0 {
        return; // PostgreSQL runs as oneself
    }
    fs::set_permissions(temporary.path(), fs::Permissions::from_mode(0o711)).expect("mode");
    let error = refused(config(&closed.join("data"))).await;
    let real = closed.canonicalize().expect("path");
    assert!(
        matches!(&error, LocalError::Untraversable { folder, .. } if *folder == real),
        "{error}"
    );
    assert!(!closed.join("data/postgres").exists());
}

#[tokio::test]
async fn a_setting_that_the_server_refuses_is_shown_with_its_words() {
    let temporary = folder();
    let mut config = config(temporary.path());
    config
        .settings
        .push(("no_such_setting".to_owned(), "1".to_owned()));
    let error = refused(config).await;
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}

#[tokio::test]
async fn a_password_of_another_backup_is_told_apart() {
    let temporary = folder();
    start(temporary.path())
        .await
        .stop()
        .await
        .expect("it stops");
    let file = temporary.path().join("secrets/bursar_superuser.password");
    fs::write(&file, "another").expect("file");
    let error = refused(config(temporary.path())).await;
    assert!(
        matches!(error, LocalError::PasswordRefused { .. }),
        "{error}"
    );
}
