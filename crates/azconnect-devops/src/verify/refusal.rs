//! What a test's answer says about the secret.

use std::time::Duration;

use azconnect_credential::entra::{self, EntraCode};
use azconnect_credential::{Assessment, CredentialVerdict};

use super::proxy::ProxyResult;

/// Judges the answer of a test of a secret of an age, where a new one is known everywhere after the propagation time.
pub(super) fn judge(result: &ProxyResult, age: Option<Duration>, propagation: Duration) -> Assessment {
    // Before the status: a refused sign-in names its cause here, whatever status the proxy gives it.
    if let Some(code) = EntraCode::most_telling(&EntraCode::all_in(&result.message)) {
        return entra::judge(code, age, propagation);
    }
    match result.status {
        Some(200..=299) if result.message.is_empty() => {
            Assessment::new(CredentialVerdict::Accepted, "Azure DevOps signed in through the connection")
        }
        Some(403) => no_proof(
            "Azure answered 403 to the connection's application: it may not read the subscription",
            "give the application Microsoft.Resources/subscriptions/read (Reader), so that Azure DevOps can test it",
        ),
        Some(status @ 200..=299) => {
            no_proof(&format!("the test answered {status} with an error text that names no cause"), LOOK)
        }
        Some(status) => no_proof(&format!("the test answered {status} without naming a cause at Entra ID"), LOOK),
        None if denied(&result.message) => no_proof(
            "Azure refused the connection's application: it may not read the subscription",
            "give the application Microsoft.Resources/subscriptions/read (Reader), so that Azure DevOps can test it",
        ),
        None => no_proof("the test's answer has no status that is known", LOOK),
    }
}

const LOOK: &str = "press Verify on the connection in the portal, which shows the answer in full";

fn denied(message: &str) -> bool {
    message.contains("AuthorizationFailed") || message.contains("Microsoft.Resources/subscriptions/read")
}

fn no_proof(evidence: &str, advice: &str) -> Assessment {
    Assessment::new(CredentialVerdict::Inconclusive, evidence).with_advice(advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: Option<u16>, message: &str, minutes: Option<u64>) -> CredentialVerdict {
        let age = minutes.map(|minutes| Duration::from_secs(60 * minutes));
        judge(&ProxyResult { status, message: message.to_owned() }, age, entra::PROPAGATION).verdict
    }

    #[test]
    fn only_a_plain_success_is_accepted() {
        assert_eq!(verdict(Some(200), "", None), CredentialVerdict::Accepted);
        assert_eq!(verdict(Some(200), "something", None), CredentialVerdict::Inconclusive);
        assert_eq!(verdict(None, "", None), CredentialVerdict::Inconclusive);
    }

    #[test]
    fn a_403_is_no_proof_of_a_bad_secret() {
        assert_eq!(verdict(Some(403), "does not have authorization", None), CredentialVerdict::Inconclusive);
        assert_eq!(verdict(None, "AuthorizationFailed", None), CredentialVerdict::Inconclusive);
    }

    #[test]
    fn an_invalid_secret_is_pending_while_young() {
        let text = "Failed: AADSTS7000215: Invalid client secret provided.";
        assert_eq!(verdict(Some(500), text, Some(1)), CredentialVerdict::Pending);
        assert_eq!(verdict(Some(500), text, Some(11)), CredentialVerdict::Rejected);
        assert_eq!(verdict(Some(400), text, None), CredentialVerdict::Rejected);
        assert_eq!(verdict(Some(500), "AADSTS7000222: expired", Some(1)), CredentialVerdict::Rejected);
    }

    #[test]
    fn what_is_wrong_with_the_application_or_the_tenant_does_not_reject_the_secret() {
        for code in ["AADSTS700016", "AADSTS7000112", "AADSTS90002", "AADSTS700024", "AADSTS7000229"] {
            for minutes in [Some(11), None] {
                assert_eq!(verdict(Some(500), code, minutes), CredentialVerdict::Inconclusive, "{code}");
            }
        }
    }

    #[test]
    fn unknown_and_policy_codes_prove_nothing() {
        assert_eq!(verdict(Some(500), "AADSTS53003: blocked", Some(1)), CredentialVerdict::Inconclusive);
        assert_eq!(verdict(Some(500), "AADSTS999999: new", None), CredentialVerdict::Inconclusive);
    }
}
