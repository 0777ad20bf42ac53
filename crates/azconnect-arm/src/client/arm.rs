//! The client of Azure Resource Manager, from which all handles are made.

use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Clock, Cloud, Error, Scope, SubscriptionId};
use azconnect_credential::TokenProvider;
use azconnect_http::{
    Authorizer, Bearer, Begun, Call, Eager, PageStyle, Pages, Pipeline, PollPolicy, Response, endpoint, json,
    with_query,
};
use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::{Host, Url};

use crate::error::ArmDialect;
use crate::resource::ResourceId;

/// The largest number of items that a list may have which is read whole. Its pages, their size and its time are bounded by
/// [`Pages`] itself.
pub(super) const LIST_LIMIT: usize = 100_000;

/// Azure Resource Manager of one cloud, with one identity. Cheap to clone.
#[derive(Clone)]
pub struct Arm {
    pipeline: Pipeline,
    base: Url,
    authorizer: Arc<dyn Authorizer>,
    tokens: Arc<dyn TokenProvider>,
    scope: Scope,
    polling: Arc<dyn PollPolicy>,
    operation_time_limit: Duration,
    dialect: ArmDialect,
}

impl Arm {
    /// Azure Resource Manager of a cloud, with tokens of an identity.
    pub fn new(pipeline: Pipeline, cloud: &Cloud, tokens: Arc<dyn TokenProvider>) -> Self {
        let scope = cloud.resource_manager_scope();
        Self {
            pipeline,
            base: cloud.resource_manager().clone(),
            authorizer: Arc::new(Bearer::new(tokens.clone(), scope.clone())),
            tokens,
            scope,
            polling: Arc::new(Eager::new()),
            operation_time_limit: Duration::from_secs(3600),
            dialect: ArmDialect::default(),
        }
    }

    /// Sets when long-running operations are polled; [`Eager`] by default.
    #[must_use]
    pub fn with_polling(mut self, policy: Arc<dyn PollPolicy>) -> Self {
        self.polling = policy;
        self
    }

    /// Sets how long one long-running operation is waited for; an hour by default.
    #[must_use]
    pub fn with_operation_time_limit(mut self, time_limit: Duration) -> Self {
        self.operation_time_limit = time_limit;
        self
    }

    /// The clock of the pipeline, by which waiting is measured.
    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        self.pipeline.clock()
    }

    /// Whether it is the public Azure, or an emulator of it on this machine. Any other has regions and sizes of its own: that of
    /// a government or of China, and an Azure Stack.
    pub(crate) fn is_public(&self) -> bool {
        let is_here = match self.base.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        };
        is_here || Cloud::public().resource_manager().host() == self.base.host()
    }

    pub(crate) fn dialect(&self) -> &ArmDialect {
        &self.dialect
    }

    pub(super) fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    pub(super) fn polling(&self) -> Arc<dyn PollPolicy> {
        self.polling.clone()
    }

    pub(super) fn operation_time_limit(&self) -> Duration {
        self.operation_time_limit
    }

    /// Asks for a token and nothing else, so that its refusal is seen as the sign-in gave it.
    pub(crate) async fn sign_in(&self) -> Result<(), Error> {
        self.tokens.token(&self.scope).await.map(drop)
    }

    /// Forgets the token, so that the next request brings a fresh one. Without a token there is nothing to forget.
    pub(crate) async fn forget_token(&self) {
        if let Ok(token) = self.tokens.token(&self.scope).await {
            self.tokens.invalidate(&self.scope, &token).await;
        }
    }

    /// The same client, whose advice names this subscription in the commands for an administrator.
    pub(super) fn of_subscription(&self, id: SubscriptionId) -> Self {
        Self { dialect: ArmDialect::new(Some(id)), ..self.clone() }
    }

    /// An address below the root of the service, outside every subscription.
    pub(super) fn root(&self, segments: &[&str], query: &[(&str, &str)]) -> Result<Url, Error> {
        Ok(with_query(endpoint(&self.base, segments)?, query))
    }

    /// The address of a scope, with the segments that follow it and a query.
    pub(super) fn url(&self, scope: &ResourceId, rest: &[&str], query: &[(&str, &str)]) -> Result<Url, Error> {
        let segments: Vec<&str> = scope.segments().chain(rest.iter().copied()).collect();
        Ok(with_query(endpoint(&self.base, &segments)?, query))
    }

    /// A call with authorization. Every method but `POST` may be repeated.
    pub(super) fn call(&self, operation: &'static str, method: Method, url: Url) -> Call {
        let call = match method {
            Method::POST => Call::post(operation, url),
            Method::PUT => Call::put(operation, url),
            Method::DELETE => Call::delete(operation, url),
            // HTTP does not promise it, but merging the same values twice has the effect of merging them once.
            Method::PATCH => Call::new(operation, Method::PATCH, url, azconnect_http::Idempotency::Idempotent),
            _ => Call::get(operation, url),
        };
        call.with_authorizer(self.authorizer.clone())
    }

    pub(super) async fn execute(&self, call: Call) -> Result<Response, Error> {
        self.pipeline.execute(call, &self.dialect).await
    }

    pub(super) async fn begin(&self, call: Call) -> Result<Begun, Error> {
        let answer = self.execute(call.clone()).await?;
        Ok(Begun::of(&call, answer, self.clock().now()))
    }

    pub(super) async fn read<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        let operation = call.operation();
        json(&self.execute(call).await?).map_err(|error| error.in_operation(operation))
    }

    pub(super) fn pages<T: DeserializeOwned>(&self, call: Call) -> Pages<'static, T> {
        Pages::with_dialect(&self.pipeline, call, Arc::new(self.dialect), PageStyle::NextLink)
    }

    pub(super) async fn list<T: DeserializeOwned>(&self, call: Call) -> Result<Vec<T>, Error> {
        self.pages(call).all(LIST_LIMIT).await
    }

    pub(super) fn with_body(call: Call, body: &impl Serialize) -> Result<Call, Error> {
        call.with_json(body)
    }
}
