//! Whose client secret a connection holds.

use azconnect_core::{ClientId, TenantId};

use super::{AuthorizationScheme, Endpoint, ServicePrincipalProof};

impl Endpoint {
    /// The application whose client secret it holds, of whatever type it is: the service principal that it signs in as with
    /// a key, or the user name of a registry or server, where that is a client id. `None` where it holds no client secret,
    /// names no application, or shows too little of itself.
    pub fn client_secret_holder(&self) -> Option<ClientId> {
        let certificate = self.service_principal_proof() == Some(&ServicePrincipalProof::Certificate);
        if certificate && self.is_scheme(AuthorizationScheme::ServicePrincipal) {
            return None;
        }
        self.application()?.trim().parse().ok()
    }

    /// The application that it signs in as with a certificate, so that it holds no client secret of it.
    pub fn certificate_holder(&self) -> Option<ClientId> {
        let certificate = self.service_principal_proof() == Some(&ServicePrincipalProof::Certificate);
        let certificate = certificate && self.is_scheme(AuthorizationScheme::ServicePrincipal);
        self.application().filter(|_| certificate)?.trim().parse().ok()
    }

    /// Who it signs in as, where that may be an application.
    pub(crate) fn application(&self) -> Option<&str> {
        self.parameter(match self.authorization_scheme()? {
            AuthorizationScheme::ServicePrincipal => "serviceprincipalid",
            AuthorizationScheme::UsernamePassword => "username",
            AuthorizationScheme::Kubernetes if holds_application_key(self) => "spnId",
            _ => return None,
        })
    }

    /// The tenant in which it signs in, where it names one.
    pub(crate) fn tenant(&self) -> Option<&str> {
        let of_cluster = self.is_scheme(AuthorizationScheme::Kubernetes);
        self.parameter(if of_cluster { "azureTenantId" } else { "tenantid" })
    }

    /// Whether it may hold a client secret of an application in this tenant. A connection that names no tenant may.
    pub fn may_hold_client_secret_of(&self, tenant: TenantId, client: ClientId) -> bool {
        let other = |named: &str| named.trim().parse::<TenantId>().is_ok_and(|named| named != tenant);
        self.client_secret_holder() == Some(client) && !self.tenant().is_some_and(other)
    }
}

/// Whether a connection to a cluster signs in to Azure as an application with a key. Others hold a kubeconfig, or a token of
/// the cluster's own service account.
pub(crate) fn holds_application_key(endpoint: &Endpoint) -> bool {
    endpoint.is_scheme(AuthorizationScheme::Kubernetes)
        && endpoint.data("authorizationType").is_none_or(|own| own.eq_ignore_ascii_case("AzureSubscription"))
        && endpoint.parameter("spnId").is_some_and(|id| !id.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const CLIENT: &str = "10000000-0000-4000-8000-000000000002";
    const TENANT: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";

    fn endpoint(kind: &str, scheme: &str, parameters: serde_json::Value) -> Endpoint {
        let id = "5e47a0d8-c745-44f8-8f93-784f18ff31c4";
        let authorization = json!({"scheme": scheme, "parameters": parameters});
        Endpoint::from_value(json!({"id": id, "type": kind, "data": {}, "authorization": authorization})).unwrap()
    }

    fn holder(kind: &str, scheme: &str, parameters: serde_json::Value) -> Option<String> {
        endpoint(kind, scheme, parameters).client_secret_holder().map(|client| client.to_string())
    }

    #[test]
    fn who_signs_in_with_a_key_or_a_password_is_the_holder() {
        let client = Some(CLIENT.to_owned());
        assert_eq!(holder("azurerm", "ServicePrincipal", json!({"serviceprincipalid": CLIENT})), client);
        let upper = format!(" {} ", CLIENT.to_uppercase());
        assert_eq!(holder("AzureRM", "serviceprincipal", json!({"servicePrincipalId": upper})), client);
        assert_eq!(holder("dockerregistry", "UsernamePassword", json!({"username": CLIENT})), client);
        assert_eq!(holder("dockerregistry", "ServicePrincipal", json!({"serviceprincipalid": CLIENT})), client);
        assert_eq!(holder("generic", "UsernamePassword", json!({"username": CLIENT})), client);
    }

    #[test]
    fn a_certificate_has_a_holder_of_its_own() {
        let holder = |proof: &str, scheme| {
            let parameters = json!({"serviceprincipalid": CLIENT, "authenticationType": proof});
            endpoint("azurerm", scheme, parameters).certificate_holder().map(|client| client.to_string())
        };
        assert_eq!(holder("spnCertificate", "ServicePrincipal"), Some(CLIENT.to_owned()));
        assert_eq!(holder("spnKey", "ServicePrincipal"), None);
        assert_eq!(holder("spnCertificate", "WorkloadIdentityFederation"), None);
    }

    #[test]
    fn a_cluster_s_application_is_the_holder_of_its_key() {
        let of = |kind: serde_json::Value, tenant: &str| {
            let mut document =
                endpoint("kubernetes", "Kubernetes", json!({"spnId": CLIENT, "azureTenantId": tenant})).into_document();
            document.insert("data".to_owned(), json!({"authorizationType": kind}));
            Endpoint::from_value(document.into()).unwrap()
        };
        let (tenant, client) = (TENANT.parse().unwrap(), CLIENT.parse().unwrap());
        assert!(of(json!("azuresubscription"), TENANT).may_hold_client_secret_of(tenant, client));
        assert!(of(json!(null), TENANT).may_hold_client_secret_of(tenant, client));
        assert!(!of(json!("AzureSubscription"), CLIENT).may_hold_client_secret_of(tenant, client));
        assert!(!of(json!("Kubeconfig"), TENANT).may_hold_client_secret_of(tenant, client));
    }

    #[test]
    fn what_holds_no_client_secret_has_no_holder() {
        let certificate = json!({"serviceprincipalid": CLIENT, "authenticationType": "spnCertificate"});
        assert_eq!(holder("azurerm", "ServicePrincipal", certificate), None);
        for scheme in ["WorkloadIdentityFederation", "ManagedServiceIdentity", "Token", "SomethingNew"] {
            let named = json!({"serviceprincipalid": CLIENT, "username": CLIENT});
            assert_eq!(holder("azurerm", scheme, named), None, "{scheme}");
        }
        assert_eq!(holder("dockerregistry", "UsernamePassword", json!({"username": "ann"})), None);
        assert_eq!(holder("azurerm", "ServicePrincipal", json!({})), None);
    }

    #[test]
    fn another_tenant_s_application_is_another() {
        let (tenant, client) = (TENANT.parse().unwrap(), CLIENT.parse().unwrap());
        let named = |tenant: serde_json::Value| {
            endpoint("azurerm", "ServicePrincipal", json!({"serviceprincipalid": CLIENT, "tenantid": tenant}))
        };
        assert!(named(json!(TENANT.to_uppercase())).may_hold_client_secret_of(tenant, client));
        assert!(named(json!(null)).may_hold_client_secret_of(tenant, client));
        assert!(
            named(json!("contoso.onmicrosoft.com")).may_hold_client_secret_of(tenant, client),
            "a domain may be ours"
        );
        assert!(!named(json!(CLIENT)).may_hold_client_secret_of(tenant, client));
        assert!(!named(json!(TENANT)).may_hold_client_secret_of(tenant, TENANT.parse().unwrap()));
    }
}
