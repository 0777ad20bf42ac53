//! The port that tests secrets.

use async_trait::async_trait;
use azconnect_core::{Error, Secret};
use azconnect_credential::{Assessment, Candidate, CredentialVerdict};
use azconnect_devops::{
    AuthorizationScheme, ConnectionAddress, ConnectionType, Endpoint, RegistryType, ServiceConnectionVerifier,
};
use time::OffsetDateTime;

use super::world::World;
use super::{DevOpsCaller, DevOpsStep};

/// For how long after its minting a refused secret may only not have replicated yet.
const YOUNG: time::Duration = time::Duration::minutes(10);

impl DevOpsCaller {
    fn judge(&self, world: &World, secret: Option<&Secret>, minted_at: Option<OffsetDateTime>) -> Assessment {
        if secret.is_some_and(|secret| world.working.iter().any(|working| working.same_as(secret))) {
            return Assessment::new(CredentialVerdict::Accepted, "the fake signed in through the connection");
        }
        let young = minted_at.is_some_and(|minted| self.service.clock.now() - minted <= YOUNG);
        let verdict = if young { CredentialVerdict::Pending } else { CredentialVerdict::Rejected };
        Assessment::new(verdict, "the fake does not accept the secret").with_advice("push a secret that works")
    }

    fn test(
        &self,
        connection: &ConnectionAddress,
        judge: impl FnOnce(&World, &Endpoint, Option<Secret>) -> Assessment,
    ) -> Assessment {
        let tested = self.read(DevOpsStep::Verify, |world| {
            let endpoint = world.see(connection)?;
            let held = world.held(connection.id).and_then(|held| held.secret.as_ref()).map(Secret::duplicate);
            Ok::<_, Error>(judge(world, &endpoint, held))
        });
        tested.unwrap_or_else(|error| Assessment::inconclusive(&error))
    }
}

#[async_trait]
impl ServiceConnectionVerifier for DevOpsCaller {
    async fn verify_stored(&self, connection: &ConnectionAddress, minted_at: Option<OffsetDateTime>) -> Assessment {
        self.test(connection, |world, endpoint, held| {
            without_secret(endpoint).unwrap_or_else(|| self.judge(world, held.as_ref(), minted_at))
        })
    }

    async fn verify_candidate(&self, connection: &ConnectionAddress, candidate: &Candidate<'_>) -> Assessment {
        self.test(connection, |world, endpoint, _| {
            without_secret(endpoint).unwrap_or_else(|| self.judge(world, Some(candidate.secret), candidate.minted_at))
        })
    }
}

/// What is said of a connection whose test does not depend on a secret.
fn without_secret(endpoint: &Endpoint) -> Option<Assessment> {
    if endpoint.is_type(ConnectionType::DockerRegistry) && endpoint.registry_type() != Some(&RegistryType::DockerHub) {
        return Some(
            Assessment::new(CredentialVerdict::Inconclusive, "Azure DevOps asks Docker Hub, whatever the registry is")
                .with_service_code("NotVerifiable")
                .with_advice("check the registry's own login"),
        );
    }
    endpoint
        .is_scheme(AuthorizationScheme::WorkloadIdentityFederation)
        .then(|| Assessment::new(CredentialVerdict::Accepted, "the fake signed in by federation"))
}
