//! One request as a route of Azure Resource Manager sees it, and its answer.

use crate::base::dice::Dice;
use crate::base::settings::resource_manager::ArmSettings;
use crate::model::arm::Arm;
use crate::model::directory::Directory;
use crate::model::token::Caller;
use crate::model::world::Subscription;
use http::Method;
use serde_json::Value;
use uuid::Uuid;

use crate::base::call::Query;
use crate::base::moment::Moment;
use crate::base::refusal::{Granted, Refusal};
use crate::model::arm::failure::Failure;

use crate::model::arm::address::Address;

/// A request, after its token and subscription were found good.
pub(crate) struct Ask<'a> {
    pub(crate) method: &'a Method,
    pub(crate) address: Address,
    pub(crate) subscription: Uuid,
    pub(crate) query: &'a Query,
    pub(crate) body: Value,
    pub(crate) caller: Caller,
    pub(crate) now: Moment,
    pub(crate) origin: &'a str,
    pub(crate) api_version: &'a str,
    pub(crate) failure: Option<&'a Failure>,
}

/// Which addresses of an operation the first answer names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Status,
    Location,
    Both,
}

impl Style {
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
    /// `null` is no body.
    pub(crate) body: Value,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) operation: Option<Uuid>,
    pub(crate) style: Style,
}

impl Reply {
    pub(crate) fn new(status: u16, body: Value) -> Self {
        Self { status, body, headers: Vec::new(), operation: None, style: Style::Both }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// An answer that names an operation.
    pub(crate) fn operation(mut self, id: Uuid, style: Style) -> Self {
        self.operation = Some(id);
        self.style = style;
        self
    }
}

impl Ask<'_> {
    /// A value in the body, by a JSON pointer.
    pub(crate) fn at(&self, pointer: &str) -> Option<&Value> {
        self.body.pointer(pointer).filter(|value| !value.is_null())
    }

    /// A text in the body that is not empty.
    pub(crate) fn text(&self, pointer: &str) -> Option<&str> {
        self.at(pointer)?.as_str().filter(|text| !text.is_empty())
    }
}

impl Room<'_> {
    /// Refuses what the caller's roles do not allow at a scope.
    pub(crate) fn permit(&self, ask: &Ask<'_>, action: &str, scope: &str) -> Granted<()> {
        if self.arm.roles.allow(ask.caller.object_id(), action, scope, ask.now.elapsed) {
            return Ok(());
        }
        Err(Refusal::new(
            403,
            "AuthorizationFailed",
            format!(
                "The client '{}' with object id '{}' does not have authorization to perform action '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
                ask.caller.client_id,
                ask.caller.object_id()
            ),
        ))
    }

    /// Refuses a reference to something the caller may not use.
    pub(crate) fn permit_linked(&self, ask: &Ask<'_>, main: (&str, &str), action: &str, linked: &str) -> Granted<()> {
        if self.arm.roles.allow(ask.caller.object_id(), action, linked, ask.now.elapsed) {
            return Ok(());
        }
        Err(Refusal::new(
            403,
            "LinkedAuthorizationFailed",
            format!(
                "The client '{}' with object id '{}' has permission to perform action '{}' on scope '{}'; however, it does not have permission to perform action(s) '{action}' on the linked scope(s) '{linked}' (respectively) or the linked scope(s) are invalid.",
                ask.caller.client_id,
                ask.caller.object_id(),
                main.0,
                main.1
            ),
        ))
    }
}

/// The state together with what every route needs.
pub(crate) struct Room<'a> {
    pub(crate) arm: &'a mut Arm,
    pub(crate) settings: &'a ArmSettings,
    pub(crate) dice: &'a mut Dice,
    pub(crate) directory: &'a Directory,
    pub(crate) subscriptions: &'a [Subscription],
}
