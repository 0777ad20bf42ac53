//! The network and the time of this machine.

#[cfg(feature = "rustls")]
mod certificate;
#[cfg(feature = "reqwest")]
mod clients;
#[cfg(feature = "clock")]
mod clock;
#[cfg(feature = "reqwest")]
mod foreign;
#[cfg(feature = "reqwest")]
mod reach;
#[cfg(feature = "reqwest")]
mod reqwest;

#[cfg(feature = "clock")]
pub use self::clock::SystemClock;
#[cfg(feature = "reqwest")]
pub use self::reqwest::{ReqwestTransport, ReqwestTransportBuilder};
