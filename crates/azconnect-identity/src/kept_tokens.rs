//! Access tokens that outlive the process.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Error, MAX_LISTED, Scope, Secret, SecretId, SecretStore};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::hashed::hashed_name;
use crate::moment::later;
use crate::source::{FetchedToken, TokenRequest, TokenSource};

/// What begins the names of all kept tokens.
const ROOT: &str = "access-token/";

/// How many tokens are kept of one credential at most.
const MOST: usize = 32;

/// How much of its life a token must still have to be worth opening the store for.
const LEAST_LEFT: Duration = Duration::from_secs(60);

/// A source whose tokens are kept sealed, so that a program that is started anew goes on with those that are still valid: a command
/// that is run every minute does not sign in every minute.
///
/// The first token of each scope comes from the store, if a valid one is there; every other one from the source, and is kept. So a
/// token that a service has refused is never given again by the same process. Tokens of another credential are forgotten when the
/// first one of the new credential is kept, and so are those that have ended; at most 32 are kept. A store that fails is
/// passed over: the source signs in then.
///
/// Secrets handled: access tokens, each sealed under a name that says its owner, credential and scope as hashes, and its end.
pub struct KeptTokens<S> {
    source: S,
    secrets: Arc<dyn SecretStore>,
    clock: Arc<dyn Clock>,
    owner: String,
    credential: String,
    looked: Mutex<BTreeSet<Scope>>,
}

impl<S: TokenSource> KeptTokens<S> {
    /// Keeps the tokens of a source.
    ///
    /// `owner` says whose they are, such as `{tenant}/{client}`: whoever has the same owner and credential gets the same tokens.
    /// `credential` is what the source signs in with, a secret or the thumbprint of a certificate: after it was changed, no token
    /// of the former one is given.
    pub fn new(
        source: S,
        (secrets, clock): (Arc<dyn SecretStore>, Arc<dyn Clock>),
        owner: &str,
        credential: &Secret,
    ) -> Self {
        // Hashed together, so that nobody finds out of the names alone that two owners share a credential.
        let credential = hashed_name(&[owner, credential.expose()]);
        Self { source, secrets, clock, owner: hashed_name(&[owner]), credential, looked: Mutex::default() }
    }

    /// The source that new tokens come from.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// Forgets all tokens of this owner, those of other credentials included. They stay valid until they end.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn forget(&self) -> Result<(), Error> {
        for kept in self.all().await? {
            self.secrets.remove(&kept.name).await?;
        }
        Ok(())
    }

    /// Whether the store is to be asked for this scope: once in the life of this process.
    fn is_first(&self, scope: &Scope) -> bool {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner).insert(scope.clone())
    }

    /// A token of this scope that is still worth giving, if one is kept.
    async fn find(&self, scope: &Scope) -> Result<Option<FetchedToken>, Error> {
        let (now, scope) = (self.clock.now(), hashed_name(&[scope.as_str()]));
        let all = self.all().await?.into_iter();
        let fits = |kept: &Kept| {
            kept.credential == self.credential && kept.scope == scope && kept.refresh > later(now, LEAST_LEFT)
        };
        let Some(kept) = all.filter(fits).max_by_key(|kept| kept.end) else { return Ok(None) };
        let Some(token) = self.secrets.get(&kept.name).await? else { return Ok(None) };
        let left = |moment: OffsetDateTime| Duration::try_from(moment - now).unwrap_or_default();
        // Where the service named no time of renewal, the cache's own rule decides.
        let refresh_in = Some(left(kept.refresh)).filter(|_| kept.refresh < kept.end);
        Ok(Some(FetchedToken::new(token, left(kept.end)).with_refresh_in(refresh_in)))
    }

    /// Keeps a token, and forgets what it makes useless.
    async fn keep(&self, scope: &Scope, token: &FetchedToken, asked_at: OffsetDateTime) -> Result<(), Error> {
        let refresh = token.refresh_in.unwrap_or(token.expires_in).min(token.expires_in);
        let unix = |after: Duration| later(asked_at, after).unix_timestamp();
        let name = format!(
            "{ROOT}{}/{}/{}/{}-{}-{}",
            self.owner,
            self.credential,
            hashed_name(&[scope.as_str()]),
            unix(token.expires_in),
            unix(refresh),
            Uuid::new_v4().simple()
        );
        let name = SecretId::new(name)?;
        // Nobody would find it again, or forget it: its end is a moment that no clock shows.
        if Kept::read(name.clone()).is_none() {
            return Ok(());
        }
        self.secrets.put(&name, &token.secret).await?;
        for useless in self.useless(&name, self.all().await?) {
            self.secrets.remove(&useless).await?;
        }
        Ok(())
    }

    /// What need not be kept beside the newest token: those of other credentials, former ones of its scope, ended ones, and the
    /// ones that end first where there are too many.
    fn useless(&self, newest: &SecretId, all: Vec<Kept>) -> Vec<SecretId> {
        let scope = all.iter().find(|kept| kept.name == *newest).map(|kept| kept.scope.clone());
        let now = self.clock.now();
        let is_useless = |kept: &Kept| {
            kept.name != *newest
                && (kept.credential != self.credential || Some(&kept.scope) == scope.as_ref() || kept.end <= now)
        };
        let (useless, mut rest): (Vec<_>, Vec<_>) = all.into_iter().partition(is_useless);
        rest.sort_by_key(|kept| (kept.name == *newest, kept.end));
        let surplus = rest.len().saturating_sub(MOST);
        useless.into_iter().chain(rest.into_iter().take(surplus)).map(|kept| kept.name).collect()
    }

    async fn all(&self) -> Result<Vec<Kept>, Error> {
        let prefix = format!("{ROOT}{}/", self.owner);
        let mut all: Vec<SecretId> = Vec::new();
        loop {
            let portion = self.secrets.list(&prefix, all.last()).await?;
            let is_last = portion.len() < MAX_LISTED;
            all.extend(portion);
            if is_last {
                return Ok(all.into_iter().filter_map(Kept::read).collect());
            }
        }
    }
}

#[async_trait]
impl<S: TokenSource> TokenSource for KeptTokens<S> {
    async fn fetch(&self, request: TokenRequest<'_>) -> Result<FetchedToken, Error> {
        // A service that wants another token has seen the kept one.
        if self.is_first(request.scope) && !request.challenged {
            match self.find(request.scope).await {
                Ok(Some(token)) => return Ok(token),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "kept tokens could not be read; signing in"),
            }
        }
        let asked_at = self.clock.now();
        let token = self.source.fetch(request).await?;
        if let Err(error) = self.keep(request.scope, &token, asked_at).await {
            tracing::warn!(%error, "a token could not be kept for the next start");
        }
        Ok(token)
    }
}

impl<S: fmt::Debug> fmt::Debug for KeptTokens<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptTokens").field("source", &self.source).finish_non_exhaustive()
    }
}

/// A token that is kept, as its name says it.
struct Kept {
    name: SecretId,
    credential: String,
    scope: String,
    end: OffsetDateTime,
    refresh: OffsetDateTime,
}

impl Kept {
    fn read(name: SecretId) -> Option<Self> {
        let mut parts = name.as_str().strip_prefix(ROOT)?.split('/').skip(1);
        let (credential, scope) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        let mut times =
            parts.next()?.split('-').map(|text| OffsetDateTime::from_unix_timestamp(text.parse().ok()?).ok());
        let (end, refresh) = (times.next()??, times.next()??);
        Some(Self { credential, scope, end, refresh, name })
    }
}
