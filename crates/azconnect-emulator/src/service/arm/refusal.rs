//! Refusals in every shape in which Azure Resource Manager writes them.

use serde_json::{Map, Value, json};

use crate::base::answer::{Answer, WithHeader, empty, json_answer, typed};
use crate::base::refusal::{ErrorShape, Refusal};

/// The error object, with code, message and whatever else the refusal has.
pub(crate) fn error(refusal: &Refusal) -> Value {
    let mut object = Map::new();
    object.insert("code".to_owned(), json!(refusal.code));
    object.insert("message".to_owned(), json!(refusal.message));
    if let Some(target) = &refusal.target {
        object.insert("target".to_owned(), json!(target));
    }
    if !refusal.details.is_empty() {
        object.insert("details".to_owned(), refusal.details.iter().map(error).collect());
    }
    if !refusal.additional.is_empty() {
        let info = refusal.additional.iter().map(|(kind, info)| json!({"type": kind, "info": info}));
        object.insert("additionalInfo".to_owned(), info.collect());
    }
    Value::Object(object)
}

/// The body of an answer, in its shape; nothing where the shape has none in JSON.
fn body(refusal: &Refusal) -> Option<Value> {
    Some(match refusal.shape {
        ErrorShape::Wrapped => json!({"error": error(refusal)}),
        ErrorShape::Bare => error(refusal),
        ErrorShape::Capitalised => json!({"Error": capitalised(&error(refusal))}),
        ErrorShape::NestedJson => json!({"error": nested(refusal)}),
        ErrorShape::StatusFailed => json!({"status": "Failed", "error": error(refusal)}),
        ErrorShape::Empty | ErrorShape::Html => return None,
    })
}

/// The error inside an operation's body that ended without success.
pub(crate) fn in_operation(refusal: &Refusal) -> Option<Value> {
    match refusal.shape {
        ErrorShape::Empty | ErrorShape::Html => None,
        ErrorShape::NestedJson => Some(nested(refusal)),
        ErrorShape::Capitalised => Some(capitalised(&error(refusal))),
        _ => Some(error(refusal)),
    }
}

fn nested(refusal: &Refusal) -> Value {
    let word = if refusal.status == 409 { "Conflict" } else { "BadRequest" };
    json!({
        "code": "DeploymentFailed",
        "message": "At least one resource deployment operation failed. Please list deployment operations for details. Please see https://aka.ms/arm-deployment-operations for usage details.",
        "details": [{
            "code": word,
            "message": format!("{:#}", json!({"error": error(refusal)})).replace('\n', "\r\n"),
        }],
    })
}

/// The answer to a refused request: status, headers and body.
pub(crate) fn answer(refusal: &Refusal) -> Answer {
    let answer = match (body(refusal), refusal.shape) {
        (Some(body), _) => json_answer(refusal.status, &body).with_header("x-ms-failure-cause", "service"),
        (None, ErrorShape::Html) => typed(
            refusal.status,
            "text/html",
            format!(
                "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center><hr>proxy</body></html>",
                refusal.status
            ),
        ),
        (None, _) => empty(refusal.status),
    };
    refusal.headers.iter().fold(answer, |answer, (name, value)| answer.with_header(name, value))
}

/// The same object with capitalised names, at every depth but inside texts.
fn capitalised(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| {
                let mut letters = name.chars();
                let first = letters.next().map(|c| c.to_ascii_uppercase());
                (first.into_iter().chain(letters).collect::<String>(), capitalised(value))
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(capitalised).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::arm::failure::Failure;

    fn body(shape: ErrorShape) -> Value {
        let failure = Failure::new("AllocationFailed").with_target("vm").with_shape(shape);
        serde_json::from_slice(answer(&failure.refusal).body()).unwrap_or(Value::Null)
    }

    #[test]
    fn every_shape_carries_the_code_where_it_has_a_body() {
        assert_eq!(body(ErrorShape::Wrapped)["error"]["code"], "AllocationFailed");
        assert_eq!(body(ErrorShape::Bare)["code"], "AllocationFailed");
        assert_eq!(body(ErrorShape::Capitalised)["Error"]["Code"], "AllocationFailed");
        assert_eq!(body(ErrorShape::Capitalised)["Error"]["Target"], "vm");
        assert_eq!(body(ErrorShape::StatusFailed)["status"], "Failed");
        assert_eq!(body(ErrorShape::Empty), Value::Null);
        let nested = body(ErrorShape::NestedJson);
        let text = nested["error"]["details"][0]["message"].as_str().unwrap();
        let inner: Value = serde_json::from_str(text).unwrap();
        assert_eq!(inner["error"]["code"], "AllocationFailed");
    }

    #[test]
    fn a_page_of_a_proxy_is_html() {
        let failure = Failure::new("GatewayTimeout").with_shape(ErrorShape::Html);
        let answer = answer(&failure.refusal);
        assert_eq!(answer.status(), 504);
        assert_eq!(answer.headers()["content-type"], "text/html");
    }
}
