//! Access that ends while an answer is under way: cut on every server, for whom it concerns and nobody else,
//! whatever the notifications do, and charged as if the client had hung up.

mod charges;
mod cuts;

use std::time::Duration;

use bursar_sdk::{Client, CreateTokenRequest, Secret};
use fakeprovider::{Output, Script};
use model::Micros;
use reqwest::Response;
use serde_json::Value;
use testkit::{ServerOptions, TestServer, World};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::calls::{Spoken, url};

/// Looks by itself that come soon.
const SOON: Duration = Duration::from_millis(200);

/// A stream that would go on for a minute, told piece by piece.
fn endless() -> Script {
    Script {
        output: Output::Tokens(4_800),
        chunk_delay: Duration::from_millis(50),
        ..Script::default()
    }
}

/// Two servers on one database; what is changed at the first must be felt at the second.
struct Pair {
    world: World,
    second: TestServer,
}

impl Pair {
    async fn new(script: Script, recheck: Duration) -> Self {
        let options = ServerOptions {
            access_recheck: recheck,
            drain_timeout: Duration::from_millis(300),
            ..Default::default()
        };
        let world = World::with_options(script, Micros(100 * Micros::USD.0), &options);
        let world = world.await.unwrap();
        let second = TestServer::start(&world.database, &options).await.unwrap();
        Self { world, second }
    }

    /// Opens a stream at the second server and reads its beginning.
    async fn stream(&self, spoken: Spoken, key: &Secret) -> Stream {
        let request = self.world.http.post(url(&self.second, spoken.path()));
        let request = request.bearer_auth(key.expose());
        let answer = request
            .json(&spoken.body(4_800, true))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        let mut stream = Stream {
            spoken,
            answer,
            text: String::new(),
        };
        stream.read().await;
        stream
    }

    async fn by_hand(&self, statement: &str) {
        let owner = self.world.database.owner().await.unwrap();
        let statement = format!("SET bursar.actor_name = 'by hand'; {statement}");
        owner.batch_execute(&statement).await.unwrap();
    }
}

/// An open stream.
struct Stream {
    spoken: Spoken,
    answer: Response,
    text: String,
}

impl Stream {
    /// Reads the next piece; `false` at the end.
    async fn read(&mut self) -> bool {
        let piece = timeout(Duration::from_secs(20), self.answer.chunk());
        let piece = piece
            .await
            .expect("the stream does not stand still")
            .unwrap();
        if let Some(piece) = &piece {
            self.text.push_str(std::str::from_utf8(piece).unwrap());
        }
        piece.is_some()
    }

    /// Reads on for so many pieces, all of them of the answer.
    async fn goes_on(&mut self, pieces: usize) {
        for _ in 0..pieces {
            assert!(self.read().await, "{}", self.text);
        }
        assert!(!self.text.contains("access has ended"), "{}", self.text);
    }

    /// Reads to the end, which must be an error in the stream's own shape. Returns its message.
    async fn cut(mut self) -> String {
        while self.read().await {}
        let last = self.text.trim_end().rsplit("\n\n").next().unwrap();
        let (name, data) = match self.spoken {
            Spoken::Anthropic => last.split_once("\ndata: ").unwrap(),
            Spoken::OpenAi => ("event: error", last.strip_prefix("data: ").unwrap()),
        };
        assert_eq!(name, "event: error");
        let event: Value = serde_json::from_str(data).unwrap();
        let expected = match self.spoken {
            Spoken::Anthropic => "authentication_error",
            Spoken::OpenAi => "invalid_request_error",
        };
        assert_eq!(self.spoken.error_type(&event), expected, "{event}");
        let message = event["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("Your access has ended"), "{message}");
        message.to_owned()
    }
}

async fn token(client: &Client) -> (String, Secret) {
    let token = CreateTokenRequest::default();
    let key = client.api_key_create("me", &token).await.unwrap().key;
    let id = key.expose().split('-').next().unwrap().to_owned();
    (id, key)
}

/// Does something at the first server and reads the second's streams to their end. Prints how long they lasted.
async fn ends(what: &str, streams: Vec<Stream>, doing: impl Future<Output = ()>, says: &str) {
    doing.await;
    let started = Instant::now();
    for stream in streams {
        let message = stream.cut().await;
        assert!(message.contains(says), "{what}: {message}");
    }
    println!("{what}: cut {} ms later", started.elapsed().as_millis());
}

const SUSPENDED: &str = "suspended";

async fn suspend(pair: &Pair, user: Uuid) {
    let suspend = format!("UPDATE users SET status = 'suspended' WHERE id = '{user}'");
    pair.by_hand(&suspend).await;
}
