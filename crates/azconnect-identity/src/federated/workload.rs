//! A workload that signs in with the token of its cluster.

use std::path::PathBuf;
use std::sync::Arc;

use azconnect_core::{ClientId, Cloud, Error, TenantId};
use azconnect_http::Pipeline;
use url::Url;

use super::proof::FederatedProof;
use super::token_file::TokenFile;
use crate::application::Application;
use crate::available::{Availability, Variables, in_variable};
use crate::endpoint::TokenEndpoint;
use crate::local_files::LocalFiles;

const CLIENT: &str = "AZURE_CLIENT_ID";
const TENANT: &str = "AZURE_TENANT_ID";
const FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";
const LOGIN: &str = "AZURE_AUTHORITY_HOST";

/// A workload in Kubernetes that signs in as an application which trusts its service account.
///
/// ```
/// use azconnect_identity::federated::WorkloadIdentity;
///
/// // In a program: `|name| std::env::var(name).ok()`.
/// let variables = |name: &str| match name {
///     "AZURE_CLIENT_ID" => Some("10000000-0000-4000-8000-000000000002".to_owned()),
///     "AZURE_TENANT_ID" => Some("6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".to_owned()),
///     "AZURE_FEDERATED_TOKEN_FILE" => Some("/var/run/secrets/azure/tokens/azure-identity-token".to_owned()),
///     "AZURE_AUTHORITY_HOST" => Some("https://login.microsoftonline.com/".to_owned()),
///     _ => None,
/// };
/// let workload = WorkloadIdentity::from_variables(variables)?.here().expect("all variables are set");
/// assert_eq!(workload.cloud().unwrap().name(), "AzureCloud");
/// # Ok::<(), azconnect_core::Error>(())
/// ```
///
/// Document: Microsoft's *Microsoft Entra Workload ID*.
#[derive(Clone, Debug)]
pub struct WorkloadIdentity {
    tenant: TenantId,
    client: ClientId,
    file: TokenFile,
    login: Option<Url>,
}

impl WorkloadIdentity {
    /// An application of a tenant, and the file that holds the token of the service account.
    pub fn new(tenant: TenantId, client: ClientId, file: impl Into<PathBuf>) -> Self {
        Self { tenant, client, file: TokenFile::new(file), login: None }
    }

    /// What the cluster's webhook puts into a pod: `AZURE_CLIENT_ID`, `AZURE_TENANT_ID`, `AZURE_FEDERATED_TOKEN_FILE` and
    /// `AZURE_AUTHORITY_HOST`. It is not here if one of the first three is not set.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the variable as field, for one that is set to what it
    /// cannot be.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Result<Availability<Self>, Error> {
        let variables = Variables::new(&lookup);
        let found = (variables.find(CLIENT), variables.find(TENANT), variables.find(FILE));
        let (Some(client), Some(tenant), Some(file)) = found else {
            // The file comes first: it tells this way to sign in from others that use the other two.
            let missing = variables.first_missing(&[FILE, CLIENT, TENANT]);
            return Ok(Availability::NotHere(missing.unwrap_or_default()));
        };
        let client = client.parse().map_err(|error| in_variable(error, CLIENT))?;
        let tenant = tenant.parse().map_err(|error| in_variable(error, TENANT))?;
        let login = variables.find(LOGIN).map(|login| Url::parse(&login)).transpose();
        let login = login.map_err(|_| in_variable(Error::invalid(LOGIN, "is not an address"), LOGIN))?;
        Ok(Availability::Here(Self { login, ..Self::new(tenant, client, file) }))
    }

    /// Sets what reads the file.
    #[must_use]
    pub fn with_files(mut self, files: Arc<dyn LocalFiles>) -> Self {
        self.file = self.file.with_files(files);
        self
    }

    /// The cloud whose login the variables name: one that is known by it, and the public one where they name none.
    pub fn cloud(&self) -> Option<Cloud> {
        let clouds = [Cloud::public(), Cloud::us_government(), Cloud::china()];
        match &self.login {
            None => Some(Cloud::public()),
            Some(login) => clouds.into_iter().find(|cloud| cloud.login().origin() == login.origin()),
        }
    }

    /// The application that the workload signs in as, in a cloud.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `AZURE_AUTHORITY_HOST` if the variables name the
    /// login of another cloud: the token must go to nobody else.
    pub fn application(&self, pipeline: Pipeline, cloud: &Cloud) -> Result<Application, Error> {
        if let Some(login) = self.login.as_ref().filter(|login| login.origin() != cloud.login().origin()) {
            let host = login.host_str().unwrap_or_default();
            let message = format!("{LOGIN} names {host}, which is not the login of {}", cloud.name());
            return Err(Error::invalid(LOGIN, message).with_advice("use the cloud whose login this is"));
        }
        let endpoint = TokenEndpoint::new(pipeline, cloud, self.tenant);
        Ok(Application::new(endpoint, self.client, Arc::new(FederatedProof::new(self.file.clone()))))
    }
}
