//! A service that says back what it was told: in error texts, addresses, script output and status messages.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use azconnect_arm::provision::AgentFailure;
use azconnect_arm::spec::ExtensionScript;
use azconnect_arm::{AgentInstall, Arm, Fault, ProvisionPlan, Provisioner};
use azconnect_core::{Error, Journal, Secret, SecretStore, Sequence, StreamId};
use azconnect_credential::TokenProvider;
use azconnect_emulator::arm::{AgentOutcome, AgentScript};
use azconnect_http::{Pipeline, Transport};
use azconnect_testkit::Canary;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use serde_json::{Value, json};

use crate::stage::{OneToken, Stage, id, plan, spec, subscription_id};

/// How the service says back what it was told.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Echo {
    /// In the answers' bodies, their addresses and headers; nothing is refused.
    Aside,
    /// By refusing the write of that number with an error that quotes it in every field.
    Refusal(u64),
    /// By ending the operation of that number with such an error.
    Operation(u64),
}

/// The emulator, behind a service that echoes.
struct Parrot {
    emulator: Arc<dyn Transport>,
    echo: Echo,
    heard: Mutex<String>,
    writes: AtomicU64,
    polls: AtomicU64,
}

const MARK: &str = "echoed";

impl Parrot {
    fn quoted(&self) -> Value {
        let heard = self.heard.lock().unwrap().clone();
        let nested = json!({"error": {"code": heard, "message": heard}}).to_string();
        json!({"error": {
            "code": "InvalidParameter", "message": format!("the request {heard} is wrong"), "target": heard,
            "details": [{"code": heard, "message": heard, "target": heard}, {"code": "Inner", "message": nested}],
            "additionalInfo": [{"type": "PolicyViolation", "info": {"policyDefinitionDisplayName": heard}}],
        }, "status": "Failed"})
    }

    fn add_aside(&self, answer: &mut Response<Bytes>) {
        let heard = self.heard.lock().unwrap().clone();
        let echoed: String = url::form_urlencoded::byte_serialize(heard.as_bytes()).take(40).collect();
        for name in ["location", "azure-asyncoperation"] {
            if let Some(address) = answer.headers().get(name).and_then(|value| value.to_str().ok()) {
                let address = format!("{address}&{MARK}={echoed}");
                answer.headers_mut().insert(name, HeaderValue::from_str(&address).unwrap());
            }
        }
        for name in ["x-ms-request-id", "x-ms-failure-cause", "x-ms-error-code", "www-authenticate", "warning"] {
            answer.headers_mut().insert(name, HeaderValue::from_str(&echoed).unwrap());
        }
        if let Ok(Value::Object(mut body)) = serde_json::from_slice(answer.body()) {
            body.insert(MARK.to_owned(), heard.into());
            *answer.body_mut() = Value::Object(body).to_string().into();
        }
    }
}

#[async_trait]
impl Transport for Parrot {
    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        // The service takes its own addresses back.
        if let Some((own, _)) = request.uri().to_string().split_once(&format!("&{MARK}=")) {
            *request.uri_mut() = own.parse().unwrap();
        }
        let write = request.method() == http::Method::PUT;
        let poll = request.uri().path().contains("/operations/");
        if write {
            let token = request.headers()["authorization"].to_str().unwrap().to_owned();
            let body = String::from_utf8_lossy(request.body()).into_owned();
            // A script travels in base64; a service that ran it knows its text.
            let script = serde_json::from_str::<Value>(&body).ok().and_then(|body| {
                let script = body.pointer("/properties/protectedSettings/script")?.as_str()?.to_owned();
                String::from_utf8(STANDARD.decode(script).ok()?).ok()
            });
            *self.heard.lock().unwrap() = format!("{token} {body} {}", script.unwrap_or_default());
        }
        let refused = write && Echo::Refusal(self.writes.fetch_add(1, Ordering::SeqCst) + 1) == self.echo;
        let failed = poll && Echo::Operation(self.polls.fetch_add(1, Ordering::SeqCst) + 1) == self.echo;
        if refused || failed {
            let mut answer = Response::new(self.quoted().to_string().into());
            *answer.status_mut() = if refused { http::StatusCode::BAD_REQUEST } else { http::StatusCode::OK };
            self.add_aside(&mut answer);
            return Ok(answer);
        }
        let mut answer = self.emulator.send(request).await?;
        self.add_aside(&mut answer);
        Ok(answer)
    }
}

struct Flow {
    stage: Stage,
    provisioner: Provisioner,
    plan: ProvisionPlan,
    writes: Arc<Parrot>,
}

/// A provisioning with a sealed script that holds the canary, and a token that the canary watches.
async fn flow(canary: &Canary, echo: Echo, outcome: AgentOutcome) -> Flow {
    let stage = Stage::new();
    let secret = canary.secret();
    let script = id().script_secret("agent").unwrap();
    let text = format!("#!/bin/sh -x\ninstall --token '{}'\n", secret.expose());
    stage.secrets.put(&script, &Secret::new(text)).await.unwrap();
    let printed = format!("+ install --token '{}'\ndisk is full\n", secret.expose());
    stage.emulator.resource_manager().on_machines("", AgentScript::new(outcome).with_output(printed));
    let token = stage.sign_in().token(&stage.emulator.cloud().resource_manager_scope()).await.unwrap();
    canary.watch(&token.secret);
    let parrot = Arc::new(Parrot {
        emulator: stage.emulator.transport(),
        echo,
        heard: Mutex::default(),
        writes: AtomicU64::new(0),
        polls: AtomicU64::new(0),
    });
    let pipeline = Pipeline::new(parrot.clone(), Arc::new(stage.clock.clone()));
    let arm = Arm::new(pipeline, &stage.emulator.cloud(), Arc::new(OneToken(token)));
    let provisioner = stage.provisioner_in(arm.subscription(subscription_id()));
    let plan = plan(spec().with_agent(AgentInstall::extension(ExtensionScript::Sealed(script))));
    Flow { stage, provisioner, plan, writes: parrot }
}

/// Runs a flow to its end, and looks for the canary wherever something is kept or shown. Returns how it ended.
async fn nothing_leaks(canary: &Canary, name: &str, flow: &Flow) -> Result<(), Error> {
    let outcome = flow.provisioner.run(&flow.plan).await;
    if let Some(key) = flow.stage.secrets.get(&flow.plan.key).await.unwrap() {
        canary.watch(&key);
    }
    let state = flow.provisioner.state(&id()).await.unwrap();
    let progress = flow.provisioner.progress(&id()).await.unwrap();
    let cleaned = flow.provisioner.clean_up(&id()).await;
    let stream = StreamId::new("provision/contoso/web").unwrap();
    let entries = flow.stage.journal.read(&stream, Sequence::START).await.unwrap();
    let journal: String = entries.into_iter().map(|entry| entry.record.payload).collect();
    canary.assert_absent(&format!("{name}: the journal"), journal.as_bytes());
    assert!(!journal.contains(MARK), "{name}: the journal holds an address");
    let shown = format!("{outcome:?} {state:?} {progress:?} {} {cleaned:?}", serde_json::to_string(&progress).unwrap());
    canary.assert_absent(&format!("{name}: what is shown"), shown.as_bytes());
    if let Err(error) = &outcome {
        let sources: Vec<String> = std::iter::successors(std::error::Error::source(error), |source| source.source())
            .map(|source| format!("{source} {source:?}"))
            .collect();
        let told = AgentFailure::of(error).map(|failure| failure.output().to_owned());
        let json = serde_json::to_string(error).unwrap();
        let own = error.service_text();
        let text =
            format!("{error} {error:?} {} {} {json} {sources:?} {told:?} {own:?}", error.message(), error.advice());
        canary.assert_absent(&format!("{name}: the error"), text.as_bytes());
        // Of the script's step, the service's own account too.
        if progress.failure.is_some_and(|failure| failure.step == azconnect_arm::Step::Extension) {
            let account = Fault::of(error).map(|fault| fault.service_message().to_owned()).unwrap_or_default();
            assert!(!account.contains(canary.secret().expose()), "{name}: the service's account");
        }
    }
    canary.assert_absent_from_logs();
    outcome.map(|_| ())
}

#[tokio::test(start_paused = true)]
async fn a_service_that_echoes_secrets_in_answers_addresses_and_headers_makes_nobody_show_them() {
    let canary = Canary::new();
    let _ears = canary.listen();
    let flow = flow(&canary, Echo::Aside, AgentOutcome::Succeeds).await;
    // The probe looks for a script of cloud-init, so that it never finds this one; what it is told is echoed as well.
    let probe = azconnect_arm::provision::FnProbe::new(|_| azconnect_arm::provision::Probed::Online);
    let flow = Flow { provisioner: flow.provisioner.with_probe(Arc::new(probe)), ..flow };
    nothing_leaks(&canary, "aside", &flow).await.unwrap();
    assert!(flow.writes.writes.load(Ordering::SeqCst) >= 7, "nothing was echoed");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_echoes_secrets_in_script_output_makes_nobody_show_them() {
    let canary = Canary::new();
    let _ears = canary.listen();
    let flow = flow(&canary, Echo::Aside, AgentOutcome::Fails(3)).await;
    let error = nothing_leaks(&canary, "output", &flow).await.unwrap_err();
    let failure = AgentFailure::of(&error).unwrap();
    assert!(failure.output().contains("disk is full"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_echoes_secrets_in_refusals_makes_nobody_show_them() {
    let canary = Canary::new();
    let _ears = canary.listen();
    for number in 1.. {
        let flow = flow(&canary, Echo::Refusal(number), AgentOutcome::Fails(3)).await;
        nothing_leaks(&canary, &format!("write {number} is refused"), &flow).await.unwrap_err();
        if flow.writes.writes.load(Ordering::SeqCst) < number {
            assert!(number > 7, "only {number} writes");
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_echoes_secrets_in_failed_operations_makes_nobody_show_them() {
    let canary = Canary::new();
    let _ears = canary.listen();
    for number in 1..60 {
        let flow = flow(&canary, Echo::Operation(number), AgentOutcome::Fails(3)).await;
        nothing_leaks(&canary, &format!("poll {number} says failed"), &flow).await.unwrap_err();
        if flow.writes.polls.load(Ordering::SeqCst) < number {
            assert!(number > 7, "only {number} polls");
            return;
        }
    }
}
