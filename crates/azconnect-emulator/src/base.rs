//! What every service speaks in: requests, answers, refusals, moments and dice. It knows nothing of what the services hold.

pub(crate) mod answer;
pub(crate) mod call;
pub(crate) mod der;
pub(crate) mod dice;
pub(crate) mod jwt;
pub(crate) mod moment;
pub(crate) mod origins;
pub(crate) mod refusal;
pub(crate) mod settings;
pub(crate) mod signer;
