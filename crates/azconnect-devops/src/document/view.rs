//! Typed, tolerant views of a service connection's document.

use serde_json::{Map, Value};

use super::{
    AuthorizationScheme, ConnectionType, CreationMode, Endpoint, EnvironmentName, OperationState, RegistryType,
    ServicePrincipalProof,
};

/// Parameters that the service masks, in lower case. Source: the `isConfidential` inputs of Microsoft's published
/// service endpoint types.
const CONFIDENTIAL: &[&str] = &[
    "accesstoken",
    "apitoken",
    "azureaccesstoken",
    "certificate",
    "clientcertificate",
    "clientkeydata",
    "kubeconfig",
    "nugetkey",
    "password",
    "privatekey",
    "publishprofile",
    "secret",
    "serviceaccountcertificate",
    "serviceprincipalcertificate",
    "serviceprincipalkey",
    // Published as if it were none.
    "spnkey",
    "passphrase",
    "refreshtoken",
    "token",
];

/// Whether a parameter of this name is known to be a secret.
pub(crate) fn is_confidential(key: &str) -> bool {
    CONFIDENTIAL.iter().any(|known| known.eq_ignore_ascii_case(key))
}

/// A field of an object, found in any case of its name, with the name as the document has it. An exact match comes
/// first.
pub(crate) fn field<'a>(object: &'a Map<String, Value>, key: &str) -> Option<(&'a str, &'a Value)> {
    let exact = object.get_key_value(key);
    let found = exact.or_else(|| object.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)));
    found.map(|(name, value)| (name.as_str(), value))
}

/// The state of an operation that the service performs on a connection in the background, in the service's own words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OperationStatus<'a> {
    /// `Ready`, `InProgress`, `Failed`, or a word that is new.
    pub state: Option<&'a str>,
    /// What the service says about it (`statusMessage`), for a person.
    pub message: Option<&'a str>,
    /// How severe it is, in a word of the service's.
    pub severity: Option<&'a str>,
    /// The service's code for a failure (`errorCode`).
    pub error_code: Option<&'a str>,
}

impl OperationStatus<'_> {
    /// Whether the operation is in this state. The service's word is compared in any case.
    pub fn is(&self, state: &OperationState) -> bool {
        self.state.is_some_and(|own| OperationState::from(own) == *state)
    }
}

/// A project that sees a connection, and the connection's name there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProjectReference<'a> {
    /// The project's id, as text.
    pub id: Option<&'a str>,
    /// The project's name.
    pub project: Option<&'a str>,
    /// The connection's name in that project.
    pub name: Option<&'a str>,
}

impl Endpoint {
    /// The connection's name in the project from which it was read.
    pub fn name(&self) -> Option<&str> {
        self.text("name")
    }

    /// The description that the portal shows.
    pub fn description(&self) -> Option<&str> {
        self.text("description")
    }

    /// The connection's type, where the document says one.
    pub fn connection_type(&self) -> Option<&ConnectionType> {
        self.kind().connection_type.as_ref()
    }

    /// The type as the document has it, such as `azurerm` or `AzureRM`.
    pub fn type_name(&self) -> Option<&str> {
        self.text("type")
    }

    /// The address of what the connection leads to, such as `https://management.azure.com/`.
    pub fn url(&self) -> Option<&str> {
        self.text("url")
    }

    /// The owner as the service names it: `library` or `agentcloud`.
    pub fn owner(&self) -> Option<&str> {
        self.text("owner")
    }

    /// The authorization scheme, where the document says one.
    pub fn authorization_scheme(&self) -> Option<&AuthorizationScheme> {
        self.kind().scheme.as_ref()
    }

    /// Whether its service principal signs in with a secret or a certificate, where the document says so.
    pub fn service_principal_proof(&self) -> Option<&ServicePrincipalProof> {
        self.kind().proof.as_ref()
    }

    /// The kind of Docker registry that it leads to (`data.registrytype`), where the document says so.
    pub fn registry_type(&self) -> Option<&RegistryType> {
        self.kind().registry.as_ref()
    }

    /// Who made its application (`data.creationMode`), where the document says so.
    pub fn creation_mode(&self) -> Option<&CreationMode> {
        self.kind().creation_mode.as_ref()
    }

    /// The cloud that it leads to (`data.environment`), where the document says so.
    pub fn environment(&self) -> Option<&EnvironmentName> {
        self.kind().environment.as_ref()
    }

    /// The authorization scheme as the document has it, such as `ServicePrincipal`.
    pub fn scheme(&self) -> Option<&str> {
        self.authorization()?.get("scheme")?.as_str()
    }

    /// Whether it is of a type: `is_type("AzureRM")` and `is_type(ConnectionType::AzureRm)` are the same.
    pub fn is_type(&self, connection_type: impl Into<ConnectionType>) -> bool {
        self.connection_type() == Some(&connection_type.into())
    }

    /// Whether it signs in by a scheme, given by its name in any case or as [`AuthorizationScheme`].
    pub fn is_scheme(&self, scheme: impl Into<AuthorizationScheme>) -> bool {
        self.authorization_scheme() == Some(&scheme.into())
    }

    /// Whether Azure DevOps made its application and manages its secret.
    pub fn is_automatic(&self) -> bool {
        self.creation_mode() == Some(&CreationMode::Automatic)
    }

    /// Whether the service has finished setting it up (`isReady`), where the document says so.
    pub fn is_ready(&self) -> Option<bool> {
        self.flag("isReady")
    }

    /// Whether several projects see it (`isShared`), where the document says so.
    pub fn is_shared(&self) -> Option<bool> {
        self.flag("isShared")
    }

    /// Whether it was switched off (`isDisabled`), where the document says so.
    pub fn is_disabled(&self) -> Option<bool> {
        self.flag("isDisabled")
    }

    /// Whether its type or scheme is no longer offered (`isOutdated`), where the document says so.
    pub fn is_outdated(&self) -> Option<bool> {
        self.flag("isOutdated")
    }

    /// When it was last changed, as the service wrote it.
    pub fn modification_date(&self) -> Option<&str> {
        self.text("modificationDate")
    }

    /// The state of the latest operation in the background, where the document has one.
    pub fn operation_status(&self) -> Option<OperationStatus<'_>> {
        let status = field(self.document(), "operationStatus")?.1.as_object()?;
        let text = |key| field(status, key).and_then(|(_, value)| value.as_str());
        Some(OperationStatus {
            state: text("state"),
            message: text("statusMessage"),
            severity: text("severity"),
            error_code: text("errorCode"),
        })
    }

    /// A text of `data`, whatever the case of its name: `SubscriptionId` and `subscriptionId` are the same.
    pub fn data(&self, key: &str) -> Option<&str> {
        field(self.document().get("data")?.as_object()?, key)?.1.as_str()
    }

    /// A parameter of the authorization, whatever the case of its name. Confidential ones are never returned.
    pub fn parameter(&self, key: &str) -> Option<&str> {
        if is_confidential(key) {
            return None;
        }
        field(self.parameters()?, key)?.1.as_str()
    }

    /// The names of the authorization's parameters, confidential ones too.
    pub fn parameter_names(&self) -> impl Iterator<Item = &str> {
        self.parameters().into_iter().flat_map(|parameters| parameters.keys().map(String::as_str))
    }

    /// The names under which it shows that it holds a secret: confidential parameters that are there as `null`.
    pub(crate) fn masked_parameters(&self) -> impl Iterator<Item = &str> {
        let parameters = self.parameters().into_iter().flatten();
        parameters.filter(|(key, value)| value.is_null() && is_confidential(key)).map(|(key, _)| key.as_str())
    }

    /// The projects from which it is seen, the owner's first. The service hides them from callers of low privilege.
    pub fn projects(&self) -> impl Iterator<Item = ProjectReference<'_>> {
        let references = self.document().get("serviceEndpointProjectReferences").and_then(Value::as_array);
        references.into_iter().flatten().map(|reference| {
            let project = reference.get("projectReference");
            ProjectReference {
                id: text_of(project, "id"),
                project: text_of(project, "name"),
                name: text_of(Some(reference), "name"),
            }
        })
    }

    pub(crate) fn authorization(&self) -> Option<&Map<String, Value>> {
        self.document().get("authorization")?.as_object()
    }

    pub(crate) fn parameters(&self) -> Option<&Map<String, Value>> {
        self.authorization()?.get("parameters")?.as_object()
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.document().get(key)?.as_str()
    }

    fn flag(&self, key: &str) -> Option<bool> {
        self.document().get(key)?.as_bool()
    }
}

fn text_of<'a>(object: Option<&'a Value>, key: &str) -> Option<&'a str> {
    object?.get(key)?.as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn endpoint() -> Endpoint {
        Endpoint::from_value(json!({
            "id": "1dfdea68-9549-409e-abee-c5da69cfec5f", "type": "AzureRM",
            "data": {"SubscriptionId": "s", "creationMode": "Manual"},
            "authorization": {"scheme": "serviceprincipal", "parameters": {"tenantId": "t", "ServicePrincipalKey": "k"}},
            "operationStatus": {"state": "Failed", "statusMessage": "why"},
            "serviceEndpointProjectReferences": [{"projectReference": {"id": "p", "name": "Web"}, "name": "deploy"}]
        }))
        .unwrap()
    }

    #[test]
    fn names_are_compared_in_any_case() {
        let endpoint = endpoint();
        assert!(endpoint.is_type("azurerm") && endpoint.is_scheme("ServicePrincipal"));
        assert_eq!(endpoint.data("subscriptionid"), Some("s"));
        assert_eq!(endpoint.parameter("tenantid"), Some("t"));
    }

    #[test]
    fn a_confidential_parameter_is_not_returned() {
        assert_eq!(endpoint().parameter("serviceprincipalkey"), None);
        assert_eq!(endpoint().parameter("ServicePrincipalKey"), None);
    }

    #[test]
    fn nested_views_are_read() {
        let endpoint = endpoint();
        assert_eq!(endpoint.operation_status().unwrap().message, Some("why"));
        let reference = endpoint.projects().next().unwrap();
        assert_eq!((reference.id, reference.project, reference.name), (Some("p"), Some("Web"), Some("deploy")));
    }
}
