//! Changes of a record that others may change at the same time.

use azconnect_core::{Effect, Error, ErrorKind};
use azconnect_credential::{
    Assessment, Candidate, Check, CheckReport, ConnectionChange, ConnectionId, ConnectionRecord, CredentialVerdict,
    CredentialVerifier, LastCheck, Revised,
};

use super::checked::organization_name;
use super::{Connections, name, unknown};

/// How often a change begins again because another one came before it.
const ATTEMPTS: u32 = 8;

impl Connections {
    /// Changes what is known of a connection, whatever else of it changes at the same time, and returns the record. Nothing is
    /// opened or sent.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none of that name; [`InvalidInput`](ErrorKind::InvalidInput) with the
    /// field for what a record cannot hold; else if the store fails.
    pub async fn describe(&self, id: &ConnectionId, change: &ConnectionChange) -> Result<ConnectionRecord, Error> {
        let now = self.now();
        let organization = change.organization.as_deref().filter(|text| !text.is_empty()).map(organization_name);
        let organization = organization.transpose()?;
        let changed = self.change(id, |record| {
            if let Some(name) = &change.display_name {
                record.display_name = Some(name.clone()).filter(|name| !name.is_empty());
            }
            if let Some(labels) = &change.labels {
                record.labels = labels.clone();
            }
            if let Some(region) = &change.region {
                record.region = Some(region.clone());
            }
            if change.organization.is_some() {
                record.organization.clone_from(&organization);
            }
            record.changed_at = Some(now);
        });
        changed.await.map(|changed| changed.after)
    }

    /// Proves the stored secret of a connection again, and keeps in the record what was found. Nothing else changes.
    ///
    /// # Errors
    /// As [`Connections::identity`]. What Entra ID says is in the assessment.
    pub async fn test(&self, id: &ConnectionId) -> Result<Assessment, Error> {
        let Revised { value: record, .. } = self.require(id).await?;
        let secret = self.open(&record).await?;
        let assessment = self.azure.verifier(record.tenant, record.client).verify(&Candidate::new(&secret)).await;
        let check = LastCheck::new(self.now(), CheckReport::from_iter([as_check(&assessment)]));
        let kept = self.change(id, |now| {
            // Another credential has come meanwhile: what was found is not of it.
            if now.credential == record.credential {
                now.checked = Some(check.clone());
            }
        });
        match kept.await {
            Ok(_) => Ok(assessment),
            // Disconnected meanwhile: there is nothing left to note it in.
            Err(error) if error.kind() == ErrorKind::NotFound => Err(error),
            Err(error) => {
                // The answer counts more than the note of it.
                tracing::warn!(connection = %id, %error, "what a test found could not be kept");
                Ok(assessment)
            }
        }
    }

    /// Changes a record as it is now, as often as others come before.
    pub(super) async fn change(
        &self,
        id: &ConnectionId,
        change: impl Fn(&mut ConnectionRecord) + Send + Sync,
    ) -> Result<Changed, Error> {
        for _ in 0..ATTEMPTS {
            let found = self.records.get(&name(id)?).await.map_err(|error| error.with_effect(Effect::None))?;
            let Revised { value: before, revision, .. } = found.ok_or_else(|| unknown(id))?;
            let mut after = before.clone();
            change(&mut after);
            after.check()?;
            if after == before {
                return Ok(Changed { before, after });
            }
            match self.records.replace(&after, revision).await {
                Ok(_) => return Ok(Changed { before, after }),
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                // Whether it was written is not known: what is there now says.
                Err(error) if error.effect() == Effect::Unknown => match self.records.get(&name(id)?).await {
                    Ok(Some(now)) if now.value == after => return Ok(Changed { before, after }),
                    Ok(Some(now)) if now.revision == revision => return Err(error.with_effect(Effect::None)),
                    _ => return Err(error),
                },
                Err(error) => return Err(error),
            }
        }
        Err(busy(id))
    }
}

/// A record before a change and after it.
pub(super) struct Changed {
    pub(super) before: ConnectionRecord,
    pub(super) after: ConnectionRecord,
}

/// What a test of the secret says, in the words of every other check.
fn as_check(assessment: &Assessment) -> Check {
    let (code, subject) = ("client-secret", "client secret");
    let remedy = assessment.advice().unwrap_or_default();
    let check = match assessment.verdict {
        CredentialVerdict::Accepted => Check::passed(code, subject, &assessment.evidence),
        CredentialVerdict::Rejected => Check::failed(code, subject, &assessment.evidence, remedy),
        CredentialVerdict::Pending | CredentialVerdict::Inconclusive => {
            Check::unknown(code, subject, &assessment.evidence, remedy)
        }
    };
    match &assessment.diagnosis {
        Some(diagnosis) => check.with_diagnosis(diagnosis.clone()),
        None => check,
    }
}

pub(super) fn busy(id: &ConnectionId) -> Error {
    Error::new(ErrorKind::Unavailable, format!("others keep changing the connection {id}"))
        .with_effect(Effect::None)
        .with_advice("find out what changes it, and try again")
}
