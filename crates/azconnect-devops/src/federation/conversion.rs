//! Converting connections to workload identity federation, and back.

use azconnect_core::{Effect, Error, ErrorKind};
use azconnect_http::{Call, Idempotency};

use crate::background::{Progress, failure, is_under_way, passes};
use crate::document::{AuthorizationScheme, Draft, Endpoint, EndpointChange};
use crate::eligibility::{ConversionRules, conversion_checks};
use crate::endpoint::Endpoints;

impl Endpoints {
    /// Converts a connection from a service principal's secret to workload identity federation, and returns it as it is
    /// afterwards. Within 7 days it can be undone with [`Endpoints::revert`].
    ///
    /// Sent once, since the service refuses a second conversion; where the answer was lost, reading the connection tells
    /// whether it was converted. The service may finish in the background, with the former scheme until then: that is waited
    /// for as [`Endpoints::with_ready_policy`] says, and is [`Pending`](Progress::Pending) when that time is over. Follows
    /// Microsoft's *Convert an existing service connection to use workload identity federation*.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) with the rule that refused as service code, before anything is sent;
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) with whom to ask, before anything is written; with the service's own
    /// text and code where it failed in the background. [`Conflict`](ErrorKind::Conflict) if somebody changed the connection
    /// since `before`.
    ///
    /// # Cancel safety
    /// Not cancel safe: read the connection to know.
    pub async fn convert(&self, before: &Endpoint, rules: ConversionRules) -> Result<Progress<Endpoint>, Error> {
        if let Some(check) = conversion_checks(before, &self.project, rules).failures().next() {
            return Err(refused(&check.cause).with_service_code(&check.code).with_advice(&check.remedy));
        }
        let permitted = self.require_secret_permission(before.id()).await;
        permitted.map_err(|error| error.in_operation("devops.endpoint.convert"))?;
        let federated = |endpoint: &Endpoint| endpoint.is_federated();
        let change =
            (&AuthorizationScheme::WorkloadIdentityFederation, &federated as &(dyn Fn(&Endpoint) -> bool + Sync));
        self.set_scheme("devops.endpoint.convert", before, change).await
    }

    /// Undoes a conversion while its deadline has not passed, and returns the connection as it is afterwards. It is waited for as
    /// [`Endpoints::convert`].
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for a connection that was not converted, or too long ago.
    ///
    /// # Cancel safety
    /// As [`Endpoints::convert`].
    pub async fn revert(&self, before: &Endpoint) -> Result<Progress<Endpoint>, Error> {
        let Some(deadline) = before.revert_deadline().filter(|_| before.is_federated()) else {
            return Err(refused("it has no conversion that could be undone")
                .with_service_code("no-conversion")
                .with_advice("create a new connection with a secret, if one is needed"));
        };
        if self.organization.client.pipeline().clock().now() >= deadline {
            return Err(refused("its conversion is older than 7 days, and the service undoes it no more")
                .with_service_code("revert-deadline-passed")
                .with_advice("create a new connection with a secret, if one is needed"));
        }
        let permitted = self.require_secret_permission(before.id()).await;
        permitted.map_err(|error| error.in_operation("devops.endpoint.revert"))?;
        let reverted = |endpoint: &Endpoint| endpoint.is_scheme(AuthorizationScheme::ServicePrincipal);
        let change = (&AuthorizationScheme::ServicePrincipal, &reverted as &(dyn Fn(&Endpoint) -> bool + Sync));
        self.set_scheme("devops.endpoint.revert", before, change).await
    }

    /// Sends the conversion call, then reads the connection until `done` says that the change is made.
    pub(super) async fn set_scheme(
        &self,
        operation: &'static str,
        before: &Endpoint,
        (scheme, done): (&AuthorizationScheme, &(dyn Fn(&Endpoint) -> bool + Sync)),
    ) -> Result<Progress<Endpoint>, Error> {
        let current = self.unchanged_since(before).await?;
        let mut draft = EndpointChange::new().draft(&current)?;
        set(&mut draft, scheme);
        let (project, id) = (self.project.as_str(), before.id().to_string());
        let segments = [&*project, "_apis", "serviceendpoint", "endpoints", &id];
        let url = self.organization.url(&segments, &[("operation", "ConvertAuthenticationScheme")])?;
        let call = Call::put(operation, url).with_idempotency(Idempotency::Once).with_json(&draft)?;
        let started = self.elapsed();
        let (mut failed, mut under_way) = match self.organization.send(call).await {
            Ok(answer) => (None, Endpoint::from_json(answer.body()).is_ok_and(|shown| is_under_way(&shown))),
            Err(error) => (Some(error), false),
        };
        loop {
            match self.get(before.id()).await {
                Ok(after) => {
                    if let Some(error) = failed.take() {
                        // The answer was lost, or told of a second conversion.
                        let taken = (done(&after) && !done(before))
                            || (error.effect() == Effect::Unknown && is_under_way(&after));
                        if !taken {
                            return Err(error);
                        }
                    }
                    if let Some(failure) = failure(&after) {
                        return Err(failure);
                    }
                    under_way |= is_under_way(&after);
                    if done(&after) && !is_under_way(&after) {
                        return Ok(Progress::Done(after));
                    }
                    if !self.pause(self.ready, started).await {
                        return if under_way { Ok(Progress::Pending(after)) } else { Err(unmoved(operation, scheme)) };
                    }
                }
                Err(error) => {
                    // A refusal needs no reading to count; only a reading could have told of a second conversion.
                    if let Some(refusal) = failed.take_if(|failed| failed.effect() == Effect::None) {
                        return Err(refusal);
                    }
                    if !passes(&error) || !self.pause(self.ready, started).await {
                        return Err(failed.unwrap_or(error).with_effect(Effect::Unknown));
                    }
                }
            }
        }
    }
}

fn unmoved(operation: &'static str, scheme: &AuthorizationScheme) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!("the service took the change to {scheme}, and the connection does not show it"),
    )
    .in_operation(operation)
    .with_advice("read the connection again in a minute, and find out who changes it")
}

fn set(draft: &mut Draft<'_>, scheme: &AuthorizationScheme) {
    if let Some(authorization) = draft.document.get_mut("authorization").and_then(|value| value.as_object_mut()) {
        authorization.insert("scheme".to_owned(), scheme.as_str().into());
    }
    if let Some(data) = draft.document.get_mut("data").and_then(|value| value.as_object_mut()) {
        data.retain(|key, _| !key.eq_ignore_ascii_case("revertSchemeDeadline"));
    }
}

/// A refusal of ours, before anything is sent: effect none.
fn refused(message: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the connection cannot change its scheme: {message}"))
        .with_effect(Effect::None)
        .in_operation("devops.endpoint.convert")
}
