//! The emulator's own routes: the ground truth, its origins, the fault script, its clock, a new start and the requests seen.

use std::time::Duration;

use azconnect_core::Error;
use http::Method;
use serde_json::{Value, json};

use super::emulator::Emulator;
use crate::base::answer::{Answer, empty, json_answer};
use crate::base::call::Call;
use crate::base::moment::rfc3339;

/// What only the program can do, which has the emulator's clock and its files.
pub(crate) struct Controls {
    pub(crate) clock: &'static str,
    pub(crate) advance: Box<dyn Fn(Duration) + Send + Sync>,
    /// Writes the state to its file, where there is one.
    pub(crate) save: Option<Box<dyn Fn() -> Result<(), Error> + Send + Sync>>,
}

/// What there is, for whoever asks for anything else.
const ROUTES: &str = "there are GET /_emulator/state, GET /_emulator/origins, GET and DELETE /_emulator/requests, GET, POST and \
                      DELETE /_emulator/faults, GET and POST /_emulator/clock, POST /_emulator/reset and POST /_emulator/save";

/// Answers a request below `/_emulator`, or nothing if it is not one. Such requests are not exchanges.
pub(crate) fn answer(emulator: &Emulator, call: &Call) -> Option<Answer> {
    let parts = call.parts();
    let [first, rest @ ..] = parts.as_slice() else { return None };
    // No service has such a path, so none is hidden.
    if *first != "_emulator" {
        return None;
    }
    Some(match (&call.method, rest) {
        (&Method::GET, ["state"]) => match serde_json::to_value(emulator.truth()) {
            Ok(truth) => json_answer(200, &truth),
            Err(_) => refusal(500, "the ground truth cannot be written as JSON"),
        },
        (&Method::GET, ["origins"]) => match serde_json::to_value(&call.origins) {
            Ok(origins) => json_answer(200, &origins),
            Err(_) => refusal(500, "the origins cannot be written as JSON"),
        },
        (&Method::GET, ["requests"]) => json_answer(200, &json!({"requests": emulator.seen().all()})),
        (&Method::DELETE, ["requests"]) => {
            emulator.seen().clear();
            empty(204)
        }
        (&Method::GET, ["faults"]) => json_answer(200, &json!({"faults": emulator.faults().to_json()})),
        (&Method::DELETE, ["faults"]) => {
            emulator.faults().clear();
            empty(204)
        }
        (&Method::POST, ["faults"]) => match emulator.faults().add_json(&String::from_utf8_lossy(&call.body)) {
            Ok(ids) => json_answer(201, &json!({"ids": ids})),
            Err(error) => refused(400, "InvalidFault", &error),
        },
        (&Method::GET, ["clock"]) => json_answer(200, &clock(emulator)),
        (&Method::POST, ["clock"]) => advance(emulator, call),
        (&Method::POST, ["reset"]) => match emulator.reset() {
            Ok(()) => empty(204),
            Err(error) => refused(500, "EmulatorControl", &error),
        },
        (&Method::POST, ["save"]) => match emulator.controls().and_then(|controls| controls.save.as_ref()) {
            Some(save) => match save() {
                Ok(()) => empty(204),
                Err(error) => refused(500, "EmulatorControl", &error),
            },
            None => refusal(409, "there is no file to save to: start the program with --state FILE"),
        },
        _ => refusal(404, ROUTES),
    })
}

fn clock(emulator: &Emulator) -> Value {
    let now = emulator.now();
    json!({
        "now": rfc3339(now.wall),
        "elapsedSeconds": now.elapsed.as_secs_f64(),
        "clock": emulator.controls().map_or("its owner's", |controls| controls.clock),
    })
}

/// Moves the clock on, where the emulator has one of its own.
fn advance(emulator: &Emulator, call: &Call) -> Answer {
    let Some(controls) = emulator.controls() else {
        return refusal(409, "the clock belongs to the program that this emulator is a part of");
    };
    let seconds = call.json().ok().and_then(|body| {
        let fields = body.as_object()?;
        // A misspelt field would move nothing, and tell nobody.
        let (name, value) = fields.iter().next().filter(|_| fields.len() == 1)?;
        let seconds = value.as_f64().filter(|_| name == "advanceSeconds")?;
        Duration::try_from_secs_f64(seconds).ok()
    });
    let Some(seconds) = seconds else {
        return refusal(400, r#"the body is {"advanceSeconds": N} with a number from 0 on"#);
    };
    (controls.advance)(seconds);
    json_answer(200, &clock(emulator))
}

/// A refusal in the emulator's own name.
pub(crate) fn refusal(status: u16, message: &str) -> Answer {
    json_answer(status, &json!({"error": {"code": "EmulatorControl", "message": message}}))
}

fn refused(status: u16, code: &str, error: &Error) -> Answer {
    json_answer(
        status,
        &json!({"error": {"code": code, "message": error.message(), "field": error.field(), "advice": error.advice()}}),
    )
}
