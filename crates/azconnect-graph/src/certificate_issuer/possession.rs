//! Rolling certificates one at a time, with a proof that the caller holds the key of one that is registered.

use std::sync::Mutex;

use azconnect_core::{ApplicationObjectId, ClientId, Effect, Error, KeyId, Secret};
use azconnect_credential::Retirement;
use azconnect_http::{Idempotency, is_after_doubt, json};
use azconnect_identity::{AssertionForm, CertificateProof};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{MINT, RETIRE};
use crate::application::Entry;
use crate::client::GraphClient;
use crate::dialect::{GraphDialect, RemovalDialect};
use crate::holder::PasswordHolder;

/// The audience of a proof: the directory under its older name.
const DIRECTORY: &str = "00000002-0000-0000-c000-000000000000";

/// How long a proof is good, in seconds: as long as the service allows.
const LIFE: i64 = 600;

/// The code by which the service refuses a proof, whatever is wrong with it.
const REFUSED: &str = "Authentication_MissingOrMalformed";

/// The caller's own certificate, and the object that it belongs to.
pub(super) struct Possession {
    client: GraphClient,
    application: ClientId,
    proof: CertificateProof,
    object: Mutex<Option<ApplicationObjectId>>,
}

/// The certificate as it was added. The bytes are ours, and not read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Added {
    key_id: KeyId,
}

// Whoever has a proof may roll the object's keys while it lives: these have no `Debug`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AddBody<'a> {
    key_credential: &'a Entry,
    password_credential: Option<()>,
    proof: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RemoveBody<'a> {
    key_id: KeyId,
    proof: &'a str,
}

impl Possession {
    pub(super) fn new(client: GraphClient, application: ClientId, proof: CertificateProof) -> Self {
        Self { client, application, proof, object: Mutex::default() }
    }

    /// Adds a certificate. **Not idempotent**, as [`GraphClient::add_password`].
    pub(super) async fn add(&self, entry: &Entry) -> Result<KeyId, Error> {
        let (holder, proof) = self.prove().await?;
        let body = AddBody { key_credential: entry, password_credential: None, proof: proof.expose() };
        let url = self.client.holder_address(&holder, &["addKey"], &[])?;
        let answer = self.client.change(self.client.write_call(MINT, url).with_json(&body)?, &GraphDialect).await?;
        let added: Added = json(&answer).map_err(|error| {
            error.with_effect(Effect::Unknown).with_advice("find the certificate by its display name, and remove it")
        })?;
        Ok(added.key_id)
    }

    /// Removes a certificate. Idempotent; the effect is [`None`](Effect::None) if it provably removed nothing.
    pub(super) async fn remove(&self, key: KeyId) -> Result<(Retirement, Effect), Error> {
        let (holder, proof) = self.prove().await?;
        let body = RemoveBody { key_id: key, proof: proof.expose() };
        let url = self.client.holder_address(&holder, &["removeKey"], &[])?;
        let call = self.client.write_call(RETIRE, url).with_idempotency(Idempotency::Idempotent).with_json(&body)?;
        let answer = self.client.pipeline.execute(call, &RemovalDialect(key)).await?;
        Ok(match answer.status() {
            // The dialect lets these two through for one reason only: the key is not there.
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND if is_after_doubt(&answer) => {
                (Retirement::NotListed, Effect::Unknown)
            }
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => (Retirement::NotListed, Effect::None),
            _ => (Retirement::Accepted, Effect::Unknown),
        })
    }

    /// The object, and a proof that is good for it for ten minutes.
    async fn prove(&self) -> Result<(PasswordHolder, Secret), Error> {
        let object = self.object().await.map_err(|error| error.with_effect(Effect::None))?;
        let now = self.client.clock().now().unix_timestamp();
        let claims = json!({"aud": DIRECTORY, "iss": object.to_string(), "nbf": now, "exp": now.saturating_add(LIFE)});
        // The documented samples sign so; whether the service takes a newer form is not known.
        let token = self.proof.certificate()?.sign(AssertionForm::Rs256, &claims)?;
        Ok((object.into(), token))
    }

    async fn object(&self) -> Result<ApplicationObjectId, Error> {
        let known = *self.object.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = known {
            return Ok(known);
        }
        let found = self.client.application_by_client_id(self.application).await?.id;
        *self.object.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(found);
        Ok(found)
    }
}

/// Whether only the proof was refused, as where the certificate in use is not registered yet: nothing was applied, and a caller
/// with a permission of its own gets on without.
pub(super) fn is_about_the_proof(error: &Error) -> bool {
    error.effect() == Effect::None && error.service_code() == Some(REFUSED)
}
