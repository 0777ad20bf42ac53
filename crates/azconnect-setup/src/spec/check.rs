//! What is wrong with a specification, all of it at once.

use std::collections::HashSet;
use std::time::Duration;

use azconnect_core::Error;
use serde::Serialize;
use url::Url;

use super::{CredentialWish, FederatedTrust, SetupSpec};
use crate::permission::ApiPermission;

/// The longest display name, by the *application resource type*.
const LONGEST_NAME: usize = 256;

/// The most redirect addresses of an application for accounts of organizations.
const MOST_ADDRESSES: usize = 256;

/// The most owners of an application.
const MOST_OWNERS: usize = 100;

/// The shortest and the longest life of a secret. The service documents no maximum; two years is what it gives by itself.
const LIFE: (Duration, Duration) = (Duration::from_secs(86_400), Duration::from_secs(731 * 86_400));

/// The longest text of a federated credential.
const LONGEST_TEXT: usize = 600;

/// One thing that is wrong with a specification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SpecFault {
    /// The path of the field, such as `redirect_uris[1]`.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
    /// What to give instead.
    pub remedy: String,
}

#[derive(Default)]
struct Faults(Vec<SpecFault>);

impl Faults {
    fn add(&mut self, field: impl Into<String>, message: impl Into<String>, remedy: &str) {
        self.0.push(SpecFault { field: field.into(), message: message.into(), remedy: remedy.to_owned() });
    }
}

/// Everything that is wrong.
pub(super) fn faults(spec: &SetupSpec) -> Vec<SpecFault> {
    let mut faults = Faults::default();
    let name = &spec.display_name;
    if name.trim().is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        faults.add("display_name", "is empty, longer than 256 characters, or has a line break", "name it for people");
    }
    addresses(spec, &mut faults);
    permissions(spec, &mut faults);
    owners(spec, &mut faults);
    credential(spec, &mut faults);
    faults.0
}

fn addresses(spec: &SetupSpec, faults: &mut Faults) {
    const REMEDY: &str =
        "give a whole address with https, or http://localhost, each once, without fragment and asterisk";
    if spec.redirect_uris.len() > MOST_ADDRESSES {
        faults.add("redirect_uris", "are more than 256", "leave out those that nobody uses");
    }
    let mut known = HashSet::new();
    for (at, uri) in spec.redirect_uris.iter().enumerate() {
        let field = format!("redirect_uris[{at}]");
        if let Some(message) = uri.fault() {
            faults.add(field, message, REMEDY);
        } else if !known.insert(uri.compared()) {
            faults.add(field, "is there already; of localhost the port does not count", REMEDY);
        }
    }
}

fn permissions(spec: &SetupSpec, faults: &mut Faults) {
    let mut known = HashSet::new();
    for (at, permission) in spec.permissions.iter().enumerate() {
        let field = format!("permissions[{at}]");
        if permission.name.is_empty() || !permission.name.chars().all(|c| c.is_ascii_graphic()) {
            faults.add(field.clone(), "is not the name of one permission", "name one, such as user_impersonation");
        }
        if !known.insert((permission.resource, permission.id, permission.kind)) {
            faults.add(field, "is there already", "name each permission once");
        }
    }
    if spec.without_user_read && spec.permissions.contains(&ApiPermission::graph_user_read()) {
        faults.add(
            "without_user_read",
            "contradicts the permissions, which ask for User.Read",
            "decide for one of them",
        );
    }
    if spec.admin_consent && spec.permissions.is_empty() {
        faults.add("admin_consent", "has no permission to consent to", "add a permission, or leave the consent out");
    }
}

fn owners(spec: &SetupSpec, faults: &mut Faults) {
    if spec.owners.len() > MOST_OWNERS {
        faults.add("owners", "are more than 100", "name a few");
    }
    let mut known = HashSet::new();
    for (at, owner) in spec.owners.iter().enumerate() {
        if !known.insert(owner) {
            faults.add(format!("owners[{at}]"), "is there already", "name each owner once");
        }
    }
}

fn credential(spec: &SetupSpec, faults: &mut Faults) {
    match &spec.credential {
        CredentialWish::Secret { lifetime } if *lifetime < LIFE.0 || *lifetime > LIFE.1 => {
            faults.add("credential.lifetime", "is not between one day and two years", "choose some months");
        }
        CredentialWish::Secret { .. } | CredentialWish::Certificate { .. } => {}
        CredentialWish::Federated { trust } => federated(trust, faults),
    }
}

fn federated(trust: &FederatedTrust, faults: &mut Faults) {
    // The service takes a text with a space at either end, and then no token ever matches it.
    let exact = |text: &str| {
        !text.is_empty() && text.chars().count() <= LONGEST_TEXT && text.trim() == text && !text.contains('*')
    };
    let fields = [
        ("credential.trust.issuer", &trust.issuer),
        ("credential.trust.subject", &trust.subject),
        ("credential.trust.audience", &trust.audience),
    ];
    for (field, text) in fields {
        if !exact(text) {
            faults.add(field, "is empty, too long, or has spaces around it or an asterisk", "copy it from a token");
        }
    }
    let https = Url::parse(&trust.issuer).is_ok_and(|url| url.scheme() == "https" && url.host().is_some());
    if exact(&trust.issuer) && !https {
        faults.add("credential.trust.issuer", "is not an address with https", "copy the iss claim of a token");
    }
}

/// One error for all faults, or none.
pub(super) fn refused(faults: Vec<SpecFault>) -> Result<(), Error> {
    let Some(first) = faults.first() else { return Ok(()) };
    let all: Vec<_> = faults.iter().map(|fault| format!("{} {}", fault.field, fault.message)).collect();
    let advice: Vec<_> = faults.iter().map(|fault| format!("{}: {}", fault.field, fault.remedy)).collect();
    Err(Error::invalid(first.field.as_str(), all.join("; ")).with_advice(advice.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::super::{Platform, SetupAudience};
    use super::*;

    fn spec() -> SetupSpec {
        SetupSpec::new("6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse().unwrap(), "Contoso")
            .with_audience(SetupAudience::AnyTenant)
    }

    fn fields(spec: &SetupSpec) -> Vec<String> {
        spec.faults().into_iter().map(|fault| fault.field).collect()
    }

    #[test]
    fn every_bad_field_is_named_at_once() {
        let owner = "30000000-0000-4000-8000-000000000009".parse().unwrap();
        let wrong = SetupSpec { display_name: " ".to_owned(), ..spec() }
            .with_redirect_uri(Platform::Web, "http://app.example/")
            .with_permission(ApiPermission::graph_user_read())
            .without_user_read()
            .with_owner(owner)
            .with_owner(owner)
            .with_credential(CredentialWish::Federated { trust: FederatedTrust::new("http://a.example", "sub ") });
        let error = wrong.check().unwrap_err();
        let names = [
            "display_name",
            "redirect_uris[0]",
            "without_user_read",
            "owners[1]",
            "credential.trust.subject",
            "credential.trust.issuer",
        ];
        assert_eq!(fields(&wrong), names);
        assert!(names.iter().all(|name| error.to_string().contains(name)), "{error}");
        assert_eq!(error.field(), Some("display_name"));
        assert!(spec().faults().is_empty());
    }

    /// The service ignores the port of localhost: of two addresses that differ by it alone it takes either.
    #[test]
    fn addresses_that_the_service_cannot_tell_apart_are_refused() {
        let local = |port: u16| format!("http://localhost:{port}/back");
        let two = spec().with_redirect_uri(Platform::Web, local(1)).with_redirect_uri(Platform::SinglePage, local(2));
        assert_eq!(fields(&two), ["redirect_uris[1]"]);
        let other = spec()
            .with_redirect_uri(Platform::Web, "https://a.example:1/")
            .with_redirect_uri(Platform::Web, "https://a.example:2/");
        assert!(other.faults().is_empty());
        for (address, fits) in [
            ("http://localhost", true),
            ("http://127.0.0.1:8400/", true),
            ("http://[::1]/", false),
            ("https://*.example/", false),
            ("https://a.example/#x", false),
            ("https://user@a.example/", false),
            ("back", false),
            ("myapp://auth", false),
        ] {
            let faults = spec().with_redirect_uri(Platform::Web, address).faults();
            assert_eq!(faults.is_empty(), fits, "{address}");
        }
    }
}
