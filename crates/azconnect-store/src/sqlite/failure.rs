//! What SQLite's errors mean.

use azconnect_core::{Effect, Error, ErrorKind};
use rusqlite::{ErrorCode, ffi};

pub(super) use crate::stored::damaged;

const DISK_FULL: (ErrorKind, &str, &str) =
    (ErrorKind::Unavailable, "the disk is full", "free some room on the disk, then try again; nothing is lost");

const FOREIGN: (ErrorKind, &str, &str) = (
    ErrorKind::Corrupt,
    "the database's tables are not as this store makes them",
    "find out who can write the database, then restore it from a backup",
);

/// Translates an error. Its effect is unknown: it may have come from a commit.
pub(super) fn failed(error: rusqlite::Error) -> Error {
    let (kind, message, advice) = match error.sqlite_error_code() {
        // SQLite tells a full disk apart everywhere but in the index of its log.
        _ if extended_code(&error) == Some(ffi::SQLITE_IOERR_SHMSIZE) => DISK_FULL,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            ErrorKind::Unavailable,
            "another process keeps the database locked",
            "wait until it is done, or end the process that hangs",
        ),
        Some(ErrorCode::DiskFull) => DISK_FULL,
        Some(ErrorCode::SystemIoFailure) => (
            ErrorKind::Unavailable,
            "the disk did not read or write",
            // A quota, or a limit on the size of files, shows as this.
            "check that the disk works and this process has room on it, then try again",
        ),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => (
            ErrorKind::Unavailable,
            "the database file or its folder cannot be written",
            "let this process write the file and its folder, and keep -wal and -shm beside it",
        ),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => (
            ErrorKind::Corrupt,
            "the database is damaged",
            "stop every process that uses it, and restore the file from a backup",
        ),
        // What is asked is fixed: tables that do not answer it are not as this store makes them.
        _ if is_foreign(&error) => FOREIGN,
        _ => (ErrorKind::Unexpected, "the database refused an operation", "report this with the cause"),
    };
    Error::new(kind, message).with_advice(advice).with_source(error)
}

fn is_foreign(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{
        FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, SqlInputError, Utf8Error,
    };
    let is_refused = extended_code(error) == Some(ffi::SQLITE_ERROR);
    is_refused
        || matches!(
            error,
            FromSqlConversionFailure(..)
                | IntegralValueOutOfRange(..)
                | InvalidColumnType(..)
                | SqlInputError { .. }
                | Utf8Error(..)
        )
}

fn extended_code(error: &rusqlite::Error) -> Option<i32> {
    error.sqlite_error().map(|error| error.extended_code)
}

/// Translates an error of a read, or of a transaction that was not committed: nothing was applied.
pub(super) fn before_effect(error: rusqlite::Error) -> Error {
    failed(error).with_effect(Effect::None)
}
