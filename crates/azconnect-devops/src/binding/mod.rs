//! Binding a service connection step by step: what a page sends, and what it is shown.

mod choice;
mod draft;
mod step;
mod steps;

pub use self::choice::{BindingChoice, BindingPicker};
pub use self::draft::BindingDraft;
pub use self::step::BindingStep;
pub use self::steps::BindingSteps;
