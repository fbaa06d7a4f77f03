//! How large a chat, a family and a person's files may be.

/// The most bytes that a chat holds of what was said in it and not edited away, and of what waits there.
pub const CHAT_MAX_BYTES: u64 = 16 * 1024 * 1024;
/// The most messages of these.
pub const CHAT_MAX_MESSAGES: u64 = 10_000;
/// The most chats of a family, its root included.
pub const FAMILY_MAX: u32 = 200;
/// The most bytes of prompts that are read at a time; one prompt always is.
pub const PROMPT_PAGE_BYTES: u32 = 1024 * 1024;

/// How large a chat is: what was said in it and not edited away, and what waits there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChatSize {
    /// The bytes of all contents, as they are stored.
    pub bytes: u64,
    /// How many messages they are.
    pub messages: u64,
}

impl ChatSize {
    /// Whether a chat may be made as large by what its owner says. An answer may make it larger: then nothing more is
    /// said in it.
    #[must_use]
    pub const fn admitted(self) -> bool {
        self.bytes <= CHAT_MAX_BYTES && self.messages <= CHAT_MAX_MESSAGES
    }
}

/// The bytes of files that a person may keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FileQuota(u64);

impl FileQuota {
    /// So many bytes; 0 is without a limit.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// Why a person who keeps so many bytes cannot keep so many more.
    ///
    /// # Errors
    /// The quota and what is used of it.
    pub const fn admit(self, used: u64, more: u64) -> Result<(), QuotaExceeded> {
        if self.0 == 0 || used.saturating_add(more) <= self.0 {
            return Ok(());
        }
        Err(QuotaExceeded {
            quota_bytes: self.0,
            used_bytes: used,
        })
    }
}

/// A file that its owner's quota has no room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the file does not fit into the quota of {quota_bytes} bytes, of which {used_bytes} are used"
)]
pub struct QuotaExceeded {
    /// The bytes of files that a person may keep.
    pub quota_bytes: u64,
    /// The bytes that are kept already.
    pub used_bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chat_is_admitted_up_to_both_bounds() {
        let check = |bytes, messages, expected| {
            let size = ChatSize { bytes, messages };
            assert_eq!(size.admitted(), expected, "{size:?}");
        };
        check(0, 0, true);
        check(CHAT_MAX_BYTES, CHAT_MAX_MESSAGES, true);
        check(CHAT_MAX_BYTES + 1, 1, false);
        check(1, CHAT_MAX_MESSAGES + 1, false);
    }

    #[test]
    fn a_quota_is_used_to_its_last_byte() {
        let check = |quota, used, more, expected| {
            let admitted = FileQuota::new(quota).admit(used, more);
            assert_eq!(admitted.is_ok(), expected, "{quota} {used} {more}");
        };
        check(10, 0, 10, true);
        check(10, 4, 6, true);
        check(10, 4, 7, false);
        check(10, u64::MAX, 1, false);
        check(0, u64::MAX, 1, true);
        let refused = FileQuota::new(10).admit(4, 7);
        let expected = QuotaExceeded {
            quota_bytes: 10,
            used_bytes: 4,
        };
        assert_eq!(refused, Err(expected));
    }
}
