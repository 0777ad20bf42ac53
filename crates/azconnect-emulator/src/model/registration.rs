//! An application as the sign-in sees it: its redirect addresses, its switches and the permissions it was registered with.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::directory::{Application, Directory};
use super::sign_in::ClientKind;

/// The public client of Azure's command line, which is in every tenant and which nobody has to consent to.
pub(crate) const AZURE_CLI: Uuid = Uuid::from_u128(0x04b0_7795_8ddb_461a_bbee_02f9_e1bf_7b46);

/// The tenant of personal accounts.
pub(crate) const PERSONAL: Uuid = Uuid::from_u128(0x9188_040d_6c67_4c5b_b112_36a3_04b6_6dad);

/// What the sign-in knows of a client.
#[derive(Clone)]
pub(crate) struct Registration {
    pub(crate) client_id: Uuid,
    pub(crate) name: String,
    /// The tenant it is registered in; none for Microsoft's own.
    pub(crate) home: Option<Uuid>,
    pub(crate) audience: String,
    pub(crate) redirects: Vec<(ClientKind, String)>,
    /// Whether an id_token may come without a code's detour.
    pub(crate) issues_id_tokens: bool,
    /// Whether it may sign in without a credential where no redirect address says so.
    pub(crate) is_public: bool,
    pub(crate) required: Vec<Required>,
}

/// A permission that an application was registered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Required {
    /// The client id of the resource.
    pub(crate) resource: Uuid,
    pub(crate) id: Uuid,
    /// Whether it is an application role, and not a delegated permission.
    pub(crate) is_role: bool,
}

impl Registration {
    /// The registration of a client, wherever its home is.
    pub(crate) fn of(directory: &Directory, client_id: Uuid) -> Option<Self> {
        match directory.application(client_id) {
            Some((home, application)) => Some(Self::registered(home.id, application)),
            None if client_id == AZURE_CLI => Some(Self::azure_cli()),
            None => None,
        }
    }

    fn registered(home: Uuid, application: &Application) -> Self {
        let document = &application.document;
        let switch = document.get("web").and_then(|web| web.get("implicitGrantSettings")?.get("enableIdTokenIssuance"));
        Self {
            client_id: application.client_id,
            name: application.display_name.clone(),
            home: Some(home),
            audience: application.sign_in_audience.clone(),
            redirects: [("web", ClientKind::Web), ("spa", ClientKind::Spa), ("publicClient", ClientKind::Native)]
                .into_iter()
                .flat_map(|(name, kind)| redirects(document, name).into_iter().map(move |uri| (kind, uri)))
                .collect(),
            issues_id_tokens: switch.and_then(Value::as_bool).unwrap_or_default(),
            is_public: document.get("isFallbackPublicClient").and_then(Value::as_bool).unwrap_or_default(),
            required: required(document),
        }
    }

    fn azure_cli() -> Self {
        Self {
            client_id: AZURE_CLI,
            name: "Microsoft Azure CLI".to_owned(),
            home: None,
            audience: "AzureADandPersonalMicrosoftAccount".to_owned(),
            redirects: vec![(ClientKind::Native, "http://localhost".to_owned())],
            issues_id_tokens: false,
            is_public: true,
            required: Vec::new(),
        }
    }

    /// Whether nobody has to consent to it.
    pub(crate) fn is_microsoft_s(&self) -> bool {
        self.home.is_none()
    }

    /// Whether other tenants than its own may use it.
    pub(crate) fn is_multi_tenant(&self) -> bool {
        self.audience != "AzureADMyOrg"
    }

    /// Whether a person of a tenant may sign in to it.
    pub(crate) fn admits(&self, tenant: Uuid) -> bool {
        let personal = tenant == PERSONAL;
        match self.audience.as_str() {
            "AzureADMyOrg" => self.home == Some(tenant),
            "AzureADMultipleOrgs" => !personal,
            "PersonalMicrosoftAccount" => personal,
            _ => true,
        }
    }

    /// The kind of client behind a redirect address, or nothing if it is not registered.
    pub(crate) fn kind_at(&self, redirect: &str) -> Option<ClientKind> {
        self.redirects.iter().find(|(_, known)| is_same_address(known, redirect)).map(|(kind, _)| *kind)
    }
}

/// Letter by letter, but for the port of `localhost`: a program on a desktop takes the one that is free.
fn is_same_address(known: &str, redirect: &str) -> bool {
    known == redirect || without_port(known).is_some_and(|known| without_port(redirect).as_ref() == Some(&known))
}

/// An address of `localhost` in two parts, without its port.
fn without_port(address: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = address.split_once("://")?;
    let rest = rest.strip_prefix("localhost")?;
    let path = rest.trim_start_matches(|c: char| c == ':' || c.is_ascii_digit());
    (path.is_empty() || path.starts_with(['/', '?'])).then_some((scheme, path))
}

fn redirects(document: &Map<String, Value>, name: &str) -> Vec<String> {
    let Some(part) = document.get(name) else { return Vec::new() };
    let plain = part.get("redirectUris").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let settings = part.get("redirectUriSettings").and_then(Value::as_array).into_iter().flatten();
    let listed = settings.filter_map(|setting| setting.get("uri")?.as_str());
    plain.chain(listed).map(str::to_owned).collect()
}

fn required(document: &Map<String, Value>) -> Vec<Required> {
    let resources = document.get("requiredResourceAccess").and_then(Value::as_array).into_iter().flatten();
    let permissions = resources.flat_map(|one| {
        let resource = one.get("resourceAppId").and_then(Value::as_str).and_then(|id| Uuid::parse_str(id).ok());
        let list = one.get("resourceAccess").and_then(Value::as_array).into_iter().flatten();
        list.filter_map(move |access| {
            let id = Uuid::parse_str(access.get("id")?.as_str()?).ok()?;
            Some(Required { resource: resource?, id, is_role: access.get("type")?.as_str()? == "Role" })
        })
    });
    permissions.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_compared_letter_by_letter_but_for_the_port_of_localhost() {
        for (known, sent) in [
            ("https://app.example/back", "https://app.example/back"),
            ("http://localhost", "http://localhost:51234"),
            ("http://localhost:1/back", "http://localhost:2/back"),
        ] {
            assert!(is_same_address(known, sent), "{known} {sent}");
        }
        for (known, sent) in [
            ("https://app.example/back", "https://app.example/Back"),
            ("https://app.example/back", "https://app.example/back/"),
            ("https://app.example/back", "https://app.example:443/back"),
            ("http://localhost/back", "http://localhost:2/other"),
            ("http://localhost/back", "https://localhost/back"),
            ("http://localhost", "http://localhost.example.com"),
            ("http://localhost", "http://localhost:1@example.com/"),
            ("http://127.0.0.1/back", "http://127.0.0.1:2/back"),
        ] {
            assert!(!is_same_address(known, sent), "{known} {sent}");
        }
    }
}
