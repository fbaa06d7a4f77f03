//! Passing on what the database says has changed.

use auth::{AccessHint, AccessHub, AuthState};
use chat::{ChatHint, ChatHub};
use db::{ChatChange, Hint};
use gateway::SpendHint;
use secrecy::SecretString;
use tokio::{
    sync::mpsc::{Sender, error::TrySendError},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// Whom hints concern.
#[derive(Debug)]
pub(crate) struct Hearers {
    /// The gateway, whose requests wait for room under a limit.
    spend: Sender<SpendHint>,
    /// The watch over what is open beyond a request's beginning.
    access: AccessHub,
    /// Chats.
    chats: ChatHub,
}

impl Hearers {
    /// All of a server's.
    pub(crate) fn new(spend: Sender<SpendHint>, auth: &AuthState, chats: &ChatHub) -> Self {
        Self {
            spend,
            access: auth.access.clone(),
            chats: chats.clone(),
        }
    }

    /// Begins to listen, and passes hints on until the server stops.
    pub(crate) fn listen(self, url: SecretString, stopping: CancellationToken) -> JoinHandle<()> {
        let mut listener = db::listen(url);
        tokio::spawn(async move {
            loop {
                let hint = tokio::select! {
                    () = stopping.cancelled() => return,
                    hint = listener.next() => hint,
                };
                self.tell(hint);
            }
        })
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
