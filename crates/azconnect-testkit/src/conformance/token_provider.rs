//! What every [`TokenProvider`] must do.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Effect, Error, ErrorKind, Scope};
use azconnect_credential::{AccessToken, TokenProvider};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use time::OffsetDateTime;

use super::report::{CaseResult, Failure, Report, ensure};
use crate::canary::Canary;

/// A provider of tokens under test, and the identity service behind it.
#[async_trait]
pub trait TokenProviderHarness: Send + Sync {
    /// The provider under test; every call returns the same one.
    fn provider(&self) -> Arc<dyn TokenProvider>;

    /// Two scopes for which it gives tokens.
    fn scopes(&self) -> [Scope; 2];

    /// Now, by the clock of the provider.
    fn now(&self) -> OffsetDateTime;

    /// Lets time pass on the provider's clock.
    async fn pass(&self, time: Duration);

    /// Breaks every connection to the identity service from now on.
    async fn disconnect(&self);

    /// Makes the identity service refuse the credential from now on.
    async fn refuse(&self);
}

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: TokenProviderHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("TokenProvider");
    report.add("a token is valid when it is given", gives_valid(&make().await).await);
    report.add("scopes do not mix", scopes_do_not_mix(&make().await).await);
    report.add("a refused token is not given again", forgets_refused(&make().await).await);
    report.add("a token that came after the refused one is kept", keeps_newer(&make().await).await);
    report.add("a refusal for one scope spares the others", spares_others(&make().await).await);
    report.add("a token that has ended is not given", renews(&make().await).await);
    report.add("callers at the same time all get a token", serves_all(&make().await).await);
    report.add("a caller that stops waiting disturbs nobody", survives_a_drop(&make().await).await);
    report.add("an unreachable service is an error without an effect", unreachable(&make().await).await);
    report.add("a refused credential is told with code and advice", refused(&make().await).await);
    report.add("no token is shown or logged", shows_nothing(&make().await).await);
    report.finish();
}

async fn gives_valid(harness: &impl TokenProviderHarness) -> CaseResult {
    for scope in harness.scopes() {
        for _ in 0..3 {
            valid(harness, &scope).await?;
        }
    }
    Ok(())
}

async fn scopes_do_not_mix(harness: &impl TokenProviderHarness) -> CaseResult {
    let [one, other] = harness.scopes();
    let (first, second) = (valid(harness, &one).await?, valid(harness, &other).await?);
    ensure(!first.secret.same_as(&second.secret), "two scopes were given the same token")
}

async fn forgets_refused(harness: &impl TokenProviderHarness) -> CaseResult {
    let [scope, _] = harness.scopes();
    for _ in 0..3 {
        let refused = valid(harness, &scope).await?;
        harness.provider().invalidate(&scope, &refused).await;
        let next = valid(harness, &scope).await?;
        ensure(!next.secret.same_as(&refused.secret), "the refused token was given again")?;
    }
    Ok(())
}

async fn keeps_newer(harness: &impl TokenProviderHarness) -> CaseResult {
    let [scope, _] = harness.scopes();
    let old = valid(harness, &scope).await?;
    harness.provider().invalidate(&scope, &old).await;
    let newer = valid(harness, &scope).await?;
    // A provider that keeps no token has no newer one to lose.
    let caches = newer.secret.same_as(&valid(harness, &scope).await?.secret);
    // A second caller, whose request with the old token was refused as well.
    harness.provider().invalidate(&scope, &old).await;
    let kept = valid(harness, &scope).await?.secret.same_as(&newer.secret);
    ensure(kept || !caches, "the refusal of an older token discarded the newer one")
}

async fn spares_others(harness: &impl TokenProviderHarness) -> CaseResult {
    let [one, other] = harness.scopes();
    let (refused, spared) = (valid(harness, &one).await?, valid(harness, &other).await?);
    let caches = spared.secret.same_as(&valid(harness, &other).await?.secret);
    harness.provider().invalidate(&one, &refused).await;
    let kept = valid(harness, &other).await?.secret.same_as(&spared.secret);
    ensure(kept || !caches, "the refusal of one scope's token discarded another's")
}

async fn renews(harness: &impl TokenProviderHarness) -> CaseResult {
    let [scope, _] = harness.scopes();
    let first = valid(harness, &scope).await?;
    let left = Duration::try_from(first.expires_at - harness.now()).unwrap_or_default();
    harness.pass(left).await;
    let next = valid(harness, &scope).await?;
    ensure(!next.secret.same_as(&first.secret), "the token that has ended was given again")
}

async fn serves_all(harness: &impl TokenProviderHarness) -> CaseResult {
    let scopes = harness.scopes();
    let calls = scopes.iter().cycle().take(16).map(|scope| valid(harness, scope));
    join_all(calls).await.into_iter().collect::<Result<Vec<_>, _>>().map(drop)
}

async fn survives_a_drop(harness: &impl TokenProviderHarness) -> CaseResult {
    let [scope, _] = harness.scopes();
    let provider = harness.provider();
    // Begun by its first poll, then dropped.
    drop(provider.token(&scope).now_or_never());
    valid(harness, &scope).await.map(drop)
}

async fn unreachable(harness: &impl TokenProviderHarness) -> CaseResult {
    let [scope, _] = harness.scopes();
    harness.disconnect().await;
    let error = fails(harness, &scope).await?;
    let kinds = [ErrorKind::Unavailable, ErrorKind::Timeout];
    ensure(kinds.contains(&error.kind()), format!("wanted one of {kinds:?}: {error:?}"))
}

async fn refused(harness: &impl TokenProviderHarness) -> CaseResult {
    let [scope, _] = harness.scopes();
    harness.refuse().await;
    let error = fails(harness, &scope).await?;
    ensure(error.kind() == ErrorKind::Unauthenticated, format!("wanted Unauthenticated: {error:?}"))?;
    ensure(error.service_code().is_some(), format!("the service's code is missing: {error:?}"))?;
    ensure(!error.advice().is_empty(), format!("advice is missing: {error:?}"))
}

async fn shows_nothing(harness: &impl TokenProviderHarness) -> CaseResult {
    let canary = Canary::new();
    let ears = canary.listen();
    let [scope, other] = harness.scopes();
    let token = valid(harness, &scope).await?;
    canary.watch(&token.secret);
    let mut shown = format!("{token:?}");
    harness.provider().invalidate(&scope, &token).await;
    shown += &format!("{:?}", valid(harness, &scope).await?);
    harness.refuse().await;
    shown += &format!("{:?}", harness.provider().token(&other).await);
    drop(ears);
    let leak = canary.find(shown.as_bytes()).or_else(|| canary.find_in_logs());
    ensure(leak.is_none(), format!("shown: {}", leak.unwrap_or_default()))
}

/// A token, which must be one that a service accepts now.
async fn valid(harness: &impl TokenProviderHarness, scope: &Scope) -> Result<Arc<AccessToken>, Failure> {
    let token = harness.provider().token(scope).await?;
    ensure(!token.secret.is_empty(), "the token is empty")?;
    let now = harness.now();
    ensure(token.expires_at > now, format!("the token ended at {}, and it is {now}", token.expires_at))?;
    let order = format!("refresh at {} is after the end at {}", token.refresh_at, token.expires_at);
    ensure(token.refresh_at <= token.expires_at, order)?;
    Ok(token)
}

async fn fails(harness: &impl TokenProviderHarness, scope: &Scope) -> Result<Error, Failure> {
    let error = match harness.provider().token(scope).await {
        Ok(_) => return Err(Failure::new("a token was given")),
        Err(error) => error,
    };
    ensure(error.effect() == Effect::None, format!("asking for a token changes nothing: {error:?}"))?;
    Ok(error)
}
