//! The pure halves against a random world: whatever is answered, the rules hold and an end is reached.

use std::time::Duration;

use azconnect_core::KeyId;
use azconnect_credential::{Marker, Retirement, SinkId};
use azconnect_rotation::state::Mint;
use azconnect_rotation::{Action, Policy, Problem, RemovalCause, RotationEvent, RotationState, decide};
use proptest::prelude::*;
use serde_json::json;
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

const START: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);
const SINKS: [&str; 3] = ["a", "b", "optional"];

fn key(n: u128) -> KeyId {
    Uuid::from_u128(n).into()
}

fn old() -> KeyId {
    key(1)
}

fn sinks() -> Vec<SinkId> {
    SINKS.iter().map(|name| SinkId::new(name).unwrap()).collect()
}

fn policy() -> Policy {
    Policy::default().with_attempts(3)
}

/// Writes down a rotation whose old secret is sealed or adopted.
fn begun(old_is_sealed: bool) -> World {
    let mut world = World::new();
    if old_is_sealed {
        world.rotation_began(vec![]);
        world.record(RotationEvent::MintIntended { marker: marker(0), ends_at: None });
        world.record(minted(marker(0), old()));
        world.record(RotationEvent::Rotated);
    }
    world.rotation_began(vec![old()]);
    world
}

fn marker(n: u32) -> Marker {
    Marker::new(format!("azconnect {n}")).unwrap()
}

fn minted(marker: Marker, key: KeyId) -> RotationEvent {
    serde_json::from_value(json!({
        "event": "minted", "marker": marker, "key": key, "sealed": "sealed/x",
        "ends_at": "2027-01-01T00:00:00Z", "minted_at": "2026-01-01T00:00:00Z",
    }))
    .unwrap()
}

fn problem(may_pass: bool, untouched: bool) -> Problem {
    serde_json::from_value(json!({"message": "m", "advice": "a", "may_pass": may_pass, "untouched": untouched}))
        .unwrap()
}

/// A world that answers at random, and remembers what it must judge.
struct World {
    state: RotationState,
    now: OffsetDateTime,
    minted: u32,
    log: Vec<RotationEvent>,
}

impl World {
    fn new() -> Self {
        Self { state: RotationState::default(), now: START, minted: 10, log: Vec::new() }
    }

    fn rotation_began(&mut self, retire: Vec<KeyId>) {
        let terms: Vec<_> = SINKS
            .iter()
            .map(|name| json!({"sink": name, "title": name, "required": *name != "optional", "accept_receipt": false}))
            .collect();
        let event = json!({
            "event": "begun", "rotation": "r", "title": "t", "policy": policy(), "sinks": terms, "retire": retire,
            "ends_at": "2027-01-01T00:00:00Z",
        });
        self.record(serde_json::from_value(event).unwrap());
    }

    fn record(&mut self, event: RotationEvent) {
        self.judge(&event);
        self.state = self.state.clone().evolve(&event, self.now).unwrap();
        self.log.push(event);
    }

    /// The rules that no answer of the world may break.
    fn judge(&self, event: &RotationEvent) {
        let RotationEvent::RemovalIntended { key, cause, marker, .. } = event else { return };
        match cause {
            RemovalCause::Superseded => {
                let rotation = self.state.rotation.as_ref().unwrap();
                assert!(rotation.retire.contains(key), "only what was to be retired is");
                let proven = |name: &str| {
                    rotation
                        .sinks
                        .iter()
                        .any(|sink| sink.terms.sink.as_str() == name && sink.proof.is_some() && sink.receipt.is_some())
                };
                assert!(proven("a") && proven("b"), "every required consumer has proof");
                let cut_over_at = rotation.cut_over_at.expect("cut over");
                assert!(self.now >= cut_over_at + rotation.policy.grace, "the grace has passed");
                let cleared_at = rotation.gate.passed_at.expect("cleared");
                assert!(self.now - cleared_at <= Duration::from_secs(300), "the clearance is fresh");
            }
            RemovalCause::RolledBack => {
                let rotation = self.state.rotation.as_ref().unwrap();
                assert!(!rotation.sinks.iter().any(|sink| sink.may_hold_new()), "nobody holds the new secret");
                assert_ne!(*key, old());
            }
            RemovalCause::Lost => assert!(marker.is_some(), "it carries our marker"),
            _ => panic!("an unknown cause"),
        }
    }

    /// Performs an action, with the dice deciding what the world answers.
    fn perform(&mut self, action: Action, dice: &mut impl FnMut(u32) -> u32) {
        match action {
            Action::Rest => {}
            Action::Wait { until, .. } => self.now = until,
            Action::Record(event) => self.record(*event),
            Action::Mint => {
                self.minted += 1;
                let marker = marker(self.minted);
                self.record(RotationEvent::MintIntended { marker: marker.clone(), ends_at: None });
                match dice(5) {
                    0 => self.record(RotationEvent::MintRefused { marker, problem: problem(dice(4) != 0, true) }),
                    1 => self.record(RotationEvent::MintUnanswered { marker, problem: problem(true, false) }),
                    2 => {} // crashed before the answer was recorded
                    _ => self.record(minted(marker, key(u128::from(self.minted)))),
                }
            }
            Action::Search { marker } => match dice(4) {
                0 => {
                    let lost = key(1000 + u128::from(self.minted) + u128::from(dice(1000)));
                    self.record(RotationEvent::RemovalIntended {
                        key: lost,
                        cause: RemovalCause::Lost,
                        marker: Some(marker),
                        holder: None,
                    });
                }
                1 => self.record(RotationEvent::MarkerUnread { marker, problem: problem(true, true) }),
                _ => self.record(RotationEvent::MarkerAbsent { marker }),
            },
            Action::Prove => match dice(4) {
                0 => self.record(RotationEvent::ProofDeferred { problem: problem(true, true) }),
                _ => self.record(RotationEvent::Proven { evidence: "e".into() }),
            },
            Action::Push { sinks } => {
                self.record(RotationEvent::PushIntended { sinks: sinks.clone() });
                for sink in sinks {
                    match dice(6) {
                        0 => self
                            .record(RotationEvent::PushFailed { sink, problem: problem(dice(8) != 0, dice(2) == 0) }),
                        1 => {} // crashed in flight
                        _ => self.record(RotationEvent::Pushed { sink, evidence: "e".into(), revision: None }),
                    }
                }
            }
            Action::Verify { sinks } => {
                for sink in sinks {
                    match dice(6) {
                        0 => self.record(RotationEvent::SinkUnverified {
                            sink,
                            rejected: dice(2) == 0,
                            problem: problem(true, true),
                        }),
                        _ => self.record(RotationEvent::SinkVerified { sink, evidence: "e".into() }),
                    }
                }
            }
            Action::Gate => match dice(5) {
                0 => self.record(RotationEvent::GateHeld { problem: problem(true, true) }),
                1 => {
                    self.record(RotationEvent::SinkDisproved { sink: sinks()[0].clone(), problem: problem(true, true) })
                }
                _ => self.record(RotationEvent::Cleared { evidence: "e".into() }),
            },
            Action::Remove { key } => match dice(5) {
                0 => self.record(RotationEvent::RemovalFailed { key, problem: problem(true, false) }),
                1 => self.record(RotationEvent::RemovalAnswered { key, answer: Retirement::NotListed }),
                _ => self.record(RotationEvent::RemovalAnswered { key, answer: Retirement::Accepted }),
            },
            Action::CheckRemoved { key } => self.record(RotationEvent::KeyRead { key, listed: dice(4) == 0 }),
            Action::Forget { key, .. } => self.record(RotationEvent::Forgotten { key }),
            Action::ProveOld { .. } => match dice(6) {
                0 => self.record(RotationEvent::Blocked { problem: problem(true, true) }),
                _ => self.record(RotationEvent::OldProven { evidence: "e".into() }),
            },
            Action::Restore { sinks, .. } => {
                for sink in sinks {
                    match dice(5) {
                        0 => self.record(crate::tale::push_back_failed(sink.as_str(), problem(true, false))),
                        _ => self.record(RotationEvent::Restored {
                            sink,
                            evidence: "e".into(),
                            receipt: None,
                            revision: None,
                        }),
                    }
                }
            }
            Action::GateBack { .. } => match dice(5) {
                0 => self.record(RotationEvent::BackHeld { problem: problem(true, true) }),
                1 => {
                    let restored = self.state.rotation.as_ref().unwrap().sinks.iter().find(|sink| sink.restored);
                    let sink = restored.unwrap().terms.sink.clone();
                    self.record(RotationEvent::RestoreUndone { sink, problem: problem(true, true) });
                }
                _ => self.record(RotationEvent::BackCleared { evidence: "e".into() }),
            },
            other => panic!("an unknown action {other:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_the_world_answers_an_end_is_reached_and_no_rule_is_broken(seed: u64, old_is_sealed: bool) {
        let mut world = begun(old_is_sealed);
        let mut random = seed;
        let mut dice = |sides: u32| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((random >> 33) as u32) % sides
        };
        let mut steps = 0;
        loop {
            if world.state.rotation.as_ref().is_none_or(|rotation| rotation.blocked().is_some()) {
                break;
            }
            steps += 1;
            prop_assert!(steps < 3000, "no end: {:?}", world.state);
            let action = decide(&world.state, world.now);
            prop_assert!(action != Action::Rest, "a rotation that is under way always has a next step: {:?}", world.state);
            world.perform(action, &mut dice);
        }
        let old_is_ours = world.state.ledger.contains_key(&old());
        match (&world.state.rotation, &world.state.last) {
            (Some(_), _) => prop_assert!(old_is_ours || world.state.removals.contains_key(&old()) || removed(&world, old())),
            (None, Some(last)) if last.rolled_back.is_some() => prop_assert!(!removed(&world, old()), "a rollback keeps the old secret"),
            (None, _) => prop_assert!(!old_is_ours, "a rotation removes the old secret"),
        }
    }

    #[test]
    fn the_journal_alone_tells_the_state(seed: u64) {
        let mut world = begun(true);
        let mut random = seed;
        let mut dice = |sides: u32| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((random >> 33) as u32) % sides
        };
        let mut replayed = RotationState::default();
        let mut read = 0;
        for _ in 0..60 {
            let before = world.now;
            let action = decide(&world.state, world.now);
            world.perform(action, &mut dice);
            let at = if world.log.len() == read { before } else { world.now };
            for event in &world.log[read..] {
                // Through JSON, as a journal would keep it.
                let text = serde_json::to_string(event).unwrap();
                let back: RotationEvent = serde_json::from_str(&text).unwrap();
                prop_assert_eq!(&back, event);
                replayed = replayed.evolve(&back, at).unwrap();
            }
            read = world.log.len();
        }
        prop_assert_eq!(replayed, world.state);
    }
}

fn removed(world: &World, key: KeyId) -> bool {
    world.log.iter().any(|event| matches!(event, RotationEvent::Removed { key: gone } if *gone == key))
}

#[test]
fn the_happy_path_is_as_long_as_it_must_be() {
    let mut world = begun(true);
    let mut names = Vec::new();
    while world.state.rotation.is_some() {
        let before = world.log.len();
        let action = decide(&world.state, world.now);
        world.perform(action, &mut |sides| sides - 1);
        names.extend(
            world.log[before..]
                .iter()
                .map(|event| serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned()),
        );
    }
    assert_eq!(
        names,
        [
            "mint_intended",
            "minted",
            "proven",
            "push_intended",
            "pushed",
            "pushed",
            "pushed",
            "sink_verified",
            "sink_verified",
            "sink_verified",
            "cut_over",
            "cleared",
            "removal_intended",
            "removal_answered",
            "key_read",
            "key_read",
            "key_read",
            "removed",
            "forgotten",
            "cleared",
            "rotated",
        ]
    );
    assert!(world.now - START >= policy().settle + policy().grace);
}

#[test]
fn a_key_that_is_not_ours_is_never_on_its_way_out() {
    let world = begun(true);
    let foreign =
        RotationEvent::RemovalIntended { key: key(99), cause: RemovalCause::Superseded, marker: None, holder: None };
    let error = azconnect_core::Error::from(world.state.evolve(&foreign, START).unwrap_err());
    assert_eq!(error.kind(), azconnect_core::ErrorKind::Corrupt);
}

#[test]
fn a_refused_mint_changes_nothing_and_ends_the_rotation() {
    let mut world = begun(false);
    world.record(RotationEvent::MintIntended { marker: marker(1), ends_at: None });
    world.record(RotationEvent::MintRefused { marker: marker(1), problem: problem(false, true) });
    let action = decide(&world.state, world.now);
    assert!(matches!(action, Action::Record(event) if matches!(*event, RotationEvent::RolledBack { .. })));
}

#[test]
fn a_mint_without_answer_is_searched_for_and_then_watched() {
    let mut world = begun(false);
    world.record(RotationEvent::MintIntended { marker: marker(1), ends_at: None });
    let mut reads = 0;
    while matches!(world.state.rotation.as_ref().unwrap().mint, Mint::Asked { .. }) {
        match decide(&world.state, world.now) {
            Action::Search { marker } => {
                reads += 1;
                world.record(RotationEvent::MarkerAbsent { marker });
            }
            action => world.perform(action, &mut |sides| sides - 1),
        }
    }
    assert_eq!(reads, policy().absence_reads);
    assert_eq!(world.state.watch.len(), 1);
    assert_eq!(decide(&world.state, world.now), Action::Mint);
}

#[test]
fn the_orphan_watch_looks_a_last_time_when_it_ends() {
    let mut world = begun(false);
    world.record(RotationEvent::MintIntended { marker: marker(1), ends_at: None });
    let until = world.now + Duration::from_secs(3600);
    world.record(RotationEvent::MarkerWatched { marker: marker(1), until });
    world.record(RotationEvent::RolledBack { problem: problem(false, true) });
    let mut last_look = START;
    loop {
        match decide(&world.state, world.now) {
            Action::Search { marker } => {
                last_look = world.now;
                world.record(RotationEvent::MarkerAbsent { marker });
            }
            Action::Rest => break,
            action => world.perform(action, &mut |sides| sides - 1),
        }
    }
    assert_eq!(last_look, until);
    assert!(world.state.is_at_rest());
}

/// A rotation that has been cut over, and whose last proof is given at the end of the grace.
fn cleared() -> World {
    let mut world = begun(true);
    while !world.log.iter().any(|event| matches!(event, RotationEvent::Cleared { .. })) {
        let action = decide(&world.state, world.now);
        world.perform(action, &mut |sides| sides - 1);
    }
    world
}

#[test]
fn a_proof_that_is_old_or_from_the_future_clears_nothing() {
    let world = cleared();
    let permits = |now| matches!(decide(&world.state, now), Action::Record(event) if matches!(*event, RotationEvent::RemovalIntended { .. }));
    assert!(permits(world.now));
    assert!(!permits(world.now + Duration::from_secs(301)), "it is old");
    assert!(!permits(world.now - Duration::from_secs(3600)), "the clock was set back");
}

#[test]
fn a_last_look_that_fails_is_repeated_after_a_pause() {
    let mut world = begun(false);
    world.record(RotationEvent::MintIntended { marker: marker(1), ends_at: None });
    let until = world.now + Duration::from_secs(3600);
    world.record(RotationEvent::MarkerWatched { marker: marker(1), until });
    world.record(RotationEvent::RolledBack { problem: problem(false, true) });
    world.now = until;
    for _ in 0..3 {
        assert!(matches!(decide(&world.state, world.now), Action::Search { .. }));
        world.record(RotationEvent::MarkerUnread { marker: marker(1), problem: problem(true, true) });
        let action = decide(&world.state, world.now);
        assert!(matches!(action, Action::Wait { until, .. } if until > world.now), "{action:?}");
        world.perform(action, &mut |sides| sides - 1);
    }
}

#[test]
fn reads_for_a_lost_secret_that_fail_are_spaced_more_and_more_and_end_with_a_person() {
    let mut world = begun(false);
    world.record(RotationEvent::MintIntended { marker: marker(1), ends_at: None });
    let mut reads = 0;
    while world.state.rotation.as_ref().unwrap().blocked().is_none() {
        match decide(&world.state, world.now) {
            Action::Search { marker } => {
                reads += 1;
                world.record(RotationEvent::MarkerUnread { marker, problem: problem(true, true) });
            }
            action => world.perform(action, &mut |sides| sides - 1),
        }
    }
    assert!(reads < 2100, "{reads} reads in a week");
    world.record(RotationEvent::Unblocked);
    assert!(matches!(decide(&world.state, world.now), Action::Search { .. }));
}

#[test]
fn no_secret_is_asked_for_while_two_lost_ones_may_turn_up() {
    let mut world = begun(false);
    for n in 1..=2 {
        assert_eq!(decide(&world.state, world.now), Action::Mint);
        world.record(RotationEvent::MintIntended { marker: marker(n), ends_at: None });
        let until = world.now + Duration::from_secs(3600);
        world.record(RotationEvent::MarkerWatched { marker: marker(n), until });
    }
    assert!(matches!(decide(&world.state, world.now), Action::Wait { .. }));
}

#[test]
fn a_lost_secret_whose_removal_nobody_took_stays_on_the_watch() {
    for (answer, watched) in [(Retirement::NotListed, 1), (Retirement::Accepted, 0)] {
        let mut world = begun(false);
        world.record(RotationEvent::MintIntended { marker: marker(1), ends_at: None });
        let lost = key(77);
        world.record(RotationEvent::RemovalIntended {
            key: lost,
            cause: RemovalCause::Lost,
            marker: Some(marker(1)),
            holder: None,
        });
        world.record(RotationEvent::RemovalAnswered { key: lost, answer });
        while world.state.removals.contains_key(&lost) {
            let action = decide(&world.state, world.now);
            world.perform(action, &mut |sides| sides - 1);
        }
        assert_eq!(world.state.watch.len(), watched);
    }
}
