//! Long-running operations: begun, shown, ended.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::compute::machine;
use super::context::{Context, Reply};
use super::resources::deployment;
use super::{network, refusal};
use crate::base::call::Query;
use crate::base::dice::Dice;
use crate::base::moment::Moment;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::base::settings::resource_manager::OperationKind;
use crate::model::arm::account::Registration;
use crate::model::arm::address::parent_id;
use crate::model::arm::failure::Failure;
use crate::model::arm::operation::{Operation, Progress, Work};
use crate::model::arm::resource::ProvisioningState;
use crate::model::world::World;

/// The operation that is to begin, and what it will do.
pub(crate) struct Start<'a> {
    pub(crate) kind: OperationKind,
    pub(crate) subject: &'a str,
    pub(crate) work: Work,
    pub(crate) namespace: &'static str,
    pub(crate) location: &'a str,
}

/// How long the certificate in an address is: together with the signature several KB, as in reality.
const CERTIFICATE_LENGTH: usize = 1900;

impl Context<'_> {
    /// Begins an operation. A machine, network and so on that it changes is marked by the caller.
    pub(crate) fn start(&self, world: &mut World, start: Start<'_>) -> Uuid {
        let failure = self.failure.filter(|failure| failure.in_operation).cloned();
        let usual = world.settings.resource_manager.duration(start.kind);
        let time = failure.as_ref().and_then(|failure| failure.time).unwrap_or(usual);
        let id = world.dice.guid();
        let operation = Operation {
            id,
            number: world.arm.operations.next_number(),
            kind: start.kind,
            subject: start.subject.to_owned(),
            work: start.work,
            namespace: start.namespace,
            subscription: self.address.subscription.clone(),
            location: start.location.to_owned(),
            started: self.now,
            ends: self.now.elapsed.saturating_add(time),
            progress: Progress::Running,
            ended: None,
            failure,
            by: self.caller.object_id(),
            signature: world.dice.number(),
            partition: world.dice.guid(),
            api_version: self.api_version().to_owned(),
        };
        world.arm.operations.begin(operation);
        id
    }

    /// The headers of a first answer.
    pub(crate) fn operation_headers(&self, world: &World, id: Uuid, reply: &Reply) -> Vec<(String, String)> {
        let Some(operation) = world.arm.operations.get(&id) else { return Vec::new() };
        let mut headers = Vec::new();
        if reply.addresses.has_status() {
            headers.push(("azure-asyncoperation".to_owned(), operation.address(&self.call.origin, false)));
        }
        if reply.addresses.has_location() {
            headers.push(("location".to_owned(), operation.address(&self.call.origin, true)));
        }
        headers.push(("x-ms-operation-identifier".to_owned(), format!("{}/{}", self.caller.tenant, operation.id)));
        if let Some(pause) = world.settings.resource_manager.first_pause(operation.kind) {
            headers.push(("retry-after".to_owned(), pause.to_string()));
        }
        headers
    }
}

/// Ends whatever was to end until now, in order.
pub(crate) fn settle(world: &mut World, now: Moment) {
    loop {
        let running = world.arm.operations.running().filter(|operation| operation.ends <= now.elapsed);
        // In the order of their ends, and of their beginnings where those are the same: one may change what the next
        // one finds.
        let Some(id) = running.min_by_key(|o| (o.ends, o.number)).map(|o| o.id) else { break };
        let at = world.arm.operations.get(&id).map_or(now, |operation| operation.moment_of_end(now));
        end(world, id, now);
        deployment::advance(world, at);
    }
    let kept = world.settings.kept;
    world.arm.operations.keep(kept);
    world.arm.ledger.keep(kept);
}

/// Ends one operation at the moment that was set for it.
pub(crate) fn end(world: &mut World, id: Uuid, now: Moment) {
    let Some(operation) = world.arm.operations.get(&id) else { return };
    let at = operation.moment_of_end(now);
    let progress = match &operation.failure {
        None => Progress::Succeeded,
        Some(failure) if failure.canceled => Progress::Canceled,
        Some(_) => Progress::Failed,
    };
    let Some(operation) = world.arm.operations.end(id, progress, at.wall) else { return };
    let (progress, work, subject) = (operation.progress, operation.work.clone(), operation.subject.clone());
    let by = Some(operation.by);
    let code = operation.failure.as_ref().map_or(String::new(), |failure| failure.refusal.code.clone());
    // What lives inside another resource is changed together with it.
    let holder = if world.arm.get(&subject).is_some() { subject.as_str() } else { parent_id(&subject) };
    if let Some(resource) = world.arm.get_mut(holder)
        && resource.operation == Some(id)
    {
        resource.operation = None;
        resource.state = match progress {
            Progress::Failed => ProvisioningState::Failed,
            Progress::Canceled => ProvisioningState::Canceled,
            _ => ProvisioningState::Succeeded,
        };
    }
    match (progress, work) {
        (Progress::Succeeded, Work::Provision) => network::provisioned(world, &subject),
        (Progress::Succeeded, Work::CreateMachine) => machine::created(world, &subject, at),
        (_, Work::CreateMachine) => machine::not_created(world, &subject, at, &code),
        (Progress::Succeeded, Work::Delete) => world.arm.remove(&subject, at, by),
        (Progress::Succeeded, Work::DeleteEmbedded) => network::remove_embedded(world, &subject, at, by),
        (Progress::Succeeded, Work::DeleteMachine) => machine::deleted(world, &subject, at, by),
        (Progress::Succeeded, Work::DeleteGroup) => world.arm.remove(&subject, at, by),
        (Progress::Succeeded, Work::Power(power)) => machine::powered(world, &subject, power, at),
        (Progress::Succeeded, Work::Register(namespace)) => {
            if let Ok(subscription) = Uuid::parse_str(&subject) {
                let account = world.arm.account(subscription);
                account.providers.insert(namespace, Registration::Registered);
            }
        }
        _ => {}
    }
}

/// Ends an operation before its time, because a later one takes its place.
pub(crate) fn preempt(world: &mut World, id: Uuid, now: Moment) {
    if world.arm.operations.get(&id).is_none_or(|operation| operation.progress != Progress::Running) {
        return;
    }
    if let Some(operation) = world.arm.operations.end(id, Progress::Canceled, now.wall) {
        operation.failure = Some(Failure::new("OperationPreempted").canceled());
    }
}

impl Operation {
    fn path(&self, result: bool) -> String {
        let locations =
            format!("/subscriptions/{}/providers/{}/locations/{}", self.subscription, self.namespace, self.location);
        match (self.namespace, result) {
            _ if self.work == Work::Deployment => format!("{}/operationStatuses/{}", self.subject, self.id),
            ("Microsoft.Resources", _) => format!("/subscriptions/{}/operationresults/{}", self.subscription, self.id),
            ("Microsoft.Network", true) => format!("{locations}/operationResults/{}", self.id),
            _ => format!("{locations}/operations/{}", self.id),
        }
    }

    fn query(&self, result: bool) -> Vec<(String, String)> {
        let mut query = Vec::new();
        if self.namespace == "Microsoft.Compute" {
            query.push(("p".to_owned(), self.partition.to_string()));
            if result {
                query.push(("monitor".to_owned(), "true".to_owned()));
            }
        }
        query.push(("api-version".to_owned(), self.api_version.clone()));
        query.extend(self.token());
        query
    }

    /// What follows `api-version`: a signature, the same whenever it is asked for.
    fn token(&self) -> [(String, String); 4] {
        // As .NET counts: tenths of microseconds since the year 1.
        let ticks = self.started.wall.unix_timestamp_nanos() / 100 + 621_355_968_000_000_000;
        let mut dice = Dice::new(self.signature);
        // Real addresses are signed and several KB long, so a client that cuts or rewrites them must fail here too.
        [
            ("t".to_owned(), ticks.to_string()),
            ("c".to_owned(), format!("MII{}", dice.text(CERTIFICATE_LENGTH))),
            ("s".to_owned(), dice.text(342)),
            ("h".to_owned(), dice.text(43)),
        ]
    }

    /// Where the operation, or its result, is read.
    pub(crate) fn address(&self, origin: &str, result: bool) -> String {
        let query: Vec<String> = self.query(result).iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{origin}{}?{}", self.path(result), query.join("&"))
    }

    /// The body of a poll.
    fn body(&self) -> Value {
        let text = |moment: OffsetDateTime| moment.format(&Rfc3339).unwrap_or_default();
        let mut body = match self.namespace {
            "Microsoft.Network" => json!({"status": self.progress.name()}),
            _ => json!({
                "startTime": text(self.started.wall),
                "status": if self.work == Work::Deployment && self.progress == Progress::Running { "Running" } else { self.progress.name() },
                "name": self.id,
            }),
        };
        if let Some(map) = body.as_object_mut() {
            if let (Work::Answer(answer), Progress::Succeeded) = (&self.work, self.progress) {
                map.insert("properties".to_owned(), json!({"output": answer}));
            }
            if let (Some(ended), true) = (self.ended, self.namespace == "Microsoft.Compute") {
                map.insert("endTime".to_owned(), json!(text(ended)));
            }
            let error = self.failure.as_ref().and_then(|failure| refusal::in_operation(&failure.refusal));
            // A failure that is scripted shows only once the operation has ended.
            if let (Some(error), true) = (error, self.progress != Progress::Running) {
                map.insert("error".to_owned(), error);
            }
        }
        body
    }
}

/// Answers a poll of an operation's status or of its result.
pub(crate) fn poll(cx: &Context<'_>, world: &World, id: &str, result: bool) -> OrRefusal<Reply> {
    let operation = Uuid::parse_str(id).ok().and_then(|id| world.arm.operations.get(&id));
    let Some(operation) = operation else {
        return Err(Refusal::new(404, "NotFound", format!("The entity was not found: operation {id}.")));
    };
    if operation.by != cx.caller.object_id() {
        return Err(Refusal::new(
            403,
            "AuthorizationFailed",
            "The client does not have authorization to read the operation: only the caller that began it may.",
        ));
    }
    // Compute has one path for both addresses, and says in the query which of them is meant.
    let result = if operation.namespace == "Microsoft.Compute" { cx.call.query.flag("monitor") } else { result };
    if !is_as_signed(&cx.call.query, &operation.query(result)) {
        return Err(Refusal::new(
            400,
            "InvalidOperationUrl",
            "The address of the operation is not the one that was given: its signature does not fit.",
        ));
    }
    let pause = world.settings.resource_manager.poll_pause(operation.kind);
    let with_pause = |reply: Reply| match pause {
        Some(pause) => reply.header("retry-after", &pause.to_string()),
        None => reply,
    };
    if !result {
        let reply = Reply::new(200, operation.body());
        return Ok(if operation.progress == Progress::Running { with_pause(reply) } else { reply });
    }
    match operation.progress {
        Progress::Running => {
            Ok(with_pause(Reply::new(202, Value::Null)).header("location", &operation.address(&cx.call.origin, true)))
        }
        Progress::Succeeded => Ok(result_of(world, operation)),
        Progress::Failed | Progress::Canceled => {
            let refusal = operation.failure.as_ref().map(|failure| failure.refusal.clone());
            Err(refusal.unwrap_or_else(|| Refusal::new(409, "Conflict", "The operation failed.")))
        }
    }
}

/// The final answer where a result is read.
fn result_of(world: &World, operation: &Operation) -> Reply {
    match &operation.work {
        Work::Answer(answer) => Reply::new(200, answer.clone()),
        Work::Provision | Work::CreateMachine | Work::Deployment => match world.arm.get(&operation.subject) {
            Some(resource) => Reply::new(200, super::view::render(world, resource)),
            None => Reply::new(200, Value::Null),
        },
        Work::Delete | Work::DeleteEmbedded if operation.namespace == "Microsoft.Network" => {
            Reply::new(204, Value::Null)
        }
        _ => Reply::new(200, Value::Null),
    }
}

/// Whether a query is byte for byte what was given: the signature covers all of it.
fn is_as_signed(query: &Query, given: &[(String, String)]) -> bool {
    query.0 == given
}
