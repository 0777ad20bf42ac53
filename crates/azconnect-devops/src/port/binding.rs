//! The port that binds a service connection step by step.

use async_trait::async_trait;
use azconnect_core::Error;
use azconnect_credential::ApplicationBindings;

use crate::binding::{BindingDraft, BindingSteps};

/// Leads a person to a binding: organization, project, connection, each offered once the choice before it is made.
///
/// A page sends the whole [`BindingDraft`] each time, and nothing of it is kept until it is saved.
///
/// What every implementation does, and the suite `azconnect_testkit::conformance::binding_flow` checks:
/// - a step is taken once the one before it passed and something was chosen there; until then it is
///   [`Skipped`](azconnect_credential::CheckStatus::Skipped), and what is chosen below it counts for nothing;
/// - a choice that is not offered blocks with a remedy, and the others stay on offer;
/// - what a service did not answer is [`Unknown`](azconnect_credential::CheckStatus::Unknown), and no refusal;
/// - a connection is offered, with how it is bound already, to somebody who may administer it. One that cannot receive the
///   secret is shown with the reason;
/// - looking changes nothing;
/// - what is saved is what was shown: a connection that was renamed, removed or bound otherwise since is a
///   [`Conflict`](azconnect_core::ErrorKind::Conflict) with the field `connection`, and nothing changes;
/// - whoever saves twice has saved.
#[async_trait]
pub trait BindingFlow: Send + Sync {
    /// Takes the steps as far as choices were made, and says of each how it stands. Idempotent, without effect; no secret is
    /// sent or shown.
    ///
    /// # Errors
    /// If the record of the application's bindings cannot be read. What else stands in the way is in the steps.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing changes.
    async fn steps(&self, draft: &BindingDraft) -> Result<BindingSteps, Error>;

    /// Saves what was chosen, after all steps were taken once more, over the binding that was shown and no other. Idempotent;
    /// no secret is sent.
    ///
    /// # Errors
    /// The first check that stands in the way, with effect [`None`](azconnect_core::Effect::None);
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `connection` if nothing is chosen; else if the
    /// store fails.
    ///
    /// # Cancel safety
    /// Not cancel safe: either binding may count.
    async fn bind_chosen(&self, draft: &BindingDraft) -> Result<ApplicationBindings, Error>;
}
