//! Hearing what other servers settle: hints over LISTEN, which may be lost and are never needed to be right.

use std::{convert::Infallible, future::poll_fn, time::Duration};

use model::{ChatId, spend::LimitKey};
use secrecy::SecretString;
use tokio::{sync::mpsc, task::AbortHandle, time::sleep};
use tokio_postgres::{AsyncMessage, Notification};
use uuid::Uuid;

use crate::connect::{Address, OpenError};

/// The channel on which a limit's name says that waiters may try again.
pub(crate) const SPEND_CHANNEL: &str = "bursar_spend";
/// The channel on which triggers say whose rights may have changed.
const SUBJECTS_CHANNEL: &str = "bursar_subjects";
/// What they say there when it is too many to be named.
const EVERYBODY: &str = "*";

/// The channel on which triggers say what happens to chats.
const CHATS_CHANNEL: &str = "bursar_chats";

/// How many hints may wait to be taken.
const BACKLOG: usize = 1024;
/// How long to wait before connecting again, doubled each time up to the longest.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(10);

/// Something that may have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// The listener is connected, perhaps again: hints may have been lost before.
    Connected,
    /// Room may have come free under this limit.
    Spend(LimitKey),
    /// What this person, or everybody in this organization, may do may have changed, or a key of theirs ended.
    Subject(Uuid),
    /// The same, of too many to be named.
    EverySubject,
    /// Something happened to a chat.
    Chat {
        /// What.
        change: ChatChange,
        /// The chat; the root of a family whose ACL changed.
        id: ChatId,
    },
}

/// What happened to a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatChange {
    /// It was made, or it or what is said in it changed.
    State,
    /// With whom its family is shared changed.
    Acl,
    /// It was removed.
    Gone,
}

impl ChatChange {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "state" => Some(Self::State),
            "acl" => Some(Self::Acl),
            "gone" => Some(Self::Gone),
            _ => None,
        }
    }
}

impl Hint {
    /// What a notification says; nothing when it is none of ours.
    fn read(said: &Notification) -> Option<Self> {
        match (said.channel(), said.payload()) {
            (SPEND_CHANNEL, limit) => limit.parse().ok().map(Self::Spend),
            (SUBJECTS_CHANNEL, EVERYBODY) => Some(Self::EverySubject),
            (SUBJECTS_CHANNEL, subject) => subject.parse().ok().map(Self::Subject),
            (CHATS_CHANNEL, text) => {
                let (change, id) = text.split_once(' ')?;
                Some(Self::Chat {
                    change: ChatChange::parse(change)?,
                    id: id.parse().ok()?,
                })
            }
            _ => None,
        }
    }
}

/// The hints of one database, from a connection of its own that is opened again whenever it is lost.
#[derive(Debug)]
pub struct Listener {
    hints: mpsc::Receiver<Hint>,
    task: AbortHandle,
}

impl Listener {
    /// The next hint. May be dropped and called again without losing one.
    pub async fn next(&mut self) -> Hint {
        match self.hints.recv().await {
            Some(hint) => hint,
            // The task ends with the runtime only.
            None => std::future::pending().await,
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Listens from now on. Must be called inside a Tokio runtime.
#[must_use]
pub fn listen(url: SecretString) -> Listener {
    let (sender, hints) = mpsc::channel(BACKLOG);
    let task = tokio::spawn(run(url, sender)).abort_handle();
    Listener { hints, task }
}

async fn run(url: SecretString, hints: mpsc::Sender<Hint>) {
    let mut backoff = FIRST_BACKOFF;
    loop {
        let mut connected = false;
        let lost = session(&url, &hints, &mut connected).await;
        tracing::warn!(error = ?lost.err(), "the connection for hints was lost");
        backoff = if connected {
            FIRST_BACKOFF
        } else {
            (backoff * 2).min(LONGEST_BACKOFF)
        };
        if hints.is_closed() {
            return;
        }
        sleep(backoff).await;
    }
}

/// One connection's life; it ends with an error only.
async fn session(
    url: &SecretString,
    hints: &mpsc::Sender<Hint>,
    connected: &mut bool,
) -> Result<Infallible, Lost> {
    let address = Address::parse(url, "bursar listen")?;
    let (client, mut connection) = address.open().await?;
    let statement =
        format!("LISTEN {SPEND_CHANNEL}; LISTEN {SUBJECTS_CHANNEL}; LISTEN {CHATS_CHANNEL}");
    let mut listening = std::pin::pin!(client.batch_execute(&statement));
    loop {
        let message = tokio::select! {
            done = &mut listening, if !*connected => {
                done?;
                *connected = true;
                hints.send(Hint::Connected).await?;
                continue;
            }
            message = poll_fn(|context| connection.poll_message(context)) => message,
        };
        // Anything else is a notice of the server.
        if let AsyncMessage::Notification(said) = message.ok_or(Lost::Closed)??
            && let Some(hint) = Hint::read(&said)
        {
            hints.send(hint).await?;
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("the database cannot be reached")]
    Unreachable(#[from] OpenError),
    #[error("the database failed")]
    Database(#[from] tokio_postgres::Error),
    #[error("the database closed the connection")]
    Closed,
    #[error("nobody listens any more")]
    Unheard(#[from] mpsc::error::SendError<Hint>),
}
