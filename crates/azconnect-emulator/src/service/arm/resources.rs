//! Microsoft.Resources: subscriptions, resource groups and deployments.

pub(crate) mod blueprint;
pub(crate) mod deployment;
pub(crate) mod group;
pub(crate) mod subscription;
pub(crate) mod template;
