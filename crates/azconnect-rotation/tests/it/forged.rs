//! A journal in which somebody else's secret is named.

use std::sync::Arc;

use azconnect_core::{Append, Effect, ErrorKind, Journal, Record, Secret, SecretId, Sequence};
use azconnect_rotation::{Resolution, RotationEvent};
use azconnect_store::MemoryJournal;
use azconnect_testkit::fake::Call;

use crate::adversary::killed_after;
use crate::stage::Stage;

const VICTIM: &str = "rotation/application/victim/1";

/// The stage after a mint, with the victim's sealed secret in the place of the one that was minted.
async fn forged() -> Stage {
    let mut stage = killed_after(|event| matches!(event, RotationEvent::Minted { .. })).await;
    stage.secrets.put(&SecretId::new(VICTIM).unwrap(), &Secret::new("the victim's")).await.unwrap();
    let stream = stage.target().stream().unwrap();
    let entries = stage.journal.read(&stream, Sequence::START).await.unwrap();
    let epoch = entries.last().unwrap().epoch;
    let records = entries.into_iter().map(|entry| {
        let mut payload: serde_json::Value = serde_json::from_str(&entry.record.payload).unwrap();
        if entry.record.kind == "minted" {
            assert!(payload["sealed"].is_string(), "{payload}");
            payload["sealed"] = VICTIM.into();
        }
        Record::new(entry.record.kind, payload.to_string(), entry.record.at)
    });
    let journal = MemoryJournal::new();
    journal.append(Append::new(stream, Sequence::START, epoch, records.collect())).await.unwrap();
    stage.journal = Arc::new(journal);
    stage
}

#[tokio::test(start_paused = true)]
async fn a_forged_mint_pushes_nobody_elses_secret() {
    let stage = forged().await;
    let called = stage.directory.calls().len();
    let (rotator, target) = (stage.rotator(), stage.target());
    let refusals = [
        rotator.rotate(&target).await.err(),
        rotator.plan(&target).await.err(),
        rotator.resolve(&target, Resolution::Abandon).await.err(),
        rotator.disconnect(target.subject()).await.err(),
        rotator.state(target.subject()).await.err(),
    ];
    for error in refusals {
        let error = error.expect("nothing is done with a forged journal");
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Corrupt, Effect::None), "{error}");
        assert!(error.to_string().contains(VICTIM) && error.advice().contains("backup"), "{error}");
    }
    let held = stage.secrets.get(&SecretId::new(VICTIM).unwrap()).await.unwrap();
    assert_eq!(held.expect("it is still there").expose(), "the victim's");
    let later = stage.directory.calls();
    let effects = later.iter().skip(called).filter(|call| !matches!(call, Call::Inventory));
    assert_eq!(effects.count(), 0, "{later:?}");
}
