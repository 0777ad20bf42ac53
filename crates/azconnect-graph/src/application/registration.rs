//! App registrations.

use azconnect_core::{ApplicationObjectId, ClientId, Error};
use azconnect_http::{ListBounds, PageStyle, Pages};
use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::client::GraphClient;
use crate::dialect::GraphDialect;
use crate::holder::PasswordHolder;
use crate::password::{KeyCredential, PasswordCredential};
use crate::wire;

/// How many bytes of a page of 100 applications are read: each takes a few kilobytes, and its passwords many times their text
/// once they are parsed.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// What is read of an application. `$select` also makes the request cheaper.
const FIELDS: &str = "id,appId,displayName,signInAudience,createdDateTime,disabledByMicrosoftStatus,\
                      passwordCredentials,keyCredentials";

/// An app registration, with the properties that azconnect reads. Serialised, each stands under its field's name here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all(deserialize = "camelCase"))]
#[non_exhaustive]
pub struct Application {
    /// The object id, by which addresses such as `/applications/{id}` name it.
    pub id: ApplicationObjectId,
    /// The client id (`appId`): the public name under which it signs in.
    #[serde(rename(deserialize = "appId"))]
    pub client_id: ClientId,
    /// The name that the portal shows (`displayName`). It need not be unique.
    #[serde(default, deserialize_with = "wire::tolerant")]
    pub display_name: Option<String>,
    /// Whose accounts may sign in to it (`signInAudience`).
    #[serde(rename(deserialize = "signInAudience"), default, deserialize_with = "wire::tolerant")]
    pub audience: Option<Audience>,
    /// When it was registered (`createdDateTime`). Policies may concern only applications younger than a date.
    #[serde(
        rename(deserialize = "createdDateTime"),
        default,
        deserialize_with = "wire::moment",
        serialize_with = "time::serde::rfc3339::option::serialize"
    )]
    pub created_at: Option<OffsetDateTime>,
    /// Why Microsoft disabled it, such as `DisabledDueToViolationOfServicesAgreement`; otherwise `NotDisabled` or
    /// nothing.
    #[serde(default, deserialize_with = "wire::tolerant")]
    pub disabled_by_microsoft_status: Option<String>,
    /// The passwords (client secrets) it holds, without their texts. Required: a missing list must not be read as an
    /// empty one, which would prove that a password is absent.
    #[serde(rename(deserialize = "passwordCredentials"))]
    pub passwords: Vec<PasswordCredential>,
    /// The certificates it holds (`keyCredentials`), where the service lists them.
    #[serde(rename(deserialize = "keyCredentials"), default, deserialize_with = "wire::tolerant")]
    pub certificates: Option<Vec<KeyCredential>>,
}

impl Application {
    /// An application with these ids, without passwords and with nothing else known.
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

    /// Sets the name that the portal shows.
    #[must_use]
    pub fn with_display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// Sets whose accounts may sign in to it.
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

    /// Sets the passwords that it holds.
    #[must_use]
    pub fn with_passwords(mut self, passwords: Vec<PasswordCredential>) -> Self {
        self.passwords = passwords;
        self
    }

    /// Sets the certificates that it holds.
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
    /// By its object id: `/applications/{id}`.
    Object(ApplicationObjectId),
    /// By its client id: `/applications(appId='…')`.
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
    /// Another word of the service, as it was written.
    Other(String),
}

impl Audience {
    /// Whether personal accounts are included, for which the service allows 2 passwords only.
    pub fn includes_personal(&self) -> bool {
        matches!(self, Self::AnyTenantAndPersonal | Self::Personal)
    }
}

impl From<Audience> for String {
    /// The service's word, such as `AzureADMyOrg`.
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

/// Selects the applications of a list.
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
        // OData doubles a quote inside a text; a single one would end the text, and the rest would be read as a filter.
        let quoted = display_name.replace('\'', "''");
        Self::new().with_filter(format!("displayName eq '{quoted}'"))
    }

    /// Sets the OData filter. The caller doubles the quotes inside its texts.
    #[must_use]
    pub fn with_filter(mut self, filter: impl Into<String>) -> Self {
        self.filter = Some(filter.into());
        self
    }

    /// Asks for an advanced query. Its answer comes from an index, which lags behind recent changes.
    #[must_use]
    pub fn with_advanced(mut self, advanced: bool) -> Self {
        self.advanced = advanced;
        self
    }

    /// Sets how many applications are read at most; 10,000 unless set.
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
            // The service takes an advanced query only with this parameter and the header below together.
            parameters.push(("$count", "true"));
        }
        let mut call = self.read_call("graph.application.list", self.address(&["applications"], &parameters)?);
        if query.advanced {
            let header = HeaderName::from_static("consistencylevel");
            call = call.with_header(header, HeaderValue::from_static("eventual"));
        }
        let bounds = ListBounds::new().with_page_bytes(PAGE_BYTES);
        let pages = Pages::new(&self.pipeline, call, &GraphDialect, PageStyle::NextLink).with_bounds(bounds);
        pages.all(query.limit).await
    }

    async fn one_application(&self, holder: &PasswordHolder) -> Result<Application, Error> {
        let path = holder.segments();
        let segments: Vec<&str> = path.iter().map(String::as_str).collect();
        let url = self.address(&segments, &[("$select", FIELDS)])?;
        self.read(self.read_call("graph.application.get", url)).await
    }
}
