//! App registrations as they are read.

use azconnect_core::{ApplicationObjectId, ClientId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::holder::PasswordHolder;
use crate::password::{KeyCredential, PasswordCredential};
use crate::wire;

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
