//! The services: how each of them answers a request over the world.

pub(crate) mod arm;
mod context;
pub(crate) mod devops;
pub(crate) mod entra;
pub(crate) mod graph;
pub(crate) mod registry;
mod routes;
pub(crate) mod vault;
