//! How many streams one person may have open at this server, each weighed by how much is said in its chat.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use model::UserId;

/// For how many bytes that are said in its chat a stream weighs one more.
pub(crate) const HEAVIER: usize = 1 << 20;

/// How much a stream weighs of a chat in which this much is said.
const fn weight(bytes: usize) -> usize {
    1_usize.saturating_add(bytes / HEAVIER)
}

/// What somebody has open.
#[derive(Debug, Clone, Copy, Default)]
struct Taken {
    seats: usize,
    weight: usize,
}

/// Who has how much open. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seats(Arc<Mutex<HashMap<UserId, Taken>>>);

impl Seats {
    /// One more for somebody, of a chat in which so many bytes are said, if all of theirs weigh no more than `most` then.
    /// Whoever has none gets one, whatever it weighs. It is given back when it is dropped.
    pub(crate) fn take(&self, person: UserId, bytes: usize, most: usize) -> Option<Seat> {
        let mut taken = self.taken();
        let of_person = taken.get(&person).copied().unwrap_or_default();
        let weight = of_person.weight.saturating_add(weight(bytes));
        let first = of_person.seats == 0 && most > 0;
        if weight > most && !first {
            return None;
        }
        let seats = of_person.seats.saturating_add(1);
        taken.insert(person, Taken { seats, weight });
        Some(Seat {
            seats: self.clone(),
            person,
            bytes: AtomicUsize::new(bytes),
            most,
        })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<UserId, Taken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One stream of somebody's.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Seats,
    person: UserId,
    /// How much is said in its chat; changed only while the seats are locked.
    bytes: AtomicUsize,
    most: usize,
}

impl Seat {
    /// In its chat, where `before` bytes were said, it is `now` so many: whether the seat may be kept. It may if it is
    /// its person's only one; else it stays as heavy as it was.
    pub(crate) fn grows(&self, before: usize, now: usize) -> bool {
        let mut taken = self.seats.taken();
        let Some(of_person) = taken.get_mut(&self.person) else {
            return true;
        };
        let old = self.bytes.load(Ordering::Relaxed);
        let new = old.saturating_add(now).saturating_sub(before);
        let others = of_person.weight.saturating_sub(weight(old));
        let all = others.saturating_add(weight(new));
        let keeps = all <= self.most || new <= old || of_person.seats == 1;
        if keeps {
            of_person.weight = all;
            self.bytes.store(new, Ordering::Relaxed);
        }
        keeps
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        let weight = weight(self.bytes.load(Ordering::Relaxed));
        if let Some(of_person) = taken.get_mut(&self.person) {
            of_person.seats = of_person.seats.saturating_sub(1);
            of_person.weight = of_person.weight.saturating_sub(weight);
            if of_person.seats == 0 {
                taken.remove(&self.person);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const ANN: UserId = UserId(Uuid::from_u128(1));
    const BOB: UserId = UserId(Uuid::from_u128(2));

    #[test]
    fn a_person_has_so_many_and_gets_another_when_one_is_given_back() {
        let seats = Seats::default();
        let first = seats.take(ANN, 0, 2).unwrap();
        let second = seats.take(ANN, HEAVIER - 1, 2).unwrap();
        assert!(seats.take(ANN, 0, 2).is_none());
        let other = seats.take(BOB, 0, 2).unwrap();
        drop(first);
        let third = seats.take(ANN, 0, 2).unwrap();
        assert!(seats.take(ANN, 0, 2).is_none());
        drop((second, third, other));
        assert!(seats.taken().is_empty(), "nobody is remembered");
        assert!(seats.take(ANN, 0, 0).is_none());
    }

    #[test]
    fn large_chats_weigh_more_and_one_of_them_everybody_may_have() {
        let seats = Seats::default();
        let huge = seats.take(ANN, HEAVIER * 100, 64).unwrap();
        assert!(seats.take(ANN, 0, 64).is_none(), "nothing beside it");
        drop(huge);
        let large = || seats.take(ANN, HEAVIER * 16, 64);
        let (first, second, third) = (large().unwrap(), large().unwrap(), large().unwrap());
        assert!(large().is_none(), "each weighs 17");
        let small: Vec<Seat> = (0..13).map(|_| seats.take(ANN, 0, 64).unwrap()).collect();
        assert!(seats.take(ANN, 0, 64).is_none());
        drop((first, second, third, small));
        assert!(seats.taken().is_empty());
    }

    #[test]
    fn what_grows_weighs_more_and_what_shrinks_less() {
        let seats = Seats::default();
        let weight = || seats.taken().get(&ANN).unwrap().weight;
        let first = seats.take(ANN, 0, 8).unwrap();
        assert!(first.grows(0, HEAVIER * 20), "the only one may");
        assert_eq!(weight(), 21);
        assert!(first.grows(HEAVIER * 20, HEAVIER * 2));
        assert_eq!(weight(), 3);
        let second = seats.take(ANN, 0, 8).unwrap();
        assert!(second.grows(HEAVIER, HEAVIER * 5));
        assert_eq!(weight(), 8);
        assert!(!second.grows(HEAVIER * 5, HEAVIER * 6));
        assert_eq!(weight(), 8, "it is as it was");
        drop(second);
        assert_eq!(weight(), 3);
        drop(first);
        assert!(seats.taken().is_empty());
    }
}
