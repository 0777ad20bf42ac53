//! One emulator, one folder, and one process after the other that works there and is killed.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use azconnect::core::{Clock, Error, ErrorKind};
use azconnect::credential::SubjectId;
use azconnect::http::{Call, Pipeline, PlainDialect, ReqwestTransport, SystemClock, endpoint, json};
use azconnect::rotation::{Ports, Rotator};
use azconnect::store::SqliteStore;
use azconnect_examples::key_file::key_file;
use azconnect_examples::place::CONTOSO;
use futures_util::future::{Either, select};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use url::Url;

use crate::aim::{Aim, Moment};
use crate::judge::{ADOPTED, APPLICATION, Judge};
use crate::tally::Tally;

/// How often the truth is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// How many processes may be needed to finish what the last kill left.
const PATIENCE: u32 = 20;

/// How fast the replicas of the emulator agree. A rotation in haste waits for a little longer than that.
const SETTINGS: &str = r#"{"addLagSeconds": 1, "listLagSeconds": 1, "removeLagSeconds": 1}"#;

pub struct Lane {
    number: u64,
    folder: TempDir,
    /// Ends with the lane.
    _emulator: Child,
    origin: Url,
    pipeline: Pipeline,
    clock: SystemClock,
}

/// How a process ended.
enum Fate {
    Killed { after: String },
    Ended { code: Option<i32>, outcome: Option<String> },
}

impl Lane {
    /// Starts an emulator, and prepares a folder.
    pub async fn open(number: u64) -> Result<Self, Error> {
        let folder = TempDir::new().map_err(|error| broken("cannot make a folder", error))?;
        let seed = folder.path().join("seed.json");
        write(&seed, &seed_text()?)?;
        write(&folder.path().join("product.json"), &product_text())?;
        let mut emulator = Command::new(sibling("emulator")?)
            .arg("--seed")
            .arg(&seed)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| broken("cannot start the emulator", error))?;
        let said = lines_of(&mut emulator)?.next_line().await.ok().flatten().unwrap_or_default();
        let told: Value = serde_json::from_str(&said).map_err(|error| broken("the emulator said nothing", error))?;
        let origin = told.pointer("/origins/graph").and_then(Value::as_str).unwrap_or_default();
        let origin = Url::parse(origin).map_err(|error| broken("the emulator told no address", error))?;
        let transport = Arc::new(ReqwestTransport::builder().danger_allow_http_loopback().build()?);
        let pipeline = Pipeline::new(transport, Arc::new(SystemClock::new()));
        Ok(Self { number, folder, _emulator: emulator, origin, pipeline, clock: SystemClock::new() })
    }

    /// Kills processes while any kills are left, then lets the last ones finish. The truth is judged all the while.
    pub async fn storm(self, left: &AtomicI64, mut aim: Aim) -> Result<Tally, Error> {
        let (mut tally, mut judge) = (Tally::default(), Judge::default());
        let work = self.work(left, &mut aim, &mut tally);
        match select(pin!(work), pin!(self.watch(&mut judge))).await {
            Either::Left((worked, _)) => worked?,
            Either::Right((failed, _)) => failed?,
        }
        judge.last_look(&self.truth().await?);
        self.read_journal(&mut tally).await?;
        tally.looks = judge.looks;
        tally.most_alive = judge.most_alive;
        tally.violations.extend(judge.violations.into_iter().map(|one| format!("lane {}: {one}", self.number)));
        if !tally.violations.is_empty() {
            // Kept for whoever looks for the cause.
            let kept = self.folder.keep();
            tally.violations.push(format!("lane {}: its journal is in {}", self.number, kept.display()));
        }
        Ok(tally)
    }

    async fn work(&self, left: &AtomicI64, aim: &mut Aim, tally: &mut Tally) -> Result<(), Error> {
        while left.fetch_sub(1, Ordering::SeqCst) > 0 {
            // A process that ends before it is hit was no kill; the next one is aimed at instead.
            loop {
                match self.run(&["--force"], Some(aim.next())).await? {
                    Fate::Killed { after } => {
                        tally.kills += 1;
                        *tally.killed_after.entry(after).or_default() += 1;
                        break;
                    }
                    Fate::Ended { code, outcome } => self.note(code, outcome.as_deref(), tally),
                }
            }
        }
        for _ in 0..PATIENCE {
            let Fate::Ended { code, outcome } = self.run(&[], None).await? else { continue };
            self.note(code, outcome.as_deref(), tally);
            if outcome.as_deref() == Some("not_due") {
                return Ok(());
            }
        }
        tally.violations.push(format!("lane {}: {PATIENCE} processes did not finish what was left", self.number));
        Ok(())
    }

    fn note(&self, code: Option<i32>, outcome: Option<&str>, tally: &mut Tally) {
        tally.ended += 1;
        match code {
            Some(0 | 4) => {}
            Some(1) => tally.failed += 1,
            code => {
                let outcome = outcome.unwrap_or("no outcome");
                tally.violations.push(format!("lane {}: a process ended with {code:?}: {outcome}", self.number));
            }
        }
    }

    /// Runs one process until its end, or until the moment at which it is killed.
    async fn run(&self, more: &[&str], moment: Option<Moment>) -> Result<Fate, Error> {
        let mut child = Command::new(sibling("rotate")?)
            .args(["--json", "--hurry", "--emulator", self.origin.as_str(), "--state"])
            .arg(self.folder.path().join("state"))
            .arg("--product")
            .arg(self.folder.path().join("product.json"))
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| broken("cannot start rotate", error))?;
        let mut heard = Heard { events: 0, step: "start".to_owned(), outcome: None };
        let mut lines = lines_of(&mut child)?;
        let hit = match select(pin!(heard.listen(&mut lines, moment)), pin!(self.timer(moment))).await {
            Either::Left((hit, _)) => hit,
            Either::Right(((), _)) => true,
        };
        if hit {
            if let Some(Moment::AfterEvents(_, pause)) = moment {
                self.clock.sleep(pause).await;
            }
            // SIGKILL: nothing is cleaned up. One that ended by itself meanwhile is not hit any more.
            if child.try_wait().ok().flatten().is_none() && child.kill().await.is_ok() {
                return Ok(Fate::Killed { after: heard.step });
            }
        }
        let status = child.wait().await.map_err(|error| broken("cannot wait for rotate", error))?;
        heard.listen(&mut lines, None).await;
        Ok(Fate::Ended { code: status.code(), outcome: heard.outcome })
    }

    async fn timer(&self, moment: Option<Moment>) {
        match moment {
            Some(Moment::After(pause)) => self.clock.sleep(pause).await,
            _ => std::future::pending().await,
        }
    }

    /// Looks at the truth for ever.
    async fn watch(&self, judge: &mut Judge) -> Result<(), Error> {
        loop {
            judge.look(&self.truth().await?);
            self.clock.sleep(LOOK).await;
        }
    }

    async fn truth(&self) -> Result<Value, Error> {
        let call = Call::get("emulator.state", endpoint(&self.origin, &["_emulator", "state"])?);
        json(&self.pipeline.execute(call, &PlainDialect).await?)
    }

    /// Counts what the journal holds.
    async fn read_journal(&self, tally: &mut Tally) -> Result<(), Error> {
        let state = self.folder.path().join("state");
        let clock = Arc::new(SystemClock::new());
        let store =
            Arc::new(SqliteStore::open_with_key_file(state.join("rotate.db"), key_file(&state)?, clock.clone()).await?);
        let rotator = Rotator::new(Ports::new(store.clone(), store.clone(), store, clock));
        if let Some(subject) = rotator.unfinished().await?.first() {
            tally.violations.push(format!("lane {}: {subject} is unfinished in the end", self.number));
        }
        for (_, event) in rotator.events(&SubjectId::new(format!("application/{APPLICATION}"))?).await? {
            tally.count(&event);
        }
        Ok(())
    }
}

/// What a process said so far.
struct Heard {
    events: u64,
    step: String,
    outcome: Option<String>,
}

impl Heard {
    /// Listens until the process ends, or has told of as many events as the moment wants. Whether it did.
    async fn listen(&mut self, lines: &mut Lines<BufReader<ChildStdout>>, moment: Option<Moment>) -> bool {
        while let Ok(Some(line)) = lines.next_line().await {
            let said: Value = serde_json::from_str(&line).unwrap_or_default();
            let text = |field: &str| said.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
            match text("type").as_str() {
                "event" => {
                    self.step = text("step");
                    // Every process that goes on begins with this one, and mostly waits then.
                    self.events += u64::from(self.step != "resume");
                }
                "plan" => self.step = "plan".to_owned(),
                "held" => self.step = "waiting for the lease".to_owned(),
                "outcome" => self.outcome = Some(text("outcome")),
                _ => {}
            }
            if matches!(moment, Some(Moment::AfterEvents(wanted, _)) if self.events >= wanted) {
                return true;
            }
        }
        false
    }
}

fn lines_of(child: &mut Child) -> Result<Lines<BufReader<ChildStdout>>, Error> {
    let output = child.stdout.take().ok_or_else(|| Error::new(ErrorKind::Unexpected, "a process without output"))?;
    Ok(BufReader::new(output).lines())
}

/// Another program, which cargo puts beside this one.
fn sibling(name: &str) -> Result<PathBuf, Error> {
    let own = std::env::current_exe().map_err(|error| broken("cannot find the programs", error))?;
    let path = own.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    match path.exists() {
        true => Ok(path),
        false => Err(Error::new(ErrorKind::NotFound, format!("{} is not built", path.display()))
            .with_advice("build the programs: cargo build -p azconnect-examples --examples")),
    }
}

/// Contoso, whose replicas agree sooner.
fn seed_text() -> Result<String, Error> {
    let parse = |text| serde_json::from_str::<Value>(text).map_err(|error| broken("the seed is no JSON", error));
    let mut seed = parse(CONTOSO)?;
    if let Some(settings) = seed.get_mut("settings") {
        *settings = parse(SETTINGS)?;
    }
    Ok(seed.to_string())
}

/// The two projects with the consumers, and the one application.
fn product_text() -> String {
    serde_json::json!({
        "tenant": "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01",
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

fn write(path: &Path, text: &str) -> Result<(), Error> {
    std::fs::write(path, text).map_err(|error| broken("cannot write a file", error))
}

fn broken(what: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Unexpected, what).with_source(source)
}
