//! A step of the ledger on its way: whoever asked may leave, and nothing stays reserved for nobody.

use model::spend::{LedgerAnswer, LedgerOp, Release, SettleEffect};
use store::StoreError;
use tokio::{runtime::Handle, sync::oneshot};

use crate::{
    batcher::{Answer, Batcher, made},
    ledger::ReserveFailure,
    settle::{FIRST_PAUSE, MOST_PAUSE, UNDO_PAUSES, jitter, source_text},
};

/// The batcher ended before it answered, as it does with the process.
#[derive(Debug, thiserror::Error)]
#[error("the ledger has stopped")]
struct Stopped;

/// A step that was taken. Dropped before it was answered, it sees to it that nothing stays reserved.
#[derive(Debug)]
pub(crate) struct Asked {
    batcher: Batcher,
    answer: Option<oneshot::Receiver<Answer>>,
}

impl Asked {
    pub(crate) const fn new(batcher: Batcher, answer: oneshot::Receiver<Answer>) -> Self {
        Self {
            batcher,
            answer: Some(answer),
        }
    }

    /// The answer.
    pub(crate) async fn answer(mut self) -> Answer {
        let Some(answer) = &mut self.answer else {
            return Err(stopped());
        };
        let answered = answer.await;
        self.answer = None;
        answered.unwrap_or_else(|_closed| Err(stopped()))
    }
}

fn stopped() -> ReserveFailure {
    StoreError::Unavailable(Box::new(Stopped)).into()
}

impl Drop for Asked {
    fn drop(&mut self) {
        let (Some(answer), Ok(runtime)) = (self.answer.take(), Handle::try_current()) else {
            return;
        };
        let batcher = self.batcher.clone();
        runtime.spawn(async move {
            let unsure = match answer.await {
                Ok(Ok(answer)) => made(&answer),
                Ok(Err(failure)) => failure.unsure,
                Err(_closed) => None,
            };
            if let Some(release) = unsure {
                undo(&batcher, release).await;
            }
        });
    }
}

/// Releases a reservation that nobody knows of but this. While the database is away it is tried again; if
/// this process ends first, a sweep charges it.
async fn undo(batcher: &Batcher, release: Release) {
    let mut looks = UNDO_PAUSES.iter();
    let mut pause = FIRST_PAUSE;
    loop {
        match batcher.push(LedgerOp::Release(release)).answer().await {
            Ok(LedgerAnswer::Closed(outcome)) if outcome.effect == SettleEffect::Unknown => {
                // A commit whose answer was lost may become visible only a little later.
                let Some(later) = looks.next() else { return };
                tokio::time::sleep(*later).await;
            }
            Ok(_) => return,
            Err(failure) => {
                tracing::warn!(
                    error = source_text(&failure.error),
                    "a reservation is not undone yet"
                );
                tokio::time::sleep(jitter(pause)).await;
                pause = (pause * 2).min(MOST_PAUSE);
            }
        }
    }
}
