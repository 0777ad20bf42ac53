//! One request as Azure Resource Manager sees it, and its answer.

use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::arm::address::Address;
use crate::model::arm::failure::Failure;
use crate::model::token::Caller;
use crate::model::world::World;
use crate::service::context;

/// A request that Azure Resource Manager has let in.
pub(crate) type Context<'a> = context::Context<'a, Admitted<'a>>;

/// What Azure Resource Manager knows of a request whose token and subscription are good.
pub(crate) struct Admitted<'a> {
    pub(crate) caller: Caller,
    pub(crate) address: Address,
    pub(crate) subscription: Uuid,
    pub(crate) body: Value,
    /// How the test wants the request, or the operation it begins, to fail.
    pub(crate) failure: Option<&'a Failure>,
}

/// Which addresses of an operation the first answer names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PollAddresses {
    Status,
    Location,
    Both,
}

impl PollAddresses {
    pub(crate) fn has_status(self) -> bool {
        self != Self::Location
    }

    pub(crate) fn has_location(self) -> bool {
        self != Self::Status
    }
}

/// An answer before it is written.
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// `null` stands for an answer without a body.
    pub(crate) body: Value,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) operation: Option<Uuid>,
    pub(crate) addresses: PollAddresses,
}

impl Reply {
    pub(crate) fn new(status: u16, body: Value) -> Self {
        Self { status, body, headers: Vec::new(), operation: None, addresses: PollAddresses::Both }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// An answer that names an operation.
    pub(crate) fn operation(mut self, id: Uuid, addresses: PollAddresses) -> Self {
        self.operation = Some(id);
        self.addresses = addresses;
        self
    }
}

impl Context<'_> {
    pub(crate) fn api_version(&self) -> &str {
        self.call.query.get("api-version").unwrap_or_default().trim()
    }

    /// A value in the body, by a JSON pointer.
    pub(crate) fn at(&self, pointer: &str) -> Option<&Value> {
        self.body.pointer(pointer).filter(|value| !value.is_null())
    }

    /// A text in the body that is not empty.
    pub(crate) fn text(&self, pointer: &str) -> Option<&str> {
        self.at(pointer)?.as_str().filter(|text| !text.is_empty())
    }
}

impl Context<'_> {
    /// Refuses what the caller's roles do not allow at a scope.
    pub(crate) fn permit(&self, world: &World, action: &str, scope: &str) -> OrRefusal<()> {
        // Who may do what is told at once; where it is asked for, it is known later.
        let told_at_once = action.starts_with("Microsoft.Authorization/");
        let lag = if told_at_once { Duration::ZERO } else { world.settings.resource_manager.role_replica_lag };
        if world.arm.roles.allow(self.caller.object_id(), action, scope, self.now.elapsed.saturating_sub(lag)) {
            return self.require_unlocked(world, action, scope);
        }
        Err(Refusal::new(
            403,
            "AuthorizationFailed",
            format!(
                "The client '{}' with object id '{}' does not have authorization to perform action '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
                self.caller.client_id,
                self.caller.object_id()
            ),
        ))
    }

    /// Refuses what a lock forbids. It is looked at once the caller's roles allow the action.
    fn require_unlocked(&self, world: &World, action: &str, scope: &str) -> OrRefusal<()> {
        let locks = world.arm.locks.iter().filter(|lock| lock.forbids(action, scope));
        let scopes: Vec<&str> = locks.map(|lock| lock.scope.as_str()).collect();
        if scopes.is_empty() {
            return Ok(());
        }
        let verb = if action.ends_with("/delete") { "delete" } else { "write" };
        Err(Refusal::new(
            409,
            "ScopeLocked",
            format!(
                "The scope '{scope}' cannot perform {verb} operation because following scope(s) are locked: '{}'. Please remove the lock and try again.",
                scopes.join("','")
            ),
        ))
    }

    /// Refuses a reference to something the caller may not use.
    pub(crate) fn permit_linked(&self, world: &World, main: (&str, &str), action: &str, linked: &str) -> OrRefusal<()> {
        if world.arm.roles.allow(self.caller.object_id(), action, linked, self.now.elapsed) {
            return Ok(());
        }
        Err(Refusal::new(
            403,
            "LinkedAuthorizationFailed",
            format!(
                "The client '{}' with object id '{}' has permission to perform action '{}' on scope '{}'; however, it does not have permission to perform action(s) '{action}' on the linked scope(s) '{linked}' (respectively) or the linked scope(s) are invalid.",
                self.caller.client_id,
                self.caller.object_id(),
                main.0,
                main.1
            ),
        ))
    }
}
