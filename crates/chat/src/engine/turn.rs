//! One turn: who is asked is found, the conversation is sent, and what comes back is listened to.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use model::{
    ChatFileId, ReservationId,
    chats::{ChatTurn, ContentPart, TurnEnd, TurnUsage, joined},
    prices::ProviderKind,
};
use tokio::time::{Instant, sleep_until, timeout_at};
use uuid::Uuid;

use super::{
    Inner,
    errors::{self, Shown},
    live::LiveTurn,
    speech::{Speech, Tone},
};
use crate::{
    dialect::{self, AnswerReader, Conversation, Files, Finish, Heard, Told},
    ports::{Answer, Answerer, Asking, Pieces, Refusal},
    telemetry,
};

/// The most that is read of an answer that is no stream, in bytes.
const WHOLE_MAX: usize = 16 * 1024 * 1024;

/// The most of files that a request carries, in bytes: encoded, with all that is said beside them, they stay below what
/// the gateway takes in one request.
const FILES_MAX: usize = 20 * 1024 * 1024;

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
pub(super) async fn run(inner: &Arc<Inner>, turn: &ChatTurn, live: &Arc<LiveTurn>) -> Outcome {
    let mut speech = Speech::new(inner, live);
    let mut learned = Learned::default();
    let model = turn.model.clone().or_else(|| inner.config.model.clone());
    let asked = tokio::select! {
        biased;
        () = live.over.cancelled() => return Outcome::Over,
        () = live.interrupted.cancelled() => Ok("interrupted"),
        () = inner.stop.cancelled() => Err(errors::stopping()),
        asked = ask(inner, turn, model.as_deref(), &mut speech, &mut learned) => asked.map(|()| "answered"),
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
pub(super) fn failed(turn: &ChatTurn, live: &LiveTurn) -> Outcome {
    let end = TurnEnd {
        content: joined(live.said(0).into_iter().map(|part| part.part)),
        model: turn.model.clone(),
        usage: None,
        usage_event_id: None,
        error: Some(errors::internal().error(None)),
    };
    Outcome::End(Box::new(end), "failed")
}

/// Asks and listens to the end of the answer.
async fn ask(
    inner: &Inner,
    turn: &ChatTurn,
    model: Option<&str>,
    speech: &mut Speech,
    learned: &mut Learned,
) -> Result<(), Shown> {
    let model = model.ok_or_else(errors::no_model)?;
    let (provider, model) = model.split_once('/').ok_or_else(errors::no_such_model)?;
    learned.provider = Some(provider.to_owned());
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
    if answer.events {
        listen(inner, kind, answer.pieces, speech, learned).await
    } else {
        let body = collect(inner, answer.pieces).await?;
        let mut end = false;
        for heard in dialect::whole(kind, &body) {
            end |= hear(heard, speech, learned)?;
        }
        end.then_some(()).ok_or_else(errors::broken_off)
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

/// The request, with the files that the conversation names.
async fn body(turn: &ChatTurn, model: &str, asking: &dyn Asking) -> Result<Bytes, Shown> {
    let files = files(turn, asking).await?;
    let conversation = Conversation {
        model,
        history: &turn.history,
        files: &files,
        output_cap: asking.output_cap(model).await,
    };
    Ok(dialect::request(asking.kind(), &conversation))
}

/// The files that the conversation names, those that were named last first, as far as [`FILES_MAX`] goes. None is read
/// beyond the first for which there is no room.
async fn files(turn: &ChatTurn, asking: &dyn Asking) -> Result<Files, Shown> {
    let newest_first = turn.history.iter().rev();
    let parts = newest_first.flat_map(|message| message.content.iter().rev());
    let named = parts.filter_map(|part| match part {
        ContentPart::File { file_id, .. } => Some(*file_id),
        ContentPart::Text { .. }
        | ContentPart::Reasoning { .. }
        | ContentPart::FileReference { .. } => None,
    });
    let named: Vec<ChatFileId> = named.collect();
    let (mut files, mut room, mut full) = (Files::new(), FILES_MAX, false);
    for id in &named {
        if files.contains_key(id) {
            continue;
        }
        if full {
            files.insert(*id, None);
            continue;
        }
        let file = asking.file(*id).await.map_err(|cause| {
            tracing::warn!(
                error = telemetry::cause(&cause),
                "a file of a turn cannot be read"
            );
            errors::internal()
        })?;
        let Some(file) = file else {
            continue;
        };
        // It is sent each time that it is named.
        let mentions = named.iter().filter(|other| *other == id).count();
        match room.checked_sub(file.data.len().saturating_mul(mentions)) {
            Some(left) => {
                room = left;
                files.insert(*id, Some(file));
            }
            None => {
                full = true;
                files.insert(*id, None);
            }
        }
    }
    Ok(files)
}

/// Listens to a stream.
async fn listen(
    inner: &Inner,
    kind: ProviderKind,
    mut pieces: Pieces,
    speech: &mut Speech,
    learned: &mut Learned,
) -> Result<(), Shown> {
    let mut reader = AnswerReader::new(kind);
    let mut end = false;
    let mut patience = Instant::now() + inner.config.silence;
    loop {
        let due = speech.due();
        let piece = tokio::select! {
            () = sleep_until(due.unwrap_or(patience)), if due.is_some() => {
                speech.tell();
                continue;
            }
            piece = timeout_at(patience, pieces.next()) => piece,
        };
        let heard = match piece {
            Ok(Some(Ok(chunk))) => {
                patience = Instant::now() + inner.config.silence;
                reader.feed(&chunk)
            }
            Ok(None) => {
                for heard in reader.finish() {
                    end |= hear(heard, speech, learned)?;
                }
                return end.then_some(()).ok_or_else(errors::broken_off);
            }
            // Nobody waits for what may follow the end.
            Ok(Some(Err(_))) | Err(_) if end => return Ok(()),
            Ok(Some(Err(_broken))) => return Err(errors::broken_off()),
            Err(_elapsed) => return Err(errors::silent()),
        };
        for heard in heard {
            end |= hear(heard, speech, learned)?;
        }
    }
}

/// Takes something in; whether it is the end.
fn hear(heard: Heard, speech: &mut Speech, learned: &mut Learned) -> Result<bool, Shown> {
    match heard {
        Heard::Text(words) => speech.hear(Tone::Text, &words),
        Heard::Reasoning(words) => speech.hear(Tone::Reasoning, &words),
        Heard::Usage(usage) => learned.usage = Some(usage),
        Heard::Finish(Finish::End) => return Ok(true),
        Heard::Finish(Finish::ContentFilter) => return Err(errors::filtered()),
        Heard::Error(told) => return Err(errors::in_stream(&told)),
    }
    Ok(false)
}

/// What an answer that is an error says.
async fn error(inner: &Inner, answer: Answer) -> Shown {
    let (by, status) = (answer.by, answer.status);
    let body = collect(inner, answer.pieces).await.unwrap_or_default();
    errors::answered(by, status, Told::of(&body).as_ref())
}

/// Reads an answer in one piece.
async fn collect(inner: &Inner, mut pieces: Pieces) -> Result<Bytes, Shown> {
    let mut body = BytesMut::new();
    let mut patience = Instant::now() + inner.config.silence;
    loop {
        match timeout_at(patience, pieces.next()).await {
            Ok(Some(Ok(chunk))) if body.len().saturating_add(chunk.len()) <= WHOLE_MAX => {
                patience = Instant::now() + inner.config.silence;
                body.extend_from_slice(&chunk);
            }
            Ok(None) => return Ok(body.freeze()),
            Ok(Some(_)) => return Err(errors::broken_off()),
            Err(_elapsed) => return Err(errors::silent()),
        }
    }
}
