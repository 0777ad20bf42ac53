//! The way to the emulator without a socket.

use async_trait::async_trait;
use azconnect_core::Error;
use azconnect_http::{Request, Response, SendOptions, Transport};
use azconnect_http::{answer_lost, answer_too_large, no_answer, not_connected};
use futures_util::future::{Either, select};
use futures_util::pin_mut;

use crate::call::Call;
use crate::control;
use crate::emulator::{Emulator, Outcome};
use crate::service::{Origins, Service};

/// Routes the real host names to an emulator in the same process.
pub(crate) struct InProcess {
    emulator: Emulator,
    origins: Origins,
}

impl InProcess {
    pub(crate) fn new(emulator: Emulator) -> Self {
        Self { emulator, origins: Origins::public() }
    }

    fn call(&self, request: Request) -> Result<Call, Error> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        if request.uri().scheme_str() != Some("https") {
            return Err(Error::invalid("address", "the in-process emulator stands for https addresses only")
                .with_advice("use Emulator::cloud(), or the server for plain http on loopback"));
        }
        let Some(service) = Service::of_host(&host) else {
            return Err(not_connected(format!("the emulator routes no host called {host}")));
        };
        let origin = format!("https://{host}");
        Ok(Call::new(service, self.origins.clone(), origin, request, self.emulator.now()))
    }
}

#[async_trait]
impl Transport for InProcess {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let options = SendOptions::of(&request);
        let call = self.call(request)?;
        if let Some(answer) = control::answer(&self.emulator, &call) {
            return Ok(answer);
        }
        let exchange = self.emulator.exchange(call);
        let timeout = self.emulator.clock().sleep(options.timeout);
        pin_mut!(exchange);
        let outcome = match select(exchange, timeout).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(((), _)) => return Err(no_answer(options.timeout)),
        };
        match outcome {
            Outcome::Answered(answer) if answer.body().len() > options.answer_limit => {
                Err(answer_too_large(options.answer_limit))
            }
            Outcome::Answered(answer) => Ok(answer),
            Outcome::Broken => Err(answer_lost("the emulator broke the connection")),
            Outcome::Refused => Err(not_connected("the emulator refused the connection")),
        }
    }
}
