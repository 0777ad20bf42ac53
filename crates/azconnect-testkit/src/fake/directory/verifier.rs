//! Proving.

use std::time::Duration;

use async_trait::async_trait;
use azconnect_credential::{Assessment, Candidate, CredentialVerdict, CredentialVerifier};

use super::Directory;
use super::call::Call;

/// How many sign-ins in a row prove a secret.
const SIGN_INS: u32 = 3;

/// How long after its minting a refused secret may still be on its way.
const PATIENCE: Duration = Duration::from_secs(600);

pub(super) struct Verifier(pub(super) Directory);

#[async_trait]
impl CredentialVerifier for Verifier {
    async fn verify(&self, candidate: &Candidate<'_>) -> Assessment {
        if let Some(fault) = self.0.meet_read(Call::Verify(candidate.key)).await {
            return Assessment::inconclusive(&fault.error());
        }
        assess(&self.0, candidate)
    }
}

/// Tries a secret as often as it takes.
pub(super) fn assess(directory: &Directory, candidate: &Candidate<'_>) -> Assessment {
    let clock = &*directory.clock;
    let mut world = directory.world();
    for successes in 0..SIGN_INS {
        // Each sign-in may meet another replica, so one success proves nothing.
        let quick = world.next_replica();
        if !world.accepts(candidate.secret, quick, clock) {
            let young = candidate.minted_at.is_some_and(|at| clock.now() - at < PATIENCE);
            let verdict = if young { CredentialVerdict::Pending } else { CredentialVerdict::Rejected };
            return Assessment::new(verdict, format!("refused after {successes} sign-ins"))
                .with_service_code("AADSTS7000215")
                .with_advice("check the secret, or wait if it is new");
        }
    }
    Assessment::new(CredentialVerdict::Accepted, format!("{SIGN_INS} of {SIGN_INS} sign-ins succeeded"))
}
