//! What the application may do, and which role would let it do the rest.

use azconnect_arm::error::is_about_rights;
use azconnect_arm::resource::access::Permissions;
use azconnect_credential::{Check, ConnectionCheck};

use super::needs::ConnectionNeeds;
use super::read::InSubscription;
use super::standing::unread;
use super::subject::Subject;

/// What the role Contributor leaves out of the actions that change what is there.
///
/// Document: *Azure built-in roles for Privileged*, section *Contributor*.
const NOT_OF_CONTRIBUTOR: [&str; 9] = [
    "Microsoft.Authorization/*/Delete",
    "Microsoft.Authorization/*/Write",
    "Microsoft.Authorization/elevateAccess/Action",
    "Microsoft.Blueprint/blueprintAssignments/write",
    "Microsoft.Blueprint/blueprintAssignments/delete",
    "Microsoft.Compute/galleries/share/action",
    "Microsoft.Purview/consents/write",
    "Microsoft.Purview/consents/delete",
    "Microsoft.Resources/deploymentStacks/manageDenySetting/action",
];

/// What is needed and not allowed.
#[derive(Default)]
struct Missing {
    /// What Contributor allows.
    of_contributor: Vec<String>,
    /// What it does not allow: actions on data, and most of those on rights.
    of_others: Vec<String>,
}

/// Whether what the application may do suffices: action by action, since roles have any names.
pub(super) fn judge(needs: &ConnectionNeeds, subject: &Subject<'_>, facts: &InSubscription) -> Check {
    let check = ConnectionCheck::Role;
    let place = match &subject.group {
        Some(group) => format!("the resource group {group}"),
        None => "the subscription".to_owned(),
    };
    let none = || no_role(&place, subject, missing(needs, subject, &[]));
    let permissions = match (&facts.permissions, &facts.group) {
        (_, Some(Ok(None))) => return check.skipped("the resource group has to exist first"),
        (Ok(permissions), _) => permissions,
        // Who may not even read the group has no role in it.
        (Err(error), Some(Err(group))) if is_about_rights(error) && is_about_rights(group) => {
            return none().with_error(error);
        }
        (Err(error), None) if is_about_rights(error) => return none().with_error(error),
        (Err(error), _) => return unread(check, error),
    };
    if permissions.is_empty() {
        return none();
    }
    let missing = missing(needs, subject, permissions);
    let all: Vec<&str> = missing.of_contributor.iter().chain(&missing.of_others).map(String::as_str).collect();
    let Some((first, rest)) = all.split_first() else {
        return check.passed(format!("every action that is needed is allowed at {place}"));
    };
    let more = if rest.is_empty() { String::new() } else { format!(", and {} more", rest.len()) };
    let any = format!("a role that allows: {}", all.join(", "));
    let remedy = match (missing.of_contributor.is_empty(), missing.of_others.is_empty()) {
        (true, _) => format!("ask at {place} for {any}"),
        (false, true) => format!("ask for Contributor at {place}, or for {any}"),
        (false, false) => {
            let others = missing.of_others.join(", ");
            format!("ask for Contributor at {place} and a role that allows: {others}; or for {any}")
        }
    };
    check.failed(format!("{first} is not allowed at {place}{more}"), remedy)
}

fn missing(needs: &ConnectionNeeds, subject: &Subject<'_>, permissions: &[Permissions]) -> Missing {
    // Role by role: what one role leaves out, another may still allow.
    let lacks = |action: &String| !permissions.iter().any(|role| role.allows(action));
    let lacks_on_data = |action: &&String| !permissions.iter().any(|role| role.allows_on_data(action));
    let actions = needs.actions_at(subject.group.is_some()).into_iter().filter(lacks);
    let (of_contributor, mut of_others) = actions.partition::<Vec<_>, _>(|action| is_of_contributor(action));
    of_others.extend(needs.data_actions.iter().filter(lacks_on_data).cloned());
    Missing { of_contributor, of_others }
}

/// Whether the role Contributor helps with an action.
fn is_of_contributor(action: &str) -> bool {
    let mut contributor = Permissions::default();
    contributor.actions = vec!["*".to_owned()];
    contributor.not_actions = NOT_OF_CONTRIBUTOR.map(str::to_owned).to_vec();
    let action = action.to_ascii_lowercase();
    // A pattern stands for what is left out as well.
    let is_of_rights = action == "*" || (action.starts_with("microsoft.authorization/") && !action.ends_with("/read"));
    !is_of_rights && contributor.allows(&action)
}

fn no_role(place: &str, subject: &Subject<'_>, needed: Missing) -> Check {
    let client = subject.client.map(|client| client.to_string()).unwrap_or_default();
    let subscription = subject.subscription.map(|id| id.to_string()).unwrap_or_default();
    let (scope, instead) = match &subject.group {
        Some(group) => (format!("/subscriptions/{subscription}/resourceGroups/{group}"), ""),
        None => (format!("/subscriptions/{subscription}"), "; or enter the one resource group in which it has a role"),
    };
    let assign = |role: &str| format!("az role assignment create --assignee {client} --role {role} --scope {scope}");
    let others = needed.of_others.join(", ");
    let runs = match (needed.of_contributor.is_empty(), others.is_empty()) {
        (_, true) => assign("Contributor"),
        (true, false) => format!("{}, with a role that allows: {others}", assign("ROLE")),
        (false, false) => format!("{}, and once more with a role that allows: {others}", assign("Contributor")),
    };
    ConnectionCheck::Role.failed(
        format!("the application has no role at {place}"),
        format!("an administrator runs: {runs}; a role just granted takes some minutes{instead}"),
    )
}
