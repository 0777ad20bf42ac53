//! The fake agent keeps the promises of the port, and probes that break one are named.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_arm::Arm;
use azconnect_arm::provision::{AgentFailure, AgentProbe, ProbeTarget, Probed};
use azconnect_core::{Cloud, Error, ResourceGroupName};
use azconnect_http::Pipeline;
use azconnect_testkit::ManualClock;
use azconnect_testkit::conformance::agent_probe::{self, AgentProbeHarness, AgentState};
use azconnect_testkit::fake::{Agent, Conduct, Fault, Tokens, Wire};

use crate::judged::{named, verdict};

struct Harness {
    agent: Agent,
    probe: Arc<dyn AgentProbe>,
}

impl Harness {
    fn new(wrap: impl Fn(Agent) -> Arc<dyn AgentProbe>) -> Self {
        let agent = Agent::new(Probed::NotYet("the machine boots".to_owned()));
        Self { probe: wrap(agent.clone()), agent }
    }
}

#[async_trait]
impl AgentProbeHarness for Harness {
    fn probe(&self) -> Arc<dyn AgentProbe> {
        self.probe.clone()
    }
    fn target(&self) -> ProbeTarget {
        let clock = Arc::new(ManualClock::new());
        let pipeline = Pipeline::new(Arc::new(Wire::new(clock.clone(), |_| Conduct::Break)), clock.clone());
        let arm = Arm::new(pipeline, &Cloud::public(), Arc::new(Tokens::new(clock)));
        let subscription = arm.subscription("20000000-0000-4000-8000-000000000001".parse().unwrap());
        let group = subscription.group(&ResourceGroupName::new("rg-web").unwrap());
        ProbeTarget::new(group.virtual_machine("web").unwrap(), "westeurope", None)
    }
    async fn bring(&self, state: AgentState) {
        self.agent.set(match state {
            AgentState::Online => Probed::Online,
            AgentState::Failed => {
                Probed::Failed(AgentFailure::new("the script ended").with_exit_code(3).with_output("no such package"))
            }
            _ => Probed::NotYet("the machine boots".to_owned()),
        });
    }
    fn sees_failure(&self) -> bool {
        true
    }
    async fn pause(&self) {}
    async fn disconnect(&self) {
        self.agent.faults().break_down((), Fault::Dropped);
    }
}

#[tokio::test]
async fn the_fake_agent_conforms() {
    agent_probe::all(async || Harness::new(|agent| Arc::new(agent))).await;
}

#[derive(Clone, Copy, PartialEq)]
enum Sin {
    TakesSilenceForFailure,
    TakesFailureForSuccess,
    SaysNothing,
    ShowsOutput,
    Remembers,
}

struct BadProbe(Agent, Sin, std::sync::Mutex<Option<Probed>>);

#[async_trait]
impl AgentProbe for BadProbe {
    async fn probe(&self, target: &ProbeTarget) -> Result<Probed, Error> {
        let found = self.0.probe(target).await;
        match (self.1, found) {
            (Sin::TakesSilenceForFailure, Err(error)) => Ok(Probed::Failed(AgentFailure::new(error.to_string()))),
            (Sin::TakesFailureForSuccess, Ok(Probed::Failed(_))) => Ok(Probed::Online),
            (Sin::SaysNothing, Ok(Probed::NotYet(_))) => Ok(Probed::NotYet(String::new())),
            (Sin::ShowsOutput, Ok(Probed::Failed(failure))) => {
                let output = failure.output().to_owned();
                Ok(Probed::Failed(AgentFailure::new(format!("it failed: {output}")).with_output(output)))
            }
            (Sin::Remembers, Ok(found)) => Ok(self.2.lock().unwrap().get_or_insert(found).clone()),
            (_, found) => found,
        }
    }
}

#[tokio::test]
async fn a_broken_probe_is_named() {
    let run = async |sin| {
        let make = async || Harness::new(|agent| Arc::new(BadProbe(agent, sin, Default::default())));
        verdict(agent_probe::all(make)).await
    };
    named(&run(Sin::TakesSilenceForFailure).await, &["a machine out of reach proves nothing"]);
    named(&run(Sin::TakesFailureForSuccess).await, &["a failed agent is never online"]);
    named(
        &run(Sin::SaysNothing).await,
        &[
            "an agent that starts is not online yet, and why is said",
            "an agent that comes online is found by the next look",
        ],
    );
    named(&run(Sin::ShowsOutput).await, &["a failed agent is never online"]);
    named(&run(Sin::Remembers).await, &["an agent that comes online is found by the next look"]);
}
