//! The login: whether it answers, and what it says of tenant, application and secret.

use azconnect_core::{Error, ErrorKind};
use azconnect_credential::entra::{EntraCode, Meaning, is_refusal};
use azconnect_credential::{Assessment, Check, ConnectionCheck, CredentialVerdict, TenantEntry};

use super::read::{Facts, is_elsewhere};
use super::subject::Subject;

/// The codes by which Entra ID refuses a sign-in because of the tenant.
const NO_TENANT: [u32; 3] = [90_002, 900_021, 900_023];

/// The code by which Entra ID refuses a sign-in to a tenant of another cloud.
const CROSS_CLOUD: u32 = 900_432;

/// The codes for an application that is disabled.
const DISABLED: [u32; 2] = [7_000_112, 70_001];

/// How far a sign-in came. Entra ID looks at the tenant first, then at the application, then at the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reached {
    /// It was not tried, or nobody answered.
    Nothing,
    /// It was refused because the tenant is in another cloud.
    Elsewhere,
    /// It was refused because of the tenant.
    Login,
    /// It was refused because of the application.
    Tenant,
    /// It was refused because of the secret, or of a rule of the tenant.
    Application,
    /// It succeeded.
    All,
}

/// The checks of authority, tenant, application and secret.
pub(super) fn judge(subject: &Subject<'_>, facts: &Facts) -> Vec<Check> {
    let reached = facts.sign_in.as_ref().map_or(Reached::Nothing, reached);
    // Who gave a token answers, whatever it left unanswered later.
    let authority = authority(facts, reached > Reached::Nothing || facts.inside.is_some());
    let answers = authority.status == azconnect_credential::CheckStatus::Passed;
    let tenant = tenant(subject, facts, reached, authority.blocks());
    let exists = !tenant.blocks() && tenant.status != azconnect_credential::CheckStatus::Skipped;
    let first = match (authority.blocks(), exists) {
        (true, _) => Some("the login has to be reached first"),
        (_, false) => Some("the tenant has to be found first"),
        _ => None,
    };
    let mut checks = vec![authority, tenant];
    match (&facts.sign_in, first) {
        (_, Some(first)) => {
            checks.push(ConnectionCheck::Application.skipped(first));
            checks.push(ConnectionCheck::Secret.skipped(first));
        }
        (None, None) => {
            let first = match (subject.client.is_some(), answers) {
                (false, _) => "the client id has to be entered first",
                (true, true) => "the secret has to be entered first",
                (true, false) => "the tenant has to be found first",
            };
            checks.push(ConnectionCheck::Application.skipped(first));
            checks.push(ConnectionCheck::Secret.skipped(first));
        }
        (Some(sign_in), None) => checks.extend(signed_in(sign_in, reached)),
    }
    checks
}

fn authority(facts: &Facts, is_reached: bool) -> Check {
    let check = ConnectionCheck::Authority;
    let asked = facts.found.as_ref().map(|found| found.as_ref().map(drop));
    let asked = asked.or(facts.reachable.as_ref().map(|reachable| reachable.as_ref().map(drop)));
    match asked {
        _ if is_reached => check.passed("Microsoft Entra ID answers"),
        None => check.skipped("nothing was asked of it"),
        Some(Ok(())) => check.passed("Microsoft Entra ID answers"),
        Some(Err(error)) if is_elsewhere(error) => check.passed("Microsoft Entra ID answers"),
        // A refusal in its own words is an answer.
        Some(Err(error)) if EntraCode::of(error).is_some() && error.kind() != ErrorKind::Unavailable => {
            check.passed("Microsoft Entra ID answers")
        }
        Some(Err(error)) if is_foreign(error) => check.failed_by(error),
        Some(Err(error)) => check.unknown_by(error),
    }
}

/// Whether something answered that is not Entra ID. A gateway that has no answer to hand on proves nothing.
fn is_foreign(error: &Error) -> bool {
    error.service_code().is_none()
        && matches!(error.kind(), ErrorKind::Unexpected | ErrorKind::NotFound | ErrorKind::Unsupported)
}

fn tenant(subject: &Subject<'_>, facts: &Facts, reached: Reached, foreign: bool) -> Check {
    let check = ConnectionCheck::Tenant;
    let named = match &subject.tenant {
        None => return check.skipped("the tenant has to be entered first"),
        Some(TenantEntry::Name(name)) => Some(name),
        Some(_) => None,
    };
    let crossed =
        facts.sign_in.as_ref().filter(|_| reached == Reached::Elsewhere).and_then(|known| known.diagnosis.clone());
    if let Some(crossed) = crossed.map(Error::from) {
        return check.failed_by(&crossed);
    }
    let reached = if facts.inside.is_some() { reached.max(Reached::Tenant) } else { reached };
    match (&facts.found, reached) {
        (Some(Err(error)), _) if is_elsewhere(error) => check.failed_by(error),
        (_, Reached::Tenant | Reached::Application | Reached::All) | (Some(Ok(_)), _) => match (named, facts.tenant) {
            (Some(name), Some(id)) => check.passed(format!("{name} is the tenant {id}")),
            _ => check.passed("it exists"),
        },
        (Some(Err(error)), _) if error.kind() == ErrorKind::NotFound && error.service_code().is_some() => {
            check.failed("there is no such tenant in this cloud", absent_tenant()).with_error(error)
        }
        (_, Reached::Login) => check.failed("there is no such tenant in this cloud", absent_tenant()),
        _ if foreign => check.skipped("the login has to be reached first"),
        (Some(Err(error)), _) => check.unknown_by(error),
        (None, _) => check.skipped("the tenant has to be entered first"),
    }
}

fn absent_tenant() -> &'static str {
    "check the Directory (tenant) ID on the overview page of Microsoft Entra ID, and that the customer is in this cloud"
}

fn reached(sign_in: &Assessment) -> Reached {
    if sign_in.is_accepted() {
        return Reached::All;
    }
    let Some(error) = sign_in.diagnosis.clone().map(Error::from) else { return Reached::Nothing };
    // What is not working now refuses nobody, whatever number comes with it.
    if matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Throttled) {
        return Reached::Nothing;
    }
    let number = EntraCode::of(&error).map(EntraCode::number);
    match (number, Meaning::of(&error)) {
        (Some(CROSS_CLOUD), _) => Reached::Elsewhere,
        (Some(number), _) if NO_TENANT.contains(&number) => Reached::Login,
        (Some(number), _) if DISABLED.contains(&number) => Reached::Tenant,
        (_, Meaning::UnknownApplication) => Reached::Tenant,
        (_, Meaning::NoMatch | Meaning::Ended) => Reached::Application,
        _ if is_refusal(sign_in) => Reached::Application,
        _ => Reached::Nothing,
    }
}

/// The checks of application and secret, after a sign-in that was tried.
fn signed_in(sign_in: &Assessment, reached: Reached) -> [Check; 2] {
    let (application, secret) = (ConnectionCheck::Application, ConnectionCheck::Secret);
    match reached {
        Reached::All => [application.passed("it is known in the tenant"), secret.passed(&sign_in.evidence)],
        Reached::Application => [application.passed("it is known in the tenant"), told(secret, sign_in, true)],
        Reached::Tenant => [told(application, sign_in, true), secret.skipped("the application has to be found first")],
        Reached::Elsewhere | Reached::Login | Reached::Nothing => {
            [told(application, sign_in, false), told(secret, sign_in, false)]
        }
    }
}

/// A check with what the sign-in says. `decides` says whether a refusal stands in the way of this very check.
fn told(check: ConnectionCheck, sign_in: &Assessment, decides: bool) -> Check {
    let remedy = sign_in.advice().unwrap_or_default();
    let told = if decides && is_final(sign_in) {
        check.failed(&sign_in.evidence, remedy)
    } else {
        check.unknown(&sign_in.evidence, remedy)
    };
    match &sign_in.diagnosis {
        Some(diagnosis) => told.with_diagnosis(diagnosis.clone()),
        None => told,
    }
}

/// Whether the sign-in will be refused until somebody does something. What may be a matter of replicas is not.
fn is_final(sign_in: &Assessment) -> bool {
    let meaning = sign_in.diagnosis.clone().map(|known| Meaning::of(&Error::from(known)));
    match sign_in.verdict {
        CredentialVerdict::Rejected => true,
        CredentialVerdict::Inconclusive => meaning != Some(Meaning::NoMatch) && is_refusal(sign_in),
        _ => false,
    }
}
