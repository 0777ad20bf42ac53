//! The example's rotation, killed at every append and around every exchange, under the eyes of the judge.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test"
)]

use std::sync::Arc;

use azconnect::core::Clock;
use azconnect::core::{Sequence, StreamId};
use azconnect::credential::Candidate;
use azconnect::identity::OwnRecord;
use azconnect::rotation::RotationOutcome;
use azconnect::rotation::SinkBinding;
use azconnect::store::{SqliteStore, seal::SealingKey};
use azconnect_emulator::{Held, Intervention, Settings};
use azconnect_testkit::Canary;
use azconnect_tests::contoso::{Contoso, connections, deploy, foreign_key, old_key, operator, operator_key, policy};
use azconnect_tests::deadly::{DeadlyJournal, DeadlyTransport, Death, Moment};
use azconnect_tests::judge::Judge;

/// Runs one process of the product. Returns whether it died, and how many appends and exchanges it made.
async fn process(contoso: &Contoso, judge: &Arc<Judge>, append: Moment, exchange: Moment) -> (bool, u32, u32) {
    let (by_append, by_exchange) = (Arc::new(Death::default()), Arc::new(Death::default()));
    let transport = DeadlyTransport { inner: judge.transport(), moment: exchange, death: by_exchange.clone() };
    let mut ports = contoso.ports();
    ports.journal = Arc::new(DeadlyJournal { inner: judge.journal(), moment: append, death: by_append.clone() });
    let rotator = contoso.rotator(ports);
    let target = contoso.target(Arc::new(transport));
    let died = tokio::select! {
        biased;
        outcome = rotator.rotate(&target) => {
            let outcome = outcome.unwrap();
            // Idle: the rotation was done, and only a lost secret was left to look after.
            assert!(matches!(outcome, RotationOutcome::Rotated { .. } | RotationOutcome::NotDue { .. } | RotationOutcome::Idle { .. }), "{outcome:?}");
            false
        }
        () = by_append.come() => true,
        () = by_exchange.come() => true,
    };
    judge.judge();
    (died, by_append.count(), by_exchange.count())
}

/// The next start of the program, and what must be true when it has ended.
async fn finish(contoso: &Contoso, judge: &Arc<Judge>) {
    contoso.outlive_the_dead().await;
    let (died, ..) = process(contoso, judge, Moment::Never, Moment::Never).await;
    assert!(!died);
    let mut ports = contoso.ports();
    ports.journal = judge.journal();
    let outcome = contoso.rotator(ports).resume(&contoso.target(judge.transport())).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Idle { .. }), "nothing is left to do: {outcome:?}");
    assert_finished(contoso).await;
}

async fn assert_finished(contoso: &Contoso) {
    let truth = contoso.emulator.truth();
    let application = truth.application(deploy()).unwrap();
    let live: Vec<_> = application.passwords.iter().filter(|password| password.live).collect();
    let new: Vec<_> = live.iter().filter(|password| password.key_id != foreign_key()).collect();
    assert_eq!(new.len(), 1, "one new secret is alive: {live:?}");
    assert_ne!(new[0].key_id, old_key());
    for connection in connections() {
        assert_eq!(truth.connection(connection).unwrap().holds, Held::Key(new[0].key_id));
    }
    assert!(contoso.journal.unfinished().await.unwrap().is_empty());
    assert_eq!(truth.unknown_routes, 0, "{:?}", truth.unknown_route_names);
}

#[tokio::test(start_paused = true)]
async fn undisturbed_it_rotates_and_every_invariant_holds() {
    for settings in [Settings::default(), Settings::realistic()] {
        let contoso = Contoso::with(settings);
        let judge = Judge::new(&contoso);
        let (died, appends, exchanges) = process(&contoso, &judge, Moment::Never, Moment::Never).await;
        assert!(!died);
        assert!(appends > 15 && exchanges > 25, "{appends} appends, {exchanges} exchanges");
        assert_finished(&contoso).await;
    }
}

#[tokio::test(start_paused = true)]
async fn killed_before_and_after_every_append_it_is_finished_by_the_next_process() {
    let moments: [fn(u32) -> Moment; 2] = [Moment::Before, Moment::After];
    for moment in moments {
        for number in 1.. {
            let contoso = Contoso::new();
            let judge = Judge::new(&contoso);
            let (died, ..) = process(&contoso, &judge, moment(number), Moment::Never).await;
            if !died {
                assert!(number > 15);
                break;
            }
            finish(&contoso, &judge).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn killed_before_and_after_every_exchange_it_is_finished_by_the_next_process() {
    let moments: [fn(u32) -> Moment; 2] = [Moment::Before, Moment::After];
    for moment in moments {
        for number in 1.. {
            let contoso = Contoso::new();
            let judge = Judge::new(&contoso);
            let (died, ..) = process(&contoso, &judge, Moment::Never, moment(number)).await;
            if !died {
                assert!(number > 25);
                break;
            }
            finish(&contoso, &judge).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_exchange_may_lose_its_answer_or_its_connection_once() {
    for verdict in [Intervention::LoseAnswer, Intervention::DropBefore, Intervention::Refuse] {
        for number in 1..60 {
            let contoso = Contoso::new();
            let judge = Judge::new(&contoso);
            let told = verdict.clone();
            contoso.emulator.on_exchange(Arc::new(move |exchange| {
                if exchange.number == number { told.clone() } else { Intervention::Proceed }
            }));
            process(&contoso, &judge, Moment::Never, Moment::Never).await;
            finish(&contoso, &judge).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_secret_leaves_its_places() {
    let canary = Canary::new();
    let _ears = canary.listen();
    let contoso = Contoso::new();
    let judge = Judge::new(&contoso);
    let operator = contoso.operator(judge.transport());
    canary.watch(&contoso.operator_secret());
    process(&contoso, &judge, Moment::After(9), Moment::Never).await;
    finish(&contoso, &judge).await;
    let truth = contoso.emulator.truth();
    for password in &truth.application(deploy()).unwrap().passwords {
        canary.watch(&contoso.emulator.secret_of(password.key_id).unwrap());
    }
    canary.assert_absent_from_logs();
    let target = contoso.target(judge.transport());
    let stream = StreamId::new(format!("rotation/{}", target.subject())).unwrap();
    for entry in contoso.journal.read(&stream, Sequence::START).await.unwrap() {
        canary.assert_absent("a journal entry", format!("{entry:?}").as_bytes());
    }
    let plan = contoso.rotator(contoso.ports()).plan(&target).await.unwrap();
    canary.assert_absent("a plan", format!("{plan:?}{}", serde_json::to_string(&plan).unwrap()).as_bytes());
    let token = operator.tokens().token(&contoso.emulator.cloud().graph_scope()).await.unwrap();
    canary.watch(&token.secret);
    canary.assert_absent("a token's debug text", format!("{token:?}").as_bytes());
    canary.assert_absent_from_logs();
}

#[tokio::test(start_paused = true)]
async fn no_secret_is_in_a_byte_of_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let mut contoso = Contoso::new();
    let key = SealingKey::generate().unwrap();
    let store = SqliteStore::open(folder.path().join("rotate.db"), key, Arc::new(contoso.clock.clone())).await.unwrap();
    let store = Arc::new(store);
    (contoso.journal, contoso.secrets, contoso.lease) = (store.clone(), store.clone(), store);
    let judge = Judge::new(&contoso);
    let (died, ..) = process(&contoso, &judge, Moment::After(12), Moment::Never).await;
    assert!(died);
    finish(&contoso, &judge).await;
    let canary = Canary::new();
    for password in &contoso.emulator.truth().application(deploy()).unwrap().passwords {
        canary.watch(&contoso.emulator.secret_of(password.key_id).unwrap());
    }
    let mut files = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        canary.assert_absent(&path.display().to_string(), &std::fs::read(&path).unwrap());
        files += 1;
    }
    assert!(files > 0);
}

/// The operator's configuration file, in memory: the key whose secret it would start with next time.
#[derive(Default)]
struct Configuration(std::sync::Mutex<Option<azconnect::core::Secret>>);

#[async_trait::async_trait]
impl OwnRecord for Configuration {
    async fn load(&self) -> Result<Option<azconnect::core::Secret>, azconnect::core::Error> {
        Ok(self.0.lock().unwrap().as_ref().map(azconnect::core::Secret::duplicate))
    }

    async fn store(&self, candidate: &Candidate<'_>) -> Result<(), azconnect::core::Error> {
        *self.0.lock().unwrap() = Some(candidate.secret.duplicate());
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn the_orchestrator_rotates_its_own_secret_without_locking_itself_out() {
    let contoso = Contoso::new();
    let identity = contoso.operator(contoso.emulator.transport());
    let configuration = Arc::new(Configuration::default());
    let target = identity.target(operator()).unwrap().with_policy(policy()).with_adopted(operator_key());
    let rotator = contoso.rotator(contoso.ports());

    let refused = rotator.rotate_now(&target).await.unwrap();
    let RotationOutcome::Refused { plan, .. } = &refused else { panic!("{refused:?}") };
    assert_eq!(plan.blockers()[0].1.code, "own-credential-unbound");

    let own = identity.own_credential(configuration.clone()).unwrap();
    let target = target.with_sink(SinkBinding::new(Arc::new(own)));
    let outcome = rotator.rotate_now(&target).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    let truth = contoso.emulator.truth();
    let passwords = &truth.application(operator()).unwrap().passwords;
    assert!(!passwords.iter().any(|password| password.key_id == operator_key() && password.live));
    let new = passwords.iter().find(|password| password.live).unwrap();
    let stored = configuration.0.lock().unwrap().take().unwrap();
    assert!(stored.same_as(&contoso.emulator.secret_of(new.key_id).unwrap()), "the configuration holds the new one");
    // It still acts, with tokens that only the new secret could have fetched.
    contoso.clock.sleep(std::time::Duration::from_secs(7200)).await;
    assert!(identity.graph().application_by_client_id(operator()).await.is_ok());
}

/// Puts a secret into a service connection, as a person does in the portal.
async fn put_by_hand(contoso: &Contoso, secret: &azconnect::core::Secret) {
    use azconnect::devops::{EndpointChange, OrganizationName, ProjectRef};
    let person = contoso.operator(contoso.emulator.transport());
    let organization = person.devops().organization(&OrganizationName::new("contoso").unwrap()).unwrap();
    let endpoints = organization.endpoints(ProjectRef::new("Web").unwrap());
    let before = endpoints.get(connections()[0].into()).await.unwrap();
    endpoints.update(&before, &EndpointChange::new().with_secret(secret)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_person_who_puts_the_old_secret_back_during_the_grace_is_noticed_also_by_another_process() {
    let contoso = Contoso::new();
    let impatient = contoso.rotator(contoso.ports()).with_patience(std::time::Duration::from_secs(60));
    let outcome = impatient.rotate(&contoso.target(contoso.emulator.transport())).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Waiting { .. }), "the grace outlasts the patience: {outcome:?}");
    // The old secret still works, so a mere "it works" would not tell.
    contoso.clock.sleep(std::time::Duration::from_secs(60)).await;
    put_by_hand(&contoso, &contoso.emulator.secret_of(old_key()).unwrap()).await;

    let outcome = contoso.rotator(contoso.ports()).rotate(&contoso.target(contoso.emulator.transport())).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    assert_finished(&contoso).await;
}
