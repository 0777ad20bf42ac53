//! Tells what happens: as live progress for a person, or as one JSON object a line.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use azconnect::core::Error;
use azconnect::credential::{SinkId, SubjectId};
use azconnect::rotation::{Observer, RotationEvent, RotationOutcome, RotationPlan, RotationState, Rotator};
use azconnect_emulator::Truth;
use azconnect_examples::table::table;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::discover::Connection;
use crate::show;

/// Tells on the terminal what happens, as it happens.
pub struct Narrator {
    json: bool,
    progress: MultiProgress,
    bars: Mutex<BTreeMap<SubjectId, ProgressBar>>,
    titles: Mutex<BTreeMap<SubjectId, String>>,
    consumers: Mutex<BTreeMap<SinkId, String>>,
}

impl Narrator {
    pub fn new(json: bool) -> Self {
        Self {
            json,
            progress: MultiProgress::new(),
            bars: Mutex::default(),
            titles: Mutex::default(),
            consumers: Mutex::default(),
        }
    }

    /// Shows the plans and the connections that were found.
    pub fn planned(&self, plans: &[RotationPlan], connections: &[Connection]) {
        for connection in connections {
            let name = format!("{} ({}/{})", connection.name, connection.organization, connection.project);
            self.consumers.lock().unwrap_or_else(PoisonError::into_inner).insert(connection.sink.clone(), name);
        }
        for plan in plans {
            self.titles.lock().unwrap_or_else(PoisonError::into_inner).insert(plan.subject.clone(), plan.title.clone());
            if self.json {
                self.object(&json!({"type": "plan", "plan": plan}));
            }
        }
        if self.json {
            for connection in connections {
                self.object(&json!({"type": "connection", "connection": show::connection_as_json(connection)}));
            }
        } else {
            self.say(&show::plans(plans));
            self.say(&show::connections(connections));
        }
    }

    /// Says that a subject is another process's for now.
    pub fn held_elsewhere(&self, subject: &SubjectId, title: &str, pause: Duration) {
        if self.json {
            self.object(&json!({"type": "held", "subject": subject, "seconds": pause.as_secs_f64()}));
        } else {
            let line = format!(
                "{title}: another process holds the lease, or held it when it was killed; trying again in {} s",
                pause.as_secs().max(1)
            );
            self.say(&line);
        }
    }

    /// Takes the progress off the screen.
    pub fn finish(&self) {
        for bar in self.bars.lock().unwrap_or_else(PoisonError::into_inner).values() {
            bar.finish_and_clear();
        }
    }

    /// Says how a run ended, and whether that counts as done.
    pub fn ended(&self, subject: &SubjectId, title: &str, outcome: &Result<RotationOutcome, Error>) -> bool {
        let (done, word, text, advice) = show::outcome(outcome);
        if self.json {
            self.object(&json!({"type": "outcome", "subject": subject, "outcome": word, "done": done, "message": text, "advice": advice}));
            return done;
        }
        self.say(&format!("{} {title}: {text}", if done { "✓" } else { "✗" }));
        if let Some(advice) = advice {
            self.say(&format!("    remedy: {advice}"));
        }
        done
    }

    /// Shows step, time and proof of what this and earlier runs did.
    pub async fn evidence(&self, rotator: &Rotator, plans: &[RotationPlan]) -> Result<(), Error> {
        if self.json {
            return Ok(());
        }
        for plan in plans {
            let history = rotator.events(&plan.subject).await?;
            if history.is_empty() {
                continue;
            }
            let row =
                |(at, event): &(OffsetDateTime, RotationEvent)| vec![self.step(event), moment(*at), event.proof()];
            let rows: Vec<_> = history.iter().map(row).collect();
            self.say(&format!("\nEvidence: {}\n\n{}", plan.title, table(&["step", "when", "proof"], &rows)));
        }
        Ok(())
    }

    /// Shows what the emulator itself knows, whatever anybody was told.
    pub fn truth(&self, truth: &Truth) {
        if self.json {
            self.object(&json!({"type": "truth", "truth": truth}));
        } else {
            self.say(&show::truth(truth));
        }
    }

    fn bar(&self, subject: &SubjectId) -> ProgressBar {
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        bars.entry(subject.clone())
            .or_insert_with(|| {
                let bar = self.progress.add(ProgressBar::new_spinner());
                if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}: {msg}") {
                    bar.set_style(style);
                }
                bar.set_prefix(self.title(subject));
                bar.enable_steady_tick(Duration::from_millis(120));
                bar
            })
            .clone()
    }

    fn title(&self, subject: &SubjectId) -> String {
        let titles = self.titles.lock().unwrap_or_else(PoisonError::into_inner);
        titles.get(subject).cloned().unwrap_or_else(|| subject.to_string())
    }

    /// The step, with the name of the consumer it is about.
    fn step(&self, event: &RotationEvent) -> String {
        let consumers = self.consumers.lock().unwrap_or_else(PoisonError::into_inner);
        match event.sink() {
            Some(sink) => format!("{} {}", event.step(), consumers.get(sink).map_or(sink.as_str(), String::as_str)),
            None => event.step().to_owned(),
        }
    }

    fn object(&self, value: &Value) {
        self.say(&value.to_string());
    }

    /// Prints above the progress, or plainly where there is no terminal. A reader that went away is not our failure.
    fn say(&self, text: &str) {
        if std::io::stderr().is_terminal() {
            self.progress.suspend(|| print(text));
        } else {
            print(text);
        }
    }
}

fn print(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

impl Observer for Narrator {
    fn recorded(&self, subject: &SubjectId, event: &RotationEvent, at: OffsetDateTime, _: &RotationState) {
        if self.json {
            self.object(&json!({"type": "event", "subject": subject, "at": at.format(&Rfc3339).ok(), "step": event.step(), "event": event}));
            return;
        }
        let line = format!("{}: {}", self.step(event), event.proof());
        self.bar(subject).set_message(line.clone());
        self.say(&format!("  {}  {}  {line}", moment(at), self.title(subject)));
    }

    fn waiting(&self, subject: &SubjectId, until: OffsetDateTime, why: &'static str) {
        if self.json {
            self.object(
                &json!({"type": "waiting", "subject": subject, "until": until.format(&Rfc3339).ok(), "for": why}),
            );
        } else {
            self.bar(subject).set_message(format!("waiting for {why}, until {}", moment(until)));
        }
    }
}

/// A time of day, to the tenth of a second, in UTC.
fn moment(at: OffsetDateTime) -> String {
    let (hour, minute, second) = at.to_hms();
    format!("{hour:02}:{minute:02}:{second:02}.{}", at.millisecond() / 100)
}
