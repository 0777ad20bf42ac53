//! Which connections to list.

use crate::document::{Endpoint, EndpointId, OperationState};

/// What the caller wants to do with the connections that are listed; others are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ActionFilter {
    /// Administer them: change, share and delete.
    Manage,
    /// Use them in a pipeline.
    Use,
    /// See that they exist.
    View,
}

/// Selects connections. The default is all that the caller may see.
///
/// ```
/// use azconnect_devops::EndpointQuery;
///
/// let query = EndpointQuery::new().with_type("azurerm").with_scheme("ServicePrincipal").with_failed(true);
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct EndpointQuery {
    type_name: Option<String>,
    schemes: Vec<String>,
    ids: Vec<EndpointId>,
    owner: Option<String>,
    failed: bool,
    details: bool,
    action: Option<ActionFilter>,
}

impl EndpointQuery {
    /// Selects all connections that the caller may see.
    pub fn new() -> Self {
        Self::default()
    }

    /// Selects connections of this type only, such as `azurerm`.
    #[must_use]
    pub fn with_type(mut self, type_name: impl Into<String>) -> Self {
        self.type_name = Some(type_name.into());
        self
    }

    /// Selects connections of this scheme, such as `ServicePrincipal`. Called again, it adds another scheme.
    #[must_use]
    pub fn with_scheme(mut self, scheme: impl Into<String>) -> Self {
        self.schemes.push(scheme.into());
        self
    }

    /// Selects the connections with these ids only.
    #[must_use]
    pub fn with_ids(mut self, ids: impl IntoIterator<Item = EndpointId>) -> Self {
        self.ids.extend(ids);
        self
    }

    /// Selects connections with this owner only: `library` or `agentcloud`.
    #[must_use]
    pub fn with_owner(mut self, owner: impl Into<String>) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// Says whether connections whose creation failed are selected too.
    #[must_use]
    pub fn with_failed(mut self, failed: bool) -> Self {
        self.failed = failed;
        self
    }

    /// Says whether each connection comes with all its details (`includeDetails`).
    #[must_use]
    pub fn with_details(mut self, details: bool) -> Self {
        self.details = details;
        self
    }

    /// Selects only the connections with which the caller may do this.
    #[must_use]
    pub fn with_action(mut self, action: ActionFilter) -> Self {
        self.action = Some(action);
        self
    }

    /// Whether a connection is one of those selected, as far as its document tells. What the caller may do with it
    /// ([`with_action`](Self::with_action)) only the service knows.
    pub fn selects(&self, endpoint: &Endpoint) -> bool {
        let failed = endpoint.operation_status().is_some_and(|status| status.is(&OperationState::Failed));
        self.type_name.as_deref().is_none_or(|wanted| endpoint.is_type(wanted))
            && (self.schemes.is_empty() || self.schemes.iter().any(|wanted| endpoint.is_scheme(wanted.as_str())))
            && (self.ids.is_empty() || self.ids.contains(&endpoint.id()))
            && self
                .owner
                .as_deref()
                .is_none_or(|wanted| endpoint.owner().unwrap_or("library").eq_ignore_ascii_case(wanted))
            && (self.failed || !failed)
    }

    pub(super) fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = Vec::new();
        let mut set = |name, value: Option<String>| parameters.extend(value.map(|value| (name, value)));
        set("type", self.type_name.clone());
        set("authSchemes", joined(&self.schemes));
        set("endpointIds", joined(&self.ids));
        set("owner", self.owner.clone());
        set("includeFailed", self.failed.then(|| "true".to_owned()));
        set("includeDetails", self.details.then(|| "true".to_owned()));
        set(
            "actionFilter",
            self.action.map(|action| {
                match action {
                    ActionFilter::Manage => "manage",
                    ActionFilter::Use => "use",
                    ActionFilter::View => "view",
                }
                .to_owned()
            }),
        );
        parameters
    }
}

fn joined(items: &[impl ToString]) -> Option<String> {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    (!items.is_empty()).then(|| items.join(","))
}
