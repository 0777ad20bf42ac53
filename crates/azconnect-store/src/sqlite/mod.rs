//! Everything in one SQLite file.
//!
//! The file is in WAL mode with `synchronous=FULL`: what returned `Ok` survives the loss of power. Writers of any number
//! of processes take turns by SQLite's own locks, so the file must lie on a local disk, not on a network share.

mod aside;
mod audit;
mod chain;
mod create;
mod documents;
mod failure;
mod file;
mod journal;
mod key_file;
mod keys;
mod lease;
mod open;
mod options;
mod present;
mod records;
mod reseal;
mod rows;
mod schema;
mod secrets;
mod sign;
mod store_key;

use std::collections::VecDeque;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use azconnect_core::{Clock, Effect, Error, ErrorKind};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

pub use self::options::SqliteOptions;

use self::failure::failed;
use self::open::Opening;
use crate::rules::known::Known;
use crate::seal::store_key::StoreKeys;
use crate::seal::{SealingKeyId, SealingKeys};
use crate::stored::present::Present;
use crate::stored::{moment, tampered};
use crate::witness::{JournalWitness, Testimony};

/// A [`Journal`](azconnect_core::Journal), [`SecretStore`](azconnect_core::SecretStore), [`Lease`](azconnect_core::Lease) and
/// [`DocumentStore`](azconnect_core::DocumentStore) in one SQLite file. Clones share one connection.
///
/// Its futures need a tokio runtime: the work is done on its blocking threads.
///
/// # Who can write the file and has no key
///
/// Every entry, the head of every stream and the totals of the journal bear a mark (HMAC-SHA256 under a key derived from the
/// sealing key). What is returned was appended with the key, is complete, and is the latest that this process can know of:
///
/// - An entry or a head that was changed, cut out, moved, exchanged or added is an error of the kind
///   [`Corrupt`](ErrorKind::Corrupt) with effect `None`, which names the stream and the position. Nothing is written then, and
///   other streams go on. `unfinished` still names such a stream, so that somebody learns of it.
/// - A stream that is gone, or was taken back to an earlier head, shows in every process, since the totals count all entries.
///   Where the database does not tell whose they were, all of it is refused.
/// - A journal that is taken back as a whole, with its totals, shows in the processes that have seen more, and to a
///   [`JournalWitness`]. A new process without a witness takes it for the latest. So does the witness of one that went
///   back, or forgot, with the database.
/// - After a backup was restored on purpose, two lines of changes exist. Whoever kept rows of the abandoned one can put one of
///   its streams in the place of the same stream of the other while both have as many entries.
/// - Leases bear no mark. Who writes them can keep a writer from its work, or let two begin. Two cannot both append: the
///   stream's epoch is marked, and a position is written once.
/// - A secret opens with its own data key, in its own place, while it counts: one that was removed and put back, one that
///   was exchanged, and an earlier one of the same name are [`Corrupt`](ErrorKind::Corrupt). Where a new process finds that
///   secrets are gone or were put back, it cannot tell which, and opens nothing. They are counted with the journal, so a whole
///   file that is taken back shows as that of a journal does. Changes that a database of version 4 saw before it was brought
///   to version 5 are not covered.
/// - A document that was changed, moved or added is [`Corrupt`](ErrorKind::Corrupt). One that was removed, or put back as it
///   was at an earlier revision, is not noticed.
///
/// The way on is a backup. Without one, [`SqliteStore::set_aside`] lets one stream begin anew, and
/// [`SqliteOptions::accepting_lost_entries`] takes what is left.
///
/// Each call reads one more row than it did without marks, and one for each stream that other processes have written since.
/// An opening reads the head of each stream twice, and no entries but those that a page check reads anyway.
///
/// # Cancel safety
/// A call whose future is dropped is completed all the same, entirely or not at all. Calls are done in the order in which
/// they were begun, dropped ones too: what is read after a dropped append shows whether it was done.
#[derive(Clone)]
pub struct SqliteStore(Arc<Shared>);

struct Shared {
    connection: Mutex<Connection>,
    queue: Mutex<Queue>,
    keys: SealingKeys,
    clock: Arc<dyn Clock>,
    path: PathBuf,
    /// The journal as it was seen last. Locked by whoever has the connection.
    known: Mutex<Known>,
    /// The secrets as they were seen last. Locked after `known`.
    present: Mutex<Present>,
    witness: Option<Arc<dyn JournalWitness>>,
}

/// One call, which answers to whoever still waits for it.
type Job = Box<dyn FnOnce(&mut Connection, &Shared) + Send>;

/// The calls that were begun and are not done, in order.
#[derive(Default)]
struct Queue {
    begun: u64,
    jobs: VecDeque<(u64, Job)>,
}

impl Queue {
    fn push(&mut self, job: Job) -> u64 {
        self.begun += 1;
        self.jobs.push_back((self.begun, job));
        self.begun
    }

    fn pop_until(&mut self, last: u64) -> Option<Job> {
        self.jobs.front().filter(|(number, _)| *number <= last)?;
        self.jobs.pop_front().map(|(_, job)| job)
    }
}

impl Shared {
    /// Does a call and those before it, unless they are done. Each call has a thread of its own that does so.
    fn work_until(&self, last: u64) {
        // A poisoned lock guards a connection whose transaction was rolled back when the panic passed it.
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        // Popped in a function, so that the queue is open to others while the job is done.
        let next = || self.queue().pop_until(last);
        while let Some(job) = next() {
            job(&mut connection, self);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // What is known is only ever added to, so that a panic leaves something true behind.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        // Whatever a panic leaves is marked as unknown, and looked at anew.
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses to go on from a journal that is older than its witness remembers.
    fn testify_before(&self, known: &Known) -> Result<(), Error> {
        let Some(witness) = &self.witness else { return Ok(()) };
        let remembered = witness.recall().map_err(|error| error.with_effect(Effect::None))?;
        remembered.map_or(Ok(()), |remembered| remembered.check(&testimony(known)))
    }

    /// Tells the witness what the journal is after a change, which stays if it is not told.
    fn testify(&self, known: &Known) -> Result<(), Error> {
        let told = self.witness.as_ref().map_or(Ok(()), |witness| witness.remember(&testimony(known)));
        told.map_err(|error| error.with_effect(Effect::Unknown))
    }

    /// Learns what was committed, and tells the witness.
    fn follow(&self, connection: &Connection, known: &mut Known) -> Result<(), Error> {
        audit::sync(connection, &self.keys, known).map_err(|error| error.with_effect(Effect::Unknown))?;
        self.testify(known)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SqliteStore {
    /// Opens the store in a file, or creates it where there is no file. On Unix nobody else may read the file (0600).
    ///
    /// Before anything is written, an existing file is checked from end to end: that it is a store of ours, whole, not
    /// of a newer version, sealed with keys that are given, and without a table, index, trigger or view that this crate
    /// does not make. The check takes time in proportion to the file.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) if the file is damaged, is something else, or was sealed with another key;
    /// [`Unsupported`](ErrorKind::Unsupported) if a newer version wrote it; [`InvalidInput`](ErrorKind::InvalidInput) if
    /// the path cannot be used; [`Unavailable`](ErrorKind::Unavailable) if another process keeps it locked. The file
    /// stays as it is then.
    pub async fn open(
        path: impl AsRef<Path>,
        keys: impl Into<SealingKeys>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        SqliteOptions::new().open(path, keys, clock).await
    }

    /// Opens the store in a file with the key in another, and creates both where there is neither.
    ///
    /// Keep the two apart, in different folders and different backups: whoever has one alone has nothing. The new key file
    /// is closed to everyone else (0600), and a key that is there is used as
    /// [`SealingKey::from_file`](crate::seal::SealingKey::from_file) reads it. Several processes may open the same files
    /// for the first time at once: they agree on one key.
    ///
    /// # Errors
    /// As [`SqliteStore::open`]; besides, with the field `sealing_key`, [`InvalidInput`](ErrorKind::InvalidInput) if the
    /// key file cannot be used or created, and [`Corrupt`](ErrorKind::Corrupt) if it is missing although the database
    /// exists: a new key would open nothing, so the old one must be restored. Nothing was changed then.
    pub async fn open_with_key_file(
        path: impl AsRef<Path>,
        key_file: impl AsRef<Path>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        SqliteOptions::new().open_with_key_file(path, key_file, clock).await
    }

    fn open_absolute(
        path: PathBuf,
        keys: SealingKeys,
        clock: Arc<dyn Clock>,
        options: SqliteOptions,
        own: Option<&StoreKeys>,
    ) -> Result<Self, Error> {
        let SqliteOptions { consent, witness, .. } = options;
        let remembered = witness.as_ref().map(|witness| witness.recall()).transpose()?.flatten();
        let opening = Opening { path: &path, keys: &keys, consent, remembered: remembered.as_ref(), own };
        let (connection, known, present) = open::open(&opening)?;
        let (connection, known, present) = (Mutex::new(connection), Mutex::new(known), Mutex::new(present));
        let shared = Shared { connection, queue: Mutex::default(), keys, clock, path, known, present, witness };
        shared.testify(&shared.known())?;
        Ok(Self(Arc::new(shared)))
    }

    /// The public name of the key that seals: of the key that was given, or of the store's own.
    pub fn key_id(&self) -> SealingKeyId {
        self.0.keys.current().id()
    }

    /// The absolute path of the database file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Overwrites what the write-ahead log still holds of removed rows. Rows are overwritten in the file itself by
    /// `secure_delete`. While another process reads, its part of the log stays until a later checkpoint.
    async fn forget(&self) -> Result<(), Error> {
        self.call("store.checkpoint", |connection, _| {
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())).map_err(failed)
        })
        .await
    }

    /// Runs work on the connection.
    async fn call<T, W>(&self, operation: &'static str, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(&mut Connection, &Shared) -> Result<T, Error> + Send + 'static,
    {
        let (answer, mut answered) = oneshot::channel();
        let job: Job = Box::new(move |connection, shared| {
            let done = work(connection, shared);
            // Nobody waits for the answer of a call that was dropped.
            let _ = answer.send(done);
        });
        // Queued here and not on the thread: two threads may begin in either order.
        let number = self.0.queue().push(job);
        let shared = Arc::clone(&self.0);
        let worked = blocking(move || {
            shared.work_until(number);
            Ok(())
        })
        .await;
        // Whichever thread did it, it is done once our own has been through the queue.
        let outcome = match (answered.try_recv(), worked) {
            (Ok(done), _) => done,
            (Err(_), Err(error)) => Err(error),
            (Err(_), Ok(())) => Err(panicked()),
        };
        outcome.map_err(|error| error.in_operation(operation))
    }

    /// Runs work in a transaction that holds the write lock from its beginning, and commits it if the work succeeds.
    async fn change<T, W>(&self, operation: &'static str, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(&Transaction<'_>, &Shared) -> Result<T, Error> + Send + 'static,
    {
        self.call(operation, |connection, shared| {
            let transaction = begin(connection)?;
            let done = work(&transaction, shared)?;
            transaction.commit().map_err(failed)?;
            Ok(done)
        })
        .await
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.0.path).finish_non_exhaustive()
    }
}

/// What a witness is told of a journal.
fn testimony(known: &Known) -> Testimony {
    let totals = known.totals();
    Testimony::new(totals.id.as_bytes(), totals.changes, known.mac().as_bytes())
}

/// Begins a transaction that excludes every other writer. What fails before its commit has provably no effect.
fn begin(connection: &mut Connection) -> Result<Transaction<'_>, Error> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failure::before_effect)
}

/// Runs work on a thread that may block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|error| match error.is_panic() {
        true => panicked(),
        false => Error::new(ErrorKind::Unexpected, "the runtime is shutting down"),
    })?
}

fn panicked() -> Error {
    Error::new(ErrorKind::Unexpected, "the store's work panicked")
}
