//! What the program asks itself, for somebody who presents no key.

use std::{sync::atomic::Ordering, time::Duration};

use axum::response::Response;
use fakeprovider::{Fault, Output, Script};
use http_body_util::BodyExt;
use model::{
    Micros, OrganizationId,
    prices::ProviderKind,
    spend::{Settlement, SettlementBasis},
};
use serde_json::Value;
use uuid::Uuid;

use super::{
    fakes::USER,
    rig::{Rig, Spoken},
};
use crate::{Answer, AskFor, AskRefusal, Asking};

const ANN: AskFor = AskFor {
    user_id: USER,
    organization_id: OrganizationId(Uuid::from_u128(0x0c)),
    request_id: None,
};

impl Spoken {
    const fn provider(self) -> &'static str {
        match self {
            Self::OpenAi | Self::Responses => "openai",
            Self::Anthropic => "anthropic",
        }
    }
}

impl Rig {
    async fn asking(&self, dialect: Spoken) -> Asking {
        let asking = self.gateway.asking(ANN, dialect.provider()).await;
        asking.unwrap()
    }

    async fn ask_itself(&self, dialect: Spoken) -> Answer {
        let body = dialect.body(Some(50), true).to_string();
        self.asking(dialect).await.ask(body.into()).await
    }

    async fn settled(&self) -> Settlement {
        self.ledger.until(|books| !books.settled.is_empty()).await;
        self.ledger.books().settled[0].clone()
    }
}

async fn text(response: Response) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn an_answer_streams_and_is_settled_under_its_event() {
    for dialect in [Spoken::OpenAi, Spoken::Anthropic] {
        let rig = Rig::start(Script::default(), Some(Micros::USD)).await;
        let answer = rig.ask_itself(dialect).await;
        let Answer::Provider {
            response,
            usage_event_id,
        } = answer
        else {
            panic!("{answer:?}");
        };
        assert_eq!(response.status(), 200);
        assert!(text(response).await.contains("data: "));
        assert_eq!(usage_event_id, Some(rig.settled().await.id));
        let sent = &rig.fake.requests()[0];
        let agent = sent.headers.get("user-agent").unwrap();
        assert!(agent.to_str().unwrap().starts_with("bursar-chat/"));
    }
}

#[tokio::test]
async fn who_may_not_asks_nothing() {
    let rig = Rig::start(Script::default(), None).await;
    let missing = rig.gateway.asking(ANN, "nothing").await.unwrap_err();
    assert!(matches!(missing, AskRefusal::NoProvider), "{missing:?}");
    rig.presence.refused.store(true, Ordering::Relaxed);
    let gone = rig.gateway.asking(ANN, "openai").await.unwrap_err();
    assert!(matches!(gone, AskRefusal::Ended(_)), "{gone:?}");
    assert!(rig.fake.requests().is_empty());
}

#[tokio::test]
async fn the_gateways_refusal_is_told_from_the_providers_error() {
    let rig = Rig::start(Script::default(), Some(Micros(1))).await;
    let answer = rig.ask_itself(Spoken::OpenAi).await;
    let Answer::Gateway(response) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(response.status(), 403);
    let body: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(body["error"]["code"], "insufficient_quota");

    let script = Script {
        fault: Fault::Status {
            status: 429,
            retry_after: None,
        },
        ..Script::default()
    };
    let rig = Rig::start(script, Some(Micros::USD)).await;
    let answer = rig.ask_itself(Spoken::OpenAi).await;
    let Answer::Provider {
        response,
        usage_event_id,
    } = answer
    else {
        panic!("{answer:?}");
    };
    assert_eq!((response.status().as_u16(), usage_event_id), (429, None));
}

#[tokio::test]
async fn an_answer_ends_with_the_persons_access() {
    let script = Script {
        first_byte_delay: Duration::from_millis(300),
        ..Script::default()
    };
    let rig = Rig::start(script, Some(Micros::USD)).await;
    let asking = async {
        let answer = rig.ask_itself(Spoken::Anthropic).await;
        let Answer::Ended(response) = answer else {
            panic!("{answer:?}");
        };
        assert_eq!(response.status(), 401);
    };
    let ending = async {
        rig.fake.wait_for_requests(1).await;
        rig.presence.ended.send_replace(true);
    };
    tokio::join!(asking, ending);
    assert_eq!(rig.settled().await.basis, SettlementBasis::Reported);
}

/// Whoever drops an answer is a client that has left: what was asked for is paid for.
#[tokio::test]
async fn an_answer_that_is_dropped_is_charged_by_the_whole_of_it() {
    let script = Script {
        output: Output::Tokens(40),
        chunk_delay: Duration::from_millis(10),
        ..Script::default()
    };
    let rig = Rig::start(script, Some(Micros::USD)).await;
    let answer = rig.ask_itself(Spoken::OpenAi).await;
    let Answer::Provider { response, .. } = answer else {
        panic!("{answer:?}");
    };
    let mut body = response.into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    let settlement = rig.settled().await;
    let charged = (settlement.basis, settlement.usage.output);
    assert_eq!(charged, (SettlementBasis::Reported, 40));
}

#[tokio::test]
async fn what_is_asked_for_has_a_bound_and_a_lease() {
    let rig = Rig::start(Script::default(), None).await;
    let asking = rig.asking(Spoken::Anthropic).await;
    assert_eq!(asking.kind(), ProviderKind::Anthropic);
    let most = crate::GatewayConfig::default().default_output_cap;
    assert_eq!(asking.output_cap("no-such-model-at-all").await, most);
    assert!(asking.output_cap("claude-sonnet-4-5").await <= most);
    let lease = rig.gateway.lease().await.unwrap();
    assert!(rig.ledger.books().live_leases.contains(&lease.id()));
}
