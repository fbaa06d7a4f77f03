//! One turn: who is asked is found, the conversation is sent, and what comes back is listened to.

use std::sync::Arc;

use model::{
    ReservationId,
    chats::{ChatTurn, TurnEnd, TurnUsage, joined},
};
use tokio::time::sleep;
use uuid::Uuid;

use super::{
    Begun, Inner,
    body::body,
    errors::{self, Shown},
    listen::{self, Ear},
    live::LiveTurn,
    slots::Slot,
    speech::Speech,
};
use crate::{
    dialect::Told,
    ports::{Answer, Answerer, Refusal},
    telemetry,
};

/// How a turn came to its end.
pub(super) enum Outcome {
    /// With an end to be stored, and a word for figures.
    End(Box<TurnEnd>, &'static str),
    /// It was over already: what it said is nobody's.
    Over,
}

/// What is learned while a model is asked.
#[derive(Default)]
struct Learned {
    provider: Option<String>,
    usage: Option<TurnUsage>,
    usage_event_id: Option<ReservationId>,
}

/// Runs a turn until it ends, or is told to.
pub(super) async fn run(inner: &Arc<Inner>, turn: ChatTurn, live: &Arc<LiveTurn>) -> Outcome {
    let mut speech = Speech::new(inner, live);
    let mut learned = Learned::default();
    let model = turn.model.clone().or_else(|| inner.config.model.clone());
    let asking = async {
        let named = named(model.as_deref())?;
        learned.provider = Some(named.0.to_owned());
        let (turn, _slot) = admitted(inner, turn, live).await?;
        let asking = ask(inner, &turn, named, &mut speech, &mut learned);
        let most = inner.config.turn_max;
        tokio::select! {
            biased;
            asked = asking => asked,
            () = sleep(most) => Err(errors::too_late(most)),
        }
    };
    let asked = tokio::select! {
        biased;
        () = live.over.cancelled() => return Outcome::Over,
        () = live.interrupted.cancelled() => Ok("interrupted"),
        () = inner.stop.cancelled() => Err(errors::stopping()),
        asked = asking => asked.map(|()| "answered"),
    };
    let content = speech.end().await;
    let (error, word) = match asked {
        Ok(word) => (None, word),
        Err(shown) => {
            let word = shown.word();
            (Some(shown.error(learned.provider.as_deref())), word)
        }
    };
    let end = TurnEnd {
        content,
        model,
        usage: learned.usage,
        usage_event_id: learned.usage_event_id,
        error,
    };
    Outcome::End(Box::new(end), word)
}

/// How a turn ends that could not be run to its end because of a mistake of ours.
pub(super) fn failed(model: Option<String>, live: &LiveTurn) -> Outcome {
    let end = TurnEnd {
        content: joined(live.said(0).into_iter().map(|part| part.part)),
        model,
        usage: None,
        usage_event_id: None,
        error: Some(errors::internal().error(None)),
    };
    Outcome::End(Box::new(end), "failed")
}

/// The provider and the model that are asked.
fn named(model: Option<&str>) -> Result<(&str, &str), Shown> {
    let model = model.ok_or_else(errors::no_model)?;
    model.split_once('/').ok_or_else(errors::no_such_model)
}

/// Waits until one more turn of the owner's may run. What was said is not held meanwhile, but read again.
async fn admitted(
    inner: &Inner,
    turn: ChatTurn,
    live: &LiveTurn,
) -> Result<(ChatTurn, Slot), Shown> {
    let owner = turn.owner_id;
    if let Some(slot) = inner.slots.free(owner) {
        return Ok((turn, slot));
    }
    let key = turn.key;
    drop(turn);
    let _waiting = telemetry::Open::waiting();
    let slot = inner.slots.next(owner).await;
    match inner.get(key.chat_id, live.lease, Begun::Surely).await {
        Ok(Some(turn)) if turn.key == key => Ok((turn, slot)),
        Err(_unreadable) => Err(errors::internal()),
        // It was not found out how it stands, but it ends in any case.
        _ if inner.stop.is_cancelled() => Err(errors::stopping()),
        // Its time has passed: whoever runs it leaves now.
        _ => {
            live.over.cancel();
            std::future::pending().await
        }
    }
}

/// Asks and listens to the end of the answer.
async fn ask(
    inner: &Inner,
    turn: &ChatTurn,
    (provider, model): (&str, &str),
    speech: &mut Speech,
    learned: &mut Learned,
) -> Result<(), Shown> {
    let request_id: Uuid = inner.ids.next();
    let asking = inner.models.asking(turn, provider, request_id).await;
    let asking = asking.map_err(|refusal| refused(&refusal, provider))?;
    let kind = asking.kind();
    let body = body(turn, model, asking.as_ref()).await?;
    let answer = asking.ask(body).await;
    learned.usage_event_id = answer.usage_event_id;
    if answer.by != Answerer::Provider || !(200..300).contains(&answer.status) {
        return Err(error(inner, answer).await);
    }
    // An answer that is not listened to any more is dropped: the gateway charges what was asked for.
    let usage = &mut learned.usage;
    let ear = Ear { speech, usage };
    if answer.events {
        listen::listen(inner, kind, answer.pieces, ear).await
    } else {
        listen::read(inner, kind, answer.pieces, ear).await
    }
}

fn refused(refusal: &Refusal, provider: &str) -> Shown {
    if let Refusal::Failed(cause) = refusal {
        tracing::warn!(
            error = telemetry::cause(cause),
            "it cannot be checked who is asked in a turn"
        );
    }
    errors::refused(refusal, provider)
}

/// What an answer that is an error says.
async fn error(inner: &Inner, answer: Answer) -> Shown {
    let (by, status) = (answer.by, answer.status);
    let body = listen::collect(inner, answer.pieces).await;
    let body = body.unwrap_or_default();
    errors::answered(by, status, Told::of(&body).as_ref())
}
