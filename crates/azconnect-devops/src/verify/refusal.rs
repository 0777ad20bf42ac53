//! What a test's answer says about the secret.

use azconnect_credential::{Assessment, CredentialVerdict};
use time::OffsetDateTime;

use super::proxy::ProxyResult;
use crate::dialect::aadsts_in;

/// For how long after its minting a refused secret may only not have replicated yet.
const YOUNG: time::Duration = time::Duration::minutes(10);

/// Judges the answer of a test at `now`.
pub(super) fn judge(result: &ProxyResult, minted_at: Option<OffsetDateTime>, now: OffsetDateTime) -> Assessment {
    if let Some(code) = aadsts_in(&result.message) {
        return of_entra(code, minted_at, now);
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

/// The verdict on a code of Entra ID, by Microsoft's *Microsoft Entra authentication and authorization error codes*.
fn of_entra(code: &str, minted_at: Option<OffsetDateTime>, now: OffsetDateTime) -> Assessment {
    let (verdict, evidence, advice) = match code.trim_start_matches("AADSTS") {
        "7000215" => (
            by_age(minted_at, now),
            "Entra ID does not accept the secret",
            "push the secret's Value, not its ID; a new secret may take minutes to work everywhere",
        ),
        "7000222" => {
            (CredentialVerdict::Rejected, "Entra ID says that the secret has expired", "mint a new secret and push it")
        }
        "700016" | "700011" => (
            CredentialVerdict::Rejected,
            "Entra ID does not know the application in this tenant",
            "check the connection's tenant and client id",
        ),
        "90002" => (
            CredentialVerdict::Rejected,
            "Entra ID does not know the tenant",
            "check the connection's tenant id and cloud",
        ),
        "7000112" | "70001" => (
            CredentialVerdict::Rejected,
            "the application is disabled",
            "enable the application in its tenant; removing secrets does not help",
        ),
        "700027" | "700024" => (
            CredentialVerdict::Rejected,
            "Entra ID does not accept the certificate's signature",
            "check that this certificate is registered at the application and has not expired",
        ),
        "70021" | "700213" => (
            by_age(minted_at, now),
            "no federated credential of the application matches",
            "compare issuer and subject of the federated credential with the connection's",
        ),
        "53003" | "530032" => (
            CredentialVerdict::Inconclusive,
            "an access policy of the tenant blocks the sign-in",
            "ask an administrator of the tenant which conditional access policy applies",
        ),
        "90006" | "90024" | "90033" | "90055" => {
            (CredentialVerdict::Inconclusive, "Entra ID is busy", "try again in a minute")
        }
        _ => (
            CredentialVerdict::Inconclusive,
            "Entra ID refused the sign-in for a reason that says nothing of the secret",
            LOOK,
        ),
    };
    Assessment::new(verdict, evidence).with_service_code(code).with_advice(advice)
}

/// A refusal of a secret that is new proves nothing yet.
pub(crate) fn by_age(minted_at: Option<OffsetDateTime>, now: OffsetDateTime) -> CredentialVerdict {
    match minted_at {
        Some(minted) if now - minted <= YOUNG => CredentialVerdict::Pending,
        _ => CredentialVerdict::Rejected,
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-21 10:00 UTC);

    fn verdict(status: Option<u16>, message: &str, age: Option<i64>) -> CredentialVerdict {
        let minted = age.map(|minutes| NOW - time::Duration::minutes(minutes));
        judge(&ProxyResult { status, message: message.to_owned() }, minted, NOW).verdict
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
    fn unknown_and_policy_codes_prove_nothing() {
        assert_eq!(verdict(Some(500), "AADSTS53003: blocked", Some(1)), CredentialVerdict::Inconclusive);
        assert_eq!(verdict(Some(500), "AADSTS999999: new", None), CredentialVerdict::Inconclusive);
    }
}
