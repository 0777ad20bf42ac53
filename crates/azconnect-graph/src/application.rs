//! App registrations.

use azconnect_core::{ApplicationObjectId, ClientId, Error};
use azconnect_http::{PageStyle, Pages};
use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::client::GraphClient;
use crate::dialect::GraphDialect;
use crate::holder::PasswordHolder;
use crate::password::{KeyCredential, PasswordCredential};
use crate::wire;

/// What is read of an application. `$select` also makes the request cheaper.
const FIELDS: &str = "id,appId,displayName,signInAudience,createdDateTime,disabledByMicrosoftStatus,\
                      passwordCredentials,keyCredentials";

/// An app registration, as far as azconnect reads it. It is written under the names of its fields.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all(deserialize = "camelCase"))]
#[non_exhaustive]
pub struct Application {
    /// Its object id, which paths name.
    pub id: ApplicationObjectId,
    /// Its client id, which it signs in with.
    #[serde(rename(deserialize = "appId"))]
    pub client_id: ClientId,
    /// Its display name.
    #[serde(default, deserialize_with = "wire::tolerant")]
    pub display_name: Option<String>,
    /// Who may sign in to it.
    #[serde(rename(deserialize = "signInAudience"), default, deserialize_with = "wire::tolerant")]
    pub audience: Option<Audience>,
    /// When it was registered.
    #[serde(
        rename(deserialize = "createdDateTime"),
        default,
        deserialize_with = "wire::moment",
        serialize_with = "time::serde::rfc3339::option::serialize"
    )]
    pub created_at: Option<OffsetDateTime>,
    /// Why Microsoft disabled it, if it did.
    #[serde(default, deserialize_with = "wire::tolerant")]
    pub disabled_by_microsoft_status: Option<String>,
    /// Its passwords. Required: a list that is missing must not be read as an empty one, which would prove absence.
    #[serde(rename(deserialize = "passwordCredentials"))]
    pub passwords: Vec<PasswordCredential>,
    /// Its certificates.
    #[serde(rename(deserialize = "keyCredentials"), default, deserialize_with = "wire::tolerant")]
    pub certificates: Option<Vec<KeyCredential>>,
}

impl Application {
    /// An application of which the ids are known, without passwords.
    pub fn new(id: ApplicationObjectId, client_id: ClientId) -> Self {
        Self {
            id,
            client_id,
            display_name: None,
            audience: None,
            created_at: None,
            disabled_by_microsoft_status: None,
            passwords: Vec::new(),
            certificates: None,
        }
    }

    /// Sets its display name.
    #[must_use]
    pub fn with_display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// Sets who may sign in to it.
    #[must_use]
    pub fn with_audience(mut self, audience: Audience) -> Self {
        self.audience = Some(audience);
        self
    }

    /// Sets when it was registered.
    #[must_use]
    pub fn with_created_at(mut self, at: OffsetDateTime) -> Self {
        self.created_at = Some(at);
        self
    }

    /// Sets its passwords.
    #[must_use]
    pub fn with_passwords(mut self, passwords: Vec<PasswordCredential>) -> Self {
        self.passwords = passwords;
        self
    }

    /// Sets its certificates.
    #[must_use]
    pub fn with_certificates(mut self, certificates: Vec<KeyCredential>) -> Self {
        self.certificates = Some(certificates);
        self
    }
}

/// An application, by whichever id is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ApplicationRef {
    /// By its object id.
    Object(ApplicationObjectId),
    /// By its client id.
    Client(ClientId),
}

impl From<ApplicationObjectId> for ApplicationRef {
    fn from(id: ApplicationObjectId) -> Self {
        Self::Object(id)
    }
}

impl From<ClientId> for ApplicationRef {
    fn from(client: ClientId) -> Self {
        Self::Client(client)
    }
}

impl From<ApplicationRef> for PasswordHolder {
    fn from(application: ApplicationRef) -> Self {
        match application {
            ApplicationRef::Object(id) => Self::Application(id),
            ApplicationRef::Client(client) => Self::ApplicationOf(client),
        }
    }
}

/// Who may sign in to an application.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum Audience {
    /// Accounts of its own tenant (`AzureADMyOrg`).
    OwnTenant,
    /// Accounts of any tenant (`AzureADMultipleOrgs`).
    AnyTenant,
    /// Accounts of any tenant, and personal ones (`AzureADandPersonalMicrosoftAccount`).
    AnyTenantAndPersonal,
    /// Personal accounts (`PersonalMicrosoftAccount`).
    Personal,
    /// One that this version does not know.
    Other(String),
}

impl Audience {
    /// Whether personal accounts are included, for which the service allows 2 passwords only.
    pub fn includes_personal(&self) -> bool {
        matches!(self, Self::AnyTenantAndPersonal | Self::Personal)
    }
}

impl From<Audience> for String {
    /// As the service writes it.
    fn from(audience: Audience) -> Self {
        match audience {
            Audience::OwnTenant => "AzureADMyOrg".to_owned(),
            Audience::AnyTenant => "AzureADMultipleOrgs".to_owned(),
            Audience::AnyTenantAndPersonal => "AzureADandPersonalMicrosoftAccount".to_owned(),
            Audience::Personal => "PersonalMicrosoftAccount".to_owned(),
            Audience::Other(text) => text,
        }
    }
}

impl From<String> for Audience {
    fn from(text: String) -> Self {
        match text.as_str() {
            "AzureADMyOrg" => Self::OwnTenant,
            "AzureADMultipleOrgs" => Self::AnyTenant,
            "AzureADandPersonalMicrosoftAccount" => Self::AnyTenantAndPersonal,
            "PersonalMicrosoftAccount" => Self::Personal,
            _ => Self::Other(text),
        }
    }
}

/// Says which applications are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApplicationQuery {
    /// An OData filter; all applications without one.
    pub filter: Option<String>,
    /// Whether the filter needs the advanced queries of the directory, such as `endsWith` or `not`.
    pub advanced: bool,
    /// The most applications that are read; more are an error, so that nobody takes a part for the whole.
    pub limit: usize,
}

impl Default for ApplicationQuery {
    fn default() -> Self {
        Self { filter: None, advanced: false, limit: 10_000 }
    }
}

impl ApplicationQuery {
    /// All applications, up to 10,000.
    pub fn new() -> Self {
        Self::default()
    }

    /// The applications of exactly this display name.
    pub fn named(display_name: &str) -> Self {
        let quoted = display_name.replace('\'', "''");
        Self::new().with_filter(format!("displayName eq '{quoted}'"))
    }

    /// Sets the OData filter. The caller doubles the quotes inside its texts.
    #[must_use]
    pub fn with_filter(mut self, filter: impl Into<String>) -> Self {
        self.filter = Some(filter.into());
        self
    }

    /// Asks for an advanced query, which is answered with some delay behind the truth.
    #[must_use]
    pub fn with_advanced(mut self, advanced: bool) -> Self {
        self.advanced = advanced;
        self
    }

    /// Sets the most applications that are read.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
}

impl GraphClient {
    /// An application by its object id. Idempotent; reads lag behind writes, and may flap.
    ///
    /// Document: Microsoft Graph, *Get application*.
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) also for one that was made moments ago.
    pub async fn application(&self, id: ApplicationObjectId) -> Result<Application, Error> {
        self.one_application(&id.into()).await
    }

    /// An application by its client id. As [`GraphClient::application`].
    ///
    /// # Errors
    /// As [`GraphClient::application`].
    pub async fn application_by_client_id(&self, client: ClientId) -> Result<Application, Error> {
        self.one_application(&PasswordHolder::ApplicationOf(client)).await
    }

    /// Applications of the tenant, over all pages. Idempotent.
    ///
    /// Document: Microsoft Graph, *List applications* and *Advanced query capabilities on directory objects*.
    ///
    /// # Errors
    /// [`Unexpected`](azconnect_core::ErrorKind::Unexpected) if there are more than the query's limit.
    pub async fn applications(&self, query: &ApplicationQuery) -> Result<Vec<Application>, Error> {
        let mut parameters = vec![("$select", FIELDS), ("$top", "100")];
        if let Some(filter) = &query.filter {
            parameters.push(("$filter", filter));
        }
        if query.advanced {
            parameters.push(("$count", "true"));
        }
        let mut call = self.read_call("graph.application.list", self.address(&["applications"], &parameters)?);
        if query.advanced {
            let header = HeaderName::from_static("consistencylevel");
            call = call.with_header(header, HeaderValue::from_static("eventual"));
        }
        Pages::new(&self.pipeline, call, &GraphDialect, PageStyle::NextLink).all(query.limit).await
    }

    async fn one_application(&self, holder: &PasswordHolder) -> Result<Application, Error> {
        let path = holder.segments();
        let segments: Vec<&str> = path.iter().map(String::as_str).collect();
        let url = self.address(&segments, &[("$select", FIELDS)])?;
        self.read(self.read_call("graph.application.get", url)).await
    }
}
