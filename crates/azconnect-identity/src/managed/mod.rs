//! The identity that Azure gives the machine, or the service, that this process runs on: no secret, and nothing to rotate.

mod address;
mod answer;
mod app_service;
mod arc_agent;
mod arc_key;
mod budget;
mod cloud_shell;
mod detect;
mod identity;
mod imds;
mod imds_retry;
mod machine_learning;
mod platform;
mod question;
mod refusal;

pub use app_service::AppService;
pub use arc_agent::ArcAgent;
pub use cloud_shell::CloudShell;
pub use detect::{ManagedIdentity, ManagedPlace};
pub use identity::ManagedIdentityId;
pub use imds::Imds;
pub use machine_learning::MachineLearning;
pub use platform::Platform;
