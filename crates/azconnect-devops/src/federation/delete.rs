//! Deleting a federated connection: its trust goes first, and comes back where the connection stays.

use azconnect_core::{Effect, Error, ErrorKind};
use azconnect_credential::CheckStatus;

use super::trust::require_own;
use super::{FederatedCredentials, FederatedTrust};
use crate::background::{Progress, failure, is_under_way, passes};
use crate::dialect::says_no_such_connection;
use crate::document::{Endpoint, shown};
use crate::endpoint::{Deletion, Endpoints};
use crate::name::ProjectId;

impl Endpoints {
    /// Deletes a federated connection from all its projects, and the trust of its application in it.
    ///
    /// The service does not delete the connection while its federated credential exists, so that goes first: after it is
    /// certain that the caller may delete the connection and that nothing of it stays in another project. Only a federated
    /// credential with the connection's own issuer, subject and audience is removed. If the connection then stays, its
    /// trust is restored. Repeated after any failure it goes on.
    ///
    /// [`Pending`](Progress::Pending) where the service is still at work when the time is over (see
    /// [`Endpoints::with_ready_policy`]): should it fail, the connection is without its trust, so wait with
    /// [`Endpoints::wait_until_deleted`].
    ///
    /// # Errors
    /// [`PermissionDenied`](ErrorKind::PermissionDenied), [`Conflict`](ErrorKind::Conflict) or
    /// [`InvalidInput`](ErrorKind::InvalidInput) with effect [`None`](Effect::None), before anything is changed. With effect
    /// [`Unknown`](Effect::Unknown) the advice says whether the trust was restored, and how to do it by hand.
    ///
    /// # Cancel safety
    /// Not cancel safe: the connection may exist without its trust. Do it again.
    pub async fn delete_federated(
        &self,
        endpoint: &Endpoint,
        credentials: &dyn FederatedCredentials,
        projects: &[ProjectId],
    ) -> Result<Progress<()>, Error> {
        let Some(plan) =
            // Effect none: a plan is made of readings.
            self.plan(endpoint, credentials, projects).await.map_err(|error| error.with_effect(Effect::None))?
        else {
            return Ok(Progress::Done(()));
        };
        if plan.held
            && let Err(error) = credentials.remove(&plan.trust).await
        {
            return Err(if error.effect() == Effect::None { error } else { plan.restore(error).await });
        }
        let deleted = self.organization.delete_connection(endpoint.id(), projects, Deletion::ConnectionOnly).await;
        match deleted {
            Ok(()) => self.gone(endpoint, &plan, None).await,
            Err(error) if error.effect() == Effect::None => Err(plan.restore(error).await),
            Err(error) => self.gone(endpoint, &plan, Some(error)).await,
        }
    }

    /// Everything that can be known before anything is changed. Nothing, if connection and trust are gone already.
    async fn plan<'a>(
        &self,
        endpoint: &Endpoint,
        credentials: &'a dyn FederatedCredentials,
        projects: &[ProjectId],
    ) -> Result<Option<Plan<'a>>, Error> {
        let trust = FederatedTrust::of(endpoint)?;
        require_own(&trust, endpoint.id(), self.organization().name())?;
        let current = match self.get(endpoint.id()).await {
            Ok(current) => current,
            Err(error) if says_no_such_connection(&error) => {
                return match credentials.count(&trust).await? {
                    0 => Ok(None),
                    // A connection that the caller may not see looks the same, and may be in use.
                    _ => Err(error.with_advice(
                        "its trust was left, since a connection may also be hidden: if it was deleted, remove the federated \
                         credential with FederatedCredentials::remove",
                    )),
                };
            }
            Err(error) => return Err(error),
        };
        if !FederatedTrust::of(&current)?.is_same(&trust) {
            return Err(Error::new(ErrorKind::Conflict, "the connection names another trust than when it was read")
                .in_operation("devops.federation.delete")
                .with_advice("read the connection again and decide again; nothing was changed"));
        }
        require_every_project(&current, projects)?;
        // Strictly: also where the right could not be read, the trust stays.
        let permission = self.secret_permission(endpoint.id()).await;
        if permission.status != CheckStatus::Passed {
            let kind = if permission.blocks() { ErrorKind::PermissionDenied } else { ErrorKind::Unavailable };
            let error = permission.to_error(kind, "the connection and its trust were left");
            return Err(error.in_operation("devops.federation.delete"));
        }
        match credentials.count(&trust).await? {
            held @ (0 | 1) => {
                let stood = failure(&current).map(|failure| failure.message().to_owned());
                Ok(Some(Plan { credentials, trust, held: held == 1, stood }))
            }
            many => Err(Error::new(
                ErrorKind::Conflict,
                format!("{many} federated credentials accept the connection's tokens, so none is known to be its own"),
            )
            .in_operation("devops.federation.delete")
            .with_advice("remove all but one of them by hand; nothing was changed")),
        }
    }

    /// Waits until the connection is gone, and restores the trust if it is not going. `lost` is the error of a deletion of
    /// which nobody knows whether the service took it.
    async fn gone(&self, endpoint: &Endpoint, plan: &Plan<'_>, lost: Option<Error>) -> Result<Progress<()>, Error> {
        let started = self.elapsed();
        let (mut lost, mut stands) = (lost, None);
        loop {
            match self.get(endpoint.id()).await {
                Err(error) if says_no_such_connection(&error) => return Ok(Progress::Done(())),
                Ok(current) => match (failure(&current), lost.take()) {
                    (Some(failure), _) if !plan.knew(&failure) => return Err(plan.restore(failure).await),
                    // It stays, as far as anybody can see. A deletion that arrives later finds the trust, and is refused.
                    (_, Some(error)) if !is_under_way(&current) => return Err(plan.restore(error).await),
                    (stood, _) => stands = stood,
                },
                Err(error) if !passes(&error) => return Err(plan.unknown(&lost.unwrap_or(error))),
                Err(_) => {}
            }
            if !self.pause(self.ready, started).await {
                return match (lost, stands) {
                    (Some(error), _) => Err(plan.unknown(&error)),
                    // Nothing has happened for so long. A deletion that comes later finds the trust, and is refused.
                    (None, Some(failure)) => Err(plan.restore(failure).await),
                    (None, None) => Ok(Progress::Pending(())),
                };
            }
        }
    }
}

/// What a deletion has to take away, and to restore where it fails.
struct Plan<'a> {
    credentials: &'a dyn FederatedCredentials,
    trust: FederatedTrust,
    /// Whether the application accepted the trust before: one that was not there is not made.
    held: bool,
    /// The failure of something earlier that the connection told of before.
    stood: Option<String>,
}

impl Plan<'_> {
    /// Whether the connection told of a failure before, which may be of something earlier: the deletion may not have begun.
    fn knew(&self, failure: &Error) -> bool {
        self.stood.as_deref() == Some(failure.message())
    }

    /// Has the application trust the connection again, and adds to an error how that went.
    async fn restore(&self, error: Error) -> Error {
        if !self.held {
            return error;
        }
        match self.credentials.ensure(&self.trust).await {
            Ok(()) => {
                let advice = format!("the application trusts the connection as before; {}", error.advice());
                error.with_advice(advice)
            }
            Err(_) => self.unknown(&error),
        }
    }

    /// The error for a connection that may exist without its trust.
    fn unknown(&self, error: &Error) -> Error {
        let cause = Error::from(error.diagnosis().clone()).with_effect(Effect::Unknown);
        if !self.held {
            return cause;
        }
        cause.with_advice(format!(
            "the connection may exist, and its application no longer trusts it: delete it again, or, to keep it, {}; the cause: {}",
            self.trust.by_hand(),
            error.advice()
        ))
    }
}

/// Refuses a deletion that would leave the connection in another project, in use and without its trust.
fn require_every_project(current: &Endpoint, projects: &[ProjectId]) -> Result<(), Error> {
    let named = |id: &str| projects.iter().any(|project| project.to_string().eq_ignore_ascii_case(id));
    let visible: Vec<_> = current.projects().collect();
    if let Some(left) = visible.iter().find(|reference| !reference.id.is_some_and(named)) {
        let place = shown(left.project.or(left.id));
        return Err(Error::invalid("projects", format!("the connection would stay in {place}, without its trust"))
            .with_advice("name every project that sees the connection, or take it out of some with unshare"));
    }
    // The service hides projects from who may not see them, so a shared connection may be in more than are seen here.
    if visible.is_empty() || current.is_shared() != Some(false) {
        return Err(Error::new(ErrorKind::PermissionDenied, "projects that see the connection may be hidden")
            .in_operation("devops.federation.delete")
            .with_advice("take the connection out of all projects but one with unshare, then delete it there"));
    }
    Ok(())
}
