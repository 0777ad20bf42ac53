//! The judge: asks the emulator's ground truth and the journal whether the invariants hold, at every exchange and append.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use azconnect::core::{Append, Clock, Entry, Error, Integrity, Journal, KeyId, Sequence, StreamId};
use azconnect::http::{Request, Response, Transport};
use azconnect::rotation::{RemovalCause, RotationEvent};
use azconnect_emulator::{ApplicationTruth, CertificateTruth, Held, PasswordTruth, Truth};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::contoso::{Contoso, connections, deploy, foreign_key, old_key, policy};

/// What the judge has seen.
#[derive(Default)]
struct Seen {
    events: Vec<(OffsetDateTime, RotationEvent)>,
    epochs: Vec<u64>,
}

/// A secret or a certificate, as the truth knows it.
#[derive(Clone, Debug)]
pub struct KeyTruth {
    /// Its public id.
    pub key_id: KeyId,
    display_name: Option<String>,
    starts_at: OffsetDateTime,
    ends_at: OffsetDateTime,
    /// Whether it has not been removed.
    pub live: bool,
    removed_at: Option<OffsetDateTime>,
}

impl From<&PasswordTruth> for KeyTruth {
    fn from(one: &PasswordTruth) -> Self {
        Self {
            key_id: one.key_id,
            display_name: one.display_name.clone(),
            starts_at: one.starts_at,
            ends_at: one.ends_at,
            live: one.live,
            removed_at: one.removed_at,
        }
    }
}

impl From<&CertificateTruth> for KeyTruth {
    fn from(one: &CertificateTruth) -> Self {
        Self {
            key_id: one.key_id,
            display_name: one.display_name.clone(),
            starts_at: one.starts_at,
            ends_at: one.ends_at,
            live: one.live,
            removed_at: one.removed_at,
        }
    }
}

/// What is rotated: which keys of the deploy application, and who holds them.
#[derive(Clone, Debug)]
pub struct Case {
    /// The keys of the kind that is rotated.
    pub keys: fn(&ApplicationTruth) -> Vec<KeyTruth>,
    /// The key that was handed over.
    pub old: KeyId,
    /// The key of another team.
    pub foreign: KeyId,
    /// The service connections that hold the key.
    pub connections: Vec<Uuid>,
}

impl Case {
    /// The client secret, and both connections that hold it.
    pub fn of_secrets() -> Self {
        let keys = |one: &ApplicationTruth| one.passwords.iter().map(KeyTruth::from).collect();
        Self { keys, old: old_key(), foreign: foreign_key(), connections: connections().to_vec() }
    }

    /// The keys of the deploy application.
    pub fn all(&self, truth: &Truth) -> Vec<KeyTruth> {
        (self.keys)(truth.application(deploy()).unwrap())
    }
}

/// Watches a rotation of the deploy application from the side of the truth.
pub struct Judge {
    case: Case,
    emulator: azconnect_emulator::Emulator,
    clock: azconnect_testkit::VirtualClock,
    journal: Arc<dyn Journal>,
    seen: Mutex<Seen>,
}

impl Judge {
    /// A judge over Contoso.
    pub fn new(contoso: &Contoso) -> Arc<Self> {
        Self::of(contoso, Case::of_secrets())
    }

    /// A judge over Contoso, where something else than its secret is rotated.
    pub fn of(contoso: &Contoso, case: Case) -> Arc<Self> {
        Arc::new(Self {
            case,
            emulator: contoso.emulator.clone(),
            clock: contoso.clock.clone(),
            journal: contoso.journal.clone(),
            seen: Mutex::default(),
        })
    }

    /// The journal under the judge's eyes.
    pub fn journal(self: &Arc<Self>) -> Arc<dyn Journal> {
        Arc::new(JudgedJournal(self.clone()))
    }

    /// The cloud under the judge's eyes.
    pub fn transport(self: &Arc<Self>) -> Arc<dyn Transport> {
        Arc::new(JudgedTransport { judge: self.clone(), inner: self.emulator.transport() })
    }

    /// Judges this moment.
    pub fn judge(&self) {
        let truth = self.emulator.truth();
        let seen = self.seen.lock().unwrap();
        let all = self.case.all(&truth);
        let live: Vec<_> = all.iter().filter(|key| key.live).collect();
        self.minted_only_as_intended(&seen, &live);
        self.removed_only_ours(&seen, &all);
        self.removed_only_with_proof(&seen, &all);
        self.consumers_work(&truth);
        assert!(seen.epochs.is_sorted(), "I5: epochs only grow: {:?}", seen.epochs);
        let compensating = seen.events.iter().any(|(_, event)| {
            matches!(
                event,
                RotationEvent::MintUnanswered { .. }
                    | RotationEvent::Resumed
                    | RotationEvent::RemovalIntended { cause: RemovalCause::Lost, .. }
            )
        });
        let ours = live.iter().filter(|key| marker(key).is_some() || key.key_id == self.case.old).count();
        assert!(ours <= if compensating { 3 } else { 2 }, "I3: {ours} live secrets are ours");
    }

    /// I2: whatever carries our marker was intended before it existed.
    fn minted_only_as_intended(&self, seen: &Seen, live: &[&KeyTruth]) {
        for password in live.iter().filter(|password| marker(password).is_some()) {
            let intended = seen.events.iter().any(|(at, event)| match event {
                RotationEvent::MintIntended { marker: intended, .. } => {
                    Some(intended.as_str()) == marker(password) && *at <= self.clock.now()
                }
                _ => false,
            });
            assert!(intended, "I2: {:?} was never intended", password.display_name);
            // I6: it outlives the next rotation and its retries.
            let lasts = password.ends_at - password.starts_at;
            assert!(lasts > policy().rotate_before + policy().retry_budget, "I6: it lasts {lasts} only");
        }
    }

    /// I4: only the adopted key and keys with our marker are ever removed.
    fn removed_only_ours(&self, seen: &Seen, all: &[KeyTruth]) {
        let known: BTreeSet<KeyId> = seen.events.iter().filter_map(|(_, event)| intended_removal(event)).collect();
        for key in all.iter().filter(|key| !key.live) {
            let ours = key.key_id == self.case.old || marker(key).is_some();
            assert!(ours, "I4: {:?} is not ours", key.display_name);
            assert!(known.contains(&key.key_id), "I4: the removal of {} was not recorded before", key.key_id);
        }
        let foreign = all.iter().find(|key| key.key_id == self.case.foreign);
        assert!(foreign.is_some_and(|key| key.live), "I4: the foreign key is gone");
    }

    /// I1, I8 and I9: when the old secret goes, everybody has proved the new one, and "gone" is said only after absence in
    /// spaced reads.
    fn removed_only_with_proof(&self, seen: &Seen, all: &[KeyTruth]) {
        let old = all.iter().find(|key| key.key_id == self.case.old).unwrap();
        if let Some(removed_at) = old.removed_at {
            let before = |wanted: &dyn Fn(&RotationEvent) -> bool| {
                seen.events.iter().rev().find(|(at, event)| *at <= removed_at && wanted(event)).map(|(at, _)| *at)
            };
            let cut_over =
                before(&|event| matches!(event, RotationEvent::CutOver)).expect("I1: it was cut over before");
            let cleared = before(&|event| matches!(event, RotationEvent::Cleared { .. }))
                .expect("I1: it was proved again before");
            assert!(cleared >= cut_over + policy().grace, "I1: the grace had passed");
            let verified = |sink: &str| {
                before(
                    &|event| matches!(event, RotationEvent::SinkVerified { sink: known, .. } if known.as_str().ends_with(sink)),
                )
            };
            for connection in &self.case.connections {
                assert!(verified(&connection.to_string()).is_some(), "I1: {connection} had its proof");
            }
            let held =
                before(&|event| matches!(event, RotationEvent::GateHeld { .. } | RotationEvent::SinkDisproved { .. }));
            assert!(held.is_none_or(|held| held <= cleared), "I9: nothing doubtful came after the last proof");
        }
        for (index, (_, event)) in seen.events.iter().enumerate() {
            let RotationEvent::Removed { key } = event else { continue };
            let mut reads = Vec::new();
            for (at, event) in seen.events[..index].iter().rev() {
                match event {
                    RotationEvent::KeyRead { key: read, listed: false } if read == key => reads.push(*at),
                    RotationEvent::KeyRead { key: read, .. } | RotationEvent::RemovalIntended { key: read, .. }
                        if read == key =>
                    {
                        break;
                    }
                    _ => {}
                }
            }
            assert!(reads.len() >= 3, "I8: {key} was absent in {} reads only", reads.len());
            assert!(
                reads.windows(2).all(|pair| pair[0] - pair[1] >= policy().absence_spacing),
                "I8: the reads are spaced"
            );
        }
    }

    /// I11: what a consumer holds is accepted by every replica, all the time.
    fn consumers_work(&self, truth: &Truth) {
        for id in &self.case.connections {
            let connection = truth.connection(*id).unwrap();
            assert!(matches!(connection.holds, Held::Key(_)), "I11: {} holds {:?}", connection.name, connection.holds);
            assert!(connection.secret_usable_now, "I11: {} holds a credential that Entra refuses", connection.name);
        }
    }
}

fn marker(password: &KeyTruth) -> Option<&str> {
    password.display_name.as_deref().filter(|name| name.starts_with("azconnect "))
}

fn intended_removal(event: &RotationEvent) -> Option<KeyId> {
    match event {
        RotationEvent::RemovalIntended { key, .. } => Some(*key),
        _ => None,
    }
}

struct JudgedJournal(Arc<Judge>);

#[async_trait]
impl Journal for JudgedJournal {
    async fn append(&self, append: Append) -> Result<Sequence, Error> {
        let epoch = append.epoch.0;
        let records = append.records.clone();
        let sequence = self.0.journal.append(append).await?;
        {
            let mut seen = self.0.seen.lock().unwrap();
            seen.epochs.push(epoch);
            let events = records.iter().filter(|record| !record.is_checkpoint());
            let events = events.map(|record| (record.at, serde_json::from_str(&record.payload).unwrap()));
            seen.events.extend(events);
        }
        self.0.judge();
        Ok(sequence)
    }

    async fn read(&self, stream: &StreamId, after: Sequence) -> Result<Vec<Entry>, Error> {
        self.0.journal.read(stream, after).await
    }

    async fn latest(&self, stream: &StreamId) -> Result<Vec<Entry>, Error> {
        self.0.journal.latest(stream).await
    }

    async fn unfinished(&self) -> Result<Vec<StreamId>, Error> {
        self.0.journal.unfinished().await
    }

    fn integrity(&self) -> Integrity {
        self.0.journal.integrity()
    }
}

struct JudgedTransport {
    judge: Arc<Judge>,
    inner: Arc<dyn Transport>,
}

#[async_trait]
impl Transport for JudgedTransport {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        self.judge.judge();
        let answer = self.inner.send(request).await;
        self.judge.judge();
        answer
    }
}
