//! `bursar feature enable`, `disable` and `list` as processes.

use std::process::Output;

use testkit::TestDatabase;

use crate::process::{failed, run, run_on, said};

const FEATURE: &str = "budget_caps_graphql_api";

/// Runs it as an operator would who has the server's variables at hand.
async fn feature(database: &TestDatabase, arguments: &[&str]) -> Output {
    run_on(database, &[&["feature"], arguments].concat()).await
}

/// The rows of `list`: where, and the state, and whether it is by default.
async fn listed(database: &TestDatabase) -> Vec<String> {
    let text = said(&feature(database, &["list"]).await);
    let rows = text.lines().skip(1).map(|line| {
        let line = line.strip_prefix(FEATURE).unwrap();
        let mut cells: Vec<_> = line.split_whitespace().collect();
        let since = cells.pop().unwrap();
        let since = if since == "default" {
            " by default"
        } else {
            ""
        };
        format!("{}{since}", cells.join(" "))
    });
    rows.collect()
}

#[tokio::test]
async fn features_are_switched_and_listed() {
    let database = TestDatabase::create().await.unwrap();
    let owner = database.owner().await.unwrap();
    let make = "SET bursar.actor_name = 'test'; \
        INSERT INTO organizations (id, name) VALUES (gen_random_uuid(), 'acme')";
    owner.batch_execute(make).await.unwrap();
    assert_eq!(listed(&database).await, ["deployment on by default"]);
    let text = said(&feature(&database, &["disable", FEATURE]).await);
    assert_eq!(
        text,
        format!("`{FEATURE}` is off wherever an organization has no switch of its own.\n")
    );
    let arguments = ["enable", FEATURE, "--organization", "Acme"];
    let text = said(&feature(&database, &arguments).await);
    assert_eq!(
        text,
        format!("`{FEATURE}` is on in the organization `acme`.\n")
    );
    assert_eq!(
        listed(&database).await,
        ["deployment off", "organization acme on"]
    );
    said(&feature(&database, &["enable", FEATURE]).await);
    assert_eq!(
        listed(&database).await,
        ["deployment on", "organization acme on"]
    );
    let actors = "SELECT string_agg(DISTINCT actor_name, ',') FROM audit_logs \
        WHERE resource_type = 'feature_flag'";
    let actors: String = owner.query_one(actors, &[]).await.unwrap().get(0);
    assert_eq!(actors, "feature-switcher");
}

#[tokio::test]
async fn what_does_not_exist_is_named() {
    let database = TestDatabase::create().await.unwrap();
    let text = failed(&feature(&database, &["enable", "teleportation"]).await);
    assert!(
        text.contains("there is no such feature") && text.contains(FEATURE),
        "{text}"
    );
    let arguments = ["disable", FEATURE, "--organization", "nowhere"];
    let text = failed(&feature(&database, &arguments).await);
    assert!(
        text.contains("the organization `nowhere` cannot be used: not found"),
        "{text}"
    );
    let help = said(&run(&["feature", "enable", "--help"]).await);
    assert!(help.contains("feature-switcher"), "{help}");
}
