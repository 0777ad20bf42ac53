//! Whose client secret a connection holds.

use azconnect_core::{ClientId, TenantId};

use super::{AuthorizationScheme, Endpoint, ServicePrincipalProof};

impl Endpoint {
    /// The application whose client secret it holds, of whatever type it is: the service principal that it signs in as with
    /// a key, or the user name of a registry or server, where that is a client id. `None` where it holds no client secret,
    /// names no application, or shows too little of itself.
    pub fn client_secret_holder(&self) -> Option<ClientId> {
        let key = match self.authorization_scheme()? {
            AuthorizationScheme::ServicePrincipal => {
                let certificate = self.service_principal_proof() == Some(&ServicePrincipalProof::Certificate);
                (!certificate).then_some("serviceprincipalid")?
            }
            AuthorizationScheme::UsernamePassword => "username",
            _ => return None,
        };
        self.parameter(key)?.trim().parse().ok()
    }

    /// Whether it may hold a client secret of an application in this tenant. A connection that names no tenant may.
    pub fn may_hold_client_secret_of(&self, tenant: TenantId, client: ClientId) -> bool {
        let other = |named: &str| named.trim().parse::<TenantId>().is_ok_and(|named| named != tenant);
        self.client_secret_holder() == Some(client) && !self.parameter("tenantid").is_some_and(other)
    }
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
