//! Conversions that the service finishes in the background.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Effect, Error, ErrorKind, Secret};
use azconnect_devops::{
    ConversionRules, DevOpsClient, OrganizationName, PersonalAccessToken, Progress, ProjectRef, ReadyPolicy,
};
use azconnect_emulator::{Fault, FaultAction, Service, Settings};
use azconnect_http::{Pipeline, Request, Response, Transport};

use crate::emulated::{AUTOMATIC, World};

#[tokio::test(start_paused = true)]
async fn a_conversion_in_the_background_is_waited_for_with_the_former_scheme_until_then() {
    // The service answers 200 with the former scheme and the state InProgress, and changes the scheme later.
    let world = World::new(Settings::default().with_conversion_lag(Duration::from_secs(45)), AUTOMATIC);
    let web = world.web();
    let before = web.get(AUTOMATIC.parse().unwrap()).await.unwrap();
    let converted = web.convert(&before, ConversionRules::new()).await.unwrap();
    assert!(matches!(&converted, Progress::Done(converted) if converted.is_federated()), "{converted:?}");
    assert_eq!(world.clock.elapsed().as_secs(), 50, "five looks, ten seconds apart");
    let reverted = web.revert(&converted.into_inner()).await.unwrap().done().unwrap();
    assert!(reverted.is_scheme("ServicePrincipal"));
    assert_eq!(world.clock.elapsed().as_secs(), 100);
}

#[tokio::test(start_paused = true)]
async fn a_conversion_that_takes_longer_than_anybody_waits_is_pending_and_no_conflict() {
    for lose in [false, true] {
        let world = World::new(Settings::default().with_conversion_lag(Duration::from_secs(3600)), AUTOMATIC);
        let web = world.web().with_ready_policy(ReadyPolicy::default().with_time_limit(Duration::from_secs(60)));
        let before = web.get(AUTOMATIC.parse().unwrap()).await.unwrap();
        if lose {
            let lost = Fault::new(FaultAction::LoseAnswer).with_service(Service::DevOps).with_method("PUT");
            world.emulator.faults().add(lost);
        }
        let started = world.clock.elapsed();
        let converted = web.convert(&before, ConversionRules::new()).await.unwrap();
        assert!(converted.is_pending());
        assert_eq!((world.clock.elapsed() - started).as_secs(), 60);
        let shown = converted.clone().into_inner();
        assert_eq!((shown.is_federated(), shown.operation_status().unwrap().state), (false, Some("InProgress")));
        let error = converted.done().unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, Effect::Unknown));
        world.clock.sleep(Duration::from_secs(3600)).await;
        assert!(web.get(before.id()).await.unwrap().is_federated());
    }
}

#[tokio::test(start_paused = true)]
async fn a_conversion_that_fails_in_the_background_is_told_in_the_service_s_words() {
    let settings = Settings::default().with_conversion_lag(Duration::from_secs(20));
    let world = World::new(settings.with_background_failure("No right to change the application"), AUTOMATIC);
    let web = world.web();
    let before = web.get(AUTOMATIC.parse().unwrap()).await.unwrap();
    let error = web.convert(&before, ConversionRules::new()).await.unwrap_err();
    assert!(error.message().contains("No right to change the application"), "{error}");
    assert_eq!((error.service_code(), error.effect()), (Some("SpnOperationFailed"), Effect::Unknown));
    assert!(!web.get(before.id()).await.unwrap().is_federated());
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_the_service_asks_for_is_respected_while_a_conversion_is_waited_for() {
    // A success may carry Retry-After. A longer one than the rest of the time ends the wait at once.
    for (pause, looks, waited) in [("25", 5, 100), ("200", 1, 0)] {
        let world = World::new(Settings::default().with_conversion_lag(Duration::from_secs(3600)), AUTOMATIC);
        let slow = Arc::new(Slow { inner: world.emulator.transport(), pause, gets: AtomicUsize::new(0) });
        let token = PersonalAccessToken::new(Secret::new("anns-access-token")).unwrap();
        let pipeline = Pipeline::new(slow.clone(), Arc::new(world.clock.clone()));
        let client = DevOpsClient::new(pipeline, &world.emulator.cloud(), Arc::new(token));
        let web = client.organization(&OrganizationName::new("contoso").unwrap()).unwrap();
        let web = web.endpoints(ProjectRef::new("Web").unwrap());
        let before = world.web().get(AUTOMATIC.parse().unwrap()).await.unwrap();
        assert!(web.convert(&before, ConversionRules::new()).await.unwrap().is_pending());
        // One reading before the conversion is no look at it.
        assert_eq!(slow.gets.load(Ordering::SeqCst) - 1, looks);
        assert_eq!(world.clock.elapsed().as_secs(), waited);
    }
}

/// Asks for a pause with every answer to a reading that follows a conversion.
struct Slow {
    inner: Arc<dyn Transport>,
    pause: &'static str,
    gets: AtomicUsize,
}

#[async_trait]
impl Transport for Slow {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let reading = request.method() == "GET";
        let mut answer = self.inner.send(request).await?;
        if reading && self.gets.fetch_add(1, Ordering::SeqCst) > 0 {
            answer.headers_mut().insert("retry-after", self.pause.parse().unwrap());
        }
        Ok(answer)
    }
}
