//! The transport and its bounds: sizes, depth, complexity, batches, rates, and the explorer.

use serde_json::{Value, json};
use testkit::{ServerOptions, World};

use super::{
    CAPS, FLAT, OVERRIDES, admin_mode, answered, change, code, data, error, gql, post, row,
};
use crate::support::{request, world};

/// Cases 77 and 52 by variables, and what else is refused before anything is executed.
#[tokio::test]
async fn requests_are_bounded() {
    let world = world().await;
    let owner = &world.cast.owner;
    let long = format!("{{ queryComplexity {{ score }} }} # {}", "x".repeat(10_000));
    let deep = format!("{{ a(x: {}1{}) }}", "[".repeat(500), "]".repeat(500));
    let one = json!({"query": "{ queryComplexity { score limit } }"});
    for (body, status, message) in [
        (json!({"query": long}), 422, "Query too large"),
        (json!({"query": deep}), 422, "Query nested too deeply"),
        (json!([]), 422, "Query batch is empty"),
        (json!(vec![one.clone(); 21]), 422, "Query batch too large"),
        (json!(5), 400, "A request must be a JSON object"),
        (
            json!({"query": "{ a }", "variables": 5}),
            400,
            "Variables must be a JSON object",
        ),
        (json!({}), 200, "No query string was present"),
        (json!({"query": "{"}), 200, ""),
        (
            json!({"query": "query A { a }", "operationName": "B"}),
            200,
            "",
        ),
    ] {
        let answer = post(&world, Some(owner), &body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
        assert!(
            error(&answer.json()).starts_with(message),
            "{}",
            answer.text
        );
        assert!(answer.json().get("data").is_none());
    }
    let answer = post(&world, Some(owner), &json!([one, one])).await.json();
    assert_eq!(answer.as_array().map(Vec::len), Some(2));
    assert_eq!(
        answer[1]["data"]["queryComplexity"],
        json!({"score": 3, "limit": 250})
    );
    let rows: Vec<Value> = (0..200)
        .map(|_| row(world.cast.member_id, 1.0, true))
        .collect();
    let answer = change(&world, owner, OVERRIDES, json!({"overrides": rows})).await;
    assert_eq!(code(&answer), "DUPLICATE_USER");
}

#[tokio::test]
async fn queries_come_by_address_too_and_changes_do_not() {
    let world = world().await;
    let token = world.cast.owner.token().unwrap().expose();
    let get = async |query: &str, variables: Value| {
        let parameters = [("query", query), ("variables", &variables.to_string())];
        let request = request(&world, "GET", "/api/graphql").query(&parameters);
        answered(request.bearer_auth(token)).await
    };
    let answer = get(CAPS, json!({"path": "acme"})).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["cache-control"], "no-store");
    data(&answer.json(), "subscriptionUsage");
    let input =
        json!({"in": {"namespacePath": "acme", "flatUserCap": 1, "flatUserCapEnabled": true}});
    let answer = get(FLAT, input).await;
    assert_eq!(answer.status, 422);
    assert_eq!(
        error(&answer.json()),
        "Mutations are forbidden in GET requests"
    );
    let answer = gql(&world, &world.cast.owner, CAPS, json!({"path": "acme"})).await;
    assert_eq!(
        answer["data"]["subscriptionUsage"]["budgetCaps"]["flatUserCap"],
        Value::Null
    );
    let answer = answered(request(&world, "PUT", "/api/graphql")).await;
    assert_eq!(answer.status, 405);
}

#[tokio::test]
async fn operations_are_bounded_by_fields_and_depth() {
    let world = world().await;
    let owner = &world.cast.owner;
    let wide = |fields: usize| {
        let all: String = (0..fields / 2)
            .map(|n| format!("a{n}: queryComplexity {{ score }} "))
            .collect();
        json!({"query": format!("{{ {all} }}")})
    };
    let deep = |depth: usize| {
        let levels = depth - 5;
        let text = format!("{}kind{}", "ofType { ".repeat(levels), " }".repeat(levels));
        json!({"query": format!("{{ __schema {{ types {{ fields {{ type {{ {text} }} }} }} }} }}")})
    };
    let check = async |admin: bool, signed_in: bool, body: &Value, expected: &str| {
        let caller = signed_in.then_some(owner);
        let answer = post(&world, caller, body).await.json();
        if expected.is_empty() {
            assert!(answer.get("errors").is_none(), "{admin} {answer}");
        } else {
            assert!(error(&answer).contains(expected), "{admin} {answer}");
        }
    };
    check(false, false, &wide(200), "").await;
    check(
        false,
        false,
        &wide(202),
        "which exceeds max complexity of 200",
    )
    .await;
    check(false, true, &wide(250), "").await;
    check(
        false,
        true,
        &wide(252),
        "which exceeds max complexity of 250",
    )
    .await;
    check(false, false, &deep(15), "").await;
    check(false, false, &deep(16), "exceeds max depth of 15").await;
    check(false, true, &deep(20), "").await;
    check(false, true, &deep(21), "exceeds max depth of 20").await;
    admin_mode(&world).await;
    check(true, true, &wide(300), "").await;
    check(
        true,
        true,
        &wide(302),
        "which exceeds max complexity of 300",
    )
    .await;
    let twice = |number| {
        let next = number + 1;
        format!(" fragment F{number} on Query {{ ...F{next} ...F{next} }}")
    };
    let fragments: String = (0..30).map(twice).collect();
    let bomb = format!("{{ ...F0 }}{fragments} fragment F30 on Query {{ __typename }}");
    check(
        true,
        true,
        &json!({"query": bomb}),
        "exceeds max complexity",
    )
    .await;
}

/// Case 79: that it is the schema which clients know is shown in the crate `api`.
#[tokio::test]
async fn nobody_may_ask_for_the_schema_as_stock_clients_do() {
    let world = world().await;
    let mut kinds = "kind name".to_owned();
    for _ in 0..9 {
        kinds = format!("kind name ofType {{ {kinds} }}");
    }
    let query = format!("query IntrospectionQuery {{ __schema {{ description
        queryType {{ name }} mutationType {{ name }} subscriptionType {{ name }} types {{ ...FullType }}
        directives {{ name description isRepeatable locations args {{ ...InputValue }} }} }} }}
        fragment FullType on __Type {{ kind name description specifiedByURL
            fields(includeDeprecated: true) {{ name description args {{ ...InputValue }} type {{ ...TypeRef }}
                isDeprecated deprecationReason }}
            inputFields {{ ...InputValue }} interfaces {{ ...TypeRef }}
            enumValues(includeDeprecated: true) {{ name description isDeprecated deprecationReason }}
            possibleTypes {{ ...TypeRef }} }}
        fragment InputValue on __InputValue {{ name description type {{ ...TypeRef }} defaultValue }}
        fragment TypeRef on __Type {{ {kinds} }}");
    let answer = post(&world, None, &json!({"query": query})).await;
    let types = answer.json()["data"]["__schema"]["types"].clone();
    let names: Vec<&str> = types
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    for name in [
        "GitlabSubscriptionBudgetCaps",
        "UserCore",
        "User",
        "UpsertFlatUserCapInput",
    ] {
        assert!(names.contains(&name), "{names:?}");
    }
    let wrong = json!({"query": "{ a b c d e f g subscriptionUsages { enabled } }"});
    let answer = post(&world, None, &wrong).await.json();
    assert_eq!(
        answer["errors"].as_array().map(Vec::len),
        Some(5),
        "{answer}"
    );
    assert!(!answer.to_string().contains("Did you mean"), "{answer}");
}

/// Case 76.
#[tokio::test]
async fn changes_are_counted_for_each_person_once_they_are_allowed() {
    let mut caps = bursar::cli::ServerOptions::with_defaults().unwrap().caps;
    caps.budget_cap_update_per_minute_limit = 0;
    caps.budget_cap_update_per_day_limit = 3;
    let options = ServerOptions {
        caps: Some(caps),
        ..ServerOptions::default()
    };
    let script = fakeprovider::Script::default();
    let world = World::with_options(script, model::Micros::USD, &options)
        .await
        .unwrap();
    let owner = &world.cast.owner;
    let flat = json!({"flatUserCap": 1, "flatUserCapEnabled": true});
    let own = json!({"overrides": [row(world.cast.member_id, 1.0, true)]});
    let refused = json!({"namespacePath": "nowhere", "flatUserCap": 1, "flatUserCapEnabled": true});
    for _ in 0..4 {
        error(&change(&world, owner, FLAT, refused.clone()).await);
        error(&change(&world, &world.cast.member, FLAT, flat.clone()).await);
    }
    for (query, input) in [(FLAT, &flat), (OVERRIDES, &own), (FLAT, &flat)] {
        let answer = change(&world, owner, query, input.clone()).await;
        assert!(answer.get("errors").is_none(), "{answer}");
    }
    let mut variables = json!({"in": own});
    variables["in"]["namespacePath"] = json!("acme");
    let body = json!({"query": OVERRIDES, "variables": variables});
    let answer = post(&world, Some(owner), &body).await;
    assert_eq!(answer.status, 200);
    assert_eq!(code(&answer.json()), "RATE_LIMITED");
    let wait = answer.json()["errors"][0]["extensions"]["retryAfter"]
        .as_u64()
        .unwrap();
    assert!((1..=86_400).contains(&wait));
    assert_eq!(answer.headers["retry-after"], wait.to_string());
    let boss = crate::support::member(&world, "boss", &["organization-admin"]).await;
    let answer = change(&world, &boss.client, FLAT, flat).await;
    assert!(answer.get("errors").is_none(), "{answer}");
}

#[tokio::test]
async fn the_explorer_is_whole_by_itself() {
    let world = world().await;
    for (path, kind) in [
        ("/-/graphql-explorer", "text/html"),
        ("/-/graphql-explorer/explorer.js", "text/javascript"),
        ("/-/graphql-explorer/explorer.css", "text/css"),
    ] {
        let answer = answered(request(&world, "GET", path)).await;
        assert_eq!(answer.status, 200);
        assert!(
            answer.headers["content-type"]
                .to_str()
                .unwrap()
                .starts_with(kind)
        );
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'"),
            "{policy}"
        );
    }
}
