//! A directory, two consumers and a store, ready for a rotation.

use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Clock, Journal, KeyId, Lease, SecretStore};
use azconnect_credential::SinkId;
use azconnect_rotation::{Policy, Ports, Rotator, SinkBinding, Target};
use azconnect_store::{MemoryJournal, MemoryLease, MemorySecrets};
use azconnect_testkit::VirtualClock;
use azconnect_testkit::fake::Directory;

pub const DAY: Duration = Duration::from_secs(86_400);
pub const TERM: Duration = Duration::from_secs(30);

pub struct Stage {
    pub clock: VirtualClock,
    pub directory: Directory,
    pub old: KeyId,
    pub foreign: KeyId,
    pub journal: Arc<dyn Journal>,
    pub secrets: Arc<dyn SecretStore>,
    pub lease: Arc<dyn Lease>,
}

pub fn sink(name: &str) -> SinkId {
    SinkId::new(name).unwrap()
}

impl Stage {
    pub fn new() -> Self {
        Self::with(|directory| directory.with_lag(Duration::from_secs(20)).with_flapping(true))
    }

    pub fn with(arrange: impl FnOnce(Directory) -> Directory) -> Self {
        let clock = VirtualClock::new();
        let directory = arrange(Directory::new(Arc::new(clock.clone())));
        let old = directory.seed_key(Some("by hand"), clock.now() + 9 * DAY);
        let foreign = directory.seed_key(Some("somebody else's"), clock.now() + 200 * DAY);
        directory.seed_sink(&sink("a"), Some(old));
        directory.seed_sink(&sink("b"), Some(old));
        let lease = Arc::new(MemoryLease::new(Arc::new(clock.clone())));
        let (journal, secrets) = (Arc::new(MemoryJournal::new()), Arc::new(MemorySecrets::new()));
        Self { clock, directory, old, foreign, journal, secrets, lease }
    }

    pub fn target(&self) -> Target {
        self.bare_target()
            .with_sink(SinkBinding::new(self.directory.sink(&sink("a"))))
            .with_sink(SinkBinding::new(self.directory.sink(&sink("b"))))
    }

    pub fn bare_target(&self) -> Target {
        Target::new(self.directory.issuer(), self.directory.verifier()).with_adopted(self.old).with_policy(policy())
    }

    pub fn ports(&self) -> Ports {
        Ports::new(self.journal.clone(), self.secrets.clone(), self.lease.clone(), Arc::new(self.clock.clone()))
    }

    pub fn rotator(&self) -> Rotator {
        Rotator::new(self.ports()).with_lease_term(TERM).with_patience(30 * DAY)
    }

    pub fn is_alive(&self, key: KeyId) -> bool {
        self.directory.keys().iter().any(|issued| issued.key == key)
    }

    /// The keys that carry our marker.
    pub fn ours(&self) -> Vec<KeyId> {
        let marked = |name: &Option<String>| name.as_deref().is_some_and(|name| name.starts_with("azconnect "));
        self.directory
            .keys()
            .into_iter()
            .filter(|issued| marked(&issued.display_name))
            .map(|issued| issued.key)
            .collect()
    }

    /// Everything as it must be after a rotation: one key of ours, held by both consumers; the old one gone; the foreign
    /// one untouched; nothing sealed but the new secret.
    pub fn assert_rotated(&self) {
        let ours = self.ours();
        assert_eq!(ours.len(), 1, "exactly one key of ours is alive: {:?}", self.directory.keys());
        for name in ["a", "b"] {
            assert_eq!(self.directory.held_by(&sink(name)), Some(ours[0]), "{name} holds the new secret");
        }
        assert!(!self.is_alive(self.old), "the old key is gone");
        assert!(self.is_alive(self.foreign), "the foreign key is alive");
        assert!(self.directory.failing_sinks().is_empty(), "every consumer works");
    }
}

pub fn policy() -> Policy {
    Policy::default().with_settle(Duration::from_secs(30)).with_attempts(4)
}
