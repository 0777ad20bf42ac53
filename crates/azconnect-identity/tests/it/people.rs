//! Two tenants with people, and applications that they sign in to.

use std::sync::Arc;

use azconnect_core::{Cloud, Scope, Secret};
use azconnect_credential::{LinkId, PersonId};
use azconnect_emulator::{Conduct, Emulator, Landing, Seed, Settings, Visitor};
use azconnect_http::Pipeline;
use azconnect_identity::user::{PendingSignIn, RedirectAnswer, RedirectUri, SignInOptions, SignedIn, WebSignIn};
use azconnect_identity::{Application, Authority, ClientSecretSource, PublicClient, TokenEndpoint};
use azconnect_testkit::VirtualClock;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub(crate) const CONTOSO: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";
pub(crate) const FABRIKAM: &str = "7b5e8060-1d6d-4f7d-9e10-2c0b4b1d2e02";
/// A web application of Contoso that other tenants may use.
pub(crate) const PORTAL: &str = "10000000-0000-4000-8000-00000000000a";
pub(crate) const PORTAL_SECRET: &str = "portal-secret";
pub(crate) const BACK: &str = "https://portal.example/signed-in";
/// A program without a browser.
pub(crate) const TOOL: &str = "10000000-0000-4000-8000-00000000000d";
/// A service that is called with people's tokens.
pub(crate) const SERVICE: &str = "10000000-0000-4000-8000-00000000000e";
pub(crate) const SERVICE_SECRET: &str = "service-secret";
pub(crate) const DEVOPS: &str = "499b84ac-1321-427f-aa17-267ca6975798";
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";

pub(crate) const ADA: &str = "ada@contoso.onmicrosoft.com";
pub(crate) const ADA_ID: &str = "60000000-0000-4000-8000-000000000001";
pub(crate) const BOB: &str = "bob@contoso.onmicrosoft.com";
pub(crate) const BOB_ID: &str = "60000000-0000-4000-8000-000000000002";
/// Administers Contoso.
pub(crate) const ROOT: &str = "root@contoso.onmicrosoft.com";
/// Is at home at Fabrikam, and nowhere else.
pub(crate) const MALLORY: &str = "mallory@fabrikam.example";
/// Ada as a guest of Fabrikam.
pub(crate) const GUEST_ID: &str = "60000000-0000-4000-8000-000000000009";

pub(crate) struct People {
    pub(crate) clock: VirtualClock,
    pub(crate) emulator: Emulator,
    pub(crate) visitor: Visitor,
}

fn seed() -> Value {
    json!({"tenants": [
        {"id": CONTOSO, "domain": "contoso.onmicrosoft.com", "displayName": "Contoso",
         "users": [
            {"userPrincipalName": ADA, "id": ADA_ID, "displayName": "Ada", "mail": "ada@contoso.example"},
            {"userPrincipalName": BOB, "id": BOB_ID, "displayName": "Bob"},
            {"userPrincipalName": ROOT, "displayName": "Root", "administrator": true},
         ],
         "consents": [{"client": SERVICE, "resource": GRAPH, "scope": "User.Read"}],
         "applications": [
            {"displayName": "Portal", "clientId": PORTAL, "signInAudience": "AzureADMultipleOrgs",
             "passwords": [{"secret": PORTAL_SECRET}],
             "webRedirectUris": [BACK],
             "permissions": [{"resource": GRAPH, "scopes": ["User.Read"]},
                             {"resource": DEVOPS, "scopes": ["user_impersonation"]},
                             {"resource": SERVICE, "scopes": ["work"]}]},
            {"displayName": "Tool", "clientId": TOOL, "publicClientFlows": true,
             "publicClientRedirectUris": ["http://localhost"]},
            {"displayName": "Service", "clientId": SERVICE, "passwords": [{"secret": SERVICE_SECRET}],
             "exposedScopes": [{"name": "work"}, {"name": "govern", "administrators": true}],
             "permissions": [{"resource": GRAPH, "scopes": ["User.Read"]}]},
         ]},
        {"id": FABRIKAM, "domain": "fabrikam.example", "displayName": "Fabrikam", "users": [
            {"userPrincipalName": MALLORY, "displayName": "Mallory"},
            {"userPrincipalName": "ada_contoso.onmicrosoft.com#EXT#@fabrikam.example", "id": GUEST_ID,
             "displayName": "Ada (guest)", "guestOf": ADA},
        ]},
    ]})
}

impl People {
    pub(crate) fn new(settings: Settings) -> Self {
        let clock = VirtualClock::new();
        let seed = Seed::from_json(&seed().to_string()).unwrap();
        let emulator = Emulator::from_seed(seed, Arc::new(clock.clone())).unwrap().with_settings(settings);
        let visitor = emulator.visitor();
        Self { clock, emulator, visitor }
    }

    pub(crate) fn cloud(&self) -> Cloud {
        self.emulator.cloud()
    }

    pub(crate) fn contoso(&self) -> Authority {
        Authority::of_tenant(&self.cloud(), CONTOSO.parse().unwrap())
    }

    pub(crate) fn fabrikam(&self) -> Authority {
        Authority::of_tenant(&self.cloud(), FABRIKAM.parse().unwrap())
    }

    fn endpoint(&self, authority: Authority) -> TokenEndpoint {
        let pipeline = Pipeline::new(self.emulator.transport(), Arc::new(self.clock.clone()));
        TokenEndpoint::at(pipeline, &self.cloud(), authority)
    }

    fn confidential(&self, authority: Authority, client: &str, secret: &str) -> Application {
        let (endpoint, client) = (self.endpoint(authority), client.parse().unwrap());
        let proof = ClientSecretSource::new(endpoint.clone(), client, Secret::new(secret)).unwrap();
        Application::new(endpoint, client, Arc::new(proof))
    }

    pub(crate) fn portal(&self, authority: Authority) -> Application {
        self.confidential(authority, PORTAL, PORTAL_SECRET)
    }

    pub(crate) fn service(&self) -> Application {
        self.confidential(self.contoso(), SERVICE, SERVICE_SECRET)
    }

    pub(crate) fn tool(&self) -> Application {
        Application::new(self.endpoint(self.contoso()), TOOL.parse().unwrap(), Arc::new(PublicClient))
    }

    pub(crate) fn web(&self, authority: Authority) -> WebSignIn {
        WebSignIn::new(self.portal(authority), back(), work()).unwrap()
    }

    /// A sign-in up to the moment when the browser has come back.
    pub(crate) async fn came_back(
        &self,
        web: &WebSignIn,
        options: &SignInOptions,
        conduct: &Conduct,
    ) -> (PendingSignIn, RedirectAnswer) {
        let (address, pending) = web.start(options).unwrap();
        let landing = self.emulator.visitor().visit(address.as_str(), conduct).await.unwrap();
        (pending, answer(&landing))
    }

    /// A whole sign-in to the portal.
    pub(crate) async fn signed_in(&self, user: &str) -> SignedIn {
        let web = self.web(self.contoso());
        let (pending, answer) = self.came_back(&web, &SignInOptions::new(), &Conduct::of(user)).await;
        web.finish(pending, &answer).await.unwrap()
    }
}

pub(crate) fn back() -> RedirectUri {
    BACK.parse().unwrap()
}

/// What the portal asks for: to work on Azure DevOps, also when the person is away.
pub(crate) fn work() -> Scope {
    Scope::delegated(DEVOPS, ["user_impersonation"]).unwrap().with_offline_access()
}

pub(crate) fn link() -> LinkId {
    "service-user".parse().unwrap()
}

pub(crate) fn person(tenant: &str, object: &str) -> PersonId {
    PersonId::new(tenant.parse().unwrap(), object.parse().unwrap())
}

#[track_caller]
pub(crate) fn answer(landing: &Landing) -> RedirectAnswer {
    match landing {
        Landing::Redirected(url) => RedirectAnswer::from_query(url.query().unwrap()).unwrap(),
        Landing::Posted { fields, .. } => {
            let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            RedirectAnswer::from_form(form.as_bytes()).unwrap()
        }
        Landing::Shown { page, text } => panic!("{page}: {text}"),
        other => panic!("{other:?}"),
    }
}

/// A part of a pending sign-in, changed by somebody: 1 is the state, 2 the nonce, 3 the verifier.
pub(crate) fn changed(pending: &PendingSignIn, part: usize, with: &str) -> PendingSignIn {
    let written = pending.to_secret();
    let mut parts: Vec<_> = written.expose().split(' ').collect();
    parts[part] = with;
    PendingSignIn::from_secret(&Secret::new(parts.join(" "))).unwrap()
}

pub(crate) fn again(pending: &PendingSignIn) -> PendingSignIn {
    PendingSignIn::from_secret(&pending.to_secret()).unwrap()
}

/// A claim of an access token of the emulator.
pub(crate) fn claim(token: &Secret, name: &str) -> Value {
    let part = token.expose().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    claims[name].clone()
}
