//! How it stands with one application: what would be done, and what is under way.

use azconnect::core::{Error, KeyId};
use azconnect::rotation::{RotationPlan, Rotator, Target};

/// A plan, and what the journal knows beside it.
pub struct Standing {
    pub plan: RotationPlan,
    /// The new secret of the rotation under way.
    pub new_key: Option<KeyId>,
    /// Whether the rotation under way needs a person.
    pub is_blocked: bool,
}

impl Standing {
    /// Looks at a target. Reads only.
    ///
    /// # Errors
    /// If the journal cannot be read, or the issuer does not answer.
    pub async fn of(rotator: &Rotator, target: &Target, force: bool) -> Result<Self, Error> {
        let plan = if force { rotator.plan_now(target).await? } else { rotator.plan(target).await? };
        let (state, _) = rotator.state(target.subject()).await?;
        let rotation = state.rotation.as_ref();
        let new_key = rotation.and_then(|rotation| rotation.new_key()).map(|new| new.key);
        Ok(Self { plan, new_key, is_blocked: rotation.is_some_and(|rotation| rotation.blocked().is_some()) })
    }
}
