//! What a product calls: narrow ports, which the client implements and a consumer may implement with a system of its own.
//!
//! A port takes addresses as plain values, so that one object serves every organization that its caller may enter. Each
//! has a fake and a conformance suite in the testkit; what the suite holds an implementation to stands with the port.

mod address;
mod binding;
mod connections;
mod directory;
mod federation;
mod sharing;
mod verifier;
mod writer;

pub use self::address::{ConnectionAddress, ProjectAddress};
pub use self::binding::BindingFlow;
pub use self::connections::ServiceConnections;
pub use self::directory::ConnectionDirectory;
pub use self::federation::FederationConverter;
pub use self::sharing::ServiceConnectionSharing;
pub use self::verifier::ServiceConnectionVerifier;
pub use self::writer::ServiceConnectionWriter;
