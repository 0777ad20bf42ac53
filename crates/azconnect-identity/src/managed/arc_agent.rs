//! The agent of Azure Arc on a machine outside Azure.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use azconnect_core::{Effect, Error, ErrorKind, Secret};
use azconnect_http::{Dialect, Response, with_query};
use http::header::AUTHORIZATION;
use url::Url;

use super::address::platform_address;
use super::arc_key::{challenge, key};
use super::identity::ManagedIdentityId;
use super::platform::Platform;
use super::question::{METADATA, TRUE, ask, get, secret_header};
use super::refusal::PlatformDialect;
use crate::source::{FetchedToken, TokenRequest, TokenSource};

const PLACE: &str = "the agent of Azure Arc";
const OPERATION: &str = "managed.arc";

/// Where the agent listens, unless a variable says otherwise.
pub(super) const ADDRESS: &str = "http://127.0.0.1:40342/metadata/identity/oauth2/token";

/// Where the agent leaves its keys on Linux.
const FOLDER: &str = "/var/opt/azcmagent/tokens";

/// Signs in with the identity of a machine outside Azure, through the agent of Azure Arc.
///
/// The agent answers with the path of a key, which only users of its group may read; whoever shows the key gets the token.
///
/// Document: Microsoft's *Authenticate against Azure resources with Azure Arc-enabled servers*.
///
/// Secrets handled: the key, in a header of the second request only.
#[derive(Clone, Debug)]
pub struct ArcAgent {
    platform: Platform,
    address: Url,
    folder: PathBuf,
}

impl ArcAgent {
    /// The agent of this machine, which knows the machine's own identity only.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) with the field `identity` for an assigned identity.
    pub fn new(platform: &Platform, identity: &ManagedIdentityId) -> Result<Self, Error> {
        identity.require_system("a machine of Azure Arc")?;
        let address = platform_address(ADDRESS, "address")?;
        Ok(Self { platform: platform.clone(), address, folder: FOLDER.into() })
    }

    /// Sets the address, which the variable `IDENTITY_ENDPOINT` holds.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) with the field `IDENTITY_ENDPOINT` unless it is encrypted, or of this machine or
    /// a network beside it.
    pub fn with_address(mut self, address: &str) -> Result<Self, Error> {
        self.address = platform_address(address, super::app_service::ENDPOINT)?;
        Ok(self)
    }

    /// Sets the folder of the keys: `%ProgramData%\AzureConnectedMachineAgent\Tokens` on Windows.
    #[must_use]
    pub fn with_key_folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.folder = folder.as_ref().to_owned();
        self
    }

    async fn key(&self, url: Url) -> Result<Secret, Error> {
        let call = get(OPERATION, url).with_header(METADATA, TRUE);
        let answer = self.platform.pipeline().execute(call, &Challenges).await?;
        let named = challenge(&answer).ok_or_else(|| {
            Error::new(ErrorKind::Unexpected, format!("{PLACE} does not say which key it wants"))
                .with_advice("check what listens on the agent's port (40342), and update the agent")
        })?;
        key(self.platform.files(), &self.folder, named).await
    }
}

#[async_trait]
impl TokenSource for ArcAgent {
    async fn fetch(&self, request: TokenRequest<'_>) -> Result<FetchedToken, Error> {
        let parameters = [("api-version", "2020-06-01"), ("resource", request.scope.resource())];
        let url = with_query(self.address.clone(), &parameters);
        let key =
            self.key(url.clone()).await.map_err(|error| error.in_operation(OPERATION).with_effect(Effect::None))?;
        let value = Secret::new(format!("Basic {}", key.expose()));
        let call = get(OPERATION, url).with_header(METADATA, TRUE).with_header(AUTHORIZATION, secret_header(&value)?);
        ask(self.platform.pipeline(), call, PLACE).await
    }
}

/// The first answer of the agent is a refusal, and that is right.
struct Challenges;

impl Dialect for Challenges {
    fn judge(&self, answer: &Response) -> Result<(), Error> {
        if answer.status().as_u16() == 401 {
            return Ok(());
        }
        PlatformDialect { place: PLACE }.judge(answer)
    }
}
