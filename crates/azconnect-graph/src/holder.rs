//! The objects that can hold a password.

use azconnect_core::{ApplicationObjectId, ClientId, PrincipalObjectId};

/// The application or the service principal that holds a password, named by whichever id is known. A password of either
/// signs the application in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PasswordHolder {
    /// An application, by its object id.
    Application(ApplicationObjectId),
    /// An application, by its client id.
    ApplicationOf(ClientId),
    /// A service principal, by its object id.
    ServicePrincipal(PrincipalObjectId),
    /// A service principal, by the client id of its application.
    ServicePrincipalOf(ClientId),
}

impl PasswordHolder {
    /// The path of the object below the service's root.
    pub(crate) fn segments(&self) -> Vec<String> {
        match self {
            Self::Application(id) => vec!["applications".into(), id.to_string()],
            Self::ApplicationOf(client) => vec![format!("applications(appId='{client}')")],
            Self::ServicePrincipal(id) => vec!["servicePrincipals".into(), id.to_string()],
            Self::ServicePrincipalOf(client) => vec![format!("servicePrincipals(appId='{client}')")],
        }
    }

    /// The operation's name for the kind of object that this is.
    pub(crate) fn operation(&self, application: &'static str, service_principal: &'static str) -> &'static str {
        match self {
            Self::Application(_) | Self::ApplicationOf(_) => application,
            Self::ServicePrincipal(_) | Self::ServicePrincipalOf(_) => service_principal,
        }
    }
}

impl From<ApplicationObjectId> for PasswordHolder {
    fn from(id: ApplicationObjectId) -> Self {
        Self::Application(id)
    }
}

impl From<PrincipalObjectId> for PasswordHolder {
    fn from(id: PrincipalObjectId) -> Self {
        Self::ServicePrincipal(id)
    }
}
