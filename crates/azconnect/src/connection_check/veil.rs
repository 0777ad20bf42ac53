//! The last look at a report before anybody sees it: no secret is in it.

use azconnect_core::Secret;
use azconnect_credential::{Check, CheckReport};

/// The shortest secret that is looked for. What is shorter is in many a word.
const SHORTEST_SOUGHT: usize = 6;

/// What stands for a sentence that is not shown.
const MASK: &str = "(it quotes the secret, and is not shown)";

/// The report without any text that holds the secret. Services are trusted not to send a secret back that they never got; this is
/// for the day on which one does, and for what a person entered in the wrong field.
pub(super) fn veiled(report: CheckReport, secret: Option<&Secret>) -> CheckReport {
    let Some(secret) = secret.filter(|secret| secret.expose().len() >= SHORTEST_SOUGHT) else { return report };
    report.into_iter().map(|check| without(check, secret)).collect()
}

fn without(mut check: Check, secret: &Secret) -> Check {
    let holds = |text: &str| text.contains(secret.expose());
    for text in [&mut check.cause, &mut check.remedy, &mut check.subject] {
        if holds(text) {
            *text = MASK.to_owned();
        }
    }
    check.service_text = check.service_text.filter(|text| !holds(text));
    check.diagnosis = check.diagnosis.filter(|known| {
        let told =
            [Some(known.message()), Some(known.advice()), known.field(), known.service_code(), known.request_id()];
        !told.into_iter().flatten().any(holds)
    });
    check
}

#[cfg(test)]
mod tests {
    use azconnect_core::{Diagnosis, ErrorKind};

    use super::*;

    #[test]
    fn no_text_of_a_check_keeps_the_secret() {
        // One that other notations write in another way.
        let secret = Secret::new("Abc8Q~\"s3cr3t");
        let quote = "it says Abc8Q~\"s3cr3t to everybody";
        let mut check = Check::failed("a", quote, quote, quote)
            .with_diagnosis(Diagnosis::new(ErrorKind::Unexpected, "m").with_advice(quote));
        check.service_text = Some(quote.to_owned());
        let kept = Check::failed("b", "subject", "cause", "remedy");
        let veiled = veiled([check, kept.clone()].into_iter().collect(), Some(&secret));
        assert!(!format!("{veiled:?} {}", serde_json::to_string(&veiled).unwrap()).contains("s3cr3t"));
        assert_eq!(veiled.checks[1], kept);
    }
}
