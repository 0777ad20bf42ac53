//! The steps, live, with their times.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use azconnect::arm::{ProvisionEvent, Step};
use azconnect::core::Clock;
use azconnect::http::SystemClock;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Shows each step as a line that lives while the step does.
pub(crate) struct Tree {
    progress: MultiProgress,
    clock: SystemClock,
    lines: Mutex<BTreeMap<Step, Line>>,
}

struct Line {
    bar: ProgressBar,
    since: Duration,
}

impl Tree {
    pub(crate) fn new() -> Self {
        Self { progress: MultiProgress::new(), clock: SystemClock::new(), lines: Mutex::default() }
    }

    /// Prints a text on a line of its own.
    pub(crate) fn say(&self, text: &str) {
        // A reader that has gone away is no reason to stop.
        self.progress.suspend(|| {
            let _ = std::io::stdout().write_all(text.as_bytes());
        });
    }

    /// Takes what still moves off the screen.
    pub(crate) fn finish(&self) {
        for (_, line) in std::mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner)) {
            line.bar.finish_and_clear();
        }
    }

    /// Shows an event of the provisioning as one line of the tree.
    pub(crate) fn show(&self, event: &ProvisionEvent) {
        match event {
            ProvisionEvent::KeySealed { fingerprint, .. } => self.say(&format!("  ✓ key sealed ({fingerprint})\n")),
            ProvisionEvent::Intended { step } => self.begin(*step, "is created"),
            ProvisionEvent::Accepted { step, .. } => self.begin(*step, "the service is at it"),
            ProvisionEvent::Completed { step, created: true } => self.end(*step, "created"),
            ProvisionEvent::Completed { step: Step::Agent, .. } => self.end(Step::Agent, "online"),
            ProvisionEvent::FellBack { code, .. } => self.say(&format!("  ↻ no room ({code}): tried elsewhere\n")),
            ProvisionEvent::Failed { step, .. } => self.end(*step, "FAILED"),
            ProvisionEvent::CleanUpBegun => {
                self.finish();
                self.say("cleaning up\n");
            }
            ProvisionEvent::Removing { step, .. } => self.begin(*step, "is deleted"),
            ProvisionEvent::Removed { step } => self.end(*step, "deleted"),
            _ => {}
        }
    }

    fn begin(&self, step: Step, what: &str) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let line = lines.entry(step).or_insert_with(|| {
            let bar = self.progress.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("  {spinner} {prefix} {msg} ({elapsed})") {
                bar.set_style(style);
            }
            bar.set_prefix(step.name());
            bar.enable_steady_tick(Duration::from_millis(120));
            Line { bar, since: self.clock.elapsed() }
        });
        line.bar.set_message(what.to_owned());
    }

    fn end(&self, step: Step, what: &str) {
        let line = self.lines.lock().unwrap_or_else(PoisonError::into_inner).remove(&step);
        let took = line.map(|line| {
            line.bar.finish_and_clear();
            self.clock.elapsed().saturating_sub(line.since)
        });
        let mark = if what == "FAILED" { '✗' } else { '✓' };
        let time = took.map(|took| format!(" in {:.1} s", took.as_secs_f64())).unwrap_or_default();
        self.say(&format!("  {mark} {} {what}{time}\n", step.name()));
    }
}
