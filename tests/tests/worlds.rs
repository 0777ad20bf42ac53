//! Whole worlds, played from their seeds.

use azconnect_tests::worlds::{Plan, play};

#[test]
fn the_same_seed_tells_the_same_story() {
    for seed in [1, 3, 4, 5, 8] {
        let plan = Plan::of(seed);
        let (first, second) = (play(&plan, true), play(&plan, true));
        for (one, other) in first.story.lines().iter().zip(second.story.lines()) {
            assert_eq!(one, other, "world {seed}");
        }
        assert_eq!(first.story.digest(), second.story.digest(), "world {seed}");
    }
}
