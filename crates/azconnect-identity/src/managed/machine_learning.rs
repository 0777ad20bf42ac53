//! The token endpoint beside a job of Azure Machine Learning.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{ClientId, Error, Secret};
use azconnect_http::with_query;
use http::HeaderName;
use url::Url;

use super::address::platform_address;
use super::identity::ManagedIdentityId;
use super::platform::Platform;
use super::question::{ask, get, secret_header};
use crate::source::{FetchedToken, TokenRequest, TokenSource};

pub(super) const ENDPOINT: &str = "MSI_ENDPOINT";
pub(super) const SECRET: &str = "MSI_SECRET";

const PLACE: &str = "the identity endpoint of Azure Machine Learning";

/// Signs in with a managed identity of a job of Azure Machine Learning.
///
/// Secrets handled: the value of `MSI_SECRET`, in a header of the request only.
#[derive(Clone)]
pub struct MachineLearning {
    platform: Platform,
    client: Option<ClientId>,
    address: Url,
    secret: Arc<Secret>,
}

impl MachineLearning {
    /// An identity of the job, whose endpoint and secret the variables `MSI_ENDPOINT` and `MSI_SECRET` hold.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `identity` for an assigned identity that is not
    /// named by its client id, and with `MSI_ENDPOINT` unless the address is encrypted, or of this machine or a network beside
    /// it.
    pub fn new(
        platform: &Platform,
        identity: ManagedIdentityId,
        endpoint: &str,
        secret: Secret,
    ) -> Result<Self, Error> {
        let client = match identity {
            ManagedIdentityId::System => None,
            ManagedIdentityId::Client(client) => Some(client),
            _ => {
                return Err(Error::invalid(
                    "identity",
                    "Azure Machine Learning knows identities by their client id only",
                )
                .with_advice("give the client id of the assigned identity"));
            }
        };
        let address = platform_address(endpoint, ENDPOINT)?;
        Ok(Self { platform: platform.clone(), client, address, secret: Arc::new(secret) })
    }
}

#[async_trait]
impl TokenSource for MachineLearning {
    async fn fetch(&self, request: TokenRequest<'_>) -> Result<FetchedToken, Error> {
        let client = self.client.map(|client| client.to_string());
        let mut parameters = vec![("api-version", "2017-09-01"), ("resource", request.scope.resource())];
        // This version's own spelling.
        parameters.extend(client.as_deref().map(|client| ("clientid", client)));
        let call = get("managed.machine_learning", with_query(self.address.clone(), &parameters))
            .with_header(HeaderName::from_static("secret"), secret_header(&self.secret)?);
        ask(self.platform.pipeline(), call, PLACE).await
    }
}

impl fmt::Debug for MachineLearning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MachineLearning").field("client", &self.client).finish_non_exhaustive()
    }
}
