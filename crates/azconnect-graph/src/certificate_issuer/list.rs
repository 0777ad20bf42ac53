//! The list of an application's certificates, which is written as a whole.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use azconnect_core::{ClientId, Effect, Error, ErrorKind, KeyId, Retry};
use azconnect_credential::Retirement;
use azconnect_http::{Call, Idempotency};
use http::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{MINT, RETIRE};
use crate::client::GraphClient;
use crate::dialect::GraphDialect;
use crate::holder::PasswordHolder;

/// One certificate as the service writes it. It is sent back as it came, since the service refuses every change of it.
pub(super) type Entry = Map<String, Value>;

/// For how long all reads must agree before the list is written. Replicas answer by turns, and one that lags behind lacks what
/// somebody has just added: no bound is published, and reports speak of up to 18 seconds.
const AGREEMENT: Duration = Duration::from_secs(24);

/// The pause between two of these reads.
const SPACING: Duration = Duration::from_secs(3);

/// How long reads that do not agree are repeated. Together with the look afterwards it stays below the deadlines of callers.
const PATIENCE: Duration = Duration::from_secs(33);

/// For how long what this process has written itself counts more than a read that lacks it.
const OWN_WRITES: Duration = Duration::from_secs(60);

/// How long it is looked for what was written.
const LOOK: Duration = Duration::from_secs(8);

/// Reads and writes the list so that no entry of others is lost.
pub(super) struct KeyList {
    client: GraphClient,
    application: ClientId,
    /// What this process has written itself, which a stale read does not know.
    written: Mutex<Vec<Written>>,
}

/// A key that was written: with its entry where it was added, without where it was removed.
struct Written {
    key: KeyId,
    entry: Option<Entry>,
    /// In the clock's elapsed time.
    at: Duration,
}

impl KeyList {
    pub(super) fn new(client: GraphClient, application: ClientId) -> Self {
        Self { client, application, written: Mutex::default() }
    }

    /// Adds an entry to those that are there, under an id of our own.
    pub(super) async fn add(&self, entry: &Entry) -> Result<KeyId, Error> {
        let key = KeyId::from(Uuid::new_v4());
        let mut entry = entry.clone();
        entry.insert("keyId".to_owned(), key.to_string().into());
        let before = self.settled().await?;
        let mut all = before.clone();
        all.push(entry.clone());
        self.write(MINT, &all).await?;
        self.note(key, Some(entry));
        self.look(key, &before).await.map(|()| key)
    }

    /// Removes one entry; the others are sent back.
    pub(super) async fn remove(&self, key: KeyId) -> Result<(Retirement, Effect), Error> {
        let before = self.settled().await?;
        let left: Vec<Entry> = before.iter().filter(|entry| id(entry) != Some(key)).cloned().collect();
        if left.len() == before.len() {
            return Ok((Retirement::NotListed, Effect::None));
        }
        self.write(RETIRE, &left).await?;
        self.note(key, None);
        Ok((Retirement::Accepted, Effect::Unknown))
    }

    /// The list, once all reads of some time have shown the same.
    async fn settled(&self) -> Result<Vec<Entry>, Error> {
        let clock = self.client.clock();
        let started = clock.elapsed();
        let (mut last, mut since) = (self.with_own(self.read().await?), started);
        loop {
            let now = clock.elapsed();
            if now.saturating_sub(since) >= AGREEMENT {
                return Ok(last);
            }
            if now.saturating_sub(started) > PATIENCE {
                return Err(unsettled());
            }
            clock.sleep(SPACING).await;
            let read = self.with_own(self.read().await?);
            if read != last {
                (last, since) = (read, clock.elapsed());
            }
        }
    }

    /// Looks whether the new entry is listed, and whether an entry that was not known before has come and gone: somebody else
    /// wrote at the same time then.
    async fn look(&self, new: KeyId, before: &[Entry]) -> Result<(), Error> {
        let clock = self.client.clock();
        let started = clock.elapsed();
        let mut strangers: Vec<KeyId> = Vec::new();
        loop {
            // What was written stays written: that it cannot be read is for others to find out.
            let Ok(read) = self.read().await else { return Ok(()) };
            let ids: Vec<KeyId> = read.iter().filter_map(id).collect();
            if ids.contains(&new) {
                strangers.retain(|stranger| !ids.contains(stranger));
                return if strangers.is_empty() { Ok(()) } else { Err(overwritten(&strangers)) };
            }
            let known = |key: &KeyId| before.iter().any(|entry| id(entry) == Some(*key));
            strangers.extend(ids.into_iter().filter(|key| !known(key)));
            if clock.elapsed().saturating_sub(started) > LOOK {
                // Replicas lag. Whoever mints proves the certificate, and sees it listed, before anything depends on it.
                return Ok(());
            }
            clock.sleep(SPACING).await;
        }
    }

    /// Writes the list. Sent once: a repetition after a lost answer would come later than the reads, and undo what somebody else
    /// has written since.
    async fn write(&self, operation: &'static str, all: &[Entry]) -> Result<(), Error> {
        let url = self.client.holder_address(&PasswordHolder::ApplicationOf(self.application), &[], &[])?;
        let call = self.client.prepared(Call::new(operation, Method::PATCH, url, Idempotency::Once));
        self.client.change(call.with_json(&json!({"keyCredentials": all}))?, &GraphDialect).await.map(drop)
    }

    async fn read(&self) -> Result<Vec<Entry>, Error> {
        let read = self.client.key_credentials(self.application.into()).await;
        read.map_err(|error| error.with_effect(Effect::None))
    }

    /// A read as it would be if the replica knew what was written here.
    fn with_own(&self, mut read: Vec<Entry>) -> Vec<Entry> {
        let now = self.client.clock().elapsed();
        let mut written = self.written();
        written.retain(|own| now.saturating_sub(own.at) < OWN_WRITES);
        for own in written.iter() {
            match &own.entry {
                None => read.retain(|entry| id(entry) != Some(own.key)),
                Some(_) if read.iter().any(|entry| id(entry) == Some(own.key)) => {}
                Some(entry) => read.push(entry.clone()),
            }
        }
        sort(&mut read);
        read
    }

    fn note(&self, key: KeyId, entry: Option<Entry>) {
        let at = self.client.clock().elapsed();
        let mut written = self.written();
        written.retain(|own| own.key != key);
        written.push(Written { key, entry, at });
    }

    fn written(&self) -> MutexGuard<'_, Vec<Written>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// By id: replicas need not agree on the order.
fn sort(all: &mut [Entry]) {
    all.sort_by_key(|entry| id(entry).map(|key| key.to_string()));
}

fn id(entry: &Entry) -> Option<KeyId> {
    entry.get("keyId").and_then(Value::as_str).and_then(|id| id.parse().ok())
}

fn unsettled() -> Error {
    Error::new(ErrorKind::Unavailable, "the application's certificates are listed differently from read to read")
        .with_effect(Effect::None)
        .with_retry(Retry::Backoff)
        .with_advice(
            "wait some minutes: somebody has changed them, and not every replica of the directory knows it yet",
        )
}

fn overwritten(strangers: &[KeyId]) -> Error {
    let names: Vec<String> = strangers.iter().map(ToString::to_string).collect();
    let message = format!("somebody added a certificate at the same time, which may be lost: {}", names.join(", "));
    Error::new(ErrorKind::Conflict, message).with_effect(Effect::Unknown).with_advice(
        "let whoever added it add it again; let one program at a time write the application's certificates",
    )
}
