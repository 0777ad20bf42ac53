//! The HTTP pipeline of azconnect.

mod transport;

pub use transport::{ByteStream, Request, Response, SendOptions, Transport};
pub use transport::{answer_lost, answer_too_large, no_answer, not_connected};
