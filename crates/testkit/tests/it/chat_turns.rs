//! Turns of chats from outside: what is said is answered by the provider, told to who looks on, and paid by the owner.

use std::time::Duration;

use fakeprovider::{Output, Script};
use model::Micros;
use reqwest::Response;
use serde_json::{Value, json};
use testkit::World;

use crate::support::{self, ask, get, is};

/// What a stream tells, as it comes.
struct Followed {
    answer: Response,
    text: String,
}

impl Followed {
    async fn new(world: &World, token: &str, chat: &str) -> Self {
        let url = format!("{}/api/v2/chats/{chat}/stream", world.server.url());
        let request = world.http.get(url).bearer_auth(token);
        let request = request.header("accept", "text/event-stream");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        Self {
            answer,
            text: String::new(),
        }
    }

    /// All that is told until something is.
    async fn until(&mut self, told: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut all = Vec::new();
        let reading = async {
            loop {
                while let Some((event, rest)) = self.text.split_once("\n\n") {
                    let data = event.lines().find_map(|line| line.strip_prefix("data: "));
                    let events = data.map(|data| serde_json::from_str(data).unwrap());
                    self.text = rest.to_owned();
                    let events: Vec<Value> = events.unwrap_or_default();
                    let enough = events.iter().any(&told);
                    all.extend(events);
                    if enough {
                        return;
                    }
                }
                let chunk = self.answer.chunk().await.unwrap().expect("it goes on");
                self.text.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        };
        let read = tokio::time::timeout(Duration::from_secs(60), reading).await;
        read.expect("it came in time");
        all
    }
}

fn status(event: &Value, status: &str) -> bool {
    event["type"] == "status" && event["status"]["status"] == status
}

/// The words of what is told of these events.
fn words(events: &[Value], kind: &str, part: &str) -> String {
    let of = events.iter().filter(|event| event["type"] == kind);
    let texts = of.filter_map(|event| event.pointer(part)?.as_str());
    texts.collect()
}

#[tokio::test]
async fn what_is_said_is_answered_told_and_paid_by_the_owner() {
    for model in ["openai/gpt-4o-mini", "anthropic/claude-sonnet-4-5"] {
        let script = Script {
            output: Output::Tokens(40),
            chunk_delay: Duration::from_millis(15),
            ..Script::default()
        };
        let world = World::new(script, Micros::USD).await.unwrap();
        let member = &world.cast.member;
        let token = world.cast.member_token.expose();
        let body = json!({
            "organization_id": world.cast.organization_id,
            "content": [{"type": "text", "text": "How many days has November?"}],
            "model": model,
        });
        let made = ask(&world, member, "POST", "/chats", &body).await;
        is(&made, 201);
        let chat = made.json()["id"].as_str().unwrap().to_owned();
        let mut followed = Followed::new(&world, token, &chat).await;
        let told = followed.until(|event| status(event, "waiting")).await;
        let answer = words(&told, "message", "/message/content/0/text");
        let answer = answer.strip_prefix("How many days has November?").unwrap();
        assert!(!answer.is_empty(), "{told:?}");
        let parts = words(&told, "message_part", "/message_part/part/text");
        assert!(answer.starts_with(&parts), "{parts}: {answer}");
        let (spent, held) = world.spend(member).await.unwrap();
        assert!(spent > 0 && held == 0, "{spent} {held}");
        let page = get(&world, member, &format!("/chats/{chat}/messages")).await;
        assert_eq!(page.json()["messages"].as_array().unwrap().len(), 2);
        // What is said while the model answers waits its turn; an interruption keeps what was said.
        let send = json!({"content": [{"type": "text", "text": "And May?"}]});
        let path = format!("/chats/{chat}/messages");
        is(&ask(&world, member, "POST", &path, &send).await, 200);
        let told = followed
            .until(|event| event["type"] == "message_part")
            .await;
        assert!(
            told.iter().any(|event| status(event, "running")),
            "{told:?}"
        );
        let stop = format!("/chats/{chat}/interrupt");
        is(&ask(&world, member, "POST", &stop, &json!({})).await, 200);
        let told = followed.until(|event| status(event, "waiting")).await;
        assert!(!words(&told, "message", "/message/content/0/text").is_empty());
        let stranger = support::member(&world, "stranger", &[]).await;
        is(
            &get(&world, &stranger.client, &format!("/chats/{chat}")).await,
            404,
        );
    }
}
