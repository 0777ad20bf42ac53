//! The list of an application's certificates, which is written as a whole.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use azconnect_core::{ClientId, Effect, Error, ErrorKind, KeyId, Retry};
use azconnect_credential::Retirement;
use azconnect_credential::entra::PROPAGATION;
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

/// How many reads in a row must agree before the list is written: replicas answer by turns, and one that lags behind lacks
/// what somebody added a moment ago.
const AGREEING_READS: u32 = 3;

/// The pause between two of these reads.
const SPACING: Duration = Duration::from_secs(2);

/// How long reads that do not agree are repeated. Together with the look afterwards it stays below the deadlines of callers.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it is looked for what was written.
const LOOK: Duration = Duration::from_secs(8);

/// Reads and writes the list so that no entry of others is lost.
pub(super) struct KeyList {
    client: GraphClient,
    application: ClientId,
    /// What this process has written itself, and when in the clock's elapsed time: a read that does not know it is stale.
    written: Mutex<Vec<(KeyId, bool, Duration)>>,
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
        all.push(entry);
        self.write(MINT, &all).await?;
        self.note(key, true);
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
        self.note(key, false);
        Ok((Retirement::Accepted, Effect::Unknown))
    }

    /// The list, once several reads in a row have shown the same and none of them lacks what was written here.
    async fn settled(&self) -> Result<Vec<Entry>, Error> {
        let clock = self.client.clock();
        let started = clock.elapsed();
        let (mut last, mut agreed): (Option<Vec<Entry>>, u32) = (None, 0);
        loop {
            let read = self.read().await?;
            agreed = match last.as_ref() == Some(&read) {
                _ if !self.is_fresh(&read) => 0,
                true => agreed + 1,
                false => 1,
            };
            if agreed >= AGREEING_READS {
                return Ok(read);
            }
            last = Some(read);
            if clock.elapsed().saturating_sub(started) > PATIENCE {
                return Err(unsettled());
            }
            clock.sleep(SPACING).await;
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

    /// One read, with the entries in an order of their own: replicas need not agree on that.
    async fn read(&self) -> Result<Vec<Entry>, Error> {
        let read = self.client.key_credentials(self.application.into()).await;
        let mut all = read.map_err(|error| error.with_effect(Effect::None))?;
        all.sort_by_key(|entry| id(entry).map(|key| key.to_string()));
        Ok(all)
    }

    fn is_fresh(&self, read: &[Entry]) -> bool {
        let now = self.client.clock().elapsed();
        let mut written = self.written();
        written.retain(|(_, _, at)| now.saturating_sub(*at) < PROPAGATION);
        written.iter().all(|(key, is_there, _)| read.iter().any(|entry| id(entry) == Some(*key)) == *is_there)
    }

    fn note(&self, key: KeyId, is_there: bool) {
        let now = self.client.clock().elapsed();
        let mut written = self.written();
        written.retain(|(known, ..)| *known != key);
        written.push((key, is_there, now));
    }

    fn written(&self) -> MutexGuard<'_, Vec<(KeyId, bool, Duration)>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
