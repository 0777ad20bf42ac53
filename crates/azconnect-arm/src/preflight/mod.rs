//! Everything that stands in the way, before anything is created.

use azconnect_core::SubscriptionId;

/// The command with which an administrator registers a resource provider.
pub(crate) fn register_command(namespace: &str, subscription: SubscriptionId) -> String {
    format!("an administrator runs: az provider register --namespace {namespace} --subscription {subscription}")
}
