//! The stage, the calls that were made on it, and what happens at which of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use azconnect_core::{Clock, Error, Journal, KeyId, Lease, SecretStore};
use azconnect_credential::SinkId;
use azconnect_store::{MemoryJournal, MemoryLease, MemorySecrets};
use azconnect_testkit::VirtualClock;
use azconnect_testkit::fake::Directory;
use tokio::sync::Notify;

use crate::judge::Judge;
use crate::luck::{Kind, Luck};

pub const DAY: Duration = Duration::from_secs(86_400);
pub const TERM: Duration = Duration::from_secs(300);

/// How long a hanging call may be waited for.
const LONGEST_CALL: Duration = Duration::from_secs(900);

pub fn sink(name: &str) -> SinkId {
    SinkId::new(name).unwrap()
}

pub struct World {
    pub clock: VirtualClock,
    pub directory: Directory,
    pub journal: Arc<dyn Journal>,
    pub secrets: Arc<dyn SecretStore>,
    pub lease: Arc<dyn Lease>,
    /// The process that works now is dead or asleep.
    pub stopped: Notify,
    /// The process that sleeps goes on.
    pub woken: Notify,
    inner: Mutex<Inner>,
}

pub struct Inner {
    pub judge: Judge,
    /// What happens at which call, counted from the beginning of the plan.
    plan: BTreeMap<usize, Luck>,
    /// The calls that were made under the plan.
    pub calls: Vec<Kind>,
    pub processes: u32,
    pub asleep: bool,
    /// Whether a person took the adoption of the first secret back: the next process knows.
    pub unadopted: bool,
    recording: bool,
}

impl World {
    pub fn new() -> Arc<Self> {
        let clock = VirtualClock::new();
        let directory = Directory::new(Arc::new(clock.clone())).with_lag(Duration::from_secs(20)).with_flapping(true);
        let old = directory.seed_key(Some("by hand"), clock.now() + 9 * DAY);
        let foreign = directory.seed_key(Some("somebody else's"), clock.now() + 900 * DAY);
        for name in ["a", "b"] {
            directory.seed_sink(&sink(name), Some(old));
        }
        let lease = Arc::new(MemoryLease::new(Arc::new(clock.clone())));
        Arc::new(Self {
            directory,
            journal: Arc::new(MemoryJournal::new()),
            secrets: Arc::new(MemorySecrets::new()),
            lease,
            stopped: Notify::new(),
            woken: Notify::new(),
            inner: Mutex::new(Inner {
                judge: Judge::new(clock.clone(), old, foreign),
                plan: BTreeMap::new(),
                calls: Vec::new(),
                processes: 0,
                asleep: false,
                unadopted: false,
                recording: false,
            }),
            clock,
        })
    }

    pub fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// From here on calls are counted, and what is planned happens.
    pub fn begin(&self, plan: &[(usize, Luck)]) {
        let mut inner = self.inner();
        inner.plan = plan.iter().copied().collect();
        inner.recording = true;
    }

    /// From here on nothing happens any more, and everything works.
    pub fn calm(&self) {
        self.inner().recording = false;
        self.directory.heal();
    }

    /// Makes one call, with what is planned for it.
    pub async fn call<T>(&self, kind: Kind, effect: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let luck = self.next(kind);
        match luck {
            None | Some(Luck::Rejects | Luck::Unseen) => effect.await,
            Some(Luck::CrashBefore) => self.stop().await,
            Some(Luck::CrashAfter) => {
                let _ = effect.await;
                self.stop().await
            }
            Some(Luck::Suspended) => {
                self.inner().asleep = true;
                self.stopped.notify_one();
                self.woken.notified().await;
                effect.await
            }
            Some(Luck::Hangs) => {
                self.clock.sleep(LONGEST_CALL).await;
                self.inner().judge.accuse(format!("I12: a call that never answers is waited for: {kind:?}"));
                self.stop().await
            }
            Some(luck @ Luck::AnswerLost) => {
                let _ = effect.await;
                Err(luck.error(kind))
            }
            Some(luck) if luck.is_by_hand() => {
                self.by_hand(luck);
                effect.await
            }
            Some(luck) => Err(luck.error(kind)),
        }
    }

    /// What is planned for the call that was made last, where a port answers it in its own way.
    fn next(&self, kind: Kind) -> Option<Luck> {
        let mut inner = self.inner();
        if !inner.recording {
            return None;
        }
        inner.calls.push(kind);
        let number = inner.calls.len() - 1;
        inner.plan.get(&number).copied()
    }

    /// Whether the call that is made next is to be answered so. Looked at before the call counts.
    pub fn comes(&self, luck: Luck) -> bool {
        let inner = self.inner();
        inner.recording && inner.plan.get(&inner.calls.len()) == Some(&luck)
    }

    /// A dead process does not go on, not even to release its lease.
    async fn stop<T>(&self) -> Result<T, Error> {
        self.stopped.notify_one();
        std::future::pending().await
    }

    fn by_hand(&self, luck: Luck) {
        let (first, newest) = {
            let judge = &self.inner().judge;
            (judge.first, judge.newest())
        };
        match luck {
            Luck::DeletesOld => self.delete(first),
            Luck::DeletesNew => {
                if let Some(key) = newest {
                    self.delete(key);
                }
            }
            Luck::PutsOldBack => {
                self.directory.put_by_hand(&sink("a"), first);
                self.inner().judge.put_by_hand(&sink("a"));
            }
            Luck::Unadopts => self.inner().unadopted = true,
            _ => {}
        }
    }

    fn delete(&self, key: KeyId) {
        if self.directory.delete_by_hand(key) {
            self.inner().judge.deleted_by_hand(key);
        }
    }
}
