//! The judge: asks the emulator's ground truth and the journal whether the invariants hold, at every exchange and append.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use azconnect::core::{Append, Clock, Entry, Error, Integrity, Journal, KeyId, Sequence, StreamId};
use azconnect::http::{Request, Response, Transport};
use azconnect::rotation::{RemovalCause, RotationEvent};
use azconnect_emulator::{Held, PasswordTruth, Truth};
use time::OffsetDateTime;

use crate::contoso::{Contoso, connections, deploy, foreign_key, old_key, policy};

/// What the judge has seen.
#[derive(Default)]
struct Seen {
    events: Vec<(OffsetDateTime, RotationEvent)>,
    epochs: Vec<u64>,
}

/// Watches a rotation of the deploy secret from the side of the truth.
pub struct Judge {
    emulator: azconnect_emulator::Emulator,
    clock: azconnect_testkit::VirtualClock,
    journal: Arc<dyn Journal>,
    seen: Mutex<Seen>,
}

impl Judge {
    /// A judge over Contoso.
    pub fn new(contoso: &Contoso) -> Arc<Self> {
        Arc::new(Self {
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
        let application = truth.application(deploy()).unwrap();
        let live: Vec<_> = application.passwords.iter().filter(|password| password.live).collect();
        self.minted_only_as_intended(&seen, &live);
        removed_only_ours(&seen, &truth);
        removed_only_with_proof(&seen, &truth);
        consumers_work(&truth);
        assert!(seen.epochs.is_sorted(), "I5: epochs only grow: {:?}", seen.epochs);
        let compensating = seen.events.iter().any(|(_, event)| {
            matches!(
                event,
                RotationEvent::MintUnanswered { .. }
                    | RotationEvent::Resumed
                    | RotationEvent::RemovalIntended { cause: RemovalCause::Lost, .. }
            )
        });
        let ours = live.iter().filter(is_ours).count();
        assert!(ours <= if compensating { 3 } else { 2 }, "I3: {ours} live secrets are ours");
    }

    /// I2: whatever carries our marker was intended before it existed.
    fn minted_only_as_intended(&self, seen: &Seen, live: &[&PasswordTruth]) {
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
}

fn marker(password: &PasswordTruth) -> Option<&str> {
    password.display_name.as_deref().filter(|name| name.starts_with("azconnect "))
}

fn is_ours(password: &&&PasswordTruth) -> bool {
    marker(password).is_some() || password.key_id == old_key()
}

/// I4: only the adopted key and keys with our marker are ever removed.
fn removed_only_ours(seen: &Seen, truth: &Truth) {
    let known: BTreeSet<KeyId> = seen.events.iter().filter_map(|(_, event)| intended_removal(event)).collect();
    for password in truth.applications.iter().flat_map(|application| &application.passwords).filter(|p| !p.live) {
        assert!(
            password.key_id == old_key() || marker(password).is_some(),
            "I4: {:?} is not ours",
            password.display_name
        );
        assert!(known.contains(&password.key_id), "I4: the removal of {} was not recorded before", password.key_id);
    }
    let foreign = truth.application(deploy()).unwrap().passwords.iter().find(|p| p.key_id == foreign_key()).unwrap();
    assert!(foreign.live, "I4: the foreign secret is gone");
}

fn intended_removal(event: &RotationEvent) -> Option<KeyId> {
    match event {
        RotationEvent::RemovalIntended { key, .. } => Some(*key),
        _ => None,
    }
}

/// I1, I8 and I9: when the old secret goes, everybody has proved the new one, and "gone" is said only after absence in
/// spaced reads.
fn removed_only_with_proof(seen: &Seen, truth: &Truth) {
    let old = truth.application(deploy()).unwrap().passwords.iter().find(|p| p.key_id == old_key()).unwrap();
    if let Some(removed_at) = old.removed_at {
        let before = |wanted: &dyn Fn(&RotationEvent) -> bool| {
            seen.events.iter().rev().find(|(at, event)| *at <= removed_at && wanted(event)).map(|(at, _)| *at)
        };
        let cut_over = before(&|event| matches!(event, RotationEvent::CutOver)).expect("I1: it was cut over before");
        let cleared =
            before(&|event| matches!(event, RotationEvent::Cleared { .. })).expect("I1: it was proved again before");
        assert!(cleared >= cut_over + policy().grace, "I1: the grace had passed");
        let verified = |sink: &str| {
            before(
                &|event| matches!(event, RotationEvent::SinkVerified { sink: known, .. } if known.as_str().ends_with(sink)),
            )
        };
        for connection in connections() {
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
        assert!(reads.windows(2).all(|pair| pair[0] - pair[1] >= policy().absence_spacing), "I8: the reads are spaced");
    }
}

/// I11: what a consumer holds is accepted by every replica, all the time.
fn consumers_work(truth: &Truth) {
    for id in connections() {
        let connection = truth.connection(id).unwrap();
        assert!(matches!(connection.holds, Held::Key(_)), "I11: {} holds {:?}", connection.name, connection.holds);
        assert!(connection.secret_usable_now, "I11: {} holds a secret that Entra refuses", connection.name);
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
