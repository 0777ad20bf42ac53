//! Connections to choose from, each with whether its secret can be refreshed.

use azconnect_core::Error;
use azconnect_credential::CheckReport;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::document::{Endpoint, EndpointId};
use crate::eligibility::refresh_checks;
use crate::endpoint::EndpointQuery;
use crate::name::ProjectRef;
use crate::organization::Organization;
use crate::permission::PermissionReport;

/// One connection in a list to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Choice {
    /// The connection's id.
    pub id: EndpointId,
    /// The connection's name in the project; empty if the service hides it.
    pub name: String,
    /// The connection's type as the service wrote it, such as `azurerm`; empty if hidden.
    pub type_name: String,
    /// The authorization scheme as the service wrote it, such as `ServicePrincipal`; empty if hidden.
    pub scheme: String,
    /// What stands in the way of refreshing its secret, and what is worth knowing.
    pub checks: CheckReport,
}

impl Choice {
    /// Judges a connection seen from a project.
    pub fn of(endpoint: &Endpoint, project: &ProjectRef) -> Self {
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        Self {
            id: endpoint.id(),
            name: text(endpoint.name()),
            type_name: text(endpoint.type_name()),
            scheme: text(endpoint.scheme()),
            checks: refresh_checks(endpoint, project),
        }
    }

    /// Whether its secret can be refreshed.
    pub fn can_refresh(&self) -> bool {
        self.checks.is_clear()
    }

    /// In words that a product can show: `can be refreshed`, or why not.
    pub fn explanation(&self) -> String {
        let reasons: Vec<&str> = self.checks.failures().map(|check| check.cause.as_str()).collect();
        if reasons.is_empty() { "can be refreshed".to_owned() } else { reasons.join("; ") }
    }
}

/// The serialised form also holds `can_refresh` and `explanation`, so that a page needs no rule of its own.
impl Serialize for Choice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut choice = serializer.serialize_struct("Choice", 7)?;
        choice.serialize_field("id", &self.id)?;
        choice.serialize_field("name", &self.name)?;
        choice.serialize_field("type_name", &self.type_name)?;
        choice.serialize_field("scheme", &self.scheme)?;
        choice.serialize_field("can_refresh", &self.can_refresh())?;
        choice.serialize_field("explanation", &self.explanation())?;
        choice.serialize_field("checks", &self.checks)?;
        choice.end()
    }
}

/// The connections of a project, for a person to choose from.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Picker {
    /// Why the caller may see them.
    pub permission: PermissionReport,
    /// The connections, those that can be refreshed first, then by name.
    pub choices: Vec<Choice>,
    /// How many records of the list had no id, so that nothing can be done with them.
    pub unreadable: usize,
}

impl Picker {
    /// A picker with these choices, sorted: those that can be refreshed first, then by name.
    pub fn new(permission: PermissionReport, mut choices: Vec<Choice>) -> Self {
        choices.sort_by_key(|choice| (!choice.can_refresh(), choice.name.to_lowercase()));
        Self { permission, choices, unreadable: 0 }
    }
}

impl Organization {
    /// The connections of a project with, for each, whether its secret can be refreshed. Idempotent, without effect.
    ///
    /// # Errors
    /// [`PermissionDenied`](azconnect_core::ErrorKind::PermissionDenied) with what to ask for, and whom, unless the caller
    /// may administer the project's connections.
    pub async fn picker(&self, project: &ProjectRef) -> Result<Picker, Error> {
        let permission = self.permission(project).await?;
        permission.require()?;
        // By id, since an owner is recognised by it whatever name or case the caller gave.
        let own = ProjectRef::Id(permission.project.id);
        let mut choices = Vec::new();
        let mut unreadable = 0;
        for endpoint in
            self.endpoints(own.clone()).scan(&EndpointQuery::new().with_failed(true).with_details(true)).await?
        {
            match endpoint {
                Ok(endpoint) => choices.push(Choice::of(&endpoint, &own)),
                Err(_) => unreadable += 1,
            }
        }
        Ok(Picker { unreadable, ..Picker::new(permission, choices) })
    }
}
