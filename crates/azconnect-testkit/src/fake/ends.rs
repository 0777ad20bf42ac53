//! When secrets end, as a service lists it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use azconnect_core::{Diagnosis, Error, ErrorKind, KeyId};
use azconnect_credential::{ConnectionRecord, CredentialKind, EndReader, EndReading, EndSource, ListedEnd};
use time::OffsetDateTime;

use super::Faults;

/// Lists keys with their ends. Clones are the same list.
#[derive(Clone, Debug, Default)]
pub struct Ends {
    listed: Arc<Mutex<BTreeMap<KeyId, Option<OffsetDateTime>>>>,
    faults: Faults<EndStep>,
}

/// A call of an [`EndReader`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndStep {
    /// [`EndReader::end`].
    Read,
}

impl Ends {
    /// A list without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// The failures of its calls, to script more or to end them.
    pub fn faults(&self) -> &Faults<EndStep> {
        &self.faults
    }

    /// Lists a key from now on, with its end where that is known.
    pub fn list(&self, key: KeyId, ends_at: Option<OffsetDateTime>) {
        self.listed().insert(key, ends_at);
    }

    /// Lists a key no longer.
    pub fn remove(&self, key: KeyId) {
        self.listed().remove(&key);
    }

    fn listed(&self) -> MutexGuard<'_, BTreeMap<KeyId, Option<OffsetDateTime>>> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, record: &ConnectionRecord, known: Option<KeyId>) -> Result<EndReading, Error> {
        let CredentialKind::ClientSecret { key: named, .. } = &record.credential else {
            return Err(Error::new(ErrorKind::Unsupported, "only the ends of client secrets are listed"));
        };
        let wanted = named.map(|key| (key, EndSource::ListedByKey));
        let Some((key, source)) = wanted.or(known.map(|key| (key, EndSource::ListedByHint))) else {
            return Err(Error::new(ErrorKind::NotFound, "which key it is is not known"));
        };
        Ok(match self.listed().get(&key) {
            Some(ends_at) => EndReading::Listed(ListedEnd::new(key, source, *ends_at)),
            None => EndReading::Absent(Diagnosis::new(ErrorKind::NotFound, "the key is not listed")),
        })
    }
}

#[async_trait]
impl EndReader for Ends {
    async fn end(&self, record: &ConnectionRecord, known: Option<KeyId>) -> EndReading {
        let read = self.faults.read(&EndStep::Read, || self.read(record, known));
        read.unwrap_or_else(|error| EndReading::Unread(error.into_diagnosis()))
    }
}
