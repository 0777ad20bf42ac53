//! Tells what happens: as live progress for a person, or as one JSON object a line.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use azconnect::core::Error;
use azconnect::credential::{SinkId, SubjectId};
use azconnect::rotation::{Observer, RotationEvent, RotationOutcome, RotationPlan, RotationState};
use azconnect_emulator::Truth;
use azconnect_examples::end::Ending;
use azconnect_examples::page::{hanging, one_line};
use azconnect_examples::when::{clock, moment};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::discover::Connection;
use crate::outcome::Told;
use crate::standing::Standing;
use crate::{evidence, show, summary, truth};

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

    /// Shows how things stand; in full where that is all that was asked for.
    pub fn planned(&self, all: &[Standing], connections: &[Connection], now: OffsetDateTime, in_full: bool) {
        for connection in connections {
            let name = format!("{} ({}/{})", connection.name, connection.organization, connection.project);
            self.consumers.lock().unwrap_or_else(PoisonError::into_inner).insert(connection.sink.clone(), name);
        }
        for Standing { plan, .. } in all {
            self.titles.lock().unwrap_or_else(PoisonError::into_inner).insert(plan.subject.clone(), plan.title.clone());
        }
        if self.json {
            all.iter().for_each(|one| self.object(&json!({"type": "plan", "plan": one.plan})));
            for connection in connections {
                self.object(&json!({"type": "connection", "connection": show::connection_as_json(connection)}));
            }
            return;
        }
        self.say(&summary::summary(all, connections.len(), now));
        if in_full {
            self.say(show::plans(all, now).trim_end());
            self.say(show::secrets(all, now).trim_end());
            self.say(show::destinations(all).trim_end());
            self.say(show::checks(all).trim_end());
            self.say(show::connections(connections).trim_end());
        } else {
            self.say("");
        }
    }

    /// Says that a subject is another process's for now.
    pub fn held_elsewhere(&self, subject: &SubjectId, title: &str, pause: Duration) {
        if self.json {
            self.object(&json!({"type": "held", "subject": subject, "seconds": pause.as_secs_f64()}));
        } else {
            let said = "another process holds the lease, or held it when it was killed; trying again in";
            self.say(&hanging("  ", &format!("{title}: {said} {} s", pause.as_secs().max(1))));
        }
    }

    /// Takes the progress off the screen.
    pub fn finish(&self) {
        for bar in self.bars.lock().unwrap_or_else(PoisonError::into_inner).values() {
            bar.finish_and_clear();
        }
    }

    /// Says that somebody asked to stop, and what that means for what was begun.
    pub fn stopped(&self, kept: bool) {
        self.finish();
        let said = match kept {
            true => "stopped, and the lease is given back: run again to finish",
            false => "stopped: without --state nothing was kept, so no later run goes on with what was begun",
        };
        if self.json {
            self.object(&json!({"type": "stopped", "kept": kept, "message": said}));
        } else {
            self.say(&hanging("", said));
        }
    }

    /// Opens the list of results.
    pub fn results_begin(&self) {
        if !self.json {
            self.say("\nResult\n");
        }
    }

    /// Says how a run ended, and what the program makes of it.
    pub fn ended(&self, plan: &RotationPlan, outcome: &Result<RotationOutcome, Error>, now: OffsetDateTime) -> Ending {
        let told = Told::of(outcome);
        if self.json {
            self.object(&told.as_json(plan));
            return told.ending;
        }
        self.say(&hanging(&format!("  {} ", told.sign()), &format!("{}: {}", plan.title, told.text)));
        if let Some(remedy) = &told.remedy {
            self.say(&hanging("      remedy: ", remedy));
        }
        if let Some(again) = told.again(now) {
            self.say(&hanging("      ", &again));
        }
        told.ending
    }

    /// Shows step, time and proof of what this and earlier runs did.
    pub fn evidence(&self, plan: &RotationPlan, history: &[(OffsetDateTime, RotationEvent)]) {
        if !self.json && !history.is_empty() {
            let consumers = self.consumers.lock().unwrap_or_else(PoisonError::into_inner);
            self.say(evidence::evidence(plan, history, &consumers).trim_end());
        }
    }

    /// Shows what the emulator itself knows, whatever anybody was told.
    pub fn truth(&self, known: &Truth) {
        if self.json {
            self.object(&json!({"type": "truth", "truth": known}));
        } else {
            self.say(truth::truth(known).trim_end());
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

    fn step(&self, event: &RotationEvent) -> String {
        evidence::step(event, &self.consumers.lock().unwrap_or_else(PoisonError::into_inner))
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
        // The proof is shown once, in the table of evidence.
        let step = self.step(event);
        self.bar(subject).set_message(one_line(&format!("{step}: {}", event.proof())));
        self.say(&one_line(&format!("  {}  {}  {step}", clock(at), self.title(subject))));
    }

    fn waiting(&self, subject: &SubjectId, until: OffsetDateTime, why: &str) {
        if self.json {
            self.object(
                &json!({"type": "waiting", "subject": subject, "until": until.format(&Rfc3339).ok(), "for": why}),
            );
        } else {
            self.bar(subject).set_message(format!("waiting for {why}, until {}", moment(until)));
        }
    }
}
