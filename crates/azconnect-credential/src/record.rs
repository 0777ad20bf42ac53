//! What a product stores about a connection to a customer's Azure.

use std::time::Duration;

use azconnect_core::{ClientId, Error, KeyId, ResourceGroupName, SecretId, SubscriptionId, TenantId};
use serde::{Deserialize, Deserializer, Serialize, de};
use time::OffsetDateTime;

azconnect_core::name_id!(
    /// The name that the product gives a connection, such as `contoso`.
    ConnectionId,
    "connection id"
);

/// The longest name of a region that is taken. Azure's own are shorter than 25 characters.
const MAX_REGION_LENGTH: usize = 60;

/// An Azure region by its programmatic name, such as `westeurope`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Region(Box<str>);

impl Region {
    /// Checks and takes a region. `West Europe` is read as `westeurope`, as Azure does.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) unless what remains without spaces is 1 to 60 letters and digits.
    pub fn new(name: &str) -> Result<Self, Error> {
        // One spelling for each region, so that records and answers of Azure can be compared as text.
        let name: String = name.chars().filter(|c| *c != ' ').map(|c| c.to_ascii_lowercase()).collect();
        if name.is_empty() || name.len() > MAX_REGION_LENGTH || !name.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(Error::invalid("region", "is not the name of a region")
                .with_advice("give a region such as westeurope; `az account list-locations` lists them"));
        }
        Ok(Self(name.into()))
    }

    /// The programmatic name, such as `westeurope`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Region {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::new(text)
    }
}

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// How the connection signs in. Secrets and private keys lie in a `SecretStore`; the record holds their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum CredentialKind {
    /// The application signs in with a client secret.
    ClientSecret {
        /// The name under which the secret is sealed in the `SecretStore`.
        secret: SecretId,
        /// The public id of the secret, where it is known.
        key: Option<KeyId>,
        /// When the secret ends, where that is known.
        #[serde(with = "time::serde::rfc3339::option")]
        ends_at: Option<OffsetDateTime>,
    },
    /// The application signs in with a certificate's private key.
    Certificate {
        /// The name under which certificate and private key are sealed, both as PEM.
        secret: SecretId,
        /// When the certificate ends, where that is known.
        #[serde(with = "time::serde::rfc3339::option")]
        ends_at: Option<OffsetDateTime>,
    },
    /// The application trusts the tokens of another issuer. Nothing is stored, and nothing expires.
    Federated {
        /// The issuer's address: the `iss` claim of its tokens.
        issuer: String,
        /// Whom the tokens speak for: their `sub` claim.
        subject: String,
    },
}

impl CredentialKind {
    /// A client secret sealed under a name.
    pub fn client_secret(secret: SecretId, ends_at: Option<OffsetDateTime>) -> Self {
        Self::ClientSecret { secret, key: None, ends_at }
    }

    /// When the secret or certificate ends, where that is known.
    pub fn ends_at(&self) -> Option<OffsetDateTime> {
        match self {
            Self::ClientSecret { ends_at, .. } | Self::Certificate { ends_at, .. } => *ends_at,
            Self::Federated { .. } => None,
        }
    }
}

/// One stored connection. It holds no secret, so it may be shown and logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConnectionRecord {
    /// The product's name for the connection.
    pub id: ConnectionId,
    /// The customer's subscription.
    pub subscription: SubscriptionId,
    /// The customer's tenant.
    pub tenant: TenantId,
    /// The client id of the application that signs in.
    pub client: ClientId,
    /// How the application signs in.
    pub credential: CredentialKind,
    /// The region in which new resources are created.
    pub region: Option<Region>,
    /// The one resource group it may act in, if it is limited to one.
    pub resource_group: Option<ResourceGroupName>,
}

impl ConnectionRecord {
    /// A connection to a subscription, not limited to a group.
    pub fn new(
        id: ConnectionId,
        subscription: SubscriptionId,
        tenant: TenantId,
        client: ClientId,
        credential: CredentialKind,
    ) -> Self {
        Self { id, subscription, tenant, client, credential, region: None, resource_group: None }
    }

    /// Sets the region in which new resources are created.
    #[must_use]
    pub fn with_region(mut self, region: Region) -> Self {
        self.region = Some(region);
        self
    }

    /// Limits it to one resource group.
    #[must_use]
    pub fn with_resource_group(mut self, group: ResourceGroupName) -> Self {
        self.resource_group = Some(group);
        self
    }

    /// How near its end the credential is at `now`, given how long before the end something should be done.
    pub fn expiry(&self, now: OffsetDateTime, warn_before: Duration) -> Expiry {
        Expiry::of(self.credential.ends_at(), now, warn_before)
    }
}

/// How near its end a credential is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Expiry {
    /// It does not end, or nobody knows when.
    Unknown,
    /// It ends later than the time to act.
    Fresh {
        /// The end, which is further away than the warning time.
        #[serde(with = "time::serde::rfc3339")]
        ends_at: OffsetDateTime,
    },
    /// It ends soon: it is time to act.
    Due {
        /// The end, which is at most the warning time away.
        #[serde(with = "time::serde::rfc3339")]
        ends_at: OffsetDateTime,
    },
    /// It has ended.
    Expired {
        /// The end, which has passed.
        #[serde(with = "time::serde::rfc3339")]
        ends_at: OffsetDateTime,
    },
}

impl Expiry {
    /// Judges at `now` how near an end is; from `warn_before` before the end on, it is [`Due`](Self::Due).
    pub fn of(ends_at: Option<OffsetDateTime>, now: OffsetDateTime, warn_before: Duration) -> Self {
        match ends_at {
            None => Self::Unknown,
            Some(ends_at) if ends_at <= now => Self::Expired { ends_at },
            Some(ends_at) if ends_at - now <= warn_before => Self::Due { ends_at },
            Some(ends_at) => Self::Fresh { ends_at },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn regions_are_read_as_azure_reads_them() {
        assert_eq!(Region::new("West Europe").unwrap().as_str(), "westeurope");
        assert!(Region::new("west/europe").is_err());
    }

    #[test]
    fn expiry_turns_due_and_expired_on_the_moment() {
        let end = datetime!(2026-12-01 0:00 UTC);
        let day = Duration::from_secs(86_400);
        assert_eq!(Expiry::of(Some(end), end, day), Expiry::Expired { ends_at: end });
        assert_eq!(Expiry::of(Some(end), end - day, day), Expiry::Due { ends_at: end });
        assert_eq!(Expiry::of(Some(end), end - day * 2, day), Expiry::Fresh { ends_at: end });
        assert_eq!(Expiry::of(None, end, day), Expiry::Unknown);
    }

    #[test]
    fn a_record_survives_json() {
        let record = ConnectionRecord::new(
            "contoso".parse().unwrap(),
            "d1b2c3d4-0000-4000-8000-000000000001".parse().unwrap(),
            "d1b2c3d4-0000-4000-8000-000000000002".parse().unwrap(),
            "d1b2c3d4-0000-4000-8000-000000000003".parse().unwrap(),
            CredentialKind::client_secret(
                "connection/contoso/1".parse().unwrap(),
                Some(datetime!(2026-12-01 0:00 UTC)),
            ),
        )
        .with_region("West Europe".parse().unwrap())
        .with_resource_group("rg".parse().unwrap());
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<ConnectionRecord>(&text).unwrap(), record);
    }
}
