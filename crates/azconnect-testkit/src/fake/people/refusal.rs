//! What the login says to those whom it gives no token.

use azconnect_core::{Effect, Error, ErrorKind, Retry};
use azconnect_credential::entra::EntraCode;
use azconnect_identity::user::Obstacle;

/// The code of an answer that was used up already.
pub(super) const USED_UP: u32 = 54_005;

/// The code by which Entra ID tells an obstacle.
pub(super) fn number(obstacle: Obstacle) -> Result<u32, Error> {
    Ok(match obstacle {
        Obstacle::Revoked => 50_173,
        Obstacle::Expired => 700_082,
        Obstacle::LifeEnded => 700_084,
        Obstacle::NotAccepted => 70_000,
        Obstacle::Interaction => 50_076,
        Obstacle::ConsentMissing => 65_001,
        Obstacle::AdminConsentMissing => 90_094,
        Obstacle::Declined => 65_004,
        Obstacle::AccessDenied => 50_105,
        Obstacle::Disabled => 50_057,
        Obstacle::WrongAccount => 50_020,
        Obstacle::BlockedByPolicy => 53_003,
        other => {
            return Err(Error::invalid("obstacle", format!("no token is refused because of {other}"))
                .with_advice("choose another obstacle"));
        }
    })
}

/// The refusal of a sign-in.
pub(super) fn of_sign_in(number: u32) -> Error {
    let error = EntraCode::new(number).explain().with_effect(Effect::None).with_retry(Retry::No);
    match Obstacle::of(&error) {
        Some(obstacle) => error.with_advice(obstacle.advice()),
        None => error,
    }
}

/// The refusal of a token in a person's name.
pub(super) fn of_token(obstacle: Obstacle) -> Error {
    match number(obstacle) {
        Ok(number) => of_sign_in(number).with_kind(ErrorKind::Unauthenticated),
        Err(error) => error,
    }
}

/// Nobody is linked, or not any more.
pub(super) fn unlinked() -> Error {
    Error::new(ErrorKind::NotFound, "nobody is linked")
        .with_field("link")
        .with_effect(Effect::None)
        .with_retry(Retry::No)
        .with_advice("ask a person to link an account")
}

#[cfg(test)]
mod tests {
    use azconnect_identity::user::LinkState;

    use super::*;

    #[test]
    fn each_refusal_tells_its_obstacle() {
        use Obstacle::{
            AccessDenied, AdminConsentMissing, BlockedByPolicy, ConsentMissing, Declined, Disabled, Expired,
            Interaction, LifeEnded, NotAccepted, Revoked, WrongAccount,
        };
        for obstacle in [
            Revoked,
            Expired,
            LifeEnded,
            NotAccepted,
            Interaction,
            ConsentMissing,
            AdminConsentMissing,
            Declined,
            AccessDenied,
            Disabled,
            WrongAccount,
            BlockedByPolicy,
        ] {
            let wanted = match obstacle.is_solved_by_linking() {
                true => LinkState::MustLinkAgain(obstacle),
                false => LinkState::Blocked(obstacle),
            };
            assert_eq!(LinkState::of(&of_token(obstacle)), wanted);
        }
        assert_eq!(number(Obstacle::Left).unwrap_err().field(), Some("obstacle"));
        assert_eq!(LinkState::of(&unlinked()), LinkState::Unlinked);
    }
}
