//! The subjects that Entra ID's issuer gives to connections: `{prefix}/sc/{organization id}/{connection id}`.
//!
//! The prefix is not documented. Seen in the field it is `/eid1/c/pub/t/{tenant}/a/{application}`, each id in the base64 of
//! its bytes as .NET orders them. So a subject that was put together here only prepares, and what the service returns counts.

use azconnect_core::TenantId;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::{Uuid, uuid};

use crate::document::EndpointId;

/// The application that stands for Azure DevOps in every tenant.
const AZURE_DEVOPS: Uuid = uuid!("499b84ac-1321-427f-aa17-267ca6975798");

/// What a subject of Entra ID's issuer names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct EntraSubject<'a> {
    /// The tenant in the prefix, where the prefix has the form that is known.
    pub(super) tenant: Option<Uuid>,
    pub(super) organization: &'a str,
    pub(super) connection: &'a str,
}

impl<'a> EntraSubject<'a> {
    pub(super) fn parse(subject: &'a str) -> Option<Self> {
        let (rest, connection) = subject.rsplit_once('/')?;
        let (rest, organization) = rest.rsplit_once('/')?;
        let prefix = rest.strip_suffix("/sc")?;
        (!organization.is_empty()).then(|| Self { tenant: tenant_of(prefix), organization, connection })
    }
}

fn tenant_of(prefix: &str) -> Option<Uuid> {
    let mut parts = prefix.split('/').skip_while(|part| *part != "t");
    let coded = parts.nth(1)?;
    URL_SAFE_NO_PAD.decode(coded).ok()?.try_into().ok().map(Uuid::from_bytes_le)
}

/// The issuer of a tenant of the public cloud, and the subject that it is expected to give to a connection.
pub(super) fn derived(tenant: TenantId, organization: Uuid, connection: EndpointId) -> (String, String) {
    let coded = |id: Uuid| URL_SAFE_NO_PAD.encode(id.to_bytes_le());
    let prefix = format!("/eid1/c/pub/t/{}/a/{}", coded(tenant.as_uuid()), coded(AZURE_DEVOPS));
    let issuer = format!("https://login.microsoftonline.com/{tenant}/v2.0");
    (issuer, format!("{prefix}/sc/{organization}/{connection}"))
}

/// The organization's id in the address of the issuer that retires, `https://vstoken.dev.azure.com/{organization id}`.
pub(super) fn organization_of(issuer: &str) -> Option<Uuid> {
    first_segment(issuer)
}

/// The tenant in the address of Entra ID's issuer, `https://login.microsoftonline.com/{tenant}/v2.0`.
pub(super) fn tenant_of_issuer(issuer: &str) -> Option<Uuid> {
    first_segment(issuer)
}

fn first_segment(address: &str) -> Option<Uuid> {
    Uuid::parse_str(url::Url::parse(address).ok()?.path_segments()?.next()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "1272a66f-e2e8-4e88-ab43-487409186c3f";
    const CONNECTION: &str = "5e6a3b0c-6d0e-4a3f-9d52-0c8a3f1b7e21";
    const ORGANIZATION: Uuid = uuid!("0f1c5b38-4bd1-4a35-9c2a-4c94d1b3d2a1");

    #[test]
    fn a_derived_subject_names_tenant_organization_and_connection() {
        let (issuer, subject) = derived(TENANT.parse().unwrap(), ORGANIZATION, CONNECTION.parse().unwrap());
        // Azure DevOps' own part is the same in every subject that people have published.
        assert!(subject.contains("/a/rISbSSETf0KqFyZ8ppdXmA/sc/"), "{subject}");
        let read = EntraSubject::parse(&subject).unwrap();
        assert_eq!(read.tenant, TENANT.parse().ok());
        assert_eq!((read.organization, read.connection), (&*ORGANIZATION.to_string(), CONNECTION));
        assert_eq!(tenant_of_issuer(&issuer), read.tenant);
    }

    #[test]
    fn an_unknown_prefix_names_no_tenant_and_is_read_all_the_same() {
        let read = EntraSubject::parse("/new/form/sc/o/c").unwrap();
        assert_eq!(read, EntraSubject { tenant: None, organization: "o", connection: "c" });
        for odd in ["", "c", "/sc//c", "sc://contoso/Web/deploy", "/sc/o/c/more"] {
            assert_eq!(EntraSubject::parse(odd), None, "{odd}");
        }
    }
}
