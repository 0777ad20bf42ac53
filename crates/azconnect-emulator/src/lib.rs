//! Microsoft Entra ID, Graph, Azure Resource Manager and Azure DevOps in one process: faults, replication lag,
//! throttling and the ground truth.

mod answer;
mod arm;
mod call;
mod control;
mod devops;
mod dice;
mod directory;
mod emulator;
mod entra;
mod fault;
mod graph;
mod populate;
mod replica;
mod seed;
pub mod server;
mod service;
mod settings;
mod token;
mod transport;
mod truth;
mod world;

pub use emulator::{Emulator, Exchange, Observer, Verdict};
pub use fault::{CannedAnswer, Fault, FaultAction, Faults};
pub use seed::Seed;
pub use service::{Origins, Service};
pub use settings::{BadAuthentication, RateLimit, ReplicaChoice, Settings};
pub use truth::{Acceptance, ApplicationTruth, ConnectionTruth, Held, PasswordHome, PasswordTruth, Truth};
