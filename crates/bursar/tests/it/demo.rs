//! `bursar demo --exit` tells its story and ends well.

use crate::process::{Program, run};

#[tokio::test]
async fn the_demo_tells_its_story_and_ends() {
    let output = run(&["demo", "--exit"]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for part in [
        "gpt-5.1, streamed",
        "claude-sonnet-5, streamed",
        "403 refused",
        "audit log",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[tokio::test]
async fn the_demo_is_left_running_with_credentials_until_it_is_asked_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let details = folder.path().join("details.json");
    let mut demo = Program::start(&["demo", "--details-file", details.to_str().unwrap()], &[]);
    let address = demo
        .line_with("  address  ")
        .await
        .trim()
        .replace("address  ", "");
    let client = bursar_sdk::Client::new(&address).unwrap();
    assert!(client.readyz().await.unwrap().ready);
    let details = std::fs::read_to_string(details).unwrap();
    assert!(details.contains(&address), "{details}");
    assert!(demo.terminate().await.success());
}
