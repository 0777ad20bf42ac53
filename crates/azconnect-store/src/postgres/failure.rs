//! What PostgreSQL's errors mean, and which of them a call answers by repeating its transaction.

use std::error::Error as StdError;

use azconnect_core::{Effect, Error, ErrorKind};
use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

/// Why a transaction failed, and whether another one may succeed.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) error: Error,
    pub(super) next: Next,
}

/// What may be done after a transaction that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing: the answer would be the same.
    GiveUp,
    /// The whole transaction again, of which provably nothing was applied: it met another one, or its connection was lost
    /// before it was to be committed.
    Repeat,
    /// The connection was lost while the transaction was being committed: whether it was, only the database tells.
    LookWhetherCommitted,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self { error, next: Next::GiveUp }
    }
}

impl From<tokio_postgres::Error> for Fault {
    /// Of a statement in a transaction, which ends without effect then.
    fn from(error: tokio_postgres::Error) -> Self {
        let (meaning, next) = meaning(&error);
        Self { error: meaning.error(error).with_effect(Effect::None), next }
    }
}

impl From<PoolError> for Fault {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::from(error),
            _ => Error::new(ErrorKind::Unexpected, "the connections to the database are closed")
                .with_effect(Effect::None)
                .into(),
        }
    }
}

impl Fault {
    /// Of the statement that was to commit a transaction.
    pub(super) fn of_commit(error: tokio_postgres::Error) -> Self {
        let (meaning, next) = meaning(&error);
        // Only these say that the transaction was rolled back. A server that ends a connection may have committed before.
        let is_rolled_back = error.code().is_some_and(|code| is_conflict(code) || code.code().starts_with("23"));
        match is_rolled_back {
            true => Self { error: meaning.error(error).with_effect(Effect::None), next },
            false => Self { error: meaning.error(error), next: Next::LookWhetherCommitted },
        }
    }

    /// A step that was given up because it took too long. `while_committing` if it was the last one.
    pub(super) fn late(while_committing: bool) -> Self {
        let error = Error::new(ErrorKind::Timeout, "the database did not answer in time")
            .with_advice("check the network and the load of the server; the limits are options of the store");
        match while_committing {
            true => Self { error, next: Next::LookWhetherCommitted },
            // Not repeated: the next would take as long.
            false => error.with_effect(Effect::None).into(),
        }
    }
}

struct Meaning {
    kind: ErrorKind,
    message: &'static str,
    advice: &'static str,
}

impl Meaning {
    fn error(self, source: tokio_postgres::Error) -> Error {
        let error = Error::new(self.kind, self.message).with_advice(self.advice);
        match source.code().map(|code| code.code().to_owned()) {
            Some(code) => error.with_service_code(code).with_source(source),
            None => error.with_source(source),
        }
    }
}

/// 40001 and 40P01: the transaction met another one.
fn is_conflict(code: &SqlState) -> bool {
    [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(code)
}

fn meaning(error: &tokio_postgres::Error) -> (Meaning, Next) {
    let Some(code) = error.code() else { return without_code(error) };
    let (kind, message, advice, next) = match code.code() {
        "40001" | "40P01" => (
            ErrorKind::Unavailable,
            "the database ended the transaction for the sake of another one",
            "try again; nothing was changed",
            Next::Repeat,
        ),
        // The server is read-only after a failover, until the other one is found; or for good.
        "25006" => (ErrorKind::Unavailable, READ_ONLY, READ_ONLY_ADVICE, Next::Repeat),
        "53300" => (
            ErrorKind::Unavailable,
            "the server has no connection left",
            "raise max_connections, lower the size of the pools, or put a pooler before it",
            Next::Repeat,
        ),
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25P04" => {
            (ErrorKind::Unavailable, "the server ended the connection", "try again when the server is up", Next::Repeat)
        }
        code if code.starts_with("08") => {
            (ErrorKind::Unavailable, "the connection to the server was lost", "try again", Next::Repeat)
        }
        "55P03" => (
            ErrorKind::Unavailable,
            "another process kept the store locked for too long",
            "try again; if it goes on, look in pg_stat_activity for a transaction that hangs",
            Next::GiveUp,
        ),
        "57014" => (
            ErrorKind::Timeout,
            "the server ended a statement that took too long",
            "check the load of the server, or raise the limit of the store's options",
            Next::GiveUp,
        ),
        "53100" => (
            ErrorKind::Unavailable,
            "the disk of the database server is full",
            "free some room there, then try again; nothing is lost",
            Next::GiveUp,
        ),
        code if code.starts_with("53") => {
            (ErrorKind::Unavailable, "the server has no room left", "look into the server's log", Next::GiveUp)
        }
        code if code.starts_with("28") => (
            ErrorKind::Unauthenticated,
            "the server does not accept the user or its password",
            "check the user, the password and pg_hba.conf",
            Next::GiveUp,
        ),
        "3D000" => (
            ErrorKind::NotFound,
            "the server has no database of this name",
            "create the database, or correct its name in the url",
            Next::GiveUp,
        ),
        "42501" => (
            ErrorKind::PermissionDenied,
            "the database user may not do this",
            "let the user own the store's schema, or create it in the database",
            Next::GiveUp,
        ),
        "XX001" | "XX002" => (
            ErrorKind::Corrupt,
            "the database is damaged",
            "stop every process that uses it, and restore it from a backup",
            Next::GiveUp,
        ),
        // What is asked is fixed: tables that do not answer it are not as this store makes them.
        code if ["42", "3F", "22", "23"].iter().any(|class| code.starts_with(class)) => (
            ErrorKind::Corrupt,
            "the database's tables are not as this store makes them",
            "find out who can write the database, then restore it from a backup",
            Next::GiveUp,
        ),
        _ => (ErrorKind::Unexpected, "the database refused an operation", "report this with the cause", Next::GiveUp),
    };
    (Meaning { kind, message, advice }, next)
}

const READ_ONLY: &str = "the database server takes no writes";
const READ_ONLY_ADVICE: &str =
    "name the primary server in the url, or all of them: the one that takes writes is chosen";

/// An error that no server has named: of the connection, of TLS, or of a row that is not as expected.
fn without_code(error: &tokio_postgres::Error) -> (Meaning, Next) {
    let text = error.to_string();
    let says = |wanted: &str| text.contains(wanted) || sources(error).any(|source| source.contains(wanted));
    let (kind, message, advice, next) = if says("does not allow writes") {
        (ErrorKind::Unavailable, READ_ONLY, READ_ONLY_ADVICE, Next::GiveUp)
    } else if says("server does not support TLS") {
        (
            ErrorKind::Unavailable,
            "the server does not offer TLS",
            "turn on TLS at the server; without it, passwords and rows travel in the clear",
            Next::GiveUp,
        )
    } else if says("TLS handshake") {
        (
            ErrorKind::Unauthenticated,
            "the server's certificate is not accepted, or TLS failed",
            "check the host name in the url, and give the certificate that signed the server's",
            Next::GiveUp,
        )
    } else if says("authentication") {
        (
            ErrorKind::Unauthenticated,
            "the server and this program agree on no way to sign in",
            "use scram-sha-256 in pg_hba.conf, and give a password",
            Next::GiveUp,
        )
    } else if says("deserializing column") || says("unexpected number of rows") {
        (
            ErrorKind::Corrupt,
            "the database's tables are not as this store makes them",
            "find out who can write the database, then restore it from a backup",
            Next::GiveUp,
        )
    } else {
        (
            ErrorKind::Unavailable,
            "the database server cannot be reached, or the connection was lost",
            "check that the server is up, and the host, port and network",
            Next::Repeat,
        )
    };
    (Meaning { kind, message, advice }, next)
}

fn sources(error: &tokio_postgres::Error) -> impl Iterator<Item = String> {
    let first: Option<&dyn StdError> = error.source().map(|error| error as _);
    std::iter::successors(first, |error| (*error).source().map(|error| error as _)).map(ToString::to_string)
}
