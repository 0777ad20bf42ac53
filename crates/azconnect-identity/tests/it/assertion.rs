//! Signing in with a certificate: what an assertion says, how long it is shown, and what a refusal tells.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Cloud, Effect, Error, ErrorKind, Retry, Secret};
use azconnect_credential::Candidate;
use azconnect_emulator::Settings;
use azconnect_http::{Pipeline, Request, Response, Transport};
use azconnect_identity::{
    Application, AssertionForm, Authority, CertificateProof, ClientProof, OwnRecord, Proof, PublicClient,
    TokenEndpoint, TokenRequest, TokenSource,
};
use azconnect_testkit::{Canary, VirtualClock};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::certified::{Hall, Made, elliptic, first, proof_of, second};
use crate::stage::{CLIENT, client, refusal, tenant, token};

const MINUTE: Duration = Duration::from_secs(60);

/// A transport that keeps the forms it was sent, and answers by their number.
struct Post {
    forms: Mutex<Vec<Vec<(String, String)>>>,
    answer: fn(usize) -> Response,
}

impl Post {
    fn new(answer: fn(usize) -> Response) -> Arc<Self> {
        Arc::new(Self { forms: Mutex::default(), answer })
    }

    fn application(
        self: &Arc<Self>,
        clock: &VirtualClock,
        authority: Authority,
        proof: &CertificateProof,
    ) -> Application {
        let pipeline = Pipeline::new(Arc::clone(self) as Arc<dyn Transport>, Arc::new(clock.clone()));
        let endpoint = TokenEndpoint::at(pipeline, &Cloud::public(), authority);
        Application::new(endpoint, client(), Arc::new(proof.clone()))
    }

    fn field(&self, number: usize, name: &str) -> Option<String> {
        let forms = self.forms.lock().unwrap();
        forms[number].iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    fn assertion(&self, number: usize) -> (String, Value, Value) {
        let text = self.field(number, "client_assertion").unwrap();
        let part = |at: usize| {
            let part = text.split('.').nth(at).unwrap();
            serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
        };
        (text.clone(), part(0), part(1))
    }
}

#[async_trait]
impl Transport for Post {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let form = url::form_urlencoded::parse(request.body()).into_owned().collect();
        let mut forms = self.forms.lock().unwrap();
        forms.push(form);
        Ok((self.answer)(forms.len()))
    }
}

fn of_tenant() -> Authority {
    Authority::of_tenant(&Cloud::public(), tenant())
}

async fn sign_in(application: &Application) -> Result<(), Error> {
    application.fetch(TokenRequest::new(&Cloud::public().graph_scope())).await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn the_emulator_which_checks_the_signature_gives_a_token() {
    let hall = Hall::new(&[first()], Settings::default());
    let proof = hall.proof(first());
    for form in [None, Some(AssertionForm::Rs256), Some(AssertionForm::Ps256)] {
        let proof = form.map_or(proof.clone(), |form| proof.clone().with_form(form));
        sign_in(&hall.application(&proof)).await.unwrap();
    }
    sign_in(&hall.application(&proof.with_chain(true))).await.unwrap();
    let stranger = sign_in(&hall.application(&hall.proof(second()))).await.unwrap_err();
    assert_eq!((stranger.kind(), stranger.service_code()), (ErrorKind::Unauthenticated, Some("AADSTS700027")));
}

#[tokio::test(start_paused = true)]
async fn an_assertion_is_the_documented_one_and_no_secret_is_sent() {
    let (post, clock) = (Post::new(|_| token()), VirtualClock::new());
    let proof = proof_of(&first().both(), Arc::new(clock.clone()));
    sign_in(&post.application(&clock, of_tenant(), &proof)).await.unwrap();
    assert_eq!(post.field(0, "client_secret"), None);
    let kind = post.field(0, "client_assertion_type").unwrap();
    assert_eq!(kind, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    let (_, header, claims) = post.assertion(0);
    assert_eq!((&header["alg"], &header["typ"]), (&"PS256".into(), &"JWT".into()));
    assert!(header["x5t#S256"].is_string() && header.get("x5t").is_none() && header.get("x5c").is_none());
    let address = format!("https://login.microsoftonline.com/{}/oauth2/v2.0/token", tenant());
    assert_eq!((&claims["aud"], &claims["iss"], &claims["sub"]), (&address.into(), &CLIENT.into(), &CLIENT.into()));
    let (nbf, exp) = (claims["nbf"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
    assert_eq!((nbf, exp - nbf, &claims["iat"]), (clock.now().unix_timestamp(), 600, &claims["nbf"]));
    assert!(claims["jti"].as_str().unwrap().len() >= 32);
}

#[tokio::test(start_paused = true)]
async fn ad_fs_is_shown_the_older_form_and_a_chain_goes_along_on_request() {
    let (post, clock) = (Post::new(|_| token()), VirtualClock::new());
    let proof = proof_of(&first().both(), Arc::new(clock.clone()));
    sign_in(&post.application(&clock, Authority::ad_fs(&Cloud::public()), &proof)).await.unwrap();
    let (_, header, claims) = post.assertion(0);
    assert_eq!(header["alg"], "RS256");
    assert!(header["x5t"].is_string() && header.get("x5t#S256").is_none());
    assert!(claims["aud"].as_str().unwrap().ends_with("/adfs/oauth2/token"));
    // Every version takes the resource by its own name; a scope, only newer ones.
    assert_eq!(post.field(0, "resource").as_deref(), Some("https://graph.microsoft.com"));
    assert_eq!(post.field(0, "scope").as_deref(), Some("https://graph.microsoft.com/.default"));
    sign_in(&post.application(&clock, of_tenant(), &proof.clone().with_chain(true))).await.unwrap();
    assert_eq!(post.field(1, "resource"), None, "Entra ID takes a scope");
    let (_, header, _) = post.assertion(1);
    let body: String = first().certificate.lines().filter(|line| !line.starts_with('-')).collect();
    assert_eq!(header["x5c"], serde_json::json!([body]), "padded base64 of the certificate");
    assert!(STANDARD.decode(body).is_ok());
}

#[tokio::test(start_paused = true)]
async fn ad_fs_tells_that_the_application_was_granted_nothing_there() {
    let (post, clock) = (Post::new(ungranted), VirtualClock::new());
    let proof = proof_of(&first().both(), Arc::new(clock.clone()));
    let error = sign_in(&post.application(&clock, Authority::ad_fs(&Cloud::public()), &proof)).await.unwrap_err();
    assert_eq!((error.kind(), error.service_code()), (ErrorKind::PermissionDenied, Some("MSIS9605")), "{error}");
    assert!(error.advice().contains("Grant-AdfsApplicationPermission"), "{}", error.advice());
    assert!(!error.to_string().contains("words of its own"), "{error}");
}

fn ungranted(_: usize) -> Response {
    let body = serde_json::json!({
        "error": "unauthorized_client",
        "error_description": "MSIS9605: The client is not allowed to access the requested resource. words of its own",
    });
    http::Response::builder().status(400).body(body.to_string().into()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_assertion_is_shown_again_for_five_minutes_and_for_one_endpoint() {
    let (post, clock) = (Post::new(|_| token()), VirtualClock::new());
    let proof = proof_of(&first().both(), Arc::new(clock.clone()));
    let home = post.application(&clock, of_tenant(), &proof);
    let many = post.application(&clock, Authority::organizations(&Cloud::public()), &proof);
    for application in [&home, &home, &many, &home] {
        sign_in(application).await.unwrap();
    }
    clock.sleep(5 * MINUTE - Duration::from_secs(1)).await;
    sign_in(&home).await.unwrap();
    clock.sleep(Duration::from_secs(1)).await;
    sign_in(&home).await.unwrap();
    let texts: Vec<_> = (0..6).map(|number| post.assertion(number).0).collect();
    assert!(texts[0] == texts[1] && texts[0] == texts[3] && texts[0] == texts[4]);
    assert_ne!(texts[0], texts[2], "another audience");
    assert_ne!(texts[0], texts[5], "half of its life is over");
    assert_ne!(post.assertion(0).2["jti"], post.assertion(5).2["jti"]);
}

/// A clock whose wall goes on while it sleeps, as a machine's does that is suspended.
struct Suspended(VirtualClock, Mutex<Duration>);

#[async_trait]
impl Clock for Suspended {
    fn now(&self) -> time::OffsetDateTime {
        self.0.now() + *self.1.lock().unwrap()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_signs_anew() {
    let (post, clock) = (Post::new(|_| token()), VirtualClock::new());
    let suspended = Arc::new(Suspended(clock.clone(), Mutex::default()));
    let proof = proof_of(&first().both(), suspended.clone());
    let application = post.application(&clock, of_tenant(), &proof);
    sign_in(&application).await.unwrap();
    *suspended.1.lock().unwrap() = 60 * MINUTE;
    sign_in(&application).await.unwrap();
    assert_ne!(post.assertion(0).0, post.assertion(1).0, "by the wall the first one has ended");
}

/// A service that keeps the time, and a client that sleeps between its proof and the request.
struct Late {
    post: Arc<Post>,
    suspended: Arc<Suspended>,
    /// For how long it sleeps before each request.
    sleeps: Mutex<Vec<Duration>>,
}

#[async_trait]
impl Transport for Late {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        *self.suspended.1.lock().unwrap() += self.sleeps.lock().unwrap().pop().unwrap_or_default();
        let answer = self.post.send(request).await?;
        let number = self.post.forms.lock().unwrap().len() - 1;
        let ended = self.post.assertion(number).2["exp"].as_i64().unwrap() < self.suspended.now().unix_timestamp();
        Ok(if ended { refusal(401, "invalid_client", 700_024) } else { answer })
    }
}

async fn sign_in_late(sleeps: Vec<Duration>) -> (Result<(), Error>, Arc<Post>) {
    let (post, clock) = (Post::new(|_| token()), VirtualClock::new());
    let suspended = Arc::new(Suspended(clock.clone(), Mutex::default()));
    let late = Late { post: post.clone(), suspended: suspended.clone(), sleeps: Mutex::new(sleeps) };
    let pipeline = Pipeline::new(Arc::new(late), Arc::new(clock));
    let endpoint = TokenEndpoint::at(pipeline, &Cloud::public(), of_tenant());
    let application = Application::new(endpoint, client(), Arc::new(proof_of(&first().both(), suspended)));
    (sign_in(&application).await, post)
}

#[tokio::test(start_paused = true)]
async fn what_came_too_late_is_signed_anew_once() {
    let (outcome, post) = sign_in_late(vec![20 * MINUTE]).await;
    outcome.unwrap();
    assert_eq!(post.forms.lock().unwrap().len(), 2);
    assert_ne!(post.assertion(0).0, post.assertion(1).0);

    let (outcome, post) = sign_in_late(vec![20 * MINUTE; 5]).await;
    let error = outcome.unwrap_err();
    assert_eq!((error.service_code(), error.retry()), (Some("AADSTS700024"), Retry::Backoff), "{error}");
    assert_eq!(post.forms.lock().unwrap().len(), 2, "and no body twice");
    assert_ne!(post.assertion(0).0, post.assertion(1).0);
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_passes_is_no_matter_of_time() {
    let answer = |number| if number < 3 { refusal(503, "invalid_client", 700_024) } else { token() };
    let (post, clock) = (Post::new(answer), VirtualClock::new());
    let proof = proof_of(&first().both(), Arc::new(clock.clone()));
    sign_in(&post.application(&clock, of_tenant(), &proof)).await.unwrap();
    assert_eq!(post.assertion(0).0, post.assertion(2).0);
}

#[tokio::test(start_paused = true)]
async fn requests_that_come_too_late_together_share_what_was_signed_anew() {
    let (post, clock) = (Post::new(|_| token()), VirtualClock::new());
    let proof = proof_of(&first().both(), Arc::new(clock.clone()));
    let late = proof.proof(&of_tenant()).await.unwrap();
    let text = |proof: Option<Proof>| match proof {
        Some(Proof::Assertion(text)) => text,
        other => panic!("{other:?}"),
    };
    let one = text(proof.renewed(&late, &of_tenant()).await.unwrap());
    let two = text(proof.renewed(&late, &of_tenant()).await.unwrap());
    assert!(one.same_as(&two) && !one.same_as(&text(Some(late))));
    sign_in(&post.application(&clock, of_tenant(), &proof)).await.unwrap();
    assert_eq!(post.assertion(0).0, one.expose(), "and so do those that follow");
    assert!(PublicClient.renewed(&Proof::None, &of_tenant()).await.unwrap().is_none(), "nothing would be new");
}

/// A refusal that comes late finds the certificate, whoever has signed in meanwhile.
#[tokio::test(start_paused = true)]
async fn an_assertion_that_is_under_way_is_known_for_as_long_as_it_lives() {
    let clock = VirtualClock::new();
    let record = Arc::new(Record::default());
    *record.held.lock().unwrap() = Some(second().both());
    let proof = proof_of(&first().both(), Arc::new(clock.clone())).with_record(record.clone());
    let others = [of_tenant(), Authority::organizations(&Cloud::public())];
    for other in others {
        let under_way = proof.proof(&of_tenant()).await.unwrap();
        clock.sleep(6 * MINUTE).await;
        proof.proof(&other).await.unwrap();
        let reads = *record.reads.lock().unwrap();
        assert!(matches!(proof.another(&under_way).await.unwrap(), Some(Proof::Assertion(_))), "{other:?}");
        assert_eq!(*record.reads.lock().unwrap(), reads + 1, "{other:?}");
        clock.sleep(5 * MINUTE).await;
        proof.proof(&other).await.unwrap();
        assert!(proof.another(&under_way).await.unwrap().is_none(), "its life is over");
    }
}

#[tokio::test(start_paused = true)]
async fn an_elliptic_key_is_refused_before_anything_is_sent() {
    let (post, clock) = (Post::new(|_| token()), VirtualClock::new());
    let proof = proof_of(&elliptic().both(), Arc::new(clock.clone()));
    let error = sign_in(&post.application(&clock, of_tenant(), &proof)).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.effect(), error.field()),
        (ErrorKind::InvalidInput, Effect::None, Some("certificate"))
    );
    assert!(post.forms.lock().unwrap().is_empty());
    sign_in(&post.application(&clock, Authority::ad_fs(&Cloud::public()), &proof)).await.unwrap();
    assert_eq!(post.assertion(0).1["alg"], "ES256");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_wrong_is_told_with_both_times() {
    let service = VirtualClock::starting_at(VirtualClock::new().now() - 20 * MINUTE);
    let hall = Hall::with_clock_of(service, &[first()], Settings::default());
    let error = sign_in(&hall.application(&hall.proof(first()))).await.unwrap_err();
    assert_eq!(error.service_code(), Some("AADSTS700024"), "{error}");
    assert!(error.message().contains("20 minutes ahead"), "{error}");
    assert!(error.advice().contains("clock"));
}

/// A record that holds a text, and counts how often it was read.
#[derive(Default)]
struct Record {
    held: Mutex<Option<Secret>>,
    reads: Mutex<usize>,
}

#[async_trait]
impl OwnRecord for Record {
    async fn load(&self) -> Result<Option<Secret>, Error> {
        *self.reads.lock().unwrap() += 1;
        Ok(self.held.lock().unwrap().as_ref().map(Secret::duplicate))
    }

    async fn store(&self, candidate: &Candidate<'_>) -> Result<(), Error> {
        *self.held.lock().unwrap() = Some(candidate.secret.duplicate());
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_certificate_is_replaced_by_that_of_the_record_once_it_is_accepted() {
    let hall = Hall::new(&[second()], Settings::default());
    let record = Arc::new(Record::default());
    *record.held.lock().unwrap() = Some(second().both());
    let proof = hall.proof(first()).with_record(record.clone());
    let application = hall.application(&proof);
    sign_in(&application).await.unwrap();
    assert!(proof.holds(&second().both()));
    sign_in(&application).await.unwrap();
    assert_eq!(*record.reads.lock().unwrap(), 1, "it is in use from then on");
}

/// A subject that is no longer trusted, and a key of a kind that is not accepted, may have a successor as well.
#[tokio::test(start_paused = true)]
async fn whatever_is_refused_of_a_certificate_the_record_is_asked() {
    let answers: [fn(usize) -> Response; 2] = [
        |number| if number == 1 { refusal(401, "invalid_client", 700_030) } else { token() },
        |number| if number == 1 { refusal(401, "invalid_client", 5_002_738) } else { token() },
    ];
    for answer in answers {
        let (post, clock) = (Post::new(answer), VirtualClock::new());
        let record = Arc::new(Record::default());
        *record.held.lock().unwrap() = Some(second().both());
        let proof = proof_of(&first().both(), Arc::new(clock.clone())).with_record(record);
        sign_in(&post.application(&clock, of_tenant(), &proof)).await.unwrap();
        assert!(proof.holds(&second().both()));
    }
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_refused_together_go_on_together() {
    let hall = Hall::new(&[second()], Settings::default());
    let record = Arc::new(Record::default());
    *record.held.lock().unwrap() = Some(second().both());
    let proof = hall.proof(first()).with_record(record.clone());
    let application = hall.application(&proof);
    let (one, two) = tokio::join!(sign_in(&application), sign_in(&application));
    one.and(two).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_record_that_helps_nothing_leaves_the_refusal_and_the_certificate() {
    let hall = Hall::new(&[second()], Settings::default());
    let strange = Made::of(&crate::certified::rsa_key(), "strange");
    for (held, code) in
        [(None, "AADSTS700027"), (Some(first().both()), "AADSTS700027"), (Some(strange.both()), "AADSTS700027")]
    {
        let record = Arc::new(Record::default());
        *record.held.lock().unwrap() = held;
        let proof = hall.proof(first()).with_record(record);
        let error = sign_in(&hall.application(&proof)).await.unwrap_err();
        assert_eq!(error.service_code(), Some(code), "{error}");
        assert!(proof.holds(&first().both()), "what is not accepted is not taken");
    }
}

#[tokio::test(start_paused = true)]
async fn a_replacement_that_is_none_leaves_the_certificate_in_use() {
    let hall = Hall::new(&[first()], Settings::default());
    let proof = hall.proof(first());
    assert_eq!(proof.replace(Secret::new("nonsense")).unwrap_err().field(), Some("certificate"));
    sign_in(&hall.application(&proof)).await.unwrap();
    proof.replace(second().both()).unwrap();
    assert_eq!(sign_in(&hall.application(&proof)).await.unwrap_err().service_code(), Some("AADSTS700027"));
}

#[tokio::test(start_paused = true)]
async fn neither_key_nor_assertion_is_shown() {
    let canary = Canary::new();
    let ears = canary.listen();
    let (post, clock) = (Post::new(|_| refusal(401, "invalid_client", 700_027)), VirtualClock::new());
    canary.watch(&Secret::new(first().key.clone()));
    let proof = proof_of(&first().both(), Arc::new(clock.clone()));
    let application = post.application(&clock, of_tenant(), &proof);
    let error = sign_in(&application).await.unwrap_err();
    canary.watch(&Secret::new(post.assertion(0).0));
    let shown = format!("{error:?}{error}{proof:?}{application:?}");
    drop(ears);
    canary.assert_absent("what is shown", shown.as_bytes());
    canary.assert_absent_from_logs();
}
