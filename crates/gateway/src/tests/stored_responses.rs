//! What a provider keeps is named by nobody but the person whose request made it.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use fakeprovider::{Fault, Script};
use futures_util::StreamExt;
use model::{
    Micros, ProviderId, UserId,
    stored_responses::{NewStoredResponse, StoredId},
};
use serde_json::{Value, json};
use store::{StoreError, StoreResult};
use uuid::Uuid;

use super::{
    entrance::PROVIDER,
    fakes::USER,
    rig::{Rig, Spoken, json as body_of},
};
use crate::stored_responses::StoredResponses;

/// What is noted, in memory.
#[derive(Debug, Default)]
pub(super) struct FakeStoredResponses {
    rows: Mutex<BTreeMap<(ProviderId, String), UserId>>,
    /// Nobody can be asked.
    away: AtomicBool,
}

impl FakeStoredResponses {
    fn rows(&self) -> MutexGuard<'_, BTreeMap<(ProviderId, String), UserId>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that this is somebody's.
    pub(super) fn put(&self, id: &str, user: UserId) {
        self.rows().insert((PROVIDER, id.to_owned()), user);
    }

    /// What is noted of the rig's caller.
    fn own(&self) -> Vec<String> {
        let rows = self.rows();
        let own = rows.iter().filter(|(_, user)| **user == USER);
        own.map(|((_, id), _)| id.clone()).collect()
    }

    fn answer(&self) -> StoreResult<()> {
        match self.away.load(Ordering::Relaxed) {
            true => Err(StoreError::Unavailable("away".into())),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl StoredResponses for FakeStoredResponses {
    async fn create(&self, new: &NewStoredResponse) -> StoreResult<()> {
        tokio::task::yield_now().await;
        self.answer()?;
        for id in &new.ids {
            let key = (new.provider_id, id.to_string());
            self.rows().entry(key).or_insert(new.user_id);
        }
        Ok(())
    }

    async fn get(
        &self,
        provider: ProviderId,
        user: UserId,
        ids: &[StoredId],
    ) -> StoreResult<Vec<StoredId>> {
        self.answer()?;
        let rows = self.rows();
        let own = |id: &&StoredId| rows.get(&(provider, id.to_string())) == Some(&user);
        Ok(ids.iter().filter(own).cloned().collect())
    }
}

fn question(stream: bool, more: &Value) -> Value {
    let mut body = Spoken::Responses.body(Some(50), stream);
    let fields = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(fields);
    body
}

async fn ask(rig: &Rig, more: Value) -> reqwest::Response {
    rig.ask(Spoken::Responses, &question(false, &more)).await
}

/// Asks for something stored and checks the refusal.
async fn refused(rig: &Rig, more: Value, code: &str, message: &str) {
    let (attempts, asked) = (rig.ledger.books().attempts, rig.fake.requests().len());
    let answer = ask(rig, more.clone()).await;
    assert_eq!(answer.status(), 400, "{more}");
    let error = body_of(answer).await;
    assert_eq!(error["error"]["type"], "invalid_request_error", "{error}");
    assert_eq!(error["error"]["code"], code, "{error}");
    let said = error["error"]["message"].as_str().unwrap();
    assert!(said.starts_with(message), "{said}");
    // Nothing was held, and nobody else was asked.
    assert_eq!(rig.ledger.books().attempts, attempts);
    assert_eq!(rig.fake.requests().len(), asked);
}

#[tokio::test]
async fn a_response_is_continued_by_nobody_else() {
    let rig = Rig::start(Script::default(), None).await;
    rig.stored
        .put("resp_theirs", UserId(Uuid::from_u128(0xbad)));
    let other = ProviderId(Uuid::from_u128(0xbad));
    let elsewhere = (other, "resp_elsewhere".to_owned());
    rig.stored.rows().insert(elsewhere, USER);
    let long = "x".repeat(2_000);
    for id in [
        "resp_theirs",
        "resp_none",
        "resp_elsewhere",
        "",
        "a\u{0}b",
        "é",
        &long,
    ] {
        let more = json!({ "previous_response_id": id });
        let message = format!("Previous response with id '{id}' not found.");
        refused(&rig, more, "previous_response_not_found", &message).await;
    }
    let answer = ask(&rig, json!({ "previous_response_id": "resp_none" })).await;
    let error = body_of(answer).await;
    assert_eq!(error["error"]["param"], "previous_response_id", "{error}");
    rig.stored.put("resp_own", USER);
    let answer = ask(&rig, json!({ "previous_response_id": "resp_own" })).await;
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn items_are_named_by_nobody_else() {
    let rig = Rig::start(Script::default(), None).await;
    rig.stored.put("msg_theirs", UserId(Uuid::from_u128(0xbad)));
    rig.stored.put("rs_own", USER);
    let items = |ids: &[&str]| {
        let items: Vec<Value> = ids
            .iter()
            .map(|id| json!({ "type": "item_reference", "id": id }))
            .collect();
        json!({ "input": items })
    };
    for ids in [
        &["msg_theirs"][..],
        &["msg_none"],
        &["rs_own", "msg_theirs"],
    ] {
        let message = format!(
            "Item with id '{}' not found. Send items whole",
            ids.last().unwrap()
        );
        refused(&rig, items(ids), "invalid_request", &message).await;
    }
    let reasoning = |id: &str| json!({"input": [{"type": "reasoning", "id": id, "summary": []}]});
    refused(
        &rig,
        reasoning("rs_none"),
        "invalid_request",
        "Item with id 'rs_none'",
    )
    .await;
    assert_eq!(ask(&rig, reasoning("rs_own")).await.status(), 200);
    assert_eq!(ask(&rig, items(&["rs_own"])).await.status(), 200);
    // Whole, whatever its id.
    let whole = json!({"input": [{"id": "msg_theirs", "role": "assistant", "content": "a"}]});
    assert_eq!(ask(&rig, whole).await.status(), 200);
}

#[tokio::test]
async fn an_answer_is_noted_before_its_end_is_seen() {
    let rig = Rig::start(Script::default(), Some(Micros::USD)).await;
    let plain = body_of(ask(&rig, json!({})).await).await;
    assert_eq!(plain["id"], "resp-fake-1");
    assert_eq!(rig.stored.own(), ["msg-fake-1", "resp-fake-1"]);
    let mut answer = rig
        .ask(Spoken::Responses, &question(true, &json!({})))
        .await
        .bytes_stream();
    let mut through = Vec::new();
    while let Some(chunk) = answer.next().await {
        through.extend_from_slice(&chunk.unwrap());
        if String::from_utf8_lossy(&through).contains("response.completed") {
            // The client may go on from here.
            assert!(rig.stored.own().contains(&"resp-fake-2".to_owned()));
        }
    }
    let answer = ask(&rig, json!({"previous_response_id": "resp-fake-2"})).await;
    assert_ne!(answer.status(), 400);
}

#[tokio::test]
async fn nothing_is_noted_that_the_provider_does_not_keep() {
    let rig = Rig::start(Script::default(), None).await;
    for stream in [false, true] {
        let body = question(stream, &json!({"store": false}));
        let answer = rig.ask(Spoken::Responses, &body).await;
        assert!(answer.text().await.unwrap().contains("resp-fake-"));
    }
    for dialect in [Spoken::OpenAi, Spoken::Anthropic] {
        let answer = rig.ask(dialect, &dialect.body(Some(50), false)).await;
        assert_eq!(answer.status(), 200);
    }
    let failing = Script {
        fault: Fault::Status {
            status: 500,
            retry_after: None,
        },
        ..Script::default()
    };
    rig.fake.set_script(failing);
    assert_eq!(ask(&rig, json!({})).await.status(), 500);
    assert_eq!(rig.stored.own(), [""; 0]);
}

#[tokio::test]
async fn an_answer_that_cannot_be_noted_is_delivered_all_the_same() {
    let rig = Rig::start(Script::default(), Some(Micros::USD)).await;
    rig.stored.away.store(true, Ordering::Relaxed);
    for stream in [false, true] {
        let answer = rig
            .ask(Spoken::Responses, &question(stream, &json!({})))
            .await;
        assert_eq!(answer.status(), 200);
        assert!(answer.text().await.unwrap().contains("completed"));
    }
    assert_eq!(rig.ledger.books().settled.len(), 2);
    // Whoever cannot be told apart waits.
    let answer = ask(&rig, json!({"previous_response_id": "resp-fake-1"})).await;
    assert_eq!(answer.status(), 503);
    rig.stored.away.store(false, Ordering::Relaxed);
    let more = json!({"previous_response_id": "resp-fake-1"});
    refused(&rig, more, "previous_response_not_found", "Previous").await;
}

#[tokio::test]
async fn a_client_that_leaves_finds_its_answer_noted() {
    let rig = Rig::start(Script::default(), Some(Micros::USD)).await;
    let mut answer = rig
        .ask(Spoken::Responses, &question(true, &json!({})))
        .await;
    assert!(answer.chunk().await.unwrap().is_some());
    drop(answer);
    rig.ledger.until(|books| books.settled.len() == 1).await;
    // Both are written side by side; the gateway ends when both are.
    rig.gateway
        .shutdown(std::time::Duration::from_secs(5))
        .await;
    assert_eq!(rig.stored.own(), ["msg-fake-1", "resp-fake-1"]);
}
