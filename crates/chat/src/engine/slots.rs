//! How many turns of one owner run at a time: the others wait for theirs, those that came first before the others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use model::UserId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The slots of everybody whose turns run or wait here. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Slots {
    /// Of each owner.
    most: usize,
    owners: Arc<Mutex<HashMap<UserId, Arc<Semaphore>>>>,
}

/// A slot, until it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    // The permit goes back before the place does: fields are dropped in their order.
    _permit: Option<OwnedSemaphorePermit>,
    _place: Place,
}

/// Somebody who has one or waits: as long as there is one, the owner's slots are counted.
#[derive(Debug)]
struct Place {
    slots: Slots,
    owner: UserId,
    line: Option<Arc<Semaphore>>,
}

impl Slots {
    /// So many for each owner, but at least one.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most: most.clamp(1, Semaphore::MAX_PERMITS),
            owners: Arc::default(),
        }
    }

    /// A slot, if one is free.
    pub(super) fn free(&self, owner: UserId) -> Option<Slot> {
        let (line, place) = self.place(owner);
        let permit = line.try_acquire_owned().ok()?;
        Some(Slot {
            _permit: Some(permit),
            _place: place,
        })
    }

    /// Waits for a slot; whoever waits longest gets the next.
    pub(super) async fn next(&self, owner: UserId) -> Slot {
        let (line, place) = self.place(owner);
        // Nobody closes a line.
        let permit = line.acquire_owned().await.ok();
        Slot {
            _permit: permit,
            _place: place,
        }
    }

    fn place(&self, owner: UserId) -> (Arc<Semaphore>, Place) {
        let mut owners = self.owners();
        let line = owners.entry(owner);
        let line = line.or_insert_with(|| Arc::new(Semaphore::new(self.most)));
        let place = Place {
            slots: self.clone(),
            owner,
            line: Some(Arc::clone(line)),
        };
        (Arc::clone(line), place)
    }

    fn owners(&self) -> MutexGuard<'_, HashMap<UserId, Arc<Semaphore>>> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut owners = self.slots.owners();
        self.line = None;
        // New ones are made under the same lock.
        let last = |line: &Arc<Semaphore>| Arc::strong_count(line) == 1;
        if owners.get(&self.owner).is_some_and(last) {
            owners.remove(&self.owner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use uuid::Uuid;

    const ANN: UserId = UserId(Uuid::from_u128(1));
    const BOB: UserId = UserId(Uuid::from_u128(2));

    #[test]
    fn slots_are_an_owners_and_those_who_wait_get_them_in_their_order() {
        let slots = Slots::new(2);
        let first = slots.free(ANN).unwrap();
        let second = slots.free(ANN).unwrap();
        assert!(slots.free(ANN).is_none());
        assert!(slots.free(BOB).is_some());
        let (mut third, mut fourth) = (Box::pin(slots.next(ANN)), Box::pin(slots.next(ANN)));
        let mut fifth = Box::pin(slots.next(ANN));
        assert!((&mut third).now_or_never().is_none());
        assert!((&mut fourth).now_or_never().is_none());
        assert!((&mut fifth).now_or_never().is_none());
        // Whoever goes away while waiting is passed over.
        drop(third);
        drop(first);
        assert!(slots.free(ANN).is_none(), "the next one waits for it");
        assert!((&mut fifth).now_or_never().is_none());
        let fourth = fourth.now_or_never().unwrap();
        drop(second);
        let fifth = fifth.now_or_never().unwrap();
        assert!(slots.free(ANN).is_none());
        drop((fourth, fifth));
        assert!(slots.owners().is_empty());
    }

    #[test]
    fn there_is_always_a_slot() {
        assert!(Slots::new(0).free(ANN).is_some());
    }
}
