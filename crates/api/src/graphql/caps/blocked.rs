//! Who is stopped: by a cap of the ledger here, or by the place where caps live.

use std::collections::{BTreeMap, HashMap};

use ::caps::{BudgetCaps, PlaceStatus};
use async_graphql::{Context, Error, SimpleObject};
use model::{
    UserId,
    caps::{BlockedCap, CapScope, CapStanding},
};
use store::StoreError;
use tokio::sync::Mutex;

use super::{
    super::{
        failure::{Code, Failure, Field},
        viewer::Viewer,
    },
    usage::BlockedCapType,
};

/// What is said of somebody whom the place left out: that is no word that they are not stopped.
const NOTHING_SAID: &str = "The customers portal says nothing of this person.";

/// The code for it: an answer without what was asked for.
const LEFT_OUT: &str = "PORTAL_MALFORMED";

/// Whether a person is stopped, and by which cap.
#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
#[graphql(name = "GitlabSubscriptionUsageBlockedStatus")]
pub(super) struct BlockedStatus {
    /// Whether a cap stops the person.
    blocked: bool,
    /// The first cap that does; null when none does.
    cap_type: Option<BlockedCapType>,
}

/// What the place said within one document, so that it is asked about each person once, however many fields want to know.
#[derive(Debug, Default)]
pub(in super::super) struct Said(Mutex<BTreeMap<CapScope, Result<People, Error>>>);

/// What the place says of people; `None` for whom it left out.
type People = HashMap<UserId, Option<PlaceStatus>>;

impl Said {
    /// What the place says of these people; `None` when it has no say. One that failed is not asked again.
    async fn of(
        &self,
        caps: &dyn BudgetCaps,
        scope: CapScope,
        people: &[UserId],
    ) -> Result<Option<People>, Error> {
        // Held while it is asked: one question at a time.
        let mut all = self.0.lock().await;
        let said = all.entry(scope).or_insert_with(|| Ok(People::new()));
        let known = said.as_mut().map_err(|error| error.clone())?;
        let unknown = people.iter().filter(|user| !known.contains_key(user));
        let unknown: Vec<UserId> = unknown.copied().collect();
        if !unknown.is_empty() {
            let found = match caps.blocked(scope, &unknown).await {
                Ok(Some(found)) => found,
                Ok(None) => return Ok(None),
                Err(error) => {
                    let error = Error::from(Failure::from(error));
                    *said = Err(error.clone());
                    return Err(error);
                }
            };
            known.extend(unknown.into_iter().map(|user| (user, None)));
            known.extend(found.into_iter().map(|one| (one.user_id, Some(one))));
        }
        Ok(Some(known.clone()))
    }
}

/// Where each of these people stands, in their order. Of whom the ledger stops the place is not asked.
///
/// # Errors
/// Never: the status of a person is an error when the place gave none.
pub(super) async fn statuses(
    ctx: &Context<'_>,
    scope: CapScope,
    standings: &[CapStanding],
) -> Result<Vec<Field<BlockedStatus>>, Failure> {
    let viewer = Viewer::of(ctx)?;
    let said = ctx.data_opt::<Said>();
    let said =
        said.ok_or_else(|| StoreError::Internal("nothing is kept of what was said".into()))?;
    let caps = &*viewer.state.caps;
    Ok(decided(said, caps, scope, standings).await)
}

async fn decided(
    said: &Said,
    caps: &dyn BudgetCaps,
    scope: CapScope,
    standings: &[CapStanding],
) -> Vec<Field<BlockedStatus>> {
    let free = standings.iter().filter(|one| one.blocked.is_none());
    let free: Vec<UserId> = free.map(|one| one.user_id).collect();
    let said = said.of(caps, scope, &free).await;
    let status = |one: &CapStanding| match (one.blocked, &said) {
        (Some(cap), _) => Ok(BlockedStatus::by(Some(cap))),
        (None, Ok(None)) => Ok(BlockedStatus::free()),
        (None, Ok(Some(people))) => match people.get(&one.user_id).copied().flatten() {
            Some(place) if place.blocked => Ok(BlockedStatus::by(place.cap)),
            Some(_) => Ok(BlockedStatus::free()),
            None => Err(Failure::told(Code::Place(LEFT_OUT), NOTHING_SAID).into()),
        },
        (None, Err(error)) => Err(error.clone()),
    };
    standings.iter().map(|one| Some(status(one))).collect()
}

impl BlockedStatus {
    const fn free() -> Self {
        Self {
            blocked: false,
            cap_type: None,
        }
    }

    /// Stopped by this cap; `None` is one that is not known here.
    fn by(cap: Option<BlockedCap>) -> Self {
        Self {
            blocked: true,
            cap_type: cap.map(Into::into),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, PoisonError};

    use ::caps::{CapWriting, CapsError, PortalError};
    use async_graphql::Value;
    use async_trait::async_trait;
    use chrono::DateTime;
    use dbauthz::CapUpsertOutcome;
    use model::{
        Micros,
        caps::{Cap, CapOverrideUpsert, SubscriptionCapUpsert, SubscriptionCaps},
        spend::Period,
    };
    use uuid::Uuid;

    use super::*;

    const SCOPE: CapScope = CapScope::Instance;

    /// A place that stops the second person, lets the third go on, and knows nothing of others; or fails.
    #[derive(Debug, Default)]
    struct Place {
        failing: bool,
        asked: std::sync::Mutex<Vec<Vec<UserId>>>,
    }

    #[async_trait]
    impl BudgetCaps for Place {
        async fn fresh(&self, _: CapScope) -> Result<(), CapsError> {
            Ok(())
        }

        async fn blocked(
            &self,
            _: CapScope,
            users: &[UserId],
        ) -> Result<Option<Vec<PlaceStatus>>, CapsError> {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.push(users.to_vec());
            if self.failing {
                return Err(CapsError::Portal(Arc::new(PortalError::TimedOut)));
            }
            let known = [(user(2), true), (user(3), false)];
            let known = known.into_iter().filter(|(user, _)| users.contains(user));
            let told = known.map(|(user_id, blocked)| PlaceStatus {
                user_id,
                blocked,
                cap: None,
            });
            Ok(Some(told.collect()))
        }

        async fn flat_upsert(&self, _: CapWriting<'_>, _: Cap) -> Result<Cap, CapsError> {
            Err(CapsError::AtPortal)
        }

        async fn override_upsert(
            &self,
            _: CapWriting<'_>,
            _: &[CapOverrideUpsert],
            _: bool,
        ) -> Result<CapUpsertOutcome, CapsError> {
            Err(CapsError::AtPortal)
        }

        async fn override_delete(
            &self,
            _: CapWriting<'_>,
            _: &[UserId],
        ) -> Result<Vec<UserId>, CapsError> {
            Err(CapsError::AtPortal)
        }

        async fn subscription_upsert(
            &self,
            _: CapWriting<'_>,
            _: &SubscriptionCapUpsert,
        ) -> Result<SubscriptionCaps, CapsError> {
            Err(CapsError::AtPortal)
        }
    }

    fn user(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    fn standing(number: u128, blocked: Option<BlockedCap>) -> CapStanding {
        CapStanding {
            user_id: user(number),
            user_cap: None,
            included: Micros::ZERO,
            spent: Micros::ZERO,
            reserved: Micros::ZERO,
            subscription: None,
            period: Period {
                start: DateTime::UNIX_EPOCH,
                end: DateTime::UNIX_EPOCH,
            },
            blocked,
        }
    }

    fn people() -> Vec<CapStanding> {
        let ours = Some(BlockedCap::FlatUser);
        let others = (2..5).map(|number| standing(number, None));
        std::iter::once(standing(1, ours)).chain(others).collect()
    }

    /// Whether each is stopped; else the code of why nobody knows.
    async fn check(said: &Said, place: &dyn BudgetCaps, expected: [Result<bool, &str>; 4]) {
        let found = decided(said, place, SCOPE, &people()).await;
        let found = found.into_iter().flatten().map(|status| {
            status.map(|status| status.blocked).map_err(|error| {
                let extensions = error.extensions.unwrap_or_default();
                extensions.get("code").cloned()
            })
        });
        let expected = expected.map(|one| one.map_err(|code| Some(Value::from(code))));
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }

    #[tokio::test]
    async fn the_place_is_asked_once_of_whom_the_ledger_lets_go_on() {
        let (said, place) = (Said::default(), Place::default());
        let expected = [Ok(true), Ok(true), Ok(false), Err("PORTAL_MALFORMED")];
        check(&said, &place, expected).await;
        check(&said, &place, expected).await;
        let asked = place.asked.lock().unwrap().clone();
        assert_eq!(asked, [vec![user(2), user(3), user(4)]]);
    }

    #[tokio::test]
    async fn whom_the_ledger_stops_is_stopped_although_the_place_fails() {
        let place = Place {
            failing: true,
            ..Place::default()
        };
        let unknown = Err("PORTAL_TIMED_OUT");
        let expected = [Ok(true), unknown, unknown, unknown];
        check(&Said::default(), &place, expected).await;
    }

    #[tokio::test]
    async fn where_caps_live_here_the_ledger_says_it_all() {
        let expected = [Ok(true), Ok(false), Ok(false), Ok(false)];
        check(&Said::default(), &::caps::LocalCaps, expected).await;
    }
}
