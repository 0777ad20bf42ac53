//! What became of the consumers of an application since they were bound.

use std::collections::BTreeMap;

use azconnect_core::{ClientId, Error, ErrorKind, TenantId};
use azconnect_credential::{
    ApplicationBindings, Binding, BindingSeen, BindingState, BoundConsumer, BoundServiceConnection, Check, CheckReport,
    ConnectionId,
};
use azconnect_devops::{binding_states, bound_project};
use azconnect_identity::OwnRecord as _;

use super::Bindings;
use super::build::Acting;

impl Bindings {
    /// Reads every consumer of an application, and compares it with what it was when it was bound: renamed, replaced, gone,
    /// not shared any more, disabled, converted, empty, another application's, or leading elsewhere. Whatever could not be seen is [`Unreadable`](BindingState::Unreadable), and does
    /// not hide the others. Idempotent, without effect.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if nothing is bound to the application; else if the store fails.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing changes.
    pub async fn states(&self, application: ClientId) -> Result<Vec<BindingSeen>, Error> {
        let bindings = self.require(application).await?;
        let mut seen: BTreeMap<usize, (BindingState, CheckReport)> = BTreeMap::new();
        for ((tenant, _, _), places) in projects(&bindings) {
            seen.extend(self.service_connections(tenant, &places).await);
        }
        let mut all = Vec::new();
        for (at, binding) in bindings.consumers.iter().enumerate() {
            let (state, checks) = match seen.remove(&at) {
                Some(found) => found,
                None => self.other_state(&bindings, binding).await,
            };
            all.push(BindingSeen::new(binding.consumer.name(application), binding.clone(), state, checks));
        }
        Ok(all)
    }

    /// What became of the service connections of one project.
    async fn service_connections(
        &self,
        tenant: TenantId,
        places: &[(usize, &BoundServiceConnection)],
    ) -> Vec<(usize, (BindingState, CheckReport))> {
        let bound: Vec<&BoundServiceConnection> = places.iter().map(|(_, bound)| *bound).collect();
        let Some(first) = bound.first() else { return Vec::new() };
        let found = async {
            let Acting { client, .. } = self.reach(tenant, first).await?;
            Ok::<_, Error>(binding_states(&client, &client, &bound_project(first)?, &bound).await)
        };
        let states = match found.await {
            Ok(states) => states,
            Err(error) => bound.iter().map(|_| unreadable(&error)).collect(),
        };
        places.iter().map(|(at, _)| *at).zip(states).collect()
    }

    async fn reach(&self, tenant: TenantId, bound: &BoundServiceConnection) -> Result<Acting, Error> {
        let acting = self.acting_in(tenant).await?;
        acting.require(&bound.organization)?;
        Ok(acting)
    }

    async fn other_state(&self, bindings: &ApplicationBindings, binding: &Binding) -> (BindingState, CheckReport) {
        let looked = match &binding.consumer {
            BoundConsumer::Connection(id) => self.connection_state(bindings, id).await,
            BoundConsumer::OwnRecord => self.own_record_state(bindings.application).await,
            BoundConsumer::Other(other) => match self.other(bindings.application, other) {
                Ok(sink) => sink.inspect().await.map(|report| (BindingState::Fits, report.checks)),
                Err(error) => Err(error),
            },
            other => Err(super::build::unknown_kind(other.kind())),
        };
        looked.unwrap_or_else(|error| unreadable(&error))
    }

    async fn connection_state(
        &self,
        bindings: &ApplicationBindings,
        id: &ConnectionId,
    ) -> Result<(BindingState, CheckReport), Error> {
        let Some(record) = self.connections.get(id).await? else {
            return Ok((BindingState::Gone, CheckReport::from(vec![gone(format!("there is no connection {id}"))])));
        };
        if record.client != bindings.application || record.tenant != bindings.tenant {
            let (client, tenant) = (record.client, record.tenant);
            let check = Check::failed(
                "binding-of-another-application",
                "connection",
                format!(
                    "the connection {id} signs in as {client} of the tenant {tenant}, and not as {}",
                    bindings.application
                ),
                "unbind it here, and bind it to its own application",
            );
            return Ok((BindingState::OtherApplication { client }, CheckReport::from(vec![check])));
        }
        if self.connections.held(&record).await?.is_some() {
            return Ok((BindingState::Fits, CheckReport::new()));
        }
        let check = Check::unknown(
            "binding-empty",
            "connection",
            format!("the secret of the connection {id} is not in the store, so that nobody can sign in with it"),
            "give the connection a working secret (replace_secret), or rotate the application's",
        );
        Ok((BindingState::Empty, CheckReport::from(vec![check.as_warning()])))
    }

    async fn own_record_state(&self, application: ClientId) -> Result<(BindingState, CheckReport), Error> {
        match self.azure.own_record(&self.storage, application)?.load().await? {
            Some(_) => Ok((BindingState::Fits, CheckReport::new())),
            None => {
                let cause = format!("the record holds no secret of {application} yet: the first rotation stores one");
                let check = Check::passed("own-record-empty", "consumer", cause);
                Ok((BindingState::Empty, CheckReport::from(vec![check])))
            }
        }
    }
}

/// The tenant, the organization and the project of service connections, in one spelling.
type Place = (TenantId, String, String);

/// The bound service connections with their place in the record, project by project.
fn projects(bindings: &ApplicationBindings) -> BTreeMap<Place, Vec<(usize, &BoundServiceConnection)>> {
    let mut projects: BTreeMap<Place, Vec<_>> = BTreeMap::new();
    for (at, binding) in bindings.consumers.iter().enumerate() {
        if let BoundConsumer::ServiceConnection(bound) = &binding.consumer {
            let place = (bound.tenant, bound.organization.to_ascii_lowercase(), bound.project.to_lowercase());
            projects.entry(place).or_default().push((at, bound));
        }
    }
    projects
}

fn unreadable(error: &Error) -> (BindingState, CheckReport) {
    let cause = format!("whether it is there is not known: {}", error.message());
    let check = Check::unknown_by("binding-unreadable", "binding", error).with_cause(cause);
    (BindingState::Unreadable, CheckReport::from(vec![check]))
}

fn gone(cause: String) -> Check {
    let known = azconnect_core::Diagnosis::new(ErrorKind::NotFound, cause.clone());
    Check::failed("binding-gone", "consumer", cause, "unbind it, or bind what took its place").with_diagnosis(known)
}
