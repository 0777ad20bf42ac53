//! What exists: the directory, subscriptions and their resources, organizations, registries, tokens. Data and the
//! questions that data alone can answer; nothing here knows a request or a route.

pub(crate) mod arm;
pub(crate) mod consent;
pub(crate) mod credential_policy;
pub(crate) mod devops;
pub(crate) mod directory;
pub(crate) mod graph_budget;
pub(crate) mod history;
pub(crate) mod key_maker;
pub(crate) mod registration;
pub(crate) mod registry;
pub(crate) mod replica;
pub(crate) mod shelf;
pub(crate) mod sign_in;
pub(crate) mod token;
pub(crate) mod trust;
pub(crate) mod vault;
pub(crate) mod world;
