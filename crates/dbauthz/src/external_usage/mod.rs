//! Spend that other gateways report, or ask for first.
//!
//! A reporter charges people: it needs the right to record usage, `ai_usage_event:create`, in the organization of the
//! group that each person's spend is charged to; somebody without any organization is charged by whoever has that right
//! everywhere. Who does not exist and who may not be charged look alike. What stands under a key that was taken before
//! belongs to the organization that was charged then.
//!
//! The ledger decides whom it charges, after the check. If that has become another organization
//! than the one that was checked, nothing is done and the reporter is asked to come again.

mod holds;
mod reports;

use std::collections::BTreeMap;

use model::{
    Name, OrganizationId, ProviderId, ReservationId, UserId,
    external_usage::{ChargedPerson, ExternalRecord, IdempotencyKey, PersonRef},
    spend::SpendView,
};
use rbac::{Action, Object, ResourceType, Visibility};
use store::{StoreError, StoreResult};

use crate::{
    Actor,
    rules::{Rule, Shape, rule},
    units::wrapper,
};

const CREATE: &[&str] = &["ai_usage_event:create"];

pub(crate) const RULES: &[Rule] = &[
    rule("external_usage_get", Shape::Inside, &[], ""),
    rule("external_usage_persons", Shape::Inside, &[], ""),
    rule(
        "external_usage_create",
        Shape::Check,
        CREATE,
        "in the organization that each person's spend is charged to, of a key that was taken before in the one that \
         was charged then",
    ),
    rule("external_usage_record", Shape::Inside, &[], ""),
    rule(
        "external_reservation_get",
        Shape::Fetch,
        &["ai_usage_event:read", "ai_usage_event:create"],
        "the first, or for its reporter the second, in the charged organization",
    ),
    rule(
        "external_reservation_create",
        Shape::Check,
        CREATE,
        "in the organization that the person's spend is charged to",
    ),
    rule("external_reservation_lock", Shape::Inside, &[], ""),
    rule(
        "external_reservation_update",
        Shape::Lock,
        CREATE,
        "its reporter, in the charged organization",
    ),
];

/// Why a report was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ExternalUsageError {
    /// The store's error.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// These people do not exist, or the reporter may not charge them.
    #[error("not everybody may be charged by this reporter")]
    Persons {
        /// The places of the events that name them, from zero.
        events: Vec<usize>,
        /// What the first of them came to.
        #[source]
        cause: StoreError,
    },
    /// These keys stand for something else.
    #[error("idempotency keys stand for something else")]
    KeysTaken(Vec<IdempotencyKey>),
}

/// The result of a call about external usage.
pub type ExternalUsageResult<T> = Result<T, ExternalUsageError>;

wrapper! {
    /// Spend that other gateways report, or ask for first, each call authorized.
    ExternalUsage
}

/// Usage in an organization, or of people without one.
fn usage(organization: Option<OrganizationId>) -> Object {
    let usage = Object::new(ResourceType::AiUsageEvent);
    match organization {
        Some(organization) => usage.in_org(organization.0),
        None => usage,
    }
}

/// The person whom a text names; nobody when it can be no name.
fn person_ref(me: UserId, text: &str) -> Option<PersonRef> {
    if text.eq_ignore_ascii_case("me") {
        return Some(PersonRef::Id(me));
    }
    if let Ok(id) = text.parse() {
        return Some(PersonRef::Id(id));
    }
    text.parse::<Name>().ok().map(PersonRef::Name)
}

/// An organization that is charged is not the one whose right was checked.
#[derive(Debug, thiserror::Error)]
#[error("somebody's spend was charged to another organization meanwhile")]
struct Moved;

/// Refuses what the ledger charged elsewhere than was checked.
fn as_checked(checked: Option<OrganizationId>, charged: Option<OrganizationId>) -> StoreResult<()> {
    if checked == charged {
        return Ok(());
    }
    Err(StoreError::Unavailable(Box::new(Moved)))
}

/// The ledger answered another question than the one that was asked.
#[derive(Debug, thiserror::Error)]
#[error("the ledger answered another question")]
struct OtherAnswer;

fn other_answer() -> StoreError {
    StoreError::Internal(Box::new(OtherAnswer))
}

impl<U: ?Sized> ExternalUsage<'_, U> {
    /// Who reports. No system actor does.
    fn reporter(&self) -> StoreResult<&Actor> {
        self.gate.actor().ok_or(StoreError::NotFound)
    }
}

impl<U: store::ReadUnit + ?Sized> ExternalUsage<'_, U> {
    /// A hold, and what holds for its person at this instant, as long as that is charged to the same organization. Its
    /// reporter sees it, and who may read usage in the organization that is charged.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn external_reservation_get(
        &mut self,
        id: ReservationId,
    ) -> StoreResult<(ExternalRecord, SpendView)> {
        let found = self.unit.external_reservation_get(id).await?;
        let found = found.ok_or(StoreError::NotFound)?;
        let usage = usage(found.organization_id);
        if self.gate.acts_as(found.reporter_id) {
            let ways: [&[_]; 2] = [&[(Action::Read, &usage)], &[(Action::Create, &usage)]];
            self.gate.check_any(&ways)?;
        } else {
            self.gate.check(Action::Read, &usage)?;
        }
        let mut view = self.unit.spend_get(found.user_id).await?;
        if view.state.organization_id != found.organization_id {
            // What holds elsewhere is not the reporter's to know.
            (view.state.budget, view.state.pool) = (None, None);
            view.state.caps = [None; 4];
        }
        Ok((found, view))
    }

    /// What stands under these keys of the reporter.
    async fn known(
        &mut self,
        reporter: UserId,
        keys: &[IdempotencyKey],
    ) -> StoreResult<BTreeMap<IdempotencyKey, ExternalRecord>> {
        let found = self.unit.external_usage_get(reporter, keys).await?;
        let by_key = found.into_iter().map(|record| (record.key.clone(), record));
        Ok(by_key.collect())
    }

    /// Whom these texts name, and whom their spend is charged to; who is nobody is left out.
    async fn persons<'t>(
        &mut self,
        reporter: UserId,
        texts: impl Iterator<Item = &'t str>,
    ) -> StoreResult<BTreeMap<&'t str, ChargedPerson>> {
        let named: BTreeMap<&str, PersonRef> = texts
            .filter_map(|text| Some((text, person_ref(reporter, text)?)))
            .collect();
        let refs: Vec<PersonRef> = named.values().cloned().collect();
        let found = self.unit.external_usage_persons(&refs).await?;
        let known = named.into_keys().zip(found);
        Ok(known.filter_map(|(text, one)| Some((text, one?))).collect())
    }

    /// The ids of this deployment's providers by their names, in small letters.
    async fn providers(&mut self) -> StoreResult<BTreeMap<String, ProviderId>> {
        let found = self.unit.provider_list(&Visibility::All).await?;
        let named = found
            .into_iter()
            .map(|one| (one.name.as_str().to_lowercase(), one.id));
        Ok(named.collect())
    }
}

/// The provider of this name; nil when it is none of this deployment's.
fn provider_id(providers: &BTreeMap<String, ProviderId>, name: &str) -> ProviderId {
    let found = providers.get(&name.to_lowercase());
    found.copied().unwrap_or(ProviderId(uuid::Uuid::nil()))
}
