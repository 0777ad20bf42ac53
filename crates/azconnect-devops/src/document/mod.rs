//! A service connection as a document: read, viewed, compared and changed, without any call.

mod change;
mod compare;
mod draft;
mod endpoint;
mod holder;
mod kind;
mod number;
mod scope;
mod shown;
mod view;

pub use self::change::EndpointChange;
pub(crate) use self::compare::{Moment, differences, named};
pub(crate) use self::draft::Draft;
pub use self::endpoint::{Endpoint, EndpointId};
pub(crate) use self::holder::holds_application_key;
pub use self::kind::{
    AuthorizationScheme, ConnectionType, CreationMode, EnvironmentName, OperationState, RegistryType,
    ServicePrincipalProof,
};
pub use self::scope::{AzureEnvironment, AzureScope};
pub(crate) use self::shown::shown;
pub(crate) use self::view::field;
pub use self::view::{OperationStatus, ProjectReference};
