//! How a database is opened, where that is not the usual way.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use azconnect_core::{Clock, Error};

use super::{SqliteStore, blocking, file, key_file};
use crate::seal::{SealingKeyId, SealingKeys};
use crate::witness::JournalWitness;

/// What a person has consented to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Consent {
    pub(super) trusts_old: bool,
    pub(super) accepts_loss: bool,
}

/// How to open a [`SqliteStore`]: with a witness, or with a person's consent to what is otherwise refused.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use std::sync::Arc;
///
/// use azconnect_store::{FileWitness, SqliteOptions};
/// # use azconnect_testkit::ManualClock as SystemClock;
///
/// # let (data, keys) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
/// # let (data, keys) = (data.path(), keys.path());
/// // On another volume than the database, like the key.
/// let witness = Arc::new(FileWitness::new(keys.join("witness")));
/// let store = SqliteOptions::new()
///     .with_witness(witness)
///     .open_with_key_file(data.join("azconnect.db"), keys.join("seal.key"), Arc::new(SystemClock::new()))
///     .await?;
/// # drop(store);
/// # Ok::<(), azconnect_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct SqliteOptions {
    pub(super) consent: Consent,
    pub(super) witness: Option<Arc<dyn JournalWitness>>,
    /// The key that a store with a key of its own must have.
    pub(super) expected: Option<SealingKeyId>,
    /// Whether a store with a key of its own makes itself a new one.
    pub(super) renews: bool,
}

impl SqliteOptions {
    /// The usual way, as [`SqliteStore::open`] does it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the journal of a database that was written before journals were marked as it lies there, and marks it.
    ///
    /// Whoever could write the file until now may have written what is marked then: consent only if nobody else could. It is
    /// needed once, and does nothing to a database whose journal is marked. A database that was made with marks is refused
    /// even so if its version was set back.
    pub fn trusting_old_journal(mut self) -> Self {
        self.consent.trusts_old = true;
        self
    }

    /// Takes what is left of a journal that has lost entries for all there was, if it has lost any.
    ///
    /// A stream that is gone begins anew, and one that was taken back goes on from there: what they had recorded since is
    /// done again, or never undone. A rotation reports the secrets that it does not know as findings, and removes none of
    /// them. A stream that is damaged stays so, until it is [set aside](SqliteStore::set_aside). The journal has another
    /// id then: stop every process first, and let a witness forget.
    pub fn accepting_lost_entries(mut self) -> Self {
        self.consent.accepts_loss = true;
        self
    }

    /// Asks a witness whether the database is the latest, at the opening and before each append, and tells it of each
    /// change.
    pub fn with_witness(mut self, witness: Arc<dyn JournalWitness>) -> Self {
        self.witness = Some(witness);
        self
    }

    /// Refuses a store with a key of its own ([`open_wrapped`](Self::open_wrapped)) that is not sealed with the key of this
    /// name, which [`SqliteStore::key_id`] tells once it was made. Keep the name where those who can write the database cannot.
    ///
    /// Who can write the database and has the *public* key of a vault's key can otherwise put a database of their own making
    /// into its place, with a key of their own that they wrapped: wrapping takes no permission. A
    /// [witness](Self::with_witness) notices that as well.
    pub fn with_expected_key(mut self, id: SealingKeyId) -> Self {
        self.expected = Some(id);
        self
    }

    /// Lets a store with a key of its own make itself a new one at the opening. The former one stays until
    /// [`SqliteStore::reseal`] has ended. Other processes that have the database open must open it again.
    pub fn renewing_key(mut self) -> Self {
        self.renews = true;
        self
    }

    /// Opens the store in a file, or creates it where there is no file.
    ///
    /// # Errors
    /// As [`SqliteStore::open`], except for what was consented to; besides, [`Corrupt`](azconnect_core::ErrorKind::Corrupt)
    /// if the database is gone, older than its witness remembers, or another one, and what the witness says.
    pub async fn open(
        self,
        path: impl AsRef<Path>,
        keys: impl Into<SealingKeys>,
        clock: Arc<dyn Clock>,
    ) -> Result<SqliteStore, Error> {
        let (given, keys) = (path.as_ref().to_owned(), keys.into());
        blocking(move || SqliteStore::open_absolute(file::absolute(&given)?, keys, clock, self, None))
            .await
            .map_err(|error| error.in_operation("store.open"))
    }

    /// Opens the store in a file with the key in another, and creates both where there is neither.
    ///
    /// # Errors
    /// As [`SqliteOptions::open`] and [`SqliteStore::open_with_key_file`].
    pub async fn open_with_key_file(
        self,
        path: impl AsRef<Path>,
        key_file: impl AsRef<Path>,
        clock: Arc<dyn Clock>,
    ) -> Result<SqliteStore, Error> {
        let (given, key_file) = (path.as_ref().to_owned(), key_file.as_ref().to_owned());
        blocking(move || {
            let path = file::absolute(&given)?;
            let key = key_file::read_or_generate(&path, &key_file)?;
            SqliteStore::open_absolute(path, key.into(), clock, self, None)
        })
        .await
        .map_err(|error| error.in_operation("store.open"))
    }
}

impl fmt::Debug for SqliteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteOptions")
            .field("consent", &self.consent)
            .field("witness", &self.witness.is_some())
            .finish()
    }
}
