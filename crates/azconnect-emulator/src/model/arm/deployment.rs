//! Deployments of templates as they are kept while they are carried out.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::base::call::Call;
use crate::base::refusal::Refusal;
use crate::model::token::Caller;

/// A deployment in the course of being carried out.
pub(crate) struct Deployment {
    pub(crate) caller: Caller,
    pub(crate) subscription: Uuid,
    /// The call that began it: each step is asked for at the same origin.
    pub(crate) call: Call,
    pub(crate) template: Template,
    pub(crate) steps: Vec<Step>,
}

/// A template with what its expressions speak of.
#[derive(Clone)]
pub(crate) struct Template {
    pub(crate) subscription: String,
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) parameters: Map<String, Value>,
    pub(crate) variables: Map<String, Value>,
    pub(crate) outputs: Map<String, Value>,
}

/// One resource of a template, and how far it has come.
#[derive(Clone)]
pub(crate) struct Step {
    pub(crate) id: String,
    pub(crate) api_version: String,
    /// The resource as the template writes it, its expressions not yet replaced by values.
    pub(crate) body: Value,
    pub(crate) depends: Vec<String>,
    pub(crate) progress: StepProgress,
}

#[derive(Clone)]
pub(crate) enum StepProgress {
    Waiting,
    Running(Uuid),
    Done,
    Failed(Box<Refusal>),
}
