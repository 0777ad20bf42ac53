//! The end of a connection's secret as Microsoft Graph lists it.

use async_trait::async_trait;
use azconnect_core::{ClientId, Diagnosis, Effect, Error, ErrorKind, KeyId, Secret};
use azconnect_credential::entra::{self, Meaning, PROPAGATION};
use azconnect_credential::{
    ConnectionRecord, CredentialKind, CredentialVerdict, EndReader, EndReading, EndSource, ListedEnd,
};
use azconnect_graph::{ComparedPassword, GraphClient, PasswordCredential, PasswordHolder};

use crate::connections::Connections;
use crate::principal::Identity;

/// Reads the end of a connection's secret from Microsoft Graph: by the key that the record names, else by the secret's hint.
///
/// Each connection reads its own application, which most may not. An identity that may read the applications of its tenant
/// ([`with_reader`](Self::with_reader), with `Application.Read.All`) reads for all connections there; with it a key that somebody has
/// deleted is noticed by the list, and not only by the refused sign-in.
#[derive(Clone, Debug)]
pub struct ListedEnds {
    connections: Connections,
    readers: Vec<Reader>,
}

#[derive(Clone)]
struct Reader(Identity);

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Reader").field(&self.0.client()).finish()
    }
}

impl ListedEnds {
    /// Lets each connection read its own end.
    pub fn new(connections: Connections) -> Self {
        Self { connections, readers: Vec::new() }
    }

    /// Lets an identity read for all connections to its tenant.
    #[must_use]
    pub fn with_reader(mut self, identity: Identity) -> Self {
        self.readers.push(Reader(identity));
        self
    }

    async fn read(&self, record: &ConnectionRecord, known: Option<KeyId>) -> Result<EndReading, Error> {
        let CredentialKind::ClientSecret { key, .. } = &record.credential else {
            return Err(Error::new(ErrorKind::Unsupported, "only the ends of client secrets are read"));
        };
        let secret = self.connections.open(record).await?;
        // What the record names first; else what the hint has shown before.
        let named = key.iter().map(|key| (*key, EndSource::ListedByKey));
        let hinted = known.iter().filter(|known| Some(**known) != *key).map(|known| (*known, EndSource::ListedByHint));
        let sought = Sought { client: record.client, wanted: named.chain(hinted).collect(), secret: &secret };
        if let Some(Reader(reader)) = self.readers.iter().find(|Reader(identity)| identity.tenant() == record.tenant) {
            return sought.read(&reader.graph()).await;
        }
        let acting = self.connections.identity_with(record, secret.duplicate())?;
        // Asked for by itself, so that what the sign-in proves is not taken for what Graph says.
        let signed_in = acting.tokens().token(&acting.azure.cloud().graph_scope()).await;
        let read = match signed_in {
            Ok(_) => sought.read(&acting.graph()).await,
            Err(error) => return self.refusal(record, error),
        };
        // A token that was refused is asked for anew, and then the secret is what is refused.
        read.or_else(|error| self.refusal(record, error)).or_else(|error| Ok(EndReading::SignedIn(problem(error))))
    }

    /// What a refused sign-in says of the secret, or the error where it says nothing.
    fn refusal(&self, record: &ConnectionRecord, error: Error) -> Result<EndReading, Error> {
        if Meaning::of(&error) == Meaning::Ended {
            return Ok(EndReading::Ended(problem(error)));
        }
        let age = entra::age(record.changed_at, self.connections.now());
        // Not only because it is new.
        match entra::assess(&error, age, PROPAGATION).verdict {
            CredentialVerdict::Rejected => Ok(EndReading::Absent(problem(error))),
            _ => Err(error),
        }
    }
}

/// A secret that is looked for among the passwords of an application.
struct Sought<'a> {
    client: ClientId,
    /// The keys that may be its own, the likeliest first.
    wanted: Vec<(KeyId, EndSource)>,
    secret: &'a Secret,
}

/// What one holder of passwords lists of a secret.
enum Found {
    Listed(ListedEnd),
    /// One of them may be it.
    Perhaps,
    /// None of them is it, although one bears the key of what is wanted.
    Another,
    /// None of them is it.
    None,
}

impl Sought<'_> {
    async fn read(&self, graph: &GraphClient) -> Result<EndReading, Error> {
        let mut is_unclear = self.wanted.is_empty();
        // A service principal's passwords authenticate as well. One that may not be read is an error: it may hold the key.
        let holders = [PasswordHolder::ApplicationOf(self.client), PasswordHolder::ServicePrincipalOf(self.client)];
        for holder in holders {
            match self.among(&graph.compare_hints(holder, self.secret).await?) {
                Found::Listed(listed) => return Ok(EndReading::Listed(listed)),
                Found::Perhaps => return Err(unclear()),
                Found::Another => is_unclear = true,
                Found::None => {}
            }
        }
        if is_unclear { Err(unclear()) } else { Ok(EndReading::Absent(problem(not_listed()))) }
    }

    fn among(&self, all: &[ComparedPassword]) -> Found {
        let listed = |key: KeyId| all.iter().find(|listed| listed.password.key == Some(key));
        let wanted: Vec<_> =
            self.wanted.iter().filter_map(|(key, source)| Some((*key, *source, listed(*key)?))).collect();
        // Whoever names a key may have mistyped it, or have meant another secret's: its hint says so.
        if let Some((key, source, found)) = wanted.iter().find(|(.., found)| found.is_hinted != Some(false)) {
            return Found::Listed(ListedEnd::new(*key, *source, found.password.ends_at));
        }
        let mut fitting = all.iter().filter(|listed| listed.is_hinted == Some(true));
        match (fitting.next().map(|found| &found.password), fitting.next()) {
            (Some(PasswordCredential { key: Some(key), ends_at, .. }), None) => {
                Found::Listed(ListedEnd::new(*key, EndSource::ListedByHint, *ends_at))
            }
            (None, _) if all.iter().all(|listed| listed.is_hinted.is_some()) => {
                if wanted.is_empty() {
                    Found::None
                } else {
                    Found::Another
                }
            }
            _ => Found::Perhaps,
        }
    }
}

#[async_trait]
impl EndReader for ListedEnds {
    async fn end(&self, record: &ConnectionRecord, known: Option<KeyId>) -> EndReading {
        let read = self.read(record, known).await;
        read.unwrap_or_else(|error| EndReading::Unread(problem(error)))
    }
}

fn problem(error: Error) -> Diagnosis {
    error.with_effect(Effect::None).diagnosis().clone()
}

fn unclear() -> Error {
    Error::new(ErrorKind::NotFound, "which of the application's secrets this is cannot be told")
        .with_field("connection.credential.key")
        .with_effect(Effect::None)
        .with_advice("say the Secret ID when the secret is replaced, or when it ends")
}

fn not_listed() -> Error {
    Error::new(ErrorKind::NotFound, "neither the application nor its service principal lists the secret")
        .with_field("connection.credential.key")
        .with_effect(Effect::None)
        .with_advice(
            "if somebody deleted it, give the connection another secret; a read of a late replica passes by itself",
        )
}
