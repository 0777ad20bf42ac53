//! The probes keep the promises of the port: inside the emulator's machine, through a function, and over a real socket.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_arm::provision::{AgentFailure, AgentProbe, FnProbe, ProbeTarget, Probed, RunCommandProbe};
use azconnect_core::{Clock, ErrorKind};
use azconnect_emulator::arm::{AgentOutcome, AgentScript, Failure};
use azconnect_emulator::{Fault, FaultAction};
use azconnect_testkit::conformance::agent_probe::{self, AgentProbeHarness, AgentState};

use crate::stage::{Stage, agent, plan, spec};

/// How long the agents' script runs.
const RUN: Duration = Duration::from_secs(86_400);

/// How long a product waits between two looks.
const PAUSE: Duration = Duration::from_secs(15);

/// Two machines that are up while the script of their agent still runs: it will succeed in one and fail in the other.
struct Machines {
    good: (Stage, ProbeTarget),
    bad: (Stage, ProbeTarget),
    failed: AtomicBool,
}

impl Machines {
    async fn new() -> Self {
        let good = machine(AgentOutcome::Succeeds).await;
        let bad = machine(AgentOutcome::Fails(3)).await;
        Self { good, bad, failed: AtomicBool::new(false) }
    }
}

async fn machine(outcome: AgentOutcome) -> (Stage, ProbeTarget) {
    let stage = Stage::new();
    let script = AgentScript::new(outcome).with_run(RUN).with_output("no such package\n");
    stage.emulator.resource_manager().on_machines("", script);
    let provisioner = stage.provisioner().with_probe(Arc::new(FnProbe::new(|_| Probed::Online)));
    let machine = provisioner.run(&plan(spec().with_agent(agent()))).await.unwrap();
    let handle = stage.subscription().machine(&machine.machine).unwrap();
    let target = ProbeTarget::new(handle, "westeurope", machine.address);
    (stage, target)
}

#[async_trait]
impl AgentProbeHarness for Machines {
    fn probe(&self) -> Arc<dyn AgentProbe> {
        Arc::new(RunCommandProbe)
    }

    fn target(&self) -> ProbeTarget {
        let (_, target) = if self.failed.load(Ordering::SeqCst) { &self.bad } else { &self.good };
        target.clone()
    }

    async fn bring(&self, state: AgentState) {
        self.failed.store(state == AgentState::Failed, Ordering::SeqCst);
        // Both clocks show the paused time of the runtime.
        self.good.0.clock.sleep(RUN).await;
    }

    fn sees_failure(&self) -> bool {
        true
    }

    async fn pause(&self) {
        self.good.0.clock.sleep(PAUSE).await;
    }

    async fn disconnect(&self) {
        for (stage, _) in [&self.good, &self.bad] {
            stage.emulator.faults().add(Fault::new(FaultAction::DropBefore).forever());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_probe_by_run_command_conforms() {
    agent_probe::all(Machines::new).await;
}

#[tokio::test(start_paused = true)]
async fn a_look_right_after_the_last_one_waits_until_its_command_is_gone() {
    let (stage, target) = machine(AgentOutcome::Succeeds).await;
    stage.clock.sleep(RUN).await;
    for look in 1..=3 {
        let found = RunCommandProbe.probe(&target).await;
        assert_eq!(found.unwrap_or_else(|error| panic!("look {look}: {error:?}")), Probed::Online);
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_that_never_goes_is_waited_for_no_longer_than_a_minute() {
    let (stage, target) = machine(AgentOutcome::Succeeds).await;
    let fault = Fault::new(FaultAction::Fail(Failure::new("Conflict"))).with_path("/runCommands/").forever();
    stage.emulator.faults().add(fault);
    let before = stage.clock.elapsed();
    assert_eq!(RunCommandProbe.probe(&target).await.unwrap_err().kind(), ErrorKind::Conflict);
    let waited = stage.clock.elapsed() - before;
    assert!((60..70).contains(&waited.as_secs()), "{waited:?}");
}

/// An agent that has phoned home, or not, as a product would note it.
struct PhoneBook {
    target: ProbeTarget,
    noted: Arc<Mutex<Probed>>,
}

impl PhoneBook {
    fn new() -> Self {
        let noted = Arc::new(Mutex::new(Probed::NotYet("the agent has not called".to_owned())));
        Self { target: unmade(None), noted }
    }
}

/// A machine that nobody made: only its address matters.
fn unmade(address: Option<String>) -> ProbeTarget {
    let group = Stage::new().subscription().group(&crate::stage::group_name());
    ProbeTarget::new(group.virtual_machine("web").unwrap(), "westeurope", address)
}

#[async_trait]
impl AgentProbeHarness for PhoneBook {
    fn probe(&self) -> Arc<dyn AgentProbe> {
        let noted = self.noted.clone();
        Arc::new(FnProbe::new(move |_| noted.lock().unwrap().clone()))
    }

    fn target(&self) -> ProbeTarget {
        self.target.clone()
    }

    async fn bring(&self, state: AgentState) {
        *self.noted.lock().unwrap() = match state {
            AgentState::Online => Probed::Online,
            AgentState::Failed => Probed::Failed(AgentFailure::new("the agent reported an error")),
            _ => Probed::NotYet("the agent has not called".to_owned()),
        };
    }

    fn sees_failure(&self) -> bool {
        true
    }

    async fn pause(&self) {}

    async fn disconnect(&self) {
        *self.noted.lock().unwrap() = Probed::NotYet("nothing was heard lately".to_owned());
    }
}

#[tokio::test(start_paused = true)]
async fn the_probe_by_function_conforms() {
    agent_probe::all(async || PhoneBook::new()).await;
}

#[cfg(feature = "tcp")]
mod tcp {
    use std::net::TcpListener;

    use azconnect_arm::provision::TcpProbe;

    use super::*;

    /// A port of this machine, on which the agent listens once it is online.
    struct Port {
        port: u16,
        listener: Mutex<Option<TcpListener>>,
    }

    impl Port {
        fn new() -> Self {
            let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            Self { port: free.port(), listener: Mutex::default() }
        }
    }

    #[async_trait]
    impl AgentProbeHarness for Port {
        fn probe(&self) -> Arc<dyn AgentProbe> {
            Arc::new(TcpProbe::new(self.port))
        }

        fn target(&self) -> ProbeTarget {
            unmade(Some("127.0.0.1".to_owned()))
        }

        async fn bring(&self, state: AgentState) {
            let listens = state == AgentState::Online;
            *self.listener.lock().unwrap() = listens.then(|| TcpListener::bind(("127.0.0.1", self.port)).unwrap());
        }

        fn sees_failure(&self) -> bool {
            false
        }

        async fn pause(&self) {}

        async fn disconnect(&self) {
            self.listener.lock().unwrap().take();
        }
    }

    #[tokio::test]
    async fn the_probe_over_tcp_conforms() {
        agent_probe::all(async || Port::new()).await;
    }
}
