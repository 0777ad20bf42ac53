//! Moments and lengths that nobody means: a broken clock, an edited policy, an end that a service wrote.

use std::time::Duration;

use azconnect_rotation::{Policy, RemovalCause, RotationEvent, decide};
use proptest::prelude::*;
use time::macros::datetime;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

use crate::tale::{
    Tale, answered, cleared, lost, marker, new, old, old_proven, proven, push_failed, pushed, pushing, read, refused,
    removing, restored, terms, turns_back, verified,
};

fn moments() -> impl Strategy<Value = OffsetDateTime> {
    prop_oneof![
        Just(datetime!(9999-12-31 23:59:59 -23:59)),
        Just(datetime!(0000-01-01 0:00 +23:59)),
        Just(PrimitiveDateTime::MAX.assume_utc()),
        Just(PrimitiveDateTime::MIN.assume_utc()),
        Just(PrimitiveDateTime::MAX.assume_offset(UtcOffset::from_hms(-25, 0, 0).unwrap())),
        Just(PrimitiveDateTime::MIN.assume_offset(UtcOffset::from_hms(25, 0, 0).unwrap())),
        Just(datetime!(2026-01-01 0:00 UTC)),
        (-377_705_116_800_i64..253_402_300_800).prop_map(|at| OffsetDateTime::from_unix_timestamp(at).unwrap()),
    ]
}

fn lengths() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        Just(Duration::from_secs(i64::MAX as u64)),
        Just(Duration::MAX),
        any::<u64>().prop_map(Duration::from_secs),
        any::<u64>().prop_map(Duration::from_nanos),
    ]
}

fn policies() -> impl Strategy<Value = Policy> {
    (proptest::array::uniform10(lengths()), any::<u32>(), any::<u32>()).prop_map(|(of, attempts, reads)| {
        let [lifetime, before, budget, settle, proof, grace, pause, spacing, watch, life] = of;
        Policy::default()
            .with_lifetime(lifetime)
            .with_rotate_before(before)
            .with_retry_budget(budget)
            .with_settle(settle)
            .with_proof_timeout(proof)
            .with_grace(grace)
            .with_pause(pause)
            .with_absence_spacing(spacing)
            .with_orphan_watch(watch)
            .with_restore_life(life)
            .with_attempts(attempts)
            .with_absence_reads(reads)
    })
}

fn events() -> impl Strategy<Value = RotationEvent> {
    prop_oneof![
        Just(RotationEvent::Resumed),
        Just(RotationEvent::MintIntended { marker: marker(2), ends_at: None }),
        moments().prop_map(|at| RotationEvent::MintIntended { marker: marker(2), ends_at: Some(at) }),
        Just(RotationEvent::MintUnanswered { marker: marker(2), problem: lost() }),
        Just(RotationEvent::MarkerAbsent { marker: marker(2) }),
        moments().prop_map(|until| RotationEvent::MarkerWatched { marker: marker(2), until }),
        Just(RotationEvent::ProofDeferred { problem: refused() }),
        Just(proven()),
        Just(pushing(&["a"])),
        Just(pushed("a")),
        Just(verified("a")),
        Just(push_failed("a", lost())),
        Just(push_failed("a", refused())),
        Just(RotationEvent::CutOver),
        Just(cleared()),
        Just(RotationEvent::GateHeld { problem: lost() }),
        Just(removing(old(), RemovalCause::Superseded)),
        Just(removing(new(), RemovalCause::RolledBack)),
        Just(answered(old())),
        Just(RotationEvent::RemovalFailed { key: old(), problem: lost() }),
        any::<bool>().prop_map(|listed| read(old(), listed)),
        Just(turns_back()),
        Just(old_proven()),
        Just(restored("a")),
        Just(RotationEvent::Blocked { problem: refused() }),
        Just(RotationEvent::Retried),
        Just(RotationEvent::Abandoned),
        Just(RotationEvent::Rotated),
        Just(RotationEvent::RolledBack { problem: refused() }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn whatever_happens_at_any_moment_under_any_policy_a_next_step_is_told(
        policy in policies(),
        story in proptest::collection::vec((events(), moments(), moments()), 0..24),
        begins in 0..4_usize,
    ) {
        let tale = match begins {
            0 => Tale::begun(&[terms("a", true)]),
            1 => Tale::minted(&[terms("a", true)]),
            2 => Tale::after_the_grace(),
            _ => Tale::given_back(),
        };
        let mut state = tale.state;
        if let Some(rotation) = &mut state.rotation {
            // Past the check of a policy's bounds: a journal may be older than they are.
            rotation.policy = policy.clone();
        }
        for (event, at, now) in story {
            let Ok(next) = state.clone().evolve(&event, at) else { continue };
            state = next;
            let _ = decide(&state, now);
            let _ = (state.due_at(&policy), state.stuck(), state.is_at_rest());
            let _ = serde_json::to_string(&state);
        }
    }

    #[test]
    fn any_policy_is_judged_and_refused_beyond_its_bounds(policy in policies(), maximum in proptest::option::of(lengths())) {
        if policy.check().is_ok() {
            prop_assert!(policy.lifetime <= Policy::LONGEST_LIFETIME);
        }
        let _ = policy.lifetime_within(maximum);
    }
}
