//! Requests that mean no good: nothing of them is a failure of the server, and it goes on.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use testkit::World;

use crate::{
    operations::{Operation, body, document, filled, operations, real},
    support::{ask, ask_text, get, is, request, send, world},
};

#[tokio::test]
async fn bodies_that_are_no_json_are_refused() {
    let world = world().await;
    let owner = &world.cast.owner;
    let deep = |open: &str, close: &str| open.repeat(100_000) + &close.repeat(100_000);
    let rows: &[(Vec<u8>, u16)] = &[
        (b"".to_vec(), 400),
        (b"{".to_vec(), 400),
        (b"null".to_vec(), 400),
        (b"0".to_vec(), 400),
        (b"\"name\"".to_vec(), 400),
        (b"{\"name\": \"x\xff\"}".to_vec(), 400),
        (b"{\"name\": \"\xed\xa0\x80\"}".to_vec(), 400),
        (b"{\"name\": \"\\ud800\"}".to_vec(), 400),
        (b"{\"name\": \"x\", \"name\": \"y\"}".to_vec(), 400),
        (b"{\"name\": 'x'}".to_vec(), 400),
        (b"{\"name\": \"x\",}".to_vec(), 400),
        (b"\xef\xbb\xbf{\"name\": \"x\"}".to_vec(), 400),
        (vec![0; 1_000], 400),
        (deep("[", "]").into_bytes(), 400),
        (deep("{\"name\":", "}").into_bytes(), 400),
        (
            format!("{{\"name\": {}}}", deep("[", "]")).into_bytes(),
            400,
        ),
        (
            json!({"name": "x".repeat(1_048_000)})
                .to_string()
                .into_bytes(),
            400,
        ),
        (
            json!({"name": "x".repeat(1_048_600)})
                .to_string()
                .into_bytes(),
            413,
        ),
        (vec![b' '; 8_000_000], 413),
    ];
    for (body, status) in rows {
        let answer = ask_text(&world, owner, "POST", "/organizations", body.clone()).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        assert_eq!(answer.status, *status, "{shown}: {}", answer.text);
    }
    // Without a length it is counted as it comes.
    let chunks = stream::iter((0..40).map(|_| Ok::<_, std::io::Error>(vec![b' '; 65_536])));
    let streamed = reqwest::Body::wrap_stream(chunks);
    is(
        &ask_text(&world, owner, "POST", "/organizations", streamed).await,
        413,
    );
    // What the server does not know it does not read, however deep.
    let unknown = format!("{{\"name\": \"deep\", \"more\": {}}}", deep("[", "]"));
    is(
        &ask_text(&world, owner, "POST", "/organizations", unknown).await,
        201,
    );
}

/// Values that somebody might send for any field.
fn values() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(1.5),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1e300),
        json!(""),
        json!("\0"),
        json!("a\0b"),
        json!("x".repeat(10_000)),
        json!("\u{202e}\u{fffd}\u{10ffff}"),
        json!("'; DROP TABLE users; --"),
        json!("../../etc/passwd"),
        json!("\r\nx-evil: 1"),
        json!([]),
        json!([null]),
        json!(["\0"]),
        json!(["x".repeat(10_000)]),
        json!([[[]]]),
        json!({}),
        json!({"type": "\0", "id": "\0"}),
    ]
}

/// Whether nothing good can come of the value in this field. A password may be any text of a length, and
/// whoever sets another's is not asked for the old one.
fn must_fail(field: &str, value: &Value) -> bool {
    if field == "old_password" {
        return false;
    }
    let text = value.as_str().or_else(|| value[0].as_str());
    let text = text.unwrap_or_default();
    // What a model is told may be as long as a request.
    let long = text.len() >= 10_000 && field != "system_prompt";
    (text.contains('\0') && field != "password") || long
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_value_of_a_field_trips_the_server() {
    let world = world().await;
    let real = real(&world).await;
    let document = document();
    let mut cases = Vec::new();
    for operation in operations(&document)
        .into_iter()
        .filter(Operation::has_body)
    {
        let schema = &operation.description["requestBody"]["content"]["application/json"]["schema"];
        // A file's bytes have no fields.
        let Some(named) = schema["$ref"].as_str() else {
            assert_eq!(operation.id, "chat_file_create");
            continue;
        };
        let schema = document.pointer(named.trim_start_matches('#')).unwrap();
        let path = filled(&operation.path, &real);
        for field in schema["properties"].as_object().unwrap().keys() {
            for value in values() {
                let mut body = body(&operation.id, &world);
                body[field] = value;
                cases.push((operation.clone(), path.clone(), field.clone(), body));
            }
        }
    }
    assert!(cases.len() > 500, "{}", cases.len());
    let owner = &world.cast.owner;
    let check = |(operation, path, field, body): (Operation, String, String, Value)| {
        let world = &world;
        async move {
            let answer = ask(world, owner, &operation.method, &path, &body).await;
            let failed = answer.status >= 400;
            let shown = &body[&field].to_string();
            let shown: String = shown.chars().take(40).collect();
            // Only a login that nobody may try again is told to wait.
            assert!(
                answer.status != 503,
                "{} {field} {shown}: {answer:?}",
                operation.id
            );
            if must_fail(&field, &body[&field]) {
                assert!(
                    failed,
                    "{} took {shown} for {field}: {}",
                    operation.id, answer.text
                );
            }
        }
    };
    stream::iter(cases).for_each_concurrent(8, check).await;
    is(&get(&world, owner, "/users/me").await, 200);
}

/// Texts that somebody might put into an address, encoded.
const TEXTS: &[&str] = &[
    "%00",
    "a%00b",
    "%ff",
    "%c0%af",
    "%ed%a0%80",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e",
    "%20",
    "'%20OR%201=1--",
    "%25%5f",
    "%f0%9f%92%a5",
    "00000000-0000-0000-0000-000000000000",
    "urn:uuid:0190d3a0-b5a0-7c3b-9d2f-3f1d2a3b4c5d",
    "-1",
    "99999999999999999999",
    "null",
    "%7b%7d",
    "%0d%0ax-evil:%201",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_text_in_an_address_trips_the_server() {
    let world = world().await;
    let document = document();
    let long = "x".repeat(5_000);
    let texts = || TEXTS.iter().copied().chain([long.as_str()]);
    let mut cases = Vec::new();
    for operation in operations(&document) {
        if operation.path.contains('{') {
            let path = |text: &str| filled(&operation.path, |_| text.to_owned());
            cases.extend(texts().map(|text| (operation.clone(), path(text))));
        }
        let parameters = operation.description["parameters"].as_array();
        let queries = parameters
            .into_iter()
            .flatten()
            .filter(|p| p["in"] == "query");
        for name in queries.map(|parameter| parameter["name"].as_str().unwrap()) {
            let path = |text: &str| format!("{}?{name}={text}", operation.path);
            cases.extend(texts().map(|text| (operation.clone(), path(text))));
        }
    }
    let instants = [
        "-262143-01-01T00:00:00Z",
        "%2B262142-12-31T23:59:59Z",
        "0000-01-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
    ];
    let audit = operations(&document)
        .into_iter()
        .find(|operation| operation.id == "audit_list")
        .unwrap();
    for instant in instants {
        cases.push((audit.clone(), format!("/audit?since={instant}")));
        cases.push((
            audit.clone(),
            format!("/audit?until={instant}&limit=1000&offset=4294967295"),
        ));
    }
    assert!(cases.len() > 500, "{}", cases.len());
    let check = |(operation, path): (Operation, String)| {
        let world = &world;
        async move {
            let body = if operation.has_body() {
                body(&operation.id, world)
            } else {
                Value::Null
            };
            let answer = ask(world, &world.cast.owner, &operation.method, &path, &body).await;
            assert!(answer.status != 503, "{} {path}: {answer:?}", operation.id);
            // A client resolves `%2e%2e` by itself, and what it asks for then may exist.
            if operation.method != "GET" && !path.contains("%2e%2e") {
                assert!(answer.status >= 400, "{} {path}: {answer:?}", operation.id);
            }
        }
    };
    stream::iter(cases).for_each_concurrent(8, check).await;
    is(&get(&world, &world.cast.owner, "/users/me").await, 200);
}

#[tokio::test]
async fn odd_headers_are_no_way_in() {
    let world = world().await;
    let token = world.cast.member_token.expose();
    let (id, secret) = token.split_once('-').unwrap();
    let long = "x".repeat(16_000);
    let tries: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"-".to_vec(),
        b"\xff\xfe".to_vec(),
        id.as_bytes().to_vec(),
        format!("{id}-").into_bytes(),
        format!("{id}-{}", secret.to_uppercase()).into_bytes(),
        format!("{id}-{}", "a".repeat(22)).into_bytes(),
        format!("{}-{secret}", "a".repeat(10)).into_bytes(),
        format!("{token},{token}").into_bytes(),
        format!("{id}' OR '1'='1-{secret}").into_bytes(),
        long.into_bytes(),
    ];
    for text in tries {
        for (name, value) in [
            ("bursar-session-token", text.clone()),
            ("authorization", [b"Bearer ", &text[..]].concat()),
        ] {
            let answer = send(request(&world, "GET", "/api/v2/users/me").header(name, value)).await;
            assert_eq!(
                answer.status,
                401,
                "{name} {}",
                String::from_utf8_lossy(&text)
            );
        }
    }
    // Other spellings of a method are no other method.
    for name in ["x-http-method-override", "x-method-override"] {
        let asked = request(&world, "POST", "/api/v2/users")
            .header(name, "GET")
            .bearer_auth(token);
        is(&send(asked).await, 400);
    }
    // A form is not JSON, and JSON is read by whatever name it comes.
    let sent = async |kind: &str, text: &'static str| {
        let asked = request(
            &world,
            "PATCH",
            &format!("/api/v2/groups/{}", world.cast.group_id),
        );
        let owner = world.cast.owner.token().unwrap().expose();
        send(
            asked
                .bearer_auth(owner)
                .header("content-type", kind)
                .body(text),
        )
        .await
        .status
    };
    assert_eq!(
        sent("application/x-www-form-urlencoded", "display_name=x").await,
        400
    );
    assert_eq!(sent("text/plain", "{}").await, 200);
}

#[tokio::test]
async fn two_worlds_do_not_share_their_tokens() {
    let (one, other): (World, World) = (world().await, world().await);
    let foreign = other.server.as_caller(&one.cast.owner);
    is(&get(&other, &foreign, "/users/me").await, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_are_given_up_leave_nothing_open() {
    let world = world().await;
    let owner = &world.cast.owner;
    let path = format!("/api/v2/groups/{}/ai/budget", world.cast.group_id);
    let given_up = |number: u64| {
        let body = json!({"spend_limit_micros": number});
        let asked = request(&world, "PUT", &path).json(&body);
        let token = owner.token().unwrap().expose();
        let asked = asked.bearer_auth(token);
        // From at once to about when the answer comes.
        async move {
            tokio::time::timeout(Duration::from_micros(number * 100), asked.send())
                .await
                .is_ok()
        }
    };
    let answered: usize = stream::iter(0..200)
        .map(given_up)
        .buffer_unordered(20)
        .map(usize::from)
        .fold(0, async |sum, one| sum + one)
        .await;
    assert!(answered < 200);
    // Whatever was under way has ended, and its connection is back in its place.
    for micros in 0..40 {
        let body = json!({"spend_limit_micros": micros});
        is(
            &ask(
                &world,
                owner,
                "PUT",
                path.strip_prefix("/api/v2").unwrap(),
                &body,
            )
            .await,
            200,
        );
    }
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    let open: i64 = world
        .database
        .owner()
        .await
        .unwrap()
        .query_one(sql, &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(open, 0);
}
