//! Registering an application so that the call may be repeated: it is found by its marker before another is made.

use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind, Retry};
use azconnect_credential::Marker;

use super::{Application, ApplicationQuery, NewApplication};
use crate::client::GraphClient;

const OPERATION: &str = "graph.application.ensure";

/// The pauses before each reading that looks for a registration whose answer was lost: lists lag behind it.
const PAUSES: [Duration; 5] =
    [Duration::ZERO, Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8), Duration::from_secs(16)];

/// How long to leave a registration alone that may exist and is not listed. Nothing keeps markers unique at the service, so
/// one made too early would be a second one.
const SETTLED: Duration = Duration::from_secs(120);

impl GraphClient {
    /// The application that was registered under a marker, if one is listed. Idempotent; a list lags behind writes, so an
    /// absence proves nothing about the last minutes.
    ///
    /// Document: Microsoft Graph, *List applications* (`tags`).
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) with the field `marker` if there are several.
    pub async fn application_marked(&self, marker: &Marker) -> Result<Option<Application>, Error> {
        let mut found = self.applications(&ApplicationQuery::marked(marker)).await?;
        let first = found.pop();
        let Some(other) = found.first() else { return Ok(first) };
        let ids = first.iter().chain([other]).map(|one| one.client_id.to_string()).collect::<Vec<_>>().join(" and ");
        Err(Error::new(ErrorKind::Conflict, format!("several applications carry the marker: {ids}"))
            .with_field("marker")
            .with_effect(Effect::None)
            .with_retry(Retry::No)
            .in_operation("graph.application.find_marked")
            .with_advice("keep the one that is used, and delete the others, which an interrupted set-up left"))
    }

    /// Has an application registered under a marker, and returns it. It looks for the marker first, and makes one only where
    /// none is listed; after a lost answer it looks again, and never sends a second time what may have been applied. What is
    /// found is returned as it is: somebody may have changed it since.
    ///
    /// It may be repeated, though not at once after an error with effect [`Unknown`](Effect::Unknown): such an error names
    /// the pause after which lists have caught up. Secrets handled: none. Permission and documents: as
    /// [`GraphClient::create_application`] and [`GraphClient::applications`].
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) with the field, before anything is sent; [`Conflict`](ErrorKind::Conflict)
    /// with the field `marker` if several carry it. With effect [`Unknown`](Effect::Unknown) it may exist all the same.
    ///
    /// # Cancel safety
    /// Not cancel safe, but to be repeated after some minutes: that finds what was registered.
    pub async fn ensure_application(&self, wish: &NewApplication) -> Result<Application, Error> {
        wish.check().map_err(|error| error.in_operation(OPERATION))?;
        if let Some(known) = self.application_marked(&wish.marker).await? {
            return Ok(known);
        }
        let error = match self.create_application(wish).await {
            Ok(created) => return Ok(created),
            Err(error) if error.effect() == Effect::None => return Err(error),
            Err(error) => error,
        };
        for pause in PAUSES {
            self.clock().sleep(pause).await;
            // A list that cannot be read settles nothing.
            if let Ok(Some(found)) = self.application_marked(&wish.marker).await {
                return Ok(found);
            }
        }
        Err(error.with_retry(Retry::After(SETTLED)).with_advice(
            "the application may exist: do the same again in some minutes, which finds it by its marker or registers it",
        ))
    }
}
