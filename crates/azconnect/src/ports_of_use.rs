//! What an identity hands out behind ports: a product that depends on these can be tested on the testkit's fakes, and can
//! put a system of its own behind any of them.

use std::sync::Arc;

use azconnect_arm::port::{Choices, Fleets, Machines, ProvisionRecords, Provisioning, Roles};
use azconnect_core::{ClientId, ResourceGroupName, SubscriptionId};
use azconnect_credential::ConsumerFinder;
use azconnect_devops::{
    ConnectionDirectory, ConnectionSearch, FederationConverter, ProjectAddress, ServiceConnectionSharing,
    ServiceConnectionVerifier, ServiceConnectionWriter, ServiceConnections,
};
use azconnect_graph::{ApplicationTrust, Applications};

use crate::principal::Identity;
use crate::storage::Storage;

impl Identity {
    /// Builds machines in a subscription, and deletes them with everything that was created for them: a
    /// [`provisioner`](Self::provisioner) behind its port.
    pub fn provisioning(&self, subscription: SubscriptionId, storage: &Storage) -> Arc<dyn Provisioning> {
        Arc::new(self.provisioner(subscription, storage))
    }

    /// Builds several machines that share a network in a subscription, and deletes them with what they share: a
    /// [`fleet`](Self::fleet) behind its port.
    pub fn fleets(&self, subscription: SubscriptionId, storage: &Storage) -> Arc<dyn Fleets> {
        Arc::new(self.fleet(subscription, storage))
    }

    /// Reads the state of provisionings, and the private keys or passwords of the machines that they built.
    pub fn provision_records(&self, subscription: SubscriptionId, storage: &Storage) -> Arc<dyn ProvisionRecords> {
        Arc::new(self.provisioner(subscription, storage))
    }

    /// Finds, starts, stops and deletes the machines of a subscription.
    pub fn machines(&self, subscription: SubscriptionId) -> Arc<dyn Machines> {
        Arc::new(self.arm().subscription(subscription))
    }

    /// What a subscription offers a form to choose from: regions, sizes, images and resource groups. An identity that works in
    /// one group only is told of it by its name.
    pub fn choices(&self, subscription: SubscriptionId, group: Option<ResourceGroupName>) -> Arc<dyn Choices> {
        let choices = self.arm().subscription(subscription).choices();
        Arc::new(match group {
            Some(group) => choices.with_group(group),
            None => choices,
        })
    }

    /// Assigns, lists and removes roles at subscriptions, resource groups and resources.
    pub fn roles(&self) -> Arc<dyn Roles> {
        Arc::new(self.arm())
    }

    /// Reads the applications and service principals of its tenant.
    pub fn applications(&self) -> Arc<dyn Applications> {
        Arc::new(self.graph())
    }

    /// Keeps the federated credentials of its tenant's applications: whose tokens they accept in place of a secret.
    pub fn application_trust(&self) -> Arc<dyn ApplicationTrust> {
        Arc::new(self.graph())
    }

    /// The organizations, projects and permissions that it sees in Azure DevOps.
    pub fn connection_directory(&self) -> Arc<dyn ConnectionDirectory> {
        Arc::new(self.devops())
    }

    /// Finds the service connections in these projects that use a client secret of an application in the same tenant,
    /// bound to its rotation or not. [`DevOpsClient::connection_search`](azconnect_devops::DevOpsClient::connection_search)
    /// searches whole organizations as well.
    pub fn consumer_finder(
        &self,
        application: ClientId,
        projects: impl IntoIterator<Item = ProjectAddress>,
    ) -> Arc<dyn ConsumerFinder> {
        let search = self.devops().connection_search();
        let search = projects.into_iter().fold(search, ConnectionSearch::with_project);
        Arc::new(search.finder(self.tenant(), application))
    }

    /// The service connections that it sees, to read and to choose from.
    pub fn service_connections(&self) -> Arc<dyn ServiceConnections> {
        Arc::new(self.devops())
    }

    /// Creates, changes and deletes service connections.
    pub fn service_connection_writer(&self) -> Arc<dyn ServiceConnectionWriter> {
        Arc::new(self.devops())
    }

    /// Tests what a service connection holds, or a secret that it might hold.
    pub fn service_connection_verifier(&self) -> Arc<dyn ServiceConnectionVerifier> {
        Arc::new(self.devops())
    }

    /// Shares service connections with projects, and grants them to pipelines.
    pub fn service_connection_sharing(&self) -> Arc<dyn ServiceConnectionSharing> {
        Arc::new(self.devops())
    }

    /// Converts service connections to workload identity federation, and back.
    pub fn federation_converter(&self) -> Arc<dyn FederationConverter> {
        Arc::new(self.devops())
    }
}
