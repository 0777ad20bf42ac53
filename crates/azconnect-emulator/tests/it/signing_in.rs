//! Two tenants with people, applications that they sign in to, and requests to the sign-in.

use azconnect_emulator::{Conduct, Landing, Service, Settings, Visitor};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::harness::{Ask, Harness, Reply, SUBSCRIPTION, Way, contoso};

pub(crate) const FABRIKAM: &str = "7b5e8060-1d6d-4f7d-9e10-2c0b4b1d2e02";
pub(crate) const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
/// A web application of Contoso that other tenants may use.
pub(crate) const PORTAL: &str = "10000000-0000-4000-8000-00000000000a";
pub(crate) const PORTAL_SECRET: &str = "portal-secret";
pub(crate) const BACK: &str = "https://portal.example/signed-in";
/// A web application of Contoso alone.
pub(crate) const INTERNAL: &str = "10000000-0000-4000-8000-00000000000b";
pub(crate) const INTERNAL_BACK: &str = "https://internal.example/back";
/// A single-page application of Contoso.
pub(crate) const PAGE: &str = "10000000-0000-4000-8000-00000000000c";
pub(crate) const PAGE_BACK: &str = "https://page.example/";
/// A program on desktops.
pub(crate) const DESKTOP: &str = "10000000-0000-4000-8000-00000000000d";
/// A service that others call on behalf of people.
pub(crate) const SERVICE: &str = "10000000-0000-4000-8000-00000000000e";
pub(crate) const SERVICE_SECRET: &str = "service-secret";

pub(crate) const ADA: &str = "ada@contoso.onmicrosoft.com";
pub(crate) const ADA_ID: &str = "60000000-0000-4000-8000-000000000001";
/// Has a password, and needs more than that.
pub(crate) const GRACE: &str = "grace@contoso.onmicrosoft.com";
pub(crate) const GRACE_PASSWORD: &str = "grace's password";
/// Administers Contoso.
pub(crate) const ROOT: &str = "root@contoso.onmicrosoft.com";
/// Is at home at Fabrikam, and nowhere else.
pub(crate) const MALLORY: &str = "mallory@fabrikam.example";
pub(crate) const CHARLES: &str = "charles@live.example";
pub(crate) const GUEST_ID: &str = "60000000-0000-4000-8000-000000000009";

pub(crate) const DEVOPS: &str = "499b84ac-1321-427f-aa17-267ca6975798";
pub(crate) const GRAPH: &str = "00000003-0000-0000-c000-000000000000";

pub(crate) fn seed() -> Value {
    let mut seed = contoso();
    let tenant = &mut seed["tenants"][0];
    tenant["users"] = json!([
        {"userPrincipalName": ADA, "id": ADA_ID, "displayName": "Ada", "devopsOrganizations": ["contoso"]},
        {"userPrincipalName": GRACE, "displayName": "Grace", "password": GRACE_PASSWORD, "mfa": true, "mail": ""},
        {"userPrincipalName": ROOT, "displayName": "Root", "administrator": true},
    ]);
    let applications = tenant["applications"].as_array_mut().unwrap();
    applications.extend([
        json!({"displayName": "Portal", "clientId": PORTAL, "signInAudience": "AzureADMultipleOrgs",
        "passwords": [{"secret": PORTAL_SECRET}],
        "webRedirectUris": [BACK, "https://portal.example", "http://localhost:4000/back"], "idTokens": true,
        "permissions": [
            {"resource": GRAPH, "scopes": ["User.Read"], "roles": ["Directory.Read.All"]},
            {"resource": DEVOPS, "scopes": ["user_impersonation"]},
            {"resource": SERVICE, "scopes": ["work"]},
        ]}),
        json!({"displayName": "Internal", "clientId": INTERNAL, "passwords": [{"secret": PORTAL_SECRET}],
            "webRedirectUris": [INTERNAL_BACK]}),
        json!({"displayName": "Page", "clientId": PAGE, "spaRedirectUris": [PAGE_BACK]}),
        json!({"displayName": "Desktop", "clientId": DESKTOP, "publicClientRedirectUris": ["http://localhost"],
            "publicClientFlows": true, "signInAudience": "AzureADandPersonalMicrosoftAccount"}),
        json!({"displayName": "Service", "clientId": SERVICE, "passwords": [{"secret": SERVICE_SECRET}],
            "exposedScopes": [{"name": "work"}, {"name": "govern", "administrators": true}],
            "permissions": [{"resource": GRAPH, "scopes": ["User.Read"]}]}),
    ]);
    let tenants = seed["tenants"].as_array_mut().unwrap();
    tenants.push(json!({"id": FABRIKAM, "domain": "fabrikam.example", "displayName": "Fabrikam", "users": [
        {"userPrincipalName": MALLORY, "displayName": "Mallory"},
        {"userPrincipalName": "ada_contoso.onmicrosoft.com#EXT#@fabrikam.example", "id": GUEST_ID, "displayName": "Ada (guest)",
            "guestOf": ADA, "devopsOrganizations": ["fabrikam"]},
    ]}));
    tenants.push(json!({"id": PERSONAL, "domain": "live.example", "users": [{"userPrincipalName": CHARLES}]}));
    let organizations = seed["organizations"].as_array_mut().unwrap();
    organizations.push(json!({"name": "fabrikam", "tenant": "fabrikam.example", "projects": [{"name": "Guests"}]}));
    seed["subscriptions"][0]["roleAssignments"] = json!([{"principal": ADA_ID, "role": "Reader"}]);
    assert_eq!(seed["subscriptions"][0]["id"], SUBSCRIPTION);
    seed
}

/// An emulator of these tenants, and somebody in front of a browser.
pub(crate) struct SignIn {
    pub(crate) harness: Harness,
    pub(crate) visitor: Visitor,
}

impl SignIn {
    pub(crate) async fn new(way: Way) -> Self {
        Self::with(way, Settings::default(), &seed()).await
    }

    pub(crate) async fn with(way: Way, settings: Settings, seed: &Value) -> Self {
        let harness = Harness::new(way, settings, seed).await;
        let visitor = Visitor::over(harness.transport.clone());
        Self { harness, visitor }
    }

    /// An address of the sign-in, with these parameters.
    pub(crate) fn address(&self, path: &str, query: &[(&str, &str)]) -> String {
        let mut url = url::Url::parse(&format!("{}/{path}", self.harness.origin(Service::Login))).unwrap();
        url.query_pairs_mut().extend_pairs(query);
        url.to_string()
    }

    /// The portal's request at a tenant; what is given replaces or adds.
    pub(crate) fn authorize(&self, tenant: &str, more: &[(&str, &str)]) -> String {
        let usual = [
            ("client_id", PORTAL),
            ("response_type", "code"),
            ("redirect_uri", BACK),
            ("scope", "openid profile email offline_access User.Read"),
            ("state", "st&te=1"),
            ("nonce", "n0nce"),
        ];
        let kept = usual.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
        let all: Vec<_> = kept.chain(more).copied().filter(|(_, value)| !value.is_empty()).collect();
        self.address(&format!("{tenant}/oauth2/v2.0/authorize"), &all)
    }

    pub(crate) async fn visit(&self, address: &str, conduct: &Conduct) -> Landing {
        self.visitor.visit(address, conduct).await.unwrap()
    }

    /// Somebody else, in front of another browser.
    pub(crate) fn stranger(&self) -> Visitor {
        Visitor::over(self.harness.transport.clone())
    }

    pub(crate) fn token_request(&self, tenant: &str, fields: &[(&str, &str)]) -> Ask<'_> {
        let ask = self.harness.ask(Service::Login, "POST", &format!("/{tenant}/oauth2/v2.0/token"));
        let filled: Vec<_> = fields.iter().copied().filter(|(_, value)| !value.is_empty()).collect();
        ask.form(&filled)
    }

    /// The portal's request for tokens, with its secret; what is given replaces or adds.
    pub(crate) async fn tokens(&self, tenant: &str, more: &[(&str, &str)]) -> Reply {
        let usual = [("client_id", PORTAL), ("client_secret", PORTAL_SECRET)];
        let kept = usual.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
        let all: Vec<_> = kept.chain(more).copied().collect();
        self.token_request(tenant, &all).send().await
    }

    /// A code for the portal.
    pub(crate) async fn code(&self, tenant: &str, more: &[(&str, &str)]) -> String {
        let landing = self.visit(&self.authorize(tenant, more), &Conduct::of(ADA)).await;
        landing.field("code").unwrap_or_else(|| panic!("{landing:?}"))
    }

    /// The portal's tokens for Ada, by a code.
    pub(crate) async fn signed_in(&self, tenant: &str, more: &[(&str, &str)]) -> Value {
        let code = self.code(tenant, more).await;
        self.tokens(tenant, &[("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", BACK)])
            .await
            .expect(200)
    }

    pub(crate) async fn refresh(&self, tenant: &str, token: &str, more: &[(&str, &str)]) -> Reply {
        self.tokens(tenant, &[&[("grant_type", "refresh_token"), ("refresh_token", token)], more].concat()).await
    }
}

/// The claims of a token.
pub(crate) fn claims(token: &Value) -> Value {
    let part = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// The number and the error of a refusal.
#[track_caller]
pub(crate) fn refused(reply: &Reply) -> (u64, String) {
    assert!(reply.status >= 400, "{}", reply.text);
    let body = reply.json();
    (body["error_codes"][0].as_u64().unwrap(), body["error"].as_str().unwrap().to_owned())
}

/// The error and the number that an application reads in an address.
#[track_caller]
pub(crate) fn told(landing: &Landing) -> (String, u64) {
    let error = landing.field("error").unwrap_or_else(|| panic!("{landing:?}"));
    let description = landing.field("error_description").unwrap_or_default();
    let number = description.strip_prefix("AADSTS").and_then(|rest| rest.split(':').next()?.parse().ok());
    (error, number.unwrap_or_default())
}

/// The page that somebody is left on, and what it says.
#[track_caller]
pub(crate) fn shown(landing: &Landing) -> (String, String) {
    match landing {
        Landing::Shown { page, text } => (page.clone(), text.clone()),
        other => panic!("{other:?}"),
    }
}
