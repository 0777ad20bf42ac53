//! The customer as the product keeps it: the connection of who acts, the settings of the tenant, and who receives each secret.

use azconnect::core::{ClientId, Error, ErrorKind};
use azconnect::credential::{
    ActingAs, ActingChoice, Binding, BindingState, BoundConsumer, Candidate, ConnectRequest, ConnectionId,
    CredentialSink as _, TenantSettings, TenantSettingsRequest,
};
use azconnect::rotation::{Policy, Target};
use azconnect::{Azure, Bindings, Connections, Identity, Storage, TargetSpec};
use azconnect_examples::product::{KeptApplication, Operator, Product};

use crate::discover::Connection;

/// The name of the connection whose service principal mints, and acts in Azure DevOps.
const OPERATOR: &str = "operator";

/// A product's customer.
pub struct Customer {
    bindings: Bindings,
    operator: ConnectionId,
    /// Who acts.
    pub identity: Identity,
}

impl Customer {
    /// Keeps the operator as a connection, and the settings by which it acts in the product's organizations, unless they are kept
    /// so already.
    pub async fn keep(azure: &Azure, storage: &Storage, product: &Product, operator: Operator) -> Result<Self, Error> {
        let (tenant, id) = (operator.tenant, ConnectionId::new(OPERATOR)?);
        let connections = azure.connections(storage);
        connect(&connections, &id, product, operator).await?;
        let wanted =
            TenantSettingsRequest::new(tenant).enabled().with_acting(ActingChoice::ServicePrincipal(Some(id.clone())));
        let names = product.organizations.iter().map(|organization| organization.name.clone());
        let wanted = names.fold(wanted, TenantSettingsRequest::with_organization);
        let integrations = azure.tenant_integrations(storage);
        let kept = integrations.get(tenant).await?;
        if !kept.is_some_and(|kept| says(&kept.value, product, &id)) {
            match integrations.save(wanted).await {
                // Another process of this product came before, with the same file.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                saved => drop(saved?.saved()?),
            }
        }
        let identity = connections.identity(&id).await?;
        Ok(Self { bindings: azure.bindings(storage), operator: id, identity })
    }

    /// Makes the rotation's target of an application out of what is bound, after what was found was bound.
    pub async fn target(
        &self,
        product: &Product,
        application: &KeptApplication,
        (found, policy): (&[Connection], Policy),
    ) -> Result<Target, Error> {
        let tenant = self.identity.tenant();
        let holders = found.iter().filter(|connection| connection.concerns(application.client));
        let wanted: Vec<Binding> = holders.map(|connection| connection.binding(tenant)).collect();
        self.bind(product, application.client, &wanted).await?;
        let held = self.bindings.get(application.client).await?;
        if held.is_none_or(|held| held.consumers.is_empty()) {
            // The plan says that nobody receives the secret, and refuses.
            return Ok(self.identity.target(application.client)?.with_policy(policy));
        }
        self.bindings.adopt(application.client, &application.adopt).await?;
        let spec = TargetSpec::new(application.client).minted_by(self.operator.clone()).with_policy(policy);
        Ok(self.bindings.target(&spec).await?.target)
    }

    /// Binds what is not bound yet, and unbinds what does not hold the secret any more, or lies where the product's file does not
    /// look any more.
    async fn bind(&self, product: &Product, application: ClientId, wanted: &[Binding]) -> Result<(), Error> {
        let held = self.bindings.get(application).await?;
        let held = held.map(|held| held.consumers).unwrap_or_default();
        let name = |binding: &Binding| binding.consumer.name(application);
        let is_among = |all: &[Binding], one: &Binding| all.iter().any(|other| name(other) == name(one));
        // One that is bound stays as it was agreed, whatever the connection says of itself by now.
        for binding in wanted.iter().filter(|binding| !is_among(&held, binding)) {
            self.bindings.bind(application, self.identity.tenant(), binding.clone()).await?;
        }
        if held.iter().all(|binding| is_among(wanted, binding)) {
            return Ok(());
        }
        for seen in self.bindings.states(application).await? {
            let is_left = seen.state != BindingState::Unreadable || !looks_at(product, &seen.binding.consumer);
            if is_left && !is_among(wanted, &seen.binding) {
                self.bindings.unbind(application, &seen.name).await?;
            }
        }
        Ok(())
    }
}

/// Has the connection of the operator keep the secret that was given, unless it does already.
async fn connect(
    connections: &Connections,
    id: &ConnectionId,
    product: &Product,
    operator: Operator,
) -> Result<(), Error> {
    let kept = connections.get(id).await?;
    if let Some(kept) = &kept
        && (kept.tenant, kept.client) == (operator.tenant, operator.client)
    {
        return connections.sink(id)?.push(&Candidate::new(&operator.secret)).await.map(drop);
    }
    if kept.is_some() {
        connections.disconnect(id).await?;
    }
    let request = ConnectRequest::new(id.clone(), product.subscription, operator.tenant, operator.client);
    match connections.connect(request, operator.secret).await {
        // Another process of this product came before, with the same operator.
        Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
        connected => connected.map(drop),
    }
}

/// Whether settings say what is wanted already.
fn says(kept: &TenantSettings, product: &Product, operator: &ConnectionId) -> bool {
    let names = product.organizations.iter().map(|organization| &organization.name);
    let acts = matches!(&kept.acting, Some(ActingAs::ServicePrincipal { connection }) if connection == operator);
    kept.is_enabled && acts && kept.organizations.iter().eq(names)
}

/// Whether a consumer lies in a project of the product.
fn looks_at(product: &Product, consumer: &BoundConsumer) -> bool {
    let BoundConsumer::ServiceConnection(bound) = consumer else { return true };
    let organization = product.organizations.iter().find(|one| one.name.eq_ignore_ascii_case(&bound.organization));
    let projects = organization.map(|organization| &*organization.projects).unwrap_or_default();
    projects.iter().any(|project| project.to_lowercase() == bound.project.to_lowercase())
}
