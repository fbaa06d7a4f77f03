//! Why the portal gave no answer that can be used.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// Why there is no answer. What the portal wrote is in none of the messages; [`PortalError::code`] is stable.
///
/// A write that ended otherwise than by [`PortalError::Rejected`], [`PortalError::BreakerOpen`] or
/// [`PortalError::NoCredentials`] may have been done all the same.
#[derive(Debug, thiserror::Error)]
pub enum PortalError {
    /// The portal understood and said no: the errors of its payload, to be passed on as they are.
    #[error("the portal rejected what was asked")]
    Rejected(Vec<String>),
    /// It answered with another status than success; redirects are not followed.
    #[error("the portal answered with status {status}")]
    Refused {
        /// The status.
        status: u16,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// It answered with success, but not with what was asked for.
    #[error("the portal's answer cannot be used: {0}")]
    Malformed(Malformation),
    /// No connection came up, or it broke before the answer's end.
    #[error("the portal cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The answer did not come in time.
    #[error("the portal did not answer in time")]
    TimedOut,
    /// It was not asked, since it failed too often of late about this scope.
    #[error("the portal failed and is left alone until {until}")]
    BreakerOpen {
        /// When it may be asked again.
        until: DateTime<Utc>,
    },
    /// It was not asked, since the client has no credentials for the scope.
    #[error("there are no credentials to ask the portal with in this scope")]
    NoCredentials,
}

impl PortalError {
    /// A stable code for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Rejected(_) => "PORTAL_REJECTED",
            Self::Refused { .. } => "PORTAL_REFUSED",
            Self::Malformed(_) => "PORTAL_MALFORMED",
            Self::Unreachable(_) => "PORTAL_UNREACHABLE",
            Self::TimedOut => "PORTAL_TIMED_OUT",
            Self::BreakerOpen { .. } => "PORTAL_BREAKER_OPEN",
            Self::NoCredentials => "PORTAL_NO_CREDENTIALS",
        }
    }

    /// Whether the portal itself is failing, whatever it is asked. An answer that denies, or that has errors in the
    /// forms of its protocol, shows that it is there.
    pub(crate) const fn of_failing_portal(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::TimedOut => true,
            Self::Refused { status, .. } => matches!(*status, 408 | 429 | 500..),
            Self::Malformed(how) => matches!(how, Malformation::TooLarge | Malformation::NotJson),
            Self::Rejected(_) | Self::BreakerOpen { .. } | Self::NoCredentials => false,
        }
    }

    /// Whether the same read may succeed a moment later.
    pub(crate) const fn may_pass(&self) -> bool {
        self.of_failing_portal() && !matches!(self, Self::Malformed(Malformation::TooLarge))
    }
}

/// What is wrong with an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformation {
    /// It is longer than what is read.
    #[error("it is too large")]
    TooLarge,
    /// It is no JSON object.
    #[error("it is no JSON object")]
    NotJson,
    /// It has `errors` beside its `data`, of which then nothing is believed.
    #[error("it has errors of its own")]
    TopLevelErrors {
        /// Some of them, without secrets; for logs, not for clients.
        details: Vec<String>,
    },
    /// It has `errors` in its `data`.
    #[error("it has errors in its data")]
    DataErrors {
        /// Some of them, without secrets; for logs, not for clients.
        details: Vec<String>,
    },
    /// It has no `data`.
    #[error("it has no data")]
    NoData,
    /// What was asked for is null, and nothing says why.
    #[error("`{field}` is null")]
    NullField {
        /// What was asked for.
        field: &'static str,
    },
    /// Something is missing or of another type than it should be.
    #[error("at `{at}` it is not what was asked for")]
    Shape {
        /// Where in `data`.
        at: String,
    },
    /// An amount is no number, negative, out of range, or has more than six decimals.
    #[error("`{field}` is no amount of at most six decimals")]
    Amount {
        /// Which.
        field: &'static str,
    },
    /// An amount without a word on whether it holds, or the other way round.
    #[error("`{field}` is half a cap")]
    HalfCap {
        /// The amount's field.
        field: &'static str,
    },
    /// The pages do not lead to an end.
    #[error("its pages do not end")]
    Paging,
}

impl From<Malformation> for PortalError {
    fn from(how: Malformation) -> Self {
        Self::Malformed(how)
    }
}
