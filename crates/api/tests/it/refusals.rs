//! Refused writes are recorded, once, and nothing else is.

use model::UserId;

use crate::world::{GROUP, MEMBER, OWNER, World};

#[tokio::test]
async fn a_refused_write_is_recorded_once() {
    let check = async |who: Option<UserId>, method: &str, path: &str, body: &str, recorded| {
        let world = World::new();
        let answer = world.ask(who, method, path, body).await;
        let calls = world.calls("audit_refused");
        assert_eq!(calls, recorded, "{who:?} {method} {path}: {}", answer.text);
        if recorded > 0 {
            let contexts = world.store.contexts();
            let context = contexts.last().unwrap();
            assert_eq!(context.user_id, who, "{method} {path}");
            let id = answer.headers["x-request-id"].to_str().unwrap();
            assert_eq!(
                context.request_id.unwrap().to_string(),
                id,
                "{method} {path}"
            );
        }
    };
    let budget = format!("/api/v2/groups/{GROUP}/ai/budget");
    let limit = r#"{"spend_limit_micros": 1}"#;
    check(Some(MEMBER), "PUT", &budget, limit, 1).await;
    check(Some(MEMBER), "DELETE", &budget, "", 1).await;
    check(
        Some(MEMBER),
        "POST",
        "/api/v2/organizations",
        r#"{"name": "b"}"#,
        1,
    )
    .await;
    check(
        Some(MEMBER),
        "PUT",
        "/api/v2/users/olga/status/suspend",
        "",
        1,
    )
    .await;
    // Allowed, wrong in itself, missing, read, or by nobody.
    check(Some(OWNER), "PUT", &budget, limit, 0).await;
    check(Some(OWNER), "PUT", &budget, "{}", 0).await;
    check(Some(OWNER), "DELETE", &budget, "", 0).await;
    check(Some(MEMBER), "GET", "/api/v2/users/olga", "", 0).await;
    check(None, "PUT", &budget, limit, 0).await;
}
