//! What shows that a connection holds a certain secret, since Azure DevOps shows to nobody which one it is.
//!
//! While the former secret lives, a sign-in through the connection succeeds with either. So it proves something of the new
//! one only together with a sign that the push was stored: the date of the connection's last change has moved with it.

use azconnect_credential::{Assessment, Candidate, CredentialVerdict};

use super::last_push::{LastPush, Memory};
use crate::document::Endpoint;
use crate::tolerant::moment;

/// What a receipt calls the connection's state after a push: the date of its last change, if the push has moved it.
pub(super) fn revision(before: &Endpoint, after: &Endpoint) -> Option<String> {
    let date = after.modification_date()?;
    (before.modification_date() != Some(date)).then(|| date.to_owned())
}

/// A rejection, if somebody changed the connection after the push: it may hold the former secret again, so the new one
/// has to be pushed once more.
pub(super) fn changed_since(endpoint: &Endpoint, candidate: &Candidate<'_>) -> Option<Assessment> {
    let (pushed, now) = (candidate.revision?, endpoint.modification_date()?);
    (pushed != now).then(|| {
        Assessment::new(CredentialVerdict::Rejected, "somebody changed the connection after the secret was pushed")
            .with_advice("the secret is pushed again; find out who changes the connection")
    })
}

/// Leaves a sign-in accepted only if the connection is known to hold the candidate.
pub(super) fn require(
    works: Assessment,
    last: &LastPush,
    endpoint: &Endpoint,
    candidate: &Candidate<'_>,
) -> Assessment {
    if !works.is_accepted() {
        return works;
    }
    match holds(last, endpoint, candidate) {
        Ok(how) => Assessment::new(CredentialVerdict::Accepted, format!("{}; {how}", works.evidence)),
        Err(why) => not_proven(&format!("{}, but {why}", works.evidence)),
    }
}

fn not_proven(evidence: &str) -> Assessment {
    Assessment::new(CredentialVerdict::Inconclusive, evidence).with_service_code("NotVerifiable").with_advice(
        "push the secret again; where the service shows no date of change, look at the connection by hand, and bind it \
         with its receipt as proof",
    )
}

/// How it is known that a connection holds the candidate, or why it is not.
fn holds(last: &LastPush, endpoint: &Endpoint, candidate: &Candidate<'_>) -> Result<&'static str, &'static str> {
    let now = endpoint.modification_date();
    if candidate.revision.is_some() && candidate.revision == now {
        return Ok("it was not changed since the push");
    }
    match (last.of(candidate.secret), candidate.minted_at, now.and_then(moment)) {
        (Memory::ThisOne { revision: Some(pushed) }, ..) if now == Some(pushed.as_str()) => {
            Ok("it was not changed since it was pushed and read back")
        }
        (Memory::ThisOne { revision: Some(_) }, ..) => Err("the connection was changed after the push"),
        (Memory::ThisOne { revision: None }, ..) => {
            Err("nothing shows that the push was stored: the date of the connection's last change did not move")
        }
        (Memory::Another, ..) => Err("another secret was pushed last"),
        (Memory::Nothing, Some(minted), Some(changed)) if changed >= minted => {
            Ok("the connection was changed after it was minted")
        }
        (Memory::Nothing, Some(_), Some(_)) => Err("the connection was not changed since it was minted"),
        (Memory::Nothing, ..) => Err("when the connection was changed is not known"),
    }
}

#[cfg(test)]
mod tests {
    use azconnect_core::Secret;
    use serde_json::json;
    use time::OffsetDateTime;

    use super::*;

    const DAY: &str = "2026-01-02T00:00:00Z";

    fn endpoint(date: Option<&str>) -> Endpoint {
        Endpoint::from_value(json!({"id": "1dfdea68-9549-409e-abee-c5da69cfec5f", "modificationDate": date})).unwrap()
    }

    fn pushed(date: Option<&str>) -> (LastPush, Secret) {
        let (last, secret) = (LastPush::new(), Secret::new("new"));
        last.remember(&secret, date.map(str::to_owned));
        (last, secret)
    }

    #[test]
    fn a_push_names_the_state_only_if_it_has_moved_it() {
        assert_eq!(revision(&endpoint(None), &endpoint(Some(DAY))).as_deref(), Some(DAY));
        assert_eq!(revision(&endpoint(Some("x")), &endpoint(Some(DAY))).as_deref(), Some(DAY));
        assert_eq!(revision(&endpoint(Some(DAY)), &endpoint(Some(DAY))), None);
        assert_eq!(revision(&endpoint(Some(DAY)), &endpoint(None)), None);
    }

    #[test]
    fn a_push_that_moved_no_date_proves_nothing() {
        let (last, secret) = pushed(None);
        let young = Candidate::new(&secret).with_minted_at(OffsetDateTime::UNIX_EPOCH);
        for date in [None, Some(DAY)] {
            assert!(holds(&last, &endpoint(date), &young).is_err(), "{date:?}");
        }
    }

    #[test]
    fn the_last_push_counts_until_the_connection_is_changed() {
        let (last, secret) = pushed(Some(DAY));
        assert!(holds(&last, &endpoint(Some(DAY)), &Candidate::new(&secret)).is_ok());
        assert!(holds(&last, &endpoint(Some("2026-01-03T00:00:00Z")), &Candidate::new(&secret)).is_err());
        assert!(holds(&last, &endpoint(None), &Candidate::new(&secret)).is_err());
        assert!(holds(&last, &endpoint(Some(DAY)), &Candidate::new(&Secret::new("other"))).is_err());
    }

    #[test]
    fn another_process_goes_by_the_revision_or_by_the_time_of_minting() {
        let (nothing, secret) = (LastPush::new(), Secret::new("new"));
        let candidate = Candidate::new(&secret);
        assert!(holds(&nothing, &endpoint(Some(DAY)), &candidate.with_revision(Some(DAY))).is_ok());
        assert!(holds(&nothing, &endpoint(None), &candidate.with_revision(Some(DAY))).is_err());
        assert!(holds(&nothing, &endpoint(Some(DAY)), &candidate).is_err());
        let minted = |text| candidate.with_minted_at(moment(text).unwrap());
        assert!(holds(&nothing, &endpoint(Some(DAY)), &minted("2026-01-01T00:00:00Z")).is_ok());
        assert!(holds(&nothing, &endpoint(Some(DAY)), &minted("2026-01-03T00:00:00Z")).is_err());
    }

    #[test]
    fn what_was_changed_after_the_push_is_pushed_again() {
        let (secret, at) = (Secret::new("new"), Some(DAY));
        let candidate = Candidate::new(&secret).with_revision(Some("before"));
        let rejected = changed_since(&endpoint(at), &candidate).map(|assessment| assessment.verdict);
        assert_eq!(rejected, Some(CredentialVerdict::Rejected));
        assert!(changed_since(&endpoint(at), &Candidate::new(&secret).with_revision(at)).is_none());
        assert!(changed_since(&endpoint(None), &candidate).is_none());
    }
}
