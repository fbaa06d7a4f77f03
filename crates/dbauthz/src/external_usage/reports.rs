//! Spend that has happened elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    OrganizationId, ProviderId, ReservationId, UserId,
    external_usage::{
        ChargedPerson, ExternalRecord, IdempotencyKey, NewExternal, ReportOutcome, Reports,
        TakenExternal, UsageClaim,
    },
    spend::{LedgerAnswer, LedgerOp, LimitKey, LockWait, SettlementBasis, UsageReport},
};
use rbac::Action;
use store::{StoreError, StoreResult};

use super::{
    ExternalUsage, ExternalUsageError, ExternalUsageResult, as_checked, other_answer, provider_id,
    usage,
};

/// Where usage belongs: to an organization, or to none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place(Option<OrganizationId>);

/// What is known of a report before anything is written.
struct Known<'t> {
    persons: BTreeMap<&'t str, ChargedPerson>,
    records: BTreeMap<IdempotencyKey, ExternalRecord>,
}

/// What was written of a report.
#[derive(Default)]
struct Written {
    taken: BTreeMap<IdempotencyKey, TakenExternal>,
    wake: Vec<LimitKey>,
}

impl Known<'_> {
    fn person(&self, claim: &UsageClaim) -> Option<&ChargedPerson> {
        self.persons.get(claim.person.as_str())
    }

    fn user(&self, claim: &UsageClaim) -> Option<UserId> {
        self.person(claim).map(|person| person.user_id)
    }

    /// Where the right to report an event is needed; `None` when its person is nobody.
    fn place(&self, claim: &UsageClaim) -> Option<Place> {
        let record = self.records.get(&claim.key);
        let before = record.map(|record| Place(record.organization_id));
        before.or_else(|| {
            self.person(claim)
                .map(|person| Place(person.organization_id))
        })
    }

    /// The keys, of those that were taken before, that stand for something else.
    fn conflicts(&self, claims: &[UsageClaim]) -> BTreeSet<IdempotencyKey> {
        let differs = |claim: &&UsageClaim| {
            let record = self.records.get(&claim.key);
            record.is_some_and(|record| {
                !record.repeats(&claim.person, self.user(claim), &claim.content())
            })
        };
        let found = claims.iter().filter(differs);
        found.map(|claim| claim.key.clone()).collect()
    }

    /// The first of each key that was not taken before, and the keys that stand for two things in this report.
    fn fresh<'c>(
        &self,
        claims: &'c [UsageClaim],
    ) -> (
        BTreeMap<&'c IdempotencyKey, &'c UsageClaim>,
        BTreeSet<IdempotencyKey>,
    ) {
        let (mut fresh, mut twice) = (BTreeMap::new(), BTreeSet::new());
        for claim in claims {
            if self.records.contains_key(&claim.key) {
                continue;
            }
            let first: &UsageClaim = fresh.entry(&claim.key).or_insert(claim);
            let same_person = first.person == claim.person || self.user(first) == self.user(claim);
            if !same_person || first.content() != claim.content() {
                twice.insert(claim.key.clone());
            }
        }
        (fresh, twice)
    }
}

impl<U: store::WriteUnit + ?Sized> ExternalUsage<'_, U> {
    /// Records spend that has happened elsewhere: all of it, or nothing. What was reported before under the same key is
    /// answered as before.
    ///
    /// # Errors
    /// [`ExternalUsageError::Persons`] for people who do not exist or may not be charged;
    /// [`ExternalUsageError::KeysTaken`].
    pub async fn external_usage_create(
        &mut self,
        claims: &[UsageClaim],
    ) -> ExternalUsageResult<Reports> {
        let actor = self.reporter()?;
        let (reporter, api_key_id) = (actor.user_id, actor.key.id.clone());
        let keys: Vec<IdempotencyKey> = claims.iter().map(|claim| claim.key.clone()).collect();
        let records = self.known(reporter, &keys).await?;
        let named = claims.iter().map(|claim| claim.person.as_str());
        let persons = self.persons(reporter, named).await?;
        let mut known = Known { persons, records };
        self.chargeable(claims, &known)?;
        let (fresh, mut conflicts) = known.fresh(claims);
        conflicts.extend(known.conflicts(claims));
        none(conflicts)?;
        let new: Vec<NewExternal> = fresh
            .values()
            .filter_map(|claim| Some(new(claim, known.user(claim)?)))
            .collect();
        let written = self.write(reporter, &api_key_id, &new, &mut known).await?;
        // Those that somebody else took at this moment.
        none(known.conflicts(claims))?;
        let mut first = BTreeSet::new();
        let outcome = |claim| outcome(claim, &known, &written, first.insert(&claim.key));
        let outcomes: StoreResult<Vec<ReportOutcome>> = claims.iter().map(outcome).collect();
        Ok(Reports {
            outcomes: outcomes?,
            wake: written.wake,
        })
    }

    /// Refuses unless everybody may be charged. Each organization is asked about once, in the order of their ids.
    fn chargeable(&self, claims: &[UsageClaim], known: &Known<'_>) -> ExternalUsageResult<()> {
        let places = claims.iter().filter_map(|claim| known.place(claim));
        let places: BTreeSet<Place> = places.collect();
        let mut refused: BTreeMap<Place, StoreError> = BTreeMap::new();
        for place in places {
            if let Err(error) = self.gate.check(Action::Create, &usage(place.0)) {
                refused.insert(place, error);
            }
        }
        let open = |claim: &UsageClaim| {
            let place = known.place(claim);
            place.is_some_and(|place| !refused.contains_key(&place))
        };
        let stopped = claims.iter().enumerate().filter(|(_, claim)| !open(claim));
        let events: Vec<usize> = stopped.map(|(number, _)| number).collect();
        if events.is_empty() {
            return Ok(());
        }
        let cause = refused.into_values().next();
        Err(ExternalUsageError::Persons {
            events,
            cause: cause.unwrap_or(StoreError::NotFound),
        })
    }

    /// Takes the keys, charges, and writes down what was charged. Keys that somebody else took at this moment become
    /// known instead.
    async fn write(
        &mut self,
        reporter: UserId,
        api_key_id: &str,
        new: &[NewExternal],
        known: &mut Known<'_>,
    ) -> ExternalUsageResult<Written> {
        if new.is_empty() {
            return Ok(Written::default());
        }
        let providers = self.providers().await?;
        let free = self.unit.external_usage_create(reporter, new).await?;
        let free: BTreeSet<IdempotencyKey> = free.into_iter().collect();
        let (mine, others): (Vec<_>, Vec<_>) = new.iter().partition(|one| free.contains(&one.key));
        if !others.is_empty() {
            let keys: Vec<_> = others.iter().map(|one| one.key.clone()).collect();
            known.records.extend(self.known(reporter, &keys).await?);
        }
        if mine.is_empty() {
            return Ok(Written::default());
        }
        let report =
            |one: &&NewExternal| LedgerOp::Report(Box::new(report(one, api_key_id, &providers)));
        let ops: Vec<LedgerOp> = mine.iter().map(report).collect();
        let batch = self.unit.ledger_batch(&ops, LockWait::Long).await?;
        let checked = known.persons.values();
        let checked: BTreeMap<UserId, Option<OrganizationId>> = checked
            .map(|person| (person.user_id, person.organization_id))
            .collect();
        let mut taken = Vec::new();
        for (one, answer) in mine.iter().zip(batch.answers) {
            let LedgerAnswer::Reported(reported) = answer else {
                return Err(other_answer().into());
            };
            let checked = checked.get(&one.user_id).copied().flatten();
            as_checked(checked, reported.organization_id)?;
            taken.push(TakenExternal {
                key: one.key.clone(),
                id: reported.id,
                group_id: reported.account.group_id,
                organization_id: reported.organization_id,
            });
        }
        self.unit.external_usage_record(reporter, &taken).await?;
        let taken = taken.into_iter().map(|one| (one.key.clone(), one));
        Ok(Written {
            taken: taken.collect(),
            wake: batch.wake,
        })
    }
}

fn none(conflicts: BTreeSet<IdempotencyKey>) -> ExternalUsageResult<()> {
    if conflicts.is_empty() {
        return Ok(());
    }
    let keys = conflicts.into_iter().collect();
    Err(ExternalUsageError::KeysTaken(keys))
}

fn new(claim: &UsageClaim, user_id: UserId) -> NewExternal {
    NewExternal {
        key: claim.key.clone(),
        person: claim.person.clone(),
        user_id,
        content: claim.content(),
    }
}

fn report(
    new: &NewExternal,
    api_key_id: &str,
    providers: &BTreeMap<String, ProviderId>,
) -> UsageReport {
    let call = new.content.call();
    let cost = new.content.cost().cloned().unwrap_or_default();
    UsageReport {
        user_id: new.user_id,
        api_key_id: api_key_id.to_owned(),
        provider_id: provider_id(providers, &call.provider),
        provider_name: call.provider.clone(),
        model: call.model.clone(),
        client: call.client.clone(),
        credential_kind: call.credential_kind,
        usage: cost.usage,
        basis: SettlementBasis::Reported,
        cost: cost.cost,
        prices: None,
        response_model: cost.response_model,
        provider_response_id: cost.provider_response_id,
    }
}

/// What an event is answered with. The first one of a key that was free has recorded it; all others repeat it.
fn outcome(
    claim: &UsageClaim,
    known: &Known<'_>,
    written: &Written,
    first: bool,
) -> StoreResult<ReportOutcome> {
    let made = written.taken.get(&claim.key);
    let before = known.records.get(&claim.key);
    let of_made = made.map(|one| (one.id, one.group_id));
    let of_before = before.map(|one| (one.id, one.group_id));
    let (id, group_id): (ReservationId, _) = of_made.or(of_before).ok_or_else(other_answer)?;
    Ok(ReportOutcome {
        key: claim.key.clone(),
        id,
        duplicate: made.is_none() || !first,
        group_id,
        cost: claim.cost.cost,
    })
}
