//! The fake provider of tokens keeps the promises of the port, and providers that break one are named.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Error, ErrorKind, Scope};
use azconnect_credential::{AccessToken, TokenProvider};
use azconnect_testkit::ManualClock;
use azconnect_testkit::conformance::token_provider::{self, TokenProviderHarness};
use azconnect_testkit::fake::{Fault, Tokens};
use time::OffsetDateTime;

use crate::judged::{named, verdict};

struct Harness {
    clock: ManualClock,
    tokens: Tokens,
    provider: Arc<dyn TokenProvider>,
}

impl Harness {
    fn new(wrap: impl Fn(Tokens) -> Arc<dyn TokenProvider>) -> Self {
        let clock = ManualClock::new();
        let tokens = Tokens::new(Arc::new(clock.clone()));
        Self { clock, provider: wrap(tokens.clone()), tokens }
    }
}

#[async_trait]
impl TokenProviderHarness for Harness {
    fn provider(&self) -> Arc<dyn TokenProvider> {
        self.provider.clone()
    }
    fn scopes(&self) -> [Scope; 2] {
        scopes()
    }
    fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }
    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }
    async fn disconnect(&self) {
        self.tokens.faults().break_down((), Fault::Dropped);
    }
    async fn refuse(&self) {
        self.tokens.faults().break_down((), Fault::Refused(ErrorKind::Unauthenticated));
    }
}

fn scopes() -> [Scope; 2] {
    ["https://graph.microsoft.com", "https://management.azure.com"].map(Scope::of_resource)
}

#[tokio::test]
async fn the_fake_provider_conforms() {
    token_provider::all(async || Harness::new(|tokens| Arc::new(tokens))).await;
}

#[derive(Clone, Copy, PartialEq)]
enum Sin {
    NeverForgets,
    ForgetsAll,
    HasOneScope,
    Boasts,
}

struct BadProvider(Tokens, Sin);

#[async_trait]
impl TokenProvider for BadProvider {
    async fn token(&self, scope: &Scope) -> Result<Arc<AccessToken>, Error> {
        let [first, _] = scopes();
        let token = self.0.token(if self.1 == Sin::HasOneScope { &first } else { scope }).await?;
        if self.1 == Sin::Boasts {
            tracing::info!(token = token.secret.expose(), "signed in");
        }
        Ok(token)
    }
    async fn invalidate(&self, scope: &Scope, refused: &AccessToken) {
        match self.1 {
            Sin::NeverForgets => {}
            Sin::ForgetsAll => {
                for scope in scopes() {
                    if let Ok(held) = self.0.token(&scope).await {
                        self.0.invalidate(&scope, &held).await;
                    }
                }
            }
            _ => self.0.invalidate(scope, refused).await,
        }
    }
}

#[tokio::test]
async fn a_broken_provider_is_named() {
    let run = async |sin| {
        verdict(token_provider::all(async || Harness::new(|tokens| Arc::new(BadProvider(tokens, sin))))).await
    };
    named(&run(Sin::NeverForgets).await, &["a refused token is not given again"]);
    named(
        &run(Sin::ForgetsAll).await,
        &["a token that came after the refused one is kept", "a refusal for one scope spares the others"],
    );
    assert!(run(Sin::HasOneScope).await.contains("scopes do not mix"));
    named(&run(Sin::Boasts).await, &["no token is shown or logged"]);
}
