//! The part of a seed that Entra ID holds.

use azconnect_core::Secret;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use time::Duration;
use uuid::Uuid;

use super::fault::SeedFault;
use super::node::Node;
use super::sign_in::{self, ConsentSeed, SignInSeed};
use crate::base::dice::named_guid;
use crate::model::credential_policy::CredentialPolicy;
use crate::model::trust::{Issuer, IssuerKey, certificate_in};

/// A tenant of a seed.
pub(crate) struct TenantSeed {
    pub(crate) id: Uuid,
    pub(crate) domain: String,
    pub(crate) display_name: String,
    pub(crate) policy: CredentialPolicy,
    pub(crate) applications: Vec<ApplicationSeed>,
    pub(crate) foreign: Vec<PrincipalSeed>,
    pub(crate) users: Vec<UserSeed>,
    pub(crate) people_may_consent: bool,
    pub(crate) consents: Vec<ConsentSeed>,
}

/// An application, with the service principal it has in its own tenant.
pub(crate) struct ApplicationSeed {
    pub(crate) object_id: Uuid,
    pub(crate) client_id: Uuid,
    pub(crate) display_name: String,
    pub(crate) sign_in_audience: String,
    pub(crate) passwords: Vec<PasswordSeed>,
    pub(crate) certificates: Vec<CertificateSeed>,
    pub(crate) owners: Vec<Uuid>,
    pub(crate) federated: Vec<Map<String, Value>>,
    pub(crate) principal: Option<PrincipalSeed>,
    pub(crate) sign_in: SignInSeed,
}

/// A service principal of a seed.
pub(crate) struct PrincipalSeed {
    pub(crate) object_id: Uuid,
    pub(crate) client_id: Uuid,
    pub(crate) display_name: String,
    pub(crate) enabled: bool,
    pub(crate) passwords: Vec<PasswordSeed>,
    pub(crate) graph_roles: Vec<String>,
    pub(crate) owns: Vec<Uuid>,
    pub(crate) reader_of: Vec<Uuid>,
    pub(crate) organizations: Vec<String>,
}

/// A person of a tenant of a seed.
pub(crate) struct UserSeed {
    pub(crate) object_id: Uuid,
    pub(crate) principal_name: String,
    pub(crate) display_name: String,
    pub(crate) mail: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) enabled: bool,
    pub(crate) mfa: bool,
    pub(crate) administrator: bool,
    pub(crate) guest_of: Option<String>,
    pub(crate) organizations: Vec<String>,
}

/// A client secret of an application or service principal of a seed.
pub(crate) struct PasswordSeed {
    pub(crate) name: Option<String>,
    pub(crate) key_id: Option<Uuid>,
    pub(crate) display_name: Option<String>,
    pub(crate) starts_in_days: i64,
    pub(crate) ends_in_days: i64,
    pub(crate) text: Option<Secret>,
}

/// A certificate of an application of a seed.
pub(crate) struct CertificateSeed {
    pub(crate) display_name: Option<String>,
    pub(crate) starts_in_days: i64,
    pub(crate) ends_in_days: i64,
    pub(crate) der: Vec<u8>,
}

const PRINCIPAL_FIELDS: [&str; 6] =
    ["enabled", "graphRoles", "owns", "subscriptionReader", "devopsOrganizations", "servicePrincipalPasswords"];

pub(super) fn read_tenant(node: &Node<'_>) -> Result<TenantSeed, SeedFault> {
    node.only(&[
        "id",
        "domain",
        "displayName",
        "passwordPolicy",
        "certificatePolicy",
        "applications",
        "servicePrincipals",
        "users",
        "userConsent",
        "consents",
    ])?;
    let domain = node.required("domain")?.text()?.to_owned();
    let policy = read_policy(node)?;
    Ok(TenantSeed {
        id: node.required("id")?.guid()?,
        display_name: node.maybe_text("displayName")?.unwrap_or_else(|| domain.clone()),
        applications: node.each("applications", |node| read_application(node, &domain))?,
        foreign: node.each("servicePrincipals", |node| read_foreign(node, &domain))?,
        users: node.each("users", |node| read_user(node, &domain))?,
        policy,
        people_may_consent: node.flag_or("userConsent", true)?,
        consents: node.each("consents", sign_in::read_consent)?,
        domain,
    })
}

/// Reads what new credentials a tenant allows.
fn read_policy(node: &Node<'_>) -> Result<CredentialPolicy, SeedFault> {
    let mut policy = CredentialPolicy::default();
    let longest = |node: &Node<'_>| {
        let days = node.optional("maxLifetimeDays")?.map(|days| days.number()).transpose()?;
        Ok::<_, SeedFault>(days.map(|days| Duration::days(days.into())))
    };
    if let Some(passwords) = node.optional("passwordPolicy")? {
        passwords.only(&["maxLifetimeDays", "forbidsNew"])?;
        policy.longest_password = longest(&passwords)?;
        policy.forbids_passwords = passwords.flag_or("forbidsNew", false)?;
    }
    if let Some(certificates) = node.optional("certificatePolicy")? {
        certificates.only(&["maxLifetimeDays"])?;
        policy.longest_certificate = longest(&certificates)?;
    }
    Ok(policy)
}

fn read_application(node: &Node<'_>, domain: &str) -> Result<ApplicationSeed, SeedFault> {
    let own = [
        "displayName",
        "clientId",
        "objectId",
        "servicePrincipalId",
        "signInAudience",
        "passwords",
        "certificates",
        "owners",
        "federatedCredentials",
        "servicePrincipal",
    ];
    node.only(&[own.as_slice(), PRINCIPAL_FIELDS.as_slice(), sign_in::FIELDS.as_slice()].concat())?;
    let display_name = node.required("displayName")?.text()?.to_owned();
    let client_id =
        node.maybe_guid("clientId")?.unwrap_or_else(|| named_guid(&format!("{domain}/{display_name}/client")));
    let principal = node.flag_or("servicePrincipal", true)?;
    Ok(ApplicationSeed {
        object_id: node.maybe_guid("objectId")?.unwrap_or_else(|| named_guid(&format!("{client_id}/application"))),
        client_id,
        sign_in_audience: node.maybe_text("signInAudience")?.unwrap_or_else(|| "AzureADMyOrg".to_owned()),
        passwords: node.each("passwords", read_password)?,
        certificates: node.each("certificates", read_certificate)?,
        owners: node.guids("owners")?,
        federated: node.each("federatedCredentials", read_federated)?,
        principal: principal.then(|| read_principal(node, client_id, &display_name, domain)).transpose()?,
        sign_in: sign_in::read(node)?,
        display_name,
    })
}

fn read_foreign(node: &Node<'_>, domain: &str) -> Result<PrincipalSeed, SeedFault> {
    let own = ["displayName", "clientId", "servicePrincipalId"];
    node.only(&[own.as_slice(), PRINCIPAL_FIELDS.as_slice()].concat())?;
    let client_id = node.required("clientId")?.guid()?;
    let display_name = node.maybe_text("displayName")?.unwrap_or_else(|| client_id.to_string());
    read_principal(node, client_id, &display_name, domain)
}

fn read_principal(node: &Node<'_>, client_id: Uuid, name: &str, domain: &str) -> Result<PrincipalSeed, SeedFault> {
    let object_id = node.maybe_guid("servicePrincipalId")?;
    Ok(PrincipalSeed {
        object_id: object_id.unwrap_or_else(|| named_guid(&format!("{domain}/{client_id}/principal"))),
        client_id,
        display_name: name.to_owned(),
        enabled: node.flag_or("enabled", true)?,
        passwords: node.each("servicePrincipalPasswords", read_password)?,
        graph_roles: node.texts("graphRoles")?,
        owns: node.guids("owns")?,
        reader_of: node.guids("subscriptionReader")?,
        organizations: node.texts("devopsOrganizations")?,
    })
}

fn read_user(node: &Node<'_>, domain: &str) -> Result<UserSeed, SeedFault> {
    node.only(&[
        "id",
        "userPrincipalName",
        "displayName",
        "mail",
        "password",
        "enabled",
        "mfa",
        "administrator",
        "guestOf",
        "devopsOrganizations",
    ])?;
    let principal_name = node.required("userPrincipalName")?.text()?.to_owned();
    Ok(UserSeed {
        object_id: node.maybe_guid("id")?.unwrap_or_else(|| named_guid(&format!("{domain}/{principal_name}"))),
        display_name: node.maybe_text("displayName")?.unwrap_or_else(|| principal_name.clone()),
        // An empty one says that there is none; of a guest it is the one at home.
        mail: node
            .maybe_text("mail")?
            .or(node.maybe_text("guestOf")?)
            .or_else(|| Some(principal_name.clone()))
            .filter(|mail| !mail.is_empty()),
        password: node.maybe_text("password")?.map(Secret::new),
        enabled: node.flag_or("enabled", true)?,
        mfa: node.flag_or("mfa", false)?,
        administrator: node.flag_or("administrator", false)?,
        guest_of: node.maybe_text("guestOf")?,
        organizations: node.texts("devopsOrganizations")?,
        principal_name,
    })
}

fn read_password(node: &Node<'_>) -> Result<PasswordSeed, SeedFault> {
    node.only(&["name", "keyId", "displayName", "startsInDays", "endsInDays", "secret"])?;
    let days = |key: &str, default: i64| node.optional(key)?.map_or(Ok(default), |days| days.signed());
    let password = PasswordSeed {
        name: node.maybe_text("name")?,
        key_id: node.maybe_guid("keyId")?,
        display_name: node.maybe_text("displayName")?,
        starts_in_days: days("startsInDays", -1)?,
        ends_in_days: days("endsInDays", 365)?,
        text: node.maybe_text("secret")?.map(Secret::new),
    };
    if password.starts_in_days >= password.ends_in_days {
        return Err(node.wrong("ends before it starts", "give an endsInDays above startsInDays"));
    }
    Ok(password)
}

fn read_certificate(node: &Node<'_>) -> Result<CertificateSeed, SeedFault> {
    node.only(&["displayName", "startsInDays", "endsInDays", "pem"])?;
    let days = |key: &str, default: i64| node.optional(key)?.map_or(Ok(default), |days| days.signed());
    let pem = node.required("pem")?;
    let der = certificate_in(pem.text()?).ok_or_else(|| {
        pem.wrong("is no certificate", "give it in PEM, from -----BEGIN CERTIFICATE----- on, without its private key")
    })?;
    Ok(CertificateSeed {
        display_name: node.maybe_text("displayName")?,
        starts_in_days: days("startsInDays", -1)?,
        ends_in_days: days("endsInDays", 365)?,
        der,
    })
}

/// Reads who issues tokens outside of Microsoft Entra ID, and its keys.
pub(super) fn read_issuer(node: &Node<'_>) -> Result<Issuer, SeedFault> {
    node.only(&["issuer", "keys"])?;
    Ok(Issuer {
        address: node.required("issuer")?.text()?.to_owned(),
        keys: node.each("keys", |key| {
            // A private part would be read by nobody, and does not belong into a seed.
            key.only(&["kty", "use", "alg", "kid", "n", "e"])?;
            let number = |name: &str| {
                let node = key.required(name)?;
                let bytes = URL_SAFE_NO_PAD.decode(node.text()?);
                bytes.map_err(|_| node.wrong("is not base64url", "copy it from the published key"))
            };
            let kind = key.required("kty")?;
            if kind.text()? != "RSA" {
                return Err(kind.wrong("is not RSA", "give an RSA key: Microsoft Entra ID takes no other"));
            }
            for name in ["use", "alg"] {
                key.maybe_text(name)?;
            }
            Ok(IssuerKey { id: key.maybe_text("kid")?, modulus: number("n")?, exponent: number("e")? })
        })?,
    })
}

fn read_federated(node: &Node<'_>) -> Result<Map<String, Value>, SeedFault> {
    node.only(&["name", "issuer", "subject", "audiences", "description"])?;
    for field in ["name", "issuer", "subject"] {
        node.required(field)?.text()?;
    }
    node.texts("audiences")?;
    node.maybe_text("description")?;
    Ok(node.value().as_object().cloned().unwrap_or_default())
}
