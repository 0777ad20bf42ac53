//! The program `rotate` under the storm: nobody may ever be served badly.

mod judge;

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use azconnect::core::Error;
use azconnect::credential::SubjectId;
use azconnect::http::SystemClock;
use azconnect::rotation::{Ports, Rotator};
use azconnect::store::SqliteStore;
use azconnect_examples::key_file::key_file;
use azconnect_examples::place::CONTOSO;
use serde_json::Value;

use self::judge::{ADOPTED, APPLICATION, Secrets};
use crate::tally::Tally;
use crate::work::{Fate, Reach, Said, Verdict, Work, parse, write};

/// How fast the replicas of the emulator agree. A rotation in haste waits for a little longer than that.
const SETTINGS: &str = r#"{"addLagSeconds": 1, "listLagSeconds": 1, "removeLagSeconds": 1}"#;

/// One rotation after the other of one application.
#[derive(Default)]
pub struct Rotating;

impl Work for Rotating {
    const PROGRAM: &'static str = "rotate";
    const REACH: Reach = Reach { milliseconds: 2_500, events: 8 };

    type Judge = Secrets;

    /// Contoso, whose replicas agree sooner.
    fn seed() -> Result<String, Error> {
        let mut seed = parse(CONTOSO)?;
        if let Some(settings) = seed.get_mut("settings") {
            *settings = parse(SETTINGS)?;
        }
        Ok(seed.to_string())
    }

    fn prepare(folder: &Path) -> Result<(), Error> {
        write(&folder.join("product.json"), &product_text())
    }

    fn arguments(&self, folder: &Path, is_calm: bool) -> Vec<OsString> {
        let product = folder.join("product.json").into_os_string();
        let force = (!is_calm).then(|| "--force".into());
        ["--json".into(), "--product".into(), product].into_iter().chain(force).collect()
    }

    fn hear(line: &str) -> Said {
        let said: Value = serde_json::from_str(line).unwrap_or_default();
        let text = |field: &str| said.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        match text("type").as_str() {
            // Every process that goes on begins with this one, and mostly waits then.
            "event" if text("step") == "resume" => Said::Step(text("step")),
            "event" => Said::Event(text("step")),
            "plan" => Said::Step("plan".to_owned()),
            "held" => Said::Step("waiting for the lease".to_owned()),
            "outcome" => Said::Outcome(text("outcome")),
            _ => Said::Nothing,
        }
    }

    fn ended(&mut self, code: Option<i32>, outcome: Option<&str>) -> Fate {
        let verdict = match code {
            Some(0 | 4) => Verdict::Good,
            Some(1) => Verdict::Failed,
            _ => Verdict::Wrong,
        };
        Fate { verdict, is_finished: outcome == Some("not_due") }
    }

    async fn read_journal(&self, state: &Path, tally: &mut Tally) -> Result<(), Error> {
        let clock = Arc::new(SystemClock::new());
        let store =
            Arc::new(SqliteStore::open_with_key_file(state.join("rotate.db"), key_file(state)?, clock.clone()).await?);
        let rotator = Rotator::new(Ports::new(store.clone(), store.clone(), store, clock));
        if let Some(subject) = rotator.unfinished().await?.first() {
            tally.violations.push(format!("{subject} is unfinished in the end"));
        }
        for (_, event) in rotator.events(&SubjectId::new(format!("application/{APPLICATION}"))?).await? {
            tally.count(event.kind());
        }
        Ok(())
    }

    fn figures(tally: &Tally) -> Vec<(&'static str, String)> {
        let (rotated, back, blocked) = (tally.of("rotated"), tally.of("rolled_back"), tally.of("blocked"));
        vec![
            ("rotations", format!("{rotated} finished, {back} rolled back, {blocked} blocked")),
            (
                "secrets",
                format!("{} announced, at most {} of ours alive at once", tally.of("mint_intended"), tally.most_alive),
            ),
        ]
    }
}

/// The two projects with the consumers, and the one application.
fn product_text() -> String {
    serde_json::json!({
        "tenant": "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01",
        "subscription": "22222222-2222-4222-8222-222222222222",
        "operator": {
            "client": "a0000000-0000-4000-8000-000000000001",
            "emulatorSecret": "Emu8Q~only.for-the-embedded-emulator_00001"
        },
        "organizations": [
            {"name": "contoso", "projects": ["Web"]},
            {"name": "fabrikam", "projects": ["Shop"]}
        ],
        "applications": [{"client": APPLICATION, "adopt": [ADOPTED]}]
    })
    .to_string()
}
