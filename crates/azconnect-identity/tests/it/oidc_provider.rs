//! The sign-ins of people and of applications at an OpenID provider that nobody here wrote. `tests/oidc/run` starts it.
#![allow(clippy::disallowed_methods, reason = "the provider's address comes from the environment")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use azconnect_core::{Clock, Cloud, Scope, Secret, danger};
use azconnect_credential::RefreshTokens;
use azconnect_http::{Pipeline, Request, ReqwestTransport, Response, SystemClock, Transport};
use azconnect_identity::user::{
    DeviceSignIn, LinkState, Obstacle, Prompt, RedirectAnswer, SignInOptions, SignedIn, UserTokenSource, WebSignIn,
};
use azconnect_identity::{
    Application, AssertionForm, Authority, CertificateProof, ClientCertificate, ClientProof, ClientSecretSource,
    ProviderEndpoints, PublicClient, TokenEndpoint, TokenRequest, TokenSource,
};
use azconnect_store::MemoryLease;
use azconnect_testkit::fake;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use url::Url;

use crate::people::{ADA_ID, BACK, CONTOSO, PORTAL, TOOL, back, link, person};

/// The secret that the provider has for the portal in a run.
const SECRET: &str = "portal-secret-of-the-run";

/// An application that proves itself by a certificate.
const ROBOT: &str = "10000000-0000-4000-8000-00000000000e";

struct Provider {
    endpoint: TokenEndpoint,
    browser: Browser,
}

impl Provider {
    async fn of_the_run() -> Self {
        let issuer = std::env::var("OPENID_PROVIDER").expect("tests/oidc/run sets OPENID_PROVIDER");
        let issuer: Url = issuer.parse().unwrap();
        let transport = Arc::new(ReqwestTransport::builder().danger_allow_http_loopback().build().unwrap());
        let pipeline = Pipeline::new(transport.clone(), Arc::new(SystemClock::new()));
        let found = ProviderEndpoints::discover(&pipeline, &issuer).await.unwrap();
        let cloud = danger::allow_http_loopback(Cloud::custom("Test")).with_login(issuer.as_str()).unwrap().build();
        let endpoint = TokenEndpoint::at(pipeline, &cloud, Authority::of_provider(found));
        Self { endpoint, browser: Browser { transport, cookies: Mutex::default() } }
    }

    fn application(&self, client: &str, secret: Option<&str>) -> Application {
        let client = client.parse().unwrap();
        let proof: Arc<dyn ClientProof> = match secret {
            Some(text) => Arc::new(ClientSecretSource::new(self.endpoint.clone(), client, Secret::new(text)).unwrap()),
            None => Arc::new(PublicClient),
        };
        Application::new(self.endpoint.clone(), client, proof)
    }

    fn portal(&self) -> Application {
        self.application(PORTAL, Some(SECRET))
    }

    fn web(&self, application: Application, scope: &str) -> WebSignIn {
        WebSignIn::new(application, back(), scope.parse().unwrap()).unwrap()
    }

    async fn came_back(&self, address: &Url) -> RedirectAnswer {
        let landed = self.browser.follow(address.clone()).await.expect("it leads back");
        assert!(landed.as_str().starts_with(BACK));
        RedirectAnswer::from_query(landed.query().unwrap()).unwrap()
    }

    async fn signed_in(&self, scope: &str) -> SignedIn {
        let web = self.web(self.portal(), scope);
        // OpenID Connect Core, section 11: offline access is given with a consent only.
        let (address, pending) = web.start(&SignInOptions::new().with_prompt(Prompt::Consent)).unwrap();
        let answer = self.came_back(&address).await;
        web.finish(pending, &answer).await.unwrap()
    }
}

/// Follows addresses and keeps cookies. Everything is of one origin.
struct Browser {
    transport: Arc<ReqwestTransport>,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Browser {
    /// Follows an address to where it leads: to the product, or `None` for a page of the provider.
    async fn follow(&self, mut address: Url) -> Option<Url> {
        for _ in 0..12 {
            let answer = self.send(http::Method::GET, &address, String::new()).await;
            address = self.next(&address, &answer)?;
            if address.as_str().starts_with(BACK) {
                return Some(address);
            }
        }
        panic!("it leads nowhere");
    }

    fn next(&self, here: &Url, answer: &Response) -> Option<Url> {
        answer.headers().get(LOCATION).map(|to| here.join(to.to_str().unwrap()).unwrap())
    }

    /// Opens a page, and posts its form with these fields besides the hidden ones.
    async fn fill_in(&self, address: &Url, fields: &[(&str, &str)]) -> (Response, String) {
        let page = self.send(http::Method::GET, address, String::new()).await;
        self.submit(address, &String::from_utf8_lossy(page.body()), fields).await
    }

    async fn submit(&self, address: &Url, page: &str, fields: &[(&str, &str)]) -> (Response, String) {
        let xsrf = page.split("name=\"xsrf\" value=\"").nth(1).unwrap_or_else(|| panic!("no form: {page}"));
        let xsrf = xsrf.split('"').next().unwrap();
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        let form = form.append_pair("xsrf", xsrf).extend_pairs(fields).finish();
        let answer = self.send(http::Method::POST, address, form).await;
        let text = String::from_utf8_lossy(answer.body()).into_owned();
        (answer, text)
    }

    async fn send(&self, method: http::Method, address: &Url, form: String) -> Response {
        let cookies: Vec<_> =
            self.cookies.lock().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = http::Request::builder().method(method).uri(address.as_str());
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        if !form.is_empty() {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let request: Request = request.body(form.into()).unwrap();
        let answer = self.transport.send(request).await.unwrap();
        for told in answer.headers().get_all(SET_COOKIE) {
            let (name, value) = told.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
        }
        answer
    }
}

#[tokio::test]
#[ignore = "needs an OpenID provider"]
async fn oidc_provider_signs_a_person_in_by_code_and_pkce() {
    let provider = Provider::of_the_run().await;
    let signed_in = provider.signed_in("api/read offline_access").await;
    assert_eq!(signed_in.person.id, person(CONTOSO, ADA_ID));
    assert_eq!(signed_in.person.display_name.as_deref(), Some("Ada"));
    assert!(signed_in.refresh.is_some() && signed_in.missing.is_empty(), "{signed_in:?}");
    let less = provider.signed_in("api/read api/write").await;
    assert_eq!(less.missing, ["write"], "the provider grants less than was asked for");
    assert!(less.refresh.is_none());
}

#[tokio::test]
#[ignore = "needs an OpenID provider"]
async fn oidc_provider_refuses_a_code_twice_and_a_wrong_secret() {
    let provider = Provider::of_the_run().await;
    let web = provider.web(provider.portal(), "api/read");
    let (address, pending) = web.start(&SignInOptions::new()).unwrap();
    let answer = provider.came_back(&address).await;
    let kept = crate::people::again(&pending);
    let forged = crate::people::changed(&pending, 3, &"a".repeat(43));
    let wrong = provider.web(provider.application(PORTAL, Some("a-typing-mistake")), "api/read");
    let error = wrong.finish(crate::people::again(&pending), &answer).await.unwrap_err();
    assert_eq!((error.service_code(), Obstacle::of(&error)), (Some("invalid_client"), None), "{error:?}");
    let error = web.finish(forged, &answer).await.unwrap_err();
    assert_eq!(Obstacle::of(&error), Some(Obstacle::NotAccepted));
    drop(pending);
    let (address, pending) = web.start(&SignInOptions::new()).unwrap();
    let answer = provider.came_back(&address).await;
    let replayed = crate::people::again(&pending);
    web.finish(pending, &answer).await.unwrap();
    let error = web.finish(replayed, &answer).await.unwrap_err();
    assert_eq!(Obstacle::of(&error), Some(Obstacle::NotAccepted));
    assert_eq!(web.finish(kept, &answer).await.unwrap_err().field(), Some("answer"));
}

#[tokio::test]
#[ignore = "needs an OpenID provider"]
async fn oidc_provider_tells_that_a_person_declined() {
    let provider = Provider::of_the_run().await;
    let web = provider.web(provider.portal(), "api/read");
    let (address, pending) = web.start(&SignInOptions::new().with_login_hint("nobody")).unwrap();
    let answer = provider.came_back(&address).await;
    let error = web.finish(pending, &answer).await.unwrap_err();
    assert_eq!(Obstacle::of(&error), Some(Obstacle::AccessDenied));
}

/// Each refresh token serves once here, and a second use ends all of them.
#[tokio::test]
#[ignore = "needs an OpenID provider"]
async fn oidc_provider_rotates_refresh_tokens_and_ends_a_link_whose_token_was_used_twice() {
    let provider = Provider::of_the_run().await;
    let stolen = provider.signed_in("api/read offline_access").await.refresh.unwrap();
    let store = fake::RefreshTokens::new();
    let revision = store.store(&link(), &stolen, None).await.unwrap();
    let lease = Arc::new(MemoryLease::new(Arc::new(SystemClock::new())));
    let source = || UserTokenSource::new(provider.portal(), Arc::new(store.clone()), link(), lease.clone()).unwrap();
    let scope: Scope = "api/read".parse().unwrap();
    let sources = [source(), source(), source()];
    let fetches = sources.iter().map(|source| source.fetch(TokenRequest::new(&scope)));
    for outcome in futures_util::future::join_all(fetches).await {
        outcome.unwrap();
    }
    let kept = store.load(&link()).await.unwrap().unwrap();
    assert!(kept.revision > revision && !kept.token.same_as(&stolen));
    // A thief uses the first one again.
    store.store(&link(), &stolen, Some(kept.revision)).await.unwrap();
    let error = source().fetch(TokenRequest::new(&scope)).await.unwrap_err();
    assert_eq!(LinkState::of(&error), LinkState::MustLinkAgain(Obstacle::NotAccepted));
    let now = store.load(&link()).await.unwrap().unwrap().revision;
    store.store(&link(), &kept.token, Some(now)).await.unwrap();
    let error = source().fetch(TokenRequest::new(&scope)).await.unwrap_err();
    assert_eq!(LinkState::of(&error), LinkState::MustLinkAgain(Obstacle::NotAccepted), "the whole family has ended");
}

#[tokio::test]
#[ignore = "needs an OpenID provider"]
async fn oidc_provider_signs_a_device_in() {
    let provider = Provider::of_the_run().await;
    let device = DeviceSignIn::new(provider.application(TOOL, None), "api/read".parse().unwrap()).unwrap();
    let mut code = device.start().await.unwrap();
    assert_eq!(code.interval, Duration::from_secs(5), "the provider names none");
    assert!(device.poll(&mut code).await.unwrap().is_none());
    let page = code.verification_uri.clone();
    let (_, confirm) = provider.browser.fill_in(&page, &[("user_code", &code.user_code)]).await;
    let shown = [("user_code", code.user_code.as_str()), ("confirm", "yes")];
    let (answer, _) = provider.browser.submit(&page, &confirm, &shown).await;
    let next = provider.browser.next(&page, &answer).expect("the sign-in itself");
    assert!(provider.browser.follow(next).await.is_none(), "it ends on a page");
    let signed_in = device.poll(&mut code).await.unwrap().expect("signed in");
    assert_eq!(signed_in.person.id, person(CONTOSO, ADA_ID));
    // A code serves once.
    let error = device.poll(&mut code).await.unwrap_err();
    assert_eq!(Obstacle::of(&error), Some(Obstacle::NotAccepted));
}

/// Another provider than Entra ID may take an assertion once only, so that each request has one of its own.
#[tokio::test]
#[ignore = "needs an OpenID provider"]
async fn oidc_provider_takes_assertions_of_a_certificate_by_private_key_jwt() {
    let provider = Provider::of_the_run().await;
    let file = std::env::var("ROBOT_CERTIFICATE").expect("tests/oidc/run sets ROBOT_CERTIFICATE");
    let pem = Secret::new(std::fs::read_to_string(file).unwrap());
    let (robot, scope): (_, Scope) = (ROBOT.parse().unwrap(), "api/read".parse().unwrap());
    let clock = Arc::new(SystemClock::new());
    let proof = CertificateProof::new(robot, ClientCertificate::from_pem(&pem).unwrap(), clock.clone()).unwrap();
    let application = Application::new(provider.endpoint.clone(), robot, Arc::new(proof.clone()));
    for _ in 0..2 {
        let fetched = application.fetch(TokenRequest::new(&scope)).await.unwrap();
        assert_eq!(fetched.granted.as_deref(), Some("api/read"));
    }
    // What it is registered with decides: neither another form nor another key is taken.
    let other = proof.clone().with_form(AssertionForm::Rs256);
    let now = clock.now();
    let key = ClientCertificate::self_signed("robot", now, now + Duration::from_secs(86_400)).unwrap();
    let stranger = CertificateProof::new(robot, key, clock).unwrap();
    for refused in [other, stranger] {
        let application = Application::new(provider.endpoint.clone(), robot, Arc::new(refused));
        let error = application.fetch(TokenRequest::new(&scope)).await.unwrap_err();
        assert_eq!(error.service_code(), Some("invalid_client"), "{error:?}");
    }
}
