//! The end of a world: nothing goes wrong any more, and everything must come to an end.

use std::sync::Arc;
use std::time::Duration;

use azconnect::core::Clock;

use super::happening::Edit;
use super::judge::Violation;
use super::play::known;
use super::stage::World;

const HOUR: Duration = Duration::from_secs(3600);

/// How long an end may take, with an operator who helps where he is asked to.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);

/// How many events a calm day may add to one subject. Two rotations may fall on it, and each look at a key
/// that lists go on to show for minutes adds a few.
const EVENTS_A_DAY: u64 = 350;

/// Waits for the end, asks for one more rotation, and waits for its end too. It shows that nothing is stuck, that every
/// consumer is served, and that what was left behind is cleaned up.
pub(super) async fn end_well(world: &Arc<World>) {
    repair(world);
    if !settles(world).await {
        return;
    }
    world.edit(Edit::Force);
    world.tell("world", "one more rotation is asked for");
    // Somebody asks, so some process takes the wish first.
    world.clock.sleep(13 * HOUR).await;
    if !settles(world).await {
        return;
    }
    let product = world.product();
    world.judge.ended(&product, &known(world).await, world.clock.elapsed());
    if let Some(since) = world.calm_since() {
        let busiest = world.judge.busiest_day_since(since);
        if busiest > EVENTS_A_DAY {
            world.violated(Violation::new("I12", format!("{busiest} events on a calm day")));
        }
    }
    world.heed();
}

/// What an administrator does who reads why a rotation is refused: consumers that are gone are unbound, and the secret
/// is given to somebody.
fn repair(world: &World) {
    if world.is_renamed() {
        world.edit(Edit::FollowOrganization);
    }
    let existing = world.judge.existing();
    let bound: Vec<usize> = world.product().bound.keys().copied().collect();
    for number in bound.iter().filter(|number| !existing.contains(number)) {
        world.tell("world", &format!("connection {number} is gone, and is unbound"));
        world.edit(Edit::Unbind(*number));
    }
    if world.product().bound.is_empty() {
        match existing.first() {
            Some(number) => world.edit(Edit::Bind(*number)),
            None => world.edit(Edit::Waive(true)),
        }
    }
}

/// Whether all work comes to its end.
async fn settles(world: &World) -> bool {
    let begun = world.clock.elapsed();
    loop {
        world.clock.sleep(HOUR).await;
        if let Some(process) = world.hung() {
            world.violated(Violation::new("I12", format!("a run of process {process} has not ended for five days")));
            return false;
        }
        let unfinished = world.journal.unfinished().await.unwrap_or_default();
        let all_ran = !world.anybody_asleep() && world.all_ran_since(begun + HOUR);
        if unfinished.is_empty() && all_ran {
            return true;
        }
        if world.clock.elapsed() - begun > LONGEST {
            let known = world.judge.plain(&known(world).await);
            world.violated(Violation::new("I12", format!("after 30 calm days it has not ended: {known}")));
            return false;
        }
    }
}
