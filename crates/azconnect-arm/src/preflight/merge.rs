//! One report of several: what is true of machines that are alike is said once, and of others by their names.

use azconnect_credential::{Check, CheckReport, CheckStatus};

/// A report, and the names of the machines that it is about.
pub(super) type Named<'a> = (&'a [String], CheckReport);

/// Every check that one of the reports has, in their order, with the worst result.
pub(super) fn merge(reports: &[Named<'_>]) -> Vec<Check> {
    let mut codes: Vec<&str> = Vec::new();
    for (_, report) in reports {
        let mut at = 0;
        for check in report.iter() {
            match codes.iter().position(|code| *code == check.code) {
                Some(known) => at = known + 1,
                None => {
                    codes.insert(at.min(codes.len()), &check.code);
                    at += 1;
                }
            }
        }
    }
    codes.iter().filter_map(|code| worst(reports, code)).collect()
}

fn worst(reports: &[Named<'_>], code: &str) -> Option<Check> {
    let found = || reports.iter().filter_map(|(names, report)| Some((*names, report.of(code)?)));
    let status = found().map(|(_, check)| check.status).max_by_key(|status| rank(*status))?;
    let alike: Vec<(&[String], &Check)> = found().filter(|(_, check)| check.status == status).collect();
    let (_, first) = alike.first()?;
    let said_of_all = alike.len() == found().count() && alike.iter().all(|(_, check)| check.cause == first.cause);
    if said_of_all || status == CheckStatus::Passed {
        return Some((*first).clone());
    }
    let causes: Vec<String> = alike.iter().map(|(names, check)| format!("{}: {}", told(names), check.cause)).collect();
    let mut remedies: Vec<&str> = Vec::new();
    for (_, check) in alike.iter().filter(|(_, check)| !check.remedy.is_empty()) {
        if !remedies.contains(&check.remedy.as_str()) {
            remedies.push(&check.remedy);
        }
    }
    Some((*first).clone().with_cause(causes.join("; ")).with_remedy(remedies.join("; ")))
}

/// What stands in the way comes before what is open, and that before what is well.
fn rank(status: CheckStatus) -> u8 {
    match status {
        CheckStatus::Failed => 3,
        CheckStatus::Unknown => 2,
        CheckStatus::Skipped => 1,
        _ => 0,
    }
}

/// Some machines in a few words.
fn told(names: &[String]) -> String {
    match names {
        [first, second, rest @ ..] if !rest.is_empty() => format!("{first}, {second} and {} more", rest.len()),
        few => few.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::PreflightCheck;
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (1..=count).map(|number| format!("web-{number}")).collect()
    }

    #[test]
    fn what_is_wrong_with_some_is_said_with_their_names_and_in_its_place() {
        let (many, one) = (names(4), vec!["db".to_owned()]);
        let first = vec![PreflightCheck::Region.passed("r"), PreflightCheck::Size.failed("no such size", "choose")];
        let second = vec![
            PreflightCheck::Region.passed("r"),
            PreflightCheck::Network.passed("n"),
            PreflightCheck::Size.passed("s"),
        ];
        let merged = merge(&[(&many, first.into()), (&one, second.into())]);
        let told: Vec<_> = merged.iter().map(|check| (check.code.as_str(), check.cause.as_str())).collect();
        assert_eq!(told[0], ("region", "r"));
        assert!(told.contains(&("network", "db: n")) || told.contains(&("network", "n")), "{told:?}");
        assert!(told.contains(&("size", "web-1, web-2 and 2 more: no such size")), "{told:?}");
    }

    #[test]
    fn what_is_wrong_with_all_is_said_once() {
        let (one, other) = (names(1), names(2));
        let failed = || CheckReport::from(vec![PreflightCheck::Region.failed("no such region", "choose")]);
        let merged = merge(&[(&one, failed()), (&other, failed())]);
        assert_eq!(merged.len(), 1);
        assert_eq!(merged[0].cause, "no such region");
    }
}
