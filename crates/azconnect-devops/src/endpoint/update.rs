//! Changing one connection, so that nothing else about it changes.

use azconnect_core::{Effect, Error, ErrorKind};
use azconnect_http::{Call, Response};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::stored::UpdatedEndpoint;
use super::{Endpoints, doubt};
use crate::document::{Draft, Endpoint, EndpointChange, Moment, differences, named};

/// How much two dates of one change may differ.
const ROUNDING: time::Duration = time::Duration::milliseconds(5);

impl Endpoints {
    /// Changes a connection that was read before, and returns it as it is afterwards, with what is known of its secret.
    ///
    /// The connection is read again just before it is written: if anything but its secret differs from `before`, nothing
    /// is written. Afterwards it is read once more and compared with what was written. The service offers no condition on
    /// the write itself, so a change in the moment between reading and writing is not seen.
    ///
    /// The whole document is sent, masked secrets as the `null` as which they came. What the service then does with the
    /// stored secret is not documented. So where the change brings no new one, Azure DevOps tests the stored one before and
    /// after: see [`StoredSecret`](super::StoredSecret).
    ///
    /// Idempotent. Follows Microsoft's *Update Service Endpoint*.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) with effect [`None`](Effect::None) if somebody changed it since `before`; with
    /// effect [`Unknown`](Effect::Unknown) if it is afterwards not what was written, or if its secret worked before and does
    /// not any more (service code `StoredSecretLost`). An error of the write itself has effect `None` only if the service
    /// refused by name and the connection reads as it did before.
    ///
    /// # Cancel safety
    /// Not cancel safe: dropped, the change may have been made or not.
    pub async fn update(&self, before: &Endpoint, change: &EndpointChange<'_>) -> Result<UpdatedEndpoint, Error> {
        let current = self.unchanged_since(before).await?;
        let draft = change.draft(&current).map_err(|error| error.in_operation("devops.endpoint.update"))?;
        let former = self.former_secret(&current, change).await;
        let answer = match self.write(&draft, &current).await {
            Ok(answer) => answer,
            Err(error) => return Err(self.doubted(error, &[&current]).await),
        };
        // The write was accepted: a reading that fails now is no proof that nothing changed.
        let after = self.get(current.id()).await.map_err(|error| error.with_effect(Effect::Unknown))?;
        // A secret is never shown: that somebody has put another one there shows in the time of the last change alone.
        let written = Endpoint::from_json(answer.body()).ok();
        if written.is_some_and(|written| changed_between(&current, &written, &after)) {
            return Err(conflict(
                "somebody changed the connection just after it was written",
                &["modificationDate".to_owned()],
            )
            .with_advice("find out who changes the connection, and write it again"));
        }
        let (after, wrong) = self.with_state(change, &draft, after).await?;
        if wrong.is_empty() {
            return self.with_stored_secret(former, after).await;
        }
        Err(conflict("the connection is not what was written", &wrong).with_advice(
            "somebody may have changed it at the same moment, or the service did not take a value: look at the connection",
        ))
    }

    /// Reads a connection again, and refuses if anything but its secret differs from `before`.
    pub(crate) async fn unchanged_since(&self, before: &Endpoint) -> Result<Endpoint, Error> {
        // Effect none: so far there were readings alone.
        let current = self.get(before.id()).await.map_err(|error| error.with_effect(Effect::None))?;
        let changed = differences(before.document(), current.document(), Moment::BeforeWriting);
        if changed.is_empty() {
            return Ok(current);
        }
        // Effect none: what differs was read, and nothing has been written.
        Err(conflict("somebody changed the connection since it was read", &changed)
            .with_effect(Effect::None)
            .with_advice("read the connection again and decide again; nothing was written"))
    }

    /// The connection after a write, and what of it is not as it was written. A service that passes over `isDisabled` in a plain
    /// update is asked again, by the operation that the portal uses for it.
    async fn with_state(
        &self,
        change: &EndpointChange<'_>,
        draft: &Draft<'_>,
        after: Endpoint,
    ) -> Result<(Endpoint, Vec<String>), Error> {
        let wrong = differences(&draft.document, after.document(), Moment::AfterWriting);
        if !(change.sets_state() && wrong == ["isDisabled"]) {
            return Ok((after, wrong));
        }
        // The first write was accepted: no refusal of the second one says that nothing changed.
        let unknown = |error: Error| error.with_effect(Effect::Unknown);
        let mut url = self.write_url(Some(after.id())).map_err(unknown)?;
        url.query_pairs_mut().append_pair("operation", "ChangeProperties");
        let call = Call::put("devops.endpoint.update", url).with_json(draft).map_err(unknown)?;
        self.organization.send(call).await.map_err(|error| {
            unknown(error).with_advice(
                "everything but the connection's state was written: disable or enable it in the portal, and read it again",
            )
        })?;
        let after = self.get(after.id()).await.map_err(unknown)?;
        let wrong = differences(&draft.document, after.document(), Moment::AfterWriting);
        Ok((after, wrong))
    }

    /// Writes a whole document over the connection's.
    async fn write(&self, draft: &Draft<'_>, current: &Endpoint) -> Result<Response, Error> {
        let url = self.write_url(Some(current.id()))?;
        self.organization.send(Call::put("devops.endpoint.update", url).with_json(draft)?).await
    }

    /// The error of a write that failed, once the connections were read back.
    ///
    /// A name in a refusal says what the service thought of the request, not when: it may have stored the change first. So a
    /// change that shows takes back every claim that nothing was applied. A reading that shows none adds no such claim, since
    /// a secret is never shown.
    pub(super) async fn doubted(&self, error: Error, before: &[&Endpoint]) -> Error {
        if !doubt::may_have_arrived(&error) {
            return error;
        }
        for endpoint in before {
            if let Ok(now) = self.get(endpoint.id()).await {
                let changed = differences(endpoint.document(), now.document(), Moment::BeforeWriting);
                if !changed.is_empty() {
                    return doubt::changed_all_the_same(error, endpoint.id(), &changed);
                }
            }
        }
        error
    }
}

fn conflict(message: &str, paths: &[String]) -> Error {
    Error::new(ErrorKind::Conflict, format!("{message}: {}", named(paths))).in_operation("devops.endpoint.update")
}

/// Whether a connection was changed once more between the answer to a write and the reading after it. Only a date that the
/// answer has set anew says so: where the service answers with the former one, nothing is known.
fn changed_between(before: &Endpoint, written: &Endpoint, after: &Endpoint) -> bool {
    let at = |endpoint: &Endpoint| OffsetDateTime::parse(endpoint.modification_date()?, &Rfc3339).ok();
    let is_new = written.modification_date() != before.modification_date();
    // The two may be rounded differently.
    is_new && at(written).zip(at(after)).is_some_and(|(written, after)| after - written > ROUNDING)
}
