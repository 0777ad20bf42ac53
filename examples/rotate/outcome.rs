//! How a run ended, in words and as an exit code.

use azconnect::core::Error;
use azconnect::rotation::{RotationOutcome, RotationPlan};
use azconnect_examples::end::Ending;
use azconnect_examples::turn::held_for;
use azconnect_examples::when::{day, moment, relative};
use serde_json::{Value, json};
use time::OffsetDateTime;

/// How a run ended, told in both of a program's languages.
pub struct Told {
    /// What the program makes of it.
    pub ending: Ending,
    /// One word for a machine.
    pub word: &'static str,
    /// One sentence for a person.
    pub text: String,
    /// What the person should do, where something is to be done.
    pub remedy: Option<String>,
    /// When to run again, where that is known.
    pub again_at: Option<OffsetDateTime>,
}

impl Told {
    /// Puts an outcome into words.
    pub fn of(outcome: &Result<RotationOutcome, Error>) -> Self {
        let (ending, word, text, remedy) = match outcome {
            Ok(outcome) => words(outcome),
            // Another process has the lease: it does what this one was asked to.
            Err(error) if held_for(error).is_some() => {
                (Ending::RunAgain, "held", error.to_string(), Some(error.advice().to_owned()))
            }
            Err(error) => (Ending::Failed, "failed", error.to_string(), Some(error.advice().to_owned())),
        };
        let again_at = outcome.as_ref().ok().and_then(RotationOutcome::run_again_at);
        Self { ending, word, text, remedy, again_at }
    }

    /// The sign before a person's line.
    pub fn sign(&self) -> char {
        match self.ending {
            Ending::Done => '✓',
            Ending::RunAgain => '…',
            _ => '✗',
        }
    }

    /// When to run again, in words.
    pub fn again(&self, now: OffsetDateTime) -> Option<String> {
        let at = self.again_at?;
        let written = if at - now > time::Duration::days(2) { day(at) } else { moment(at) };
        Some(format!("run again {} ({written})", relative(at, now)))
    }

    /// As a JSON object, beside what it is about.
    pub fn as_json(&self, plan: &RotationPlan) -> Value {
        use time::format_description::well_known::Rfc3339;
        json!({
            "type": "outcome",
            "subject": plan.subject,
            "outcome": self.word,
            "done": self.ending == Ending::Done,
            "exit_code": self.ending.code(),
            "message": self.text,
            "advice": self.remedy,
            "run_again_at": self.again_at.and_then(|at| at.format(&Rfc3339).ok()),
        })
    }
}

fn words(outcome: &RotationOutcome) -> (Ending, &'static str, String, Option<String>) {
    match outcome {
        RotationOutcome::Rotated { .. } => {
            (Ending::Done, "rotated", "rotated: the new secret is in place, and the old one is gone".to_owned(), None)
        }
        RotationOutcome::NotDue { .. } => (Ending::Done, "not_due", "not due".to_owned(), None),
        RotationOutcome::Idle { .. } => (Ending::Done, "idle", "nothing under way".to_owned(), None),
        RotationOutcome::Abandoned { .. } => {
            (Ending::Done, "abandoned", "abandoned: what was under way has ended".to_owned(), None)
        }
        RotationOutcome::Waiting { what, why, .. } => {
            let what = what.to_string();
            let because = if *why == what { String::new() } else { format!(": {why}") };
            (Ending::RunAgain, "waiting", format!("waits for {what}{because}"), None)
        }
        RotationOutcome::Refused { plan, .. } => {
            let blockers = plan.blockers();
            let said: Vec<_> = blockers.iter().map(|(about, check)| format!("{about}: {}", check.cause)).collect();
            let advice: Vec<_> = blockers.iter().map(|(_, check)| check.remedy.clone()).collect();
            let text = format!("not begun. {}", said.join("; "));
            (Ending::NeedsPerson, "refused", text, Some(advice.join("; ")))
        }
        RotationOutcome::RolledBack { problem, .. } => {
            let text = format!("rolled back, the old secret serves on: {problem}");
            (Ending::NeedsPerson, "rolled_back", text, Some(problem.advice().to_owned()))
        }
        RotationOutcome::Blocked { problem, .. } => {
            let text = format!("needs a person: {problem}");
            let remedy = format!("{}; then --resolve retry, or another way out (see --help)", problem.advice());
            (Ending::NeedsPerson, "blocked", text, Some(remedy))
        }
        _ => (Ending::Failed, "unknown", "ended in a way this program does not know".to_owned(), None),
    }
}
