//! A product that dies at any write while it keeps, replaces or forgets a connection.

use std::sync::Arc;
use std::time::Duration;

use azconnect::core::{Clock, Effect, Error, ErrorKind};
use azconnect::credential::ConnectionId;
use azconnect::{Azure, Connections, NewSecret, Storage};
use azconnect_testkit::conformance::connection_keeper::KeeperHarness as _;

use crate::connections::{Stage, request};
use crate::mortal::{DEATHS, Death, Mortal};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Work {
    Connect,
    Replace,
    Disconnect,
}

fn shop() -> ConnectionId {
    "shop".parse().unwrap()
}

/// Does a piece of work over stores of which one write ends badly. `None` if it never came to that write; else what the
/// caller learnt, if it lived to learn anything.
async fn interrupted(stage: &Stage, work: Work, death: Death, at: i64) -> Option<Option<Result<(), Error>>> {
    let mortal = Arc::new(Mortal::new(stage.secrets.clone(), stage.documents.clone(), death, at));
    let azure = Azure::new(stage.emulator.cloud(), stage.emulator.transport(), stage.clock.clone());
    let empty = Storage::in_memory(stage.clock.clone());
    let connections = azure.connections(&Storage::new(empty.journal(), mortal.clone(), empty.lease(), mortal.clone()));
    let done = tokio::time::timeout(Duration::from_secs(600), act(&connections, stage, work)).await.ok();
    mortal.came_to_it().then_some(done)
}

async fn act(connections: &Connections, stage: &Stage, work: Work) -> Result<(), Error> {
    match work {
        Work::Connect => connections.connect(request("shop"), stage.working_secret()).await.map(drop),
        Work::Replace => connections.replace_secret(&shop(), NewSecret::new(stage.working_secret())).await.map(drop),
        Work::Disconnect => connections.disconnect(&shop()).await,
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_write_ends_badly_a_record_never_names_a_secret_that_is_gone() {
    let mut worlds = 0;
    for work in [Work::Connect, Work::Replace, Work::Disconnect] {
        for death in DEATHS {
            for at in 0.. {
                let stage = Stage::new();
                // Another customer, whose connection must be left alone.
                stage.connections.connect(request("neighbour"), stage.working_secret()).await.unwrap();
                if work != Work::Connect {
                    stage.connections.connect(request("shop"), stage.working_secret()).await.unwrap();
                }
                let Some(learnt) = interrupted(&stage, work, death, at).await else { break };
                worlds += 1;
                let about = format!("{work:?}, write {at} {death:?}: {learnt:?}");
                stands(&stage, work, learnt, &about).await;
                repeated(&stage, work, &about).await;
            }
        }
    }
    assert!(worlds >= 24, "{worlds} interruptions");
}

/// What must be true right after the interruption.
async fn stands(stage: &Stage, work: Work, learnt: Option<Result<(), Error>>, about: &str) {
    let found = stage.connections.get(&shop()).await.unwrap();
    let works = match &found {
        Some(_) => stage.connections.test(&shop()).await.map(|tested| tested.is_accepted()),
        None => Ok(false),
    };
    match (work, found.is_some()) {
        // Half ended: the record is there so that it can be ended again, and says that the secret is gone.
        (Work::Disconnect, true) => assert!(works.as_ref().is_ok_and(|works| *works) || works.is_err(), "{about}"),
        (_, true) => assert!(works.unwrap(), "{about}: the record names a secret that does not work"),
        (Work::Replace, false) => panic!("{about}: the connection is lost"),
        (_, false) => {}
    }
    match learnt {
        Some(Ok(())) => assert_eq!(found.is_some(), work != Work::Disconnect, "{about}"),
        Some(Err(error)) if error.effect() == Effect::None && work == Work::Connect => {
            assert!(found.is_none(), "{about}: said to have had no effect");
        }
        _ => {}
    }
    assert!(stage.connections.test(&"neighbour".parse().unwrap()).await.unwrap().is_accepted(), "{about}");
}

/// The same again by a product that was started anew, and a sweep: all is as if nothing had happened.
async fn repeated(stage: &Stage, work: Work, about: &str) {
    let again = act(&stage.connections, stage, work).await;
    let was_made = again.as_ref().is_err_and(|error| error.kind() == ErrorKind::Conflict) && work == Work::Connect;
    assert!(again.is_ok() || was_made, "{about}: {again:?}");
    stage.clock.sleep(Duration::from_secs(7200)).await;
    stage.connections.sweep(Duration::from_secs(3600)).await.unwrap();
    let connections = if work == Work::Disconnect { 1 } else { 2 };
    assert_eq!(stage.sealed().await.len(), connections, "{about}: a sealed secret is left over, or lost");
    if work != Work::Disconnect {
        assert!(stage.connections.test(&shop()).await.unwrap().is_accepted(), "{about}");
    }
}
