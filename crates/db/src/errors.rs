//! What PostgreSQL and the pool say, as the store's errors.

use std::error::Error as StdError;

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error};
use diesel_async::pooled_connection::deadpool::PoolError;
use store::StoreError;

/// How the messages begin with which PostgreSQL says that trying again may help: it shuts down or starts,
/// is full, has no room or memory left, a timeout ran out, or another transaction was in the way. diesel does not hand
/// the SQLSTATE on.
const PASSING: [&str; 12] = [
    "terminating connection",
    "the database system is",
    "sorry, too many clients",
    "remaining connection slots",
    "canceling statement due to",
    "deadlock detected",
    "could not serialize access",
    "connection to client lost",
    "could not extend file",
    "could not write",
    "out of memory",
    "out of shared memory",
];
/// What the system says of a full disk, at the end of such a message.
const FULL: &str = "No space left on device";
/// How the detail begins that says that something is larger than it can ever be, which PostgreSQL calls "out of memory"
/// too.
const TOO_LARGE: &str = "Cannot enlarge string buffer";

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
        (kind, None) if passing(kind, info.as_ref()) => {
            StoreError::Unavailable(Box::new(Error::DatabaseError(kind, info)))
        }
        (kind, None) => StoreError::Internal(Box::new(Error::DatabaseError(kind, info))),
    }
}

fn passing(kind: DatabaseErrorKind, info: &dyn DatabaseErrorInformation) -> bool {
    let message = info.message();
    let too_large = info
        .details()
        .is_some_and(|detail| detail.starts_with(TOO_LARGE));
    let passes = PASSING.iter().any(|start| message.starts_with(start)) || message.ends_with(FULL);
    matches!(
        kind,
        DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::SerializationFailure
    ) || (passes && !too_large)
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
    use super::{DatabaseErrorInformation, DatabaseErrorKind, Error, StoreError, from_diesel};

    /// What is larger than it can ever be.
    struct TooLarge;

    impl DatabaseErrorInformation for TooLarge {
        fn message(&self) -> &'static str {
            "out of memory"
        }

        fn details(&self) -> Option<&str> {
            Some("Cannot enlarge string buffer containing 1 bytes by 2 more bytes.")
        }

        fn hint(&self) -> Option<&str> {
            None
        }

        fn table_name(&self) -> Option<&str> {
            None
        }

        fn column_name(&self) -> Option<&str> {
            None
        }

        fn constraint_name(&self) -> Option<&str> {
            None
        }

        fn statement_position(&self) -> Option<i32> {
            None
        }
    }

    #[test]
    fn what_is_too_large_stays_too_large() {
        let error = from_diesel(Error::DatabaseError(
            DatabaseErrorKind::Unknown,
            Box::new(TooLarge),
        ));
        assert!(matches!(error, StoreError::Internal(_)), "{error:?}");
    }

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
        for full in [
            "could not extend file \"base/5/16397\": No space left on device",
            "could not write to file \"pg_wal/xlogtemp.7\": No space left on device",
            "could not resize shared memory segment \"/PostgreSQL.7\" to 8192 bytes: No space left on device",
            "could not write block 7 of temporary file: Disk quota exceeded",
            "out of memory",
            "out of shared memory",
        ] {
            check(Unknown, full, true);
        }
        check(Unknown, "memory exhausted", false);
        check(Unknown, "array size exceeds the maximum allowed (1)", false);
        check(Unknown, "permission denied for table audit_logs", false);
        check(Unknown, "syntax error at or near \"SELEC\"", false);
    }
}
