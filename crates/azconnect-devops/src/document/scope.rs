//! Where a connection leads, and what it reaches there.

use azconnect_core::{Error, ResourceGroupName, SubscriptionId};
use url::Url;

use super::EnvironmentName;

/// The cloud that a connection leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AzureEnvironment {
    /// The public cloud.
    Public,
    /// The cloud in China.
    China,
    /// The cloud for the government of the United States.
    UsGovernment,
    /// The former cloud in Germany.
    Germany,
    /// Azure Stack, by the `https` address of its Resource Manager.
    Stack(Url),
}

impl AzureEnvironment {
    pub(crate) fn name(&self) -> EnvironmentName {
        match self {
            Self::Public => EnvironmentName::AzureCloud,
            Self::China => EnvironmentName::AzureChinaCloud,
            Self::UsGovernment => EnvironmentName::AzureUsGovernment,
            Self::Germany => EnvironmentName::AzureGermanCloud,
            Self::Stack(_) => EnvironmentName::AzureStack,
        }
    }

    pub(crate) fn url(&self) -> &str {
        match self {
            Self::Public => "https://management.azure.com/",
            Self::China => "https://management.chinacloudapi.cn/",
            Self::UsGovernment => "https://management.usgovcloudapi.net/",
            Self::Germany => "https://management.microsoftazure.de/",
            Self::Stack(url) => url.as_str(),
        }
    }
}

/// What a connection reaches in Azure (`data.scopeLevel`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AzureScope {
    /// A subscription, or one resource group of it.
    Subscription {
        /// The subscription's id.
        id: SubscriptionId,
        /// The subscription's name, which the portal shows.
        name: String,
        /// The one group to which automatic creation limits the role (`authorization.parameters.scope`); with a credential
        /// of one's own the group's role assignment decides.
        resource_group: Option<ResourceGroupName>,
    },
    /// A management group.
    ManagementGroup {
        /// The management group's id.
        id: String,
        /// The management group's display name.
        name: String,
    },
    /// A workspace of Azure Machine Learning.
    MachineLearning {
        /// The id of the subscription that holds the workspace.
        subscription: SubscriptionId,
        /// The subscription's name.
        subscription_name: String,
        /// The resource group that holds the workspace.
        resource_group: ResourceGroupName,
        /// The workspace's name.
        workspace: String,
        /// The workspace's region, such as `westeurope`.
        location: String,
    },
}

impl AzureScope {
    /// A whole subscription, not limited to a resource group.
    pub fn subscription(id: SubscriptionId, name: impl Into<String>) -> Self {
        Self::Subscription { id, name: name.into(), resource_group: None }
    }

    /// The fields of `data` that name the scope. Fields that only other scopes have are `None`.
    pub(crate) fn data(&self) -> Vec<(&'static str, Option<String>)> {
        let (mut subscription, mut group, mut management, mut workspace) =
            ((None, None), None, (None, None), (None, None));
        let level = match self {
            // Its resource group is the limit of the authorization: in `data`, only a workspace names a group.
            Self::Subscription { id, name, .. } => {
                subscription = (Some(id.to_string()), Some(name.clone()));
                "Subscription"
            }
            Self::ManagementGroup { id, name } => {
                management = (Some(id.clone()), Some(name.clone()));
                "ManagementGroup"
            }
            Self::MachineLearning {
                subscription: id,
                subscription_name,
                resource_group,
                workspace: name,
                location,
            } => {
                subscription = (Some(id.to_string()), Some(subscription_name.clone()));
                group = Some(resource_group.to_string());
                workspace = (Some(name.clone()), Some(location.clone()));
                "AzureMLWorkspace"
            }
        };
        // Every key, so that a change of scope also removes what named the former one.
        vec![
            ("scopeLevel", Some(level.to_owned())),
            ("subscriptionId", subscription.0),
            ("subscriptionName", subscription.1),
            ("resourceGroupName", group),
            ("managementGroupId", management.0),
            ("managementGroupName", management.1),
            ("mlWorkspaceName", workspace.0),
            ("mlWorkspaceLocation", workspace.1),
        ]
    }

    /// The path by which `authorization.parameters.scope` limits a connection to one group.
    pub(crate) fn limit(&self) -> Option<String> {
        match self {
            Self::Subscription { id, resource_group: Some(group), .. } => {
                Some(format!("/subscriptions/{id}/resourcegroups/{group}"))
            }
            _ => None,
        }
    }

    pub(crate) fn require_complete(&self) -> Result<(), Error> {
        let texts: Vec<(&str, &str)> = match self {
            Self::Subscription { name, .. } => vec![("subscription name", name)],
            Self::ManagementGroup { id, name } => vec![("management group", id), ("management group name", name)],
            Self::MachineLearning { subscription_name, workspace, location, .. } => vec![
                ("subscription name", subscription_name),
                ("workspace", workspace),
                ("workspace location", location),
            ],
        };
        match texts.into_iter().find(|(_, text)| text.trim().is_empty()) {
            Some((field, _)) => {
                Err(Error::invalid(field.replace(' ', "_"), "is empty").with_advice(format!("give the {field}")))
            }
            None => Ok(()),
        }
    }
}
