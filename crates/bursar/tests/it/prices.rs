//! `bursar prices` as processes.

use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;
use testkit::TestDatabase;

use crate::process::{failed, run, run_on, said};

/// Two models, one of them with a match rule.
const FILE: &str = r#"{"models": [
            {"provider": "anthropic", "model": "claude-house", "context_window": 1000,
             "prices": [{"prices": {"input_mtok": "0.5", "output_mtok": "2"}}]},
            {"provider": "rack", "model": "local", "match": {"starts_with": "local-"},
             "prices": [{"prices": {"input_mtok": "0", "output_mtok": "0"}}]}
        ]}"#;

/// Runs it as an operator would who has the server's variables at hand.
async fn prices(database: &TestDatabase, arguments: &[&str]) -> Output {
    run_on(database, &[&["prices"], arguments].concat()).await
}

fn file(folder: &TempDir, text: &str) -> String {
    let path = folder.path().join("prices.json");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The rows of `list --json`, each as its model, source, whether it is effective, and the price of input.
async fn listed(database: &TestDatabase, more: &[&str]) -> Vec<String> {
    let text = said(&prices(database, &[&["list", "--json"], more].concat()).await);
    let rows: Vec<Value> = serde_json::from_str(&text).unwrap();
    let row = |row: &Value| {
        let key = |key: &str| row[key].to_string().replace('"', "");
        let keys = [
            "provider",
            "model",
            "priced_model",
            "source",
            "effective",
            "input_price",
        ];
        keys.map(key).join(" ")
    };
    rows.iter().map(row).collect()
}

async fn audited(database: &TestDatabase) -> Vec<String> {
    let owner = database.owner().await.unwrap();
    let query = "SELECT concat_ws(' ', actor_name, action, resource_type, resource_target) AS line \
        FROM audit_logs ORDER BY line";
    let rows = owner.query(query, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_price_file_is_imported_once_and_listed() {
    let (database, folder) = (
        TestDatabase::create().await.unwrap(),
        TempDir::new().unwrap(),
    );
    let path = file(&folder, FILE);
    let tally = |new: &str| format!("3 prices: {new}. 1 alias:");
    let text = said(&prices(&database, &["import", &path]).await);
    assert!(text.starts_with("Imported. "), "{text}");
    assert!(
        text.contains(&tally("3 new, 0 changed, 0 unchanged")),
        "{text}"
    );
    let again = said(&prices(&database, &["import", &path]).await);
    assert!(
        again.contains(&tally("0 new, 0 changed, 3 unchanged")),
        "{again}"
    );
    let rows = [
        "anthropic claude-house claude-house custom true 500000",
        "openai-compatible claude-house claude-house custom true 500000",
        "openai-compatible local local custom true 0",
    ];
    assert_eq!(listed(&database, &["--source", "custom"]).await, rows);
    let by_alias = listed(
        &database,
        &["--provider", "openai-compatible", "--model", "local-7b"],
    )
    .await;
    assert_eq!(by_alias, ["openai-compatible local-7b local custom true 0"]);
    let lines = ["claude-house", "claude-house", "local", "local-*"];
    let lines = lines.map(|target| format!("price-importer create ai_model_price {target}"));
    assert_eq!(audited(&database).await, lines);
}

#[tokio::test]
async fn aliases_are_listed_and_removed_by_their_names() {
    let (database, folder) = (
        TestDatabase::create().await.unwrap(),
        TempDir::new().unwrap(),
    );
    let names = async || -> Vec<String> {
        let text = said(&prices(&database, &["aliases", "--json"]).await);
        let rows: Vec<Value> = serde_json::from_str(&text).unwrap();
        let row = |row: &Value| {
            let keys = ["provider", "provider_model", "priced_model"];
            keys.map(|key| row[key].as_str().unwrap().to_owned())
                .join(" ")
        };
        rows.iter().map(row).collect()
    };
    assert_eq!(names().await, [""; 0]);
    let none = said(&prices(&database, &["aliases"]).await);
    assert!(none.contains("\n\n0 aliases."), "{none}");
    said(&prices(&database, &["import", &file(&folder, FILE)]).await);
    assert_eq!(names().await, ["openai-compatible local-* local"]);
    let table = said(&prices(&database, &["aliases"]).await);
    assert!(
        table.contains("openai-compatible  local-*  local"),
        "{table}"
    );
    let delete = async |provider: &str, name: &str| {
        prices(&database, &["delete-alias", provider, name]).await
    };
    let unknown = failed(&delete("openai", "local-*").await);
    let words = "there is no alias `local-*` of `openai`";
    assert!(unknown.contains(words), "{unknown}");
    let removed = said(&delete("openai-compatible", "LOCAL-*").await);
    assert!(removed.contains("was removed"), "{removed}");
    assert_eq!(names().await, [""; 0]);
    let line = "price-importer delete ai_model_price local-*".to_owned();
    assert!(audited(&database).await.contains(&line));
}

#[tokio::test]
async fn a_dry_run_tells_what_is_new_and_writes_nothing() {
    let (database, folder) = (
        TestDatabase::create().await.unwrap(),
        TempDir::new().unwrap(),
    );
    let path = file(&folder, FILE);
    let dry = said(&prices(&database, &["import", &path, "--dry-run"]).await);
    assert!(dry.starts_with("Dry run, nothing was written. "), "{dry}");
    let tally = "3 prices: 3 new, 0 changed, 0 unchanged. 1 alias:";
    assert!(dry.contains(tally), "{dry}");
    assert_eq!(listed(&database, &["--source", "custom"]).await, [""; 0]);
    assert_eq!(audited(&database).await, [""; 0]);
}

#[tokio::test]
async fn prices_are_listed_as_a_table_for_people() {
    let (database, folder) = (
        TestDatabase::create().await.unwrap(),
        TempDir::new().unwrap(),
    );
    said(&prices(&database, &["import", &file(&folder, FILE)]).await);
    let arguments = ["list", "--provider", "anthropic", "--model", "claude-house"];
    let table = said(&prices(&database, &arguments).await);
    let row: Vec<_> = table.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(
        row.join(" "),
        "anthropic claude-house custom yes 0.5 2 - - -"
    );
    assert!(
        table.ends_with("1 price, in US dollars for a million tokens.\n"),
        "{table}"
    );
}

#[tokio::test]
async fn the_body_of_a_request_is_imported_too_and_a_servers_file_is_listed_beneath() {
    let (database, folder) = (
        TestDatabase::create().await.unwrap(),
        TempDir::new().unwrap(),
    );
    let body = r#"{"prices": [{"provider": "openai", "model": "gpt-4o", "input_price": 1, "output_price": 2,
        "cache_read_price": null, "cache_write_price": null}]}"#;
    said(&prices(&database, &["import", &file(&folder, body)]).await);
    let path = file(
        &folder,
        r#"{"models": [{"provider": "openai", "model": "gpt-4o", "prices": [{"prices": {"input_mtok": "7"}}]}]}"#,
    );
    let arguments = [
        "--provider",
        "openai",
        "--model",
        "gpt-4o",
        "--source",
        "all",
        "--model-prices-file",
        &path,
    ];
    assert_eq!(
        listed(&database, &arguments).await,
        [
            "openai gpt-4o gpt-4o default false 7000000",
            "openai gpt-4o gpt-4o custom true 1"
        ]
    );
}

#[tokio::test]
async fn a_file_with_a_mistake_is_refused_whole_and_says_where() {
    let (database, folder) = (
        TestDatabase::create().await.unwrap(),
        TempDir::new().unwrap(),
    );
    let check = async |text: &str, part: &str| {
        let refused = failed(&prices(&database, &["import", &file(&folder, text)]).await);
        assert!(
            refused.contains(part) && refused.contains("prices.json"),
            "{refused}"
        );
    };
    check("no JSON", "has neither `prices` nor `models`").await;
    check(
        r#"{"prices": [{"provider": "openai", "model": "m"}]}"#,
        "`prices[0]` must have at least one price",
    )
    .await;
    check(
        r#"{"models": [{"model": "m", "prices": []}]}"#,
        "model `m` has no token price",
    )
    .await;
    assert_eq!(listed(&database, &["--source", "custom"]).await, [""; 0]);
    let missing = failed(&prices(&database, &["import", "/nowhere/prices.json"]).await);
    assert!(missing.contains("cannot be read"), "{missing}");
}

#[tokio::test]
async fn the_help_says_what_it_works_as() {
    let help = said(&run(&["prices", "import", "--help"]).await);
    assert!(
        help.contains("price-importer") && help.contains("--dry-run"),
        "{help}"
    );
    let help = said(&run(&["prices", "list", "--help"]).await);
    assert!(
        help.contains("--source") && help.contains("--json"),
        "{help}"
    );
}
