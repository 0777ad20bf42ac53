//! Who signs in to Azure DevOps in an identity's place, where it cannot itself.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{Cloud, Effect, Error, ErrorKind};
use azconnect_devops::DevOpsClient;
use azconnect_http::{Authorization, Authorizer, Bearer};

use crate::principal::Identity;

impl Identity {
    /// Acts in Azure DevOps through another sign-in, while Microsoft Graph and Azure Resource Manager stay with this one.
    ///
    /// Azure DevOps trusts the login of the public cloud alone, so an operator of another cloud needs a second application
    /// (or a personal access token) for it; so does one whose applications live in another tenant than the organization. This
    /// identity's tenant stays that of the applications.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use azconnect::core::{Cloud, Error, Secret};
    /// use azconnect::http::Transport;
    /// use azconnect::{Azure, Identity};
    /// # use azconnect::core::Clock;
    ///
    /// fn operator(transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Result<Identity, Error> {
    ///     let public = Azure::new(Cloud::public(), transport.clone(), clock.clone());
    ///     let devops = public.devops_with_pat(Secret::new("a token of the organization"))?;
    ///     let government = Azure::new(Cloud::us_government(), transport, clock);
    ///     let (tenant, client) = ("6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01", "a0000000-0000-4000-8000-000000000001");
    ///     let operator = government.identity_with_secret(tenant.parse()?, client.parse()?, Secret::new("its secret"))?;
    ///     Ok(operator.with_devops(devops))
    /// }
    /// ```
    #[must_use]
    pub fn with_devops(mut self, client: DevOpsClient) -> Self {
        self.devops = Some(client);
        self
    }

    /// A client of Azure DevOps that acts as this identity, or through the sign-in of [`Identity::with_devops`].
    ///
    /// Where neither can sign in there, since this identity's cloud has another login than Azure DevOps trusts, each call of the
    /// client is refused as [`Unsupported`](ErrorKind::Unsupported) before anything is sent.
    pub fn devops(&self) -> DevOpsClient {
        if let Some(client) = &self.devops {
            return client.clone();
        }
        let authorizer: Arc<dyn Authorizer> = match self.require_devops() {
            Ok(()) => Arc::new(Bearer::new(self.tokens(), self.azure.cloud().devops_scope())),
            Err(_) => Arc::new(NoSignIn(self.azure.cloud().clone())),
        };
        DevOpsClient::new(self.azure.pipeline().clone(), self.azure.cloud(), authorizer)
    }

    /// Refuses unless somebody can sign in to Azure DevOps for this identity.
    pub(crate) fn require_devops(&self) -> Result<(), Error> {
        let cloud = self.azure.cloud();
        if self.devops.is_some() || cloud.login() == cloud.devops_login() { Ok(()) } else { Err(no_sign_in(cloud)) }
    }
}

/// Signs nothing: Azure DevOps would refuse the token, with words that name another cause.
struct NoSignIn(Cloud);

#[async_trait]
impl Authorizer for NoSignIn {
    async fn authorize(&self) -> Result<Authorization, Error> {
        Err(no_sign_in(&self.0))
    }

    async fn refused(&self, _: &Authorization, _: &Error) -> bool {
        false
    }
}

fn no_sign_in(cloud: &Cloud) -> Error {
    let message = format!(
        "the cloud {} signs in at {}, and Azure DevOps takes sign-ins of {} only",
        cloud.name(),
        cloud.login(),
        cloud.devops_login()
    );
    Error::new(ErrorKind::Unsupported, message).with_effect(Effect::None).with_field("devops").with_advice(
        "give a second sign-in with Identity::with_devops: an application of the organization's tenant in the public cloud, \
         or a personal access token",
    )
}
