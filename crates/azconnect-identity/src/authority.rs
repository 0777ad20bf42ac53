//! Where somebody signs in, and in whose directory.

use std::fmt;
use std::sync::Arc;

use azconnect_core::{Cloud, Error, TenantId};
use azconnect_http::endpoint;
use url::Url;

use crate::provider::ProviderEndpoints;

/// A login, and the directory that it asks: one tenant, any organization, or AD FS, which has no tenants.
///
/// Document: Microsoft's *National clouds* and *OAuth 2.0 and OpenID Connect protocols*, section *Endpoints*.
#[derive(Clone, PartialEq, Eq)]
pub struct Authority {
    login: Url,
    directory: Directory,
}

#[derive(Clone, PartialEq, Eq)]
enum Directory {
    Tenant(TenantId),
    Domain(Box<str>),
    Organizations,
    Common,
    AdFs,
    Provider(Arc<ProviderEndpoints>),
}

impl Authority {
    /// One tenant. A guest of that tenant must be signed in here too.
    pub fn of_tenant(cloud: &Cloud, tenant: TenantId) -> Self {
        Self { login: cloud.login().clone(), directory: Directory::Tenant(tenant) }
    }

    /// One tenant by a domain of it, such as `contoso.onmicrosoft.com`.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `tenant` for what can be no domain.
    pub fn of_domain(cloud: &Cloud, domain: &str) -> Result<Self, Error> {
        let is_label =
            |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !domain.contains('.') || !domain.split('.').all(is_label) {
            let advice = "give the tenant's id, or a domain of it such as contoso.onmicrosoft.com";
            return Err(Error::invalid("tenant", "is no domain").with_advice(advice));
        }
        Ok(Self { login: cloud.login().clone(), directory: Directory::Domain(domain.to_ascii_lowercase().into()) })
    }

    /// Whatever organization the person belongs to (`organizations`), without personal accounts. For an application that takes
    /// people of several tenants; a guest is signed in at home by it.
    pub fn organizations(cloud: &Cloud) -> Self {
        Self { login: cloud.login().clone(), directory: Directory::Organizations }
    }

    /// Whatever organization the person belongs to, and personal accounts (`common`).
    pub fn common(cloud: &Cloud) -> Self {
        Self { login: cloud.login().clone(), directory: Directory::Common }
    }

    /// The AD FS of a cloud of one's own, such as an Azure Stack without Entra ID: at `{login}/adfs`.
    pub fn ad_fs(cloud: &Cloud) -> Self {
        Self { login: cloud.login().clone(), directory: Directory::AdFs }
    }

    /// Another OpenID provider than Microsoft's, such as one that stands in for it in a test or in front of it. Its tokens say who
    /// somebody is by the claims `tid` and `oid`, both GUIDs: whoever runs it says who people are.
    pub fn of_provider(provider: ProviderEndpoints) -> Self {
        Self { login: provider.issuer().clone(), directory: Directory::Provider(Arc::new(provider)) }
    }

    /// The tenant, where it was given by its id.
    pub fn tenant(&self) -> Option<TenantId> {
        match self.directory {
            Directory::Tenant(tenant) => Some(tenant),
            _ => None,
        }
    }

    /// Whether it is AD FS, which speaks an older dialect than Entra ID.
    pub fn is_ad_fs(&self) -> bool {
        self.directory == Directory::AdFs
    }

    /// The address of the login, without the directory.
    pub fn login(&self) -> &Url {
        &self.login
    }

    /// The provider, where it is not Microsoft's.
    pub(crate) fn provider(&self) -> Option<&ProviderEndpoints> {
        match &self.directory {
            Directory::Provider(provider) => Some(provider),
            _ => None,
        }
    }

    /// Where tokens are given. This is also the audience of an application's assertions.
    pub fn token_url(&self) -> Url {
        match self.provider() {
            Some(provider) => provider.token().clone(),
            None => self.address(&["oauth2", "v2.0", "token"]),
        }
    }

    /// Where a person's browser is sent to sign in.
    pub(crate) fn authorize_url(&self) -> Url {
        match self.provider() {
            Some(provider) => provider.authorize().clone(),
            None => self.address(&["oauth2", "v2.0", "authorize"]),
        }
    }

    /// Where a device asks for the code that a person enters elsewhere; not every provider has that.
    pub(crate) fn device_code_url(&self) -> Option<Url> {
        match self.provider() {
            Some(provider) => provider.device_authorization().cloned(),
            None => Some(self.address(&["oauth2", "v2.0", "devicecode"])),
        }
    }

    /// Where an administrator consents for a whole tenant.
    pub(crate) fn admin_consent_url(&self) -> Url {
        self.address(&["v2.0", "adminconsent"])
    }

    /// Where the login describes itself (*OpenID Connect Discovery*).
    pub(crate) fn configuration_url(&self) -> Url {
        match self.provider() {
            Some(provider) => ProviderEndpoints::configuration(provider.issuer()),
            None => self.address(&["v2.0", ".well-known", "openid-configuration"]),
        }
    }

    fn address(&self, segments: &[&str]) -> Url {
        let directory = self.to_string();
        // AD FS has the addresses of the first version, which do not name one.
        let segments = segments.iter().copied().filter(|segment| !(self.is_ad_fs() && *segment == "v2.0"));
        let path: Vec<&str> = std::iter::once(directory.as_str()).chain(segments).collect();
        // Each segment is a constant, a GUID or a checked domain, so there is always an address.
        endpoint(&self.login, &path).unwrap_or_else(|_| self.login.clone())
    }
}

/// The directory as the first segment of an address: an id, a domain, `organizations`, `common` or `adfs`.
impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.directory {
            Directory::Tenant(tenant) => tenant.fmt(f),
            Directory::Domain(domain) => f.write_str(domain),
            Directory::Organizations => f.write_str("organizations"),
            Directory::Common => f.write_str("common"),
            Directory::AdFs => f.write_str("adfs"),
            Directory::Provider(_) => f.write_str("provider"),
        }
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authority({}{self})", self.login)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_directory_has_its_addresses() {
        let cloud = Cloud::china();
        let tenant = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse().unwrap();
        let of_tenant = Authority::of_tenant(&cloud, tenant);
        assert_eq!(
            of_tenant.token_url().as_str(),
            "https://login.partner.microsoftonline.cn/6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01/oauth2/v2.0/token"
        );
        assert_eq!(of_tenant.tenant(), Some(tenant));
        let many = Authority::organizations(&cloud);
        assert!(many.authorize_url().as_str().ends_with("/organizations/oauth2/v2.0/authorize"));
        assert!(many.admin_consent_url().as_str().ends_with("/organizations/v2.0/adminconsent"));
        assert!(
            Authority::common(&cloud).device_code_url().unwrap().as_str().ends_with("/common/oauth2/v2.0/devicecode")
        );
        let own = Authority::ad_fs(&cloud);
        assert!(own.token_url().as_str().ends_with(".cn/adfs/oauth2/token"));
        assert!(own.configuration_url().as_str().ends_with(".cn/adfs/.well-known/openid-configuration"));
    }

    #[test]
    fn only_a_domain_is_one() {
        let cloud = Cloud::public();
        let named = Authority::of_domain(&cloud, "Contoso.onmicrosoft.com").unwrap();
        assert!(named.token_url().as_str().contains("/contoso.onmicrosoft.com/"));
        for text in ["", "contoso", "..", "a..b", "a.b/c", "a.b?c", "a b.c", "a.b#", "a.ü"] {
            assert_eq!(Authority::of_domain(&cloud, text).unwrap_err().field(), Some("tenant"), "{text}");
        }
    }
}
