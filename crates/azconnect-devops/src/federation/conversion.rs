//! Converting connections to workload identity federation, and back.

use azconnect_core::{Effect, Error, ErrorKind};
use azconnect_http::{Call, Idempotency};

use crate::document::{AuthorizationScheme, Draft, Endpoint, EndpointChange};
use crate::eligibility::{ConversionRules, conversion_checks};
use crate::endpoint::Endpoints;

impl Endpoints {
    /// Converts a connection from a service principal's secret to workload identity federation, and returns it as it is
    /// afterwards. Within 7 days it can be undone with [`Endpoints::revert`].
    ///
    /// Sent once, since the service refuses a second conversion; where the answer was lost, reading the connection tells
    /// whether it was converted. The service may finish in the background: see [`Endpoints::wait_until_ready`]. Follows
    /// Microsoft's *Convert an existing service connection to use workload identity federation*.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) with the rule that refused as service code, before anything is sent;
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) with whom to ask, before anything is written;
    /// [`Conflict`](ErrorKind::Conflict) if somebody changed the connection since `before`.
    ///
    /// # Cancel safety
    /// Not cancel safe: read the connection to know.
    pub async fn convert(&self, before: &Endpoint, rules: ConversionRules) -> Result<Endpoint, Error> {
        if let Some(check) = conversion_checks(before, &self.project, rules).failures().next() {
            return Err(refused(&check.cause).with_service_code(&check.code).with_advice(&check.remedy));
        }
        let permitted = self.require_secret_permission(before.id()).await;
        permitted.map_err(|error| error.in_operation("devops.endpoint.convert"))?;
        self.set_scheme("devops.endpoint.convert", before, &AuthorizationScheme::WorkloadIdentityFederation).await
    }

    /// Undoes a conversion while its deadline has not passed, and returns the connection as it is afterwards.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for a connection that was not converted, or too long ago.
    ///
    /// # Cancel safety
    /// As [`Endpoints::convert`].
    pub async fn revert(&self, before: &Endpoint) -> Result<Endpoint, Error> {
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
        self.set_scheme("devops.endpoint.revert", before, &AuthorizationScheme::ServicePrincipal).await
    }

    /// Sends the conversion call, then reads the connection, whose scheme decides whether the call succeeded.
    pub(super) async fn set_scheme(
        &self,
        operation: &'static str,
        before: &Endpoint,
        scheme: &AuthorizationScheme,
    ) -> Result<Endpoint, Error> {
        let current = self.unchanged_since(before).await?;
        let mut draft = EndpointChange::new().draft(&current)?;
        set(&mut draft, scheme);
        let (project, id) = (self.project.as_str(), before.id().to_string());
        let segments = [&*project, "_apis", "serviceendpoint", "endpoints", &id];
        let url = self.organization.url(&segments, &[("operation", "ConvertAuthenticationScheme")])?;
        let call = Call::put(operation, url).with_idempotency(Idempotency::Once).with_json(&draft)?;
        let has = |endpoint: &Endpoint| endpoint.authorization_scheme() == Some(scheme);
        let outcome = self.organization.send(call).await;
        let after = match (outcome, self.get(before.id()).await) {
            (Ok(_), after) => after.map_err(|error| error.with_effect(Effect::Unknown))?,
            // The answer was lost, or told of a second conversion.
            (Err(_), Ok(after)) if has(&after) && !has(before) => after,
            (Err(error), _) => return Err(error),
        };
        if has(&after) {
            return Ok(after);
        }
        Err(Error::new(
            ErrorKind::Conflict,
            format!("the connection's scheme is not {scheme} after the change of scheme"),
        )
        .in_operation(operation)
        .with_advice("read the connection again in a minute; the service may still be at work"))
    }
}

fn set(draft: &mut Draft<'_>, scheme: &AuthorizationScheme) {
    if let Some(authorization) = draft.document.get_mut("authorization").and_then(|value| value.as_object_mut()) {
        authorization.insert("scheme".to_owned(), scheme.as_str().into());
    }
    if let Some(data) = draft.document.get_mut("data").and_then(|value| value.as_object_mut()) {
        data.retain(|key, _| !key.eq_ignore_ascii_case("revertSchemeDeadline"));
    }
}

fn refused(message: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the connection cannot change its scheme: {message}"))
        .with_effect(Effect::None)
        .in_operation("devops.endpoint.convert")
}
