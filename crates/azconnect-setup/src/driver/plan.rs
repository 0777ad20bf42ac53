//! What a setup would do, found out by reads alone.

use azconnect_core::{Error, ErrorKind};
use azconnect_credential::{Check, CheckReport, Marker};

use super::SetupPorts;
use super::forward::require_free_name;
use crate::account::{PlannedStep, SetupPlan};
use crate::blocked::SetupBlocked;
use crate::id::SetupId;
use crate::part::{Part, Step};
use crate::port::{Presence, Registered, Subject, Which};
use crate::saga::{SetupSaga, stream};
use crate::spec::SetupSpec;
use crate::state::SetupPhase;

pub(super) async fn plan(ports: &SetupPorts, id: SetupId, spec: SetupSpec) -> Result<SetupPlan, Error> {
    let state = azconnect_saga::read::<SetupSaga>(&*ports.session.journal, &stream(&id)?).await?.state;
    let is_ours = |phase| matches!(phase, SetupPhase::Running | SetupPhase::Done);
    let known = state.registration.filter(|_| is_ours(state.phase));
    let known = known.map(|registration| Registered::new(registration.object, registration.client));
    let mut checks = CheckReport::new();
    let application = match known {
        Some(application) => Some(application),
        None => find(ports, &spec, state.registration_intended && is_ours(state.phase), &mut checks).await,
    };
    let what = format!("the application {}", spec.display_name);
    let mut steps = vec![PlannedStep::new(Step::Application, what, Some(application.is_some()))];
    let marker = match state.marker {
        Some(marker) => marker,
        None => Marker::new("azconnect-setup")?,
    };
    let mut subject = application.map(|application| Subject::new(application, marker).with_principal(state.principal));
    for part in Part::all_of(&spec) {
        let exists = look(ports, &mut subject, &part, &mut checks).await;
        rights(ports, &part, exists, &mut checks).await;
        steps.push(PlannedStep::new(part.step(), part.to_string(), exists));
    }
    Ok(SetupPlan { id, spec, steps, checks })
}

/// The application that exists, or none; what stands in the way is noted.
async fn find(ports: &SetupPorts, spec: &SetupSpec, is_intended: bool, checks: &mut CheckReport) -> Option<Registered> {
    const CODE: &str = "application";
    let subject = "application";
    let which = match spec.application {
        Some(client) => Which::Client(client),
        None => Which::Named(spec.display_name.clone()),
    };
    let found = match ports.registry.find(&which).await {
        Ok(found) => found,
        Err(error) => {
            checks.push(Check::unknown_by(CODE, subject, &error));
            return None;
        }
    };
    match spec.application {
        Some(client) if found.is_empty() => checks.push(Check::failed(
            CODE,
            subject,
            format!("no application has the client id {client}"),
            "check the client id and the tenant, or leave it out to have one registered",
        )),
        Some(_) => checks.push(Check::passed(CODE, subject, "it is there")),
        // One that this setup registered a moment ago may be the one that is listed.
        None if is_intended => checks.push(Check::passed(CODE, subject, "its registration was begun")),
        None => match require_free_name(&spec.display_name, &found) {
            Ok(()) => checks.push(Check::passed(CODE, subject, "nobody has the name")),
            Err(error) => checks.push(Check::failed_by(CODE, subject, &error)),
        },
    }
    found.into_iter().next().filter(|_| spec.application.is_some())
}

/// Whether a part is there; what could not be read is noted.
async fn look(
    ports: &SetupPorts,
    subject: &mut Option<Subject>,
    part: &Part,
    checks: &mut CheckReport,
) -> Option<bool> {
    if matches!(part, Part::Secret { .. }) {
        return Some(false);
    }
    // A group stands by itself: it is looked for also where there is no application yet.
    let nobody = || Marker::new("azconnect-setup").ok().map(|marker| Subject::new(nobody(), marker));
    let on = match (&*subject, part) {
        (Some(subject), _) => subject.clone(),
        (None, Part::Group { .. }) => nobody()?,
        (None, _) => return Some(false),
    };
    match ports.grants.look(&on, part).await {
        Ok(found) => {
            if let (Some(subject), Some(principal)) = (subject.as_mut(), found.principal) {
                subject.principal = Some(principal);
            }
            let exists = found.presence != Presence::Absent;
            require_group(part, exists, checks);
            Some(exists)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Some(false),
        Err(error) => {
            checks.push(Check::unknown_by(part.step().as_str(), part.to_string(), &error));
            None
        }
    }
}

/// A group that is to be there already must be.
fn require_group(part: &Part, exists: bool, checks: &mut CheckReport) {
    if let Part::Group { create_in: None, .. } = part
        && !exists
    {
        let remedy = "create it, or name the region in which it is to be created";
        checks.push(Check::failed("group", part.to_string(), "it is not there", remedy));
    }
}

/// Whether the operator may give what is not there.
async fn rights(ports: &SetupPorts, part: &Part, exists: Option<bool>, checks: &mut CheckReport) {
    if exists == Some(true) {
        return;
    }
    let (code, subject) = (format!("may-give-{}", part.step()), format!("the right to give {part}"));
    match ports.grants.may_give(part).await {
        Ok(Some(true)) => checks.push(Check::passed(code, subject, "the operator has it")),
        Ok(Some(false)) => {
            let blocked = SetupBlocked::foreseen(part);
            let check = Check::failed(code, subject, "the operator lacks it", blocked.advice());
            // A consent is asked for where the operator may grant it; elsewhere it is left to an administrator.
            checks.push(if part.step() == Step::Consent { check.as_warning() } else { check });
        }
        Ok(None) => {}
        Err(error) => checks.push(Check::unknown_by(code, subject, &error)),
    }
}

/// Stands for the application that is not there yet, where a port only asks for what lies outside it.
fn nobody() -> Registered {
    Registered::new(uuid::Uuid::nil().into(), uuid::Uuid::nil().into())
}
