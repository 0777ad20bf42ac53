//! A setup killed at every append and around every exchange: the next process goes on, and an undo takes all of it back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

use std::sync::Arc;

use azconnect::core::Error;
use azconnect::setup::{SetUp, Setup, TakenBack};
use azconnect_emulator::Intervention;
use azconnect_tests::deadly::{DeadlyJournal, DeadlyTransport, Death, Moment};
use azconnect_tests::setting_up::{Tenant, id, parsed, whole};

/// What a process does before it ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    Run,
    Undo,
}

/// Runs one process. None if it died; and how many appends and exchanges it made.
async fn process(
    tenant: &Tenant,
    work: Work,
    append: Moment,
    exchange: Moment,
) -> (Option<Result<(), Error>>, u32, u32) {
    let (by_append, by_exchange) = (Arc::new(Death::default()), Arc::new(Death::default()));
    let (inner, moment, death) = (tenant.emulator.transport(), exchange, by_exchange.clone());
    let transport = Arc::new(DeadlyTransport { inner, moment, death });
    let (inner, moment, death) = (tenant.journal.clone(), append, by_append.clone());
    let setup = tenant.setup(transport, Arc::new(DeadlyJournal { inner, moment, death }));
    let outcome = async {
        match work {
            Work::Run => setup.run(&setup.plan(id(), whole()).await?).await.map(drop),
            Work::Undo => setup.undo(&id()).await.map(drop),
        }
    };
    let outcome = tokio::select! {
        biased;
        outcome = outcome => Some(outcome),
        () = by_append.come() => None,
        () = by_exchange.come() => None,
    };
    (outcome, by_append.count(), by_exchange.count())
}

/// One application, one secret, one role, one group, and nothing that waits.
async fn assert_set_up(tenant: &Tenant) -> SetUp {
    let setup = tenant.calm();
    let done = setup.run(&setup.plan(id(), whole()).await.unwrap()).await.unwrap();
    assert_eq!(tenant.named("Contoso builds"), [done.client], "one application");
    assert_eq!(tenant.live_keys(done.client), 1, "one secret");
    assert_eq!(tenant.roles(done.principal).await, 1, "one role");
    assert_eq!(tenant.groups().await, ["rg-builds"], "one group");
    assert!(tenant.journal.unfinished().await.unwrap().is_empty());
    let names = tenant.secrets.list("setup/", None).await.unwrap();
    assert_eq!(names, [done.secret.clone().unwrap()], "what was sealed for a lost secret is forgotten");
    done
}

async fn assert_taken_back(tenant: &Tenant) -> TakenBack {
    let taken = tenant.calm().undo(&id()).await.unwrap();
    assert!(taken.left.is_empty(), "{taken:?}");
    assert!(tenant.named("Contoso builds").is_empty(), "no application stays");
    assert!(tenant.groups().await.is_empty(), "no group stays");
    assert!(tenant.secrets.list("setup/", None).await.unwrap().is_empty(), "no secret stays sealed");
    assert!(tenant.journal.unfinished().await.unwrap().is_empty());
    taken
}

#[tokio::test(start_paused = true)]
async fn killed_before_and_after_every_append_it_goes_on_and_can_be_taken_back() {
    let moments: [fn(u32) -> Moment; 2] = [Moment::Before, Moment::After];
    for moment in moments {
        for number in 1.. {
            let tenant = Tenant::new();
            let (outcome, ..) = process(&tenant, Work::Run, moment(number), Moment::Never).await;
            if outcome.is_some() {
                assert!(number > 12, "{number}");
                break;
            }
            tenant.outlive_the_dead().await;
            // What was begun and not recorded is taken back as well as what is gone on with.
            if number % 2 == 0 && number > 1 {
                assert_set_up(&tenant).await;
            }
            if tenant.calm().status(&id()).await.is_ok() {
                assert_taken_back(&tenant).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn killed_before_and_after_every_exchange_it_goes_on() {
    let moments: [fn(u32) -> Moment; 2] = [Moment::Before, Moment::After];
    for moment in moments {
        for number in 1.. {
            let tenant = Tenant::new();
            let (outcome, ..) = process(&tenant, Work::Run, Moment::Never, moment(number)).await;
            if outcome.is_some() {
                assert!(number > 20, "{number}");
                break;
            }
            tenant.outlive_the_dead().await;
            assert_set_up(&tenant).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn killed_before_and_after_every_exchange_it_can_be_taken_back() {
    let moments: [fn(u32) -> Moment; 2] = [Moment::Before, Moment::After];
    for moment in moments {
        for number in 1.. {
            let tenant = Tenant::new();
            let (outcome, ..) = process(&tenant, Work::Run, Moment::Never, moment(number)).await;
            if outcome.is_some() {
                break;
            }
            tenant.outlive_the_dead().await;
            if tenant.calm().status(&id()).await.is_ok() {
                assert_taken_back(&tenant).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_is_killed_around_any_exchange_or_append_goes_on() {
    let moments: [fn(u32) -> Moment; 2] = [Moment::Before, Moment::After];
    for moment in moments {
        for by_append in [true, false] {
            for number in 1.. {
                let tenant = Tenant::new();
                assert_set_up(&tenant).await;
                let (append, exchange) =
                    if by_append { (moment(number), Moment::Never) } else { (Moment::Never, moment(number)) };
                let (outcome, ..) = process(&tenant, Work::Undo, append, exchange).await;
                if outcome.is_some() {
                    assert!(number > 5, "{number}");
                    break;
                }
                tenant.outlive_the_dead().await;
                assert_taken_back(&tenant).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_exchange_may_lose_its_answer_or_its_connection_once() {
    for verdict in [Intervention::LoseAnswer, Intervention::DropBefore, Intervention::Refuse] {
        for number in 1..70 {
            let tenant = Tenant::new();
            let told = verdict.clone();
            tenant.emulator.on_exchange(Arc::new(move |exchange| {
                if exchange.number == number { told.clone() } else { Intervention::Proceed }
            }));
            let _ = process(&tenant, Work::Run, Moment::Never, Moment::Never).await;
            let done = assert_set_up(&tenant).await;
            assert_eq!(done.id, parsed("contoso"));
        }
    }
}
