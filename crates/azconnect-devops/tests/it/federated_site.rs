//! An organization with one federated connection, and an application that trusts it, for the tests of both.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use azconnect_core::{Effect, Error, ErrorKind};
use azconnect_devops::{
    AzureConnection, AzureCredential, AzureScope, Endpoints, FederatedCredentials, FederatedTrust, NewConnection,
    ProjectId, ProjectRef,
};
use azconnect_testkit::VirtualClock;
use serde_json::{Value, json};

use crate::support::{Answer, CLIENT, ID, PROJECT, Script, TENANT, azurerm, endpoint, plain, project};

pub(crate) const ORGANIZATION: &str = "d6245f20-2af8-44f4-9451-8107cb2767db";
pub(crate) const OTHER_CLIENT: &str = "99999999-818b-423f-b0fd-19a2e9f32710";
pub(crate) const ISSUER: &str = "workloadIdentityFederationIssuer";
pub(crate) const SUBJECT: &str = "workloadIdentityFederationSubject";

pub(crate) fn old_issuer() -> String {
    format!("https://vstoken.dev.azure.com/{ORGANIZATION}")
}

pub(crate) fn new_issuer() -> String {
    format!("https://login.microsoftonline.com/{TENANT}/v2.0")
}

/// The subject in the form that is seen in the field: each id as .NET orders its bytes, in base64.
pub(crate) fn new_subject() -> String {
    format!("/eid1/c/pub/t/b6ZyEujiiE6rQ0h0CRhsPw/a/rISbSSETf0KqFyZ8ppdXmA/sc/{ORGANIZATION}/{ID}")
}

/// A manual federated connection.
pub(crate) fn federated(issuer: &str, subject: &str) -> Value {
    let mut document = azurerm();
    document["authorization"] = json!({"scheme": "WorkloadIdentityFederation", "parameters": {
        "tenantid": TENANT, "serviceprincipalid": CLIENT, ISSUER: issuer, SUBJECT: subject}});
    document
}

pub(crate) fn current() -> Value {
    federated(&new_issuer(), &new_subject())
}

pub(crate) fn old() -> Value {
    federated(&old_issuer(), "sc://contoso/Web/deploy")
}

/// What an application trusts, and how many more calls it takes before it is out of reach.
#[derive(Clone, Default)]
pub(crate) struct Directory(Arc<Mutex<Held>>);

#[derive(Default)]
pub(crate) struct Held {
    pub(crate) trusted: Vec<FederatedTrust>,
    pub(crate) refuse: Option<&'static str>,
    pub(crate) calls: Vec<&'static str>,
}

impl Directory {
    pub(crate) fn trusting(document: &Value) -> Self {
        let directory = Self::default();
        directory.with(|held| held.trusted.push(FederatedTrust::of(&endpoint(document.clone())).unwrap()));
        directory
    }

    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Held) -> T) -> T {
        work(&mut self.0.lock().unwrap())
    }

    /// Refuses every call of this name.
    pub(crate) fn refuse(self, call: &'static str) -> Self {
        self.with(|held| held.refuse = Some(call));
        self
    }

    pub(crate) fn call(&self, name: &'static str) -> Result<(), Error> {
        self.with(|held| {
            held.calls.push(name);
            if held.refuse != Some(name) {
                return Ok(());
            }
            Err(Error::new(ErrorKind::PermissionDenied, "no").with_effect(Effect::None).with_advice("ask an owner"))
        })
    }

    pub(crate) fn subjects(&self) -> Vec<String> {
        self.with(|held| held.trusted.iter().map(|trust| trust.subject.clone()).collect())
    }

    pub(crate) fn calls(&self) -> Vec<&'static str> {
        self.with(|held| std::mem::take(&mut held.calls))
    }
}

pub(crate) fn same(one: &FederatedTrust, other: &FederatedTrust) -> bool {
    (&one.issuer, &one.subject, &one.audience) == (&other.issuer, &other.subject, &other.audience)
}

#[async_trait]
impl FederatedCredentials for Directory {
    async fn ensure(&self, trust: &FederatedTrust) -> Result<(), Error> {
        self.call("ensure")?;
        self.with(|held| {
            held.trusted.retain(|known| !same(known, trust));
            held.trusted.push(trust.clone());
        });
        Ok(())
    }

    async fn remove(&self, trust: &FederatedTrust) -> Result<(), Error> {
        self.call("remove")?;
        self.with(|held| held.trusted.retain(|known| !same(known, trust)));
        Ok(())
    }

    async fn count(&self, trust: &FederatedTrust) -> Result<usize, Error> {
        self.call("count")?;
        Ok(self.with(|held| held.trusted.iter().filter(|known| same(known, trust)).count()))
    }
}

/// An organization with one connection. `answer` may stand in for the service, and sees the connection.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) document: Arc<Mutex<Value>>,
    pub(crate) script: Script,
    pub(crate) clock: VirtualClock,
}

impl Site {
    pub(crate) fn new(
        document: Value,
        answer: impl Fn(&str, &str, &mut Value) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        let document = Arc::new(Mutex::new(document));
        let state = document.clone();
        let created = AtomicBool::new(false);
        let script = Script::new(move |request| {
            let (method, path) = (request.method().as_str().to_owned(), request.uri().path().to_owned());
            let created = match method.as_str() {
                "POST" if path.ends_with("/endpoints") => created.swap(true, Ordering::SeqCst),
                _ => created.load(Ordering::SeqCst),
            };
            // Every name is free until something was created.
            if !created && request.uri().query().is_some_and(|query| query.contains("endpointNames=")) {
                return plain(200, json!({"value": []}));
            }
            let mut state = state.lock().unwrap();
            if let Some(answer) = answer(&method, &path, &mut state) {
                return answer;
            }
            match (method.as_str(), path.rsplit('/').next().unwrap_or_default()) {
                ("GET", "Web") => plain(200, json!({"id": PROJECT, "name": "Web"})),
                ("POST", "permissionevaluationbatch") => {
                    let asked: Value = serde_json::from_slice(request.body()).unwrap();
                    plain(200, answered(&asked, |_| true))
                }
                ("DELETE", _) => {
                    *state = Value::Null;
                    plain(204, Value::Null)
                }
                _ => plain(200, state.clone()),
            }
        });
        Self { document, script, clock: VirtualClock::new() }
    }

    pub(crate) fn endpoints(&self) -> Endpoints {
        self.script.organization(&self.clock).endpoints(ProjectRef::new("Web").unwrap())
    }

    pub(crate) fn now(&self) -> Value {
        self.document.lock().unwrap().clone()
    }

    pub(crate) fn sent(&self, method: &str) -> usize {
        self.script.calls().iter().filter(|call| call.starts_with(method)).count()
    }
}

/// The answer to a batch of permission questions.
pub(crate) fn answered(asked: &Value, allowed: impl Fn(&str) -> bool) -> Value {
    let answers: Vec<Value> = asked["evaluations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let mut one = one.clone();
            one["value"] = allowed(one["token"].as_str().unwrap()).into();
            one
        })
        .collect();
    json!({"evaluations": answers})
}

pub(crate) fn web() -> [ProjectId; 1] {
    [PROJECT.parse().unwrap()]
}

pub(crate) fn wish<'a>() -> NewConnection<'a> {
    let credential =
        AzureCredential::FederationManual { tenant: TENANT.parse().unwrap(), client: CLIENT.parse().unwrap() };
    let scope = AzureScope::subscription(ORGANIZATION.parse().unwrap(), "P");
    AzureConnection::new("deploy", scope, credential).build(&project()).unwrap()
}

pub(crate) fn normal(_: &str, _: &str, _: &mut Value) -> Option<Answer> {
    None
}
