//! The token endpoint in Azure Cloud Shell.

use async_trait::async_trait;
use azconnect_core::Error;
use url::Url;

use super::address::platform_address;
use super::identity::ManagedIdentityId;
use super::platform::Platform;
use super::question::{METADATA, TRUE, ask, post};
use crate::source::{FetchedToken, TokenRequest, TokenSource};

const PLACE: &str = "the token endpoint of Azure Cloud Shell";

/// Signs in as the person who uses Azure Cloud Shell, through the endpoint that it has for programs.
#[derive(Clone, Debug)]
pub struct CloudShell {
    platform: Platform,
    address: Url,
}

impl CloudShell {
    /// The endpoint that the variable `MSI_ENDPOINT` holds.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `identity` for an assigned identity, which it does
    /// not know, and with `MSI_ENDPOINT` unless the address is encrypted, or of this machine or a network beside it.
    pub fn new(platform: &Platform, identity: &ManagedIdentityId, endpoint: &str) -> Result<Self, Error> {
        identity.require_system("Azure Cloud Shell")?;
        let address = platform_address(endpoint, super::machine_learning::ENDPOINT)?;
        Ok(Self { platform: platform.clone(), address })
    }
}

#[async_trait]
impl TokenSource for CloudShell {
    async fn fetch(&self, request: TokenRequest<'_>) -> Result<FetchedToken, Error> {
        let call = post("managed.cloud_shell", self.address.clone())
            .with_form(&[("resource", request.scope.resource())])
            .with_header(METADATA, TRUE);
        ask(self.platform.pipeline(), call, PLACE).await
    }
}
