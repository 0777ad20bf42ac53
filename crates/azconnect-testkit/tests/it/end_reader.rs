//! The fake list of ends keeps the promises of the port, and readers that break one are named.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{KeyId, Secret};
use azconnect_credential::{ConnectionRecord, CredentialKind, EndReader, EndReading, EndSource, ListedEnd};
use azconnect_testkit::conformance::end_reader::{self, EndHarness};
use azconnect_testkit::fake::{EndStep, Ends, Fault};
use time::OffsetDateTime;

use crate::judged::{named, verdict};

fn key() -> KeyId {
    "b0000000-0000-4000-8000-000000000002".parse().unwrap()
}

/// A fake, before which stands the reader under test.
struct Stage<R>(Ends, fn(Ends) -> R);

impl<R> Stage<R> {
    fn new(wrap: fn(Ends) -> R) -> Self {
        let ends = Ends::new();
        ends.list(key(), Some(OffsetDateTime::UNIX_EPOCH));
        Self(ends, wrap)
    }
}

#[async_trait]
impl<R: EndReader + 'static> EndHarness for Stage<R> {
    fn reader(&self) -> Arc<dyn EndReader> {
        Arc::new((self.1)(self.0.clone()))
    }
    fn record(&self) -> ConnectionRecord {
        let guid = |last: u8| format!("d1b2c3d4-0000-4000-8000-00000000000{last}");
        let mut record = ConnectionRecord::new(
            "shop".parse().unwrap(),
            guid(1).parse().unwrap(),
            guid(2).parse().unwrap(),
            guid(3).parse().unwrap(),
            CredentialKind::client_secret("connection/shop/1".parse().unwrap(), None),
        );
        if let CredentialKind::ClientSecret { key: named, .. } = &mut record.credential {
            *named = Some(key());
        }
        record
    }
    fn key(&self) -> (KeyId, OffsetDateTime) {
        (key(), OffsetDateTime::UNIX_EPOCH)
    }
    fn secret(&self) -> Secret {
        Secret::new("a-secret-that-nobody-reads-in-this-test")
    }
    async fn remove(&self) {
        self.0.remove(key());
    }
    async fn disconnect_service(&self) {
        self.0.faults().break_down(EndStep::Read, Fault::Dropped);
    }
}

#[tokio::test]
async fn the_fake_list_of_ends_conforms() {
    end_reader::all(async || Stage::new(|ends| ends)).await;
}

/// Takes silence for absence, and believes what somebody has found before what the record names.
struct Rash(Ends);

#[async_trait]
impl EndReader for Rash {
    async fn end(&self, record: &ConnectionRecord, known: Option<KeyId>) -> EndReading {
        let found = self.0.end(record, known).await;
        match (found, known) {
            (EndReading::Unread(problem), _) => EndReading::Absent(problem),
            (_, Some(known)) => EndReading::Listed(ListedEnd::new(known, EndSource::ListedByKey, None)),
            (found, None) => found,
        }
    }
}

#[tokio::test]
async fn a_rash_reader_is_named() {
    let message = verdict(end_reader::all(async || Stage::new(Rash))).await;
    named(
        &message,
        &[
            "the end of the key that the record names is told",
            "a key that an earlier read has found is found again",
            "what could not be read is no answer",
            "a credential without a key is not read",
        ],
    );
}
