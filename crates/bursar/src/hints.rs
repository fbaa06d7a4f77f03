//! Passing on what the database says has changed.

use auth::{AccessHint, AccessHub};
use chat::{ChatHint, ChatHub};
use db::{ChatChange, Hint, Listener};
use gateway::SpendHint;
use tokio::sync::mpsc::{Sender, error::TrySendError};
use tokio_util::sync::CancellationToken;

/// Whom hints concern.
#[derive(Debug)]
pub(crate) struct Hearers {
    /// The gateway, whose requests wait for room under a limit.
    pub(crate) spend: Sender<SpendHint>,
    /// The watch over what is open beyond a request's beginning.
    pub(crate) access: AccessHub,
    /// Chats.
    pub(crate) chats: ChatHub,
}

impl Hearers {
    /// Passes hints on until the server stops.
    pub(crate) async fn listen(self, mut listener: Listener, stopping: CancellationToken) {
        loop {
            let hint = tokio::select! {
                () = stopping.cancelled() => return,
                hint = listener.next() => hint,
            };
            self.tell(hint);
        }
    }

    fn tell(&self, hint: Hint) {
        match hint {
            Hint::Connected => {
                self.access.hint(AccessHint::Everybody);
                self.chats.hint(ChatHint::Everything);
                self.room(SpendHint::Everybody);
            }
            Hint::Spend(limit) => self.room(SpendHint::Limit(limit)),
            Hint::Subject(subject) => self.access.hint(AccessHint::Subject(subject)),
            Hint::EverySubject => self.access.hint(AccessHint::Everybody),
            Hint::Chat { change, id } => self.chats.hint(match change {
                ChatChange::State => ChatHint::State(id),
                ChatChange::Acl => ChatHint::Acl(id),
                ChatChange::Gone => ChatHint::Gone(id),
            }),
        }
    }

    /// Hints may be lost: a full line must not keep the others from hearing that somebody's access has ended.
    fn room(&self, hint: SpendHint) {
        if let Err(TrySendError::Full(lost)) = self.spend.try_send(hint) {
            tracing::debug!(?lost, "a hint about spend was not passed on");
        }
    }
}
