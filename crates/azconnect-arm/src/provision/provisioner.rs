//! The provisioner, which runs plans and cleans up after them.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind, Journal, Lease, Secret, SecretStore};
use azconnect_saga::SessionPorts;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};

use super::body::Ids;
use super::decide::{Action, decide};
use super::event::{ProvisionEvent, Step};
use super::failure::{Failure, StepFailure};
use super::history::{ProvisionHistoryEntry, UnfinishedProvision};
use super::id::ProvisionId;
use super::outcome::{CleanUp, Provisioned};
use super::part::Part;
use super::plan::ProvisionPlan;
use super::probe::AgentProbe;
use super::progress::ProvisionProgress;
use super::recorder::{Ports, Recorder, history, read};
use super::resolve::resolve;
use super::role_grace::{RoleGrace, RoleWait};
use super::sealing::Sealing;
use super::state::{Phase, ProvisionState};
use super::steps::{Addresses, Site};
use crate::client::Subscription;
use crate::spec::{OnFailure, VmSpec};

/// The term of a lease by default. After this process was killed, another call waits until the term has run out.
const DEFAULT_TERM: Duration = Duration::from_secs(60);

/// Provisions machines in a subscription. Every step is journalled before its effect, so that a process that was killed
/// goes on, or cleans up.
///
/// # Cancel safety
/// Every future may be dropped at any moment: [`Provisioner::resume`] goes on from there, and
/// [`Provisioner::clean_up`] deletes what was created, as soon as the lease of the dropped call has run out, after a
/// minute. To stop a call and clean up at once, use [`Provisioner::run_until`].
#[derive(Clone)]
pub struct Provisioner {
    pub(super) subscription: Subscription,
    pub(super) ports: Ports,
    pub(super) secrets: Arc<dyn SecretStore>,
    probe: Option<Arc<dyn AgentProbe>>,
    role_grace: RoleGrace,
}

impl Provisioner {
    /// A provisioner that builds in a subscription, and keeps its journal, secrets and leases in a store. One object
    /// often implements all three ports.
    pub fn new(
        subscription: Subscription,
        journal: Arc<dyn Journal>,
        secrets: Arc<dyn SecretStore>,
        lease: Arc<dyn Lease>,
    ) -> Self {
        let clock = subscription.arm().clock().clone();
        let session = SessionPorts::new(journal, lease, clock);
        let ports = Ports { session, observer: None, holder: "provisioner".to_owned(), term: DEFAULT_TERM };
        Self { subscription, ports, secrets, probe: None, role_grace: RoleGrace::default() }
    }

    /// Sets the beginning of the name under which leases are held, for a person who asks who holds one. Each call adds
    /// a part of its own, so that two calls exclude each other, in one process or in several.
    #[must_use]
    pub fn with_holder(mut self, prefix: impl Into<String>) -> Self {
        self.ports.holder = prefix.into();
        self
    }

    /// Sets the term of a lease; one minute by default. After this process was killed, another call waits that long.
    #[must_use]
    pub fn with_lease_term(mut self, term: Duration) -> Self {
        self.ports.term = term;
        self
    }

    /// Sets how long a run waits for a role that the permissions show and that some replica of the service does not know yet;
    /// ten minutes by default, which is what a role takes at most. Nothing is waited for with `Duration::ZERO`. A role that the
    /// permissions do not show is not waited for: its lack fails at once.
    #[must_use]
    pub fn with_role_grace(mut self, time: Duration) -> Self {
        self.role_grace.shown = time;
        self
    }

    /// Says that the identity was given its role a moment ago: for this long, a run waits for it even while the permissions do
    /// not show it. What was refused changed nothing, and is sent again with a fresh token.
    #[must_use]
    pub fn with_role_just_given(mut self, time: Duration) -> Self {
        self.role_grace.given = time;
        self
    }

    /// Sets how the agent is probed; by run command by default.
    #[must_use]
    pub fn with_probe(mut self, probe: Arc<dyn AgentProbe>) -> Self {
        self.probe = Some(probe);
        self
    }

    /// Sets a function that is called with every event after it is durable.
    #[must_use]
    pub fn with_observer(mut self, observer: impl Fn(&ProvisionEvent) + Send + Sync + 'static) -> Self {
        self.ports.observer = Some(Arc::new(observer));
        self
    }

    /// The subscription in which it builds.
    pub fn subscription(&self) -> &Subscription {
        &self.subscription
    }

    /// Makes a plan of a specification: reads the image and the sizes, and creates nothing. What the identity may not read
    /// stays open, and the service decides.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) as [`VmSpec::check`], and if the image is of another system than it says.
    pub async fn plan(&self, id: ProvisionId, spec: VmSpec) -> Result<ProvisionPlan, Error> {
        let mut plan = ProvisionPlan::new(id, self.subscription.id(), spec)?;
        resolve(&self.subscription, &mut plan).await?;
        Ok(plan)
    }

    /// Builds the machine. Called again with the same specification, it goes on where it stopped; a machine that runs
    /// already is returned as it is.
    ///
    /// # Errors
    /// The failure of a step, after what was created is deleted, unless the specification says to keep it. If the outcome
    /// of a step is not known, nothing is deleted, and the advice says to resume.
    /// [`Conflict`](ErrorKind::Conflict) if another specification was begun under this name, or another process works
    /// on it.
    pub async fn run(&self, plan: &ProvisionPlan) -> Result<Provisioned, Error> {
        let recorder = Recorder::open(&self.ports, &plan.id).await?;
        let outcome = self.begin_and_drive(&recorder, plan).await;
        recorder.close().await;
        outcome
    }

    /// Goes on with a provisioning that was begun, whether it was building or cleaning up.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if nothing was begun under this name; else as [`Provisioner::run`].
    pub async fn resume(&self, id: &ProvisionId) -> Result<Provisioned, Error> {
        let recorder = Recorder::open(&self.ports, id).await?;
        let work = async {
            require_machine(recorder.state().part())?;
            self.driven(&recorder).await
        };
        let outcome = recorder.guard(work).await;
        recorder.close().await;
        outcome
    }

    /// Deletes everything that a provisioning created, including a machine that runs, and the private key. Idempotent.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if nothing was begun under this name; the refusal of a deletion, after all
    /// others were tried: call it again.
    pub async fn clean_up(&self, id: &ProvisionId) -> Result<CleanUp, Error> {
        let recorder = Recorder::open(&self.ports, id).await?;
        let work = async {
            // Machines may stand on it, which its own journal does not delete.
            require_machine(recorder.state().part())?;
            self.tear_down(&recorder).await
        };
        let outcome = recorder.guard(work).await;
        recorder.close().await;
        outcome
    }

    /// The state that the journal of a provisioning adds up to. It takes no lease.
    ///
    /// # Errors
    /// The failure of the journal.
    pub async fn state(&self, id: &ProvisionId) -> Result<ProvisionState, Error> {
        read(&self.ports, id).await
    }

    /// Where a provisioning stands, for a page or a log.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if nothing was begun under this name; the failure of the journal.
    pub async fn progress(&self, id: &ProvisionId) -> Result<ProvisionProgress, Error> {
        ProvisionProgress::of(id, &self.state(id).await?)
    }

    /// Everything that happened in a provisioning, in order and in words, for a page that is loaded again. Earlier machines of
    /// the same name are part of it. Empty if nothing was begun.
    ///
    /// # Errors
    /// The failure of the journal.
    pub async fn history(&self, id: &ProvisionId) -> Result<Vec<ProvisionHistoryEntry>, Error> {
        let happened = history(&self.ports, id).await?;
        let happened = happened.iter().filter(|one| !one.event.is_of_nothing());
        Ok(happened.map(|one| ProvisionHistoryEntry::new(one.at, &one.event)).collect())
    }

    /// The provisionings that are neither finished nor cleaned up, in whatever subscription: one journal may serve many. Fleets
    /// are among them, which this provisioner's own [`resume`](Self::resume) refuses:
    ///
    /// ```
    /// use azconnect_arm::provision::Part;
    /// use azconnect_arm::{Fleet, Provisioner};
    ///
    /// async fn resume_all(provisioner: &Provisioner) -> Result<(), azconnect_core::Error> {
    ///     let fleet = Fleet::new(provisioner.clone());
    ///     for open in provisioner.unfinished().await? {
    ///         let outcome = match open.part {
    ///             // Another subscription's is another provisioner's.
    ///             _ if open.subscription != provisioner.subscription().id() => continue,
    ///             Part::Foundation => fleet.resume(&open.id).await.map(drop),
    ///             _ => provisioner.resume(&open.id).await.map(drop),
    ///         };
    ///         if let Err(error) = outcome {
    ///             eprintln!("{}: {error}", open.id);
    ///         }
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// The failure of the journal.
    pub async fn unfinished(&self) -> Result<Vec<UnfinishedProvision>, Error> {
        let streams = self.ports.session.journal.unfinished().await?;
        let mut unfinished = Vec::new();
        // The journal may hold other streams as well, such as those of rotations.
        for name in streams.iter().filter_map(|stream| stream.as_str().strip_prefix("provision/")) {
            let id = ProvisionId::new(name)?;
            let state = self.state(&id).await?;
            if let Some(plan) = &state.plan {
                let open = UnfinishedProvision::new(id, plan.subscription, state.phase);
                unfinished.push(open.with_part(plan.part));
            }
        }
        Ok(unfinished)
    }

    /// The private key of a machine. It stays sealed: keep it elsewhere, and then call
    /// [`Provisioner::forget_private_key`], so that a crash in between loses nothing.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no machine yet, the key was forgotten, or the machine was built with a
    /// public key of the caller's own; [`Corrupt`](ErrorKind::Corrupt) if the journal names another key than this
    /// machine's: nothing is opened then.
    pub async fn private_key(&self, id: &ProvisionId) -> Result<Secret, Error> {
        let plan = self.plan_of_machine(id).await?;
        if plan.spec.windows.is_some() {
            return Err(absent(
                "a Windows machine has no key",
                "ask for its password with Provisioner::admin_password",
            ));
        }
        let sealed = if plan.spec.public_key.is_none() { self.secrets.get(&plan.key).await? } else { None };
        sealed.ok_or_else(|| match plan.spec.public_key {
            Some(_) => {
                absent("the machine was built with a public key of your own", "use the private key that belongs to it")
            }
            None => absent("the private key was forgotten", "use the copy that was kept, or add a new key"),
        })
    }

    /// Destroys the sealed private key of a machine, once it is kept elsewhere. The fingerprint is that of the key which is
    /// kept, [`SshKey::fingerprint`](crate::SshKey::fingerprint): a machine that was built anew under this name has another
    /// key, which a late confirmation must not destroy. Idempotent.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no machine yet, which still needs it; [`Conflict`](ErrorKind::Conflict)
    /// with the field `fingerprint` if the machine's key is another one, and while another process works on the machine.
    pub async fn forget_private_key(&self, id: &ProvisionId, fingerprint: &str) -> Result<(), Error> {
        // Under the lease: the next machine of this name has its key under the same name, and nobody may begin it meanwhile.
        let recorder = Recorder::open(&self.ports, id).await?;
        let forgotten = async {
            let state = recorder.state();
            let plan = self.machine_of(&state)?;
            if state.fingerprint.as_deref() != Some(fingerprint.trim()) {
                return Err(Error::new(ErrorKind::Conflict, "the machine has another key than the one that is kept")
                    .with_effect(Effect::None)
                    .with_field("fingerprint")
                    .with_advice("read the private key, keep it elsewhere, and confirm the fingerprint of that one"));
            }
            recorder.renew().await?;
            self.secrets.remove(&plan.key).await
        };
        let outcome = forgotten.await;
        recorder.close().await;
        outcome
    }

    /// The plan of a machine that exists, whether or not its agent came online.
    async fn plan_of_machine(&self, id: &ProvisionId) -> Result<ProvisionPlan, Error> {
        self.machine_of(&self.state(id).await?)
    }

    pub(super) fn machine_of(&self, state: &ProvisionState) -> Result<ProvisionPlan, Error> {
        let built = state.is_complete(Step::Machine)
            && matches!(state.phase, Phase::Building | Phase::Failed | Phase::Finished);
        let Some(plan) = state.plan.as_ref().filter(|_| built) else {
            return Err(absent("there is no machine under this name", "provision it first"));
        };
        self.check_subscription(plan)?;
        Ok(plan.clone())
    }

    pub(super) async fn begin_and_drive(
        &self,
        recorder: &Recorder,
        plan: &ProvisionPlan,
    ) -> Result<Provisioned, Error> {
        let work = async {
            require_machine(plan.part)?;
            self.begin(recorder, plan).await?;
            self.driven(recorder).await
        };
        recorder.guard(work).await
    }

    async fn begin(&self, recorder: &Recorder, plan: &ProvisionPlan) -> Result<(), Error> {
        if is_begun(recorder, plan)? {
            return Ok(());
        }
        recorder.record(ProvisionEvent::Planned { plan: Box::new(plan.clone()) }).await
    }

    /// The same as [`Provisioner::drive`], on the heap: every future around it would hold all of its steps.
    fn driven<'s>(&'s self, recorder: &'s Recorder) -> BoxFuture<'s, Result<Provisioned, Error>> {
        self.drive(recorder).boxed()
    }

    async fn drive(&self, recorder: &Recorder) -> Result<Provisioned, Error> {
        self.drive_to_rest(recorder).await?;
        let plan = planned(recorder).await?;
        self.provisioned(&self.site(recorder, &plan)?, &recorder.state())
    }

    /// Decides on an action and performs it, until nothing is left to do.
    pub(super) async fn drive_to_rest(&self, recorder: &Recorder) -> Result<(), Error> {
        let plan = planned(recorder).await?;
        let site = self.site(recorder, &plan)?;
        let mut key = Sealing::begin(&*self.secrets, &plan, &recorder.state()).await?;
        loop {
            let state = recorder.state();
            let ends = state.phase == Phase::Failed && !state.is_kept();
            if ends || matches!(state.phase, Phase::CleaningUp | Phase::CleanedUp) {
                self.tear_down(recorder).await?;
                return Err(failed_before(&state));
            }
            // Before anything is built, rather than when the script is opened.
            if !state.is_complete(Step::Extension) {
                plan.check_script_read()?;
            }
            match decide(&state) {
                Action::SealKey => key.seal(recorder).await?,
                Action::Clear => site.clear(&state).await?,
                Action::Create(steps) => {
                    let work = steps.iter().map(|step| site.create(*step, &state));
                    let outcomes = join_all(work).await;
                    // All of them were awaited, so that a clean-up knows of every write. A definitive failure comes
                    // first: it ends the provisioning, whatever became of the others.
                    let mut failures: Vec<StepFailure> = outcomes.into_iter().filter_map(Result::err).collect();
                    failures.sort_by_key(|failed| !failed.failure.is_definitive());
                    if let Some(failure) = failures.into_iter().next() {
                        return Err(self.fail(&site, failure).await);
                    }
                }
                Action::Finish => {
                    let Addresses { address, ipv6, fqdn } = site.addresses().await?;
                    let warning = site.told_warning();
                    site.forget_all_operations().await?;
                    recorder.record(ProvisionEvent::Finished { address, ipv6, fqdn, warning }).await?;
                }
                _ => return Ok(()),
            }
        }
    }

    /// Makes a failure durable, and deletes what was created if that is wanted. Returns the error for the caller.
    async fn fail(&self, site: &Site<'_>, failure: StepFailure) -> Error {
        let StepFailure { step, failure } = failure;
        let error = match failure {
            Failure::Definitive(error) => error,
            // The journal says what is not so: nothing is deleted on its word either.
            Failure::Unknown(error) if error.kind() == ErrorKind::Corrupt => return error,
            Failure::Unknown(error) => {
                let advice =
                    format!("resume it: nothing was deleted, since the outcome is not known ({})", error.advice());
                return error.with_advice(advice);
            }
        };
        // Before the clean-up, so that a run after a crash can still name the cause.
        let noted = site.recorder.record(ProvisionEvent::Failed { step, diagnosis: error.diagnosis().clone() }).await;
        if let Err(lost) = noted {
            return lost;
        }
        if site.plan.after_failure_of(step) == OnFailure::Keep {
            // The operation has ended: who goes on writes again, rather than find it failed for ever.
            site.forget_ended(step).await;
            let kept = match step {
                Step::Extension | Step::Agent => {
                    "the machine runs and stays: resume it to try its agent again, or clean it up"
                }
                _ => "what was created is still there",
            };
            let advice = format!("{}; {kept}", error.advice());
            return error.with_advice(advice);
        }
        match self.tear_down(site.recorder).await {
            Ok(_) => error,
            Err(rest) => {
                let advice = format!("{}; the clean-up is not complete ({rest}): clean up again", error.advice());
                error.with_advice(advice)
            }
        }
    }

    pub(super) async fn tear_down(&self, recorder: &Recorder) -> Result<CleanUp, Error> {
        let plan = planned(recorder).await?;
        let site = self.site(recorder, &plan)?;
        if !matches!(recorder.state().phase, Phase::CleaningUp | Phase::CleanedUp) {
            recorder.record(ProvisionEvent::CleanUpBegun).await?;
        }
        let mut kept = None;
        loop {
            let state = recorder.state();
            match decide(&state) {
                Action::Remove(steps) => {
                    for outcome in join_all(steps.iter().map(|step| site.remove(*step, &state))).await {
                        kept = outcome?.or(kept);
                    }
                }
                Action::CloseCleanUp => {
                    // The machine is gone, so the key opens nothing any more.
                    self.secrets.remove(&plan.key).await?;
                    if plan.spec.windows.is_some() {
                        self.secrets.remove(&plan.id.password_secret()?).await?;
                    }
                    site.forget_all_operations().await?;
                    let kept = site.account_of_kept(state.placement, kept.take()).await?;
                    recorder.record(ProvisionEvent::CleanedUp { kept }).await?;
                }
                _ => return Ok(CleanUp::new().with_kept(state.kept.clone())),
            }
        }
    }

    pub(super) fn site<'a>(&'a self, recorder: &'a Recorder, plan: &'a ProvisionPlan) -> Result<Site<'a>, Error> {
        self.check_subscription(plan)?;
        Ok(Site {
            group: self.subscription.group(plan.spec.group.name()),
            arm: self.subscription.arm().clone(),
            role_wait: RoleWait::new(self.role_grace),
            subscription: &self.subscription,
            registered: futures_util::lock::Mutex::new(BTreeSet::new()),
            plan,
            ids: Ids::of(plan)?,
            recorder,
            secrets: self.secrets.clone(),
            clock: self.ports.session.clock.clone(),
            probe: self.probe.clone(),
            warning: Mutex::new(None),
            known_addresses: Mutex::new(None),
        })
    }

    fn check_subscription(&self, plan: &ProvisionPlan) -> Result<(), Error> {
        if plan.subscription == self.subscription.id() {
            return Ok(());
        }
        Err(Error::invalid("subscription", "is not the one that the plan was made for")
            .with_advice("use a provisioner of the plan's subscription"))
    }

    pub(super) fn provisioned(&self, site: &Site<'_>, state: &ProvisionState) -> Result<Provisioned, Error> {
        let corrupt = || Error::new(ErrorKind::Corrupt, "the journal names no placement or no key");
        Ok(Provisioned {
            id: site.plan.id.clone(),
            machine: site.machine()?.id().clone(),
            address: state.address.clone(),
            ipv6: state.ipv6.clone(),
            fqdn: state.fqdn.clone(),
            admin: site.plan.spec.admin.clone(),
            fingerprint: match state.password_sealed {
                true => String::new(),
                false => state.fingerprint.clone().ok_or_else(corrupt)?,
            },
            placement: site.plan.placements.get(state.placement).cloned().ok_or_else(corrupt)?,
            warning: state.warning.clone(),
        })
    }
}

/// Whether what a plan builds was begun; if not, nothing is there under its name.
pub(super) fn is_begun(recorder: &Recorder, plan: &ProvisionPlan) -> Result<bool, Error> {
    plan.check_own()?;
    let state = recorder.state();
    let Some(begun) = state.plan.as_ref().filter(|_| state.phase != Phase::CleanedUp) else { return Ok(false) };
    if begun.builds_the_same(plan) {
        return Ok(true);
    }
    Err(Error::new(ErrorKind::Conflict, "another machine was begun under this name")
        .with_effect(Effect::None)
        .with_field("provision_id")
        .with_advice("choose another name, or clean the other machine up first"))
}

/// Refuses to take a fleet's foundation for a machine.
fn require_machine(part: Part) -> Result<(), Error> {
    if part.is_machine() {
        return Ok(());
    }
    Err(Error::invalid("provision_id", "is the name of a fleet, not of a machine")
        .with_advice("run, resume or clean up the fleet with Fleet"))
}

pub(super) fn absent(message: &str, advice: &str) -> Error {
    Error::new(ErrorKind::NotFound, message).with_effect(Effect::None).with_advice(advice)
}

pub(super) async fn planned(recorder: &Recorder) -> Result<ProvisionPlan, Error> {
    recorder.state().plan.clone().ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "nothing was begun under this name")
            .with_effect(Effect::None)
            .with_advice("check the name, and that the journal is the right one")
    })
}

/// The error for a provisioning that had failed or was given up before, and is cleaned up now.
pub(super) fn failed_before(state: &ProvisionState) -> Error {
    let (message, advice) = match &state.failure {
        Some((step, error)) => {
            (format!("it had failed at the {}: {error}", step.name()), "correct the cause, then provision again")
        }
        None => ("it had been given up, and is cleaned up".to_owned(), "provision again when it is wanted"),
    };
    Error::new(ErrorKind::Conflict, message).with_advice(advice)
}

impl fmt::Debug for Provisioner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provisioner").field("subscription", &self.subscription).finish_non_exhaustive()
    }
}
