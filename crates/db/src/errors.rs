//! What PostgreSQL and the pool say, as the store's errors.

use std::error::Error as StdError;

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error};
use diesel_async::pooled_connection::deadpool::PoolError;
use store::StoreError;

/// How the messages begin with which PostgreSQL says that trying again may help: it shuts down or starts,
/// is full, a timeout ran out, or another transaction was in the way. diesel does not hand the SQLSTATE on.
const PASSING: [&str; 8] = [
    "terminating connection",
    "the database system is",
    "sorry, too many clients",
    "remaining connection slots",
    "canceling statement due to",
    "deadlock detected",
    "could not serialize access",
    "connection to client lost",
];

/// The store's error for one of diesel's.
pub(crate) fn from_diesel(error: Error) -> StoreError {
    match error {
        Error::NotFound => StoreError::NotFound,
        Error::DatabaseError(kind, info) => from_database(kind, info),
        other => StoreError::Internal(Box::new(other)),
    }
}

fn from_database(
    kind: DatabaseErrorKind,
    info: Box<dyn DatabaseErrorInformation + Send + Sync>,
) -> StoreError {
    let constraint = info.constraint_name().map(str::to_owned);
    match (kind, constraint) {
        (DatabaseErrorKind::UniqueViolation, Some(constraint)) => StoreError::Taken(constraint),
        (_, Some(constraint)) => StoreError::Violated(constraint),
        (kind, None) if passing(kind, info.message()) => {
            StoreError::Unavailable(Box::new(Error::DatabaseError(kind, info)))
        }
        (kind, None) => StoreError::Internal(Box::new(Error::DatabaseError(kind, info))),
    }
}

fn passing(kind: DatabaseErrorKind, message: &str) -> bool {
    matches!(
        kind,
        DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::SerializationFailure
    ) || PASSING.iter().any(|start| message.starts_with(start))
}

/// The store's error for one of the pool's: whatever it is, there is no connection to be had now.
pub(crate) fn from_pool(error: PoolError) -> StoreError {
    match error {
        // The pool's words repeat those of what it wraps.
        PoolError::Backend(error) => unavailable(error),
        error => unavailable(error),
    }
}

/// No connection, for another reason.
pub(crate) fn unavailable(error: impl Into<Box<dyn StdError + Send + Sync>>) -> StoreError {
    StoreError::Unavailable(error.into())
}

/// Something that should not happen.
pub(crate) fn internal(error: impl Into<Box<dyn StdError + Send + Sync>>) -> StoreError {
    StoreError::Internal(error.into())
}

#[cfg(test)]
mod tests {
    use super::{DatabaseErrorKind, Error, StoreError, from_diesel};

    #[test]
    fn trouble_that_passes_is_told_from_what_should_not_happen() {
        let check = |kind: DatabaseErrorKind, message: &str, unavailable: bool| {
            let error = from_diesel(Error::DatabaseError(kind, Box::new(message.to_owned())));
            assert_eq!(
                matches!(error, StoreError::Unavailable(_)),
                unavailable,
                "{message}"
            );
        };
        use DatabaseErrorKind::{SerializationFailure, UnableToSendCommand, Unknown};
        check(UnableToSendCommand, "connection closed", true);
        check(SerializationFailure, "could not serialize access", true);
        check(
            Unknown,
            "terminating connection due to administrator command",
            true,
        );
        check(
            Unknown,
            "canceling statement due to statement timeout",
            true,
        );
        check(Unknown, "deadlock detected", true);
        check(Unknown, "permission denied for table audit_logs", false);
        check(Unknown, "syntax error at or near \"SELEC\"", false);
    }
}
