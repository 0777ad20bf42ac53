//! Why a service refuses. Each service writes a refusal in its own words, at its edge.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// How the body of an error is written. Azure Resource Manager and its proxies use all of these shapes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ErrorShape {
    /// `{"error": {"code", "message", …}}`, the documented shape.
    #[default]
    Wrapped,
    /// `{"code", "message", …}`, without the wrapper.
    Bare,
    /// `{"Error": {"Code", "Message", …}}`, with capitalised names at every depth.
    Capitalised,
    /// The error as a JSON text inside `details[0].message` of a general `DeploymentFailed`.
    NestedJson,
    /// `{"status": "Failed", "error": {…}}`, the shape of an operation's body.
    StatusFailed,
    /// A status without a body.
    Empty,
    /// An HTML page, as a proxy answers.
    Html,
}

impl ErrorShape {
    /// The shape that a fault script names.
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

/// Why a service refuses a request: the status, and what its error says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    /// What Microsoft Entra ID counts its errors by; zero elsewhere.
    pub(crate) number: u32,
    pub(crate) message: String,
    pub(crate) target: Option<String>,
    pub(crate) details: Vec<Refusal>,
    pub(crate) additional: Vec<(String, Value)>,
    pub(crate) shape: ErrorShape,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) treatment: Treatment,
}

/// How a service answers with a refusal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) enum Treatment {
    /// An error in the words of the service.
    #[default]
    Error,
    /// Nobody emulates the request: it is answered 501, and counted.
    NotEmulated,
    /// The service does not accept the caller. The settings say in which form it answers; it names the tenant to sign in
    /// to.
    SignIn(Option<Uuid>),
}

/// A value, or why the service refuses to give it.
pub(crate) type OrRefusal<T> = Result<T, Box<Refusal>>;

impl Refusal {
    pub(crate) fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            status,
            code: code.into(),
            number: 0,
            message: message.into(),
            target: None,
            details: Vec::new(),
            additional: Vec::new(),
            shape: ErrorShape::default(),
            headers: Vec::new(),
            treatment: Treatment::default(),
        })
    }

    /// The refusal of a request that no route matches.
    pub(crate) fn not_emulated() -> Box<Self> {
        let mut refusal = Self::new(501, "EmulatorUnknownRoute", "");
        refusal.treatment = Treatment::NotEmulated;
        refusal
    }

    /// The refusal of a caller who has to sign in, to a tenant if it is known.
    pub(crate) fn sign_in(tenant: Option<Uuid>) -> Box<Self> {
        let mut refusal = Self::new(401, "Unauthorized", "");
        refusal.treatment = Treatment::SignIn(tenant);
        refusal
    }

    pub(crate) fn is_not_emulated(&self) -> bool {
        self.treatment == Treatment::NotEmulated
    }

    /// The 400 `InvalidParameter`, whose target is the name of the parameter.
    pub(crate) fn parameter(target: &str, message: impl Into<String>) -> Box<Self> {
        Self::new(400, "InvalidParameter", message).at(target)
    }

    /// The 400 `InvalidRequestContent` of a body that cannot be read.
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
}
