//! The one judgement on a refused sign-in.

use std::time::Duration;

use azconnect_core::{Diagnosis, Error, Retry};
use time::OffsetDateTime;

use super::code::EntraCode;
use super::meaning::Meaning;
use crate::assessment::{Assessment, CredentialVerdict};

/// How long after it was made a credential may be refused only because not every replica of the directory knows it,
/// unless the caller sets another time. No bound is published: reports speak of seconds, and one tool allows two minutes.
pub const PROPAGATION: Duration = Duration::from_secs(600);

/// Judges a credential that was refused with a code.
pub fn judge(code: EntraCode, age: Option<Duration>, propagation: Duration) -> Assessment {
    weigh(code.meaning(), &code.explain(), age, propagation)
}

/// Judges a credential whose sign-in failed with an error. A failure of the network or of the service proves nothing
/// about it.
pub fn assess(error: &Error, age: Option<Duration>, propagation: Duration) -> Assessment {
    weigh(Meaning::of(error), error, age, propagation)
}

/// Whether a check ended with a sign-in that Microsoft Entra ID refused for a known reason that does not pass by itself,
/// such as a disabled application or a wrong tenant.
///
/// That says nothing about the secret, so the verdict may be inconclusive; yet whoever holds the secret cannot sign in with
/// it, and nobody may take such an answer for *it could not be asked*.
pub fn is_refusal(assessment: &Assessment) -> bool {
    let known = |diagnosis: &Diagnosis| {
        let code = diagnosis.service_code().and_then(|code| code.parse::<EntraCode>().ok());
        code.is_some_and(EntraCode::is_known) && diagnosis.retry() == Retry::No
    };
    !assessment.is_accepted() && assessment.diagnosis.as_ref().is_some_and(known)
}

/// The age of a credential, where it is known when it was made. One that was made in the future, by another machine's
/// clock, has age zero.
pub fn age(made_at: Option<OffsetDateTime>, now: OffsetDateTime) -> Option<Duration> {
    made_at.map(|made_at| Duration::try_from(now - made_at).unwrap_or_default())
}

fn weigh(meaning: Meaning, error: &Error, age: Option<Duration>, propagation: Duration) -> Assessment {
    let verdict = meaning.verdict(age, propagation);
    let assessment = Assessment::new(verdict, error.message()).with_diagnosis(error.diagnosis().clone());
    if verdict != CredentialVerdict::Pending {
        return assessment;
    }
    let wait = "wait: what is new is not known to every replica of the directory at once";
    assessment.with_advice(format!("{wait}; if it goes on, {}", error.advice()))
}

#[cfg(test)]
mod tests {
    use azconnect_core::ErrorKind;
    use time::macros::datetime;

    use super::*;
    use crate::entra::catalogue::ENTRA;

    /// The verdicts while young, when old, and when the age is unknown.
    type Verdicts = [CredentialVerdict; 3];

    const NEW_OR_WRONG: Verdicts =
        [CredentialVerdict::Pending, CredentialVerdict::Rejected, CredentialVerdict::Rejected];
    const WRONG: Verdicts = [CredentialVerdict::Rejected; 3];
    const NEW_OR_ELSEWHERE: Verdicts =
        [CredentialVerdict::Pending, CredentialVerdict::Inconclusive, CredentialVerdict::Inconclusive];
    const ELSEWHERE: Verdicts = [CredentialVerdict::Inconclusive; 3];

    const YOUNG: Duration = Duration::from_secs(599);
    const OLD: Duration = Duration::from_secs(600);

    /// Code by code: the verdicts, and a word that the advice must hold.
    const EXPECTED: &[(u32, Verdicts, &str)] = &[
        (7_000_215, NEW_OR_WRONG, "Secret ID"),
        (50_012, NEW_OR_WRONG, "Secret ID"),
        (7_000_222, WRONG, "new secret"),
        (700_016, NEW_OR_ELSEWHERE, "tenant id"),
        (700_011, NEW_OR_ELSEWHERE, "tenant id"),
        (7_000_229, NEW_OR_ELSEWHERE, "service principal"),
        (7_000_112, ELSEWHERE, "delete nothing"),
        (70_001, ELSEWHERE, "delete nothing"),
        (90_002, ELSEWHERE, "cloud"),
        (900_023, ELSEWHERE, "cloud"),
        (900_432, ELSEWHERE, "cloud"),
        (700_027, NEW_OR_WRONG, "certificate"),
        (700_024, ELSEWHERE, "clock"),
        (70_021, NEW_OR_WRONG, "subject"),
        (700_213, NEW_OR_WRONG, "subject"),
        (53_003, ELSEWHERE, "delete nothing"),
        (530_032, ELSEWHERE, "delete nothing"),
        (65_001, ELSEWHERE, "consent"),
        (7_000_214, WRONG, "certificate"),
        (1_000_502, WRONG, "certificate"),
        (53_000, ELSEWHERE, "delete nothing"),
        (53_001, ELSEWHERE, "delete nothing"),
        (53_002, ELSEWHERE, "delete nothing"),
        (530_035, ELSEWHERE, "delete nothing"),
        (90_094, ELSEWHERE, "consent"),
        (90_095, ELSEWHERE, "consent"),
        (65_004, ELSEWHERE, "accept"),
        (650_052, ELSEWHERE, "registration"),
        (650_057, ELSEWHERE, "registration"),
        (65_005, ELSEWHERE, "registration"),
        (500_011, ELSEWHERE, "scope"),
        (500_014, ELSEWHERE, "scope"),
        (50_001, ELSEWHERE, "scope"),
        (501_051, ELSEWHERE, "assign"),
        (50_105, ELSEWHERE, "assign"),
        (70_011, ELSEWHERE, "/.default"),
        (1_002_012, ELSEWHERE, "/.default"),
        (50_034, ELSEWHERE, "flow"),
        (50_020, ELSEWHERE, "tenant"),
        (700_025, ELSEWHERE, "Authentication page"),
        (7_000_216, ELSEWHERE, "Authentication page"),
        (7_000_218, ELSEWHERE, "Authentication page"),
        (50_196, ELSEWHERE, "less often"),
        (54_005, ELSEWHERE, "link"),
        (70_008, ELSEWHERE, "link"),
        (700_082, ELSEWHERE, "link"),
        (50_173, ELSEWHERE, "link"),
        (70_000, ELSEWHERE, "link"),
        (70_043, ELSEWHERE, "link"),
        (700_084, ELSEWHERE, "link"),
        (50_089, ELSEWHERE, "link"),
        (50_057, ELSEWHERE, "enable"),
        (50_072, ELSEWHERE, "second factor"),
        (50_074, ELSEWHERE, "second factor"),
        (50_076, ELSEWHERE, "second factor"),
        (50_078, ELSEWHERE, "second factor"),
        (50_079, ELSEWHERE, "second factor"),
        (500_202, ELSEWHERE, "authority"),
        (500_212, ELSEWHERE, "cross-tenant"),
        (500_213, ELSEWHERE, "cross-tenant"),
        (50_058, ELSEWHERE, "prompt"),
        (16_000, ELSEWHERE, "prompt"),
        (50_055, ELSEWHERE, "link"),
        (50_194, ELSEWHERE, "authority"),
        (50_011, ELSEWHERE, "Authentication page"),
        (500_113, ELSEWHERE, "Authentication page"),
        (501_481, ELSEWHERE, "link"),
        (50_148, ELSEWHERE, "link"),
        (500_112, ELSEWHERE, "link"),
        (9_002_313, ELSEWHERE, "link"),
        (50_013, ELSEWHERE, "new token"),
        (500_131, ELSEWHERE, "new token"),
        (500_133, ELSEWHERE, "new token"),
        (90_006, ELSEWHERE, "later"),
        (90_024, ELSEWHERE, "later"),
        (90_033, ELSEWHERE, "later"),
        (90_055, ELSEWHERE, "later"),
        (28_000, ELSEWHERE, "one resource"),
        (700_030, NEW_OR_WRONG, "subject"),
        (700_054, ELSEWHERE, "Authentication page"),
        (901_001, ELSEWHERE, "consent"),
        (5_002_738, WRONG, "RSA"),
        (900_021, ELSEWHERE, "cloud"),
    ];

    fn verdicts(judge: impl Fn(Option<Duration>) -> Assessment) -> Verdicts {
        [Some(YOUNG), Some(OLD), None].map(|age| judge(age).verdict)
    }

    #[test]
    fn every_code_has_the_verdicts_and_the_advice_of_the_documents() {
        for (number, expected, advice) in EXPECTED {
            let code = EntraCode::new(*number);
            assert_eq!(verdicts(|age| judge(code, age, PROPAGATION)), *expected, "{number}");
            for age in [Some(YOUNG), None] {
                let assessment = judge(code, age, PROPAGATION);
                assert_eq!(assessment.service_code(), Some(format!("AADSTS{number}").as_str()));
                assert!(assessment.advice().unwrap().contains(advice), "{number}: {:?}", assessment.advice());
            }
        }
    }

    #[test]
    fn every_code_of_the_table_is_judged_above() {
        for (number, _) in ENTRA.iter() {
            assert!(EXPECTED.iter().any(|(expected, ..)| expected == number), "{number} has no expectation");
        }
    }

    #[test]
    fn an_error_is_judged_as_its_code_is() {
        for (number, expected, _) in EXPECTED {
            let error = EntraCode::new(*number).explain();
            assert_eq!(verdicts(|age| assess(&error, age, PROPAGATION)), *expected, "{number}");
        }
    }

    #[test]
    fn a_code_that_no_document_names_proves_nothing() {
        assert_eq!(verdicts(|age| judge(EntraCode::new(999_999), age, PROPAGATION)), ELSEWHERE);
        assert!(judge(EntraCode::new(999_999), None, PROPAGATION).advice().is_some());
    }

    #[test]
    fn a_code_that_came_with_a_failure_of_the_service_proves_nothing() {
        let error = Error::new(ErrorKind::Unavailable, "not working").with_service_code("AADSTS7000215");
        assert_eq!(verdicts(|age| assess(&error, age, PROPAGATION)), ELSEWHERE);
    }

    #[test]
    fn the_oauth_word_alone_says_that_the_credential_does_not_match() {
        let error = Error::new(ErrorKind::Unauthenticated, "refused").with_service_code("invalid_client");
        assert_eq!(verdicts(|age| assess(&error, age, PROPAGATION)), NEW_OR_WRONG);
        let other = Error::new(ErrorKind::Unauthenticated, "refused").with_service_code("invalid_grant");
        assert_eq!(verdicts(|age| assess(&other, age, PROPAGATION)), ELSEWHERE);
    }

    #[test]
    fn what_entra_id_refuses_for_good_is_a_refusal_whatever_the_verdict() {
        let judged = |number| judge(EntraCode::new(number), None, PROPAGATION);
        for refused in [700_016, 7_000_112, 90_002, 53_003, 7_000_222] {
            assert!(is_refusal(&judged(refused)), "{refused}");
        }
        for passing in [90_033, 50_196, 999_999] {
            assert!(!is_refusal(&judged(passing)), "{passing}");
        }
        let unanswered = Error::new(ErrorKind::Unavailable, "no answer");
        assert!(!is_refusal(&Assessment::inconclusive(&unanswered)));
        assert!(!is_refusal(&Assessment::new(CredentialVerdict::Accepted, "it works")));
    }

    #[test]
    fn the_propagation_time_is_the_caller_s() {
        let code = EntraCode::new(7_000_215);
        let minute = Duration::from_secs(60);
        assert_eq!(judge(code, Some(minute), minute).verdict, CredentialVerdict::Rejected);
        assert_eq!(judge(code, Some(minute), minute * 2).verdict, CredentialVerdict::Pending);
    }

    #[test]
    fn what_a_faster_clock_made_is_new() {
        let now = datetime!(2026-11-21 10:00 UTC);
        assert_eq!(age(Some(now + time::Duration::minutes(3)), now), Some(Duration::ZERO));
        assert_eq!(age(Some(now - time::Duration::minutes(3)), now), Some(Duration::from_secs(180)));
        assert_eq!(age(None, now), None);
    }
}
