//! The issuer of one application: what it sees, and what it never touches.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use azconnect_core::{Clock, Effect, ErrorKind, KeyId};
use azconnect_credential::{CheckStatus, CredentialIssuer, Inventory, KeyHolder, Marker, MintRequest, Retirement};
use azconnect_graph::GraphIssuer;
use azconnect_http::{Request, Response, answer_lost};
use azconnect_testkit::VirtualClock;
use serde_json::{Value, json};
use time::macros::datetime;

use crate::stage::{CLIENT, KEY, PRINCIPAL, Scripted, added, answer, application, listed, principal, refusal};

const OTHER_KEY: &str = "e0b0b335-1d71-4883-8f98-567911bfdca6";

/// A Graph with one application, as documents that a test changes.
struct World {
    application: Value,
    principal: Response,
    policy: Response,
    assigned: Response,
}

impl World {
    fn new() -> Self {
        Self {
            application: application(&json!([listed(KEY, "by hand")])),
            principal: answer(200, &principal(&json!([]))),
            policy: refusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."),
            assigned: answer(200, &json!({"value": []})),
        }
    }

    fn answer(&self, request: &Request) -> Response {
        let path = request.uri().path();
        match path {
            _ if path.ends_with("/addPassword") => answer(200, &added()),
            _ if path.ends_with("/removePassword") => self.removal(request),
            _ if path.contains("/policies/") => self.policy.clone(),
            _ if path.ends_with("/appManagementPolicies") => self.assigned.clone(),
            _ if path.contains("/servicePrincipals") => self.principal.clone(),
            _ if path.contains("/applications") => answer(200, &self.application),
            _ => panic!("{path}"),
        }
    }

    /// Both objects accept the removal of what they hold.
    fn removal(&self, request: &Request) -> Response {
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let held = if request.uri().path().contains("/applications") {
            self.application["passwordCredentials"].clone()
        } else {
            serde_json::from_slice::<Value>(self.principal.body()).unwrap()["passwordCredentials"].clone()
        };
        match held.as_array().unwrap().iter().any(|password| password["keyId"] == body["keyId"]) {
            true => http::Response::builder().status(204).body("".into()).unwrap(),
            false => refusal(400, "Request_BadRequest", "No password credential found with keyId 'x'."),
        }
    }

    fn script(self) -> Arc<Scripted> {
        Scripted::new(move |_, request| Ok(self.answer(request)))
    }

    async fn inventory(self) -> Inventory {
        issuer(&self.script()).inventory().await.unwrap()
    }
}

fn issuer(script: &Arc<Scripted>) -> GraphIssuer {
    GraphIssuer::new(script.client(), CLIENT.parse().unwrap()).unwrap()
}

const BLOCKER: (CheckStatus, bool) = (CheckStatus::Failed, false);
const WARNING: (CheckStatus, bool) = (CheckStatus::Unknown, true);
const UNKNOWN: (CheckStatus, bool) = (CheckStatus::Unknown, false);
const NOTE: (CheckStatus, bool) = (CheckStatus::Passed, false);

/// The codes, each with the status and whether it is a warning.
fn rules(inventory: &Inventory) -> Vec<(&str, (CheckStatus, bool))> {
    inventory.checks.iter().map(|check| (check.code.as_str(), (check.status, check.is_advisory))).collect()
}

#[tokio::test(start_paused = true)]
async fn the_passwords_of_both_objects_are_listed() {
    let mut world = World::new();
    world.principal = answer(200, &principal(&json!([listed(OTHER_KEY, "on the principal")])));
    let inventory = world.inventory().await;
    assert_eq!(inventory.title, "Deployer");
    let holders: Vec<_> = inventory.keys.iter().map(|key| (key.key.to_string(), key.holder)).collect();
    assert_eq!(
        holders,
        [(KEY.to_owned(), KeyHolder::Application), (OTHER_KEY.to_owned(), KeyHolder::ServicePrincipal)]
    );
    assert_eq!(inventory.keys[0].display_name.as_deref(), Some("by hand"));
    assert_eq!(inventory.keys[0].ends_at, Some(datetime!(2027-01-31 12:00 UTC)));
    assert_eq!(inventory.key_limit, None);
    assert!(!inventory.issuer_signs_in_with_these);
    assert!(inventory.is_complete());
}

#[tokio::test(start_paused = true)]
async fn a_service_principal_that_may_not_be_read_is_a_note_and_one_that_is_missing_a_warning() {
    let mut world = World::new();
    world.principal = refusal(403, "Authorization_RequestDenied", "Insufficient privileges");
    let inventory = world.inventory().await;
    assert!(rules(&inventory).contains(&("service-principal-unreadable", UNKNOWN)));
    assert_eq!(inventory.keys.len(), 1);

    let mut world = World::new();
    world.principal = refusal(404, "Request_ResourceNotFound", "Resource does not exist");
    assert!(rules(&world.inventory().await).contains(&("service-principal-missing", WARNING)));
}

/// What a service principal that cannot be seen answers: closed to the caller, hidden, or on a replica that lags.
fn unseen_principals() -> [Response; 2] {
    [
        refusal(403, "Authorization_RequestDenied", "Insufficient privileges"),
        refusal(404, "Request_ResourceNotFound", "Resource does not exist"),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_key_whose_holder_becomes_unreadable_is_unseen_and_not_absent() {
    let held = answer(200, &principal(&json!([listed(OTHER_KEY, "on the principal")])));
    let mut world = World::new();
    world.principal = held;
    assert!(world.inventory().await.key(OTHER_KEY.parse().unwrap()).is_some());

    for unseen in unseen_principals() {
        let mut world = World::new();
        world.principal = unseen;
        let inventory = world.inventory().await;
        assert!(inventory.key(OTHER_KEY.parse().unwrap()).is_none());
        assert!(!inventory.saw(KeyHolder::ServicePrincipal), "its keys may still be alive");
        assert!(inventory.saw(KeyHolder::Application) && !inventory.is_complete());
    }
}

#[tokio::test(start_paused = true)]
async fn any_other_failure_to_read_is_an_error_and_never_a_shorter_inventory() {
    let mut world = World::new();
    world.principal = refusal(503, "Service_ServiceUnavailable", "oops");
    let error = issuer(&world.script()).inventory().await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Unavailable, Some("graph.service_principal.get")));
}

#[tokio::test(start_paused = true)]
async fn personal_audiences_hold_two_passwords_at_most() {
    for audience in ["AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount"] {
        let mut world = World::new();
        world.application["signInAudience"] = json!(audience);
        assert_eq!(world.inventory().await.key_limit, Some(2), "{audience}");
    }
    for audience in ["AzureADMyOrg", "AzureADMultipleOrgs", "SomethingNew"] {
        let mut world = World::new();
        world.application["signInAudience"] = json!(audience);
        assert_eq!(world.inventory().await.key_limit, None, "{audience}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_disabled_blocks() {
    let mut world = World::new();
    world.application["disabledByMicrosoftStatus"] = json!("DisabledDueToViolationOfServicesAgreement");
    let inventory = world.inventory().await;
    assert!(rules(&inventory).contains(&("application-disabled", BLOCKER)));

    let mut world = World::new();
    let mut document = principal(&json!([]));
    document["accountEnabled"] = json!(false);
    world.principal = answer(200, &document);
    assert!(rules(&world.inventory().await).contains(&("service-principal-disabled", BLOCKER)));

    let mut world = World::new();
    world.application["disabledByMicrosoftStatus"] = json!("NotDisabled");
    assert!(world.inventory().await.checks.is_clear());
}

#[tokio::test(start_paused = true)]
async fn certificates_alone_are_noted_and_a_password_without_id_is_a_warning() {
    let mut world = World::new();
    world.application["passwordCredentials"] = json!([]);
    world.application["keyCredentials"] = json!([{"keyId": KEY, "type": "AsymmetricX509Cert"}]);
    assert!(rules(&world.inventory().await).contains(&("certificates-only", NOTE)));

    let mut world = World::new();
    world.application["passwordCredentials"] = json!([{"displayName": "odd"}, listed(KEY, "by hand")]);
    let inventory = world.inventory().await;
    assert_eq!(inventory.keys.len(), 1);
    assert!(rules(&inventory).contains(&("password-without-id", WARNING)));
}

fn policy(rules: Value) -> Value {
    json!({"isEnabled": true, "applicationRestrictions": {"passwordCredentials": rules}})
}

fn lifetime(text: &str) -> Value {
    json!({"restrictionType": "passwordLifetime", "state": "enabled", "maxLifetime": text})
}

fn no_passwords() -> Value {
    json!({"restrictionType": "passwordAddition", "state": "enabled"})
}

#[tokio::test(start_paused = true)]
async fn the_tenant_s_limit_is_told_and_an_unreadable_policy_is_unknown() {
    let mut world = World::new();
    world.policy = answer(200, &policy(json!([lifetime("P90D")])));
    let inventory = world.inventory().await;
    assert_eq!(inventory.max_lifetime, Some(Duration::from_secs(90 * 86_400)));
    assert!(inventory.checks.is_empty(), "{:?}", inventory.checks);

    for unreadable in [refusal(403, "Authorization_RequestDenied", "x"), refusal(503, "x", "x"), refusal(501, "", "")] {
        let mut world = World::new();
        world.policy = unreadable;
        let inventory = world.inventory().await;
        assert_eq!(inventory.max_lifetime, None);
        assert_eq!(rules(&inventory), [("policy-unknown", UNKNOWN)]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_assigned_policy_goes_before_the_default_one_where_it_is_read() {
    let world = || {
        let mut world = World::new();
        world.policy = answer(200, &policy(json!([lifetime("P90D"), no_passwords()])));
        let assigned = json!({"isEnabled": true, "restrictions": {"passwordCredentials": [lifetime("P365D")]}});
        world.assigned = answer(200, &json!({"value": [assigned]}));
        world
    };
    let default_only = world().inventory().await;
    assert_eq!(default_only.max_lifetime, Some(Duration::from_secs(90 * 86_400)));
    assert_eq!(rules(&default_only), [("policy-forbids-secrets", WARNING)]);

    let script = world().script();
    let both = issuer(&script).with_assigned_policies(true).inventory().await.unwrap();
    assert_eq!(both.max_lifetime, Some(Duration::from_secs(365 * 86_400)));
    assert!(both.checks.is_empty());

    let mut world = world();
    world.assigned = answer(200, &json!({"value": []}));
    let script = world.script();
    let blocked = issuer(&script).with_assigned_policies(true).inventory().await.unwrap();
    assert_eq!(rules(&blocked), [("policy-forbids-secrets", BLOCKER)]);
}

#[tokio::test(start_paused = true)]
async fn a_policy_is_asked_for_once_in_a_while_only() {
    let clock = VirtualClock::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let (world, counter) = (World::new(), Arc::clone(&asked));
    let script = Scripted::new(move |_, request| {
        counter.fetch_add(usize::from(request.uri().path().contains("/policies/")), Ordering::SeqCst);
        Ok(world.answer(request))
    });
    let issuer = issuer(&script);
    for _ in 0..5 {
        issuer.inventory().await.unwrap();
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    clock.sleep(Duration::from_secs(900)).await;
    issuer.inventory().await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn it_knows_whether_the_secrets_are_its_own() {
    let script = World::new().script();
    let own = issuer(&script).with_acting_client(CLIENT.parse().unwrap());
    assert!(own.inventory().await.unwrap().issuer_signs_in_with_these);
    let other = issuer(&script).with_acting_client("10000000-0000-4000-8000-00000000000f".parse().unwrap());
    assert!(!other.inventory().await.unwrap().issuer_signs_in_with_these);
    assert_eq!(own.subject().as_str(), format!("application/{CLIENT}"));
}

#[tokio::test(start_paused = true)]
async fn it_mints_on_the_application() {
    let script = World::new().script();
    let request = MintRequest::new(Marker::new("azconnect 0001").unwrap(), datetime!(2026-06-01 0:00 UTC));
    let minted = issuer(&script).mint(&request).await.unwrap();
    assert_eq!((minted.key.to_string().as_str(), minted.holder), (KEY, KeyHolder::Application));
    assert_eq!(script.seen(), [format!("POST /v1.0/applications(appId='{CLIENT}')/addPassword")]);
}

#[tokio::test(start_paused = true)]
async fn it_retires_a_key_from_whichever_object_holds_it_and_nothing_else() {
    let world = || {
        let mut world = World::new();
        world.principal = answer(200, &principal(&json!([listed(OTHER_KEY, "on the principal")])));
        world
    };
    let on_application = format!("POST /v1.0/applications(appId='{CLIENT}')/removePassword");
    let look = format!("GET /v1.0/servicePrincipals(appId='{CLIENT}')");

    let script = world().script();
    assert_eq!(issuer(&script).retire(KEY.parse().unwrap()).await.unwrap(), Retirement::Accepted);
    assert_eq!(script.seen(), std::slice::from_ref(&on_application));

    let script = world().script();
    assert_eq!(issuer(&script).retire(OTHER_KEY.parse().unwrap()).await.unwrap(), Retirement::Accepted);
    let on_principal = format!("POST /v1.0/servicePrincipals/{PRINCIPAL}/removePassword");
    assert_eq!(script.seen(), [on_application.clone(), look.clone(), on_principal]);

    let unknown: KeyId = "d0b0b335-1d71-4883-8f98-567911bfdca6".parse().unwrap();
    let script = world().script();
    assert_eq!(issuer(&script).retire(unknown).await.unwrap(), Retirement::NotListed);
    assert_eq!(script.seen(), [on_application, look]);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_an_unseen_service_principal_may_hold_is_not_called_gone() {
    for (unseen, kind) in unseen_principals().into_iter().zip([ErrorKind::PermissionDenied, ErrorKind::Unavailable]) {
        let mut world = World::new();
        world.principal = unseen;
        let script = world.script();
        let error = issuer(&script).retire(OTHER_KEY.parse().unwrap()).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (kind, Effect::None));
        assert!(error.advice().contains("service principal"), "{}", error.advice());
        assert_eq!(error.operation(), Some("graph.service_principal.remove_password"));
    }
}

/// The first attempt may have removed the key: then the second finds none.
#[tokio::test(start_paused = true)]
async fn a_key_that_is_not_listed_after_a_lost_answer_may_have_been_removed() {
    let script = Scripted::new(|number, request| match (number, request.method().as_str()) {
        (1, "POST") => Err(answer_lost("reset")),
        (_, "POST") => Ok(refusal(400, "Request_BadRequest", "No password credential found with keyId 'x'.")),
        _ => Ok(refusal(403, "Authorization_RequestDenied", "Insufficient privileges")),
    });
    let error = issuer(&script).retire(KEY.parse().unwrap()).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::PermissionDenied, Effect::Unknown));
}

#[tokio::test(start_paused = true)]
async fn an_unseen_service_principal_does_not_hinder_the_removal_of_a_key_of_the_application() {
    for unseen in unseen_principals() {
        let mut world = World::new();
        world.principal = unseen;
        let script = world.script();
        assert_eq!(issuer(&script).retire(KEY.parse().unwrap()).await.unwrap(), Retirement::Accepted);
        assert_eq!(script.seen(), [format!("POST /v1.0/applications(appId='{CLIENT}')/removePassword")]);
    }
}
