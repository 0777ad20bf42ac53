//! Why a setup does not go on, and who can change that.

use azconnect_core::{Diagnosis, Effect, Error, ErrorKind};
use serde::{Deserialize, Serialize};

use crate::part::{Part, Step};
use crate::permission::ApiPermissionKind;

/// Why a setup stopped at a step: what is missing, and who can give it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SetupBlocked {
    /// The step that was refused.
    pub step: Step,
    /// What was to be given, in words for a person.
    pub what: String,
    /// The permissions of which the operator needs one; empty where the refusal is about something else.
    pub permission: Vec<String>,
    /// The roles of people who can give the operator that permission, or do the step themselves.
    pub who: Vec<String>,
    /// What is known about the refusal.
    pub diagnosis: Diagnosis,
}

/// A permission of which the operator needs one, and who can help.
struct Right {
    permission: &'static [&'static str],
    who: &'static [&'static str],
}

const APPLICATION: Right = Right {
    permission: &["Application.ReadWrite.OwnedBy", "Application.ReadWrite.All"],
    who: &["Application Administrator", "Cloud Application Administrator", "Privileged Role Administrator"],
};

const GROUP: Right = Right {
    permission: &["Microsoft.Resources/subscriptions/resourceGroups/write"],
    who: &["Contributor of the subscription", "Owner of the subscription"],
};

const ROLE: Right = Right {
    permission: &["Microsoft.Authorization/roleAssignments/write"],
    who: &["Owner", "User Access Administrator", "Role Based Access Control Administrator"],
};

const SCOPE: Right = Right {
    permission: &["DelegatedPermissionGrant.ReadWrite.All"],
    who: &["Privileged Role Administrator", "Cloud Application Administrator", "Application Administrator"],
};

const APPLICATION_ROLE: Right =
    Right { permission: &["AppRoleAssignment.ReadWrite.All"], who: &["Privileged Role Administrator"] };

fn right_for(part: Option<&Part>) -> Right {
    match part {
        Some(Part::Group { .. }) => GROUP,
        Some(Part::Role { .. }) => ROLE,
        Some(Part::Consent { permission }) => match permission.kind {
            ApiPermissionKind::Delegated => SCOPE,
            ApiPermissionKind::Application => APPLICATION_ROLE,
        },
        _ => APPLICATION,
    }
}

impl SetupBlocked {
    /// What a refusal of a part means; without a part, of the application itself.
    pub(crate) fn of(part: Option<&Part>, error: &Error) -> Self {
        let (step, what) = match part {
            Some(part) => (part.step(), part.to_string()),
            None => (Step::Application, "the application".to_owned()),
        };
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let (permission, who) = match error.kind() {
            ErrorKind::PermissionDenied => {
                let right = right_for(part);
                (owned(right.permission), owned(right.who))
            }
            _ => (Vec::new(), Vec::new()),
        };
        Self { step, what, permission, who, diagnosis: error.diagnosis().clone() }
    }

    /// What a missing right would block: what a plan says before anything is tried.
    pub(crate) fn foreseen(part: &Part) -> Self {
        let denied = Error::new(ErrorKind::PermissionDenied, "the operator lacks the right").with_effect(Effect::None);
        Self::of(Some(part), &denied)
    }

    /// What the person should do.
    pub fn advice(&self) -> String {
        if self.permission.is_empty() {
            return self.diagnosis.advice().to_owned();
        }
        format!(
            "have the operator given {}, which {} can do; or let one of them do this step by hand, then resume",
            self.permission.join(" or "),
            self.who.join(" or "),
        )
    }

    /// The error for a caller that cannot go on.
    pub(crate) fn to_error(&self, error: Error) -> Error {
        let advice = self.advice();
        let message = format!("{} was refused: {}", self.what, error.message());
        error.with_message(message).with_advice(advice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::permission::ApiPermission;
    use crate::spec::SubscriptionAccess;

    #[test]
    fn a_refusal_names_the_permission_and_who_can_give_it() {
        let denied = Error::new(ErrorKind::PermissionDenied, "no").with_effect(Effect::None);
        let access = SubscriptionAccess::new("20000000-0000-4000-8000-000000000001".parse().unwrap());
        let consent = Part::Consent { permission: ApiPermission::devops_user_impersonation() };
        for (part, permission, who) in [
            (None, "Application.ReadWrite.OwnedBy", "Application Administrator"),
            (Some(Part::Principal), "Application.ReadWrite.All", "Cloud Application Administrator"),
            (Some(Part::Role { access }), "Microsoft.Authorization/roleAssignments/write", "User Access Administrator"),
            (Some(consent), "DelegatedPermissionGrant.ReadWrite.All", "Privileged Role Administrator"),
        ] {
            let blocked = SetupBlocked::of(part.as_ref(), &denied);
            assert!(blocked.permission.iter().any(|one| one == permission), "{blocked:?}");
            assert!(blocked.who.iter().any(|one| one == who), "{blocked:?}");
            let error = blocked.to_error(Error::new(ErrorKind::PermissionDenied, "no"));
            assert!(error.advice().contains(permission) && error.advice().contains(who), "{}", error.advice());
        }
        let other = SetupBlocked::of(None, &Error::new(ErrorKind::Conflict, "two").with_advice("choose"));
        assert!(other.permission.is_empty() && other.advice() == "choose");
    }
}
