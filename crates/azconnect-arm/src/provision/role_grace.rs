//! Waits for a role that was given a moment ago, which not every replica of the service knows at once.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind};

use super::failure::Failure;
use super::steps::Site;
use crate::client::{Arm, Handle};
use crate::error::{Fault, missing_permission};
use crate::resource::access::allowed;
use crate::resource::{Kind, ResourceId};

/// How long a refusal that contradicts the permissions is waited out. Microsoft's *Troubleshoot Azure RBAC* says that a role
/// takes up to ten minutes.
const CONTRADICTED: Duration = Duration::from_secs(600);

/// The first pause before a refused request is sent again. Each later one is twice as long, up to [`LONGEST_PAUSE`].
const PAUSE: Duration = Duration::from_secs(10);

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How long a role is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct RoleGrace {
    /// While the permissions show that the refused action is allowed.
    pub(super) shown: Duration,
    /// Whatever the permissions show.
    pub(super) given: Duration,
}

impl Default for RoleGrace {
    fn default() -> Self {
        Self { shown: CONTRADICTED, given: Duration::ZERO }
    }
}

/// The waits of one run: all its steps together wait no longer than one would.
pub(super) struct RoleWait {
    grace: RoleGrace,
    began: Mutex<Option<Duration>>,
}

impl RoleWait {
    pub(super) fn new(grace: RoleGrace) -> Self {
        Self { grace, began: Mutex::new(None) }
    }

    /// Whether a refused request is to be sent again, after a pause that this takes. Only what provably changed nothing is.
    pub(super) async fn comes(&self, arm: &Arm, error: &Error) -> bool {
        let by_role = matches!(error.service_code(), Some("AuthorizationFailed" | "LinkedAuthorizationFailed"));
        if !by_role || error.kind() != ErrorKind::PermissionDenied || error.effect() != Effect::None {
            return false;
        }
        let now = arm.clock().elapsed();
        let began = *self.began.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(now);
        let waited = now.saturating_sub(began);
        let left = match self.grace.given.checked_sub(waited).filter(|left| !left.is_zero()) {
            Some(left) => left,
            // A standing lack of the role fails at once: only a refusal that the permissions contradict passes by itself.
            None => match self.grace.shown.checked_sub(waited).filter(|left| !left.is_zero()) {
                Some(left) if is_allowed(arm, error).await => left,
                _ => return false,
            },
        };
        let pause = PAUSE.max(waited).min(LONGEST_PAUSE).min(left);
        let seconds = waited.as_secs();
        tracing::info!(seconds, pause = pause.as_secs(), %error, "a role is not known everywhere yet: waiting for it");
        arm.clock().sleep(pause).await;
        // A token may carry memberships of groups from before the role was given.
        arm.forget_token().await;
        true
    }
}

impl Site<'_> {
    /// Whether a refused request is to be sent again, since the role for it is on its way.
    pub(super) async fn role_comes(&self, error: &Error) -> bool {
        self.role_wait.comes(&self.arm, error).await
    }

    /// Reads a resource; `None` if it does not exist.
    pub(super) async fn find<K: Kind>(&self, handle: &Handle<K>) -> Result<Option<K::View>, Failure> {
        self.look(handle).await.map_err(Failure::of_refusal)
    }

    /// The same, with the refusal as it came.
    pub(super) async fn look<K: Kind>(&self, handle: &Handle<K>) -> Result<Option<K::View>, Error> {
        loop {
            match handle.find().await {
                Err(error) if self.role_comes(&error).await => {}
                found => return found,
            }
        }
    }
}

/// Whether the permissions show that the refused action is allowed where it was refused. What cannot be read shows nothing.
async fn is_allowed(arm: &Arm, error: &Error) -> bool {
    let Some((action, scope)) = Fault::of(error).and_then(|fault| missing_permission(fault.service_message())) else {
        return false;
    };
    let mut scope = ResourceId::parse(scope).ok();
    while let Some(here) = scope {
        match arm.permissions(&here).await {
            Ok(permissions) => return allowed(&permissions, action),
            // What is still to be created has no permissions of its own; those above it hold.
            Err(error) if error.kind() == ErrorKind::NotFound => scope = above(&here),
            Err(_) => return false,
        }
    }
    false
}

/// The group of a resource, and the subscription of a group.
fn above(scope: &ResourceId) -> Option<ResourceId> {
    let parts: Vec<&str> = scope.as_str().split('/').collect();
    let kept = match parts.len() {
        0..=3 => return None,
        4..=5 => 3,
        _ => 5,
    };
    ResourceId::parse(&parts.get(..kept)?.join("/")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn above_a_resource_is_its_group_and_then_the_subscription() {
        let mut scope: ResourceId =
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/m".parse().unwrap();
        let mut seen = Vec::new();
        while let Some(next) = above(&scope) {
            seen.push(next.to_string());
            scope = next;
        }
        assert_eq!(seen, ["/subscriptions/s/resourceGroups/g", "/subscriptions/s"]);
    }
}
