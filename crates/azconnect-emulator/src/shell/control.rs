//! The emulator's own routes: the ground truth, its origins and the fault script.

use http::Method;
use serde_json::json;

use super::emulator::Emulator;
use crate::base::answer::{Answer, empty, json_answer};
use crate::base::call::Call;

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
        (&Method::GET, ["faults"]) => json_answer(200, &json!({"faults": emulator.faults().to_json()})),
        (&Method::DELETE, ["faults"]) => {
            emulator.faults().clear();
            empty(204)
        }
        (&Method::POST, ["faults"]) => match emulator.faults().add_json(&String::from_utf8_lossy(&call.body)) {
            Ok(ids) => json_answer(201, &json!({"ids": ids})),
            Err(error) => json_answer(
                400,
                &json!({"error": {"code": "InvalidFault", "message": error.message(), "field": error.field(), "advice": error.advice()}}),
            ),
        },
        _ => refusal(
            404,
            "there are GET /_emulator/state, GET /_emulator/origins and GET, POST, DELETE /_emulator/faults",
        ),
    })
}

/// A refusal in the emulator's own name.
pub(crate) fn refusal(status: u16, message: &str) -> Answer {
    json_answer(status, &json!({"error": {"code": "EmulatorControl", "message": message}}))
}
