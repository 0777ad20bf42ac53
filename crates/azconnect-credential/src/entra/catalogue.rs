//! What the numbers of Microsoft Entra ID mean, and what to do about each.
//!
//! Document: Microsoft's *Microsoft Entra authentication and authorization error codes*, which warns that numbers may
//! change: whoever has the OAuth error decides on it first, and a number that is not here says nothing.

use std::time::Duration;

use azconnect_core::catalogue::{Catalogue, Row};
use azconnect_core::{Effect, ErrorKind, Retry};

use super::meaning::Meaning;

/// How long Entra ID is left alone after it saw a client in a loop, where its answer names no time.
const LOOP_PAUSE: Duration = Duration::from_secs(120);

const LINK_AGAIN: &str = "ask the user to link the account again";
const TRY_LATER: &str = "try again later";

/// A refusal that is about the credential, or about the application whose credential it is.
const fn refused(
    codes: &'static [u32],
    meaning: Meaning,
    message: &'static str,
    advice: &'static str,
) -> Row<u32, Meaning> {
    row(codes, ErrorKind::Unauthenticated, message, advice).with_datum(meaning)
}

/// A refusal that says nothing of the credential. Signing in changes nothing, so that no refusal has an effect.
const fn row(codes: &'static [u32], kind: ErrorKind, message: &'static str, advice: &'static str) -> Row<u32, Meaning> {
    Row::new(codes, kind, message, advice).with_effect(Effect::None).with_datum(Meaning::Silent)
}

pub(super) static ENTRA: Catalogue<u32, Meaning> = Catalogue::new(&[
    // About the credential.
    refused(
        &[7_000_215, 50_012],
        Meaning::NoMatch,
        "the client secret is wrong",
        "check that the secret's Value was stored, not its Secret ID, and that it belongs to this application; a secret \
         made moments ago may need some minutes",
    ),
    refused(
        &[7_000_222],
        Meaning::Ended,
        "the client secret has expired",
        "create a new secret for the application, or let a rotation do it",
    ),
    refused(
        &[700_027],
        Meaning::NoMatch,
        "the signature of the client assertion is not accepted",
        "check that the certificate is registered with the application and that the key is the certificate's",
    ),
    refused(
        &[700_030],
        Meaning::NoMatch,
        "the certificate's subject is not one that the application trusts",
        "compare the certificate's subject and issuer with those that the application trusts, and send the chain along",
    ),
    refused(
        &[5_002_738],
        // Of a kind that is not accepted, now or later.
        Meaning::Ended,
        "the certificate has an elliptic key, of which Entra ID accepts no signature",
        "register a certificate with an RSA key of 2048 bits or more with the application",
    ),
    refused(
        &[7_000_214, 1_000_502],
        Meaning::Ended,
        "the certificate has expired or was revoked",
        "register a new certificate with the application",
    ),
    refused(
        &[70_021, 700_213],
        Meaning::NoMatch,
        "no federated credential of the application matches the assertion",
        "compare issuer, subject and audience with the federated credential, letter by letter; GitHub writes the ids of owner \
         and repository into the subject of repositories made, renamed or transferred since July 2026 \
         (repo:owner@id/name@id:…); one made moments ago may need some minutes",
    )
    .with_retry(Retry::Backoff),
    refused(
        &[700_024],
        // The clock was wrong or the assertion was late; the key that signed it was not refused.
        Meaning::Silent,
        "the client assertion is outside its time range",
        "sign a fresh assertion; check this machine's clock",
    )
    .with_retry(Retry::Backoff),
    // About the application and its tenant.
    refused(
        &[700_016, 700_011],
        Meaning::UnknownApplication,
        "the application is not known in this tenant",
        "check the client id and the tenant id; an application made moments ago may need some minutes",
    ),
    refused(
        &[7_000_229],
        Meaning::UnknownApplication,
        "the application has no service principal in this tenant",
        "ask an administrator of the tenant to consent to the application, or create its service principal",
    ),
    row(
        &[7_000_112, 70_001],
        ErrorKind::PermissionDenied,
        "the application is disabled",
        "ask an administrator to enable it; delete nothing, its secrets may be right",
    ),
    row(
        &[90_002, 900_021, 900_023],
        ErrorKind::InvalidInput,
        "the tenant does not exist in this cloud",
        "check the tenant id, and that the cloud is the tenant's: public, US Government or China",
    ),
    row(
        &[900_432],
        ErrorKind::InvalidInput,
        "the tenant is in another cloud than the login",
        "use the cloud of the tenant: public, US Government or China",
    ),
    row(
        &[700_025, 7_000_216, 7_000_218],
        ErrorKind::Unauthenticated,
        "the application and the kind of credential do not fit",
        "a public client gives no secret, and a confidential one must: check the application's Authentication page",
    ),
    // About policies, consent and the resource.
    row(
        &[53_000, 53_001, 53_002, 53_003, 530_032, 530_035],
        ErrorKind::PermissionDenied,
        "an access policy of the tenant blocks the sign-in",
        "ask an administrator to look at the tenant's Conditional Access policies; delete nothing, the credential may \
         be right",
    ),
    row(
        &[65_001],
        ErrorKind::PermissionDenied,
        "nobody has consented to the application for this resource",
        "ask an administrator of the tenant to grant consent",
    ),
    row(
        &[90_094, 90_095],
        ErrorKind::PermissionDenied,
        "the consent of an administrator is missing",
        "ask an administrator of the tenant to grant consent",
    ),
    row(
        &[65_004],
        ErrorKind::PermissionDenied,
        "the user declined to consent to the application",
        "ask the user to link the account again and to accept the permissions",
    ),
    row(
        &[500_011, 500_014, 50_001],
        ErrorKind::NotFound,
        "the resource asked for does not exist in this tenant, or is disabled there",
        "check the scope and the cloud; the resource's service principal may have to be created or enabled in the tenant",
    ),
    row(
        &[650_052, 650_057, 65_005],
        ErrorKind::NotFound,
        "the application is not registered for the resource asked for, or the tenant does not have it",
        "check the scope, and add the resource's permissions to the application's registration",
    ),
    row(
        &[501_051, 50_105],
        ErrorKind::PermissionDenied,
        "the application is not assigned to the resource, which requires it",
        "ask an administrator to assign the application to the resource",
    ),
    row(
        &[70_011, 1_002_012],
        ErrorKind::InvalidInput,
        "the scope is not valid",
        "give a resource followed by /.default",
    ),
    row(
        &[28_000],
        ErrorKind::InvalidInput,
        "the scope names several resources",
        "ask for one resource in each request for a token; a person may consent to several at once",
    ),
    row(
        &[700_054],
        ErrorKind::InvalidInput,
        "the application may not be given ID tokens by the sign-in page",
        "allow ID tokens on the application's Authentication page, or sign in by code",
    ),
    row(
        &[901_001],
        ErrorKind::InvalidInput,
        "the login knows no prompt of this name, such as admin_consent",
        "start the sign-in with the prompt consent, or send an administrator to the page of the admin consent",
    ),
    // About users and what they were given.
    row(
        &[50_034, 50_020],
        ErrorKind::Unauthenticated,
        "the user account does not exist in this tenant",
        "sign in with the flow of an application, or with an account of this tenant",
    ),
    row(
        &[500_202],
        ErrorKind::Unauthenticated,
        "a guest with a personal account was not signed in at the tenant that invited them",
        "take the authority of that tenant, by its id",
    ),
    row(
        &[500_212, 500_213],
        ErrorKind::PermissionDenied,
        "a policy of one of the two tenants blocks people of the other",
        "ask the administrators of both to look at their cross-tenant access settings",
    ),
    row(
        &[50_058, 16_000],
        ErrorKind::PermissionDenied,
        "the login has to ask the user something",
        "start the sign-in without prompt=none",
    ),
    row(
        &[50_055],
        ErrorKind::PermissionDenied,
        "the user's password has expired",
        "ask the user to link the account again, with a new password",
    ),
    row(
        &[50_194],
        ErrorKind::InvalidInput,
        "the application is registered for its own tenant alone",
        "take the authority of that tenant, or register the application for several",
    ),
    row(
        &[50_011, 500_113],
        ErrorKind::InvalidInput,
        "the redirect address is not registered with the application",
        "add it to the application's Authentication page, letter by letter",
    ),
    row(
        &[501_481, 50_148, 500_112, 9_002_313],
        ErrorKind::Unauthenticated,
        "the authorization code does not belong to this sign-in",
        LINK_AGAIN,
    ),
    row(
        &[50_013, 500_131, 500_133],
        ErrorKind::Unauthenticated,
        "the token of the user is not accepted: it has ended, or is for another application",
        "have the caller send a new token for this application",
    ),
    row(
        &[50_057],
        ErrorKind::PermissionDenied,
        "the user account is disabled",
        "ask an administrator to enable the account, or link another one",
    ),
    row(
        &[50_072, 50_074, 50_076, 50_078, 50_079],
        ErrorKind::PermissionDenied,
        "the tenant wants the user to prove who they are once more",
        "ask the user to link the account again, with a second factor",
    ),
    row(&[54_005], ErrorKind::Unauthenticated, "the authorization code was used before", LINK_AGAIN),
    row(&[70_008], ErrorKind::Unauthenticated, "the authorization code or refresh token has expired", LINK_AGAIN),
    row(&[70_000], ErrorKind::Unauthenticated, "the authorization code or refresh token is not valid", LINK_AGAIN),
    row(&[700_082], ErrorKind::Unauthenticated, "the refresh token expired, since it was not used", LINK_AGAIN),
    row(&[70_043, 700_084], ErrorKind::Unauthenticated, "the refresh token's longest life has passed", LINK_AGAIN),
    row(&[50_089], ErrorKind::Unauthenticated, "the sign-in took too long", LINK_AGAIN),
    row(&[50_173], ErrorKind::Unauthenticated, "the refresh token was revoked", LINK_AGAIN),
    // What passes.
    row(
        &[50_196],
        ErrorKind::Throttled,
        "the service saw a loop of sign-ins",
        "ask less often, and keep tokens until they end",
    )
    .with_retry(Retry::After(LOOP_PAUSE)),
    row(
        &[90_006, 90_024, 90_033],
        ErrorKind::Unavailable,
        "Microsoft Entra ID is not working for a moment",
        TRY_LATER,
    ),
    row(&[90_055], ErrorKind::Throttled, "Microsoft Entra ID asks to slow down", TRY_LATER),
]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entra::EntraCode;

    /// The numbers that Microsoft's documents and other clients name for what these crates ask for, by hand: applications and people
    /// who sign in, their certificates and federated credentials. A bare 5000, which once told of an elliptic key, says too little.
    const NAMED: &[u32] = &[
        16_000, 28_000, 50_020, 50_034, 50_057, 50_072, 50_074, 50_076, 50_078, 50_079, 50_089, 50_105, 50_173, 50_194,
        50_196, 53_000, 53_003, 54_005, 65_001, 65_004, 65_005, 70_000, 70_001, 70_008, 70_011, 70_021, 70_043, 90_002,
        90_006, 90_024, 90_033, 90_055, 90_094, 90_095, 500_011, 500_202, 500_212, 500_213, 501_481, 530_032, 530_035,
        650_052, 650_057, 700_011, 700_016, 700_024, 700_025, 700_027, 700_030, 700_054, 700_082, 700_084, 700_213,
        901_001, 5_002_738, 7_000_112, 7_000_215, 7_000_222,
    ];

    #[test]
    fn every_number_that_is_named_is_known() {
        let unknown: Vec<_> = NAMED.iter().filter(|number| !EntraCode::new(**number).is_known()).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }

    #[test]
    fn every_code_stands_once() {
        assert!(ENTRA.repeated().is_empty(), "{:?}", ENTRA.repeated());
    }
}
