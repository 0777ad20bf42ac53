//! What shall be different about a service connection, and nothing else.

use std::fmt;

use azconnect_core::{Effect, Error, ErrorKind, Secret};
use serde_json::{Map, Value};

use super::draft::Draft;
use super::view::{field, is_confidential};
use super::{AuthorizationScheme, AzureScope, Endpoint, ServicePrincipalProof};

/// A change of a service connection. What it does not name stays as it is.
///
/// ```
/// use azconnect_core::Secret;
/// use azconnect_devops::EndpointChange;
///
/// let secret = Secret::new("Abc8Q~new");
/// let change = EndpointChange::new().with_secret(&secret).with_description("rotated by azconnect");
/// assert!(!format!("{change:?}").contains("Abc8Q"));
/// ```
#[derive(Default)]
#[non_exhaustive]
pub struct EndpointChange<'a> {
    secret: Option<NewSecret<'a>>,
    name: Option<String>,
    description: Option<String>,
    disabled: Option<bool>,
    url: Option<String>,
    data: Vec<(String, Option<String>)>,
    parameters: Vec<(String, Option<String>)>,
}

/// A secret, and the parameter that takes it.
enum NewSecret<'a> {
    /// Into the parameter that holds the secret of the connection's scheme.
    OfScheme(&'a Secret),
    /// A service principal's key, also where a certificate was.
    ClientSecret(&'a Secret),
    /// A service principal's certificate with its private key, also where a key was.
    Certificate(&'a Secret),
    /// Into the parameter that the caller names.
    Named(String, &'a Secret),
}

impl<'a> EndpointChange<'a> {
    /// A change that names nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the secret by another of its kind: a key by a key, a certificate by a certificate.
    #[must_use]
    pub fn with_secret(mut self, secret: &'a Secret) -> Self {
        self.secret = Some(NewSecret::OfScheme(secret));
        self
    }

    /// Sets a service principal's key, also where it signed in with a certificate.
    #[must_use]
    pub fn with_client_secret(mut self, secret: &'a Secret) -> Self {
        self.secret = Some(NewSecret::ClientSecret(secret));
        self
    }

    /// Sets a service principal's certificate with its private key, both in PEM, also where it signed in with a key.
    #[must_use]
    pub fn with_certificate(mut self, pem: &'a Secret) -> Self {
        self.secret = Some(NewSecret::Certificate(pem));
        self
    }

    /// Sets a confidential parameter by its name, for types that are not known here.
    #[must_use]
    pub fn with_confidential_parameter(mut self, name: impl Into<String>, secret: &'a Secret) -> Self {
        self.secret = Some(NewSecret::Named(name.into(), secret));
        self
    }

    /// Renames the connection. Refused for one that several projects see: the service fails on that.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the description that the portal shows.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Disables the connection, or enables it again.
    #[must_use]
    pub fn with_disabled(mut self, disabled: bool) -> Self {
        self.disabled = Some(disabled);
        self
    }

    /// Sets the address of what the connection leads to (`url`).
    #[must_use]
    pub fn with_url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Sets a field of `data`, or removes it for `None`.
    #[must_use]
    pub fn with_data(mut self, key: impl Into<String>, value: Option<String>) -> Self {
        self.data.push((key.into(), value));
        self
    }

    /// Sets a parameter of the authorization that is not a secret, or removes it for `None`.
    #[must_use]
    pub fn with_parameter(mut self, key: impl Into<String>, value: Option<String>) -> Self {
        self.parameters.push((key.into(), value));
        self
    }

    /// Points a connection to Azure Resource Manager at another subscription, group, management group or workspace. What
    /// named the former one is removed; the environment stays.
    #[must_use]
    pub fn with_scope(mut self, scope: &AzureScope) -> Self {
        self.data.extend(scope.data().into_iter().map(|(key, value)| (key.to_owned(), value)));
        self.parameters.push(("scope".to_owned(), scope.limit()));
        self
    }

    /// The document that an update would send, secret included: for tests, and for those who send it themselves.
    ///
    /// # Errors
    /// As [`Endpoints::update`](crate::Endpoints::update) before it sends anything.
    pub fn preview(&self, endpoint: &Endpoint) -> Result<Secret, Error> {
        self.draft(endpoint)?.text()
    }

    /// Whether it puts another secret in the place of the stored one.
    pub(crate) fn replaces_secret(&self) -> bool {
        self.secret.is_some()
    }

    /// Whether it disables the connection, or enables it.
    pub(crate) fn sets_state(&self) -> bool {
        self.disabled.is_some()
    }

    /// The whole document with this change made, ready to be written.
    ///
    /// Masked secrets go back as the `null` as which they came: a key that is left out may be lost. The cached access token
    /// of a service principal is the exception, since `accessToken: null` breaks the connection.
    ///
    /// Every error here has effect none: a document is built, and nothing is sent.
    pub(crate) fn draft(&self, endpoint: &Endpoint) -> Result<Draft<'a>, Error> {
        require_whole(endpoint)?;
        let mut document = endpoint.document().clone();
        self.rename(endpoint, &mut document)?;
        for (key, value) in [("description", &self.description), ("url", &self.url)] {
            if let Some(value) = value {
                document.insert(key.to_owned(), value.as_str().into());
            }
        }
        if let Some(disabled) = self.disabled {
            document.insert("isDisabled".to_owned(), disabled.into());
        }
        if document.get("url").and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(Error::invalid("url", "the connection has none, and the service demands one on every update")
                .with_advice("set the connection's url in the same change"));
        }
        if let Some(data) = object(&mut document, "data", !self.data.is_empty()) {
            set_all(data, &self.data);
        }
        let secret = self.authorize(endpoint, &mut document)?;
        Ok(Draft { document, secret })
    }

    fn rename(&self, endpoint: &Endpoint, document: &mut Map<String, Value>) -> Result<(), Error> {
        let Some(name) = &self.name else { return Ok(()) };
        if name.trim().is_empty() {
            return Err(Error::invalid("name", "is empty").with_advice("give the connection a name"));
        }
        if endpoint.is_shared() == Some(true) || endpoint.projects().count() > 1 {
            return Err(Error::new(ErrorKind::Unsupported, "a connection that several projects see cannot be renamed")
                .with_effect(Effect::None)
                .with_advice("unshare it first, rename it, and share it again"));
        }
        document.insert("name".to_owned(), name.as_str().into());
        let references = document.get_mut("serviceEndpointProjectReferences").and_then(Value::as_array_mut);
        for reference in references.into_iter().flatten().filter_map(Value::as_object_mut) {
            reference.insert("name".to_owned(), name.as_str().into());
        }
        Ok(())
    }

    /// Changes the parameters, and returns the name of the one that takes the secret.
    fn authorize(
        &self,
        endpoint: &Endpoint,
        document: &mut Map<String, Value>,
    ) -> Result<Option<(String, &'a Secret)>, Error> {
        let wanted = self.secret.is_some() || !self.parameters.is_empty();
        let Some(authorization) = object(document, "authorization", wanted) else { return Ok(None) };
        let Some(parameters) = object(authorization, "parameters", wanted) else { return Ok(None) };
        if self.parameters.iter().any(|(key, _)| is_confidential(key)) {
            return Err(Error::invalid("parameter", "a secret is not set as a plain parameter")
                .with_advice("use with_secret, or with_confidential_parameter"));
        }
        let limited = self.parameters.iter().any(|(key, value)| key == "scope" && value.is_some());
        let unlimited = [AuthorizationScheme::ManagedServiceIdentity, AuthorizationScheme::PublishProfile];
        if limited && unlimited.into_iter().any(|scheme| endpoint.is_scheme(scheme)) {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "the connection's scheme cannot be limited to a resource group",
            )
            .with_effect(Effect::None)
            .with_advice("leave the resource group out: the role assignment decides what is reached"));
        }
        set_all(parameters, &self.parameters);
        let placed = self.place(endpoint, parameters)?;
        if holds_cached_token(endpoint) {
            parameters.retain(|key, value| !(value.is_null() && key.eq_ignore_ascii_case("accessToken")));
        }
        Ok(placed.map(|(key, secret)| {
            // Its place among the others; the text itself never enters the document.
            parameters.insert(key.clone(), Value::Null);
            (key, secret)
        }))
    }

    fn place(
        &self,
        endpoint: &Endpoint,
        parameters: &mut Map<String, Value>,
    ) -> Result<Option<(String, &'a Secret)>, Error> {
        let Some(new) = &self.secret else { return Ok(None) };
        let (default, secret) = match new {
            NewSecret::OfScheme(secret) => (secret_parameter(endpoint)?, secret),
            NewSecret::ClientSecret(secret) => ("serviceprincipalkey", secret),
            NewSecret::Certificate(secret) => ("servicePrincipalCertificate", secret),
            NewSecret::Named(name, secret) => (name.as_str(), secret),
        };
        let proof = match new {
            NewSecret::ClientSecret(_) => Some(ServicePrincipalProof::Key),
            NewSecret::Certificate(_) => Some(ServicePrincipalProof::Certificate),
            NewSecret::OfScheme(_) | NewSecret::Named(..) => None,
        };
        if let Some(proof) = proof {
            if !endpoint.is_scheme(AuthorizationScheme::ServicePrincipal) {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    "only a service principal signs in with a key or certificate",
                )
                .with_effect(Effect::None)
                .with_advice("use a connection whose scheme is ServicePrincipal"));
            }
            // A service principal signs in with a key or a certificate: the other one's place must not stay.
            parameters.retain(|key, _| !key.eq_ignore_ascii_case(rival(&proof)));
            set_all(parameters, &[("authenticationType".to_owned(), Some(proof.into()))]);
        }
        // Under the spelling that the document has: another one would be a second parameter.
        let key = field(parameters, default).map_or(default, |(key, _)| key).to_owned();
        Ok(Some((key, secret)))
    }
}

impl fmt::Debug for EndpointChange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointChange")
            .field("secret", &self.secret.is_some())
            .field("name", &self.name)
            .field("description", &self.description)
            .field("disabled", &self.disabled)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// Whether `accessToken` is a cache of the service beside the connection's own secret. With the schemes of personal tokens
/// and of OAuth it is that secret, and its `null` goes back as every other.
fn holds_cached_token(endpoint: &Endpoint) -> bool {
    use AuthorizationScheme::{
        ManagedServiceIdentity, PublishProfile, ServicePrincipal, UsernamePassword, WorkloadIdentityFederation,
    };
    matches!(
        endpoint.authorization_scheme(),
        Some(
            ServicePrincipal | PublishProfile | UsernamePassword | ManagedServiceIdentity | WorkloadIdentityFederation
        )
    )
}

/// The parameter that is given up when a service principal signs in with a proof of this kind.
fn rival(proof: &ServicePrincipalProof) -> &'static str {
    match proof {
        ServicePrincipalProof::Certificate => "serviceprincipalkey",
        _ => "servicePrincipalCertificate",
    }
}

/// The name of the parameter that holds the secret of a connection's scheme.
fn secret_parameter(endpoint: &Endpoint) -> Result<&'static str, Error> {
    let certificate = endpoint.service_principal_proof() == Some(&ServicePrincipalProof::Certificate);
    match endpoint.authorization_scheme() {
        Some(AuthorizationScheme::ServicePrincipal) if certificate => Ok("servicePrincipalCertificate"),
        Some(AuthorizationScheme::ServicePrincipal) => Ok("serviceprincipalkey"),
        Some(AuthorizationScheme::UsernamePassword) => Ok("password"),
        Some(AuthorizationScheme::Token) => Ok("apitoken"),
        Some(AuthorizationScheme::PublishProfile) => Ok("publishProfile"),
        _ => Err(Error::new(ErrorKind::Unsupported, "the connection's scheme has no secret that is known here")
            .with_effect(Effect::None)
            .with_advice("name the parameter with with_confidential_parameter, if the scheme has one")),
    }
}

/// Refuses a document of which the service showed only a part, or whose numbers would not be written back exactly.
fn require_whole(endpoint: &Endpoint) -> Result<(), Error> {
    if endpoint.has_inexact_number() {
        return Err(Error::new(ErrorKind::Unsupported, "the connection holds a number that cannot be carried exactly")
            .with_effect(Effect::None)
            .with_advice("change this connection in the portal"));
    }
    if endpoint.type_name().is_none() || endpoint.authorization().is_none() {
        return Err(Error::new(
            ErrorKind::PermissionDenied,
            "only a part of the connection may be seen, so it cannot be written back",
        )
        .with_effect(Effect::None)
        .with_advice("ask for the role Administrator, or at least ViewEndpoint, on the connection"));
    }
    Ok(())
}

fn object<'m>(map: &'m mut Map<String, Value>, key: &str, create: bool) -> Option<&'m mut Map<String, Value>> {
    if create && !map.get(key).is_some_and(Value::is_object) {
        map.insert(key.to_owned(), Value::Object(Map::new()));
    }
    map.get_mut(key)?.as_object_mut()
}

/// Sets or removes fields, each under the case it has already.
fn set_all(map: &mut Map<String, Value>, changes: &[(String, Option<String>)]) {
    for (key, value) in changes {
        let key = field(map, key).map_or(key.as_str(), |(found, _)| found).to_owned();
        match value {
            Some(value) => {
                map.insert(key, value.as_str().into());
            }
            None => {
                // Shifted and not swapped: the document keeps the order in which the service wrote it.
                map.shift_remove(&key);
            }
        }
    }
}
