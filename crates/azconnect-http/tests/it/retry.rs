//! What is sent again, when, and for how long.

use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Attempt, Clock, Effect, Error, ErrorKind, ExponentialBackoff, Retry, RetryPolicy};
use azconnect_http::{Call, Idempotency, Pace, PlainDialect, Response, SendOptions, answer_lost, not_connected};
use azconnect_testkit::VirtualClock;
use url::Url;

use crate::fake::{Script, Step, answer, status};

const DAY: Duration = Duration::from_secs(86_400);

fn url() -> Url {
    Url::parse("https://service.example/things/1").unwrap()
}

fn lost() -> Step {
    Step::Fail(answer_lost("reset"))
}

fn refused() -> Step {
    Step::Fail(not_connected("refused"))
}

/// Runs a call over steps; the outcome and the number of attempts.
async fn run(call: Call, steps: impl IntoIterator<Item = Step>) -> (Result<Response, Error>, usize) {
    let script = Script::new(&VirtualClock::new(), steps);
    let outcome = script.pipeline().execute(call, &PlainDialect).await;
    (outcome, script.attempts())
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_applied_is_not_sent_twice() {
    for step in [status(500), status(503), status(409), status(408), lost(), Step::Hang] {
        let (outcome, attempts) = run(Call::post("thing.add", url()), [step, status(200)]).await;
        let error = outcome.unwrap_err();
        assert_eq!(attempts, 1, "{error}");
        assert_eq!(error.effect(), Effect::Unknown, "{error}");
        assert_eq!(error.operation(), Some("thing.add"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_provably_not_applied_is_sent_again() {
    for step in [status(429), refused(), answer(429, &[("retry-after", "3")], "")] {
        let (outcome, attempts) = run(Call::post("thing.add", url()), [step, status(200)]).await;
        assert_eq!((outcome.unwrap().status().as_u16(), attempts), (200, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_idempotent_is_sent_again_after_any_passing_failure() {
    for step in [status(500), status(502), status(408), status(429), lost(), refused(), Step::Hang] {
        let (outcome, attempts) = run(Call::put("thing.put", url()), [step, status(200)]).await;
        assert_eq!((outcome.unwrap().status().as_u16(), attempts), (200, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_service_refuses_for_good_is_not_sent_again() {
    for code in [400, 401, 403, 404, 405, 409, 412, 422] {
        let (outcome, attempts) = run(Call::get("thing.get", url()), [status(code), status(200)]).await;
        assert_eq!((outcome.unwrap_err().http_status(), attempts), (Some(code), 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_does_not_undo_the_doubt_of_an_earlier_attempt() {
    let (outcome, attempts) = run(Call::put("thing.put", url()), [lost(), status(403)]).await;
    let error = outcome.unwrap_err();
    assert_eq!((error.kind(), attempts), (ErrorKind::PermissionDenied, 2));
    assert_eq!(error.effect(), Effect::Unknown);

    let (outcome, _) = run(Call::put("thing.put", url()), [refused(), status(403)]).await;
    assert_eq!(outcome.unwrap_err().effect(), Effect::None);
}

#[tokio::test(start_paused = true)]
async fn the_pause_a_service_names_is_kept() {
    let clock = VirtualClock::new();
    for (value, seconds) in [("7", 7), ("Thu, 01 Jan 2026 00:00:30 GMT", 30)] {
        let script = Script::new(&clock, [answer(503, &[("retry-after", value)], ""), status(200)]);
        let started = clock.elapsed();
        script.pipeline().execute(Call::get("thing.get", url()), &PlainDialect).await.unwrap();
        let pause = script.times()[1] - script.times()[0];
        let named = Duration::from_secs(seconds) - if seconds == 30 { started } else { Duration::ZERO };
        assert!(pause >= named && pause <= named.mul_f64(1.11), "{value}: {pause:?}");
    }
}

/// A service that is overwhelmed names no time at all, and a machine whose clock is fast names one that is past.
#[tokio::test(start_paused = true)]
async fn a_named_pause_never_shortens_our_own() {
    for value in ["0", "Thu, 01 Jan 2015 00:00:00 GMT"] {
        for code in [429, 503] {
            let script = Script::new(&VirtualClock::new(), [answer(code, &[("retry-after", value)], "")]);
            script.pipeline().execute(Call::get("thing.get", url()), &PlainDialect).await.unwrap_err();
            let times = script.times();
            let pauses: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert_eq!(pauses.len(), 4);
            for (pause, least) in pauses.iter().zip([400, 800, 1600, 3200]) {
                assert!(*pause >= Duration::from_millis(least), "{value} {code}: {pauses:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_is_too_long_ends_the_call_at_once_with_the_pause_told() {
    for (seconds, words) in [(31, "31 seconds"), (600, "10 minutes"), (3600, "60 minutes")] {
        let clock = VirtualClock::new();
        let script = Script::new(&clock, [answer(429, &[("retry-after", &seconds.to_string())], ""), status(200)]);
        // However patient the policy and the call are.
        let patient = ExponentialBackoff::default().with_time_limit(DAY);
        let pipeline = script.pipeline().with_retry(Arc::new(patient));
        let call = Call::get("thing.get", url()).with_time_limit(DAY);
        let error = pipeline.execute(call.clone(), &PlainDialect).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Throttled);
        assert_eq!(error.retry(), Retry::After(Duration::from_secs(seconds)));
        assert_eq!((script.attempts(), clock.elapsed()), (1, Duration::ZERO));
        assert!(error.to_string().contains(&format!("try again in {words}")), "{error}");
        assert!(error.advice().contains(&format!("try again in {words}")), "{}", error.advice());

        let script = Script::new(&clock, [answer(429, &[("retry-after", &seconds.to_string())], ""), status(200)]);
        let pipeline = script.pipeline().with_retry(Arc::new(ExponentialBackoff::default().with_time_limit(DAY)));
        pipeline.with_longest_pause(Duration::from_secs(3600)).execute(call, &PlainDialect).await.unwrap();
        assert!(clock.elapsed() >= Duration::from_secs(seconds));
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_bounds_attempts_and_pauses_together() {
    let clock = VirtualClock::new();
    let script = Script::new(&clock, [Step::Hang]);
    let call = Call::get("thing.get", url())
        .with_time_limit(Duration::from_secs(12))
        .with_options(SendOptions::default().with_timeout(Duration::from_secs(4)));
    let error = script.pipeline().execute(call, &PlainDialect).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(clock.elapsed() <= Duration::from_secs(12), "{:?}", clock.elapsed());
    assert!(error.to_string().contains("attempts"), "{error}");
    let timeouts = script.timeouts();
    assert!(timeouts.len() == 3 && timeouts.last().unwrap() < &Duration::from_secs(4), "{timeouts:?}");
}

#[tokio::test(start_paused = true)]
async fn five_attempts_are_enough() {
    let (outcome, attempts) = run(Call::get("thing.get", url()), [status(500)]).await;
    let error = outcome.unwrap_err();
    assert_eq!(attempts, 5);
    assert!(error.message().contains("after 5 attempts"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_post_that_only_reads_may_be_repeated() {
    let call = Call::post("thing.query", url()).with_idempotency(Idempotency::Idempotent);
    let (outcome, attempts) = run(call, [status(500), status(200)]).await;
    assert_eq!((outcome.unwrap().status().as_u16(), attempts), (200, 2));
}

#[tokio::test(start_paused = true)]
async fn the_client_request_id_is_the_same_over_all_attempts_and_new_for_each_call() {
    let script = Script::new(&VirtualClock::new(), [status(500), status(500), status(200)]);
    let call = Call::get("thing.get", url()).with_request_id_header(http::HeaderName::from_static("client-request-id"));
    script.pipeline().execute(call.clone(), &PlainDialect).await.unwrap();
    script.pipeline().execute(call, &PlainDialect).await.unwrap();
    let ids = script.header("x-ms-client-request-id");
    assert_eq!(ids.len(), 4);
    assert!(ids[0].is_some() && ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3]);
    assert_eq!(ids, script.header("client-request-id"));
}

/// A budget that lets a call wait, and counts what it learns.
struct Slow(VirtualClock, Duration, std::sync::atomic::AtomicUsize);

#[async_trait::async_trait]
impl Pace for Slow {
    async fn ready(&self, patience: Duration) -> Result<(), Duration> {
        if self.1 > patience {
            return Err(self.1);
        }
        self.0.sleep(self.1).await;
        Ok(())
    }

    fn observe(&self, _: &Response) {
        self.2.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn a_pace_is_asked_before_every_attempt_and_learns_from_every_answer() {
    let clock = VirtualClock::new();
    let script = Script::new(&clock, [status(500), refused(), status(200)]);
    let pace = Arc::new(Slow(clock.clone(), Duration::from_secs(30), 0.into()));
    let call = Call::get("thing.get", url()).with_pace(Arc::clone(&pace) as Arc<dyn Pace>);
    script.pipeline().execute(call, &PlainDialect).await.unwrap();
    assert!(clock.elapsed() >= Duration::from_secs(90));
    assert_eq!(pace.2.load(std::sync::atomic::Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_pace_learns_from_every_answer_that_is_streamed() {
    let clock = VirtualClock::new();
    let script = Script::new(&clock, [status(500), refused(), status(200)]);
    let pace = Arc::new(Slow(clock.clone(), Duration::from_secs(1), 0.into()));
    let call = Call::get("thing.get", url()).with_pace(Arc::clone(&pace) as Arc<dyn Pace>);
    script.pipeline().execute_streaming(call, &PlainDialect).await.map(drop).unwrap();
    assert_eq!(pace.2.load(std::sync::atomic::Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waited_past_its_deadline_is_not_sent() {
    let clock = VirtualClock::new();
    let script = Script::new(&clock, [status(200)]);
    let pace = Arc::new(Slow(clock, Duration::from_secs(60), 0.into()));
    let call = Call::post("thing.add", url()).with_pace(pace).with_time_limit(Duration::from_secs(60));
    let pipeline = script.pipeline().with_longest_pause(DAY);
    let error = pipeline.execute(call, &PlainDialect).await.unwrap_err();
    assert_eq!((error.kind(), error.effect(), script.attempts()), (ErrorKind::Timeout, Effect::None, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_pace_asks_for_too_much_is_not_held() {
    let clock = VirtualClock::new();
    let script = Script::new(&clock, [status(200)]);
    let pace = Arc::new(Slow(clock.clone(), Duration::from_secs(3600), 0.into()));
    let call = Call::post("thing.add", url()).with_pace(pace).with_time_limit(DAY);
    let error = script.pipeline().execute(call, &PlainDialect).await.unwrap_err();
    assert_eq!((error.kind(), error.effect(), script.attempts()), (ErrorKind::Throttled, Effect::None, 0));
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(3600)));
    assert_eq!((error.operation(), clock.elapsed()), (Some("thing.add"), Duration::ZERO));
    assert!(error.advice().contains("60 minutes"), "{}", error.advice());
}

/// A caller's policy may name any pause.
#[tokio::test(start_paused = true)]
async fn a_pause_without_end_ends_the_call() {
    struct Forever;
    impl RetryPolicy for Forever {
        fn pause(&self, _: &Attempt<'_>) -> Option<Duration> {
            Some(Duration::MAX)
        }
    }
    let clock = VirtualClock::new();
    let script = Script::new(&clock, [Step::Hang]);
    let options = SendOptions::default().with_timeout(Duration::from_secs(1));
    let call = Call::get("thing.get", url()).with_options(options);
    let outcome = script.pipeline().with_retry(Arc::new(Forever)).execute(call, &PlainDialect).await;
    assert_eq!((outcome.unwrap_err().kind(), script.attempts()), (ErrorKind::Timeout, 1));
}
