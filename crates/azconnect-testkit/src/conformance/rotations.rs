//! What every implementation of [`Rotations`], [`RotationOperator`] and [`RotationHistory`] must do.

use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Error, ErrorKind};
use azconnect_credential::SubjectId;
use azconnect_rotation::{
    Decision, HistoryEntry, Policy, Resolution, RotationHistory, RotationOperator, RotationOutcome, Rotations, Target,
};

use super::report::{CaseResult, Failure, Report, ensure, ensure_eq, fresh, refused};

/// How a subject stands before a behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Situation {
    /// A rotation is due, and retires an adopted key.
    Due,
    /// No secret is near its end.
    Fresh,
    /// A rotation is due, and a finding forbids it.
    Forbidden,
    /// A rotation is due, and a consumer refuses the new secret that others have taken: it ends as blocked.
    Refusing,
    /// A rotation is due, and another process works on the subject.
    Taken,
}

/// A subject in a situation, and the ports that work on it.
pub trait RotationsHarness: Send + Sync {
    /// The port that a product's scheduler calls.
    fn rotations(&self) -> Arc<dyn Rotations>;

    /// The port that does what a person asks for.
    fn operator(&self) -> Arc<dyn RotationOperator>;

    /// The port that tells what happened to the subject.
    fn history(&self) -> Arc<dyn RotationHistory>;

    /// The credential that is rotated, with its ports and terms.
    fn target(&self) -> Target;

    /// Makes the consumer of [`Situation::Refusing`] take the secret from now on.
    fn heal(&self);
}

/// Checks every behaviour. `make` gives a harness with a new subject each time. Rotations may wait for hours by their
/// clock: run it under paused time.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: RotationsHarness>(make: impl AsyncFn(Situation) -> H) {
    macro_rules! check {
        ($report:ident, $situation:ident, $name:literal, $behaviour:ident) => {
            let harness = make(Situation::$situation).await;
            $report.add($name, $behaviour(&Scene::of(&harness)).await);
        };
    }
    let mut report = Report::new("Rotations");
    check!(report, Due, "a plan has no effect and names what would be retired", plans);
    check!(report, Due, "what is due is rotated once", rotates_once);
    check!(report, Due, "the history tells a rotation from its beginning to its end", tells);
    check!(report, Due, "where nothing is under way, nothing is resumed or unblocked", idles);
    check!(report, Due, "terms that do not hold are refused by their field", refuses_terms);
    check!(report, Due, "a subject of which nothing was recorded has an empty history", knows_nothing);
    check!(report, Fresh, "what is not due stays as it is", leaves_fresh);
    check!(report, Fresh, "a person may rotate what is not due", rotates_now);
    check!(report, Forbidden, "what a finding forbids is refused, also to a person", forbids);
    check!(report, Refusing, "a block is reported again and again without recording more", reports_block);
    check!(report, Refusing, "a block whose cause is gone ends when it is unblocked", unblocks);
    check!(report, Refusing, "a block that is abandoned is under way no longer", abandons);
    check!(report, Refusing, "a subject that was disconnected is not unfinished", disconnects);
    check!(report, Taken, "a subject that another process works on is a conflict", conflicts);
    report.finish();
}

async fn plans(scene: &Scene<'_>) -> CaseResult {
    let plan = scene.rotations.plan(&scene.target).await?;
    ensure_eq("the decision", &plan.decision, &Decision::Rotate)?;
    ensure_eq("the subject", &&plan.subject, &scene.target.subject())?;
    ensure_eq("what goes", &plan.retire(), &scene.target.adopted)?;
    scene.nothing_was_recorded().await
}

async fn rotates_once(scene: &Scene<'_>) -> CaseResult {
    rotated(scene.rotations.rotate(&scene.target).await?)?;
    let before = scene.events().await?.len();
    let again = scene.rotations.rotate(&scene.target).await?;
    ensure(matches!(again, RotationOutcome::NotDue { .. }), format!("the second run: {again:?}"))?;
    let resumed = scene.rotations.resume(&scene.target).await?;
    idle("resuming", &resumed)?;
    ensure_eq("the entries after that", &scene.events().await?.len(), &before)
}

async fn tells(scene: &Scene<'_>) -> CaseResult {
    scene.rotations.rotate(&scene.target).await?;
    let events = scene.events().await?;
    ensure_eq("the first", &events.first().map(|event| event.kind), &Some("begun"))?;
    ensure_eq("the last", &events.last().map(|event| event.kind), &Some("rotated"))?;
    ensure(events.is_sorted_by_key(|event| event.at), "the times go back")?;
    ensure(events.iter().all(|event| !event.proof.contains('\n')), "a proof has more than one line")?;
    ensure(scene.history.unfinished().await?.is_empty(), "it is still unfinished")
}

async fn idles(scene: &Scene<'_>) -> CaseResult {
    idle("resuming", &scene.rotations.resume(&scene.target).await?)?;
    for resolution in [Resolution::Retry, Resolution::TakeAsIs, Resolution::Abandon] {
        idle("resolving", &scene.operator.resolve(&scene.target, resolution).await?)?;
    }
    scene.operator.disconnect(scene.target.subject()).await?;
    scene.nothing_was_recorded().await
}

async fn refuses_terms(scene: &Scene<'_>) -> CaseResult {
    let target = scene.target.clone().with_policy(Policy::default().with_lifetime(Duration::from_secs(86_400)));
    let wrong = |what: &str, result: Result<(), Error>| {
        let error = refused(what, ErrorKind::InvalidInput, result)?;
        ensure_eq(&format!("the field that {what} names"), &error.field(), &Some("policy.lifetime"))
    };
    wrong("plan", scene.rotations.plan(&target).await.map(drop))?;
    wrong("plan_now", scene.operator.plan_now(&target).await.map(drop))?;
    wrong("rotate", scene.rotations.rotate(&target).await.map(drop))?;
    wrong("rotate_now", scene.operator.rotate_now(&target).await.map(drop))?;
    wrong("resume", scene.rotations.resume(&target).await.map(drop))?;
    wrong("resolve", scene.operator.resolve(&target, Resolution::Retry).await.map(drop))?;
    scene.nothing_was_recorded().await
}

async fn knows_nothing(scene: &Scene<'_>) -> CaseResult {
    let unknown = SubjectId::new(fresh("subject"))?;
    ensure(scene.history.history(&unknown).await?.is_empty(), "an unknown subject has a history")
}

async fn leaves_fresh(scene: &Scene<'_>) -> CaseResult {
    ensure_eq("the decision", &scene.rotations.plan(&scene.target).await?.decision, &Decision::NotDue)?;
    match scene.rotations.rotate(&scene.target).await? {
        RotationOutcome::NotDue { plan } => ensure(plan.due_at.is_some(), "it does not say when it is due")?,
        other => return Err(Failure::new(format!("wanted NotDue, found {other:?}"))),
    }
    scene.nothing_was_recorded().await
}

async fn rotates_now(scene: &Scene<'_>) -> CaseResult {
    ensure_eq("the decision", &scene.operator.plan_now(&scene.target).await?.decision, &Decision::Rotate)?;
    scene.nothing_was_recorded().await?;
    rotated(scene.operator.rotate_now(&scene.target).await?)
}

async fn forbids(scene: &Scene<'_>) -> CaseResult {
    ensure_eq("the decision", &scene.rotations.plan(&scene.target).await?.decision, &Decision::Refuse)?;
    let refusals = [scene.rotations.rotate(&scene.target).await?, scene.operator.rotate_now(&scene.target).await?];
    for outcome in refusals {
        match outcome {
            RotationOutcome::Refused { plan, .. } => ensure(!plan.blockers().is_empty(), "it does not say why")?,
            other => return Err(Failure::new(format!("wanted Refused, found {other:?}"))),
        }
    }
    scene.nothing_was_recorded().await
}

async fn reports_block(scene: &Scene<'_>) -> CaseResult {
    blocked(scene.rotations.rotate(&scene.target).await?)?;
    let before = scene.events().await?.len();
    blocked(scene.rotations.rotate(&scene.target).await?)?;
    blocked(scene.rotations.resume(&scene.target).await?)?;
    blocked(scene.operator.rotate_now(&scene.target).await?)?;
    ensure_eq("the entries after that", &scene.events().await?.len(), &before)?;
    ensure_eq("what is unfinished", &scene.history.unfinished().await?, &vec![scene.target.subject().clone()])
}

async fn unblocks(scene: &Scene<'_>) -> CaseResult {
    blocked(scene.rotations.rotate(&scene.target).await?)?;
    scene.harness.heal();
    blocked(scene.rotations.rotate(&scene.target).await?)?;
    rotated(scene.operator.resolve(&scene.target, Resolution::Retry).await?)?;
    let events = scene.events().await?;
    ensure(events.iter().any(|event| event.kind == "unblocked"), "nobody is recorded to have unblocked it")?;
    ensure(scene.history.unfinished().await?.is_empty(), "it is still unfinished")
}

async fn abandons(scene: &Scene<'_>) -> CaseResult {
    blocked(scene.rotations.rotate(&scene.target).await?)?;
    let outcome = scene.operator.resolve(&scene.target, Resolution::Abandon).await?;
    ensure(matches!(outcome, RotationOutcome::Abandoned { .. }), format!("wanted Abandoned, found {outcome:?}"))?;
    ensure(outcome.run_again_at().is_some(), "it does not say when to look again")?;
    let events = scene.events().await?;
    ensure(events.iter().any(|event| event.kind == "abandoned"), "nobody is recorded to have abandoned it")?;
    scene.harness.heal();
    rotated(scene.operator.rotate_now(&scene.target).await?)
}

async fn disconnects(scene: &Scene<'_>) -> CaseResult {
    blocked(scene.rotations.rotate(&scene.target).await?)?;
    scene.operator.disconnect(scene.target.subject()).await?;
    ensure(scene.history.unfinished().await?.is_empty(), "it is still unfinished")?;
    let before = scene.events().await?.len();
    scene.operator.disconnect(scene.target.subject()).await?;
    idle("resuming", &scene.rotations.resume(&scene.target).await?)?;
    ensure(scene.history.unfinished().await?.is_empty(), "it is unfinished again")?;
    ensure(scene.events().await?.len() >= before, "the history is gone")
}

async fn conflicts(scene: &Scene<'_>) -> CaseResult {
    scene.rotations.plan(&scene.target).await?;
    refused("rotate", ErrorKind::Conflict, scene.rotations.rotate(&scene.target).await)?;
    refused("rotate_now", ErrorKind::Conflict, scene.operator.rotate_now(&scene.target).await)?;
    scene.nothing_was_recorded().await
}

fn rotated(outcome: RotationOutcome) -> CaseResult {
    let rotated = matches!(outcome, RotationOutcome::Rotated { key: Some(_), .. });
    ensure(rotated, format!("wanted Rotated with its key, found {outcome:?}"))
}

fn idle(what: &str, outcome: &RotationOutcome) -> CaseResult {
    ensure(matches!(outcome, RotationOutcome::Idle { .. }), format!("{what}: wanted Idle, found {outcome:?}"))
}

fn blocked(outcome: RotationOutcome) -> CaseResult {
    match outcome {
        RotationOutcome::Blocked { .. } => Ok(()),
        other => Err(Failure::new(format!("wanted Blocked, found {other:?}"))),
    }
}

/// A harness, asked once for everything.
struct Scene<'a> {
    harness: &'a dyn RotationsHarness,
    rotations: Arc<dyn Rotations>,
    operator: Arc<dyn RotationOperator>,
    history: Arc<dyn RotationHistory>,
    target: Target,
}

impl<'a> Scene<'a> {
    fn of(harness: &'a dyn RotationsHarness) -> Self {
        let (rotations, operator, history) = (harness.rotations(), harness.operator(), harness.history());
        Self { harness, rotations, operator, history, target: harness.target() }
    }

    async fn events(&self) -> Result<Vec<HistoryEntry>, Error> {
        self.history.history(self.target.subject()).await
    }

    async fn nothing_was_recorded(&self) -> CaseResult {
        ensure(self.events().await?.is_empty(), "something was recorded")?;
        ensure(self.history.unfinished().await?.is_empty(), "something is unfinished")
    }
}
