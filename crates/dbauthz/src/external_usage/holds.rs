//! Room that other gateways ask for before they spend.

use model::{
    Micros, ReservationId, UserId,
    admission::{Patience, WorstCase},
    external_usage::{
        AskOutcome, ChangeOutcome, Closing, ExternalCost, ExternalHold, ExternalRecord, HoldUpdate,
        NewExternal, ReservationChange, ReservationClaim, TakenExternal,
    },
    spend::{
        Extend, ExtendOutcome, LedgerAnswer, LedgerOp, LimitKey, LockWait, Release, ReserveOutcome,
        ReserveRequest, SettleEffect, SettleOutcome, Settlement, SettlementBasis,
    },
};
use rbac::Action;
use store::{StoreError, StoreResult};

use super::{
    ExternalUsage, ExternalUsageError, ExternalUsageResult, as_checked, other_answer, provider_id,
    usage,
};

/// A settlement of a hold that the ledger knows nothing of.
#[derive(Debug, thiserror::Error)]
#[error("the ledger does not know the hold that is settled")]
struct NoSuchHold;

impl<U: store::WriteUnit + ?Sized> ExternalUsage<'_, U> {
    /// Holds what a request may cost, if all limits have room for it. What was asked for before under the same key is
    /// answered as before. A refusal is not remembered: the unit is to be dropped then.
    ///
    /// # Errors
    /// [`ExternalUsageError::Persons`] when the person does not exist, is suspended or may not be charged;
    /// [`ExternalUsageError::KeysTaken`].
    pub async fn external_reservation_create(
        &mut self,
        claim: &ReservationClaim,
    ) -> ExternalUsageResult<AskOutcome> {
        let actor = self.reporter()?;
        let (reporter, api_key_id) = (actor.user_id, actor.key.id.clone());
        let persons = self.persons(reporter, [claim.person.as_str()].into_iter());
        let person = persons.await?.get(claim.person.as_str()).copied();
        if let Some(outcome) = self
            .asked_before(reporter, claim, person.map(|one| one.user_id))
            .await?
        {
            return Ok(outcome);
        }
        let person = person.filter(|one| one.active);
        let person = person.ok_or_else(|| nobody(StoreError::NotFound))?;
        let usage = usage(person.organization_id);
        self.gate.check(Action::Create, &usage).map_err(nobody)?;
        let providers = self.providers().await?;
        let new = NewExternal {
            key: claim.key.clone(),
            person: claim.person.clone(),
            user_id: person.user_id,
            content: claim.content(),
        };
        let (hold, lease) = (claim.hold, claim.lease);
        let free =
            self.unit
                .external_reservation_create(reporter, &new, hold, lease, claim.lifetime);
        if !free.await? {
            // Somebody else took it at this moment.
            let before = self.asked_before(reporter, claim, Some(person.user_id));
            return Ok(before.await?.ok_or_else(other_answer)?);
        }
        let provider = provider_id(&providers, &claim.call.provider);
        let request = request(claim, person.user_id, api_key_id, provider);
        let op = LedgerOp::Reserve(Box::new(request));
        let LedgerAnswer::Reserved(outcome) = self.step(op).await?.0 else {
            return Err(other_answer().into());
        };
        let (id, account, state) = match *outcome {
            ReserveOutcome::Admitted {
                id, account, state, ..
            } => (id, account, state),
            ReserveOutcome::Refused(state) => return Ok(AskOutcome::Refused(Box::new(state))),
            ReserveOutcome::Wait { state, .. } | ReserveOutcome::RetryLater(state) => {
                return Ok(AskOutcome::RetryLater(Box::new(state)));
            }
            ReserveOutcome::CapsUnknown(scope) => return Ok(AskOutcome::CapsUnknown(scope)),
            ReserveOutcome::NotBounded(..) => return Err(other_answer().into()),
        };
        as_checked(person.organization_id, state.organization_id)?;
        let taken = TakenExternal {
            key: claim.key.clone(),
            id,
            group_id: account.group_id,
            organization_id: state.organization_id,
        };
        self.unit.external_usage_record(reporter, &[taken]).await?;
        Ok(AskOutcome::Held(id))
    }

    /// Settles, releases or extends a hold, as its reporter. Settling or releasing again in the same way changes
    /// nothing. At [`ChangeOutcome::Closed`] and all that follow it there, nothing was done.
    ///
    /// # Errors
    /// `NotFound` for a hold of somebody else, `Denied`.
    pub async fn external_reservation_update(
        &mut self,
        id: ReservationId,
        change: &ReservationChange,
    ) -> ExternalUsageResult<ChangeOutcome> {
        let found = self.unit.external_reservation_lock(id).await?;
        let found = found.filter(|found| self.gate.acts_as(found.reporter_id));
        let found = found.ok_or(StoreError::NotFound)?;
        self.gate
            .check(Action::Create, &usage(found.organization_id))?;
        let hold = found.hold.clone().ok_or(StoreError::NotFound)?;
        let how = match change {
            ReservationChange::Settle(cost) => Closing::Settle(cost.clone()),
            ReservationChange::Release => Closing::Release,
            ReservationChange::Extend {
                hold: more,
                lifetime,
            } => {
                let more = more.map_or(hold.amount, |more| more.max(hold.amount));
                return self.extend(found, &hold, more, *lifetime).await;
            }
        };
        match &hold.closed {
            Some(closed) if closed.how == how => Ok(ChangeOutcome::Same),
            Some(_) => Ok(ChangeOutcome::Closed(Box::new(found))),
            None => self.close(&found, &how).await,
        }
    }

    async fn close(
        &mut self,
        found: &ExternalRecord,
        how: &Closing,
    ) -> ExternalUsageResult<ChangeOutcome> {
        let (id, account) = (found.id, found.account());
        let op = match how {
            Closing::Settle(cost) => LedgerOp::Settle(Box::new(settlement(found, cost))),
            Closing::Release => LedgerOp::Release(Release { id, account }),
        };
        let (LedgerAnswer::Closed(outcome), wake) = self.step(op).await? else {
            return Err(other_answer().into());
        };
        let SettleOutcome {
            effect, over_hold, ..
        } = outcome;
        if effect == SettleEffect::Unknown && *how != Closing::Release {
            return Err(StoreError::Internal(Box::new(NoSuchHold)).into());
        }
        let corrected = effect == SettleEffect::Corrected;
        let update = HoldUpdate::Closed {
            how: how.clone(),
            over_hold,
            corrected,
        };
        self.unit.external_reservation_update(id, &update).await?;
        Ok(ChangeOutcome::Changed { wake })
    }

    /// The ledger is asked also when only time is asked for: it alone knows whether the hold still holds.
    async fn extend(
        &mut self,
        found: ExternalRecord,
        hold: &ExternalHold,
        more: Micros,
        lifetime: Option<chrono::Duration>,
    ) -> ExternalUsageResult<ChangeOutcome> {
        if hold.closed.is_some() {
            return Ok(ChangeOutcome::Closed(Box::new(found)));
        }
        if hold.expired {
            return Ok(ChangeOutcome::Expired(Box::new(found)));
        }
        let op = LedgerOp::Extend(Extend {
            id: found.id,
            account: found.account(),
            hold: more,
        });
        let (LedgerAnswer::Extended(outcome), wake) = self.step(op).await? else {
            return Err(other_answer().into());
        };
        let hold = match *outcome {
            ExtendOutcome::Extended { hold } => hold,
            ExtendOutcome::Refused(state) => return Ok(ChangeOutcome::Refused(Box::new(state))),
            ExtendOutcome::RetryLater(state) => {
                return Ok(ChangeOutcome::RetryLater(Box::new(state)));
            }
            // Charged whole at this moment.
            ExtendOutcome::Unknown => return Ok(ChangeOutcome::Expired(Box::new(found))),
        };
        let update = HoldUpdate::Extended { hold, lifetime };
        self.unit
            .external_reservation_update(found.id, &update)
            .await?;
        Ok(ChangeOutcome::Changed { wake })
    }

    /// What the same key was answered with before.
    async fn asked_before(
        &mut self,
        reporter: UserId,
        claim: &ReservationClaim,
        person: Option<UserId>,
    ) -> ExternalUsageResult<Option<AskOutcome>> {
        let known = self
            .known(reporter, std::slice::from_ref(&claim.key))
            .await?;
        let Some(record) = known.get(&claim.key) else {
            return Ok(None);
        };
        self.gate
            .check(Action::Create, &usage(record.organization_id))
            .map_err(nobody)?;
        if record.repeats(&claim.person, person, &claim.content()) {
            return Ok(Some(AskOutcome::Known(record.id)));
        }
        Err(ExternalUsageError::KeysTaken(vec![claim.key.clone()]))
    }

    /// Takes one step of the ledger.
    async fn step(&mut self, op: LedgerOp) -> StoreResult<(LedgerAnswer, Vec<LimitKey>)> {
        let mut batch = self.unit.ledger_batch(&[op], LockWait::Long).await?;
        let answer = batch.answers.pop().ok_or_else(other_answer)?;
        Ok((answer, batch.wake))
    }
}

/// The one person of a request for room may not be charged.
fn nobody(cause: StoreError) -> ExternalUsageError {
    ExternalUsageError::Persons {
        events: Vec::new(),
        cause,
    }
}

/// The hold as a request whose cost is bounded and cannot be lowered. It does not wait: whoever asked comes again.
fn request(
    claim: &ReservationClaim,
    user_id: UserId,
    api_key_id: String,
    provider_id: model::ProviderId,
) -> ReserveRequest {
    ReserveRequest {
        waiter: claim.waiter,
        lease_id: claim.lease,
        user_id,
        api_key_id,
        provider_id,
        provider_name: claim.call.provider.clone(),
        model: claim.call.model.clone(),
        client: claim.call.client.clone(),
        credential_kind: claim.call.credential_kind,
        input_bound_tokens: 0,
        worst_case: Ok(WorstCase {
            input_cost: claim.hold,
            output_price: 0,
            choices: 1,
            cap: 0,
            floor: 0,
            fees: Micros::ZERO,
        }),
        prices: None,
        patience: Patience::Expired,
        waiting_since: None,
        gives_up_at: chrono::DateTime::UNIX_EPOCH,
    }
}

fn settlement(found: &ExternalRecord, cost: &ExternalCost) -> Settlement {
    Settlement {
        id: found.id,
        account: found.account(),
        usage: cost.usage,
        basis: SettlementBasis::Reported,
        cost: cost.cost,
        prices: None,
        response_model: cost.response_model.clone(),
        provider_response_id: cost.provider_response_id.clone(),
    }
}
