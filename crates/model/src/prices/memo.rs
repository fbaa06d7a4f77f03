//! A bounded memory of what a name was resolved to: names come from clients, so it must not grow with them.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use super::{MODEL_NAME_MAX_BYTES as MAX_NAME, ProviderKind};

/// So many names are remembered per kind of provider; then it begins anew.
const CAPACITY: usize = 4_096;

/// Remembered values by kind of provider and name.
#[derive(Debug)]
pub(super) struct Memo<V> {
    by_kind: RwLock<HashMap<ProviderKind, HashMap<Box<str>, V>>>,
}

impl<V> Default for Memo<V> {
    fn default() -> Self {
        Self {
            by_kind: RwLock::default(),
        }
    }
}

impl<V: Clone> Memo<V> {
    pub(super) fn get(&self, kind: ProviderKind, name: &str) -> Option<V> {
        let by_kind = self.by_kind.read().unwrap_or_else(PoisonError::into_inner);
        by_kind.get(&kind)?.get(name).cloned()
    }

    pub(super) fn put(&self, kind: ProviderKind, name: &str, value: V) {
        if name.len() > MAX_NAME {
            return;
        }
        let mut by_kind = self.by_kind.write().unwrap_or_else(PoisonError::into_inner);
        let names = by_kind.entry(kind).or_default();
        if names.len() >= CAPACITY {
            names.clear();
        }
        names.insert(name.into(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_is_bounded() {
        let memo = Memo::default();
        for n in 0..CAPACITY + 1 {
            memo.put(ProviderKind::OpenAi, &format!("m{n}"), n);
        }
        assert_eq!(memo.get(ProviderKind::OpenAi, "m0"), None);
        assert_eq!(
            memo.get(ProviderKind::OpenAi, &format!("m{CAPACITY}")),
            Some(CAPACITY)
        );
        assert_eq!(
            memo.get(ProviderKind::Anthropic, &format!("m{CAPACITY}")),
            None
        );
        let long = "m".repeat(MAX_NAME + 1);
        memo.put(ProviderKind::OpenAi, &long, 1);
        assert_eq!(memo.get(ProviderKind::OpenAi, &long), None);
    }
}
