//! What remembers, outside of the database, how far its journal was, so that an earlier copy of the whole is noticed.

mod file;

use std::fmt;
use std::str::FromStr;

use azconnect_core::{Effect, Error, ErrorKind};

pub use file::FileWitness;

/// What a witness remembers of a journal: which it is, how often it was changed, and the mark of that state.
///
/// It is public: it tells nothing of what the journal holds. As text it is one line, which [`FromStr`] reads again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Testimony {
    journal: String,
    changes: u64,
    mark: String,
}

impl Testimony {
    /// What is to be remembered of a journal, by its id and the mark of its state.
    #[cfg(feature = "sqlite")]
    pub(crate) fn new(journal: &[u8], changes: u64, mark: &[u8]) -> Self {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { journal: hex(journal), changes, mark: hex(mark) }
    }

    /// How often the journal had been changed.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Whether this is of the same journal as another testimony, and not older.
    pub fn covers(&self, other: &Self) -> bool {
        self.journal == other.journal && self.changes >= other.changes
    }

    /// Whether the journal was marked with a key of which `is_known` knows the id. A mark begins with that.
    #[cfg(feature = "sqlite")]
    pub(crate) fn is_marked_with(&self, is_known: impl FnOnce(&str) -> bool) -> bool {
        self.mark.get(..16).is_some_and(is_known)
    }

    /// Refuses a journal that is older than this, or another one.
    #[cfg(feature = "sqlite")]
    pub(crate) fn check(&self, now: &Self) -> Result<(), Error> {
        let what = if self.journal != now.journal {
            "is another one than its witness remembers".to_owned()
        } else if self.changes > now.changes {
            format!("is at change {}, and its witness remembers change {}", now.changes, self.changes)
        } else if self.changes == now.changes && self.mark != now.mark {
            format!("was written anew from before change {} on", now.changes)
        } else {
            return Ok(());
        };
        Err(older(&what))
    }
}

/// The refusal of a journal that its witness does not know as it is.
#[cfg(feature = "sqlite")]
pub(crate) fn older(what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("the journal {what}")).with_effect(Effect::None).with_advice(
        "find out who replaced the database. If you restored a backup yourself, and know what it does not, let the witness \
         forget, by `FileWitness::forget` or by removing its file, and open the database again",
    )
}

impl fmt::Display for Testimony {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.journal, self.changes, self.mark)
    }
}

impl FromStr for Testimony {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let fields: Vec<_> = text.split(' ').collect();
        let is_hex = |field: &str| !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_hexdigit());
        match fields[..] {
            [journal, changes, mark] if is_hex(journal) && is_hex(mark) => {
                changes.parse().ok().map(|changes| Self { journal: journal.to_owned(), changes, mark: mark.to_owned() })
            }
            _ => None,
        }
        .ok_or_else(|| {
            Error::new(ErrorKind::Corrupt, "what the witness remembers cannot be read")
                .with_effect(Effect::None)
                .with_advice("restore it from a backup, or let the witness forget")
        })
    }
}

/// Remembers how far a journal was, where those who can write the database cannot write.
///
/// The store asks it when a database is opened and before each append, and tells it after each change. A database that is
/// older than it says is refused. One that is newer is taken: a process may have been killed between the change and the
/// telling. So a witness that is itself taken back, or forgets, notices less.
///
/// Its methods are called on a thread that may block.
pub trait JournalWitness: Send + Sync {
    /// What was remembered last, or none.
    ///
    /// # Errors
    /// If it cannot tell: then nothing is opened and nothing appended.
    fn recall(&self) -> Result<Option<Testimony>, Error>;

    /// Remembers a testimony, durably, in the place of what was remembered before, unless that
    /// [covers](Testimony::covers) the new one: several processes may tell in another order than they wrote.
    ///
    /// # Errors
    /// If it was not remembered.
    fn remember(&self, testimony: &Testimony) -> Result<(), Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_testimony_survives_as_text_and_anything_else_is_refused() {
        let testimony = Testimony { journal: "0a".into(), changes: 7, mark: "ff".into() };
        assert_eq!(testimony.to_string().parse::<Testimony>().unwrap(), testimony);
        for bad in ["", "0a 7", "0a 7 ff ", "0a -7 ff", "0a 7 fg", " 7 ff", "0a 7 ff 8"] {
            assert_eq!(bad.parse::<Testimony>().unwrap_err().kind(), ErrorKind::Corrupt, "{bad:?}");
        }
    }
}
