//! Telling programs and people besides the inbox: real receivers on loopback, and couriers that work for a database
//! without a server around them.

mod api;
mod deliver;
mod faults;
mod mail;
mod reach;
mod whole;

use std::{sync::Arc, time::Duration};

use db::{Database, DatabaseOptions, Sealer};
use dbauthz::Authorized;
use model::{
    DeliveryId, IdSource, SystemClock, UserId, UuidV7Source, WebhookId,
    addresses::Reach,
    deliveries::{DeliveryState, RetryRule, WebhookDelivery},
    webhooks::SigningKey,
};
use notifier::{NotifierConfig, NotifierDeps, verify};
use store::{
    Store, WriteContext,
    webhooks::{DeliveryPage, NewWebhook},
};
use testkit::{Received, TestDatabase};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::calls::until;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A database, with nobody working for it yet.
struct House {
    database: TestDatabase,
    store: Arc<Database>,
}

/// A courier at work. Dropped, it is killed.
struct Running {
    stopping: CancellationToken,
    handles: Vec<JoinHandle<()>>,
}

impl Running {
    async fn stop(mut self) {
        self.stopping.cancel();
        for handle in &mut self.handles {
            handle.await.unwrap();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for handle in &self.handles {
            handle.abort();
        }
    }
}

/// Quick, and allowed to go to this machine.
fn config() -> NotifierConfig {
    NotifierConfig {
        webhooks: Reach::Private,
        poll_every: Duration::from_millis(20),
        webhook_timeout: Duration::from_secs(20),
        mail_timeout: Duration::from_secs(20),
        retry: RetryRule {
            first: Duration::from_millis(20),
            longest: Duration::from_secs(2),
            attempts: 8,
        },
        grace: Duration::from_millis(100),
        ..NotifierConfig::default()
    }
}

impl House {
    async fn new() -> Self {
        let database = TestDatabase::create().await.unwrap();
        let options = DatabaseOptions::new(database.app_url());
        let store = Database::connect(options, Sealer::from_key(&[7; 32]));
        Self {
            store: Arc::new(store.await.unwrap()),
            database,
        }
    }

    fn courier(&self, config: NotifierConfig) -> Running {
        let stopping = CancellationToken::new();
        let deps = NotifierDeps {
            authorized: Authorized::new(self.store.clone()),
            clock: Arc::new(SystemClock),
            ids: Arc::new(UuidV7Source),
            config,
        };
        let handles = notifier::start(deps, stopping.clone()).unwrap();
        Running { stopping, handles }
    }

    async fn begin(&self) -> Box<dyn store::WriteUnit> {
        let context = WriteContext {
            user_id: None,
            actor_name: "test".to_owned(),
            request_id: None,
        };
        self.store.begin(&context).await.unwrap()
    }

    async fn webhook(&self, name: &str, url: &str) -> WebhookId {
        let mut unit = self.begin().await;
        let new = NewWebhook {
            id: UuidV7Source.next().into(),
            name: name.parse().unwrap(),
            url: url.parse().unwrap(),
            secret: SECRET.into(),
            organization_id: None,
            enabled: true,
        };
        let made = unit.webhook_create(&new).await.unwrap();
        unit.commit().await.unwrap();
        made.id
    }

    async fn ping(&self, webhook: WebhookId) -> DeliveryId {
        let mut unit = self.begin().await;
        let id = UuidV7Source.next().into();
        let made = unit.webhook_ping(webhook, id).await.unwrap();
        unit.commit().await.unwrap();
        made.id
    }

    async fn deliveries(&self, webhook: WebhookId) -> Vec<WebhookDelivery> {
        let page = DeliveryPage {
            limit: 1_000,
            before: None,
        };
        let mut unit = self.store.read().await.unwrap();
        unit.webhook_delivery_list(webhook, page).await.unwrap()
    }

    async fn delivery(&self, webhook: WebhookId, id: DeliveryId) -> WebhookDelivery {
        let found = self.deliveries(webhook).await;
        found.into_iter().find(|one| one.id == id).unwrap()
    }

    /// Waits until it was delivered or given up.
    async fn ended(&self, webhook: WebhookId, id: DeliveryId) -> WebhookDelivery {
        until("the end of a delivery", || async {
            let state = self.delivery(webhook, id).await.state;
            !matches!(state, DeliveryState::Pending { .. })
        })
        .await;
        self.delivery(webhook, id).await
    }

    /// Waits until an attempt failed, and says why.
    async fn failed(&self, webhook: WebhookId, id: DeliveryId) -> String {
        until("a failed attempt", || async {
            self.delivery(webhook, id).await.last_error.is_some()
        })
        .await;
        self.delivery(webhook, id).await.last_error.unwrap()
    }

    /// Runs a statement as the owner of the tables.
    async fn sql(&self, statement: &str) {
        let client = self.database.owner().await.unwrap();
        let actor = "SELECT set_config('bursar.actor_name', 'test', false);";
        client
            .batch_execute(&format!("{actor} {statement}"))
            .await
            .unwrap();
    }

    /// One number.
    async fn number(&self, query: &str) -> i64 {
        let client = self.database.owner().await.unwrap();
        client.query_one(query, &[]).await.unwrap().get(0)
    }

    /// An account.
    async fn account(&self, name: &str) -> UserId {
        let id = UserId(UuidV7Source.next());
        let insert = format!(
            "INSERT INTO users (id, email, username) VALUES ('{id}', '{name}@example.com', '{name}')"
        );
        self.sql(&insert).await;
        id
    }
}

fn delivered(delivery: &WebhookDelivery) -> bool {
    matches!(delivery.state, DeliveryState::Delivered { .. })
}

/// Checks what every message has, and gives its id.
#[track_caller]
fn signed(request: &Received) -> DeliveryId {
    let header = |name: &str| request.headers[name].as_str();
    let (id, at) = (header("webhook-id"), header("webhook-timestamp"));
    let key = SigningKey::parse(SECRET).unwrap();
    let at = at.parse().unwrap();
    let signature = header("webhook-signature");
    assert!(
        verify(&key, id, at, &request.body, signature),
        "{request:?}"
    );
    assert!(!verify(&key, id, at + 1, &request.body, signature));
    assert_eq!(header("content-type"), "application/json");
    assert!(header("user-agent").starts_with("bursar/"));
    id.parse().unwrap()
}
