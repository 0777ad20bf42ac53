//! The chosen connection, looked at once more: whether it is still what the picker showed.

use azconnect_core::{Diagnosis, Error, ErrorKind};
use azconnect_credential::{
    BindingState, BoundServiceConnection, Check, CheckReport, CheckStatus, CredentialSink as _,
};
use azconnect_devops::{BindingStep, ProjectAddress, ProjectRef, ServiceConnections as _, binding_states};

use super::super::Bindings;
use super::super::build::Acting;
use super::picker::Place;

impl Bindings {
    pub(super) async fn look_again(
        &self,
        acting: &Acting,
        place: &Place<'_>,
        chosen: &BoundServiceConnection,
    ) -> BindingStep<BoundServiceConnection> {
        let address = ProjectAddress::new(place.organization.clone(), ProjectRef::Id(place.project.id));
        let states = binding_states(&acting.client, &acting.client, &address, &[chosen]).await;
        let Some((state, checks)) = states.into_iter().next() else { return BindingStep::skipped() };
        if state != BindingState::Fits {
            return BindingStep::blocked(changed(chosen, &state, checks));
        }
        match self.inspect(acting, place, &address, chosen).await {
            Ok((seen, checks)) => BindingStep::of(seen, checks),
            Err(error) => BindingStep::ended("connection-not-read", "connection", &error),
        }
    }

    async fn inspect(
        &self,
        acting: &Acting,
        place: &Place<'_>,
        address: &ProjectAddress,
        chosen: &BoundServiceConnection,
    ) -> Result<(BoundServiceConnection, CheckReport), Error> {
        let endpoint = acting.client.read(&address.connection(chosen.id)).await?;
        let seen = place.seen(&endpoint);
        let mut checks = CheckReport::new();
        // What is bound is what is there, whatever a page sends.
        if seen != *chosen {
            checks.push(conflict(Check::failed(
                "connection-changed",
                "connection",
                format!(
                    "the connection {:?} is not as it was shown: its place, its type or its host is another",
                    chosen.name
                ),
                "look at it again, and choose it as it is now",
            )));
            return Ok((seen, checks));
        }
        let sink = self.candidate(acting, place, chosen.id)?;
        checks.extend(sink.inspect().await?.checks);
        checks.extend(place.same_name(&seen));
        checks.extend(place.draft.overtaken_by(place.bound(&seen)));
        Ok((seen, checks))
    }
}

/// Why a connection that was renamed, removed or made again since the picker showed it is not bound.
fn changed(chosen: &BoundServiceConnection, state: &BindingState, checks: CheckReport) -> CheckReport {
    let named = |check: Check| {
        let cause = format!("{:?} is not as it was chosen: {}", chosen.name, check.cause);
        let mut check = check.with_cause(cause);
        // A binding survives a new name, but nobody has chosen a connection of that one.
        if check.code == "binding-renamed" {
            check.status = CheckStatus::Failed;
            check = check.with_remedy("look at it again, and choose it by its new name if it is the one");
        }
        if *state == BindingState::Unreadable { check } else { conflict(check) }
    };
    checks.into_iter().map(named).collect()
}

fn conflict(check: Check) -> Check {
    let known = Diagnosis::new(ErrorKind::Conflict, check.cause.clone()).with_field("connection");
    check.with_diagnosis(known)
}
