//! One report of several: what is true of machines that are alike is said once, and of others by their names.

use azconnect_credential::{Check, CheckReport, CheckStatus};

/// A report, and the name of the machine that it is about.
pub(super) type Named<'a> = (&'a str, CheckReport);

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
    let found: Vec<(&str, &Check)> =
        reports.iter().filter_map(|(name, report)| Some((*name, report.of(code)?))).collect();
    let status = found.iter().map(|(_, check)| check.status).max_by_key(|status| rank(*status))?;
    let mut groups: Vec<(Vec<&str>, &Check)> = Vec::new();
    for (name, check) in found.iter().filter(|(_, check)| check.status == status) {
        match groups.iter_mut().find(|(_, known)| known.cause == check.cause) {
            Some((names, _)) => names.push(name),
            None => groups.push((vec![name], check)),
        }
    }
    let (of_first, first) = groups.first()?;
    if of_first.len() == found.len() {
        return Some((*first).clone());
    }
    if status == CheckStatus::Passed {
        let rest = found.len().saturating_sub(of_first.len());
        return Some((*first).clone().with_cause(format!("{}, and so with {rest} more", first.cause)));
    }
    let causes: Vec<String> = groups.iter().map(|(names, check)| format!("{}: {}", told(names), check.cause)).collect();
    let mut remedies: Vec<&str> = Vec::new();
    for (_, check) in groups.iter().filter(|(_, check)| !check.remedy.is_empty()) {
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
fn told(names: &[&str]) -> String {
    match names {
        [first, second, rest @ ..] if !rest.is_empty() => format!("{first}, {second} and {} more", rest.len()),
        few => few.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::PreflightCheck;
    use super::*;

    #[test]
    fn what_is_wrong_with_some_is_said_with_their_names_and_in_its_place() {
        let alike = || {
            CheckReport::from(vec![PreflightCheck::Region.passed("r"), PreflightCheck::Size.failed("none", "choose")])
        };
        let other = vec![
            PreflightCheck::Region.passed("r"),
            PreflightCheck::Network.passed("n"),
            PreflightCheck::Size.passed("s"),
        ];
        let merged = merge(&[("web-1", alike()), ("web-2", alike()), ("web-3", alike()), ("db", other.into())]);
        let told: Vec<_> = merged.iter().map(|check| (check.code.as_str(), check.cause.as_str())).collect();
        assert_eq!(told, [("region", "r"), ("network", "n"), ("size", "web-1, web-2 and 1 more: none")]);
    }

    #[test]
    fn what_is_wrong_with_all_is_said_once() {
        let failed = || CheckReport::from(vec![PreflightCheck::Region.failed("no such region", "choose")]);
        let merged = merge(&[("web-1", failed()), ("web-2", failed())]);
        assert_eq!(merged.iter().map(|check| check.cause.as_str()).collect::<Vec<_>>(), ["no such region"]);
    }

    #[test]
    fn what_differs_from_machine_to_machine_is_told_of_each() {
        let report = |cause: &str| CheckReport::from(vec![PreflightCheck::Size.failed(cause, "choose")]);
        let merged = merge(&[("web-1", report("a")), ("web-2", report("b"))]);
        assert_eq!(merged[0].cause, "web-1: a; web-2: b");
        let passed = |cause: &str| CheckReport::from(vec![PreflightCheck::Size.passed(cause)]);
        assert_eq!(merge(&[("web-1", passed("a")), ("web-2", passed("b"))])[0].cause, "a, and so with 1 more");
    }
}
