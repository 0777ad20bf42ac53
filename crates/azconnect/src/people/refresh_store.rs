//! Refresh tokens in a storage: sealed, and one of each link.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{Clock, DocumentId, Effect, Error, ErrorKind, Labels, Revision, Secret, SecretId, SecretStore};
use azconnect_credential::{Kept, KeptRefreshToken, LinkId, Records, RefreshTokens, Revised};
use serde::{Deserialize, Serialize};

use crate::orphans::{all_sealed, may_be_named};
use crate::sealed_name::Owner;
use crate::storage::Storage;

/// What begins the names of all sealed tokens.
pub(super) const ROOT: &str = "refresh-token/";

/// How often a removal begins again because another token was stored meanwhile.
const ATTEMPTS: u32 = 8;

/// Which sealed token a link has now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SealedToken {
    version: u32,
    pub(super) link: LinkId,
    pub(super) secret: SecretId,
}

/// The version of the format.
const VERSION: u32 = 1;

impl Kept for SealedToken {
    const COLLECTION: &'static str = "refresh-tokens";

    fn document_id(&self) -> Result<DocumentId, Error> {
        DocumentId::new(self.link.as_str())
    }

    fn document_labels(&self) -> Result<Labels, Error> {
        Ok(Labels::new())
    }

    fn to_text(&self) -> Result<String, Error> {
        serde_json::to_string(self)
            .map_err(|error| Error::new(ErrorKind::Unexpected, "the link cannot be written").with_source(error))
    }

    fn from_text(text: &str) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let unreadable = |error| {
            Error::new(ErrorKind::Corrupt, "what a link keeps cannot be read")
                .with_field("link")
                .with_effect(Effect::None)
                .with_advice("find out who changed it, and link the account again")
                .with_source(error)
        };
        let found: Version = serde_json::from_str(text).map_err(unreadable)?;
        if found.version != VERSION {
            return Err(Error::new(ErrorKind::Unsupported, format!("a link has version {}", found.version))
                .with_field("link")
                .with_effect(Effect::None)
                .with_advice("use the newer version of the program that wrote it"));
        }
        serde_json::from_str(text).map_err(unreadable)
    }
}

/// The refresh tokens of linked accounts in a storage.
///
/// A token is sealed under a name of its own before its link names it, and the former one is forgotten after that, so a crash
/// between any two writes leaves the former token or the new one, and perhaps a sealed one that no link names.
pub(super) struct SealedTokens {
    pub(super) secrets: Arc<dyn SecretStore>,
    pub(super) records: Records<SealedToken>,
    clock: Arc<dyn Clock>,
}

impl SealedTokens {
    pub(super) fn new(storage: &Storage, clock: Arc<dyn Clock>) -> Self {
        Self { secrets: storage.secrets(), records: Records::new(storage.documents()), clock }
    }

    /// What a link keeps now.
    async fn found(&self, link: &LinkId) -> Result<Option<(SealedToken, Revision)>, Error> {
        let found = self.records.get(&DocumentId::new(link.as_str())?).await?;
        let Some(found) = found else { return Ok(None) };
        // Whoever can write to the product's records must not open others' tokens.
        if found.value.link != *link || !owner(link).owns(&found.value.secret) {
            return Err(Error::new(
                ErrorKind::Corrupt,
                format!("the link {link} names a sealed token that is not its own"),
            )
            .with_field("link")
            .with_effect(Effect::None)
            .with_advice("find out who changed it, and link the account again"));
        }
        Ok(Some((found.value, found.revision)))
    }

    async fn write(&self, next: &SealedToken, after: Option<Revision>) -> Result<Revision, Error> {
        let written = match after {
            Some(revision) => self.records.replace(next, revision).await,
            None => self.records.insert(next).await,
        };
        match written {
            // Whether it was written is not known: what is there now says.
            Err(error) if error.effect() == Effect::Unknown && error.kind() != ErrorKind::Conflict => {
                match self.found(&next.link).await {
                    Ok(Some((now, revision))) if now == *next => Ok(revision),
                    Ok(now) if now.as_ref().map(|(_, revision)| *revision) == after => {
                        Err(error.with_effect(Effect::None))
                    }
                    _ => Err(error),
                }
            }
            // Replaced by another process, or removed: either way it is another state than the one that was read.
            Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound) => {
                Err(stored_meanwhile(&next.link).with_source(error))
            }
            other => other,
        }
    }

    /// Forgets a sealed token. One that stays is found by a sweep.
    async fn forget(&self, secret: &SecretId) {
        if let Err(error) = self.secrets.remove(secret).await {
            tracing::warn!(%secret, %error, "a sealed token that no link names could not be forgotten");
        }
    }
}

#[async_trait]
impl RefreshTokens for SealedTokens {
    async fn load(&self, link: &LinkId) -> Result<Option<KeptRefreshToken>, Error> {
        for _ in 0..ATTEMPTS {
            let Some((kept, revision)) = self.found(link).await? else { return Ok(None) };
            if let Some(token) = self.secrets.get(&kept.secret).await? {
                return Ok(Some(KeptRefreshToken::new(token, revision)));
            }
            // Replaced between the two reads, or unlinked by half: then the document is gone in a moment.
            match self.found(link).await? {
                Some((now, _)) if now.secret == kept.secret => return Ok(None),
                _ => {}
            }
        }
        Err(contended(link))
    }

    async fn store(&self, link: &LinkId, token: &Secret, after: Option<Revision>) -> Result<Revision, Error> {
        let former = self.found(link).await.map_err(|error| error.with_effect(Effect::None))?;
        if former.as_ref().map(|(_, revision)| *revision) != after {
            return Err(stored_meanwhile(link));
        }
        let mut superseded: Vec<SecretId> = former.into_iter().map(|(former, _)| former.secret).collect();
        let mut after = after;
        for _ in 0..ATTEMPTS {
            let sealed_at = self.clock.now();
            let secret = owner(link).new_name(sealed_at)?;
            // Nothing names it yet, so that the former token still counts whatever becomes of this one.
            self.secrets.put(&secret, token).await.map_err(|error| error.with_effect(Effect::None))?;
            let next = SealedToken { version: VERSION, link: link.clone(), secret };
            match self.write(&next, after).await {
                Ok(revision) if may_be_named(sealed_at, self.clock.now()) => {
                    for former in &superseded {
                        self.forget(former).await;
                    }
                    return Ok(revision);
                }
                // A sweep may have destroyed it while this process slept, or be about to: it is sealed once more.
                Ok(revision) => {
                    after = Some(revision);
                    superseded.push(next.secret);
                }
                Err(error) => {
                    if error.effect() == Effect::None {
                        self.forget(&next.secret).await;
                    }
                    return Err(error);
                }
            }
        }
        Err(contended(link).with_effect(Effect::Unknown))
    }

    async fn remove(&self, link: &LinkId) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let kept = self.records.get(&DocumentId::new(link.as_str())?).await?;
            // The tokens first: a link without one is seen and ended again, a token without a link is not. All of them: a refresh
            // that died left one that no link names. And none but the link's own, whatever somebody wrote into its document.
            for secret in all_sealed(&*self.secrets, owner(link).prefix()).await? {
                self.secrets.remove(&secret).await?;
            }
            let Some(Revised { revision, .. }) = kept else { return Ok(()) };
            match self.records.remove(&DocumentId::new(link.as_str())?, revision).await {
                // Another token was stored meanwhile, which has to go as well.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                ended => return ended,
            }
        }
        Err(contended(link))
    }
}

impl fmt::Debug for SealedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedTokens").finish_non_exhaustive()
    }
}

/// Where the tokens of a link are sealed: one opens for no other link.
pub(super) fn owner(link: &LinkId) -> Owner {
    Owner::new(ROOT, &[link.as_str()])
}

fn stored_meanwhile(link: &LinkId) -> Error {
    Error::new(ErrorKind::Conflict, format!("another refresh token of {link} is kept now, or none any more"))
        .with_effect(Effect::None)
        .with_advice("read the link again")
}

fn contended(link: &LinkId) -> Error {
    Error::new(ErrorKind::Unavailable, format!("others keep changing the link {link}"))
        .with_effect(Effect::None)
        .with_advice("find out what changes it, and try again")
}
