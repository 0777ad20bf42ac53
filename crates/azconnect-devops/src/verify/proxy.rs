//! What the service's test answered.

use serde_json::Value;

/// The result of a request through a connection. Failures come in here, with HTTP status 200.
pub(super) struct ProxyResult {
    /// The status of the far side, where it could be read.
    pub(super) status: Option<u16>,
    /// The far side's words. They may repeat what was sent, so they are searched for codes and never shown.
    pub(super) message: String,
}

impl ProxyResult {
    pub(super) fn read(body: &Value) -> Self {
        let message = match body.get("errorMessage") {
            Some(Value::String(text)) => text.clone(),
            _ => String::new(),
        };
        Self { status: body.get("statusCode").and_then(status), message }
    }
}

/// A status as number, as digits, or by its name in .NET: `ok`, `unauthorized`, `badRequest`.
fn status(value: &Value) -> Option<u16> {
    match value {
        Value::Number(number) => number.as_u64().and_then(|number| number.try_into().ok()),
        Value::String(text) => text.parse().ok().or_else(|| by_name(text)),
        _ => None,
    }
}

fn by_name(name: &str) -> Option<u16> {
    Some(match name.to_ascii_lowercase().as_str() {
        "ok" => 200,
        "created" => 201,
        "accepted" => 202,
        "nocontent" => 204,
        "badrequest" => 400,
        "unauthorized" => 401,
        "forbidden" => 403,
        "notfound" => 404,
        "requesttimeout" => 408,
        "conflict" => 409,
        "toomanyrequests" => 429,
        "internalservererror" => 500,
        "badgateway" => 502,
        "serviceunavailable" => 503,
        "gatewaytimeout" => 504,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_status_is_read_in_every_form() {
        for value in [json!("ok"), json!("OK"), json!(200), json!("200")] {
            assert_eq!(status(&value), Some(200), "{value}");
        }
        assert_eq!(status(&json!("internalServerError")), Some(500));
        assert_eq!(status(&json!("brandNew")), None);
        assert_eq!(status(&json!(99999)), None);
    }
}
