//! What exists: the directory, subscriptions and their resources, organizations, registries, tokens. Data and the
//! questions that data alone can answer; nothing here knows a request or a route.

pub(crate) mod arm;
pub(crate) mod consent;
pub(crate) mod devops;
pub(crate) mod directory;
pub(crate) mod key_maker;
pub(crate) mod registry;
pub(crate) mod replica;
pub(crate) mod token;
pub(crate) mod trust;
pub(crate) mod vault;
pub(crate) mod world;
