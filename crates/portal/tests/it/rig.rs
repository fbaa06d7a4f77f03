//! A portal process, a client of it, and a clock that is turned by hand.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use fakeportal::{ADMIN_EMAIL, ADMIN_TOKEN, FakePortal, LICENCE_KEY, Subscription};
use model::{Clock, Micros, caps::Cap};
use portal::{
    AdminCredentials, BreakerPolicy, Licence, Portal, PortalCaps, PortalConfig, PortalError,
    PortalOverrideUpsert, PortalScope, RetryPolicy,
};

/// The namespace that is asked for.
const NAMESPACE: &str = "42";

/// Seconds, turned by hand.
#[derive(Debug, Default)]
pub(crate) struct Hands(AtomicI64);

impl Hands {
    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.0.load(Ordering::SeqCst), 0).unwrap()
    }
}

pub(crate) struct Rig {
    pub(crate) fake: FakePortal,
    pub(crate) portal: Portal,
    pub(crate) hands: Arc<Hands>,
}

impl Rig {
    /// A client that does not wait between attempts, tries reads three times, and never leaves the portal alone.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut PortalConfig)) -> Self {
        let fake = FakePortal::start().await.unwrap();
        fake.books().namespace(NAMESPACE);
        let mut config = config(&fake.url());
        change(&mut config);
        let hands = Arc::new(Hands::default());
        let clock = Arc::<Hands>::clone(&hands);
        let portal = Portal::new(config, clock).unwrap();
        Self {
            fake,
            portal,
            hands,
        }
    }

    /// Changes what the portal keeps for the namespace and for the licence.
    pub(crate) fn keeps(&self, change: impl Fn(&mut Subscription)) {
        let mut books = self.fake.books();
        change(books.namespace(NAMESPACE));
        change(books.licence(LICENCE_KEY));
    }

    pub(crate) async fn read(&self) -> Result<PortalCaps, PortalError> {
        self.portal.budget_caps(&namespace()).await
    }

    /// Does an operation, whatever it answers.
    pub(crate) async fn run(&self, operation: Operation) -> Result<(), PortalError> {
        let scope = namespace();
        match operation {
            Operation::Caps => self.portal.budget_caps(&scope).await.map(drop),
            Operation::Overrides => {
                let ids = ["7".to_owned()];
                self.portal.user_overrides(&scope, &ids).await.map(drop)
            }
            Operation::Statuses => {
                let ids = ["7".to_owned()];
                let asked = self.portal.blocked_statuses(&scope, None, &ids).await;
                asked.map(drop)
            }
            Operation::Flat => {
                let written = self.portal.flat_user_cap_upsert(&scope, cap(1, true)).await;
                written.map(drop)
            }
            Operation::Bulk => {
                let overrides = [own("7", 1, true)];
                let written = self.portal.user_overrides_upsert(&scope, &overrides).await;
                written.map(drop)
            }
        }
    }
}

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Caps,
    Overrides,
    Statuses,
    Flat,
    Bulk,
}

impl Operation {
    pub(crate) const READS: [Self; 3] = [Self::Caps, Self::Overrides, Self::Statuses];
    pub(crate) const WRITES: [Self; 2] = [Self::Flat, Self::Bulk];

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Self::READS.into_iter().chain(Self::WRITES)
    }
}

pub(crate) fn config(url: &str) -> PortalConfig {
    let mut config = PortalConfig::new(url.parse().unwrap());
    config.admin = Some(AdminCredentials {
        email: ADMIN_EMAIL.to_owned(),
        token: ADMIN_TOKEN.into(),
    });
    config.licence = Some(Licence {
        key: LICENCE_KEY.into(),
        instance_id: "instance-1".to_owned(),
        unique_instance_id: "unique-1".to_owned(),
    });
    // Longer than a busy machine stalls.
    config.timeout = Duration::from_secs(60);
    config.deadline = Duration::from_secs(120);
    config.longest = Duration::from_secs(120);
    config.retry = RetryPolicy {
        attempts: NonZeroU32::new(3).unwrap(),
        first_pause: Duration::ZERO,
        longest_pause: Duration::ZERO,
    };
    config.breaker = BreakerPolicy {
        failures: NonZeroU32::MAX,
        open_for: Duration::from_secs(30),
    };
    config
}

pub(crate) fn namespace() -> PortalScope {
    PortalScope::Namespace(NAMESPACE.to_owned())
}

pub(crate) fn cap(micros: i64, enabled: bool) -> Cap {
    Cap {
        amount: Micros(micros),
        enabled,
    }
}

pub(crate) fn own(entity_id: &str, micros: i64, enabled: bool) -> PortalOverrideUpsert {
    PortalOverrideUpsert {
        entity_id: entity_id.to_owned(),
        cap: cap(micros, enabled),
    }
}
