//! The list of certificates is written as a whole, while others change it.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Cloud, Effect, Error, ErrorKind};
use azconnect_credential::{CredentialIssuer, Marker, MintRequest};
use azconnect_graph::{CertificateIssuer, GraphClient};
use azconnect_http::{Pipeline, Request, Response, SendOptions, Transport};
use azconnect_testkit::VirtualClock;
use http::Method;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::stage::{CLIENT, KEY, Tokens, answer, refusal};

/// A certificate that is there from the start.
const OURS: &str = "00000000-0000-4000-8000-00000000000a";

/// What a directory does with a PATCH: it may act for somebody else, and answer instead of writing.
type Act = Box<dyn Fn(usize, &mut Vec<Value>) -> Option<Response> + Send + Sync>;

/// A clock of a machine that may sleep: the wall's time goes on then, and nobody's elapsed time.
#[derive(Clone)]
struct Drowsy {
    clock: VirtualClock,
    slept: Arc<Mutex<Duration>>,
}

impl Drowsy {
    fn fall_asleep(&self, time: Duration) {
        *self.slept.lock().unwrap() += time;
    }
}

#[async_trait]
impl Clock for Drowsy {
    fn now(&self) -> OffsetDateTime {
        self.clock.now() + *self.slept.lock().unwrap()
    }

    fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        self.clock.sleep(duration).await;
    }
}

/// A directory with one list, which all its replicas know at once but for one.
struct Directory {
    clock: Drowsy,
    state: Mutex<State>,
    on_write: Act,
    /// How long each answer takes, by the number of the request.
    answers_after: Box<dyn Fn(usize) -> Duration + Send + Sync>,
    /// The request during which the machine sleeps for an hour.
    sleeps_at: Option<usize>,
    /// What a replica shows that is asked over a connection in use, where there is one.
    pinned: Option<Vec<Value>>,
}

struct State {
    list: Vec<Value>,
    requests: usize,
    writes: usize,
    /// What reads show after the first write, one after the other, before they show the list.
    after: Vec<Vec<Value>>,
    /// Somebody else's additions, and when.
    later: Vec<(Duration, Value)>,
}

fn shown(key: &str) -> Value {
    json!({"keyId": key, "displayName": "x", "type": "AsymmetricX509Cert", "usage": "Verify", "key": format!("MAA{}=", &key[..3])})
}

impl Directory {
    fn new(on_write: impl Fn(usize, &mut Vec<Value>) -> Option<Response> + Send + Sync + 'static) -> Self {
        let state = State { list: vec![shown(OURS)], requests: 0, writes: 0, after: Vec::new(), later: Vec::new() };
        Self {
            clock: Drowsy { clock: VirtualClock::new(), slept: Arc::default() },
            state: Mutex::new(state),
            on_write: Box::new(on_write),
            answers_after: Box::new(|_| Duration::ZERO),
            sleeps_at: None,
            pinned: None,
        }
    }

    fn client(self: &Arc<Self>) -> GraphClient {
        let pipeline = Pipeline::new(Arc::clone(self) as Arc<dyn Transport>, Arc::new(self.clock.clone()));
        GraphClient::new(pipeline, &Cloud::public(), Tokens::new("a-token"))
    }

    fn issuer(self: &Arc<Self>) -> CertificateIssuer {
        CertificateIssuer::new(self.client(), CLIENT.parse().unwrap()).unwrap()
    }

    fn request(&self) -> MintRequest {
        MintRequest::new(Marker::new("azconnect 0001").unwrap(), self.clock.now() + Duration::from_secs(86_400))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn lists(&self, key: &str) -> bool {
        self.state().list.iter().any(|entry| entry["keyId"] == key)
    }
}

#[async_trait]
impl Transport for Directory {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let number = {
            let mut state = self.state();
            state.requests += 1;
            state.requests
        };
        self.clock.sleep((self.answers_after)(number)).await;
        if self.sleeps_at == Some(number) {
            self.clock.fall_asleep(Duration::from_secs(3600));
        }
        let mut state = self.state();
        let now = self.clock.elapsed();
        let (due, later): (Vec<_>, _) = std::mem::take(&mut state.later).into_iter().partition(|(at, _)| *at <= now);
        state.later = later;
        state.list.extend(due.into_iter().map(|(_, entry)| entry));
        if *request.method() == Method::PATCH {
            state.writes += 1;
            let number = state.writes;
            if let Some(answer) = (self.on_write)(number, &mut state.list) {
                return Ok(answer);
            }
            let body: Value = serde_json::from_slice(request.body()).unwrap();
            state.list = body["keyCredentials"].as_array().unwrap().clone();
            return Ok(http::Response::builder().status(204).body("".into()).unwrap());
        }
        let pinned = self.pinned.as_ref().filter(|_| !SendOptions::of(&request).fresh_connection);
        let next = (state.writes > 0 && !state.after.is_empty()).then(|| state.after.remove(0));
        let list = next.as_ref().or(pinned).unwrap_or(&state.list);
        Ok(answer(200, &json!({"keyCredentials": list})))
    }
}

fn refused(number: usize) -> Response {
    match number {
        0 => {
            let mut answer = refusal(429, "TooManyRequests", "slow down");
            answer.headers_mut().insert("retry-after", "20".parse().unwrap());
            answer
        }
        1 => refusal(409, "Directory_ConcurrencyViolation", "Unable to process the request due to concurrent requests"),
        _ => refusal(401, "InvalidAuthenticationToken", "the token has ended"),
    }
}

/// Whoever repeats the write sends a list that lacks what was added since it was read.
#[tokio::test(start_paused = true)]
async fn a_refused_list_is_not_sent_again_as_it_was() {
    for number in 0..3 {
        for adds in [true, false] {
            let directory = Arc::new(Directory::new(move |write, list| {
                (write == 1).then(|| {
                    list.push(shown(KEY));
                    refused(number)
                })
            }));
            let issuer = directory.issuer();
            let error = match adds {
                true => issuer.mint(&directory.request()).await.map(drop).unwrap_err(),
                false => issuer.retire(OURS.parse().unwrap()).await.map(drop).unwrap_err(),
            };
            assert_eq!((error.effect(), directory.state().writes), (Effect::None, 1), "{number} {adds}: {error}");
            if adds {
                issuer.mint(&directory.request()).await.unwrap();
            } else {
                issuer.retire(OURS.parse().unwrap()).await.unwrap();
            }
            assert!(directory.lists(KEY) && directory.lists(OURS) == adds, "{number} {adds}");
        }
    }
}

/// A set-up that waits for what passes begins again with reading.
#[tokio::test(start_paused = true)]
async fn a_client_that_rides_refusals_out_reads_the_list_again() {
    for number in 0..2 {
        let directory = Arc::new(Directory::new(move |write, list| {
            (write == 1).then(|| {
                list.push(shown(KEY));
                refused(number)
            })
        }));
        let client = directory.client().with_settling_time(Duration::from_secs(120));
        let application: azconnect_core::ClientId = CLIENT.parse().unwrap();
        assert!(client.add_certificate(application, "new", "MAAB").await.unwrap());
        assert!(directory.lists(KEY) && directory.lists(OURS));
        assert_eq!(directory.state().list.len(), 3);
        client.remove_certificate(application, OURS.parse().unwrap()).await.unwrap();
        assert!(directory.lists(KEY) && !directory.lists(OURS));
    }
}

/// One kept connection may lead to one replica for as long as it lives, and that replica agrees with itself.
#[tokio::test(start_paused = true)]
async fn a_replica_that_lags_for_long_is_not_the_only_one_asked() {
    let mut directory = Directory::new(|_, _| None);
    directory.pinned = Some(vec![shown(OURS)]);
    directory.state().list.push(shown(KEY));
    let directory = Arc::new(directory);
    directory.issuer().mint(&directory.request()).await.unwrap();
    assert!(directory.lists(KEY));
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_came_and_went_during_a_removal_is_named() {
    let directory = Arc::new(Directory::new(|_, _| None));
    directory.state().after = vec![vec![shown(OURS), shown(KEY)]];
    let error = directory.issuer().retire(OURS.parse().unwrap()).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Conflict, Effect::Unknown));
    assert!(error.message().contains(KEY) && !error.message().contains(OURS), "{error}");
    // What this process itself has just added is nobody else's.
    let directory = Arc::new(Directory::new(|_, _| None));
    let issuer = directory.issuer();
    let minted = issuer.mint(&directory.request()).await.unwrap();
    directory.state().after = vec![vec![shown(OURS), shown(&minted.key.to_string())]];
    issuer.retire(OURS.parse().unwrap()).await.unwrap();
}

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

/// Reads every 3 seconds for 24 seconds: the first of them, those between, and the last.
const READS: usize = 9;

/// A process may be suspended, or its request held up, between the last read and the write.
#[tokio::test(start_paused = true)]
async fn a_list_that_was_written_late_is_no_success() {
    for late in 0..3 {
        let mut directory = Directory::new(|_, _| None);
        match late {
            0 => directory.answers_after = Box::new(|number| seconds(if number > READS { 16 } else { 0 })),
            // The time of the last read counts as well.
            1 => {
                directory.answers_after = Box::new(|number| {
                    seconds([0, 6, 10][1 + usize::from(number > READS) - usize::from(number < READS)])
                })
            }
            _ => directory.sleeps_at = Some(READS + 1),
        }
        let directory = Arc::new(directory);
        let error = directory.issuer().retire(OURS.parse().unwrap()).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Conflict, Effect::Unknown), "{late}: {error}");
    }
}

/// Whoever asked for a pause, or whom a sleeping machine heard late, has shown the list once and not for so long.
#[tokio::test(start_paused = true)]
async fn a_read_that_takes_long_is_no_agreement_of_many() {
    for late in 1..=READS {
        for sleeps in [false, true] {
            let mut directory = Directory::new(|_, _| None);
            if sleeps {
                directory.sleeps_at = Some(late);
            } else {
                directory.answers_after = Box::new(move |number| seconds(if number == late { 25 } else { 0 }));
            }
            let directory = Arc::new(directory);
            let error = directory.issuer().retire(OURS.parse().unwrap()).await;
            // After an hour of sleep there is time to begin anew, if it was early.
            let (is_early, writes) = (sleeps && late <= 3, directory.state().writes);
            assert!(!is_early || directory.state().requests > READS + late, "{late}");
            assert_eq!((error.is_ok(), writes), (is_early, usize::from(is_early)), "{late} {sleeps}: {error:?}");
        }
    }
}

/// What was written here an hour ago may have been removed by hand since, while the machine slept.
#[tokio::test(start_paused = true)]
async fn a_certificate_that_somebody_removed_does_not_come_back() {
    let directory = Arc::new(Directory::new(|_, _| None));
    let issuer = directory.issuer();
    let minted = issuer.mint(&directory.request()).await.unwrap();
    directory.state().list.retain(|entry| entry["keyId"] != minted.key.to_string());
    directory.clock.fall_asleep(Duration::from_secs(3600));
    issuer.retire(OURS.parse().unwrap()).await.unwrap();
    assert!(!directory.lists(&minted.key.to_string()));
}

/// Callers give a call 45 seconds: dropped after the write, a new key would be lost.
#[tokio::test(start_paused = true)]
async fn a_change_ends_in_time_whenever_somebody_else_writes() {
    for at in 0..40 {
        let mut directory = Directory::new(|_, _| None);
        directory.answers_after = Box::new(|_| Duration::from_millis(400));
        directory.state().later = vec![(seconds(at) + Duration::from_millis(500), shown(KEY))];
        let directory = Arc::new(directory);
        let outcome = directory.issuer().retire(OURS.parse().unwrap()).await;
        assert!(directory.clock.elapsed() < Duration::from_secs(45), "{at}: {:?}", directory.clock.elapsed());
        assert_eq!(outcome.is_err(), directory.lists(OURS), "{at}");
        assert!(directory.lists(KEY) || !directory.state().later.is_empty(), "{at}");
    }
}
