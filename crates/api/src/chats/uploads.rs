//! How many files people may bring, and how often.

use chrono::{DateTime, Utc};
use model::{UserId, chats::FileQuota};

use crate::{
    error::{ApiError, ApiResult},
    rates::{RateLimit, Rates},
};

/// How often a person may bring a file to this server.
const RATE: RateLimit = RateLimit {
    per_minute: 60,
    per_hour: 0,
    per_day: 0,
};

/// The bounds on files that people bring. Clones share the count.
#[derive(Debug, Clone, Default)]
pub struct Uploads {
    quota: FileQuota,
    rates: Rates<UserId>,
}

impl Uploads {
    /// Everybody may keep so much.
    #[must_use]
    pub fn new(quota: FileQuota) -> Self {
        Self {
            quota,
            rates: Rates::default(),
        }
    }

    /// What everybody may keep.
    pub(super) const fn quota(&self) -> FileQuota {
        self.quota
    }

    /// Counts a file that somebody brings, before it is read.
    ///
    /// # Errors
    /// `UploadsTooMany`.
    pub(super) fn count(&self, user: UserId, now: DateTime<Utc>) -> ApiResult<()> {
        let counted = self.rates.count(user, RATE, now);
        counted.map_err(|retry_after| ApiError::UploadsTooMany { retry_after })
    }
}
