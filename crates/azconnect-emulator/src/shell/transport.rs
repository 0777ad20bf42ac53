//! The way to the emulator without a socket.

use async_trait::async_trait;
use azconnect_core::Error;
use azconnect_http::{ByteStream, Request, Response, SendOptions, Transport};
use azconnect_http::{answer_lost, answer_too_large, no_answer, not_connected};
use futures_util::future::{Either, select};
use futures_util::pin_mut;

use super::control;
use super::emulator::{Emulator, ExchangeOutcome};
use super::host::Played;
use crate::base::answer::Pieces;
use crate::base::call::Call;
use crate::base::origins::Origins;

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
        let origin = format!("https://{host}");
        let Some(played) = Played::at(&self.emulator, &host) else {
            return Err(not_connected(format!("the emulator routes no host called {host}")));
        };
        let (mut parts, body) = request.into_parts();
        parts.uri = played.address(&parts.uri)?;
        let request = Request::from_parts(parts, body);
        Ok(Call::new(played.service, self.origins.clone(), origin, request, self.emulator.now()))
    }
}

#[async_trait]
impl Transport for InProcess {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let limit = SendOptions::of(&request).answer_limit;
        let mut answer = self.answer(request).await?;
        if let Some(pieces) = Pieces::of(&answer) {
            let mut whole = Vec::new();
            for piece in pieces {
                whole.extend_from_slice(&piece);
                if whole.len() > limit {
                    return Err(answer_too_large(limit));
                }
            }
            *answer.body_mut() = whole.into();
        }
        if answer.body().len() > limit { Err(answer_too_large(limit)) } else { Ok(answer) }
    }

    async fn stream(&self, request: Request) -> Result<http::Response<ByteStream>, Error> {
        let answer = self.answer(request).await?;
        let pieces = Pieces::of(&answer);
        Ok(answer.map(|body| match pieces {
            Some(pieces) => Box::pin(futures_util::stream::iter(pieces.map(Ok))) as ByteStream,
            None => Box::pin(futures_util::stream::iter([Ok(body)])) as ByteStream,
        }))
    }
}

impl InProcess {
    async fn answer(&self, request: Request) -> Result<Response, Error> {
        let options = SendOptions::of(&request);
        let call = self.call(request)?;
        if let Some(answer) = control::answer(&self.emulator, &call) {
            return Ok(answer);
        }
        let exchange = self.emulator.exchange(call);
        // On the emulator's clock, as the delays are: under a virtual clock both pass at once.
        let timeout = self.emulator.clock().sleep(options.timeout);
        pin_mut!(exchange);
        let outcome = match select(exchange, timeout).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(((), _)) => return Err(no_answer(options.timeout)),
        };
        match outcome {
            ExchangeOutcome::Answered(answer) => Ok(answer),
            ExchangeOutcome::Broken => Err(answer_lost("the emulator broke the connection")),
            ExchangeOutcome::Refused => Err(not_connected("the emulator refused the connection")),
        }
    }
}
