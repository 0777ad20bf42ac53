//! A transport whose services are a function of the test's.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use azconnect_core::{Clock, Error};
use azconnect_http::{
    Request, Response, SendOptions, Transport, answer_lost, answer_too_large, no_answer, not_connected,
    require_safe_address,
};

/// How a service treats a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Conduct {
    /// It answers with this response.
    Answer(Response),
    /// It takes no connection, so the request provably had no effect.
    Refuse,
    /// It reads the request, and the connection breaks before it has answered.
    Break,
    /// It reads the request, and never answers.
    Hang,
}

/// A [`Transport`] without a network: a function says how each request is treated. Clones are the same transport.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::sync::Arc;
///
/// use azconnect_core::Effect;
/// use azconnect_http::Transport;
/// use azconnect_testkit::ManualClock;
/// use azconnect_testkit::fake::{Conduct, Wire};
///
/// let wire = Wire::new(Arc::new(ManualClock::new()), |request| match request.uri().path() {
///     "/hello" => Conduct::Answer(http::Response::new("world".into())),
///     _ => Conduct::Break,
/// });
/// let get = |address: &str| http::Request::get(address).body(Default::default()).unwrap();
///
/// let answer = wire.send(get("https://service.example/hello")).await?;
/// assert_eq!(answer.body(), "world");
/// let lost = wire.send(get("https://service.example/other")).await.unwrap_err();
/// assert_eq!(lost.effect(), Effect::Unknown);
/// assert_eq!(wire.requests().len(), 2);
/// # Ok::<(), azconnect_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Wire {
    clock: Arc<dyn Clock>,
    treat: Arc<dyn Fn(&Request) -> Conduct + Send + Sync>,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Wire {
    /// A transport to whatever a function makes of the requests. The clock measures how long a service hangs.
    pub fn new(clock: Arc<dyn Clock>, treat: impl Fn(&Request) -> Conduct + Send + Sync + 'static) -> Self {
        Self { clock, treat: Arc::new(treat), requests: Arc::default() }
    }

    /// Every request that reached a service, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.received().clone()
    }

    fn received(&self) -> MutexGuard<'_, Vec<Request>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        // As the real transport does: a client that sends a token over plain http must fail in tests too.
        require_safe_address(&request, true)?;
        let options = SendOptions::of(&request);
        let conduct = (self.treat)(&request);
        // Before the request is noted: a refused connection carries none.
        if matches!(conduct, Conduct::Refuse) {
            return Err(not_connected("the test refuses the connection"));
        }
        self.received().push(request);
        match conduct {
            Conduct::Answer(answer) if answer.body().len() > options.answer_limit => {
                Err(answer_too_large(options.answer_limit))
            }
            Conduct::Answer(answer) => Ok(answer),
            Conduct::Hang => {
                self.clock.sleep(options.timeout).await;
                Err(no_answer(options.timeout))
            }
            Conduct::Refuse | Conduct::Break => Err(answer_lost("the test breaks the connection")),
        }
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("requests", &self.received().len()).finish_non_exhaustive()
    }
}
