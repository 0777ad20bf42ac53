//! Plays a world from its beginning to its end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use azconnect::core::Clock;
use azconnect::credential::SubjectId;
use azconnect::rotation::{Ports, Rotator};
use futures_util::future::{Either, join_all, select};

use super::calm::end_well;
use super::cloud::deploy;
use super::coverage::Coverage;
use super::happening::Trigger;
use super::judge::Violation;
use super::plan::Plan;
use super::process::live;
use super::stage::World;
use super::story::Story;

/// What came of a world.
#[derive(Clone, Debug)]
pub struct Played {
    /// The first promise that was broken.
    pub violation: Option<Violation>,
    /// What was met.
    pub coverage: Coverage,
    /// What happened.
    pub story: Story,
    /// How long it lasted, in its own time.
    pub lasted: Duration,
}

/// Plays the world of a plan. With `tells`, the lines of its story are kept.
pub fn play(plan: &Plan, tells: bool) -> Played {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let world = runtime.block_on(async { World::new(plan.clone(), tells) });
    let lived = catch_unwind(AssertUnwindSafe(|| runtime.block_on(pass(world.clone()))));
    if let Err(panic) = lived {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default();
        world.judge.find(Violation::new("panic", text));
    }
    let (coverage, story) = world.record();
    let lasted = runtime.block_on(async { world.clock.elapsed() });
    Played { violation: world.judge.violation(), coverage, story, lasted }
}

/// From the beginning to the end, or to the first broken promise.
async fn pass(world: Arc<World>) {
    let lives = join_all((0..world.plan.orchestrators.len()).map(|number| live(world.clone(), number)));
    let course = async {
        chaos(&world).await;
        world.calm_down();
        end_well(&world).await;
    };
    let work = std::pin::pin!(select(Box::pin(lives), Box::pin(course)));
    match select(work, Box::pin(world.verdict.notified())).await {
        Either::Left(_) => {}
        Either::Right(_) => world.tell("judge", "a promise is broken"),
    }
}

/// Lets happen what is to happen at a time.
async fn chaos(world: &Arc<World>) {
    let mut timed: Vec<_> = world
        .plan
        .happenings
        .iter()
        .filter_map(|happening| match happening.when {
            Trigger::At(time) if time < world.plan.chaos => Some((time, happening.what.clone())),
            _ => None,
        })
        .collect();
    timed.sort_by_key(|(time, _)| *time);
    for (time, what) in timed {
        world.clock.sleep(time.saturating_sub(world.clock.elapsed())).await;
        world.happen(what);
    }
    world.clock.sleep(world.plan.chaos.saturating_sub(world.clock.elapsed())).await;
}

/// What the machine says that it knows of the subject, as JSON. Read from the journal itself, undisturbed.
pub(super) async fn known(world: &World) -> String {
    let clock = Arc::new(world.clock.clone());
    let ports = Ports::new(world.journal.clone(), world.secrets.clone(), world.lease.clone(), clock);
    let subject = SubjectId::new(format!("application/{}", deploy())).unwrap();
    match Rotator::new(ports).state(&subject).await {
        Ok((state, _)) => serde_json::to_string(&state).unwrap(),
        Err(error) => {
            world.violated(Violation::new("I12", format!("the journal cannot be read: {error}")));
            String::new()
        }
    }
}
