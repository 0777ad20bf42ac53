//! What the numbers of Microsoft Entra ID mean, and what to do about each.
//!
//! Document: Microsoft's *Microsoft Entra authentication and authorization error codes*, which warns that numbers may
//! change: [`refusal`](crate::refusal) decides on the OAuth error first, and every number has a default.

use std::time::Duration;

use azconnect_core::{Error, ErrorKind, Retry};

/// What a refusal says about the secret that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// The service compared it and found no match: it is wrong, or this replica has not seen it yet.
    NoMatch,
    /// It was right, and has ended.
    Ended,
    /// The application, or its trust in the issuer, is not known here, or not known here yet.
    Unknown,
    /// Nothing.
    Silent,
}

/// What is known of some numbers.
pub(crate) struct Entry {
    numbers: &'static [u32],
    pub(crate) kind: ErrorKind,
    pub(crate) retry: Retry,
    pub(crate) reading: Reading,
    pub(crate) message: &'static str,
    pub(crate) advice: &'static str,
}

/// How long Entra ID is left alone after it saw a client in a loop, where its answer names no time.
const LOOP_PAUSE: Duration = Duration::from_secs(120);

/// The entry of a number.
pub(crate) fn entry(number: u32) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.numbers.contains(&number))
}

/// What an error of the token endpoint says about the secret.
pub(crate) fn reading(error: &Error) -> Reading {
    match error.service_code().filter(|_| error.kind() == ErrorKind::Unauthenticated) {
        // The OAuth word alone: client authentication failed (RFC 6749, section 5.2).
        Some("invalid_client") => Reading::NoMatch,
        Some(code) => code
            .strip_prefix("AADSTS")
            .and_then(|number| number.parse().ok())
            .and_then(entry)
            .map_or(Reading::Silent, |entry| entry.reading),
        None => Reading::Silent,
    }
}

const fn refusal(numbers: &'static [u32], reading: Reading, message: &'static str, advice: &'static str) -> Entry {
    Entry { numbers, kind: ErrorKind::Unauthenticated, retry: Retry::No, reading, message, advice }
}

const fn problem(numbers: &'static [u32], kind: ErrorKind, message: &'static str, advice: &'static str) -> Entry {
    Entry { numbers, kind, retry: Retry::No, reading: Reading::Silent, message, advice }
}

const fn passing(numbers: &'static [u32], kind: ErrorKind, message: &'static str, advice: &'static str) -> Entry {
    Entry { numbers, kind, retry: Retry::Backoff, reading: Reading::Silent, message, advice }
}

const LINK_AGAIN: &str = "ask the user to link the account again";

static ENTRIES: &[Entry] = &[
    refusal(
        &[7_000_215, 50_012],
        Reading::NoMatch,
        "the client secret is wrong",
        "check that the secret's Value was stored, not its Secret ID, and that it belongs to this application; a secret \
         made moments ago may need some minutes",
    ),
    refusal(
        &[7_000_222],
        Reading::Ended,
        "the client secret has expired",
        "create a new secret for the application, or let a rotation do it",
    ),
    refusal(
        &[700_016, 700_011],
        Reading::Unknown,
        "the application is not known in this tenant",
        "check the client id and the tenant id; an application made moments ago may need some minutes",
    ),
    refusal(
        &[7_000_229],
        Reading::Unknown,
        "the application has no service principal in this tenant",
        "ask an administrator of the tenant to consent to the application, or create its service principal",
    ),
    problem(
        &[7_000_112, 70_001],
        ErrorKind::PermissionDenied,
        "the application is disabled",
        "ask an administrator to enable it; delete nothing, its secrets may be right",
    ),
    problem(
        &[90_002, 900_023, 50_020],
        ErrorKind::InvalidInput,
        "the tenant does not exist in this cloud",
        "check the tenant id, and that the cloud is the tenant's: public, US Government or China",
    ),
    refusal(
        &[700_027],
        Reading::NoMatch,
        "the signature of the client assertion is not accepted",
        "check that the certificate is registered with the application and that the key is the certificate's",
    ),
    Entry {
        numbers: &[700_024],
        kind: ErrorKind::Unauthenticated,
        retry: Retry::Backoff,
        reading: Reading::Silent,
        message: "the client assertion is outside its time range",
        advice: "sign a fresh assertion; check this machine's clock",
    },
    Entry {
        numbers: &[70_021, 700_213],
        kind: ErrorKind::Unauthenticated,
        retry: Retry::Backoff,
        reading: Reading::Unknown,
        message: "no federated credential of the application matches the assertion",
        advice: "compare issuer, subject and audience with the federated credential, letter by letter; one made moments \
                 ago may need some minutes",
    },
    problem(
        &[53_003, 530_032],
        ErrorKind::PermissionDenied,
        "an access policy of the tenant blocks the sign-in",
        "ask an administrator to look at the tenant's Conditional Access policies; delete nothing, the credential may \
         be right",
    ),
    problem(
        &[65_001],
        ErrorKind::PermissionDenied,
        "nobody has consented to the application for this resource",
        "ask an administrator of the tenant to grant consent",
    ),
    problem(
        &[500_011, 500_014, 50_001],
        ErrorKind::NotFound,
        "the resource asked for does not exist in this tenant, or is disabled there",
        "check the scope and the cloud; the resource's service principal may have to be created or enabled in the tenant",
    ),
    problem(
        &[501_051, 50_105],
        ErrorKind::PermissionDenied,
        "the application is not assigned to the resource, which requires it",
        "ask an administrator to assign the application to the resource",
    ),
    problem(
        &[70_011, 1_002_012],
        ErrorKind::InvalidInput,
        "the scope is not valid",
        "give a resource followed by /.default",
    ),
    problem(
        &[50_034],
        ErrorKind::Unauthenticated,
        "the user account does not exist in this tenant",
        "sign in with the flow of an application, or with an account of this tenant",
    ),
    problem(
        &[700_025, 7_000_218],
        ErrorKind::Unauthenticated,
        "the application and the kind of credential do not fit",
        "a public client gives no secret, and a confidential one must: check the application's Authentication page",
    ),
    Entry {
        numbers: &[50_196],
        kind: ErrorKind::Throttled,
        retry: Retry::After(LOOP_PAUSE),
        reading: Reading::Silent,
        message: "the service saw a loop of sign-ins",
        advice: "ask less often, and keep tokens until they end",
    },
    problem(&[54_005], ErrorKind::Unauthenticated, "the authorization code was used before", LINK_AGAIN),
    problem(&[70_008], ErrorKind::Unauthenticated, "the authorization code or refresh token has expired", LINK_AGAIN),
    problem(&[700_082], ErrorKind::Unauthenticated, "the refresh token expired, since it was not used", LINK_AGAIN),
    problem(&[50_173], ErrorKind::Unauthenticated, "the refresh token was revoked", LINK_AGAIN),
    passing(
        &[90_006, 90_024, 90_033],
        ErrorKind::Unavailable,
        "Microsoft Entra ID is not working for a moment",
        "try again later",
    ),
    passing(&[90_055], ErrorKind::Throttled, "Microsoft Entra ID asks to slow down", "try again later"),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_number_stands_once() {
        let mut seen = HashSet::new();
        assert!(ENTRIES.iter().flat_map(|entry| entry.numbers).all(|number| seen.insert(number)));
    }

    #[test]
    fn a_policy_a_throttle_and_a_wrong_tenant_say_nothing_about_the_secret() {
        for number in [53_003, 530_032, 65_001, 500_011, 50_196, 90_055, 90_002, 7_000_112] {
            assert_eq!(entry(number).unwrap().reading, Reading::Silent, "{number}");
        }
    }
}
