//! What a product may do in Azure DevOps for a customer's tenant, and who acts there.

use std::time::Duration;

use azconnect_core::{DocumentId, Error, KeyId, Labels, SecretId, TenantId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::expiry::Expiry;
use crate::format_version::{Format, FormatVersion};
use crate::record::{ConnectionId, LastCheck};
use crate::records::{Kept, RecordQuery};

const FORMAT: Format = Format { what: "the settings of the tenant", field: "tenant_settings", version: 1 };

/// The connection by whose name the settings that it acts for are found.
const CONNECTION: &str = "azconnect/connection";

/// The settings of one tenant: whether the product works in Azure DevOps for it, and as whom. They hold no secret, so they may
/// be shown and logged.
///
/// They are serialised with the `version` of their format. A later one is an error, since a program that does not know it would
/// lose what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TenantSettings {
    version: FormatVersion<1>,
    /// The tenant: that of the organizations, and of who acts in them.
    pub tenant: TenantId,
    /// The name of the cloud whose Azure DevOps the token is for, such as `AzureCloud`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<String>,
    /// Whether the integration is on. While it is off nothing is done in the tenant's organizations.
    pub is_enabled: bool,
    /// Who acts. Always there while the integration is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acting: Option<ActingAs>,
    /// The organizations in which the product works, by name. Azure DevOps lists none for a service principal, or for a token
    /// of one organization, so theirs are named here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub organizations: Vec<String>,
    /// Whether organizations of another directory count too: those of a guest's home tenant, and those of personal accounts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub includes_home_tenant: bool,
    /// When they were first saved.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub created_at: Option<OffsetDateTime>,
    /// When they were last changed.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<OffsetDateTime>,
    /// What was found when they were saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<LastCheck>,
}

/// Who acts in a tenant's organizations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum ActingAs {
    /// The service principal of a connection that the product keeps.
    ServicePrincipal {
        /// The connection's name.
        connection: ConnectionId,
    },
    /// A person, by a personal access token.
    PersonalToken {
        /// The name under which the token is sealed in the `SecretStore`.
        secret: SecretId,
        /// The token's public id (`authorizationId`), where it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyId>,
        /// What it may do, where that is known: Azure DevOps tells it only to the person whose token it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<String>,
        /// When it ends, where that is known.
        #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
        ends_at: Option<OffsetDateTime>,
    },
}

impl TenantSettings {
    /// Settings of a tenant whose integration is off.
    pub fn new(tenant: TenantId) -> Self {
        Self {
            version: FormatVersion,
            tenant,
            cloud: None,
            is_enabled: false,
            acting: None,
            organizations: Vec::new(),
            includes_home_tenant: false,
            created_at: None,
            changed_at: None,
            checked: None,
        }
    }

    /// How near its end the personal access token is at `now`, given how long before the end something should be done. A
    /// service principal's secret is its connection's: see [`ConnectionRecord::expiry`](crate::ConnectionRecord::expiry).
    pub fn expiry(&self, now: OffsetDateTime, warn_before: Duration) -> Expiry {
        match &self.acting {
            Some(ActingAs::PersonalToken { ends_at, .. }) => Expiry::of(*ends_at, now, warn_before),
            _ => Expiry::Never,
        }
    }

    /// The name under which the personal access token is sealed, if one acts.
    pub fn token(&self) -> Option<&SecretId> {
        match &self.acting {
            Some(ActingAs::PersonalToken { secret, .. }) => Some(secret),
            _ => None,
        }
    }

    /// The query that finds the settings in which a connection's service principal acts.
    ///
    /// # Errors
    /// None in practice: a connection's name is always a label's value.
    pub fn acting_through(connection: &ConnectionId) -> Result<RecordQuery, Error> {
        Ok(RecordQuery::new().with_labels(Labels::new().with(CONNECTION, connection.as_str())?))
    }
}

impl Kept for TenantSettings {
    const COLLECTION: &'static str = "tenant-settings";

    fn document_id(&self) -> Result<DocumentId, Error> {
        DocumentId::new(self.tenant.to_string())
    }

    fn document_labels(&self) -> Result<Labels, Error> {
        match &self.acting {
            Some(ActingAs::ServicePrincipal { connection }) => Labels::new().with(CONNECTION, connection.as_str()),
            _ => Ok(Labels::new()),
        }
    }

    fn to_text(&self) -> Result<String, Error> {
        FORMAT.write(self)
    }

    fn from_text(text: &str) -> Result<Self, Error> {
        FORMAT.read(text)
    }
}

#[cfg(test)]
mod tests {
    use azconnect_core::{Effect, ErrorKind};
    use time::macros::datetime;

    use super::*;
    use crate::check::Check;
    use crate::check_report::CheckReport;

    /// Settings as they were written at the time. Never change one of them.
    const FIRST: &str = include_str!("../tests/golden/tenant-settings-1.json");

    fn whole() -> TenantSettings {
        let mut settings = TenantSettings::new("6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse().unwrap());
        settings.cloud = Some("AzureCloud".to_owned());
        settings.is_enabled = true;
        settings.acting = Some(ActingAs::PersonalToken {
            secret: "tenant-settings/0123/7c9e6679-7425-40de-944b-e07fc1f90ae7".parse().unwrap(),
            key: Some("b0000000-0000-4000-8000-000000000002".parse().unwrap()),
            scope: Some("vso.serviceendpoint_manage".to_owned()),
            ends_at: Some(datetime!(2027-01-31 0:00 UTC)),
        });
        settings.organizations = vec!["contoso".to_owned(), "contoso-labs".to_owned()];
        settings.includes_home_tenant = true;
        settings.created_at = Some(datetime!(2026-11-01 8:00 UTC));
        settings.changed_at = Some(datetime!(2026-11-02 8:00 UTC));
        let report = CheckReport::from_iter([Check::passed("organization", "organization contoso", "it lets us in")]);
        settings.checked = Some(LastCheck::new(datetime!(2026-11-02 8:00 UTC), report));
        settings
    }

    #[test]
    fn the_format_is_written_and_read_as_it_was() {
        assert_eq!(TenantSettings::from_text(FIRST).unwrap(), whole());
        let written = serde_json::to_string_pretty(&whole()).unwrap() + "\n";
        assert_eq!(written, FIRST, "a change of the format needs a version of its own");
        let bare = TenantSettings::new(whole().tenant);
        assert_eq!(TenantSettings::from_text(&bare.to_text().unwrap()).unwrap(), bare);
    }

    #[test]
    fn a_later_format_is_refused_whatever_else_it_says() {
        for (text, shown) in [
            (r#"{"version":2,"tenant":7}"#, "version 2"),
            (r#"{"version":"1"}"#, "else"),
            (r#"{"version":0}"#, "version 0"),
        ] {
            let error = TenantSettings::from_text(text).unwrap_err();
            assert_eq!((error.kind(), error.field()), (ErrorKind::Unsupported, Some("tenant_settings.version")));
            assert!(error.to_string().contains(shown) && error.advice().contains("newer"), "{error}");
        }
    }

    #[test]
    fn what_are_no_settings_are_corrupt() {
        let misspelt = FIRST.replacen("\"is_enabled\"", "\"is_enabeld\"", 1);
        let unknown_actor = FIRST.replacen("personal_token", "somebody", 1);
        for text in ["", "[]", "{}", r#"{"version":1}"#, &misspelt, &unknown_actor] {
            let error = TenantSettings::from_text(text).unwrap_err();
            assert_eq!((error.kind(), error.effect()), (ErrorKind::Corrupt, Effect::None), "{text}: {error}");
        }
    }

    #[test]
    fn settings_are_found_by_the_connection_that_acts() {
        let mut settings = TenantSettings::new(whole().tenant);
        settings.acting = Some(ActingAs::ServicePrincipal { connection: "shop".parse().unwrap() });
        let query = TenantSettings::acting_through(&"shop".parse().unwrap()).unwrap();
        assert!(settings.document_labels().unwrap().contain(&query.labels));
        assert!(!whole().document_labels().unwrap().contain(&query.labels));
        assert_eq!(settings.token(), None);
    }

    #[test]
    fn the_end_of_a_token_is_told_in_time() {
        let day = Duration::from_secs(86_400);
        assert!(matches!(whole().expiry(datetime!(2027-01-30 12:00 UTC), day), Expiry::Due { .. }));
        assert!(matches!(whole().expiry(datetime!(2027-01-31 0:00 UTC), day), Expiry::Expired { .. }));
        assert_eq!(TenantSettings::new(whole().tenant).expiry(datetime!(2027-01-31 0:00 UTC), day), Expiry::Never);
    }
}
