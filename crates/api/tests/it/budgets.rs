//! Group budgets over HTTP: gate, limits, messages, masking.

use api::Features;
use model::UserId;

use crate::world::{GROUP, MEMBER, OWNER, STRANGER, World};

fn path() -> String {
    format!("/api/v2/groups/{GROUP}/ai/budget")
}

#[tokio::test]
async fn a_budget_is_set_read_and_removed() {
    let world = World::new();
    let check = async |who: Option<UserId>, method: &str, body: &str, status: u16| {
        let answer = world.ask(who, method, &path(), body).await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{who:?} {method} {body}: {}",
            answer.text
        );
        answer
    };
    let five = r#"{"spend_limit_micros": 5000000, "currency": "USD"}"#;
    check(None, "GET", "", 401).await;
    check(Some(OWNER), "GET", "", 404).await;
    check(Some(MEMBER), "PUT", five, 404).await;
    let set = check(Some(OWNER), "PUT", five, 200).await.json();
    assert_eq!(set["spend_limit_micros"], 5_000_000);
    assert_eq!(set["group_id"], GROUP.to_string());
    assert_eq!(check(Some(OWNER), "GET", "", 200).await.json(), set);
    // Its own members may read it, and nothing else; others do not learn of it.
    check(Some(MEMBER), "GET", "", 200).await;
    check(Some(MEMBER), "DELETE", "", 404).await;
    check(Some(STRANGER), "GET", "", 404).await;
    check(Some(STRANGER), "PUT", five, 404).await;
    check(Some(OWNER), "DELETE", "", 204).await;
    check(Some(OWNER), "DELETE", "", 404).await;
}

#[tokio::test]
async fn a_budget_has_limits() {
    let world = World::new();
    let check = async |body: &str, status: u16, message: &str, detail: &str| {
        let answer = world.ask(Some(OWNER), "PUT", &path(), body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}");
        assert_eq!(answer.message(), message, "{body}");
        let validation = &answer.json()["validations"][0];
        assert_eq!(
            validation["detail"].as_str().unwrap_or_default(),
            detail,
            "{body}"
        );
        if !detail.is_empty() {
            assert_eq!(validation["field"], "spend_limit_micros", "{body}");
        }
    };
    let max = "Must not exceed 1000000000000.";
    check(r#"{"spend_limit_micros": 0}"#, 200, "", "").await;
    check(r#"{"spend_limit_micros": 1000000000000}"#, 200, "", "").await;
    check(
        r#"{"spend_limit_micros": 1000000000001}"#,
        400,
        "Invalid AI spend limit.",
        max,
    )
    .await;
    check(
        r#"{"spend_limit_micros": -1}"#,
        400,
        "Validation failed.",
        "must be at least 0",
    )
    .await;
    check("{}", 400, "Validation failed.", "must be given").await;
    check("{", 400, "Request body must be valid JSON.", "").await;
    check("", 400, "Request body must be valid JSON.", "").await;
}

#[tokio::test]
async fn budgets_need_their_feature() {
    let world = World::with(Features { aibridge: false });
    for (who, method, path, status) in [
        (Some(OWNER), "GET", path(), 403),
        (Some(OWNER), "PUT", path(), 403),
        (Some(OWNER), "DELETE", path(), 403),
        (
            Some(MEMBER),
            "GET",
            "/api/v2/users/me/ai/spend".to_owned(),
            403,
        ),
        (None, "GET", path(), 401),
        (Some(OWNER), "GET", "/api/v2/groups".to_owned(), 200),
    ] {
        let answer = world.ask(who, method, &path, "{}").await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{method} {path}: {}",
            answer.text
        );
        if status == 403 {
            assert!(answer.message().contains("`aibridge`"), "{}", answer.text);
        }
    }
}
