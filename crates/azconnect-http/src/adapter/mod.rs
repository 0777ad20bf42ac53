//! The network and the time of this machine.

mod clock;
mod reqwest;

pub use self::clock::SystemClock;
pub use self::reqwest::{ReqwestTransport, ReqwestTransportBuilder};
