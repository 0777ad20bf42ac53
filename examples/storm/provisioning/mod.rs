//! The program `provision` under the storm: machines come and go, and nothing is left behind.

mod judge;

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use azconnect::arm::{Arm, ProvisionId, Provisioner};
use azconnect::core::{Cloud, Error, Scope};
use azconnect::credential::{AccessToken, TokenProvider};
use azconnect::http::{Pipeline, ReqwestTransport, SystemClock};
use azconnect::store::SqliteStore;
use azconnect_examples::key_file::key_file;

use self::judge::Resources;
use crate::tally::Tally;
use crate::work::{Fate, Reach, Said, Verdict, Work, broken, parse};

/// What the program's own emulator starts with.
const MACHINES: &str = include_str!("../../data/machines.json");

/// How fast the service works.
const SETTINGS: &str = r#"{"resourceManager": {"operationSeconds": 1, "retryAfterSeconds": 1}}"#;

/// Every third machine is built by the identity that may act in one group only.
const IN_A_SHARED_GROUP: u64 = 3;

/// One machine after the other, each built and deleted.
#[derive(Default)]
pub struct Provisioning {
    /// How many machines have come and gone.
    machines: u64,
}

impl Provisioning {
    fn name(&self) -> String {
        format!("m{}", self.machines)
    }
}

impl Work for Provisioning {
    const PROGRAM: &'static str = "provision";
    const REACH: Reach = Reach { milliseconds: 6_000, events: 12 };

    type Judge = Resources;

    fn seed() -> Result<String, Error> {
        let mut seed = parse(MACHINES)?;
        if let Some(seed) = seed.as_object_mut() {
            seed.insert("settings".to_owned(), parse(SETTINGS)?);
        }
        Ok(seed.to_string())
    }

    fn arguments(&self, _folder: &Path, _is_calm: bool) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["--name".into(), self.name().into()];
        if self.machines % IN_A_SHARED_GROUP == IN_A_SHARED_GROUP - 1 {
            arguments.push("--group-only".into());
        }
        arguments
    }

    fn hear(line: &str) -> Said {
        let line = line.trim();
        match line.split_once(' ') {
            Some(("✓" | "✗" | "↻", step)) => Said::Event(
                step.split([',', '('])
                    .next()
                    .unwrap_or_default()
                    .split(" in ")
                    .next()
                    .unwrap_or_default()
                    .trim()
                    .to_owned(),
            ),
            Some(("…", _)) => Said::Step("waiting for the lease".to_owned()),
            _ if line.starts_with("machine m") => Said::Step("plan".to_owned()),
            _ if line.starts_with("check ") => Said::Step("preflight".to_owned()),
            _ if line == "cleaning up" => Said::Event(line.to_owned()),
            _ if line.starts_with("deleted") => Said::Outcome("deleted".to_owned()),
            _ => Said::Nothing,
        }
    }

    fn ended(&mut self, code: Option<i32>, outcome: Option<&str>) -> Fate {
        let is_finished = code == Some(0) && outcome == Some("deleted");
        self.machines += u64::from(is_finished);
        let verdict = match code {
            Some(0) if is_finished => Verdict::Good,
            Some(4) => Verdict::Good,
            _ => Verdict::Wrong,
        };
        Fate { verdict, is_finished }
    }

    async fn read_journal(&self, state: &Path, tally: &mut Tally) -> Result<(), Error> {
        let clock = Arc::new(SystemClock::new());
        let store = SqliteStore::open_with_key_file(state.join("machines.db"), key_file(state)?, clock.clone()).await?;
        let store = Arc::new(store);
        // It only reads the journal, so it is never asked for a token.
        let pipeline = Pipeline::new(Arc::new(ReqwestTransport::new()?), clock);
        let arm = Arm::new(pipeline, &Cloud::public(), Arc::new(Nobody));
        let subscription = arm.subscription("22222222-2222-4222-8222-222222222222".parse()?);
        let provisioner = Provisioner::new(subscription, store.clone(), store.clone(), store);
        if let Some(one) = provisioner.unfinished().await?.first() {
            tally.violations.push(format!("{} is unfinished in the end", one.id));
        }
        for machine in 0..self.machines {
            let id = ProvisionId::new(format!("example/m{machine}"))?;
            for entry in provisioner.history(&id).await? {
                tally.count(entry.kind);
            }
        }
        Ok(())
    }

    fn figures(tally: &Tally) -> Vec<(&'static str, String)> {
        let (finished, gone, failed) = (tally.of("finished"), tally.of("cleaned_up"), tally.of("failed"));
        vec![
            ("machines", format!("{finished} built, {gone} deleted, {failed} failed")),
            ("resources", format!("at most {} alive at once in one emulator, none in the end", tally.most_alive)),
        ]
    }
}

struct Nobody;

#[async_trait::async_trait]
impl TokenProvider for Nobody {
    async fn token(&self, _: &Scope) -> Result<Arc<AccessToken>, Error> {
        Err(broken("nothing is to be asked of a service here", "no token"))
    }

    async fn invalidate(&self, _: &Scope, _: &AccessToken) {}
}
