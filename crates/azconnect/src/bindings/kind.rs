//! Kinds of consumers that a product makes itself.

use std::sync::Arc;

use azconnect_core::Error;
use azconnect_credential::{CredentialSink, OtherConsumer};

/// Makes the consumers of one kind of the product's own out of what is kept of them.
///
/// The id of what is made must be the consumer's [name](azconnect_credential::BoundConsumer::name): another one is refused, since a
/// rotation finds what it knows of a consumer by that name again.
pub trait ConsumerKind: Send + Sync {
    /// The consumer that a record describes. Nothing is sent.
    ///
    /// # Errors
    /// For a record that describes none.
    fn sink(&self, consumer: &OtherConsumer) -> Result<Arc<dyn CredentialSink>, Error>;
}
