//! How it stands with a link to a person.

use azconnect_core::{Diagnosis, Effect, Error, ErrorKind, Retry};

use super::obstacle::Obstacle;

/// The field of the error for a link that is none.
const LINK: &str = "link";

/// The field of the error for what a tenant refuses a guest.
pub(super) const GUEST_TENANT: &str = "guest_tenant";

/// How it stands with a link to a person, after a token was asked for in their name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LinkState {
    /// It gave a token.
    Linked,
    /// Nobody is linked, or not any more.
    Unlinked,
    /// The person must link the account again.
    MustLinkAgain(Obstacle),
    /// Somebody else must act first, mostly an administrator.
    Blocked(Obstacle),
    /// The link may be good: another tenant than that of the person was asked, by
    /// [`UserTokenSource::with_guest_tenant`](super::UserTokenSource::with_guest_tenant), and refuses them. Somebody must act there.
    RefusedByTenant(Obstacle),
    /// Nobody can say now: an outage, a throttle, or a fault of the application itself. The link may be good.
    Unknown,
}

impl LinkState {
    /// The state that an outcome of a [`UserTokenSource`](super::UserTokenSource), or of a cache over it, shows.
    pub fn after<T>(outcome: &Result<T, Error>) -> Self {
        outcome.as_ref().map_or_else(Self::of, |_| Self::Linked)
    }

    /// The state that an error shows.
    pub fn of(error: &Error) -> Self {
        Self::find(error.diagnosis(), Obstacle::of(error))
    }

    /// The state that a failure shows which was kept without its source.
    pub fn of_diagnosis(diagnosis: &Diagnosis) -> Self {
        Self::find(diagnosis, Obstacle::of_diagnosis(diagnosis))
    }

    fn find(diagnosis: &Diagnosis, obstacle: Option<Obstacle>) -> Self {
        match obstacle {
            _ if diagnosis.kind() == ErrorKind::NotFound && diagnosis.field() == Some(LINK) => Self::Unlinked,
            Some(obstacle) if diagnosis.field() == Some(GUEST_TENANT) => Self::RefusedByTenant(obstacle),
            Some(obstacle) if obstacle.is_solved_by_linking() => Self::MustLinkAgain(obstacle),
            Some(obstacle) => Self::Blocked(obstacle),
            None => Self::Unknown,
        }
    }
}

/// The error for a link that is none, or none any more.
pub(super) fn unlinked() -> Error {
    Error::new(ErrorKind::NotFound, "nobody is linked")
        .with_field(LINK)
        .with_effect(Effect::None)
        .with_retry(Retry::No)
        .with_advice("ask a person to link an account")
}

#[cfg(test)]
mod tests {
    use azconnect_credential::entra::EntraCode;

    use super::*;

    #[test]
    fn a_product_can_tell_who_has_to_act() {
        let of = |number| LinkState::of(&EntraCode::new(number).explain());
        assert_eq!(of(50_173), LinkState::MustLinkAgain(Obstacle::Revoked));
        assert_eq!(of(53_003), LinkState::Blocked(Obstacle::BlockedByPolicy));
        assert_eq!(of(7_000_222), LinkState::Unknown);
        assert_eq!(LinkState::of(&unlinked()), LinkState::Unlinked);
        assert_eq!(LinkState::of_diagnosis(unlinked().diagnosis()), LinkState::Unlinked);
        assert_eq!(LinkState::after(&Ok(())), LinkState::Linked);
        assert_eq!(LinkState::of(&Error::new(ErrorKind::NotFound, "no such resource")), LinkState::Unknown);
    }
}
