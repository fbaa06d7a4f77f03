//! What was there before a start: another Bursar, a killed one's server, a stale process number.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use db::local::LocalError;

use super::{config, connect, folder, refused, remember, remembered, start};

/// Set by the test that kills this test binary.
const CHILD: &str = "BURSAR_TEST_LOCAL_CHILD";

fn server_pid(data_dir: &Path) -> u32 {
    let text = fs::read_to_string(data_dir.join("postgres/postmaster.pid")).expect("a pid file");
    text.lines()
        .next()
        .expect("a line")
        .parse()
        .expect("a number")
}

/// Polls until the server has removed its pid file, which is the last thing it does.
async fn wait_until_gone(data_dir: &Path) {
    let gone = async {
        while data_dir.join("postgres/postmaster.pid").exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone)
        .await
        .expect("the server ends");
}

#[tokio::test]
async fn a_second_start_on_the_same_folder_is_refused() {
    let temporary = folder();
    let postgres = start(temporary.path()).await;
    let error = refused(config(temporary.path())).await;
    assert!(matches!(error, LocalError::Locked { .. }), "{error}");
    assert!(
        error.to_string().contains("already using the data folder"),
        "{error}"
    );
    remember(&postgres).await;
    postgres.stop().await.expect("it stops");
}

/// Not a test by itself: what the next one starts and kills.
#[tokio::test]
async fn child_that_runs_until_it_is_killed() {
    let Some(data_dir) = std::env::var_os(CHILD) else {
        return;
    };
    let postgres = start(Path::new(&data_dir)).await;
    remember(&postgres).await;
    println!("ready");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_killed_bursar_does_not_lock_its_folder_out() {
    let temporary = folder();
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args([
            "--exact",
            "local::recovery::child_that_runs_until_it_is_killed",
            "--nocapture",
        ])
        .env(CHILD, temporary.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let output = BufReader::new(child.stdout.take().expect("its output"));
    let ready = output
        .lines()
        .any(|line| line.is_ok_and(|line| line.contains("ready")));
    child.kill().expect("kill -9");
    child.wait().expect("its end");
    assert!(ready, "the child's PostgreSQL starts");

    let postgres = start(temporary.path()).await;
    assert_eq!(remembered(&postgres).await, "still here");
    postgres.stop().await.expect("it stops");
}

#[tokio::test]
async fn a_live_orphan_is_stopped_first() {
    let temporary = folder();
    let postgres = start(temporary.path()).await;
    remember(&postgres).await;
    let program = postgres.programs().bin_dir.join("postgres");
    let cluster = postgres.data_dir().join("postgres");
    let socket = postgres.socket_dir().to_path_buf();
    postgres.stop().await.expect("it stops");

    let owner = fs::metadata(&cluster).expect("the cluster");
    let mut command = Command::new(program);
    if owner.uid() != fs::metadata(temporary.path()).expect("folder").uid() {
        command.uid(owner.uid()).gid(owner.gid());
    }
    let mut orphan = command
        .arg("-D")
        .arg(&cluster)
        .args(["-c", "listen_addresses=", "-c"])
        .arg(format!("unix_socket_directories={}", socket.display()))
        .current_dir("/")
        .stderr(Stdio::null())
        .spawn()
        .expect("an orphan");
    let running = async {
        while !socket.join(".s.PGSQL.5432").exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), running)
        .await
        .expect("the orphan runs");

    let postgres = start(temporary.path()).await;
    assert!(postgres.stopped_orphan());
    assert!(
        orphan.wait().expect("its end").success(),
        "a fast shutdown, not a kill"
    );
    assert_eq!(remembered(&postgres).await, "still here");
    postgres.stop().await.expect("it stops");
}

#[tokio::test]
async fn a_stale_pid_file_does_not_matter() {
    let temporary = folder();
    let postgres = start(temporary.path()).await;
    remember(&postgres).await;
    postgres.stop().await.expect("it stops");

    let mut ended = Command::new("true").spawn().expect("a process");
    let dead = ended.id();
    ended.wait().expect("its end");
    for pid in [
        dead,
        std::process::id(),
        std::os::unix::process::parent_id(),
    ] {
        let text = format!("{pid}\n{}\n1\n5432\n/x\n", temporary.path().display());
        fs::write(temporary.path().join("postgres/postmaster.pid"), text).expect("file");
        let postgres = start(temporary.path()).await;
        assert!(!postgres.stopped_orphan());
        assert_eq!(remembered(&postgres).await, "still here");
        assert_ne!(server_pid(temporary.path()), pid);
        postgres.stop().await.expect("it stops");
    }
}

#[tokio::test]
async fn a_dropped_server_ends_too() {
    let temporary = folder();
    let postgres = start(temporary.path()).await;
    remember(&postgres).await;
    drop(postgres);
    wait_until_gone(temporary.path()).await;
}

#[tokio::test]
async fn the_end_of_the_server_is_noticed() {
    let temporary = folder();
    let mut postgres = start(temporary.path()).await;
    let superuser = connect(&postgres.superuser_url()).await;
    let own = server_pid(temporary.path()).to_string();
    Command::new("kill")
        .args(["-QUIT", &own])
        .status()
        .expect("a signal");
    let error = postgres.exited().await;
    let LocalError::Exited { log_tail, .. } = &error else {
        panic!("{error}")
    };
    assert!(log_tail.contains("immediate shutdown"), "{log_tail}");
    drop(superuser);
    postgres.stop().await.expect("nothing is left to stop");
}
