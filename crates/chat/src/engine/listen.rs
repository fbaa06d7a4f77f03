//! Listening to a model: what comes back becomes words, for as long as it is worth waiting for.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use model::{chats::TurnUsage, prices::ProviderKind};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::{
    Inner,
    errors::{self, Shown},
    speech::{Full, Speech, Tone},
};
use crate::{
    ChatConfig,
    dialect::{self, AnswerReader, Finish, Heard},
    ports::Pieces,
};

/// The most that is read of an answer that is no stream, in bytes.
const WHOLE_MAX: usize = 16 * 1024 * 1024;

/// How far an answer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Far {
    /// It goes on.
    Going,
    /// All is said; what it used may follow.
    Said,
    /// Nothing follows.
    Done,
}

/// What an answer is heard into.
pub(super) struct Ear<'a> {
    pub(super) speech: &'a mut Speech,
    pub(super) usage: &'a mut Option<TurnUsage>,
}

impl Ear<'_> {
    /// Takes something in; how far the answer is now.
    fn hear(&mut self, heard: Heard) -> Result<Far, Shown> {
        let full = |_: Full| errors::too_long_answer();
        match heard {
            Heard::Text(words) => self.speech.hear(Tone::Text, &words).map_err(full)?,
            Heard::Reasoning(words) => self.speech.hear(Tone::Reasoning, &words).map_err(full)?,
            Heard::Usage(usage) => *self.usage = Some(usage),
            Heard::Finish(Finish::End) => return Ok(Far::Said),
            Heard::Done => return Ok(Far::Done),
            Heard::Finish(Finish::ContentFilter) => return Err(errors::filtered()),
            Heard::Error(told) => return Err(errors::in_stream(&told)),
        }
        Ok(Far::Going)
    }

    /// The end of an answer that came so far and comes no farther.
    fn end(&self, far: Far) -> Result<(), Shown> {
        match far {
            Far::Going => Err(errors::broken_off()),
            Far::Said | Far::Done if self.speech.blank() => Err(errors::empty()),
            Far::Said | Far::Done => Ok(()),
        }
    }
}

/// Until when more is waited for.
struct Patience<'a> {
    config: &'a ChatConfig,
    /// The provider has sent nothing until then.
    silence: Instant,
    /// It has sent nothing until then that tells something, but comments, or words that are none.
    wordless: Instant,
    /// The answer has ended, and nothing has followed until then.
    trailing: Option<Instant>,
}

impl<'a> Patience<'a> {
    fn new(config: &'a ChatConfig) -> Self {
        let now = Instant::now();
        Self {
            config,
            silence: now + config.silence,
            wordless: now + config.wordless,
            trailing: None,
        }
    }

    fn until(&self) -> Instant {
        let until = self.silence.min(self.wordless);
        self.trailing.map_or(until, |trailing| until.min(trailing))
    }

    /// Something came, which may tell something or not.
    fn came(&mut self, telling: bool) {
        let now = Instant::now();
        self.silence = now + self.config.silence;
        if telling {
            self.wordless = now + self.config.wordless;
        }
    }

    /// All is said.
    fn said(&mut self) {
        let trailing = self.config.trailing;
        self.trailing
            .get_or_insert_with(|| Instant::now() + trailing);
    }
}

/// Listens to a stream.
pub(super) async fn listen(
    inner: &Inner,
    kind: ProviderKind,
    mut pieces: Pieces,
    mut ear: Ear<'_>,
) -> Result<(), Shown> {
    let mut reader = AnswerReader::new(kind);
    let mut far = Far::Going;
    let mut patience = Patience::new(&inner.config);
    loop {
        let (due, until) = (ear.speech.due(), patience.until());
        let piece = tokio::select! {
            () = sleep_until(due.unwrap_or(until)), if due.is_some() => {
                ear.speech.tell();
                continue;
            }
            piece = timeout_at(until, pieces.next()) => piece,
        };
        let last = !matches!(piece, Ok(Some(Ok(_))));
        let heard = match piece {
            Ok(Some(Ok(chunk))) => reader.feed(&chunk),
            Ok(None) => reader.finish(),
            // Nobody waits for what may follow the end.
            Ok(Some(Err(_))) | Err(_) if far >= Far::Said => return ear.end(far),
            Ok(Some(Err(_broken))) => return Err(errors::broken_off()),
            Err(_elapsed) => return Err(errors::silent()),
        };
        patience.came(!heard.is_empty());
        for heard in heard {
            far = far.max(ear.hear(heard)?);
            if far == Far::Done {
                return ear.end(far);
            }
        }
        if last {
            return ear.end(far);
        }
        if far == Far::Said {
            patience.said();
        }
    }
}

/// Takes in an answer that comes in one piece.
pub(super) async fn read(
    inner: &Inner,
    kind: ProviderKind,
    pieces: Pieces,
    mut ear: Ear<'_>,
) -> Result<(), Shown> {
    let body = collect(inner, pieces).await?;
    let mut far = Far::Going;
    for heard in dialect::whole(kind, &body) {
        far = far.max(ear.hear(heard)?);
    }
    ear.end(far)
}

/// Reads an answer in one piece.
pub(super) async fn collect(inner: &Inner, mut pieces: Pieces) -> Result<Bytes, Shown> {
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
