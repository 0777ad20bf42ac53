//! Answers as the services give them.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use super::call::Call;

/// An answer whose body is in memory as a whole.
pub(crate) type Answer = Response<Bytes>;

/// A body that is made piece by piece, as it is read. It travels in the extensions of an answer and takes the place of
/// its body.
#[derive(Clone)]
pub(crate) struct Pieces(Arc<Mutex<Option<PieceMaker>>>);

/// Makes the pieces of a body one after the other.
pub(crate) type PieceMaker = Box<dyn Iterator<Item = Bytes> + Send>;

impl Pieces {
    pub(crate) fn new(pieces: impl Iterator<Item = Bytes> + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Some(Box::new(pieces)))))
    }

    /// The pieces of an answer, if its body is made of them; once.
    pub(crate) fn of(answer: &Answer) -> Option<PieceMaker> {
        let Self(pieces) = answer.extensions().get::<Self>()?;
        // Taken, not copied: the pieces are made once, so that the whole body is never in memory.
        pieces.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// An answer with a status and a body in JSON.
pub(crate) fn json_answer(status: u16, body: &Value) -> Answer {
    typed(status, "application/json; charset=utf-8", body.to_string())
}

/// An answer with a status, a media type and a body.
pub(crate) fn typed(status: u16, media_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = empty(status);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    *answer.body_mut() = body.into();
    answer
}

/// An answer with a status and no body.
pub(crate) fn empty(status: u16) -> Answer {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer
}

/// Adds a header to an answer. A value that HTTP cannot carry is left out.
pub(crate) trait WithHeader {
    fn with_header(self, name: &str, value: &str) -> Self;
}

impl WithHeader for Answer {
    fn with_header(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            self.headers_mut().insert(name, value);
        }
        self
    }
}

/// The refusal of a route nobody emulates: loud, so that no test passes by accident.
pub(crate) fn unknown_route(call: &Call) -> Answer {
    let message = format!(
        "the emulator does not know {} {} of the service {}: this is a gap in the emulator, not an answer of Microsoft's",
        call.method,
        call.path,
        call.service.name()
    );
    json_answer(
        501,
        &json!({"error": {
            "code": "EmulatorUnknownRoute",
            "message": message,
            "service": call.service.name(),
            "method": call.method.as_str(),
            "path": call.path,
        }}),
    )
}
