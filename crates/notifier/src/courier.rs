//! The courier: claims what is due in the outbox, sends it, and notes how it went.
//!
//! Each receiver has its own few messages under way, and mail is apart from webhooks, so whoever is slow keeps only
//! their own waiting. The order of messages to one receiver is not kept.

use std::{collections::HashMap, sync::Arc, time::Duration};

use dbauthz::{SystemActor, SystemStore};
use model::{
    ClaimId, Clock, DeliveryId, IdSource, WebhookId,
    deliveries::{Failure, RetryRule, Verdict},
};
use store::{
    StoreResult,
    deliveries::{Claim, MailDispatch, WebhookDispatch},
};
use tokio::{
    task::{Id, JoinSet},
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{Mail, NotifierConfig, NotifierDeps, webhook::WebhookSender};

/// How many messages to webhooks are under way at once, over all receivers.
const WEBHOOKS_IN_FLIGHT: u32 = 64;
/// How many messages to one receiver are claimed at once; more only when these have ended.
const PER_WEBHOOK: u32 = 4;
/// How many mails are under way at once.
const MAILS_IN_FLIGHT: u32 = 4;
/// For how long this server says that mail can be sent, and how often it says so again.
const MAIL_READY: Duration = Duration::from_secs(3600);
const MAIL_READY_EVERY: Duration = Duration::from_secs(600);
/// How often the outbox is tidied; what waited for longer than the first is given up, what ended longer ago than the
/// second is removed.
const TIDY_EVERY: Duration = Duration::from_secs(3600);
const PATIENCE: Duration = Duration::from_secs(3 * 24 * 3600);
const KEEP: Duration = Duration::from_secs(30 * 24 * 3600);
/// How often it is tried to note how a message went: what is not noted goes out again.
const NOTES: u32 = 5;
const NOTE_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// Where messages go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Webhook(WebhookId),
    Mail,
}

impl Target {
    const fn channel(self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Mail => "mail",
        }
    }
}

/// What every attempt needs.
#[derive(Debug)]
struct Desk {
    store: SystemStore,
    clock: Arc<dyn Clock>,
    config: NotifierConfig,
    webhooks: WebhookSender,
}

/// A message that was claimed.
#[derive(Debug)]
enum Message {
    Webhook(WebhookDispatch),
    Mail(Mail, MailDispatch),
}

/// Sends what is due.
#[derive(Debug)]
pub(crate) struct Courier {
    desk: Arc<Desk>,
    ids: Arc<dyn IdSource>,
    sending: JoinSet<()>,
    under_way: HashMap<Id, Target>,
}

impl Courier {
    pub(crate) fn new(deps: NotifierDeps, webhooks: WebhookSender) -> Self {
        Self {
            desk: Arc::new(Desk {
                store: deps.authorized.as_system(SystemActor::Courier),
                clock: deps.clock,
                config: deps.config,
                webhooks,
            }),
            ids: deps.ids,
            sending: JoinSet::new(),
            under_way: HashMap::new(),
        }
    }

    /// Works until the token is cancelled. What is under way then has a moment to end; what does not is taken over by
    /// another server when its claim lapses.
    pub(crate) async fn run(mut self, stopping: CancellationToken) {
        let mut look = interval(self.desk.config.poll_every);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ready = interval(MAIL_READY_EVERY);
        let mut tidy = interval(TIDY_EVERY);
        loop {
            tokio::select! {
                biased;
                () = stopping.cancelled() => break,
                _ = ready.tick() => logged("announce mail", self.desk.announce().await),
                _ = tidy.tick() => logged("tidy the outbox", self.desk.tidy().await),
                Some(ended) = self.sending.join_next_with_id() => {
                    let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                    self.under_way.remove(&id);
                    self.send_due().await;
                }
                _ = look.tick() => self.send_due().await,
            }
        }
        let all = async { while self.sending.join_next().await.is_some() {} };
        if timeout(self.desk.config.grace, all).await.is_err() {
            tracing::info!("messages under way are left to other servers");
        }
    }

    /// Claims what is due and begins to send it.
    async fn send_due(&mut self) {
        logged("claim messages to webhooks", self.send_webhooks().await);
        logged("claim mails", self.send_mails().await);
    }

    async fn send_webhooks(&mut self) -> StoreResult<()> {
        let mut busy: Vec<WebhookId> = Vec::new();
        let mut count = 0;
        for target in self.under_way.values() {
            if let Target::Webhook(id) = target {
                busy.push(*id);
                count += 1;
            }
        }
        let Some(claim) = self.claim(WEBHOOKS_IN_FLIGHT, count) else {
            return Ok(());
        };
        busy.sort_unstable();
        busy.dedup();
        let mut unit = self.desk.store.begin().await?;
        let mut deliveries = unit.deliveries();
        let claimed = deliveries
            .delivery_webhook_claim(&claim, PER_WEBHOOK, &busy)
            .await?;
        unit.commit().await?;
        for message in claimed {
            let target = Target::Webhook(message.webhook_id);
            self.spawn(target, claim.id, Message::Webhook(message));
        }
        Ok(())
    }

    async fn send_mails(&mut self) -> StoreResult<()> {
        let Some(mail) = self.desk.config.mail.clone() else {
            return Ok(());
        };
        let mails = self.under_way.values().filter(|one| **one == Target::Mail);
        let count = u32::try_from(mails.count()).unwrap_or(u32::MAX);
        let Some(claim) = self.claim(MAILS_IN_FLIGHT, count) else {
            return Ok(());
        };
        let mut unit = self.desk.store.begin().await?;
        let claimed = unit.deliveries().delivery_mail_claim(&claim).await?;
        unit.commit().await?;
        for message in claimed {
            self.spawn(Target::Mail, claim.id, Message::Mail(mail.clone(), message));
        }
        Ok(())
    }

    /// What may be taken on; nothing when as many are under way as may be.
    fn claim(&self, most: u32, under_way: u32) -> Option<Claim> {
        let limit = most.checked_sub(under_way).filter(|limit| *limit > 0)?;
        Some(Claim {
            id: self.ids.next().into(),
            lease: self.desk.config.claim_lease,
            limit,
        })
    }

    fn spawn(&mut self, target: Target, claim: ClaimId, message: Message) {
        let desk = Arc::clone(&self.desk);
        let task = self
            .sending
            .spawn(async move { desk.deliver(target, claim, message).await });
        self.under_way.insert(task.id(), target);
    }
}

impl Desk {
    /// Sends a message and notes how it went.
    async fn deliver(&self, target: Target, claim: ClaimId, message: Message) {
        let (id, attempt, sent) = match message {
            Message::Webhook(message) => {
                let sending = self.webhooks.send(&message);
                let sent = within(self.config.webhook_timeout, sending).await;
                (message.id, message.attempt, sent)
            }
            Message::Mail(mail, message) => {
                let time = self.config.mail_timeout;
                let sending = mail.send(&message, time, self.clock.as_ref());
                let sent = within(time, sending).await;
                (message.id, message.attempt, sent)
            }
        };
        let verdict = verdict(&self.config.retry, id, attempt, sent);
        let channel = target.channel();
        let outcome = match &verdict {
            Verdict::Delivered => "delivered",
            Verdict::Retry { error, .. } => {
                tracing::debug!(delivery = %id, channel, attempt, error, "a message is tried again");
                "retried"
            }
            Verdict::GaveUp { error } => {
                tracing::warn!(delivery = %id, channel, attempt, error, "a message is given up");
                "gave_up"
            }
        };
        count(channel, outcome, 1);
        self.note(id, claim, &verdict).await;
    }

    /// Notes how a message went, which the database may be away for.
    async fn note(&self, id: DeliveryId, claim: ClaimId, verdict: &Verdict) {
        for attempt in 1..=NOTES {
            match self.noted(id, claim, verdict).await {
                Ok(true) => return,
                Ok(false) => {
                    tracing::info!(delivery = %id, "another server took a message over meanwhile");
                    return;
                }
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(delivery = %id, attempt, error, "how a message went is not noted");
                }
            }
            sleep(NOTE_AGAIN_AFTER).await;
        }
    }

    async fn noted(&self, id: DeliveryId, claim: ClaimId, verdict: &Verdict) -> StoreResult<bool> {
        let mut unit = self.store.begin().await?;
        let held = unit
            .deliveries()
            .delivery_finish(id, claim, verdict)
            .await?;
        unit.commit().await?;
        Ok(held)
    }

    /// Says that mail can be sent, if it can.
    async fn announce(&self) -> StoreResult<()> {
        if self.config.mail.is_none() {
            return Ok(());
        }
        let mut unit = self.store.begin().await?;
        unit.deliveries().delivery_mail_ready(MAIL_READY).await?;
        unit.commit().await
    }

    async fn tidy(&self) -> StoreResult<()> {
        let mut unit = self.store.begin().await?;
        let tidied = unit.deliveries().delivery_tidy(PATIENCE, KEEP).await?;
        unit.commit().await?;
        if tidied.expired > 0 {
            let expired = tidied.expired;
            tracing::warn!(expired, "messages that waited for too long are given up");
        }
        Ok(())
    }
}

/// What becomes of a message.
fn verdict(rule: &RetryRule, id: DeliveryId, attempt: u32, sent: Result<(), Failure>) -> Verdict {
    match sent {
        Ok(()) => Verdict::Delivered,
        Err(failure) => rule.verdict(id, attempt, failure),
    }
}

/// An attempt that does not take longer than this.
async fn within(
    time: Duration,
    sending: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    match timeout(time, sending).await {
        Ok(sent) => sent,
        Err(_elapsed) => Err(Failure::passing("the receiver did not answer in time")),
    }
}

fn count(channel: &'static str, outcome: &'static str, number: u64) {
    metrics::counter!(
        "bursar_notifications_deliveries_total", "channel" => channel, "outcome" => outcome
    )
    .increment(number);
}

/// What the database keeps from being done is done at the next look.
fn logged(what: &'static str, outcome: StoreResult<()>) {
    if let Err(error) = outcome {
        let error: &dyn std::error::Error = &error;
        tracing::warn!(what, error, "the courier is kept from its work");
    }
}
