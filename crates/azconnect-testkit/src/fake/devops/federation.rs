//! The port that converts connections to workload identity federation.

use async_trait::async_trait;
use azconnect_core::{Error, ErrorKind};
use azconnect_credential::{Check, CheckReport};
use azconnect_devops::{
    AuthorizationScheme, ConnectionAddress, ConversionRules, Endpoint, FederationConverter, Progress, ProjectAddress,
    conversion_checks,
};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::document::parameters;
use super::world::World;
use super::writer::require_unchanged;
use super::{DevOpsCaller, DevOpsStep, refused};

/// For how long a conversion can be undone.
const WINDOW: time::Duration = time::Duration::days(7);

impl DevOpsCaller {
    /// Gives a connection another scheme, with a deadline up to which that can be undone.
    fn set_scheme(
        &self,
        world: &mut World,
        address: &ConnectionAddress,
        (scheme, deadline): (AuthorizationScheme, Option<String>),
    ) -> Result<Endpoint, Error> {
        let now = self.service.clock.now();
        self.require_administrator()?;
        let organization = world.organization_of(address.id).map(|name| name.to_string()).unwrap_or_default();
        let (held, _) = world.open(address)?;
        let data = held.document.entry("data").or_insert_with(|| json!({}));
        if let Value::Object(data) = data {
            data.insert("revertSchemeDeadline".to_owned(), deadline.into());
        }
        if let Some(Value::Object(authorization)) = held.document.get_mut("authorization") {
            authorization.insert("scheme".to_owned(), scheme.as_str().into());
        }
        if let Some(parameters) = parameters(&mut held.document) {
            let subject = format!("/eid1/c/pub/t/fake/a/fake/sc/{organization}/{}", address.id);
            parameters.insert("workloadIdentityFederationIssuer".to_owned(), "https://fake.example/v2.0".into());
            parameters.insert("workloadIdentityFederationSubject".to_owned(), subject.into());
        }
        world.touch(address.id, now);
        world.see(address)
    }
}

#[async_trait]
impl FederationConverter for DevOpsCaller {
    async fn eligibility(&self, connection: &ConnectionAddress, rules: ConversionRules) -> Result<CheckReport, Error> {
        self.read(DevOpsStep::Convert, |world| {
            let mut checks = conversion_checks(&world.see(connection)?, &connection.project.project, rules);
            checks.extend((!self.administers).then(|| {
                Check::failed(
                    "may-not-change-secret",
                    "permission",
                    "the caller may not change its secret",
                    "ask a member of Project Collection Administrators to give the role Administrator on it",
                )
            }));
            Ok(checks)
        })
    }

    async fn convert(
        &self,
        project: &ProjectAddress,
        before: &Endpoint,
        rules: ConversionRules,
    ) -> Result<Progress<Endpoint>, Error> {
        let address = project.connection(before.id());
        self.write(DevOpsStep::Convert, |world| {
            // By the rules of `eligibility`: the port promises that the one refuses what the other finds.
            let checks = conversion_checks(before, &project.project, rules);
            if let Some(stop) = checks.failures().next() {
                return Err(refused(ErrorKind::Unsupported, &*stop.cause)
                    .with_service_code(&stop.code)
                    .with_advice(&stop.remedy));
            }
            require_unchanged(before, &world.see(&address)?)?;
            let deadline = (self.service.clock.now() + WINDOW).format(&Rfc3339).ok();
            self.set_scheme(world, &address, (AuthorizationScheme::WorkloadIdentityFederation, deadline))
                .map(Progress::Done)
        })
    }

    async fn revert(&self, project: &ProjectAddress, before: &Endpoint) -> Result<Progress<Endpoint>, Error> {
        let address = project.connection(before.id());
        self.write(DevOpsStep::Convert, |world| {
            let no = |code, message| {
                Err(refused(ErrorKind::Unsupported, message)
                    .with_service_code(code)
                    .with_advice("create a new connection with a secret, if one is needed"))
            };
            let Some(deadline) = before.revert_deadline().filter(|_| before.is_federated()) else {
                return no("no-conversion", "the connection has no conversion that could be undone");
            };
            if self.service.clock.now() >= deadline {
                return no("revert-deadline-passed", "the connection's conversion is older than 7 days");
            }
            require_unchanged(before, &world.see(&address)?)?;
            self.set_scheme(world, &address, (AuthorizationScheme::ServicePrincipal, None)).map(Progress::Done)
        })
    }
}
