//! What a product calls, as ports: narrow and object-safe.

mod connections;

pub use connections::{ConnectRequest, ConnectionKeeper};
