//! The applications of a tenant at Microsoft Graph.

use async_trait::async_trait;
use azconnect_arm::Arm;
use azconnect_core::{Error, ErrorKind, KeyId, TenantId};
use azconnect_graph::{Application, Audience, GraphClient, NewApplication, RedirectUris};
use azconnect_setup::port::{NewRegistration, Ours, Registered, Registry, Subject, Which};
use azconnect_setup::{Part, SetupAudience};

use super::{arm, directory};
use crate::principal::Identity;

pub(super) struct TenantRegistry {
    tenant: TenantId,
    graph: GraphClient,
    arm: Arm,
}

impl TenantRegistry {
    pub(super) fn new(operator: &Identity) -> Self {
        Self { tenant: operator.tenant(), graph: operator.graph(), arm: operator.arm() }
    }
}

#[async_trait]
impl Registry for TenantRegistry {
    fn tenant(&self) -> TenantId {
        self.tenant
    }

    async fn find(&self, which: &Which) -> Result<Vec<Registered>, Error> {
        let found = match which {
            Which::Marked(marker) => self.graph.application_marked(marker).await?.into_iter().collect(),
            Which::Named(name) => self.graph.applications(&azconnect_graph::ApplicationQuery::named(name)).await?,
            Which::Client(client) => match self.graph.application_by_client_id(*client).await {
                Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
                found => vec![found?],
            },
            _ => return Err(Error::new(ErrorKind::Unsupported, "applications are not looked for so")),
        };
        Ok(found.iter().map(registered).collect())
    }

    async fn register(&self, wish: &NewRegistration) -> Result<Registered, Error> {
        let addresses = wish
            .redirect_uris
            .iter()
            .fold(RedirectUris::new(), |all, uri| all.with(directory::platform(uri.platform), &uri.address));
        let audience = match wish.audience {
            SetupAudience::AnyTenant => Audience::AnyTenant,
            _ => Audience::OwnTenant,
        };
        let new = NewApplication::new(wish.marker.clone(), &wish.display_name)
            .with_audience(audience)
            .with_redirect_uris(addresses);
        Ok(registered(&self.graph.ensure_application(&new).await?))
    }

    async fn foreign_uses(&self, subject: &Subject, ours: &Ours) -> Result<Vec<String>, Error> {
        let application = self.graph.application(subject.application.object).await?;
        let mut uses = Vec::new();
        let is_ours = |key: Option<KeyId>, name: Option<&str>| {
            key.is_some_and(|key| ours.keys.contains(&key))
                || name.is_some_and(|name| ours.markers.iter().any(|marker| marker.as_str() == name))
                || name == Some(subject.marker.as_str())
        };
        let mut note = |what: &str, key: Option<KeyId>, name: Option<&str>| {
            if !is_ours(key, name) {
                uses.push(format!("{what} {}", name.unwrap_or("without a name")));
            }
        };
        for password in &application.passwords {
            note("a client secret", password.key, password.display_name.as_deref());
        }
        for certificate in application.certificates.iter().flatten() {
            note("a certificate", certificate.key, certificate.display_name.as_deref());
        }
        for trust in self.graph.federated_credentials(subject.application.object).await? {
            note("a federated credential", None, trust.name.as_deref());
        }
        let Some(principal) = subject.principal else { return Ok(uses) };
        for part in &ours.parts {
            if let Part::Role { access } = part {
                uses.extend(arm::foreign_roles(&self.arm, access, principal).await?);
            }
        }
        Ok(uses)
    }

    async fn unregister(&self, application: &Registered) -> Result<(), Error> {
        self.graph.delete_application(application.object).await
    }
}

fn registered(application: &Application) -> Registered {
    Registered::new(application.id, application.client_id)
}
