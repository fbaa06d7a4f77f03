//! The hub of a process: it looks at the watched keys when it is told to and every few seconds.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use dbauthz::{Authorized, SystemActor, SystemStore};
use metrics::{counter, gauge};
use model::{UserId, api_keys::KeyStanding, subjects::SubjectStanding};
use store::{StoreError, StoreResult};
use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, interval, timeout},
};
use uuid::Uuid;

use super::{
    guard::AccessGuard,
    registry::{Mark, Place, Registry, Wanted},
};
use crate::{Caller, behalf::Behalf};

/// How long one look may take. A database that is slower is asked again.
const LOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// What the database says of a change. Only a hint: one that is lost costs a few seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessHint {
    /// Something about this person, a key of theirs, or this organization.
    Subject(Uuid),
    /// Something about anybody, as after hints may have been lost.
    Everybody,
}

/// Knows what is open in this process and whose access has ended. Clones share it.
#[derive(Debug, Clone)]
pub struct AccessHub(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    store: SystemStore,
    registry: Mutex<Registry>,
    wake: Notify,
}

impl AccessHub {
    /// A hub that watches nobody yet. It looks at nobody unless [`AccessHub::run`] does.
    #[must_use]
    pub fn new(authorized: &Authorized) -> Self {
        Self(Arc::new(Shared {
            store: authorized.as_system(SystemActor::Authenticator),
            registry: Mutex::default(),
            wake: Notify::new(),
        }))
    }

    /// Watches over a caller's access from the caller's authentication on, until the guard is dropped.
    #[must_use]
    pub fn watch(&self, caller: &Caller) -> AccessGuard {
        let wanted = Wanted {
            key_id: &caller.key_id,
            user_id: caller.user_id,
            versions: &caller.versions,
            since: caller.mark,
        };
        let (place, standing, due) = self.registry().join(&wanted);
        gauge!("bursar_access_guards").increment(1.0);
        if due {
            self.0.wake.notify_one();
        }
        AccessGuard {
            hub: self.clone(),
            place,
            standing,
            seen: caller.versions.clone(),
        }
    }

    /// Takes a hint: whom it is about is looked at next.
    pub fn hint(&self, hint: AccessHint) {
        match hint {
            AccessHint::Subject(subject) => self.registry().heard_of(subject),
            AccessHint::Everybody => self.registry().heard_of_everybody(),
        }
        self.0.wake.notify_one();
    }

    /// Looks at whom it is told to, and at everybody with pauses of `every`. It never ends: to be run once, in a
    /// task that ends with the server.
    pub async fn run(self, every: Duration) {
        let mut ticks = interval(every.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut answers = true;
        loop {
            tokio::select! {
                _ = ticks.tick() => self.registry().all_due(),
                () = self.0.wake.notified() => {}
            }
            let due = self.registry().take_due();
            if !due.is_empty() {
                let looked = self.look(due).await;
                log(&looked, &mut answers);
            }
        }
    }

    /// How many keys are watched, and by how many guards.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        self.registry().size()
    }

    /// How much was heard so far, to be asked before somebody is authenticated.
    pub(crate) fn mark(&self) -> Mark {
        self.registry().mark()
    }

    pub(super) fn leave(&self, place: &Place) {
        self.registry().leave(place);
        gauge!("bursar_access_guards").decrement(1.0);
    }

    /// Asks how these keys stand and tells their guards. Whoever could not be asked about stays as they are.
    async fn look(&self, keys: Vec<String>) -> StoreResult<()> {
        let asked = timeout(LOOK_TIMEOUT, self.ask(&keys)).await;
        let slow = || StoreError::Unavailable("no answer in time".into());
        let found = asked.unwrap_or_else(|_elapsed| Err(slow()))?;
        for revoked in self.registry().tell(&keys, found) {
            counter!("bursar_access_revoked_total", "reason" => revoked.as_str()).increment(1);
        }
        Ok(())
    }

    /// By one query for all keys, and one for all people for whom something is done without one.
    async fn ask(&self, ids: &[String]) -> StoreResult<Vec<KeyStanding>> {
        let mut unit = self.0.store.read().await?;
        let behalves = ids.iter().filter_map(|id| Some((id, Behalf::of(id)?.user)));
        let behalves: Vec<(&String, UserId)> = behalves.collect();
        if behalves.is_empty() {
            return unit.presented_keys().key_standing_list(ids).await;
        }
        let keys = ids.iter().filter(|id| Behalf::of(id).is_none());
        let keys: Vec<String> = keys.cloned().collect();
        let mut found = unit.presented_keys().key_standing_list(&keys).await?;
        let people: Vec<UserId> = behalves.iter().map(|(_, user)| *user).collect();
        let people = unit.subjects().subject_standing_list(&people).await?;
        let people: HashMap<UserId, SubjectStanding> =
            people.into_iter().map(|one| (one.user_id, one)).collect();
        found.extend(behalves.into_iter().filter_map(|(id, user)| {
            let person = people.get(&user)?;
            Some(KeyStanding {
                id: id.clone(),
                user_id: user,
                expired: false,
                status: person.status,
                versions: person.versions.clone(),
            })
        }));
        Ok(found)
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.0
            .registry
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says once that the database does not answer, and once that it does again.
fn log(looked: &StoreResult<()>, answers: &mut bool) {
    match looked {
        Ok(()) if !*answers => tracing::info!("the access of open streams can be checked again"),
        Err(error) if *answers => {
            tracing::warn!(
                ?error,
                "the access of open streams cannot be checked; they stay open"
            );
        }
        Ok(()) | Err(_) => {}
    }
    *answers = looked.is_ok();
}
