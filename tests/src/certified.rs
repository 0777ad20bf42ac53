//! Contoso where the deploy application signs in with certificates, and one service connection holds one.

use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use azconnect::core::{Clock, Error, KeyId, Secret};
use azconnect::credential::Candidate;
use azconnect::http::Transport;
use azconnect::identity::{ClientCertificate, OwnRecord};
use azconnect::rotation::{SinkBinding, Target};
use azconnect::{Azure, Identity};
use azconnect_emulator::{ApplicationTruth, Seed, Settings};
use azconnect_testkit::VirtualClock;
use serde_json::{Value, json};

use crate::contoso::{Contoso, SEED, connections, deploy, policy};
use crate::judge::{Case, KeyTruth};

/// The name of the certificate that was made by hand and handed over.
const OLD: &str = "portal, spring 2026";
/// The name of another team's certificate on the same application.
const FOREIGN: &str = "build agents (another team's)";

/// Contoso, and where the deploy application keeps what it signs in with.
pub struct Certified {
    /// The world.
    pub contoso: Contoso,
    /// What the deploy application signs in with, if it rotates its own certificate.
    pub record: Arc<Record>,
}

/// A record that outlives processes.
pub struct Record(pub Mutex<Secret>);

#[async_trait]
impl OwnRecord for Record {
    async fn load(&self) -> Result<Option<Secret>, Error> {
        Ok(Some(self.0.lock().unwrap().duplicate()))
    }

    async fn store(&self, candidate: &Candidate<'_>) -> Result<(), Error> {
        *self.0.lock().unwrap() = candidate.secret.duplicate();
        Ok(())
    }
}

/// Two certificates with their keys, in PEM: an RSA key takes long to make.
fn made() -> &'static [Secret; 2] {
    static MADE: OnceLock<[Secret; 2]> = OnceLock::new();
    MADE.get_or_init(|| {
        let now = VirtualClock::new().now();
        let end = now + std::time::Duration::from_secs(400 * 86_400);
        [OLD, FOREIGN].map(|name| ClientCertificate::self_signed(name, now, end).unwrap().to_pem().unwrap())
    })
}

fn public_part(pem: &Secret) -> &str {
    let end = "-----END CERTIFICATE-----\n";
    &pem.expose()[..pem.expose().find(end).unwrap() + end.len()]
}

impl Certified {
    /// The example's world, with certificates in place of the deploy secret.
    pub fn new(settings: Settings) -> Self {
        let mut seed: Value = serde_json::from_str(SEED).unwrap();
        let [old, foreign] = made();
        let named = |one: &Value, id: &str| one["clientId"] == id || one["id"] == id;
        let all = seed["tenants"][0]["applications"].as_array_mut().unwrap();
        let application = all.iter_mut().find(|one| named(one, &deploy().to_string())).unwrap();
        application["certificates"] = json!([
            {"displayName": OLD, "startsInDays": -171, "endsInDays": 9, "pem": public_part(old)},
            {"displayName": FOREIGN, "startsInDays": -40, "endsInDays": 140, "pem": public_part(foreign)},
        ]);
        application["graphRoles"] = json!(["Application.Read.All"]);
        application["devopsOrganizations"] = json!(["contoso"]);
        let all = seed["organizations"][0]["projects"][0]["connections"].as_array_mut().unwrap();
        let connection = all.iter_mut().find(|one| named(one, &connections()[0].to_string())).unwrap();
        connection["document"]["authorization"]["parameters"]["authenticationType"] = json!("spnCertificate");
        connection["secret"] = json!({"text": old.expose()});
        let contoso = Contoso::of(Seed::from_json(&seed.to_string()).unwrap(), settings);
        Self { contoso, record: Arc::new(Record(Mutex::new(old.duplicate()))) }
    }

    /// What the judge looks at.
    pub fn case(&self) -> Case {
        let keys = |one: &ApplicationTruth| one.certificates.iter().map(KeyTruth::from).collect();
        let connections = vec![connections()[0]];
        Case { keys, old: self.key(OLD), foreign: self.key(FOREIGN), connections }
    }

    fn key(&self, name: &str) -> KeyId {
        let truth = self.contoso.emulator.truth();
        let all = &truth.application(deploy()).unwrap().certificates;
        all.iter().find(|one| one.display_name.as_deref() == Some(name)).unwrap().key_id
    }

    /// The rotation of the deploy certificate by the operator, who has no key of it.
    pub fn by_operator(&self, transport: Arc<dyn Transport>) -> Target {
        self.target(&self.contoso.operator(transport))
    }

    /// The rotation of the deploy certificate by the deploy application itself, which signs in with what its record holds.
    pub fn by_itself(&self, transport: Arc<dyn Transport>) -> Target {
        let identity = self.deployer(transport);
        let own = identity.own_credential(self.record.clone()).unwrap();
        self.target(&identity).with_sink(SinkBinding::new(Arc::new(own)))
    }

    /// The deploy application, signed in with what its record holds.
    pub fn deployer(&self, transport: Arc<dyn Transport>) -> Identity {
        let certificate = ClientCertificate::from_pem(&self.record.0.lock().unwrap()).unwrap();
        let azure = Azure::new(self.contoso.emulator.cloud(), transport, Arc::new(self.contoso.clock.clone()));
        let tenant = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse().unwrap();
        azure.identity_with_certificate(tenant, deploy(), certificate).unwrap()
    }

    fn target(&self, identity: &Identity) -> Target {
        let production = connections()[0];
        let sink = identity.service_connection("contoso", "Web", production.into(), deploy()).unwrap();
        identity
            .certificate_target(deploy())
            .unwrap()
            .with_policy(policy())
            .with_adopted(self.case().old)
            .with_sink(SinkBinding::new(Arc::new(sink.with_certificates())))
    }
}
