//! Several servers: each subscription is read by one of them at a time.

use std::time::Duration;

use fakeportal::Operation;

use super::{OFTEN, Stage};

/// How many reads of the organization's caps are looked at.
const READS: u32 = 6;

#[tokio::test]
async fn the_portal_is_read_as_often_by_two_servers_as_by_one() {
    let stage = Stage::new(OFTEN).await;
    let other = stage.replica().await;
    // Both are there: what is looked at begins now.
    let begun = stage.portal.fake.received().len();
    let acme = stage.world.cast.organization_id.to_string();
    let reads = || {
        let asked = stage.portal.fake.received();
        let reads = asked.into_iter().skip(begun).filter(|one| {
            one.operation == Some(Operation::BudgetCaps) && one.namespace().as_ref() == Some(&acme)
        });
        reads.map(|one| one.at).collect::<Vec<_>>()
    };
    let enough = usize::try_from(READS).unwrap();
    stage
        .until(async || reads().len() >= enough, "the reads")
        .await;
    let reads = reads();
    // If each read by itself, so many would take half of the time. A slow machine only makes it longer.
    let took = reads[enough - 1] - reads[0];
    let least = OFTEN * (READS - 1) * 3 / 4;
    assert!(took >= least, "{took:?} for {READS} reads");
    // And it goes on when one of them is gone.
    other.stop().await.unwrap();
    let before = stage.reads();
    stage
        .until(async || stage.reads() > before + 1, "a read by the other")
        .await;
}

/// Both are asked at once for what is too old: whoever reads, both show what the portal keeps.
#[tokio::test]
async fn everybody_shows_what_is_so() {
    let stage = Stage::new(Duration::from_secs(60)).await;
    let other = stage.replica().await;
    stage.keeps(|kept| {
        kept.recorded = true;
        kept.flat = fakeportal::Amount::new("3.25", true);
    });
    stage.stale().await;
    let elsewhere = other.as_caller(stage.owner());
    let ask = async || {
        let body = serde_json::json!({"query": super::ALL, "variables": {"path": "acme"}});
        let request = stage
            .world
            .http
            .post(format!("{}/api/graphql", other.url()));
        let request = request
            .bearer_auth(elsewhere.token().unwrap().expose())
            .json(&body);
        let answer: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
        answer["data"]["subscriptionUsage"]["budgetCaps"].clone()
    };
    let (here, there) = tokio::join!(stage.caps(), ask());
    assert_eq!(here["flatUserCap"], 3.25);
    assert_eq!(here, there);
    other.stop().await.unwrap();
}
