//! What a person consents to before a program goes on with a database.

use azconnect::core::{Error, ErrorKind, StreamId};
use azconnect::store::{SqliteOptions, SqliteStore};

/// The options about the journal of the folder that holds the state.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct JournalArguments {
    /// Take the journal of an older version as it is, and mark it. Only if nobody else could write the file.
    #[arg(long, requires = "state")]
    pub trust_old_journal: bool,
    /// Set a damaged stream of the journal aside, as an error names it, so that its work begins anew.
    #[arg(long, value_name = "STREAM", requires = "state")]
    pub set_aside: Option<String>,
}

impl JournalArguments {
    /// How to open a database.
    pub fn options(&self) -> SqliteOptions {
        let options = SqliteOptions::new();
        if self.trust_old_journal { options.trusting_old_journal() } else { options }
    }

    /// The error of an opening, in the words of a program's options.
    #[must_use]
    pub fn explain(error: Error) -> Error {
        if error.field() != Some("trusting_old_journal") {
            return error;
        }
        error.with_field("--trust-old-journal").with_advice(
            "if nobody else could write the file, run this once with --trust-old-journal; if this version had opened it \
             before, find out who replaced it",
        )
    }

    /// Sets aside what was named, if it lies in this database.
    ///
    /// # Errors
    /// If the name is none, or the stream is not damaged.
    pub async fn set_aside_in(&self, store: &SqliteStore) -> Result<(), Error> {
        let Some(name) = &self.set_aside else { return Ok(()) };
        let named = |error: Error| match error.kind() {
            ErrorKind::InvalidInput => error.with_field("--set-aside"),
            _ => error,
        };
        let stream = StreamId::new(name.as_str()).map_err(named)?;
        store.set_aside(&stream).await.map_err(named)
    }
}
