//! Why the service refuses, and every shape in which it says so.

use serde_json::{Map, Value, json};

use super::answer::{Answer, WithHeader, empty, json_answer, typed};

/// How an error is written. All of them are seen in reality.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorShape {
    /// `{"error": {"code", "message", …}}`.
    #[default]
    Wrapped,
    /// The same without the wrapper.
    Bare,
    /// `{"Error": {"Code", "Message", …}}`.
    Capitalised,
    /// The error as a JSON text inside `details[0].message` of a general `DeploymentFailed`.
    NestedJson,
    /// `{"status": "Failed", "error": {…}}`.
    StatusFailed,
    /// No body.
    Empty,
    /// A page of a proxy.
    Html,
}

impl ErrorShape {
    /// The shape of a name in a script.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "wrapped" => Self::Wrapped,
            "bare" => Self::Bare,
            "capitalised" => Self::Capitalised,
            "nested_json" => Self::NestedJson,
            "status_failed" => Self::StatusFailed,
            "empty" => Self::Empty,
            "html" => Self::Html,
            _ => return None,
        })
    }
}

/// A refusal of the service.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) target: Option<String>,
    pub(crate) details: Vec<Refusal>,
    pub(crate) additional: Vec<(String, Value)>,
    pub(crate) shape: ErrorShape,
    pub(crate) headers: Vec<(String, String)>,
}

/// What a route gives: an answer or a refusal.
pub(crate) type Granted<T> = Result<T, Box<Refusal>>;

impl Refusal {
    pub(crate) fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            status,
            code: code.into(),
            message: message.into(),
            target: None,
            details: Vec::new(),
            additional: Vec::new(),
            shape: ErrorShape::default(),
            headers: Vec::new(),
        })
    }

    /// 400 `InvalidParameter` with its target.
    pub(crate) fn parameter(target: &str, message: impl Into<String>) -> Box<Self> {
        Self::new(400, "InvalidParameter", message).at(target)
    }

    /// A body that lacks what every such body has.
    pub(crate) fn content(message: impl Into<String>) -> Box<Self> {
        Self::new(400, "InvalidRequestContent", message)
    }

    pub(crate) fn at(mut self: Box<Self>, target: &str) -> Box<Self> {
        self.target = Some(target.to_owned());
        self
    }

    #[expect(clippy::boxed_local, reason = "every refusal comes in a box")]
    pub(crate) fn detail(mut self: Box<Self>, detail: Box<Self>) -> Box<Self> {
        self.details.push(*detail);
        self
    }

    pub(crate) fn header(mut self: Box<Self>, name: &str, value: &str) -> Box<Self> {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The error object itself.
    pub(crate) fn error(&self) -> Value {
        let mut error = Map::new();
        error.insert("code".to_owned(), json!(self.code));
        error.insert("message".to_owned(), json!(self.message));
        if let Some(target) = &self.target {
            error.insert("target".to_owned(), json!(target));
        }
        if !self.details.is_empty() {
            error.insert("details".to_owned(), self.details.iter().map(Self::error).collect());
        }
        if !self.additional.is_empty() {
            let info = self.additional.iter().map(|(kind, info)| json!({"type": kind, "info": info}));
            error.insert("additionalInfo".to_owned(), info.collect());
        }
        Value::Object(error)
    }

    /// The body of an answer, in its shape; nothing where the shape has none in JSON.
    fn body(&self) -> Option<Value> {
        Some(match self.shape {
            ErrorShape::Wrapped => json!({"error": self.error()}),
            ErrorShape::Bare => self.error(),
            ErrorShape::Capitalised => json!({"Error": capitalised(&self.error())}),
            ErrorShape::NestedJson => json!({"error": self.nested()}),
            ErrorShape::StatusFailed => json!({"status": "Failed", "error": self.error()}),
            ErrorShape::Empty | ErrorShape::Html => return None,
        })
    }

    /// The error inside an operation's body that ended without success.
    pub(crate) fn in_operation(&self) -> Option<Value> {
        match self.shape {
            ErrorShape::Empty | ErrorShape::Html => None,
            ErrorShape::NestedJson => Some(self.nested()),
            ErrorShape::Capitalised => Some(capitalised(&self.error())),
            _ => Some(self.error()),
        }
    }

    fn nested(&self) -> Value {
        let word = if self.status == 409 { "Conflict" } else { "BadRequest" };
        json!({
            "code": "DeploymentFailed",
            "message": "At least one resource deployment operation failed. Please list deployment operations for details. Please see https://aka.ms/arm-deployment-operations for usage details.",
            "details": [{
                "code": word,
                "message": format!("{:#}", json!({"error": self.error()})).replace('\n', "\r\n"),
            }],
        })
    }

    /// The whole answer.
    pub(crate) fn answer(&self) -> Answer {
        let answer = match (self.body(), self.shape) {
            (Some(body), _) => json_answer(self.status, &body).with_header("x-ms-failure-cause", "service"),
            (None, ErrorShape::Html) => typed(
                self.status,
                "text/html",
                format!(
                    "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center><hr>proxy</body></html>",
                    self.status
                ),
            ),
            (None, _) => empty(self.status),
        };
        self.headers.iter().fold(answer, |answer, (name, value)| answer.with_header(name, value))
    }
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
