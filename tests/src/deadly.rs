//! Processes that die at a chosen moment: what they were doing never returns, and nobody cleans up after them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use azconnect::core::{Append, Entry, Error, Integrity, Journal, Sequence, StreamId};
use azconnect::http::{Request, Response, Transport};
use tokio::sync::Notify;

/// Where a process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before the n-th thing happens.
    Before(u32),
    /// After it happened, and before anybody learns of it.
    After(u32),
    /// Never.
    Never,
}

/// A process's end.
#[derive(Default)]
pub struct Death {
    count: AtomicU32,
    notify: Notify,
}

impl Death {
    /// How many things have happened or been tried.
    pub fn count(&self) -> u32 {
        self.count.load(Ordering::SeqCst)
    }

    /// Returns when the process is dead.
    pub async fn come(&self) {
        self.notify.notified().await;
    }

    async fn at<T>(&self, moment: Moment, thing: impl Future<Output = T>) -> T {
        let number = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        if moment == Moment::Before(number) {
            return self.die().await;
        }
        let outcome = thing.await;
        if moment == Moment::After(number) {
            return self.die().await;
        }
        outcome
    }

    async fn die<T>(&self) -> T {
        self.notify.notify_one();
        std::future::pending().await
    }
}

/// A journal at one of whose appends the process dies.
pub struct DeadlyJournal {
    /// The journal that stays.
    pub inner: Arc<dyn Journal>,
    /// Where.
    pub moment: Moment,
    /// The end.
    pub death: Arc<Death>,
}

#[async_trait]
impl Journal for DeadlyJournal {
    async fn append(&self, append: Append) -> Result<Sequence, Error> {
        self.death.at(self.moment, self.inner.append(append)).await
    }

    async fn read(&self, stream: &StreamId, after: Sequence) -> Result<Vec<Entry>, Error> {
        self.inner.read(stream, after).await
    }

    async fn latest(&self, stream: &StreamId) -> Result<Vec<Entry>, Error> {
        self.inner.latest(stream).await
    }

    async fn unfinished(&self) -> Result<Vec<StreamId>, Error> {
        self.inner.unfinished().await
    }

    fn integrity(&self) -> Integrity {
        self.inner.integrity()
    }
}

/// A transport at one of whose exchanges the process dies.
pub struct DeadlyTransport {
    /// The cloud that stays.
    pub inner: Arc<dyn Transport>,
    /// Where.
    pub moment: Moment,
    /// The end.
    pub death: Arc<Death>,
}

#[async_trait]
impl Transport for DeadlyTransport {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        self.death.at(self.moment, self.inner.send(request)).await
    }
}
