//! The fake's external usage. No hold in it expires.

use async_trait::async_trait;
use chrono::Duration;
use model::{
    LeaseId, Micros, OrganizationId, ReservationId, UserId,
    external_usage::{
        ChargedPerson, ClosedHold, ExternalHold, ExternalRecord, HoldUpdate, IdempotencyKey,
        NewExternal, PersonRef, TakenExternal,
    },
    users::{User, UserStatus},
};
use store::{
    StoreError, StoreResult,
    external_usage::{ExternalUsageRead, ExternalUsageWrite},
};

use super::{FakeUnit, State};

/// The organization that a person's spend is charged to: the first that the person is in.
pub(super) fn charged(state: &State, user: UserId) -> Option<OrganizationId> {
    let mut members = state.members.iter();
    let member = members.find(|member| member.user_id == user);
    member.map(|member| member.organization_id)
}

fn known(state: &State, reporter: UserId, key: &IdempotencyKey) -> bool {
    let mut records = state.external_usage.iter();
    records.any(|one| one.reporter_id == reporter && one.key == *key)
}

fn record(state: &State, reporter: UserId, new: &NewExternal) -> ExternalRecord {
    ExternalRecord {
        reporter_id: reporter,
        key: new.key.clone(),
        person: new.person.clone(),
        user_id: new.user_id,
        content: new.content.clone(),
        id: ReservationId(uuid::Uuid::nil()),
        group_id: None,
        organization_id: None,
        created_at: state.now,
        hold: None,
    }
}

fn hold(state: &State, id: ReservationId) -> Option<ExternalRecord> {
    let mut records = state.external_usage.iter();
    let found = records.find(|one| one.id == id && one.hold.is_some());
    found.cloned()
}

fn open(state: &mut State, id: ReservationId) -> StoreResult<&mut ExternalHold> {
    let mut records = state.external_usage.iter_mut();
    let found = records.find(|one| one.id == id);
    let hold = found.and_then(|one| one.hold.as_mut());
    hold.ok_or(StoreError::NotFound)
}

#[async_trait]
impl ExternalUsageRead for FakeUnit {
    async fn external_usage_get(
        &mut self,
        reporter: UserId,
        keys: &[IdempotencyKey],
    ) -> StoreResult<Vec<ExternalRecord>> {
        let records = self.call("external_usage_get").external_usage.iter();
        let wanted = |one: &&ExternalRecord| one.reporter_id == reporter && keys.contains(&one.key);
        Ok(records.filter(wanted).cloned().collect())
    }

    async fn external_usage_persons(
        &mut self,
        persons: &[PersonRef],
    ) -> StoreResult<Vec<Option<ChargedPerson>>> {
        let state = self.call("external_usage_persons");
        let is = |user: &User, person: &PersonRef| match person {
            PersonRef::Id(id) => user.id == *id,
            PersonRef::Name(name) => user.username == *name,
        };
        let find = |person: &PersonRef| {
            let user = state.users.iter().find(|user| is(user, person))?;
            Some(ChargedPerson {
                user_id: user.id,
                active: user.status == UserStatus::Active,
                organization_id: charged(state, user.id),
            })
        };
        Ok(persons.iter().map(find).collect())
    }

    async fn external_reservation_get(
        &mut self,
        id: ReservationId,
    ) -> StoreResult<Option<ExternalRecord>> {
        Ok(hold(self.call("external_reservation_get"), id))
    }
}

#[async_trait]
impl ExternalUsageWrite for FakeUnit {
    async fn external_usage_create(
        &mut self,
        reporter: UserId,
        new: &[NewExternal],
    ) -> StoreResult<Vec<IdempotencyKey>> {
        let state = self.call("external_usage_create");
        let free = new.iter().filter(|one| !known(state, reporter, &one.key));
        let taken: Vec<ExternalRecord> = free.map(|one| record(state, reporter, one)).collect();
        let keys = taken.iter().map(|one| one.key.clone()).collect();
        state.external_usage.extend(taken);
        Ok(keys)
    }

    async fn external_reservation_create(
        &mut self,
        reporter: UserId,
        new: &NewExternal,
        hold: Micros,
        lease: LeaseId,
        lifetime: Duration,
    ) -> StoreResult<bool> {
        let state = self.call("external_reservation_create");
        if known(state, reporter, &new.key) {
            return Ok(false);
        }
        let hold = ExternalHold {
            lease,
            amount: hold,
            expires_at: state.now + lifetime,
            expired: false,
            closed: None,
        };
        let taken = ExternalRecord {
            hold: Some(hold),
            ..record(state, reporter, new)
        };
        state.external_usage.push(taken);
        Ok(true)
    }

    async fn external_usage_record(
        &mut self,
        reporter: UserId,
        taken: &[TakenExternal],
    ) -> StoreResult<()> {
        let state = self.call("external_usage_record");
        for one in taken {
            let mut records = state.external_usage.iter_mut();
            let found = records.find(|it| it.reporter_id == reporter && it.key == one.key);
            let found = found.ok_or(StoreError::NotFound)?;
            found.id = one.id;
            found.group_id = one.group_id;
            found.organization_id = one.organization_id;
        }
        Ok(())
    }

    async fn external_reservation_lock(
        &mut self,
        id: ReservationId,
    ) -> StoreResult<Option<ExternalRecord>> {
        Ok(hold(self.call("external_reservation_lock"), id))
    }

    async fn external_reservation_update(
        &mut self,
        id: ReservationId,
        update: &HoldUpdate,
    ) -> StoreResult<()> {
        let state = self.call("external_reservation_update");
        let now = state.now;
        let found = open(state, id)?;
        match update {
            HoldUpdate::Closed {
                how,
                over_hold,
                corrected,
            } => {
                found.closed = Some(ClosedHold {
                    how: how.clone(),
                    over_hold: *over_hold,
                    corrected: *corrected,
                    at: now,
                });
            }
            HoldUpdate::Extended { hold, lifetime } => {
                found.amount = *hold;
                let until = lifetime.map_or(now, |lifetime| now + lifetime);
                found.expires_at = found.expires_at.max(until);
            }
        }
        Ok(())
    }
}
