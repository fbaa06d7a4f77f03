//! Why caps could not be read or set.

use std::sync::Arc;

use portal::PortalError;
use store::StoreError;

/// Why caps could not be read or set.
#[derive(Debug, thiserror::Error)]
pub enum CapsError {
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The portal gave no answer that can be used. Those who waited for the same answer share it.
    #[error("the customers portal gave no usable answer")]
    Portal(#[source] Arc<PortalError>),
    /// The portal did a part of what was asked, and gave no answer that can be used to the rest.
    #[error("the customers portal gave no usable answer after a part was done")]
    Partly(#[source] Arc<PortalError>),
    /// It is set at the portal, and not from here.
    #[error("this is set at the customers portal")]
    AtPortal,
    /// What was read did not count, since something was written meanwhile, each time that it was tried.
    #[error("the caps change faster than they can be read")]
    Changing,
}

impl CapsError {
    /// A stable code for programs; `None` for what the store says.
    #[must_use]
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::Store(_) => None,
            Self::Portal(error) | Self::Partly(error) => Some(error.code()),
            Self::AtPortal => Some("CAPS_AT_PORTAL"),
            Self::Changing => Some("CAPS_CHANGING"),
        }
    }
}

impl From<PortalError> for CapsError {
    fn from(error: PortalError) -> Self {
        Self::Portal(Arc::new(error))
    }
}
