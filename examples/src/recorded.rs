//! An emulator that survives the program: every exchange is sealed before it happens, and replayed at the next start.
//!
//! The emulator is deterministic: the same seed, the same start and the same requests at the same times make the same
//! world. So a program with an emulator inside can be killed at any moment and find its "cloud" as it left it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azconnect::core::{Clock, Error, ErrorKind, Secret, SecretId, SecretStore};
use azconnect::http::{Request, Response, SystemClock, Transport};
use azconnect_emulator::{Emulator, Seed};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio::sync::Mutex;

use crate::alone::Alone;

/// The emulator's clock, which stands at the recorded moment while a request is handled. Its elapsed time follows the
/// wall's, so it goes on from one program to the next.
struct ReplayClock {
    machine: SystemClock,
    started_at: OffsetDateTime,
    /// Microseconds since the start, or -1 for the machine's own time.
    replayed: AtomicI64,
}

impl ReplayClock {
    fn new(started_at: OffsetDateTime) -> Self {
        Self { machine: SystemClock::new(), started_at, replayed: AtomicI64::new(-1) }
    }

    fn since_start(&self) -> Duration {
        match self.replayed.load(Ordering::SeqCst) {
            micros if micros >= 0 => Duration::from_micros(micros.unsigned_abs()),
            _ => Duration::try_from(self.machine.now() - self.started_at).unwrap_or_default(),
        }
    }
}

#[async_trait]
impl Clock for ReplayClock {
    fn now(&self) -> OffsetDateTime {
        self.started_at + self.since_start()
    }

    fn elapsed(&self) -> Duration {
        self.since_start()
    }

    async fn sleep(&self, duration: Duration) {
        self.machine.sleep(duration).await;
    }
}

/// The way to an emulator whose exchanges are kept.
pub struct RecordedEmulator {
    emulator: Emulator,
    transport: Arc<dyn Transport>,
    clock: Arc<ReplayClock>,
    store: Arc<dyn SecretStore>,
    recorded: AtomicU64,
    /// Nobody else writes the record.
    _alone: Alone,
    /// The order of the record is the order in which the emulator acts.
    turn: Mutex<()>,
}

impl RecordedEmulator {
    /// Replays what a store holds, and records what follows. Sealed, since requests carry secrets. Only one process at a
    /// time may do so, and has the right to.
    ///
    /// # Errors
    /// If the store fails, or what it holds cannot be replayed.
    pub async fn open(seed: Seed, store: Arc<dyn SecretStore>, alone: Alone) -> Result<Arc<Self>, Error> {
        let start = SecretId::new("emulator/start")?;
        let started_at = match store.get(&start).await? {
            Some(text) => parse_micros(text.expose())?,
            None => {
                let now = SystemClock::new().now();
                store.put(&start, &Secret::new(micros(now).to_string())).await?;
                now
            }
        };
        // Cut to microseconds, as it was kept.
        let started_at = parse_micros(&micros(started_at).to_string())?;
        let clock = Arc::new(ReplayClock::new(started_at));
        clock.replayed.store(0, Ordering::SeqCst);
        let emulator = Emulator::from_seed(seed, clock.clone())?;
        let transport = emulator.transport();
        let recorded = AtomicU64::new(0);
        let this = Self { emulator, transport, clock, store, recorded, _alone: alone, turn: Mutex::new(()) };
        this.replay().await?;
        this.clock.replayed.store(-1, Ordering::SeqCst);
        Ok(Arc::new(this))
    }

    /// The emulator whose requests are recorded.
    pub fn emulator(&self) -> &Emulator {
        &self.emulator
    }

    async fn replay(&self) -> Result<(), Error> {
        while let Some(text) = self.store.get(&self.name()?).await? {
            let (at, request) = read(text.expose())?;
            self.clock.replayed.store(at, Ordering::SeqCst);
            self.recorded.fetch_add(1, Ordering::SeqCst);
            // What was answered then was read then, or lost with the program.
            let _ = self.transport.send(request).await;
        }
        Ok(())
    }

    fn name(&self) -> Result<SecretId, Error> {
        SecretId::new(format!("emulator/{}", self.recorded.load(Ordering::SeqCst)))
    }
}

#[async_trait]
impl Transport for RecordedEmulator {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let _turn = self.turn.lock().await;
        let at = i64::try_from(self.clock.since_start().as_micros()).unwrap_or(i64::MAX);
        self.store.put(&self.name()?, &Secret::new(write(at, &request)?)).await?;
        self.recorded.fetch_add(1, Ordering::SeqCst);
        self.clock.replayed.store(at, Ordering::SeqCst);
        let answer = self.transport.send(request).await;
        self.clock.replayed.store(-1, Ordering::SeqCst);
        answer
    }
}

/// One request, as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    at: i64,
    method: String,
    uri: String,
    headers: Vec<(String, String)>,
    body: String,
}

fn write(at: i64, request: &Request) -> Result<String, Error> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = request.headers().iter().map(|(name, value)| (name.to_string(), text(value.as_bytes())));
    let kept = Kept {
        at,
        method: request.method().to_string(),
        uri: request.uri().to_string(),
        headers: headers.collect(),
        body: text(request.body()),
    };
    serde_json::to_string(&kept).map_err(|_| damaged())
}

fn read(text: &str) -> Result<(i64, Request), Error> {
    let kept: Kept = serde_json::from_str(text).map_err(|_| damaged())?;
    let mut builder = http::Request::builder().method(kept.method.as_str()).uri(kept.uri);
    for (name, value) in kept.headers {
        builder = builder.header(name, value);
    }
    Ok((kept.at, builder.body(kept.body.into()).map_err(|_| damaged())?))
}

fn damaged() -> Error {
    Error::new(ErrorKind::Corrupt, "the record of the embedded emulator is damaged")
        .with_advice("choose another folder with --state")
}

fn micros(at: OffsetDateTime) -> i128 {
    at.unix_timestamp_nanos() / 1000
}

fn parse_micros(text: &str) -> Result<OffsetDateTime, Error> {
    let micros: i128 = text.parse().map_err(|_| damaged())?;
    OffsetDateTime::from_unix_timestamp_nanos(micros * 1000).map_err(|_| damaged())
}
