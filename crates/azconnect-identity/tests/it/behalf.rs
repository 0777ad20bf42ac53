//! A service calls on in the name of the person who called it; an administrator consents.

use azconnect_core::{Effect, ErrorKind, Scope, Secret};
use azconnect_emulator::{Conduct, Settings};
use azconnect_identity::user::{
    AdminConsent, AdminConsentAnswer, ClaimsChallenge, Obstacle, OnBehalfOf, SignInOptions, UserTokenSource, WebSignIn,
};
use azconnect_identity::{Application, Authority, PublicClient, TokenEndpoint, TokenRequest, TokenSource};
use azconnect_store::MemoryLease;
use azconnect_testkit::{Canary, fake};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::sync::Arc;

use crate::login::Login;
use crate::people::*;

/// A token of Ada's with which somebody calls the service.
async fn incoming(at: &People) -> Secret {
    let scope: Scope = format!("api://{SERVICE}/work").parse().unwrap();
    let web = WebSignIn::new(at.portal(at.contoso()), back(), scope).unwrap();
    let (pending, answer) = at.came_back(&web, &SignInOptions::new(), &Conduct::of(ADA)).await;
    web.finish(pending, &answer).await.unwrap().token.secret
}

#[tokio::test(start_paused = true)]
async fn a_service_calls_on_as_the_person_who_called_it() {
    let at = People::new(Settings::default());
    let source = OnBehalfOf::new(at.service(), incoming(&at).await);
    let token = source.fetch(TokenRequest::new(&at.cloud().graph_scope())).await.unwrap();
    assert_eq!((claim(&token.secret, "oid"), claim(&token.secret, "appid")), (ADA_ID.into(), SERVICE.into()));
}

#[tokio::test(start_paused = true)]
async fn where_the_person_has_to_act_the_caller_is_told_what_is_asked_for() {
    let at = People::new(Settings::default());
    let canary = Canary::new();
    let ears = canary.listen();
    let token = incoming(&at).await;
    canary.watch(&token);
    let source = OnBehalfOf::new(at.service(), token);
    at.emulator.person().require_mfa(ADA).unwrap();
    let graph = at.cloud().graph_scope();
    let error = source.fetch(TokenRequest::new(&graph)).await.unwrap_err();
    assert_eq!(Obstacle::of(&error), Some(Obstacle::Interaction));
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unauthenticated, Effect::None));
    let challenge = ClaimsChallenge::of(&error).unwrap();
    assert!(challenge.as_str().contains("capolids"));
    let header = challenge.www_authenticate();
    let encoded = header.split("claims=\"").nth(1).unwrap().trim_end_matches('"');
    assert_eq!(STANDARD.decode(encoded).unwrap(), challenge.as_str().as_bytes());
    let shown = format!("{source:?} {error} {error:?}");
    assert!(!shown.contains("capolids"), "{shown}");
    // And it is asked for in the next sign-in.
    let web = at.web(at.contoso());
    let (address, _) = web.start(&SignInOptions::new().with_claims(challenge.clone())).unwrap();
    assert!(address.query_pairs().any(|(name, value)| name == "claims" && value == challenge.as_str()));
    drop(ears);
    canary.assert_absent("Debug, Display or advice", shown.as_bytes());
    canary.assert_absent_from_logs();
}

#[tokio::test(start_paused = true)]
async fn a_token_for_somebody_else_is_the_caller_s_fault() {
    let at = People::new(Settings::default());
    let graph = at.cloud().graph_scope();
    for token in [at.signed_in(ADA).await.token.secret, Secret::new("nonsense")] {
        let error = OnBehalfOf::new(at.service(), token).fetch(TokenRequest::new(&graph)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error:?}");
        assert!(error.advice().contains("401"), "{}", error.advice());
    }
}

/// A service refused a token and said what it wants instead: that is what the login is asked for.
#[tokio::test(start_paused = true)]
async fn the_claims_of_a_service_are_sent_along_and_permissions_are_compared() {
    let login = Login::new();
    let store = fake::RefreshTokens::new();
    azconnect_credential::RefreshTokens::store(&store, &link(), &Secret::new("first"), None).await.unwrap();
    let lease = Arc::new(MemoryLease::new(Arc::new(login.clock.clone())));
    let source = UserTokenSource::new(login.contoso(), Arc::new(store.clone()), link(), lease).unwrap();
    login.says(|script| {
        script.more = json!({"refresh_token": "second", "scope": format!("{DEVOPS}/user_impersonation")})
    });
    let scope = work();
    source.fetch(TokenRequest::new(&scope).with_claims(Some(r#"{"access_token":{}}"#))).await.unwrap();
    let form = login.form();
    assert!(
        form.contains("claims=%7B%22access_token%22%3A%7B%7D%7D") && form.contains("refresh_token=first"),
        "{form}"
    );
    assert!(store.kept(&link()).unwrap().same_as(&Secret::new("second")));
    // What was not granted is missed here, and not at the service.
    login.says(|script| script.more = json!({"refresh_token": "third", "scope": format!("{DEVOPS}/vso.code")}));
    let error = source.fetch(TokenRequest::new(&scope)).await.unwrap_err();
    assert!(error.message().contains("user_impersonation"), "{error}");
    assert_eq!(Obstacle::of(&error), Some(Obstacle::ConsentMissing));
    assert!(store.kept(&link()).unwrap().same_as(&Secret::new("third")), "the next one was stored all the same");
    // A service that gives no other refresh token leaves the former good.
    login.says(|script| script.more = json!({}));
    source.fetch(TokenRequest::new(&scope)).await.unwrap();
    assert!(store.kept(&link()).unwrap().same_as(&Secret::new("third")));
}

#[tokio::test(start_paused = true)]
async fn an_administrator_consents_and_another_does_not() {
    let at = People::new(Settings::default());
    let consent = AdminConsent::new(at.portal(at.contoso()), back()).unwrap();
    let state = AdminConsent::new_state().unwrap();
    let address = consent.address(Some(&at.cloud().graph_scope()), &state);
    let come_back = async |conduct: Conduct| {
        let landing = at.emulator.visitor().visit(address.as_str(), &conduct).await.unwrap();
        let azconnect_emulator::Landing::Redirected(url) = landing else { panic!("{landing:?}") };
        AdminConsentAnswer::from_query(url.query().unwrap()).unwrap()
    };
    for conduct in [Conduct::of(ROOT).declining(), Conduct::of(ADA)] {
        let error = come_back(conduct).await.finish(&state).unwrap_err();
        assert_eq!(Obstacle::of(&error), Some(Obstacle::Declined));
        assert!(error.advice().contains("administrator"), "{}", error.advice());
    }
    let other = AdminConsent::new_state().unwrap();
    let error = come_back(Conduct::of(ROOT)).await.finish(&other).unwrap_err();
    assert_eq!(error.field(), Some("answer"));
    let consented = come_back(Conduct::of(ROOT)).await.finish(&state).unwrap();
    assert_eq!(consented.tenant_hint, Some(CONTOSO.parse().unwrap()));
}

#[test]
fn a_refusal_that_says_admin_consent_is_a_refusal() {
    let state = Secret::new("s");
    let finish = |query: &str| AdminConsentAnswer::from_query(query).and_then(|answer| answer.finish(&state));
    for (query, obstacle) in [
        ("admin_consent=True&error=access_denied&state=s", Obstacle::AccessDenied),
        (
            "admin_consent=True&error=consent_required&state=s&tenant=6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01",
            Obstacle::ConsentMissing,
        ),
        ("admin_consent=True&error=access_denied&error_description=AADSTS53003&state=s", Obstacle::BlockedByPolicy),
    ] {
        assert_eq!(Obstacle::of(&finish(query).unwrap_err()), Some(obstacle), "{query}");
    }
    for query in
        ["", "admin_consent=True", "state=s", "admin_consent=False&state=s", "admin_consent=True&state=s&state=s"]
    {
        assert_eq!(finish(query).unwrap_err().field(), Some("answer"), "{query}");
    }
    assert_eq!(finish("admin_consent=True&state=s&tenant=x").unwrap().tenant_hint, None);
}

#[tokio::test(start_paused = true)]
async fn there_is_no_administrator_of_everybody() {
    let at = People::new(Settings::default());
    for authority in [Authority::common(&at.cloud()), Authority::ad_fs(&at.cloud())] {
        let error = AdminConsent::new(at.portal(authority), back()).unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::Unsupported, Some("authority")));
    }
    let login = Login::new();
    let endpoint: TokenEndpoint = login.contoso().endpoint().clone();
    let public = Application::new(endpoint, TOOL.parse().unwrap(), Arc::new(PublicClient));
    AdminConsent::new(public, back()).unwrap();
}
