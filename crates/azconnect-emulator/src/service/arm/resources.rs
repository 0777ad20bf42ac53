//! Microsoft.Resources: subscriptions, resource groups and deployments.

pub(super) mod blueprint;
pub(super) mod deployment;
pub(super) mod group;
pub(super) mod subscription;
pub(super) mod subscription_deployment;
pub(crate) mod tag_names;
pub(super) mod template;
pub(super) mod terms;
