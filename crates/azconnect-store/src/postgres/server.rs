//! The server: its connections, and how long it is waited for.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use azconnect_core::{Clock, Error, ErrorKind};
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use tokio_postgres::Config;
use tokio_postgres_rustls::MakeRustlsConnect;

/// What every transaction needs of the server.
pub(super) struct Server {
    pub(super) pool: Pool,
    pub(super) schema: String,
    pub(super) limits: Limits,
    pub(super) clock: Arc<dyn Clock>,
}

/// How long a step may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) connect: Duration,
    pub(super) statement: Duration,
    pub(super) lock: Duration,
}

impl Limits {
    /// How long an answer is waited for, where neither the server nor its network says anything any more. Longer than the
    /// server's own limits, so that its errors arrive.
    pub(super) fn answer(&self) -> Duration {
        self.statement.saturating_mul(2).saturating_add(self.connect)
    }
}

impl Server {
    /// What a future gives, unless it takes longer than a limit.
    pub(super) async fn within<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        let (mut work, mut end) = (pin!(work), self.clock.sleep(limit));
        std::future::poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => end.as_mut().poll(context).map(|()| None),
        })
        .await
    }
}

/// The connections, none of which is made yet. Each is driven by a task of the runtime, which the pool starts and ends.
pub(super) fn pool(config: Config, tls: MakeRustlsConnect, size: usize) -> Result<Pool, Error> {
    // Nothing is kept in a session, so a connection needs no cleaning between two calls.
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(config, tls, recycling);
    let pool = Pool::builder(manager).max_size(size).build();
    pool.map_err(|error| Error::new(ErrorKind::Unexpected, "the pool of connections was not made").with_source(error))
}
