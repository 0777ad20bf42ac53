//! The metadata service of a virtual machine: its requests, its refusals, and when it is asked again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Effect, Error, ErrorKind, Retry};
use azconnect_http::{Pipeline, Request, Response, Transport};
use azconnect_identity::managed::{Imds, ManagedIdentityId, Platform};
use azconnect_identity::{Availability, Presence};
use azconnect_testkit::fake::Conduct;
use azconnect_testkit::{Canary, VirtualClock};
use futures_util::future::join_all;
use serde_json::json;
use wiremock::matchers::{header, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::managed_stage::{Played, answer, documented, fetch, on_sockets, refusal};

const CLIENT: &str = "10000000-0000-4000-8000-000000000002";
const RESOURCE: &str =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/deployer";

fn at(server: &MockServer, identity: ManagedIdentityId) -> Imds {
    let address = format!("{}/metadata/identity/oauth2/token", server.uri());
    Imds::new(&on_sockets(), identity).with_address(&address).unwrap()
}

#[tokio::test]
async fn the_request_is_the_documented_one_and_numbers_come_as_text_or_as_figures() {
    for as_text in [true, false] {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .and(path("/metadata/identity/oauth2/token"))
            .and(query_param("api-version", "2018-02-01"))
            .and(query_param("resource", "https://management.azure.com"))
            .and(query_param_is_missing("client_id"))
            .and(header("metadata", "true"))
            .respond_with(ResponseTemplate::new(200).set_body_json(documented(as_text)))
            .expect(1)
            .mount(&server)
            .await;
        let token = fetch(&at(&server, ManagedIdentityId::System)).await.unwrap();
        assert_eq!((token.secret.expose(), token.expires_in), ("eyJ0eXAi", Duration::from_secs(3599)));
    }
}

#[tokio::test]
async fn an_assigned_identity_is_named_by_one_parameter() {
    let identities = [
        (ManagedIdentityId::Client(CLIENT.parse().unwrap()), "client_id", CLIENT),
        (ManagedIdentityId::Object(CLIENT.parse().unwrap()), "object_id", CLIENT),
        (ManagedIdentityId::resource(RESOURCE).unwrap(), "msi_res_id", RESOURCE),
    ];
    for (identity, name, value) in identities {
        let server = MockServer::start().await;
        let good = ResponseTemplate::new(200).set_body_json(documented(true));
        Mock::given(query_param(name, value)).respond_with(good).expect(1).mount(&server).await;
        fetch(&at(&server, identity)).await.unwrap();
        let asked = server.received_requests().await.unwrap();
        assert_eq!(asked[0].url.query_pairs().count(), 3, "version, resource and one identity");
    }
}

/// The real address is link-local, and plain http: the transport lets this call there, and no other.
#[tokio::test(start_paused = true)]
async fn it_is_asked_at_its_link_local_address() {
    let played = Played::new(|_, _| Conduct::Answer(answer(200, &documented(true))));
    fetch(&Imds::new(&played.platform(), ManagedIdentityId::System)).await.unwrap();
    let asked = &played.wire.requests()[0];
    assert_eq!(asked.uri().host(), Some("169.254.169.254"));
    assert!(!asked.headers().contains_key("authorization"));
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_asked_for_five_times_with_pauses_that_double() {
    for status in [404, 429, 500, 503] {
        let played = Played::new(move |_, _| Conduct::Answer(refusal(status, "unknown", "not now")));
        let error = fetch(&Imds::new(&played.platform(), ManagedIdentityId::System)).await.unwrap_err();
        assert_eq!(played.whole_seconds(), [0, 2, 6, 14, 30], "{status}");
        assert_eq!((error.effect(), error.retry()), (Effect::None, Retry::Backoff), "{status}: {error}");
        assert_eq!(error.operation(), Some("managed.imds"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_being_renewed_is_waited_for_seventy_seconds() {
    let played = Played::new(|_, _| Conduct::Answer(refusal(410, "gone", "upgrading")));
    let error = fetch(&Imds::new(&played.platform(), ManagedIdentityId::System)).await.unwrap_err();
    assert_eq!(played.whole_seconds(), [0, 10, 20, 30, 40, 50, 60, 70]);
    assert_eq!(error.kind(), ErrorKind::Unavailable);

    let played = Played::new(|number, _| {
        Conduct::Answer(if number < 6 { refusal(410, "gone", "") } else { answer(200, &documented(true)) })
    });
    fetch(&Imds::new(&played.platform(), ManagedIdentityId::System)).await.unwrap();
    assert_eq!(played.whole_seconds().last(), Some(&50), "it came back within the time");
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_is_named_is_not_undercut() {
    let played = Played::new(|number, _| {
        let mut first = refusal(429, "throttled", "");
        first.headers_mut().insert("retry-after", "7".parse().unwrap());
        Conduct::Answer(if number == 1 { first } else { answer(200, &documented(true)) })
    });
    fetch(&Imds::new(&played.platform(), ManagedIdentityId::System)).await.unwrap();
    assert_eq!(played.whole_seconds(), [0, 7]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_final_and_says_what_to_do() {
    for (status, word, description, kind, advice) in [
        (400, "invalid_request", "Identity not found", ErrorKind::Unauthenticated, "assign the identity"),
        (400, "invalid_resource", "AADSTS500011: The resource", ErrorKind::NotFound, "scope"),
        (400, "bad_request_102", "Required metadata header not specified", ErrorKind::InvalidInput, "its id"),
        (403, "forbidden", "", ErrorKind::PermissionDenied, "may ask there"),
        (405, "method", "", ErrorKind::Unsupported, "runs where"),
    ] {
        let played = Played::new(move |_, _| Conduct::Answer(refusal(status, word, description)));
        let error = fetch(&Imds::new(&played.platform(), ManagedIdentityId::System)).await.unwrap_err();
        assert_eq!(played.times().len(), 1, "{status} {description}");
        assert_eq!((error.kind(), error.effect(), error.retry()), (kind, Effect::None, Retry::No), "{error}");
        assert!(error.advice().contains(advice), "{description}: {}", error.advice());
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_fails_is_tried_again() {
    let played = Played::new(|number, _| match number {
        1 => Conduct::Refuse,
        2 => Conduct::Break,
        3 => Conduct::Hang,
        _ => Conduct::Answer(answer(200, &documented(true))),
    });
    fetch(&Imds::new(&played.platform(), ManagedIdentityId::System)).await.unwrap();
    assert_eq!(played.times().len(), 4);
}

/// A service that takes 100 ms for each request, and notes how many are under way.
struct Slow {
    clock: VirtualClock,
    now: AtomicUsize,
    most: AtomicUsize,
    begun: std::sync::Mutex<Vec<Duration>>,
}

#[async_trait]
impl Transport for Slow {
    async fn send(&self, _: Request) -> Result<Response, Error> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        self.begun.lock().unwrap().push(self.clock.elapsed());
        self.clock.sleep(Duration::from_millis(1000)).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        Ok(answer(200, &documented(true)))
    }
}

#[tokio::test(start_paused = true)]
async fn all_identities_of_a_platform_share_one_budget() {
    let clock = VirtualClock::new();
    let slow = Slow { clock: clock.clone(), now: 0.into(), most: 0.into(), begun: Default::default() };
    let slow = Arc::new(slow);
    let platform = Platform::new(Pipeline::new(slow.clone(), Arc::new(clock)));
    let sources: Vec<_> = (0..40).map(|_| Imds::new(&platform.clone(), ManagedIdentityId::System)).collect();
    for outcome in join_all(sources.iter().map(|source| fetch(source))).await {
        outcome.unwrap();
    }
    assert_eq!(slow.most.load(Ordering::SeqCst), 5, "at a time");
    let begun = slow.begun.lock().unwrap().clone();
    for window in begun.windows(21) {
        assert!(window[20] - window[0] >= Duration::from_secs(1), "more than 20 within a second: {window:?}");
    }
    assert!(begun[4] >= Duration::from_millis(200), "20 a second: {begun:?}");
}

#[tokio::test(start_paused = true)]
async fn one_that_stops_waiting_leaves_its_place() {
    let clock = VirtualClock::new();
    let slow = Slow { clock: clock.clone(), now: 0.into(), most: 0.into(), begun: Default::default() };
    let platform = Platform::new(Pipeline::new(Arc::new(slow), Arc::new(clock.clone())));
    let source = Imds::new(&platform, ManagedIdentityId::System);
    let gone = join_all((0..9).map(|_| fetch(&source)));
    let short = std::pin::pin!(clock.sleep(Duration::from_millis(500)));
    futures_util::future::select(Box::pin(gone), short).await;
    let begun = clock.elapsed();
    fetch(&source).await.unwrap();
    assert!(clock.elapsed() - begun < Duration::from_secs(2), "no place is lost");
}

async fn presence(treat: impl Fn() -> Conduct + Send + Sync + 'static) -> (Result<Availability<()>, Error>, Played) {
    let played = Played::new(move |_, _| treat());
    let found = Imds::new(&played.platform(), ManagedIdentityId::System).presence().await;
    (found, played)
}

#[tokio::test(start_paused = true)]
async fn the_look_sends_no_header_takes_a_second_and_knows_azure_s() {
    let (found, played) = presence(|| Conduct::Answer(refusal(400, "invalid_request", "no header"))).await;
    assert_eq!(found.unwrap(), Availability::Here(()));
    assert!(!played.wire.requests()[0].headers().contains_key("metadata"));
    let named = || {
        let mut answer = refusal(404, "x", "");
        answer.headers_mut().insert("server", "IMDS/150.870.65.1325".parse().unwrap());
        Conduct::Answer(answer)
    };
    assert_eq!(presence(named).await.0.unwrap(), Availability::Here(()));

    for treat in [|| Conduct::Refuse, || Conduct::Break, || Conduct::Hang] {
        let (found, played) = presence(treat).await;
        assert!(matches!(found.unwrap(), Availability::NotHere(reason) if reason.contains("nothing answers")));
        assert_eq!(played.times().len(), usize::from(played.wire.requests().len() == 1).max(1));
        assert!(played.clock.elapsed() <= Duration::from_secs(1));
    }
    for status in [200, 302, 401, 403, 404, 405] {
        let (found, _) = presence(move || Conduct::Answer(answer(status, &json!("unreachable")))).await;
        assert!(
            matches!(found.unwrap(), Availability::NotHere(reason) if reason.contains("something else")),
            "{status}"
        );
    }
    for status in [410, 429, 500, 503] {
        let (found, _) = presence(move || Conduct::Answer(refusal(status, "x", ""))).await;
        let error = found.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::None), "{status}");
    }
}

/// Whoever is told that the service is not here signs in as somebody else from then on.
#[tokio::test(start_paused = true)]
async fn the_look_waits_for_no_place_behind_slow_requests() {
    let played = Played::new(|_, request| match request.headers().contains_key("metadata") {
        true => Conduct::Hang,
        false => Conduct::Answer(refusal(400, "invalid_request", "no header")),
    });
    let platform = played.platform();
    let busy = Imds::new(&platform.clone(), ManagedIdentityId::System);
    let fetches = Box::pin(join_all((0..9).map(|_| fetch(&busy))));
    let look = Box::pin(async {
        played.clock.sleep(Duration::from_secs(1)).await;
        assert_eq!(played.times().len(), 5, "every place is taken");
        Imds::new(&platform.clone(), ManagedIdentityId::System).presence().await
    });
    let futures_util::future::Either::Right((found, _)) = futures_util::future::select(fetches, look).await else {
        panic!("the fetches hang")
    };
    assert_eq!(found.unwrap(), Availability::Here(()));
    assert!(played.clock.elapsed() < Duration::from_secs(2), "within seconds");
    // It keeps the pace all the same.
    let begun = played.clock.elapsed();
    let one = Imds::new(&platform, ManagedIdentityId::System);
    for found in join_all((0..20).map(|_| one.presence())).await {
        assert_eq!(found.unwrap(), Availability::Here(()));
    }
    assert!(played.clock.elapsed() - begun >= Duration::from_millis(900), "20 a second");
}

#[tokio::test]
async fn the_token_is_never_shown() {
    let canary = Canary::new();
    let ears = canary.listen();
    let secret = canary.secret();
    for body in [
        json!({"access_token": secret.expose(), "expires_in": "3599"}).to_string(),
        json!({"access_token": secret.expose(), "expires_in": secret.expose()}).to_string(),
        json!({"error": secret.expose(), "error_description": secret.expose()}).to_string(),
        format!("<html>{}</html>", secret.expose()),
    ] {
        for status in [200, 400, 403] {
            let server = MockServer::start().await;
            let template = ResponseTemplate::new(status).set_body_string(&body);
            Mock::given(method("GET")).respond_with(template).mount(&server).await;
            let source = at(&server, ManagedIdentityId::System);
            let shown = format!("{source:?} {:?}", fetch(&source).await);
            canary.assert_absent("Debug", shown.as_bytes());
        }
    }
    drop(ears);
    assert!(canary.heard() > 0);
    canary.assert_absent_from_logs();
}
