//! Tokens in a person's name, without them.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{Effect, Error, ErrorKind, Lease, Retry, Secret, TenantId};
use azconnect_credential::{KeptRefreshToken, LinkId, RefreshTokens};

use super::link_state::{GUEST_TENANT, unlinked};
use super::obstacle::Obstacle;
use super::turn::Turn;
use crate::application::Application;
use crate::endpoint::TokenAnswer;
use crate::source::{FetchedToken, TokenRequest, TokenSource};

/// How often a refresh begins anew, because another process stored a token meanwhile.
const ROUNDS: usize = 3;

/// Tokens in the name of a linked person, by the refresh token that a product keeps of them.
///
/// Each refresh gives the next refresh token. It is stored before the access token is handed out, in the place of the one that
/// was used, and one process does so at a time, under the link's lease. So all processes of a product can use one link, and none
/// of them brings a link back that was removed.
///
/// What an error means for the link is said by [`LinkState::of`](super::LinkState::of).
///
/// Document: Microsoft's *Refresh tokens in the Microsoft identity platform*.
pub struct UserTokenSource {
    application: Application,
    tokens: Arc<dyn RefreshTokens>,
    link: LinkId,
    turn: Turn,
    guest_tenant: Option<TenantId>,
}

impl UserTokenSource {
    /// A source of tokens in the name of the person behind a link. The application is the one that the person signed in to, at
    /// the authority whose tokens are wanted: a guest's are given by the tenant that invited them.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if no key of a lease can be made of the link id, which every link id allows today.
    pub fn new(
        application: Application,
        tokens: Arc<dyn RefreshTokens>,
        link: LinkId,
        lease: Arc<dyn Lease>,
    ) -> Result<Self, Error> {
        let clock = Arc::clone(application.endpoint().pipeline().clock());
        let turn = Turn::new(lease, clock, &link)?;
        Ok(Self { application, tokens, link, turn, guest_tenant: None })
    }

    /// Says that the tokens are those of another tenant than the one in which the person was linked. What that tenant refuses is no
    /// fault of the link then: see [`LinkState::RefusedByTenant`](super::LinkState::RefusedByTenant).
    #[must_use]
    pub fn with_guest_tenant(mut self, tenant: TenantId) -> Self {
        self.guest_tenant = Some(tenant);
        self
    }

    /// Whose tokens it gives.
    pub fn link(&self) -> &LinkId {
        &self.link
    }

    async fn refreshed(&self, request: TokenRequest<'_>) -> Result<FetchedToken, Error> {
        let mut kept = self.kept().await?;
        for _ in 0..ROUNDS {
            let outcome = self.redeemed(&kept.token, request).await;
            let answer = match outcome {
                Ok(answer) => answer,
                Err(error) if Obstacle::of(&error).is_some() => {
                    // Another process may have stored the next one since, and this one counts no longer.
                    let now = self.kept().await?;
                    if now.revision == kept.revision {
                        return Err(self.refused(error));
                    }
                    kept = now;
                    continue;
                }
                Err(error) => return Err(error),
            };
            if self.stored(answer.refresh, &kept).await? {
                return complete(answer.token, request).map_err(|error| self.refused(error));
            }
            // Somebody else's token is kept now. It may be another person's, so that ours is dropped, and theirs is used.
            kept = self.kept().await?;
        }
        Err(Error::new(ErrorKind::Conflict, "other processes store refresh tokens of the same link all the time")
            .with_effect(Effect::None)
            .with_retry(Retry::Backoff)
            .with_advice("give all processes of the product the same lease"))
    }

    /// A refusal that says who has to act.
    fn refused(&self, error: Error) -> Error {
        let Some(obstacle) = Obstacle::of(&error) else { return error };
        let error = error.with_kind(ErrorKind::Unauthenticated).with_retry(Retry::No);
        match self.guest_tenant.filter(|_| obstacle.is_of_tenant()) {
            Some(tenant) => error.with_field(GUEST_TENANT).with_advice(obstacle.advice_for_guest(tenant)),
            None => error.with_advice(obstacle.advice()),
        }
    }

    async fn kept(&self) -> Result<KeptRefreshToken, Error> {
        let loaded = self.tokens.load(&self.link).await.map_err(|error| error.with_effect(Effect::None))?;
        loaded.ok_or_else(unlinked)
    }

    async fn redeemed(&self, token: &Secret, request: TokenRequest<'_>) -> Result<TokenAnswer, Error> {
        let scope = request.scope.clone().with_offline_access();
        let mut grant =
            vec![("grant_type", "refresh_token"), ("refresh_token", token.expose()), ("scope", scope.as_str())];
        grant.extend(request.claims.map(|claims| ("claims", claims)));
        self.application.redeem(&grant).await
    }

    /// Whether the next refresh token is kept; `false` if another one was stored meanwhile, or none is kept any more.
    async fn stored(&self, next: Option<Secret>, used: &KeptRefreshToken) -> Result<bool, Error> {
        // A service that gives no other one leaves the former good.
        let Some(next) = next.filter(|next| !next.same_as(&used.token)) else { return Ok(true) };
        match self.tokens.store(&self.link, &next, Some(used.revision)).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl TokenSource for UserTokenSource {
    /// Refreshes, and stores the next refresh token before it returns.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) with the field `link` if nobody is linked; [`Unauthenticated`](ErrorKind::Unauthenticated)
    /// if the person, or an administrator, has to act: [`LinkState::of`](super::LinkState::of) says who; the store's error if the
    /// next refresh token could not be kept. The link is as good as before then, and no token was handed out.
    ///
    /// # Cancel safety
    /// As [`TokenSource::fetch`]. The link's lease runs out by itself, within a minute.
    async fn fetch(&self, request: TokenRequest<'_>) -> Result<FetchedToken, Error> {
        self.turn.take(Box::pin(self.refreshed(request))).await
    }
}

impl fmt::Debug for UserTokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserTokenSource")
            .field("application", &self.application)
            .field("link", &self.link)
            .finish_non_exhaustive()
    }
}

/// Hands a token out that has the permissions which were asked for by name.
fn complete(token: FetchedToken, request: TokenRequest<'_>) -> Result<FetchedToken, Error> {
    let granted = token.granted.as_deref();
    let missing = granted.map(|granted| request.scope.missing_from(granted)).unwrap_or_default();
    if missing.is_empty() {
        return Ok(token);
    }
    let message = format!("the token lacks permissions that were asked for: {}", missing.join(", "));
    Err(Error::new(ErrorKind::Unauthenticated, message)
        .with_effect(Effect::None)
        .with_retry(Retry::No)
        .with_service_code("consent_required")
        .with_advice(Obstacle::ConsentMissing.advice()))
}
