//! What becomes of a value that may be removed.

/// What becomes of a value that may be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Change<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It is removed.
    Remove,
    /// It is set to this.
    Set(T),
}

impl<T> Change<T> {
    /// Whether it stays as it is.
    #[must_use]
    pub const fn keeps(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// The value to be set, if one is.
    #[must_use]
    pub const fn value(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Remove => None,
        }
    }

    /// What it makes of an old value.
    #[must_use]
    pub fn of(self, old: Option<T>) -> Option<T> {
        match self {
            Self::Keep => old,
            Self::Remove => None,
            Self::Set(value) => Some(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_keeps_removes_or_sets() {
        let check = |change: Change<u8>, old, new| {
            assert_eq!(change.of(old), new, "{change:?}");
            assert_eq!(change.value().is_some(), matches!(change, Change::Set(_)));
        };
        check(Change::Keep, Some(1), Some(1));
        check(Change::Keep, None, None);
        check(Change::Remove, Some(1), None);
        check(Change::Set(2), Some(1), Some(2));
        check(Change::Set(2), None, Some(2));
    }
}
