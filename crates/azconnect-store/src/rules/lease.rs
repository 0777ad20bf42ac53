//! Who may hold a key of a lease, and until when.

use std::time::Duration;

use azconnect_core::{Effect, Epoch, Error, ErrorKind, Grant, LeaseKey, Retry};
use time::OffsetDateTime;

/// What a lease knows of a key: the last epoch, and who holds it unless it was released.
#[derive(Clone, Debug, Default)]
pub(crate) struct LeaseState {
    pub(crate) epoch: Epoch,
    pub(crate) holding: Option<Holding>,
}

/// Who has a key, and until when.
#[derive(Clone, Debug)]
pub(crate) struct Holding {
    pub(crate) holder: String,
    pub(crate) expires_at: OffsetDateTime,
}

impl LeaseState {
    /// What is known once a grant was given.
    pub(crate) fn taken(grant: &Grant) -> Self {
        let holding = Holding { holder: grant.holder.clone(), expires_at: grant.expires_at };
        Self { epoch: grant.epoch, holding: Some(holding) }
    }

    /// The grant a holder gets, or why it gets none.
    pub(crate) fn acquire(&self, request: &LeaseRequest<'_>) -> Result<Grant, Error> {
        let expires_at = request.end()?;
        if let Some(holding) = &self.holding
            && holding.holder != request.holder
            && holding.expires_at > request.now
        {
            let rest = Duration::try_from(holding.expires_at - request.now).unwrap_or_default();
            return Err(conflict(format!(
                "{} is held by {} until {}",
                request.key, holding.holder, holding.expires_at
            ))
            .with_retry(Retry::After(rest))
            .with_advice("wait until the other process is done or its term has passed"));
        }
        let epoch = self.epoch.0.checked_add(1).map(Epoch).ok_or_else(|| conflict("the epochs are used up".into()))?;
        Ok(Grant::new(request.key.clone(), epoch, request.holder, expires_at))
    }

    /// The extended grant, or why it is not extended.
    pub(crate) fn renew(&self, grant: &Grant, request: &LeaseRequest<'_>) -> Result<Grant, Error> {
        let expires_at = request.end()?;
        if !self.is_of(grant) {
            return Err(conflict(format!(
                "{} is no longer held by {} in epoch {}",
                grant.key, grant.holder, grant.epoch.0
            ))
            .with_advice("stop writing, acquire the lease again and read what happened meanwhile"));
        }
        Ok(Grant::new(grant.key.clone(), grant.epoch, grant.holder.as_str(), expires_at))
    }

    /// Whether a grant is the current one and was not released.
    pub(crate) fn is_of(&self, grant: &Grant) -> bool {
        self.epoch == grant.epoch && self.holding.as_ref().is_some_and(|holding| holding.holder == grant.holder)
    }
}

/// A request to hold a key, and when it was made.
pub(crate) struct LeaseRequest<'a> {
    pub(crate) key: &'a LeaseKey,
    pub(crate) holder: &'a str,
    pub(crate) term: Duration,
    pub(crate) now: OffsetDateTime,
}

impl LeaseRequest<'_> {
    /// When the term would end.
    fn end(&self) -> Result<OffsetDateTime, Error> {
        if self.term.is_zero() {
            return Err(Error::invalid("term", "must be longer than nothing").with_advice("give a term such as 60 s"));
        }
        let end = time::Duration::try_from(self.term).ok().and_then(|term| self.now.checked_add(term));
        end.ok_or_else(|| Error::invalid("term", "ends beyond the calendar").with_advice("give a term such as 60 s"))
    }
}

fn conflict(message: String) -> Error {
    Error::new(ErrorKind::Conflict, message).with_effect(Effect::None)
}
