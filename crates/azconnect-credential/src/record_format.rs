//! The formats in which records of connections were ever written. None of them changes any more.

use azconnect_core::{ClientId, Effect, Error, ErrorKind, Labels, ResourceGroupName, SubscriptionId, TenantId};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;
use time::OffsetDateTime;

use crate::credential_kind::CredentialKind;
use crate::record::{ConnectionId, ConnectionRecord, LastCheck};
use crate::region::Region;

/// The first format, which does not say its version.
#[derive(Deserialize)]
struct First {
    id: ConnectionId,
    subscription: SubscriptionId,
    tenant: TenantId,
    client: ClientId,
    credential: CredentialKind,
    region: Option<Region>,
    resource_group: Option<ResourceGroupName>,
}

/// The second format. It is strict, so that nothing is lost when a record is read and written again.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Second {
    version: u32,
    id: ConnectionId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    labels: Labels,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cloud: Option<String>,
    subscription: SubscriptionId,
    tenant: TenantId,
    client: ClientId,
    credential: CredentialKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resource_group: Option<ResourceGroupName>,
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    created_at: Option<OffsetDateTime>,
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    changed_at: Option<OffsetDateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checked: Option<LastCheck>,
}

/// The third format: the second, and the organization that the connection is checked with.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Third {
    version: u32,
    id: ConnectionId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    labels: Labels,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cloud: Option<String>,
    subscription: SubscriptionId,
    tenant: TenantId,
    client: ClientId,
    credential: CredentialKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resource_group: Option<ResourceGroupName>,
    organization: String,
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    created_at: Option<OffsetDateTime>,
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    changed_at: Option<OffsetDateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checked: Option<LastCheck>,
}

impl ConnectionRecord {
    /// Reads a record from JSON, in any format that was ever written.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for a later format; [`Corrupt`](ErrorKind::Corrupt) for what is no record.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        read(serde_json::from_str(text).map_err(|error| unreadable(&error))?)
    }
}

impl Serialize for ConnectionRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // In the earliest format that says all of it: during an update of the product, its older processes read it as well.
        match self.organization.clone() {
            None => Second::from(self.clone()).serialize(serializer),
            Some(organization) => Third::of(self.clone(), organization).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ConnectionRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // By way of a value, since what the rest means depends on the version.
        read(Value::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Reads a record of whatever format it says it has.
fn read(value: Value) -> Result<ConnectionRecord, Error> {
    // Looked at before anything else: a later format may say anything in any place.
    match value.get("version").map(Value::as_u64) {
        None => serde_json::from_value(value).map(First::into_record).map_err(|error| unreadable(&error)),
        Some(Some(2)) => serde_json::from_value(value).map(Second::into_record).map_err(|error| unreadable(&error)),
        Some(Some(3)) => serde_json::from_value(value).map(Third::into_record).map_err(|error| unreadable(&error)),
        Some(other) => {
            let other = other.map_or_else(|| "something else than a number".to_owned(), |version| version.to_string());
            let known = ConnectionRecord::VERSION;
            Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "the record of the connection has version {other}, and this program knows versions up to {known}"
                ),
            )
            .with_field("connection.version")
            .with_effect(Effect::None)
            .with_advice("use the newer version of the program that wrote it"))
        }
    }
}

/// What the parser says of a record may quote it, and it holds no secret.
fn unreadable(error: &serde_json::Error) -> Error {
    Error::new(ErrorKind::Corrupt, format!("the record of the connection cannot be read: {error}"))
        .with_field("connection")
        .with_effect(Effect::None)
        .with_advice("find out who changed it, and restore it from a backup, or connect again")
}

impl First {
    fn into_record(self) -> ConnectionRecord {
        let mut record = ConnectionRecord::new(self.id, self.subscription, self.tenant, self.client, self.credential);
        record.region = self.region;
        record.resource_group = self.resource_group;
        record
    }
}

impl Second {
    fn into_record(self) -> ConnectionRecord {
        let mut record = ConnectionRecord::new(self.id, self.subscription, self.tenant, self.client, self.credential);
        record.display_name = self.display_name;
        record.labels = self.labels;
        record.cloud = self.cloud;
        record.region = self.region;
        record.resource_group = self.resource_group;
        record.created_at = self.created_at;
        record.changed_at = self.changed_at;
        record.checked = self.checked;
        record
    }
}

impl From<ConnectionRecord> for Second {
    fn from(record: ConnectionRecord) -> Self {
        Self {
            version: 2,
            id: record.id,
            display_name: record.display_name,
            labels: record.labels,
            cloud: record.cloud,
            subscription: record.subscription,
            tenant: record.tenant,
            client: record.client,
            credential: record.credential,
            region: record.region,
            resource_group: record.resource_group,
            created_at: record.created_at,
            changed_at: record.changed_at,
            checked: record.checked,
        }
    }
}

impl Third {
    fn into_record(self) -> ConnectionRecord {
        let second = Second {
            version: 2,
            id: self.id,
            display_name: self.display_name,
            labels: self.labels,
            cloud: self.cloud,
            subscription: self.subscription,
            tenant: self.tenant,
            client: self.client,
            credential: self.credential,
            region: self.region,
            resource_group: self.resource_group,
            created_at: self.created_at,
            changed_at: self.changed_at,
            checked: self.checked,
        };
        second.into_record().with_organization(self.organization)
    }

    fn of(record: ConnectionRecord, organization: String) -> Self {
        let second = Second::from(record);
        Self {
            version: 3,
            id: second.id,
            display_name: second.display_name,
            labels: second.labels,
            cloud: second.cloud,
            subscription: second.subscription,
            tenant: second.tenant,
            client: second.client,
            credential: second.credential,
            region: second.region,
            resource_group: second.resource_group,
            organization,
            created_at: second.created_at,
            changed_at: second.changed_at,
            checked: second.checked,
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::check::Check;
    use crate::check_report::CheckReport;

    /// Records as they were written at the time. Never change one of them.
    const FIRST: &str = include_str!("../tests/golden/connection-1.json");
    const SECOND: &str = include_str!("../tests/golden/connection-2.json");
    const THIRD: &str = include_str!("../tests/golden/connection-3.json");

    fn plain() -> ConnectionRecord {
        let mut record = ConnectionRecord::new(
            "contoso".parse().unwrap(),
            "d1b2c3d4-0000-4000-8000-000000000001".parse().unwrap(),
            "d1b2c3d4-0000-4000-8000-000000000002".parse().unwrap(),
            "d1b2c3d4-0000-4000-8000-000000000003".parse().unwrap(),
            CredentialKind::client_secret(
                "connection/contoso/1".parse().unwrap(),
                Some(datetime!(2026-12-01 0:00 UTC)),
            ),
        );
        record.region = Some("westeurope".parse().unwrap());
        record.resource_group = Some("rg".parse().unwrap());
        record
    }

    fn whole() -> ConnectionRecord {
        let mut record = plain()
            .with_display_name("Contoso, production")
            .with_labels(Labels::new().with("team", "payments").unwrap())
            .with_cloud("AzureCloud")
            .with_created_at(datetime!(2026-11-01 8:00 UTC));
        record.changed_at = Some(datetime!(2026-11-02 8:00 UTC));
        let report = CheckReport::from_iter([Check::passed("secret", "client secret", "it is accepted")]);
        record.checked = Some(LastCheck::new(datetime!(2026-11-03 8:00:00.25 UTC), report));
        record
    }

    #[test]
    fn every_format_that_was_ever_written_is_read() {
        assert_eq!(ConnectionRecord::from_json(FIRST).unwrap(), plain());
        assert_eq!(ConnectionRecord::from_json(SECOND).unwrap(), whole());
        assert_eq!(ConnectionRecord::from_json(THIRD).unwrap(), whole().with_organization("contoso"));
        assert_eq!(serde_json::from_str::<ConnectionRecord>(FIRST).unwrap(), plain());
    }

    /// An older program reads what says nothing that it does not know.
    #[test]
    fn a_record_is_written_in_the_earliest_format_that_says_all_of_it() {
        let written = |record| serde_json::to_string_pretty(&record).unwrap() + "\n";
        assert_eq!(written(whole()), SECOND, "a change of the format needs a version of its own");
        assert_eq!(written(whole().with_organization("contoso")), THIRD);
        let again = serde_json::to_string(&ConnectionRecord::from_json(FIRST).unwrap()).unwrap();
        assert_eq!(ConnectionRecord::from_json(&again).unwrap(), plain());
    }

    #[test]
    fn a_later_format_is_refused_whatever_else_it_says() {
        for (text, shown) in
            [(r#"{"version":4,"id":7}"#, "version 4"), (r#"{"version":"2"}"#, "else"), (r#"{"version":-2}"#, "else")]
        {
            let error = ConnectionRecord::from_json(text).unwrap_err();
            assert_eq!((error.kind(), error.field()), (ErrorKind::Unsupported, Some("connection.version")));
            assert!(error.to_string().contains(shown) && error.advice().contains("newer"), "{error}");
        }
    }

    #[test]
    fn what_is_no_record_is_corrupt() {
        let unknown_field = SECOND.replacen("\"region\"", "\"regoin\"", 1);
        let of_another_format = SECOND.replacen("\"region\"", "\"organization\"", 1);
        for text in
            ["", "[]", "{}", r#"{"version":2}"#, &FIRST.replacen("contoso", "", 1), &unknown_field, &of_another_format]
        {
            let error = ConnectionRecord::from_json(text).unwrap_err();
            assert_eq!((error.kind(), error.effect()), (ErrorKind::Corrupt, Effect::None), "{text}: {error}");
        }
    }
}
