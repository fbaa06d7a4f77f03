//! What changed lately at the limits.

use std::collections::VecDeque;

use model::spend::LimitKey;

/// How many changes are remembered for those who are asking the ledger meanwhile.
pub(super) const REMEMBERED: usize = 1024;

/// What changed lately. Whoever asks the ledger and is told to wait may have missed a change in between, and must
/// look again.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// How many there were.
    count: u64,
    latest: VecDeque<(u64, LimitKey)>,
    /// When everything may have changed.
    everywhere: u64,
}

impl Changes {
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn note(&mut self, limit: LimitKey) {
        self.count += 1;
        if self.latest.len() == REMEMBERED {
            self.latest.pop_front();
        }
        self.latest.push_back((self.count, limit));
    }

    pub(super) fn note_everywhere(&mut self) {
        self.count += 1;
        self.everywhere = self.count;
        self.latest.clear();
    }

    /// Whether there may have been a change at this limit since so many of them.
    pub(super) fn since(&self, seen: u64, limit: LimitKey) -> bool {
        let forgotten = self.latest.len() == REMEMBERED
            && self
                .latest
                .front()
                .is_some_and(|(first, _)| *first > seen + 1);
        let later = |(change, at): &(u64, LimitKey)| *change > seen && *at == limit;
        forgotten || self.everywhere > seen || self.latest.iter().rev().any(later)
    }
}
