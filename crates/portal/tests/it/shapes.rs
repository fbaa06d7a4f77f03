//! Answers that are JSON, but not of the shape that was asked for: told by the place, never by what is there.

use portal::Malformation;

use crate::{
    misbehaviour::check_malformed,
    rig::{Operation, Rig},
};

/// Answers an operation with each of these data, which are wrong at the place beside them.
async fn check(operation: Operation, rows: &[(&str, &str)]) {
    let rig = Rig::new().await;
    for (data, at) in rows {
        let how = Malformation::Shape {
            at: (*at).to_owned(),
        };
        let body = format!(r#"{{"data":{data}}}"#);
        check_malformed(&rig, operation, &body, &how).await;
    }
}

#[tokio::test]
async fn data_is_an_object() {
    for operation in Operation::all() {
        let data = ["[]", "7", "\"s\"", "true", r#"[{"subscription":null}]"#];
        check(operation, &data.map(|data| (data, "."))).await;
    }
}

#[tokio::test]
async fn what_is_left_out_says_nothing() {
    check(
        Operation::Caps,
        &[
            ("{}", "."),
            (r#"{"subscription":{}}"#, "subscription"),
            (r#"{"subscription":[]}"#, "subscription"),
            // A list by position is no object.
            (r#"{"subscription":[null]}"#, "subscription"),
            (
                r#"{"subscription":{"budgetControls":{}}}"#,
                "subscription.budgetControls",
            ),
            (
                r#"{"subscription":{"budgetControls":{"subscription":null}}}"#,
                "subscription.budgetControls",
            ),
            (
                r#"{"subscription":{"budgetControls":{"subscription":{"subscriptionName":null},"userBudgetCapOverrides":null}}}"#,
                "subscription.budgetControls.subscription",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn pages_are_whole() {
    let place = "subscription.budgetControls.userBudgetCapOverrides";
    let check = async |page: &str, at: &str| {
        let data = format!(
            r#"{{"subscription":{{"budgetControls":{{"subscription":null,"userBudgetCapOverrides":{page}}}}}}}"#
        );
        check(Operation::Caps, &[(&data, &format!("{place}{at}"))]).await;
    };
    check(r#"{"nodes":[]}"#, "").await;
    check(r#"{"pageInfo":{}}"#, "").await;
    check(r#"{"nodes":[],"pageInfo":null}"#, ".pageInfo").await;
    check(r#"{"nodes":null,"pageInfo":{}}"#, ".nodes").await;
    for (node, field) in [
        ("null", ""),
        ("7", ""),
        (r#"{"cap":1,"capEnabled":true}"#, ""),
        (r#"{"entityId":"1","capEnabled":true}"#, ""),
        (r#"{"entityId":"1","cap":1}"#, ""),
        (
            r#"{"entityId":"1","cap":1,"capEnabled":null}"#,
            ".capEnabled",
        ),
        (
            r#"{"entityId":"1","cap":1,"capEnabled":"true"}"#,
            ".capEnabled",
        ),
        (
            r#"{"entityId":{"PG::":1},"cap":1,"capEnabled":true}"#,
            ".entityId",
        ),
        (r#"{"entityId":1.5,"cap":1,"capEnabled":true}"#, ".entityId"),
    ] {
        let page = format!(r#"{{"nodes":[{node}],"pageInfo":{{}}}}"#);
        check(&page, &format!(".nodes[0]{field}")).await;
    }
}

#[tokio::test]
async fn payloads_are_whole() {
    let place = "upsertBudgetCapSubscription";
    let check_flat = async |payload: &str, at: &str| {
        let data = format!(r#"{{"{place}":{payload}}}"#);
        check(Operation::Flat, &[(&data, &format!("{place}{at}"))]).await;
    };
    check_flat("[]", "").await;
    check_flat(r#"{"subscriptionBudgetCap":null}"#, "").await;
    check_flat(r#"{"errors":7}"#, ".errors").await;
    check_flat(r#"{"errors":[{"message":"PG::"}]}"#, ".errors").await;
    let stored =
        r#"{"subscriptionBudgetCap":{"subscriptionName":"A","flatUserCap":1},"errors":[]}"#;
    check_flat(stored, ".subscriptionBudgetCap").await;
    let bulk = r#"{"upsertUserBudgetCapsBulk":{"userBudgetCapOverrides":{},"errors":[]}}"#;
    let place = "upsertUserBudgetCapsBulk.userBudgetCapOverrides";
    check(Operation::Bulk, &[(bulk, place)]).await;
}

#[tokio::test]
async fn statuses_are_whole() {
    let check = async |node: &str, at: &str| {
        let data = format!(
            r#"{{"subscription":{{"gitlabCreditsUsage":{{"blockedStatuses":{{"nodes":[{node}]}}}}}}}}"#
        );
        let place = "subscription.gitlabCreditsUsage.blockedStatuses.nodes[0]";
        check(Operation::Statuses, &[(&data, &format!("{place}{at}"))]).await;
    };
    check("null", "").await;
    check(r#"{"entityId":"7","capType":null}"#, "").await;
    check(r#"{"entityId":"7","blocked":true}"#, "").await;
    check(
        r#"{"entityId":"7","blocked":null,"capType":null}"#,
        ".blocked",
    )
    .await;
    check(
        r#"{"entityId":null,"blocked":true,"capType":null}"#,
        ".entityId",
    )
    .await;
    check(r#"{"entityId":"7","blocked":true,"capType":3}"#, ".capType").await;
}

#[tokio::test]
async fn amounts_are_never_rounded_and_caps_never_half() {
    let rig = Rig::new().await;
    let caps = |rest: &str| {
        format!(
            r#"{{"data":{{"subscription":{{"budgetControls":{{"subscription":{{"subscriptionName":"A",{rest}}},"userBudgetCapOverrides":{{"nodes":[],"pageInfo":{{}}}}}}}}}}}}"#
        )
    };
    let amount = |field| Malformation::Amount { field };
    for bad in [
        "0.0000001",
        "0.30000000000000004",
        "-1",
        "\"1\"",
        "1e300",
        "true",
        "[1]",
        "{}",
    ] {
        let flat = format!(
            r#""subscriptionCap":1,"subscriptionCapEnabled":true,"flatUserCap":{bad},"flatUserCapEnabled":true"#
        );
        check_malformed(&rig, Operation::Caps, &caps(&flat), &amount("flatUserCap")).await;
        let subscription = format!(
            r#""subscriptionCap":{bad},"subscriptionCapEnabled":false,"flatUserCap":1,"flatUserCapEnabled":true"#
        );
        let how = amount("subscriptionCap");
        check_malformed(&rig, Operation::Caps, &caps(&subscription), &how).await;
        let stored = format!(
            r#"{{"data":{{"upsertUserBudgetCapsBulk":{{"userBudgetCapOverrides":[{{"entityId":"7","cap":{bad},"capEnabled":true}}],"errors":[]}}}}}}"#
        );
        check_malformed(&rig, Operation::Bulk, &stored, &amount("cap")).await;
    }
    for (cap, enabled) in [("null", "true"), ("1", "null")] {
        let half = format!(
            r#""subscriptionCap":null,"subscriptionCapEnabled":null,"flatUserCap":{cap},"flatUserCapEnabled":{enabled}"#
        );
        let how = Malformation::HalfCap {
            field: "flatUserCap",
        };
        check_malformed(&rig, Operation::Caps, &caps(&half), &how).await;
    }
}
