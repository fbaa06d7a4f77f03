//! The client.

use std::{collections::HashSet, sync::Arc, time::Duration};

use bytes::Bytes;
use model::{Clock, caps::Cap};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;

use crate::{
    Licence, Malformation, PortalBlockedStatus, PortalCaps, PortalConfig, PortalDates, PortalError,
    PortalFlatCap, PortalOverride, PortalOverrideUpsert, PortalScope, PortalSetupError,
    PortalSubscriptionCaps, RetryPolicy, answer,
    breaker::{Breaker, Breakers},
    transport::Transport,
    wire::{self, blocked, read, write},
    withheld::Withheld,
};

/// How many overrides are wanted on a page. Portals give fewer, as they see fit.
const PAGE: u32 = 100;
/// How many people are asked for by name in one request.
const NAMED_AT_ONCE: usize = 100;
/// How many people's statuses are asked for in one request: they come without pages, so more than a portal's usual page
/// could be cut short without a word.
const STATUSES_AT_ONCE: usize = 20;

/// A client of one portal. Share it: what it knows of the portal's health is in it.
#[derive(Debug)]
pub struct Portal {
    transport: Transport,
    licence: Option<Licence>,
    withheld: Withheld,
    breakers: Breakers,
    retry: RetryPolicy,
    deadline: Duration,
    longest: Duration,
    max_pages: u32,
}

/// Who asks: one of the first two is there.
#[derive(Clone)]
struct Caller<'a> {
    namespace_id: Option<&'a str>,
    licence: Option<&'a Licence>,
    breaker: Arc<Breaker>,
}

impl<'a> Caller<'a> {
    fn license_key(&self) -> Option<&'a str> {
        self.licence.map(|licence| licence.key.expose_secret())
    }
}

impl Portal {
    /// A client. Nothing is asked yet.
    ///
    /// # Errors
    /// See [`PortalSetupError`].
    pub fn new(config: PortalConfig, clock: Arc<dyn Clock>) -> Result<Self, PortalSetupError> {
        let transport = Transport::new(&config)?;
        let admin = config.admin.map(|admin| admin.token);
        let key = config.licence.as_ref().map(|licence| licence.key.clone());
        Ok(Self {
            transport,
            licence: config.licence,
            withheld: Withheld::new(admin.into_iter().chain(key)),
            breakers: Breakers::new(config.breaker, clock),
            retry: config.retry,
            deadline: config.deadline,
            longest: config.longest,
            max_pages: config.max_pages,
        })
    }

    /// Whether anything can be asked in this scope.
    #[must_use]
    pub fn has_credentials(&self, scope: &PortalScope) -> bool {
        self.caller(scope).is_ok()
    }

    /// For how long the portal is not asked about this scope, since it failed; no time at all is left while one exchange
    /// finds out whether it is back.
    #[must_use]
    pub fn left_alone(&self, scope: &PortalScope) -> Duration {
        self.breakers.of(scope).left_alone()
    }

    /// The record of a subscription's caps, without its overrides; `None` when there is none.
    ///
    /// # Errors
    /// See [`PortalError`]; never [`PortalError::Rejected`].
    pub async fn subscription_caps(
        &self,
        scope: &PortalScope,
    ) -> Result<Option<PortalSubscriptionCaps>, PortalError> {
        let caller = self.caller(scope)?;
        Ok(self.page(&caller, None, None).await?.subscription)
    }

    /// All caps of a subscription, with every page of its overrides: the portal's query `budgetCaps`.
    ///
    /// # Errors
    /// See [`PortalError`]; never [`PortalError::Rejected`].
    pub async fn budget_caps(&self, scope: &PortalScope) -> Result<PortalCaps, PortalError> {
        let caller = self.caller(scope)?;
        self.in_time(self.pages(&caller, None)).await
    }

    /// The overrides of these people; of none, for none, without asking. Who has no override is left out.
    ///
    /// # Errors
    /// See [`PortalError`]; never [`PortalError::Rejected`].
    pub async fn user_overrides(
        &self,
        scope: &PortalScope,
        entity_ids: &[String],
    ) -> Result<Vec<PortalOverride>, PortalError> {
        let caller = self.caller(scope)?;
        self.in_time(async {
            let mut found = Vec::new();
            for some in entity_ids.chunks(NAMED_AT_ONCE) {
                let named = self.pages(&caller, Some(some)).await?.overrides;
                let asked = |own: &PortalOverride| {
                    own.entity_id.as_ref().is_some_and(|id| some.contains(id))
                };
                found.extend(named.into_iter().filter(asked));
            }
            Ok(found)
        })
        .await
    }

    /// Who of these people is stopped, and by which cap: the portal's query `subscriptionBlockedStatuses`. Of those who
    /// are left out the portal knows nothing, which does not say that they are not stopped. Without dates the period is
    /// the portal's present one.
    ///
    /// # Errors
    /// See [`PortalError`]; never [`PortalError::Rejected`].
    pub async fn blocked_statuses(
        &self,
        scope: &PortalScope,
        dates: Option<PortalDates>,
        entity_ids: &[String],
    ) -> Result<Vec<PortalBlockedStatus>, PortalError> {
        let caller = self.caller(scope)?;
        self.in_time(async {
            let mut found = Vec::new();
            for some in entity_ids.chunks(STATUSES_AT_ONCE) {
                let variables = blocked::Variables {
                    instance_id: caller.licence.map(|licence| licence.instance_id.as_str()),
                    namespace_id: caller.namespace_id,
                    license_key: caller.license_key(),
                    start_date: dates.map(|dates| dates.start),
                    end_date: dates.map(|dates| dates.end),
                    entity_ids: some,
                };
                let body = wire::body(blocked::DOCUMENT, variables);
                let data: blocked::Data = self.read(&caller, &body).await?;
                found.extend(data.statuses(some)?);
            }
            Ok(found)
        })
        .await
    }

    /// Sets the flat cap, and tells what the portal keeps: its mutation `upsertBudgetCapSubscription`. The subscription's
    /// record is made if there is none; its own cap stays as it is. Not tried again.
    ///
    /// # Errors
    /// See [`PortalError`].
    pub async fn flat_user_cap_upsert(
        &self,
        scope: &PortalScope,
        cap: Cap,
    ) -> Result<PortalFlatCap, PortalError> {
        let caller = self.caller(scope)?;
        let input = write::FlatCapInput {
            namespace_id: caller.namespace_id,
            license_key: caller.license_key(),
            flat_user_cap: cap.amount,
            flat_user_cap_enabled: cap.enabled,
        };
        let body = wire::body(write::FLAT_CAP, write::Variables { input });
        let data: write::FlatCapData = self.attempt(&caller, body).await?;
        data.stored(&self.withheld)
    }

    /// Sets overrides, and tells what the portal keeps, a row for each: its mutation `upsertUserBudgetCapsBulk`. Not tried
    /// again.
    ///
    /// # Errors
    /// See [`PortalError`].
    pub async fn user_overrides_upsert(
        &self,
        scope: &PortalScope,
        overrides: &[PortalOverrideUpsert],
    ) -> Result<Vec<PortalOverride>, PortalError> {
        let caller = self.caller(scope)?;
        let inputs = overrides
            .iter()
            .map(|own| write::OverrideInput::new(&own.entity_id, own.cap));
        let instance = caller.licence.map(|own| own.unique_instance_id.as_str());
        let input = write::OverridesInput {
            namespace_id: caller.namespace_id,
            license_key: caller.license_key(),
            unique_instance_id: instance,
            overrides: inputs.collect(),
        };
        let body = wire::body(write::OVERRIDES, write::Variables { input });
        let data: write::OverridesData = self.attempt(&caller, body).await?;
        data.stored(&self.withheld)
    }

    /// Who asks in this scope.
    fn caller<'a>(&'a self, scope: &'a PortalScope) -> Result<Caller<'a>, PortalError> {
        let (namespace_id, licence) = match scope {
            PortalScope::Namespace(id) if self.transport.has_admin() => (Some(id.as_str()), None),
            PortalScope::Namespace(_) => (None, None),
            PortalScope::Instance => (None, self.licence.as_ref()),
        };
        if namespace_id.is_none() && licence.is_none() {
            return Err(PortalError::NoCredentials);
        }
        Ok(Caller {
            namespace_id,
            licence,
            breaker: self.breakers.of(scope),
        })
    }

    /// Reads page after page to the end. What is true of the whole subscription is taken from the first.
    async fn pages(
        &self,
        caller: &Caller<'_>,
        entity_ids: Option<&[String]>,
    ) -> Result<PortalCaps, PortalError> {
        let mut caps = PortalCaps::default();
        let mut cursors = HashSet::new();
        let mut after: Option<String> = None;
        for page in 0..self.max_pages {
            let found = self.page(caller, entity_ids, after.as_deref()).await?;
            if page == 0 {
                caps.subscription = found.subscription;
            }
            caps.overrides.extend(found.overrides);
            let Some(cursor) = found.next else {
                return Ok(caps);
            };
            if !cursors.insert(cursor.clone()) {
                break;
            }
            after = Some(cursor);
        }
        Err(Malformation::Paging.into())
    }

    async fn page(
        &self,
        caller: &Caller<'_>,
        entity_ids: Option<&[String]>,
        after: Option<&str>,
    ) -> Result<read::ReadPage, PortalError> {
        let variables = read::Variables {
            namespace_id: caller.namespace_id,
            license_key: caller.license_key(),
            entity_ids,
            first: PAGE,
            after,
        };
        let body = wire::body(read::DOCUMENT, variables);
        let data: read::Data = self.read(caller, &body).await?;
        Ok(data.page()?)
    }

    /// Asks as often as the policy says, for as long as one page may take.
    async fn read<T: DeserializeOwned>(
        &self,
        caller: &Caller<'_>,
        body: &Bytes,
    ) -> Result<T, PortalError> {
        within(self.deadline, self.attempts(caller, body)).await
    }

    async fn attempts<T: DeserializeOwned>(
        &self,
        caller: &Caller<'_>,
        body: &Bytes,
    ) -> Result<T, PortalError> {
        let mut failure = None;
        let mut attempt = 1;
        loop {
            let error = match self.attempt(caller, body.clone()).await {
                Ok(data) => return Ok(data),
                // What opened the breaker says more than that it is open.
                Err(open @ PortalError::BreakerOpen { .. }) => return Err(failure.unwrap_or(open)),
                Err(error) => error,
            };
            let chance = rand::random_range(0.0..=1.0);
            let Some(pause) = self.retry.pause(attempt, &error, chance) else {
                return Err(error);
            };
            failure = Some(error);
            attempt += 1;
            tokio::time::sleep(pause).await;
        }
    }

    /// Asks once, unless the portal is left alone.
    async fn attempt<T: DeserializeOwned>(
        &self,
        caller: &Caller<'_>,
        body: Bytes,
    ) -> Result<T, PortalError> {
        let permit = caller.breaker.admit();
        let permit = permit.map_err(|until| PortalError::BreakerOpen { until })?;
        let as_admin = caller.namespace_id.is_some();
        let read = |answer: Bytes| Ok(answer::read(&answer, &self.withheld)?);
        let answered = self.transport.exchange(body, as_admin).await;
        let answered = answered.and_then(read);
        match &answered {
            Err(error) if error.of_failing_portal() => permit.failed(),
            Ok(_) | Err(_) => permit.succeeded(),
        }
        answered.inspect_err(|error| {
            // Whoever asked knows how often that happens, and whether it is worth a warning.
            tracing::debug!(code = error.code(), ?error, "the portal gave no answer");
        })
    }

    /// All pages of a read, each of which has its own time.
    async fn in_time<T>(
        &self,
        reading: impl Future<Output = Result<T, PortalError>>,
    ) -> Result<T, PortalError> {
        within(self.longest, reading).await
    }
}

async fn within<T>(
    time: Duration,
    reading: impl Future<Output = Result<T, PortalError>>,
) -> Result<T, PortalError> {
    let read = tokio::time::timeout(time, reading).await;
    read.unwrap_or(Err(PortalError::TimedOut))
}
