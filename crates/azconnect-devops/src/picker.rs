//! Connections to choose from, each with whether its secret can be refreshed.

use azconnect_core::Error;
use azconnect_credential::CheckReport;

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
    /// Its id.
    pub id: EndpointId,
    /// Its name.
    pub name: String,
    /// Its type.
    pub type_name: String,
    /// How it authenticates.
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

/// The connections of a project, for a person to choose from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Picker {
    /// By what the caller may see them.
    pub permission: PermissionReport,
    /// The connections, those that can be refreshed first, then by name.
    pub choices: Vec<Choice>,
    /// How many records of the list had no id, so that nothing can be done with them.
    pub odd: usize,
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
        let own = ProjectRef::Id(permission.project.id);
        let mut choices = Vec::new();
        let mut odd = 0;
        for endpoint in
            self.endpoints(own.clone()).scan(&EndpointQuery::new().with_failed(true).with_details(true)).await?
        {
            match endpoint {
                Ok(endpoint) => choices.push(Choice::of(&endpoint, &own)),
                Err(_) => odd += 1,
            }
        }
        choices.sort_by_key(|choice| (!choice.can_refresh(), choice.name.to_lowercase()));
        Ok(Picker { permission, choices, odd })
    }
}
