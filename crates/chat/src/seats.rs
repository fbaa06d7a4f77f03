//! How many streams one person may have open at this server.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use model::UserId;

/// Who has how many open. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seats(Arc<Mutex<HashMap<UserId, usize>>>);

impl Seats {
    /// One more for somebody who has fewer than `most`; it is given back when it is dropped.
    pub(crate) fn take(&self, person: UserId, most: usize) -> Option<Seat> {
        let mut taken = self.taken();
        let of_person = taken.get(&person).copied().unwrap_or_default();
        if of_person >= most {
            return None;
        }
        taken.insert(person, of_person + 1);
        Some(Seat {
            seats: self.clone(),
            person,
        })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<UserId, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One stream of somebody's.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Seats,
    person: UserId,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        if let Some(count) = taken.get_mut(&self.person) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.remove(&self.person);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_person_has_so_many_and_gets_another_when_one_is_given_back() {
        let seats = Seats::default();
        let [ann, bob] = [1, 2].map(|id| UserId(Uuid::from_u128(id)));
        let first = seats.take(ann, 2).unwrap();
        let second = seats.take(ann, 2).unwrap();
        assert!(seats.take(ann, 2).is_none());
        let other = seats.take(bob, 2).unwrap();
        drop(first);
        let third = seats.take(ann, 2).unwrap();
        assert!(seats.take(ann, 2).is_none());
        drop((second, third, other));
        assert!(seats.taken().is_empty(), "nobody is remembered");
        assert!(seats.take(ann, 0).is_none());
    }
}
