//! Long-running operations: begun, shown, ended.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::ask::Room;
use super::ask::{Ask, Reply};
use super::compute::machine;
use super::network;
use super::resources::deployment;
use crate::base::call::Query;
use crate::base::moment::Moment;
use crate::base::refusal::{Granted, Refusal};
use crate::base::settings::resource_manager::OperationKind;
use crate::model::arm::account::Registration;
use crate::model::arm::address::parent_id;
use crate::model::arm::failure::Failure;
use crate::model::arm::operation::Operation;
use crate::model::arm::operation::Progress;
use crate::model::arm::operation::Work;
use crate::model::arm::resource::State;

/// What is to begin.
pub(crate) struct Start<'a> {
    pub(crate) kind: OperationKind,
    pub(crate) subject: &'a str,
    pub(crate) work: Work,
    pub(crate) namespace: &'static str,
    pub(crate) location: &'a str,
}

/// How long the certificate in an address is: together with the signature several KB, as in reality.
const CERTIFICATE_LENGTH: usize = 1900;

impl Room<'_> {
    /// Begins an operation. A machine, network and so on that it changes is marked by the caller.
    pub(crate) fn start(&mut self, ask: &Ask<'_>, start: Start<'_>) -> Uuid {
        let failure = ask.failure.filter(|failure| failure.in_operation).cloned();
        let usual = self.settings.duration(start.kind);
        let time = failure.as_ref().and_then(|failure| failure.time).unwrap_or(usual);
        let id = self.dice.guid();
        self.arm.operations_begun += 1;
        let ticks = ask.now.wall.unix_timestamp_nanos() / 100 + 621_355_968_000_000_000;
        let token = vec![
            ("t".to_owned(), ticks.to_string()),
            ("c".to_owned(), format!("MII{}", self.dice.text(CERTIFICATE_LENGTH))),
            ("s".to_owned(), self.dice.text(342)),
            ("h".to_owned(), self.dice.text(43)),
        ];
        let operation = Operation {
            id,
            number: self.arm.operations_begun,
            kind: start.kind,
            subject: start.subject.to_owned(),
            work: start.work,
            namespace: start.namespace,
            subscription: ask.address.subscription.clone(),
            location: start.location.to_owned(),
            started: ask.now,
            ends: ask.now.elapsed.saturating_add(time),
            progress: Progress::Running,
            ended: None,
            failure,
            by: ask.caller.object_id(),
            token,
            partition: self.dice.guid(),
            api_version: ask.api_version.to_owned(),
        };
        self.arm.operations.insert(id, operation);
        id
    }

    /// Ends whatever was to end until now, in order.
    pub(crate) fn settle(&mut self, now: Moment) {
        loop {
            let running = self
                .arm
                .operations
                .values()
                .filter(|operation| operation.progress == Progress::Running && operation.ends <= now.elapsed);
            let Some(id) = running.min_by_key(|o| (o.ends, o.number)).map(|o| o.id) else { return };
            let at = self.arm.operations.get(&id).map_or(now, |operation| operation.moment_of_end(now));
            self.end(id, now);
            deployment::advance(self, at);
        }
    }

    /// Ends one operation at the moment that was set for it.
    pub(crate) fn end(&mut self, id: Uuid, now: Moment) {
        let Some(operation) = self.arm.operations.get_mut(&id) else { return };
        let at = operation.moment_of_end(now);
        operation.ended = Some(at.wall);
        operation.progress = match &operation.failure {
            None => Progress::Succeeded,
            Some(failure) if failure.canceled => Progress::Canceled,
            Some(_) => Progress::Failed,
        };
        let (progress, work, subject) = (operation.progress, operation.work.clone(), operation.subject.clone());
        let by = Some(operation.by);
        let code = operation.failure.as_ref().map_or(String::new(), |failure| failure.refusal.code.clone());
        // What lives inside another resource is changed together with it.
        let holder = if self.arm.get(&subject).is_some() { subject.as_str() } else { parent_id(&subject) };
        if let Some(resource) = self.arm.get_mut(holder)
            && resource.operation == Some(id)
        {
            resource.operation = None;
            resource.state = match progress {
                Progress::Failed => State::Failed,
                Progress::Canceled => State::Canceled,
                _ => State::Succeeded,
            };
        }
        match (progress, work) {
            (Progress::Succeeded, Work::Provision) => network::provisioned(self, &subject),
            (Progress::Succeeded, Work::CreateMachine) => machine::created(self, &subject, at),
            (_, Work::CreateMachine) => machine::not_created(self, &subject, at, &code),
            (Progress::Succeeded, Work::Delete) => self.arm.remove(&subject, at, by),
            (Progress::Succeeded, Work::DeleteEmbedded) => network::remove_embedded(self, &subject, at, by),
            (Progress::Succeeded, Work::DeleteMachine) => machine::deleted(self, &subject, at, by),
            (Progress::Succeeded, Work::DeleteGroup) => self.arm.remove(&subject, at, by),
            (Progress::Succeeded, Work::Power(power)) => machine::powered(self, &subject, power, at),
            (Progress::Succeeded, Work::Register(namespace)) => {
                if let Ok(subscription) = Uuid::parse_str(&subject) {
                    let account = self.arm.account(subscription);
                    account.providers.insert(namespace, Registration::Registered);
                }
            }
            _ => {}
        }
    }

    /// Ends an operation before its time, because a later one takes its place.
    pub(crate) fn preempt(&mut self, id: Uuid, now: Moment) {
        let Some(operation) = self.arm.operations.get_mut(&id) else { return };
        if operation.progress != Progress::Running {
            return;
        }
        operation.progress = Progress::Canceled;
        operation.ended = Some(now.wall);
        operation.failure = Some(Failure::new("OperationPreempted").canceled());
    }

    /// The headers of a first answer.
    pub(crate) fn operation_headers(&self, ask: &Ask<'_>, id: Uuid, reply: &Reply) -> Vec<(String, String)> {
        let Some(operation) = self.arm.operations.get(&id) else { return Vec::new() };
        let mut headers = Vec::new();
        if reply.style.has_status() {
            headers.push(("azure-asyncoperation".to_owned(), operation.address(ask.origin, false)));
        }
        if reply.style.has_location() {
            headers.push(("location".to_owned(), operation.address(ask.origin, true)));
        }
        headers.push(("x-ms-operation-identifier".to_owned(), format!("{}/{}", ask.caller.tenant, operation.id)));
        if let Some(pause) = self.settings.first_pause(operation.kind) {
            headers.push(("retry-after".to_owned(), pause.to_string()));
        }
        headers
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
        query.extend(self.token.iter().cloned());
        query
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
            if let (Some(ended), true) = (self.ended, self.namespace == "Microsoft.Compute") {
                map.insert("endTime".to_owned(), json!(text(ended)));
            }
            let error = self.failure.as_ref().and_then(|failure| failure.refusal.in_operation());
            if let (Some(error), true) = (error, self.progress != Progress::Running) {
                map.insert("error".to_owned(), error);
            }
        }
        body
    }
}

/// Answers a poll of an operation's status or of its result.
pub(crate) fn poll(room: &Room<'_>, ask: &Ask<'_>, id: &str, result: bool) -> Granted<Reply> {
    let operation = Uuid::parse_str(id).ok().and_then(|id| room.arm.operations.get(&id));
    let Some(operation) = operation else {
        return Err(Refusal::new(404, "NotFound", format!("The entity was not found: operation {id}.")));
    };
    // Compute says in the query which of the two is meant.
    let result = if operation.namespace == "Microsoft.Compute" { ask.query.flag("monitor") } else { result };
    if !is_as_signed(ask.query, &operation.query(result)) {
        return Err(Refusal::new(
            400,
            "InvalidOperationUrl",
            "The address of the operation is not the one that was given: its signature does not fit.",
        ));
    }
    let pause = room.settings.poll_pause(operation.kind);
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
            Ok(with_pause(Reply::new(202, Value::Null)).header("location", &operation.address(ask.origin, true)))
        }
        Progress::Succeeded => Ok(room.result_of(operation)),
        Progress::Failed | Progress::Canceled => {
            let refusal = operation.failure.as_ref().map(|failure| failure.refusal.clone());
            Err(refusal.unwrap_or_else(|| Refusal::new(409, "Conflict", "The operation failed.")))
        }
    }
}

impl Room<'_> {
    /// The final answer where a result is read.
    fn result_of(&self, operation: &Operation) -> Reply {
        match operation.work {
            Work::Provision | Work::CreateMachine | Work::Deployment => match self.arm.get(&operation.subject) {
                Some(resource) => Reply::new(200, super::view::render(self, resource)),
                None => Reply::new(200, Value::Null),
            },
            Work::Delete | Work::DeleteEmbedded if operation.namespace == "Microsoft.Network" => {
                Reply::new(204, Value::Null)
            }
            _ => Reply::new(200, Value::Null),
        }
    }
}

/// Whether a query is byte for byte what was given: the signature covers all of it.
fn is_as_signed(query: &Query, given: &[(String, String)]) -> bool {
    query.0 == given
}
