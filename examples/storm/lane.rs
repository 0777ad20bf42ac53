//! One emulator, one folder, and one process after the other that works there and is killed.

use std::path::PathBuf;
use std::pin::pin;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use azconnect::core::{Clock, Error, ErrorKind};
use azconnect::http::{Call, Pipeline, PlainDialect, ReqwestTransport, SystemClock, endpoint, json};
use futures_util::future::{Either, select};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use url::Url;

use crate::aim::{Aim, Moment};
use crate::tally::Tally;
use crate::work::{Judge, Said, Verdict, Work, broken, write};

/// How often the truth is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// How many processes may be needed to finish what the last kill left.
const PATIENCE: u32 = 20;

pub struct Lane<W> {
    number: u64,
    work: W,
    folder: TempDir,
    /// Ends with the lane.
    _emulator: Child,
    origin: Url,
    pipeline: Pipeline,
    clock: SystemClock,
}

/// How a process ended.
enum End {
    Killed { after: String },
    Ended { code: Option<i32>, outcome: Option<String>, complaint: String },
}

impl<W: Work> Lane<W> {
    /// Starts an emulator, and prepares a folder.
    pub async fn open(number: u64) -> Result<Self, Error> {
        let folder = TempDir::new().map_err(|error| broken("cannot make a folder", error))?;
        let seed = folder.path().join("seed.json");
        write(&seed, &W::seed()?)?;
        W::prepare(folder.path())?;
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
        Ok(Self {
            number,
            work: W::default(),
            folder,
            _emulator: emulator,
            origin,
            pipeline,
            clock: SystemClock::new(),
        })
    }

    /// Kills processes while any kills are left, then lets the last ones finish. The truth is judged all the while.
    pub async fn storm(mut self, left: &AtomicI64, mut aim: Aim) -> Result<Tally, Error> {
        let (mut tally, mut judge, mut work) = (Tally::default(), W::Judge::default(), std::mem::take(&mut self.work));
        let mut looks = 0;
        let kill = self.kill(&mut work, left, &mut aim, &mut tally);
        match select(pin!(kill), pin!(self.watch(&mut judge, &mut looks))).await {
            Either::Left((worked, _)) => worked?,
            Either::Right((failed, _)) => failed?,
        }
        judge.last_look(&self.truth().await?);
        work.read_journal(&self.folder.path().join("state"), &mut tally).await?;
        (tally.looks, tally.most_alive) = (looks + 1, judge.most_alive());
        tally.violations.extend(judge.violations());
        for violation in &mut tally.violations {
            *violation = format!("lane {}: {violation}", self.number);
        }
        if !tally.violations.is_empty() {
            // Kept for whoever looks for the cause.
            let kept = self.folder.keep();
            tally.violations.push(format!("lane {}: its journal is in {}", self.number, kept.display()));
        }
        Ok(tally)
    }

    async fn kill(&self, work: &mut W, left: &AtomicI64, aim: &mut Aim, tally: &mut Tally) -> Result<(), Error> {
        while left.fetch_sub(1, Ordering::SeqCst) > 0 {
            // A process that ends before it is hit was no kill; the next one is aimed at instead.
            loop {
                match self.run(work, Some(aim.next())).await? {
                    End::Killed { after } => {
                        tally.kills += 1;
                        *tally.killed_after.entry(after).or_default() += 1;
                        break;
                    }
                    ended @ End::Ended { .. } => note(work, &ended, tally),
                };
            }
        }
        for _ in 0..PATIENCE {
            if note(work, &self.run(work, None).await?, tally) {
                return Ok(());
            }
        }
        tally.violations.push(format!("{PATIENCE} processes did not finish what was left"));
        Ok(())
    }

    /// Runs one process until its end, or until the moment at which it is killed.
    async fn run(&self, work: &W, moment: Option<Moment>) -> Result<End, Error> {
        let mut child = Command::new(sibling(W::PROGRAM)?)
            .args(["--hurry", "--emulator", self.origin.as_str(), "--state"])
            .arg(self.folder.path().join("state"))
            .args(work.arguments(self.folder.path(), moment.is_none()))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| broken("cannot start the program", error))?;
        let mut heard = Heard { events: 0, step: "start".to_owned(), outcome: None };
        let mut lines = lines_of(&mut child)?;
        let hit = match select(pin!(heard.listen::<W>(&mut lines, moment)), pin!(self.timer(moment))).await {
            Either::Left((hit, _)) => hit,
            Either::Right(((), _)) => true,
        };
        if hit {
            if let Some(Moment::AfterEvents(_, pause)) = moment {
                self.clock.sleep(pause).await;
            }
            // SIGKILL: nothing is cleaned up. One that ended by itself meanwhile is not hit any more.
            if child.try_wait().ok().flatten().is_none() && child.kill().await.is_ok() {
                return Ok(End::Killed { after: heard.step });
            }
        }
        let status = child.wait().await.map_err(|error| broken("cannot wait for the program", error))?;
        heard.listen::<W>(&mut lines, None).await;
        let mut complaint = String::new();
        if let Some(mut errors) = child.stderr.take() {
            let _ = errors.read_to_string(&mut complaint).await;
        }
        Ok(End::Ended { code: status.code(), outcome: heard.outcome, complaint })
    }

    async fn timer(&self, moment: Option<Moment>) {
        match moment {
            Some(Moment::After(pause)) => self.clock.sleep(pause).await,
            _ => std::future::pending().await,
        }
    }

    /// Looks at the truth for ever.
    async fn watch(&self, judge: &mut W::Judge, looks: &mut u64) -> Result<(), Error> {
        loop {
            judge.look(&self.truth().await?);
            *looks += 1;
            self.clock.sleep(LOOK).await;
        }
    }

    async fn truth(&self) -> Result<Value, Error> {
        let call = Call::get("emulator.state", endpoint(&self.origin, &["_emulator", "state"])?);
        json(&self.pipeline.execute(call, &PlainDialect).await?)
    }
}

/// Takes note of a process that ended by itself. Whether nothing is left to do.
fn note<W: Work>(work: &mut W, end: &End, tally: &mut Tally) -> bool {
    let End::Ended { code, outcome, complaint } = end else { return false };
    tally.ended += 1;
    let fate = work.ended(*code, outcome.as_deref());
    match fate.verdict {
        Verdict::Good => {}
        Verdict::Failed => tally.failed += 1,
        Verdict::Wrong => {
            let outcome = outcome.as_deref().unwrap_or("no outcome");
            tally.violations.push(format!("a process ended with {code:?}: {outcome}: {}", complaint.trim()));
        }
    }
    fate.is_finished
}

/// What a process said so far.
struct Heard {
    events: u64,
    step: String,
    outcome: Option<String>,
}

impl Heard {
    /// Listens until the process ends, or has told of as many events as the moment wants. Whether it did.
    async fn listen<W: Work>(&mut self, lines: &mut Lines<BufReader<ChildStdout>>, moment: Option<Moment>) -> bool {
        while let Ok(Some(line)) = lines.next_line().await {
            match W::hear(&line) {
                Said::Step(step) => self.step = step,
                Said::Event(step) => {
                    self.step = step;
                    self.events += 1;
                }
                Said::Outcome(outcome) => self.outcome = Some(outcome),
                Said::Nothing => {}
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
