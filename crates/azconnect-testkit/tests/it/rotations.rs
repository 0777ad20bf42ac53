//! The fake of rotations keeps the promises of its ports, and whoever breaks one is named.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::Error;
use azconnect_credential::{Check, CheckReport, SubjectId};
use azconnect_rotation::{
    HistoryEntry, Problem, Resolution, RotationHistory, RotationOperator, RotationOutcome, RotationPlan, Rotations,
    Target,
};
use azconnect_testkit::ManualClock;
use azconnect_testkit::conformance::rotations::{self, RotationsHarness, Situation};
use azconnect_testkit::fake::{Directory, Rotator};

use crate::judged::{named, verdict};

/// A promise that is broken.
#[derive(Clone, Copy, PartialEq)]
enum Sin {
    None,
    PlansByDoing,
    RotatesWhatIsNotDue,
    ForgetsTheBlock,
    TellsNothing,
}

/// The fake, or something that breaks one of its promises.
struct Sinner {
    fake: Rotator,
    sin: Sin,
}

struct Harness {
    sinner: Arc<Sinner>,
    target: Target,
}

impl Harness {
    fn new(situation: Situation, sin: Sin) -> Self {
        let clock = Arc::new(ManualClock::new());
        let directory = Directory::new(clock.clone());
        let old = directory.seed_key(None, azconnect_core::Clock::now(&*clock));
        let target = Target::new(directory.issuer(), directory.verifier()).with_adopted(old);
        let (fake, subject) = (Rotator::new(clock), target.subject());
        if situation != Situation::Fresh {
            fake.make_due(subject);
        }
        match situation {
            Situation::Forbidden => {
                let failed = Check::failed("no-room-for-a-key", "keys", "there are two", "remove one");
                fake.set_checks(subject, CheckReport::from_iter([failed]));
            }
            Situation::Refusing => fake.block(subject, Problem::lasting("a consumer refuses", "permit it")),
            Situation::Taken => fake.set_taken(subject, true),
            _ => {}
        }
        Self { sinner: Arc::new(Sinner { fake, sin }), target }
    }
}

impl RotationsHarness for Harness {
    fn rotations(&self) -> Arc<dyn Rotations> {
        self.sinner.clone()
    }
    fn operator(&self) -> Arc<dyn RotationOperator> {
        self.sinner.clone()
    }
    fn history(&self) -> Arc<dyn RotationHistory> {
        self.sinner.clone()
    }
    fn target(&self) -> Target {
        self.target.clone()
    }
    fn heal(&self) {
        self.sinner.fake.heal(self.target.subject());
    }
}

#[async_trait]
impl Rotations for Sinner {
    async fn plan(&self, target: &Target) -> Result<RotationPlan, Error> {
        let plan = self.fake.plan(target).await?;
        if self.sin == Sin::PlansByDoing && plan.due_at.is_some() {
            let _ = self.fake.rotate(target).await;
        }
        Ok(plan)
    }
    async fn rotate(&self, target: &Target) -> Result<RotationOutcome, Error> {
        match self.sin {
            Sin::RotatesWhatIsNotDue => self.fake.rotate_now(target).await,
            _ => self.fake.rotate(target).await,
        }
    }
    async fn resume(&self, target: &Target) -> Result<RotationOutcome, Error> {
        self.fake.resume(target).await
    }
}

#[async_trait]
impl RotationOperator for Sinner {
    async fn plan_now(&self, target: &Target) -> Result<RotationPlan, Error> {
        self.fake.plan_now(target).await
    }
    async fn rotate_now(&self, target: &Target) -> Result<RotationOutcome, Error> {
        self.fake.rotate_now(target).await
    }
    async fn resolve(&self, target: &Target, resolution: Resolution) -> Result<RotationOutcome, Error> {
        match self.sin {
            Sin::ForgetsTheBlock => Ok(RotationOutcome::Idle { run_again_at: None }),
            _ => self.fake.resolve(target, resolution).await,
        }
    }

    async fn disconnect(&self, subject: &SubjectId) -> Result<(), Error> {
        self.fake.disconnect(subject).await
    }
}

#[async_trait]
impl RotationHistory for Sinner {
    async fn history(&self, subject: &SubjectId) -> Result<Vec<HistoryEntry>, Error> {
        match self.sin {
            Sin::TellsNothing => Ok(Vec::new()),
            _ => self.fake.history(subject).await,
        }
    }
    async fn unfinished(&self) -> Result<Vec<SubjectId>, Error> {
        self.fake.unfinished().await
    }
}

#[tokio::test]
async fn the_fake_does_what_its_ports_promise() {
    rotations::all(async |situation| Harness::new(situation, Sin::None)).await;
}

#[tokio::test]
async fn broken_rotations_are_named() {
    let run = async |sin| verdict(rotations::all(async |situation| Harness::new(situation, sin))).await;
    named(&run(Sin::PlansByDoing).await, &["a plan has no effect and names what would be retired"]);
    named(&run(Sin::RotatesWhatIsNotDue).await, &["what is due is rotated once", "what is not due stays as it is"]);
    let gone = "a block whose cause is gone ends when it is unblocked";
    let abandoned = "a block that is abandoned is under way no longer";
    named(&run(Sin::ForgetsTheBlock).await, &["terms that do not hold are refused by their field", gone, abandoned]);
    let tells = ["the history tells a rotation from its beginning to its end", gone, abandoned];
    named(&run(Sin::TellsNothing).await, &tells);
}
