//! Bodies as they come in, within bounds, and as they go out.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::iter;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited, StreamBody};
use hyper::body::{Frame, Incoming};

use super::refused::Refused;
use crate::base::answer::{Answer, Pieces};

/// How long a whole body may take to arrive.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// The body of an answer.
pub(super) type Outgoing = UnsyncBoxBody<Bytes, Infallible>;

/// Reads a body of at most so many bytes, or says why it is refused. One that announces more is not read at all.
pub(super) async fn read(body: Incoming, headers: &HeaderMap, limit: usize) -> Result<Bytes, Refused> {
    let too_large = || Refused::new(413, format!("the request body is larger than {limit} bytes"));
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|announced| announced > limit) {
        return Err(too_large());
    }
    match tokio::time::timeout(TIME_LIMIT, Limited::new(body, limit).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Refused::new(400, "the request body is incomplete")),
        Err(_) => Err(Refused::new(408, "the request body took too long")),
    }
}

/// An answer as it goes over a connection: whole, or piece by piece as it is made.
pub(super) fn outgoing(answer: Answer) -> Response<Outgoing> {
    match Pieces::of(&answer) {
        Some(pieces) => {
            let frames = iter(pieces).map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
            answer.map(|_| StreamBody::new(frames).boxed_unsync())
        }
        None => answer.map(|body| Full::new(body).boxed_unsync()),
    }
}
