//! Connections to anything with an address, a user and a password.

use azconnect_core::{Error, Secret};
use serde_json::Map;
use url::Url;

use super::{NewConnection, Parts, texts};
use crate::directory::Project;
use crate::document::{AuthorizationScheme, ConnectionType};

/// Builds a connection of type Generic: an address with a user name and a password.
#[non_exhaustive]
pub struct GenericConnection<'a> {
    name: String,
    description: Option<String>,
    url: String,
    user: Option<String>,
    password: Option<&'a Secret>,
}

impl<'a> GenericConnection<'a> {
    /// A connection to an address, without user and password.
    pub fn new(name: impl Into<String>, url: impl Into<String>) -> Self {
        Self { name: name.into(), description: None, url: url.into(), user: None, password: None }
    }

    /// Sets the user name and the password with which the connection logs in.
    #[must_use]
    pub fn with_login(mut self, user: impl Into<String>, password: &'a Secret) -> Self {
        self.user = Some(user.into());
        self.password = Some(password);
        self
    }

    /// Sets the description that the portal shows.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Checks the values, and returns the connection ready to be created in a project.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) naming the field. Nothing was sent.
    pub fn build(&self, project: &Project) -> Result<NewConnection<'a>, Error> {
        if Url::parse(&self.url).map_or(true, |url| url.host().is_none()) {
            return Err(
                Error::invalid("url", "is not an address").with_advice("give it as in https://server.example.com")
            );
        }
        let parts = Parts {
            name: &self.name,
            description: self.description.as_deref(),
            connection_type: ConnectionType::Generic,
            url: &self.url,
            scheme: AuthorizationScheme::UsernamePassword,
            is_ready: true,
            project,
        };
        let user = self.user.as_deref().unwrap_or_default();
        parts.build(
            Map::new(),
            texts(&[("username", Some(user))]),
            self.password.map(|password| ("password", password)),
        )
    }
}
