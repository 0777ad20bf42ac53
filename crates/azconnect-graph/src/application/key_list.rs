//! The list of an application's certificates, which is written as a whole.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Effect, Error, ErrorKind, KeyId, NoRetry, Retry};
use azconnect_credential::Retirement;
use azconnect_http::{Authorization, Authorizer, Call, Idempotency, SendOptions, json};
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::ApplicationRef;
use crate::client::{GraphClient, may_settle};
use crate::dialect::GraphDialect;
use crate::holder::PasswordHolder;

/// One certificate as the service writes it. It is sent back as it came, since the service refuses every change of it.
pub(crate) type Entry = Map<String, Value>;

/// For how long all reads must agree before the list is written. Replicas answer by turns, and one that lags behind lacks what
/// somebody has just added: no bound is published, and reports speak of up to 18 seconds.
const AGREEMENT: Duration = Duration::from_secs(24);

/// The pause between two of these reads.
const SPACING: Duration = Duration::from_secs(3);

/// The longest time between two reads that count as neighbours. What took longer, in a pause that the service asked for or in a
/// process that was suspended, may hide what somebody else did.
const GAP: Duration = Duration::from_secs(10);

/// In what time they must have agreed. Together with the look afterwards it stays below 45 seconds, the deadline that callers
/// usually set.
const PATIENCE: Duration = Duration::from_secs(30);

/// For how long what this process has written itself counts more than a read that lacks it.
const OWN_WRITES: Duration = Duration::from_secs(60);

/// How long it is looked for what was written.
const LOOK: Duration = Duration::from_secs(6);

/// How old the list may be that is written, when the answer comes. A process that was suspended on the way has written one of
/// which nobody knows what it lacks.
const STALE: Duration = Duration::from_secs(15);

/// Reads and writes the list so that no entry of others is lost.
pub(crate) struct KeyList {
    client: GraphClient,
    application: ApplicationRef,
    /// What this process has written itself, which a stale read does not know.
    written: Mutex<Vec<Written>>,
}

/// A key that was written: with its entry where it was added, without where it was removed.
struct Written {
    key: KeyId,
    entry: Option<Entry>,
    at: Moment,
}

/// The list as all reads of some time have shown it, and when the last of them was asked for.
struct Settled {
    list: Vec<Entry>,
    read_at: Moment,
}

/// A moment in the clock's elapsed time, and by the wall: the former does not count for how long a machine slept.
#[derive(Clone, Copy)]
struct Moment {
    elapsed: Duration,
    wall: OffsetDateTime,
}

impl Moment {
    fn now(clock: &dyn Clock) -> Self {
        Self { elapsed: clock.elapsed(), wall: clock.now() }
    }

    /// How long it has been since, by the clock that says more.
    fn until(self, later: Self) -> Duration {
        let wall = Duration::try_from(later.wall - self.wall).unwrap_or_default();
        later.elapsed.saturating_sub(self.elapsed).max(wall)
    }
}

/// What became of an entry that was to be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Added {
    /// It is there now, under this id.
    Now(KeyId),
    /// One with the same bytes was there.
    Before,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Certificates {
    /// Required: a list that is missing must not be written back as an empty one.
    key_credentials: Vec<Entry>,
}

impl KeyList {
    pub(crate) fn new(client: GraphClient, application: impl Into<ApplicationRef>) -> Self {
        Self { client, application: application.into(), written: Mutex::default() }
    }

    /// Adds an entry to those that are there, under an id of our own, unless one with the same bytes is there.
    pub(crate) async fn add(&self, operation: &'static str, entry: &Entry) -> Result<Added, Error> {
        let key = KeyId::from(Uuid::new_v4());
        let mut entry = entry.clone();
        entry.insert("keyId".to_owned(), key.to_string().into());
        let change = |list: &[Entry]| {
            let is_there =
                list.iter().any(|known| known.get("key").is_some_and(|bytes| Some(bytes) == entry.get("key")));
            (!is_there).then(|| list.iter().chain([&entry]).cloned().collect())
        };
        let Some(before) = self.change(operation, change).await? else { return Ok(Added::Before) };
        self.note(key, Some(entry.clone()));
        self.look(&before, |ids| ids.contains(&key)).await.map(|()| Added::Now(key))
    }

    /// Removes one entry; the others are sent back. The effect is [`None`](Effect::None) if it provably removed nothing.
    pub(crate) async fn remove(&self, operation: &'static str, key: KeyId) -> Result<(Retirement, Effect), Error> {
        let change = |list: &[Entry]| {
            let is_it = |entry: &Entry| id(entry) == Some(key);
            list.iter().any(is_it).then(|| list.iter().filter(|entry| !is_it(entry)).cloned().collect())
        };
        let changed = self.change(operation, change).await?;
        let Some(before) = changed else { return Ok((Retirement::NotListed, Effect::None)) };
        self.note(key, None);
        self.look(&before, |ids| !ids.contains(&key)).await.map(|()| (Retirement::Accepted, Effect::Unknown))
    }

    /// Writes what a function makes of the list, unless that is nothing, and says what it was before. After a refusal that may
    /// pass it begins again with reading, as long as the client rides such refusals out.
    async fn change(
        &self,
        operation: &'static str,
        change: impl Fn(&[Entry]) -> Option<Vec<Entry>>,
    ) -> Result<Option<Settled>, Error> {
        let clock = self.client.clock();
        let started = clock.elapsed();
        loop {
            let before = self.settled().await?;
            let Some(all) = change(&before.list) else { return Ok(None) };
            let refusal = match self.write(operation, &all).await {
                Ok(()) => return Ok(Some(before)),
                Err(refusal) => refusal,
            };
            let next = clock.elapsed().saturating_sub(started).saturating_add(AGREEMENT);
            let may_pass = may_settle(&refusal) || (refusal.effect() == Effect::None && refusal.retry() != Retry::No);
            if !may_pass || next > self.client.settling() {
                return Err(refusal);
            }
        }
    }

    /// The list, once all reads of some time have shown the same. That time begins with an answer, and with every read that came
    /// late it begins anew.
    async fn settled(&self) -> Result<Settled, Error> {
        let clock = self.client.clock();
        let started = clock.elapsed();
        let mut read_at = Moment::now(clock);
        let mut list = self.with_own(self.read().await?);
        let mut since = Moment::now(clock);
        let mut last = since;
        while since.until(last) < AGREEMENT {
            if since.elapsed.saturating_add(AGREEMENT) > started.saturating_add(PATIENCE) {
                return Err(unsettled());
            }
            clock.sleep(SPACING).await;
            read_at = Moment::now(clock);
            let read = self.with_own(self.read().await?);
            let now = Moment::now(clock);
            if last.until(now) > GAP || !self.agree(&read, &list) {
                since = now;
            }
            (list, last) = (read, now);
        }
        Ok(Settled { list, read_at })
    }

    /// Looks whether the list is as it was written, and whether an entry that was not known before has come and gone: somebody
    /// else wrote at the same time then.
    async fn look(&self, before: &Settled, is_ours: impl Fn(&[KeyId]) -> bool) -> Result<(), Error> {
        let clock = self.client.clock();
        let started = clock.elapsed();
        self.require_recent(before)?;
        let known = |key: &KeyId| before.list.iter().any(|entry| id(entry) == Some(*key)) || self.has_written(*key);
        let mut strangers: Vec<KeyId> = Vec::new();
        loop {
            // What was written stays written: that it cannot be read is for others to find out.
            let Ok(read) = self.read().await else { return Ok(()) };
            let ids: Vec<KeyId> = read.iter().filter_map(id).collect();
            if is_ours(&ids) {
                strangers.retain(|stranger| !ids.contains(stranger));
                return if strangers.is_empty() { Ok(()) } else { Err(overwritten(&strangers)) };
            }
            strangers.extend(ids.into_iter().filter(|key| !known(key)));
            if clock.elapsed().saturating_sub(started).saturating_add(SPACING) > LOOK {
                // Replicas lag. Whoever mints proves the certificate, and sees it listed, before anything depends on it.
                return Ok(());
            }
            clock.sleep(SPACING).await;
        }
    }

    fn require_recent(&self, written: &Settled) -> Result<(), Error> {
        let is_late = written.read_at.until(Moment::now(self.client.clock())) > STALE;
        if is_late { Err(written_late()) } else { Ok(()) }
    }

    /// Writes the list, once and whatever is answered: a repetition would come later than the reads, and undo what somebody else
    /// has written since.
    async fn write(&self, operation: &'static str, all: &[Entry]) -> Result<(), Error> {
        let pipeline = self.client.pipeline.clone().with_retry(Arc::new(NoRetry));
        let url = self.client.holder_address(&PasswordHolder::from(self.application), &[], &[])?;
        let call = self.client.prepared(Call::new(operation, Method::PATCH, url, Idempotency::Once));
        let call = call.with_authorizer(Arc::new(AsItIs(self.client.authorizer())));
        pipeline.execute(call.with_json(&json!({"keyCredentials": all}))?, &GraphDialect).await.map(drop)
    }

    /// Over a connection of its own: one that is kept may lead to the same replica each time, which agrees with itself.
    async fn read(&self) -> Result<Vec<Entry>, Error> {
        let address = self.client.holder_address(
            &PasswordHolder::from(self.application),
            &[],
            &[("$select", "keyCredentials")],
        )?;
        let call = self.client.read_call("graph.application.certificates", address);
        let answer = self
            .client
            .change(call.with_options(SendOptions::default().with_fresh_connection(true)), &GraphDialect)
            .await;
        let read = answer.and_then(|answer| json::<Certificates>(&answer));
        read.map(|read| read.key_credentials).map_err(|error| error.with_effect(Effect::None))
    }

    /// A read as it would be if the replica knew what was written here.
    fn with_own(&self, mut read: Vec<Entry>) -> Vec<Entry> {
        let now = Moment::now(self.client.clock());
        let mut written = self.written();
        written.retain(|own| own.at.until(now) < OWN_WRITES);
        for own in written.iter_mut() {
            let shown = read.iter().position(|entry| id(entry) == Some(own.key));
            match (&mut own.entry, shown.and_then(|at| read.get(at))) {
                (None, _) => read.retain(|entry| id(entry) != Some(own.key)),
                // The service adds fields of its own.
                (Some(entry), Some(shown)) => entry.clone_from(shown),
                (Some(entry), None) => read.push(entry.clone()),
            }
        }
        sort(&mut read);
        read
    }

    /// Whether two reads show the same. An entry of our own is the same however the service completes it.
    fn agree(&self, one: &[Entry], other: &[Entry]) -> bool {
        let same = |(one, other): (&Entry, &Entry)| {
            one == other || (id(one) == id(other) && id(one).is_some_and(|key| self.has_written(key)))
        };
        one.len() == other.len() && one.iter().zip(other).all(same)
    }

    fn note(&self, key: KeyId, entry: Option<Entry>) {
        let at = Moment::now(self.client.clock());
        let mut written = self.written();
        written.retain(|own| own.key != key);
        written.push(Written { key, entry, at });
    }

    fn has_written(&self, key: KeyId) -> bool {
        self.written().iter().any(|own| own.key == key)
    }

    fn written(&self) -> MutexGuard<'_, Vec<Written>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An authorizer whose token is not renewed on the way: the request would be sent again with a list that has grown old.
struct AsItIs(Arc<dyn Authorizer>);

#[async_trait]
impl Authorizer for AsItIs {
    async fn authorize(&self) -> Result<Authorization, Error> {
        self.0.authorize().await
    }

    async fn refused(&self, authorization: &Authorization, refusal: &Error) -> bool {
        self.0.refused(authorization, refusal).await;
        false
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

fn written_late() -> Error {
    let message = "the list of certificates was written a while after it had been read: one that somebody added meanwhile is lost";
    Error::new(ErrorKind::Conflict, message).with_effect(Effect::Unknown).with_advice(
        "ask whether somebody added a certificate to the application just now, and let them add it again; do not suspend the \
         process while it writes",
    )
}
