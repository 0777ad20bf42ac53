//! The metadata service of a virtual machine.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Effect, Error, ErrorKind, NoRetry};
use azconnect_http::{Call, Dialect, Response, SendOptions, with_query};
use http::header::SERVER;
use url::Url;

use super::address::platform_address;
use super::identity::ManagedIdentityId;
use super::platform::Platform;
use super::question::{METADATA, TRUE, ask, get};
use crate::available::Availability;
use crate::chain::Presence;
use crate::source::{FetchedToken, TokenRequest, TokenSource};

const PLACE: &str = "the metadata service of the virtual machine";
const OPERATION: &str = "managed.imds";

/// Where every virtual machine of Azure finds its metadata service. The address is link-local: no router passes it on.
const ADDRESS: &str = "http://169.254.169.254/metadata/identity/oauth2/token";

/// How long a machine that is one of Azure's takes to answer at most, where the question is only whether it is one.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Signs in with a managed identity through the metadata service of a virtual machine (IMDS), a scale set or a cluster's node.
///
/// - While the service does not work it is asked five times within 30 seconds, while it is being renewed (status 410) for 70
///   seconds; a refusal is final.
/// - Azure keeps a token for up to 24 hours: a role or group that was given since may show only in the next one.
///
/// Document: Microsoft's *How to use managed identities for Azure resources on an Azure VM to acquire an access token*.
#[derive(Clone, Debug)]
pub struct Imds {
    platform: Platform,
    identity: ManagedIdentityId,
    address: Option<Url>,
}

impl Imds {
    /// An identity of this machine. Nothing is sent yet.
    pub fn new(platform: &Platform, identity: ManagedIdentityId) -> Self {
        Self { platform: platform.clone(), identity, address: None }
    }

    /// Sets another address, such as that of a stand-in on this machine.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) with the field `address` unless it is encrypted, or of this machine or a network
    /// beside it.
    pub fn with_address(mut self, address: &str) -> Result<Self, Error> {
        self.address = Some(platform_address(address, "address")?);
        Ok(self)
    }

    fn call(&self, parameters: &[(&str, &str)]) -> Result<Call, Error> {
        let address = match &self.address {
            Some(address) => address.clone(),
            None => platform_address(ADDRESS, "address")?,
        };
        let url = with_query(with_query(address, &[("api-version", "2018-02-01")]), parameters);
        Ok(self.platform.paced(get(OPERATION, url)))
    }
}

#[async_trait]
impl TokenSource for Imds {
    async fn fetch(&self, request: TokenRequest<'_>) -> Result<FetchedToken, Error> {
        let identity = self.identity.parameter("msi_res_id");
        let mut parameters = vec![("resource", request.scope.resource())];
        parameters.extend(identity.as_ref().map(|(name, value)| (*name, value.as_str())));
        let call = self.call(&parameters)?.with_header(METADATA, TRUE);
        ask(self.platform.imds(), call, PLACE).await
    }
}

#[async_trait]
impl Presence for Imds {
    /// Asks once, for at most a second, without the header that the service demands: Azure's refuses that with status 400, and
    /// names itself. It is not here if nobody answers, or somebody else does. It waits for its turn, and not for requests that are
    /// under way.
    async fn presence(&self) -> Result<Availability<()>, Error> {
        let options = SendOptions::default().with_timeout(PROBE_TIMEOUT);
        // Beside the places of the budget: behind slow requests for tokens, the second would pass before anything is sent.
        let pipeline = self.platform.pipeline().clone().with_retry(Arc::new(NoRetry));
        match pipeline.execute(self.call(&[])?.with_options(options), &AnyAnswer).await {
            Ok(answer) => judge(&answer),
            Err(error) if matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout) => {
                Ok(Availability::NotHere(format!("nothing answers at the address of {PLACE}").into()))
            }
            Err(error) => Err(error.with_effect(Effect::None)),
        }
    }
}

/// Every answer is one, whatever its status.
struct AnyAnswer;

impl Dialect for AnyAnswer {
    fn judge(&self, _: &Response) -> Result<(), Error> {
        Ok(())
    }
}

fn judge(answer: &Response) -> Result<Availability<()>, Error> {
    let name = answer.headers().get(SERVER).and_then(|name| name.to_str().ok()).unwrap_or_default();
    match answer.status().as_u16() {
        400 => Ok(Availability::Here(())),
        _ if name.starts_with("IMDS") => Ok(Availability::Here(())),
        // It may be Azure's at a bad moment: to go on would sign in as somebody else.
        status @ (410 | 429 | 500..) => {
            Err(Error::new(ErrorKind::Unavailable, format!("nobody can tell whether {PLACE} is here"))
                .with_effect(Effect::None)
                .with_http_status(status)
                .in_operation(OPERATION)
                .with_advice("try again later, or leave the managed identity out of the chain"))
        }
        _ => Ok(Availability::NotHere(format!("something else answers at the address of {PLACE}").into())),
    }
}
