//! A world: its cloud, its stores, its product, and what is to happen there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use azconnect::core::{Clock, Journal, Lease, SecretStore};
use azconnect::store::{MemoryJournal, MemoryLease, MemorySecrets};
use azconnect_emulator::{Emulator, Hidden};
use azconnect_testkit::VirtualClock;
use tokio::sync::Notify;

use super::call::Call;
use super::clock::SkewedClock;
use super::cloud::{ORGANIZATION, RENAMED, cloud, connection_id, deploy};
use super::coverage::Coverage;
use super::gate::Gate;
use super::happening::{Deed, Edit, Fault, Part, Trigger, What};
use super::judge::{Actor, Judge, Violation};
use super::plan::Plan;
use super::product::Product;
use super::story::Story;

/// The most calls of one world. A world that needs more goes round in circles.
const MOST_CALLS: u64 = 15_000;

/// How long a run may last beyond what it waits for. A process may have stood still within it for four days.
const LONGEST_RUN: Duration = Duration::from_secs(10 * 86_400);

/// A world and everything in it.
pub(super) struct World {
    /// What was chosen before it began.
    pub plan: Plan,
    /// The true time.
    pub clock: VirtualClock,
    /// The cloud.
    pub emulator: Emulator,
    /// The product's journal.
    pub journal: Arc<dyn Journal>,
    /// The product's sealed secrets.
    pub secrets: Arc<dyn SecretStore>,
    /// The product's leases.
    pub lease: Arc<dyn Lease>,
    /// Who watches.
    pub judge: Judge,
    /// Woken when the judge has found something.
    pub verdict: Notify,
    state: Mutex<State>,
}

struct State {
    product: Product,
    calls: BTreeMap<(usize, Call), u64>,
    all_calls: u64,
    events: BTreeMap<String, u64>,
    armed: Vec<Armed>,
    outages: Vec<(Part, Fault, Duration)>,
    calm_since: Option<Duration>,
    moment: String,
    story: Story,
    coverage: Coverage,
    gates: BTreeMap<usize, Arc<Gate>>,
    clocks: Vec<SkewedClock>,
    renamed: bool,
    running: BTreeMap<usize, Duration>,
    ran_at: BTreeMap<usize, Duration>,
}

/// A fault that strikes the next calls of a kind.
struct Armed {
    process: usize,
    call: Call,
    fault: Fault,
    left: u64,
}

/// What a call meets.
#[derive(Default)]
pub(super) struct Met {
    /// How it goes wrong, if it does.
    pub fault: Option<Fault>,
    /// What happens once it is done.
    pub after: Vec<What>,
}

impl World {
    /// The world of a plan at its beginning. It must be made, and lived in, inside a runtime whose time is paused.
    pub(super) fn new(plan: Plan, tells: bool) -> Arc<Self> {
        let clock = VirtualClock::new();
        let emulator = cloud(&plan, clock.clone());
        let clocks = plan.orchestrators.iter().map(|one| SkewedClock::new(clock.clone(), one.ahead)).collect();
        let product = Product::of(&plan);
        let state = State {
            product: product.clone(),
            calls: BTreeMap::new(),
            all_calls: 0,
            events: BTreeMap::new(),
            armed: Vec::new(),
            outages: Vec::new(),
            calm_since: None,
            moment: "(before)".to_owned(),
            story: Story::new(tells),
            coverage: Coverage::default(),
            gates: BTreeMap::new(),
            clocks,
            renamed: false,
            running: BTreeMap::new(),
            ran_at: BTreeMap::new(),
        };
        let judge = Judge::new(&plan, product, &emulator);
        Arc::new(Self {
            journal: Arc::new(MemoryJournal::new()),
            secrets: Arc::new(MemorySecrets::new()),
            lease: Arc::new(MemoryLease::new(Arc::new(clock.clone()))),
            judge,
            verdict: Notify::new(),
            state: Mutex::new(state),
            plan,
            clock,
            emulator,
        })
    }

    /// Tells a line of the story.
    pub(super) fn tell(&self, who: &str, what: &str) {
        let at = self.clock.elapsed();
        self.state().story.tell(at, who, what);
    }

    /// Tells a line about a process.
    pub(super) fn tell_of(&self, process: usize, what: &str) {
        self.tell(&format!("process {process}"), what);
    }

    /// The configuration now.
    pub(super) fn product(&self) -> Product {
        self.state().product.clone()
    }

    /// Takes the wish for a rotation, which holds for one run.
    pub(super) fn take_force(&self) -> bool {
        std::mem::take(&mut self.state().product.forced)
    }

    /// The clock of a process.
    pub(super) fn clock_of(&self, process: usize) -> SkewedClock {
        self.state().clocks[process].clone()
    }

    /// A process begins a life.
    pub(super) fn born(&self, process: usize) -> Arc<Gate> {
        let gate = Gate::new(self.clock.clone());
        self.state().gates.insert(process, gate.clone());
        gate
    }

    /// Since when it is calm.
    pub(super) fn calm_since(&self) -> Option<Duration> {
        self.state().calm_since
    }

    /// From here on nothing goes wrong, and nobody meddles. Who is suspended wakes when it is time.
    pub(super) fn calm_down(&self) {
        {
            let now = self.clock.elapsed();
            let mut state = self.state();
            state.calm_since = Some(now);
            state.armed.clear();
            state.outages.clear();
        }
        for deed in [Deed::RestoreApplication, Deed::Enable, Deed::Show] {
            self.act(deed);
        }
        self.tell("world", "it is calm");
    }

    /// A process begins or ends a run.
    pub(super) fn runs(&self, process: usize, begins: bool) {
        let now = self.clock.elapsed();
        let mut state = self.state();
        if begins {
            state.running.insert(process, now);
        } else {
            state.running.remove(&process);
            state.ran_at.insert(process, now);
        }
    }

    /// Whether every process has ended a run since a moment.
    pub(super) fn all_ran_since(&self, moment: Duration) -> bool {
        let state = self.state();
        (0..self.plan.orchestrators.len()).all(|process| state.ran_at.get(&process).is_some_and(|at| *at > moment))
    }

    /// A process whose run has lasted for longer than it waits by itself, and much more than its calls may take.
    pub(super) fn hung(&self) -> Option<usize> {
        let state = self.state();
        let begun_before = |process: usize, begun: Duration| {
            let patience = self.plan.orchestrators[process].patience;
            // Not while it stands still: its own time has stopped.
            let asleep = state.gates.get(&process).is_some_and(|gate| gate.is_asleep());
            !asleep && self.clock.elapsed().saturating_sub(begun) > patience + LONGEST_RUN
        };
        state.running.iter().find(|(process, begun)| begun_before(**process, **begun)).map(|(process, _)| *process)
    }

    /// Whether a process stands still.
    pub(super) fn anybody_asleep(&self) -> bool {
        self.state().gates.values().any(|gate| gate.is_asleep())
    }

    /// What is covered, the story's digest and its lines.
    pub(super) fn record(&self) -> (Coverage, Story) {
        let state = self.state();
        (state.coverage.clone(), state.story.clone())
    }

    /// A run ended.
    pub(super) fn ended(&self, outcome: &str) {
        self.state().coverage.ended(outcome);
    }

    /// What a call of a process meets. What is to happen before it has happened when this returns.
    pub(super) fn meet(&self, process: usize, call: Call, kinds: &[&str]) -> Met {
        let (fault, before, after) = {
            let mut state = self.state();
            // Whoever waits for weeks extends his lease all the while.
            state.all_calls += u64::from(call != Call::Renew);
            state.coverage.called(call);
            let calm = state.calm_since.is_some();
            let (before, after) =
                if calm { Default::default() } else { self.triggered(&mut state, process, call, kinds) };
            if let Some(kind) = kinds.last() {
                state.moment = (*kind).to_owned();
            }
            let fault = if calm { None } else { strike(&mut state, process, call, self.clock.elapsed()) };
            if let Some(fault) = fault {
                let moment = state.moment.clone();
                state.coverage.met(call, fault, &moment);
            }
            (fault, before, after)
        };
        if self.state().all_calls > MOST_CALLS {
            self.violated(Violation::new("I12", format!("{MOST_CALLS} calls, and no end")));
        }
        for what in before {
            self.happen(what);
        }
        if let Some(fault) = fault {
            self.tell_of(process, &format!("{call}: {fault}"));
        }
        Met { fault, after }
    }

    /// What the happenings say of a call: what goes wrong is armed, the rest is returned as before and after.
    fn triggered(&self, state: &mut State, process: usize, call: Call, kinds: &[&str]) -> (Vec<What>, Vec<What>) {
        let count = state.calls.entry((process, call)).or_default();
        *count += 1;
        let count = *count;
        for kind in kinds {
            *state.events.entry((*kind).to_owned()).or_default() += 1;
        }
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for happening in &self.plan.happenings {
            let at_event = match &happening.when {
                Trigger::Call { process: whose, call: which, nth }
                    if *whose == process && *which == call && *nth == count =>
                {
                    false
                }
                Trigger::Event { kind, nth } if kinds.contains(kind) && state.events.get(*kind) == Some(nth) => true,
                _ => continue,
            };
            match &happening.what {
                What::Fault { fault, times } => state.armed.push(Armed { process, call, fault: *fault, left: *times }),
                what if at_event => after.push(what.clone()),
                what => before.push(what.clone()),
            }
        }
        (before, after)
    }

    /// Lets something happen that is no fault of a call.
    pub(super) fn happen(&self, what: What) {
        self.tell("world", &what.to_string());
        {
            let mut state = self.state();
            let moment = state.moment.clone();
            if !matches!(what, What::Fault { .. }) {
                state.coverage.acted(&label(&what), &moment);
            }
        }
        match what {
            What::Fault { .. } => {}
            What::Outage { of, fault, lasts } => {
                let until = self.clock.elapsed() + lasts;
                self.state().outages.push((of, fault, until));
            }
            What::Deed(deed) => self.act(deed),
            What::Edit(edit) => self.edit(edit),
            What::ClockSet { process, by } => {
                if let Some(clock) = self.state().clocks.get(process) {
                    clock.set_by(by);
                }
            }
        }
    }

    /// Somebody edits the configuration.
    pub(super) fn edit(&self, edit: Edit) {
        let product = {
            let mut state = self.state();
            state.product.edit(edit);
            state.product.clone()
        };
        self.judge.edited(&product);
    }

    /// A person does something. What cannot be done, such as deleting what is gone, is not done.
    fn act(&self, deed: Deed) {
        let (person, now) = (self.emulator.person(), self.clock.elapsed());
        let done = match deed {
            Deed::DeleteNewKey => self.judge.newest_of_ours().map(|key| person.delete_password(key)),
            Deed::DeleteOldKey => self.judge.oldest_held().map(|key| person.delete_password(key)),
            Deed::PutOldBack(at) => {
                self.judge.held_before(at).map(|key| person.put_key_into_connection(connection_id(at), key))
            }
            Deed::PutHandMade(at) => {
                let ends_at = self.clock.now() + Duration::from_secs(200 * 86_400);
                let made = person.add_password(deploy(), "by hand", ends_at);
                made.ok().map(|key| person.put_key_into_connection(connection_id(at), key))
            }
            Deed::DeleteConnection(at) => Some(person.delete_connection(connection_id(at))),
            Deed::TouchConnection(at) => Some(person.rename_connection(connection_id(at), &format!("renamed-{at}"))),
            Deed::Disable => Some(person.disable_application(deploy())),
            Deed::Enable => Some(person.enable_application(deploy())),
            Deed::DeleteApplication => Some(person.delete_application(deploy())),
            Deed::RestoreApplication => Some(person.restore_application(deploy())),
            Deed::Hide(forbidden) => {
                let how = if forbidden { Hidden::Denied } else { Hidden::NotFound };
                Some(person.hide_service_principal(deploy(), how))
            }
            Deed::Show => Some(person.show_service_principal(deploy())),
            Deed::RenameOrganization => Some(person.rename_organization(ORGANIZATION, RENAMED)),
        };
        // Half of a deed may be done, such as a secret that was made for a connection which is gone.
        self.observe(Actor::Person);
        if !matches!(done, Some(Ok(()))) {
            return;
        }
        match deed {
            Deed::Disable | Deed::DeleteApplication => self.judge.enabled(false, now),
            Deed::Enable | Deed::RestoreApplication => self.judge.enabled(true, now),
            Deed::RenameOrganization => self.state().renamed = true,
            Deed::TouchConnection(at) => self.judge.touched(at, now),
            _ => {}
        }
    }

    /// Whether somebody renamed the organization.
    pub(super) fn is_renamed(&self) -> bool {
        self.state().renamed
    }

    /// Lets the judge look at the truth after somebody did something.
    pub(super) fn observe(&self, actor: Actor) {
        let changes = self.judge.observe(&self.emulator, self.clock.elapsed(), actor);
        for change in changes {
            self.tell("truth", &change);
        }
        self.heed();
    }

    /// Stops the world if the judge has found something.
    pub(super) fn heed(&self) {
        if self.judge.violation().is_some() {
            self.verdict.notify_one();
        }
    }

    /// Stops the world with something that was found.
    pub(super) fn violated(&self, violation: Violation) {
        self.judge.find(violation);
        self.heed();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The fault that strikes a call: one that was armed for it, or that of an outage.
fn strike(state: &mut State, process: usize, call: Call, now: Duration) -> Option<Fault> {
    if let Some(armed) =
        state.armed.iter_mut().find(|armed| armed.process == process && armed.call == call && armed.left > 0)
    {
        armed.left -= 1;
        return Some(armed.fault);
    }
    state.outages.retain(|(.., until)| *until > now);
    state.outages.iter().find(|(part, ..)| part.is_needed_by(call)).map(|(_, fault, _)| *fault)
}

/// A name for the coverage table, without the numbers that a plan happens to have.
fn label(what: &What) -> String {
    match what {
        What::Fault { .. } => "fault".to_owned(),
        What::Outage { of, .. } => format!("outage of {of:?}"),
        What::Deed(Deed::PutOldBack(_)) => "old secret put back".to_owned(),
        What::Deed(Deed::PutHandMade(_)) => "hand-made secret put in".to_owned(),
        What::Deed(Deed::DeleteConnection(_)) => "connection deleted".to_owned(),
        What::Deed(Deed::TouchConnection(_)) => "connection touched".to_owned(),
        What::Deed(deed) => deed.to_string().replace("a person ", ""),
        What::Edit(Edit::Bind(_)) => "connection bound".to_owned(),
        What::Edit(Edit::Unbind(_)) => "connection unbound".to_owned(),
        What::Edit(Edit::Require(_, required)) => format!("connection required: {required}"),
        What::Edit(edit) => edit.to_string(),
        What::ClockSet { by, .. } => format!("clock set by {by} s"),
    }
}
