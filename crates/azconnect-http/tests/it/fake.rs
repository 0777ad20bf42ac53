//! A transport and tokens under the test's control.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Error, Scope, Secret};
use azconnect_credential::{AccessToken, TokenProvider};
use azconnect_http::{Pipeline, Request, Response, SendOptions, Transport};
use azconnect_testkit::VirtualClock;
use time::OffsetDateTime;

/// What happens to one attempt.
pub(crate) enum Step {
    Answer(Response),
    Fail(Error),
    /// Nothing, for longer than anybody waits.
    Hang,
}

/// Plays its steps one after the other, the last one for ever, and remembers what it was sent and when.
pub(crate) struct Script {
    clock: VirtualClock,
    steps: Mutex<VecDeque<Step>>,
    seen: Mutex<Vec<(Duration, Request)>>,
}

impl Script {
    pub(crate) fn new(clock: &VirtualClock, steps: impl IntoIterator<Item = Step>) -> Arc<Self> {
        Arc::new(Self { clock: clock.clone(), steps: Mutex::new(steps.into_iter().collect()), seen: Mutex::default() })
    }

    pub(crate) fn pipeline(self: &Arc<Self>) -> Pipeline {
        Pipeline::new(Arc::clone(self) as Arc<dyn Transport>, Arc::new(self.clock.clone()))
    }

    /// How many attempts were made.
    pub(crate) fn attempts(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// When each attempt was made.
    pub(crate) fn times(&self) -> Vec<Duration> {
        self.seen.lock().unwrap().iter().map(|(at, _)| *at).collect()
    }

    /// The value of a header in each attempt.
    pub(crate) fn header(&self, name: &str) -> Vec<Option<String>> {
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|(_, sent)| Some(sent.headers().get(name)?.to_str().unwrap().to_owned())).collect()
    }

    /// The address of each attempt.
    pub(crate) fn addresses(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|(_, sent)| sent.uri().to_string()).collect()
    }

    /// The longest time each attempt was allowed to take.
    pub(crate) fn timeouts(&self) -> Vec<Duration> {
        self.seen.lock().unwrap().iter().map(|(_, sent)| SendOptions::of(sent).timeout).collect()
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        self.seen.lock().unwrap().push((self.clock.elapsed(), request));
        let step = {
            let mut steps = self.steps.lock().unwrap();
            match steps.len() {
                0 => panic!("nothing was scripted"),
                1 => repeat(&steps[0]),
                _ => steps.pop_front().unwrap(),
            }
        };
        match step {
            Step::Answer(answer) => Ok(answer),
            Step::Fail(error) => Err(error),
            Step::Hang => {
                self.clock.sleep(Duration::from_secs(86_400 * 365)).await;
                panic!("somebody waited a year");
            }
        }
    }
}

fn repeat(step: &Step) -> Step {
    match step {
        Step::Answer(answer) => Step::Answer(answer.clone()),
        Step::Fail(error) => Step::Fail(Error::new(error.kind(), error.message()).with_effect(error.effect())),
        Step::Hang => Step::Hang,
    }
}

/// An answer with a status, headers and a body.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Step {
    let mut builder = http::Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    Step::Answer(builder.body(body.to_owned().into()).unwrap())
}

/// An answer with a status alone.
pub(crate) fn status(status: u16) -> Step {
    answer(status, &[], "")
}

/// Tokens named by a number, which grows when one is refused.
#[derive(Default)]
pub(crate) struct Tokens {
    refused: AtomicUsize,
    broken_after: Option<usize>,
    wanted: Mutex<Vec<String>>,
}

impl Tokens {
    /// Tokens until so many were refused, and then none.
    pub(crate) fn broken_after(refusals: usize) -> Self {
        Self { broken_after: Some(refusals), ..Self::default() }
    }

    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }

    /// The claims that services wanted of the next token.
    pub(crate) fn wanted(&self) -> Vec<String> {
        self.wanted.lock().unwrap().clone()
    }
}

#[async_trait]
impl TokenProvider for Tokens {
    async fn token(&self, _: &Scope) -> Result<Arc<AccessToken>, Error> {
        let number = self.refused();
        if self.broken_after.is_some_and(|last| number >= last) {
            let error = Error::new(azconnect_core::ErrorKind::Unauthenticated, "the secret has expired");
            return Err(error.in_operation("entra.token").with_effect(azconnect_core::Effect::None));
        }
        let end = OffsetDateTime::UNIX_EPOCH;
        Ok(Arc::new(AccessToken::new(Secret::new(format!("token-{number}")), end, end)))
    }

    async fn invalidate(&self, _: &Scope, refused: &AccessToken) {
        assert_eq!(refused.secret.expose(), format!("token-{}", self.refused()), "it is the latest one");
        self.refused.fetch_add(1, Ordering::SeqCst);
    }

    async fn challenged(&self, scope: &Scope, refused: &AccessToken, claims: &str) {
        self.wanted.lock().unwrap().push(claims.to_owned());
        self.invalidate(scope, refused).await;
    }
}
