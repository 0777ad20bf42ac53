//! The port that keeps who receives an application's secret.

use async_trait::async_trait;
use azconnect_core::{ClientId, Error, KeyId, TenantId};

use crate::bindings::{ApplicationBindings, Binding};
use crate::records::{RecordPage, RecordQuery};

/// Keeps the consumers of a product's applications as records. Nothing here opens a secret or asks a service.
///
/// What every implementation does, and the suite `azconnect_testkit::conformance::bindings` checks:
/// - a consumer is bound once: bound again, the new binding takes the place of the former one, and its place in the order;
/// - a consumer of an unknown kind is kept as it came;
/// - an application is bound in one tenant: another one is a [`Conflict`](azconnect_core::ErrorKind::Conflict) with the field
///   `tenant`, and nothing changes;
/// - unbinding a consumer that is not bound succeeds, and leaves the others; of an application that is not there it is
///   [`NotFound`](azconnect_core::ErrorKind::NotFound);
/// - changes that are made at the same time are all kept.
#[async_trait]
pub trait BindingRecords: Send + Sync {
    /// The consumers of an application, or `None` if nothing was ever bound.
    async fn get(&self, application: ClientId) -> Result<Option<ApplicationBindings>, Error>;

    /// A page of the applications, in order of their ids.
    async fn list(&self, query: &RecordQuery) -> Result<RecordPage<ApplicationBindings>, Error>;

    /// Binds a consumer of an application, or changes how it is bound, and returns all of its consumers. Idempotent.
    async fn bind(
        &self,
        application: ClientId,
        tenant: TenantId,
        binding: Binding,
    ) -> Result<ApplicationBindings, Error>;

    /// Unbinds the consumer of a [name](crate::BoundConsumer::name), and returns the others. Idempotent.
    async fn unbind(&self, application: ClientId, name: &str) -> Result<ApplicationBindings, Error>;

    /// Hands over keys that were minted by hand: all of them from now on. They are removed once a new secret is in place.
    async fn adopt(&self, application: ClientId, keys: &[KeyId]) -> Result<ApplicationBindings, Error>;
}
