//! The token endpoint beside an App Service, a function or a container app.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{Error, Secret};
use azconnect_http::with_query;
use http::HeaderName;
use url::Url;

use super::address::platform_address;
use super::identity::ManagedIdentityId;
use super::platform::Platform;
use super::question::{ask, get, secret_header};
use crate::source::{FetchedToken, TokenRequest, TokenSource};

pub(super) const ENDPOINT: &str = "IDENTITY_ENDPOINT";
pub(super) const HEADER: &str = "IDENTITY_HEADER";

const PLACE: &str = "the identity endpoint of App Service";
const IDENTITY_HEADER: HeaderName = HeaderName::from_static("x-identity-header");

/// Signs in with a managed identity of an App Service, a function or a container app.
///
/// Document: Microsoft's *How to use managed identities for App Service and Azure Functions*, section *REST endpoint reference*.
///
/// Secrets handled: the value of `IDENTITY_HEADER`, in a header of the request only.
#[derive(Clone)]
pub struct AppService {
    platform: Platform,
    identity: ManagedIdentityId,
    address: Url,
    header: Arc<Secret>,
}

impl AppService {
    /// An identity of the service, whose endpoint and header the variables `IDENTITY_ENDPOINT` and `IDENTITY_HEADER` hold.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `IDENTITY_ENDPOINT` unless the address is
    /// encrypted, or of this machine or a network beside it.
    pub fn new(
        platform: &Platform,
        identity: ManagedIdentityId,
        endpoint: &str,
        header: Secret,
    ) -> Result<Self, Error> {
        let address = platform_address(endpoint, ENDPOINT)?;
        Ok(Self { platform: platform.clone(), identity, address, header: Arc::new(header) })
    }
}

#[async_trait]
impl TokenSource for AppService {
    async fn fetch(&self, request: TokenRequest<'_>) -> Result<FetchedToken, Error> {
        let identity = self.identity.parameter("mi_res_id");
        let mut parameters = vec![("api-version", "2019-08-01"), ("resource", request.scope.resource())];
        parameters.extend(identity.as_ref().map(|(name, value)| (*name, value.as_str())));
        let call = get("managed.app_service", with_query(self.address.clone(), &parameters))
            .with_header(IDENTITY_HEADER, secret_header(&self.header)?);
        ask(self.platform.pipeline(), call, PLACE).await
    }
}

impl fmt::Debug for AppService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppService").field("identity", &self.identity).finish_non_exhaustive()
    }
}
