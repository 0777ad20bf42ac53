//! Keeping a secret and the record that names it, in an order that a crash cannot harm.

use async_trait::async_trait;
use azconnect_core::{Effect, Error, ErrorKind, KeyId, Retry, Secret, SecretId};
use azconnect_credential::{
    Assessment, Candidate, ConnectRequest, Connected, ConnectionId, ConnectionKeeper, ConnectionRecord, CredentialKind,
    CredentialVerdict, CredentialVerifier, LastCheck, NewSecret, check_client_secret,
};
use azconnect_graph::PasswordCredential;
use time::OffsetDateTime;

use super::checked::organization_name;
use super::{Connections, name, sealed};
use crate::connection_check::{check_key, password_of, require_this_cloud};

/// How long Entra ID may take to know a new secret everywhere: nobody bounds it, and reports end below this.
const REPLICATION: std::time::Duration = std::time::Duration::from_secs(30);

impl Connections {
    /// Proves a secret at Entra ID, then seals it, then keeps the record. Nothing is stored unless the secret works.
    ///
    /// The key of the secret is looked for by the secret's hint, and its end with it; an application that may not read itself
    /// leaves unknown what the request does not say.
    ///
    /// # Errors
    /// With effect [`None`](Effect::None): [`InvalidInput`](ErrorKind::InvalidInput) for what cannot be a secret or a record, and
    /// with the field `key` for the id of another secret than the one that was given;
    /// [`Unsupported`](ErrorKind::Unsupported) with the field `cloud` for a tenant of another cloud, to which nothing is sent;
    /// [`Conflict`](ErrorKind::Conflict) with the field `id` for a name that is taken;
    /// [`Unauthenticated`](ErrorKind::Unauthenticated) if Entra ID refuses the secret;
    /// [`Unavailable`](ErrorKind::Unavailable) if that could not be found out, or if the secret is so new that Entra ID may
    /// not know it yet. Else if a store fails.
    pub async fn connect(&self, request: ConnectRequest, secret: Secret) -> Result<Connected, Error> {
        check_client_secret(&secret)?;
        let given = given(&request, secret);
        let mut record = self.record_of(request, &given)?;
        record.check()?;
        if self.records.get(&name(&record.id)?).await?.is_some() {
            return Err(taken(&record.id));
        }
        // Before anything is written, so that a failure here has no effect.
        let others = self.sharing(&record).await?;
        let known = self.prove(&record, &given).await?;
        record.credential = self.seal(&record, &given, known).await?;
        self.insert(&record).await?;
        Ok(Connected::new(record).with_shares_application_with(others))
    }

    /// Keeps a connection whose secret a check has just proven, with that check, and with what it found of the secret.
    pub(super) async fn connect_proven(
        &self,
        request: ConnectRequest,
        secret: Secret,
        (check, found): (LastCheck, Option<PasswordCredential>),
    ) -> Result<Connected, Error> {
        let given = given(&request, secret);
        let mut record = self.record_of(request, &given)?;
        record.checked = Some(check);
        record.check()?;
        let others = self.sharing(&record).await?;
        let known = Known::of(&given, found)?;
        record.credential = self.seal(&record, &given, known).await?;
        self.insert(&record).await?;
        Ok(Connected::new(record).with_shares_application_with(others))
    }

    /// Proves another secret for a connection, seals it, names it in the record, and then forgets the former one, which stays
    /// valid at Entra ID.
    ///
    /// # Errors
    /// As [`Connections::connect`]; [`NotFound`](ErrorKind::NotFound) if there is no such connection.
    pub async fn replace_secret(&self, id: &ConnectionId, secret: NewSecret) -> Result<ConnectionRecord, Error> {
        check_client_secret(&secret.secret)?;
        let record = self.require(id).await?.value;
        self.check_cloud(&record)?;
        let known = self.prove(&record, &secret).await?;
        self.take(&record, &secret, known).await
    }

    /// Takes a connection whose record the product has kept elsewhere, with the secret that lies sealed for it in the store.
    /// Nothing is sent.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if its secret is not in the store; [`Corrupt`](ErrorKind::Corrupt) if it names that of
    /// another connection; [`Conflict`](ErrorKind::Conflict) for a name that is taken.
    pub async fn adopt(&self, record: &ConnectionRecord) -> Result<ConnectionRecord, Error> {
        record.check()?;
        drop(self.open(record).await?);
        let mut record = record.clone();
        record.cloud.get_or_insert_with(|| self.azure.cloud().name().to_owned());
        self.records.insert(&record).await?;
        Ok(record)
    }

    fn record_of(&self, request: ConnectRequest, given: &NewSecret) -> Result<ConnectionRecord, Error> {
        let now = self.now();
        let sealed = sealed::new_name(&request.id, request.tenant, request.client, now)?;
        let credential = CredentialKind::ClientSecret { secret: sealed, key: given.key, ends_at: given.ends_at };
        let mut record =
            ConnectionRecord::new(request.id, request.subscription, request.tenant, request.client, credential)
                .with_labels(request.labels)
                .with_cloud(self.azure.cloud().name())
                .with_created_at(now);
        record.display_name = request.display_name;
        record.region = request.region;
        record.resource_group = request.resource_group;
        record.organization = request.organization.as_deref().map(organization_name).transpose()?;
        Ok(record)
    }

    /// Proves a secret, and says what can be known of it.
    async fn prove(&self, record: &ConnectionRecord, given: &NewSecret) -> Result<Known, Error> {
        require_this_cloud(&self.azure, &self.needs, record.tenant).await?;
        let mut candidate = Candidate::new(&given.secret);
        candidate.minted_at = given.minted_at;
        accepted(&self.azure.verifier(record.tenant, record.client).verify(&candidate).await)?;
        // Also where all is given: an id that is another secret's must not be believed.
        let found = password_of(&self.azure, &self.needs, (record.tenant, record.client), &given.secret).await;
        Known::of(given, found)
    }

    /// Seals a secret under a name of its own: a sealed secret never changes, so what was sealed before loses nothing.
    async fn seal(&self, record: &ConnectionRecord, given: &NewSecret, known: Known) -> Result<CredentialKind, Error> {
        let name = sealed::new_name(&record.id, record.tenant, record.client, self.now())?;
        // A copy that may lie there is one that no record names.
        self.secrets.put(&name, &given.secret).await.map_err(|error| error.with_effect(Effect::None))?;
        Ok(CredentialKind::ClientSecret { secret: name, key: known.key, ends_at: known.ends_at })
    }

    async fn insert(&self, record: &ConnectionRecord) -> Result<(), Error> {
        let Err(error) = self.records.insert(record).await else { return Ok(()) };
        let error = if error.kind() == ErrorKind::Conflict { taken(&record.id) } else { error };
        if error.effect() == Effect::Unknown {
            match self.records.get(&name(&record.id)?).await {
                Ok(Some(now)) if now.value == *record => return Ok(()),
                Ok(_) => {}
                // Nobody knows: the record may name the secret, so that it stays.
                Err(_) => return Err(error),
            }
        }
        self.forget(sealed::sealed(record)?).await;
        Err(error.with_effect(Effect::None))
    }

    /// Seals a secret for a connection, names it in the record, and forgets the one that was named before.
    pub(super) async fn take(
        &self,
        record: &ConnectionRecord,
        given: &NewSecret,
        known: Known,
    ) -> Result<ConnectionRecord, Error> {
        let credential = self.seal(record, given, known).await?;
        let mut holder = record.clone();
        holder.credential = credential.clone();
        let now = self.now();
        let changed = self.change(&record.id, |record| {
            // The name of a sealed secret holds whose it is: nobody else's record may name it.
            if (record.tenant, record.client) == (holder.tenant, holder.client) {
                record.credential = credential.clone();
                record.checked = None;
                record.changed_at = Some(now);
            }
        });
        match changed.await {
            Ok(changed) if changed.after.credential == credential => {
                self.forget(sealed::sealed(&changed.before)?).await;
                Ok(changed.after)
            }
            Ok(_) => {
                self.forget(sealed::sealed(&holder)?).await;
                Err(Error::new(ErrorKind::Conflict, format!("the connection {} is another one by now", record.id))
                    .with_effect(Effect::None)
                    .with_advice("read it again, and repeat what is still wanted"))
            }
            Err(error) => {
                if error.effect() == Effect::None {
                    self.forget(sealed::sealed(&holder)?).await;
                }
                Err(error)
            }
        }
    }

    /// Forgets a sealed secret that no record names any more. One that stays is found by a sweep.
    async fn forget(&self, secret: Option<&SecretId>) {
        let Some(secret) = secret else { return };
        if let Err(error) = self.secrets.remove(secret).await {
            tracing::warn!(%secret, %error, "a sealed secret that no record names could not be forgotten");
        }
    }
}

/// What is known of a secret beside its text.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub(super) key: Option<KeyId>,
    pub(super) ends_at: Option<OffsetDateTime>,
}

impl Known {
    /// What was said of a secret and what was found, which must not contradict each other on whose key it is.
    fn of(given: &NewSecret, found: Option<PasswordCredential>) -> Result<Self, Error> {
        let Some(found) = found else { return Ok(Self { key: given.key, ends_at: given.ends_at }) };
        check_key(given.key, found.key)?;
        Ok(Self { key: given.key.or(found.key), ends_at: given.ends_at.or(found.ends_at) })
    }
}

#[async_trait]
impl ConnectionKeeper for Connections {
    async fn connect(&self, request: ConnectRequest, secret: Secret) -> Result<Connected, Error> {
        Self::connect(self, request, secret).await
    }

    async fn replace_secret(&self, id: &ConnectionId, secret: NewSecret) -> Result<ConnectionRecord, Error> {
        Self::replace_secret(self, id, secret).await
    }

    async fn test(&self, id: &ConnectionId) -> Result<Assessment, Error> {
        Self::test(self, id).await
    }

    async fn disconnect(&self, id: &ConnectionId) -> Result<(), Error> {
        Self::disconnect(self, id).await
    }
}

fn given(request: &ConnectRequest, secret: Secret) -> NewSecret {
    let mut given = NewSecret::new(secret);
    (given.key, given.minted_at, given.ends_at) = (request.key, request.minted_at, request.ends_at);
    given
}

fn accepted(assessment: &Assessment) -> Result<(), Error> {
    let (kind, message) = match assessment.verdict {
        CredentialVerdict::Accepted => return Ok(()),
        CredentialVerdict::Rejected => (ErrorKind::Unauthenticated, "Entra ID does not accept the secret"),
        CredentialVerdict::Pending => {
            let error = assessment.to_error(ErrorKind::Unavailable, "Entra ID does not know the new secret yet");
            return Err(error
                .with_retry(Retry::After(REPLICATION))
                .with_advice("wait half a minute, then connect again with the same secret")
                .in_operation("connection.connect"));
        }
        CredentialVerdict::Inconclusive => (ErrorKind::Unavailable, "whether the secret works could not be found out"),
    };
    Err(assessment.to_error(kind, message).in_operation("connection.connect"))
}

fn taken(id: &ConnectionId) -> Error {
    Error::new(ErrorKind::Conflict, format!("there is a connection {id} already"))
        .with_field("id")
        .with_effect(Effect::None)
        .with_advice("choose another name, or give that connection another secret (`replace_secret`)")
}
