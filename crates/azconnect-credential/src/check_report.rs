//! All checks of one piece of work.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::check::{Check, CheckStatus};

/// All checks of one piece of work, in the order in which they were made. Serialised as a list.
///
/// What nobody looked at is not in it: an empty report is clear.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
#[non_exhaustive]
pub struct CheckReport {
    /// The checks, in the order in which they were made.
    pub checks: Vec<Check>,
}

impl CheckReport {
    /// A report without checks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether no check failed: nothing is known to stand in the way.
    pub fn is_clear(&self) -> bool {
        self.failures().next().is_none()
    }

    /// The checks that failed: what stands in the way.
    pub fn failures(&self) -> impl Iterator<Item = &Check> {
        self.with_status(CheckStatus::Failed)
    }

    /// The checks with this status.
    pub fn with_status(&self, status: CheckStatus) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(move |check| check.status == status)
    }

    /// The first check with this code, such as `core-quota`.
    pub fn of(&self, code: impl AsRef<str>) -> Option<&Check> {
        self.checks.iter().find(|check| check.code == code.as_ref())
    }

    /// The checks, in the order in which they were made.
    pub fn iter(&self) -> std::slice::Iter<'_, Check> {
        self.checks.iter()
    }

    /// Whether the report holds no check at all.
    pub fn is_empty(&self) -> bool {
        self.checks.is_empty()
    }

    /// How many checks there are.
    pub fn len(&self) -> usize {
        self.checks.len()
    }

    /// Adds a check at the end.
    pub fn push(&mut self, check: Check) {
        self.checks.push(check);
    }
}

impl From<Vec<Check>> for CheckReport {
    fn from(checks: Vec<Check>) -> Self {
        Self { checks }
    }
}

impl FromIterator<Check> for CheckReport {
    fn from_iter<I: IntoIterator<Item = Check>>(checks: I) -> Self {
        Self { checks: checks.into_iter().collect() }
    }
}

impl Extend<Check> for CheckReport {
    fn extend<I: IntoIterator<Item = Check>>(&mut self, checks: I) {
        self.checks.extend(checks);
    }
}

impl IntoIterator for CheckReport {
    type Item = Check;
    type IntoIter = std::vec::IntoIter<Check>;

    fn into_iter(self) -> Self::IntoIter {
        self.checks.into_iter()
    }
}

impl<'a> IntoIterator for &'a CheckReport {
    type Item = &'a Check;
    type IntoIter = std::slice::Iter<'a, Check>;

    fn into_iter(self) -> Self::IntoIter {
        self.checks.iter()
    }
}

impl fmt::Display for CheckReport {
    /// Writes one line for each check.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, check) in self.checks.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{check}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use azconnect_core::{Error, ErrorKind};
    use serde_json::json;

    use super::*;

    fn report() -> CheckReport {
        let error = Error::new(ErrorKind::Unavailable, "no answer").with_advice("try again");
        CheckReport::from_iter([
            Check::passed("role", "role", "suffices"),
            Check::unknown_by("quota", "core quota", &error).as_warning(),
            Check::skipped("size", "size", "the region is not known"),
        ])
    }

    #[test]
    fn only_a_failure_stands_in_the_way() {
        let mut report = report();
        assert!(report.is_clear() && CheckReport::new().is_clear());
        report.push(Check::failed("image", "image", "does not exist", "choose another"));
        assert!(!report.is_clear());
        assert_eq!(report.failures().map(|check| check.code.as_str()).collect::<Vec<_>>(), ["image"]);
    }

    #[test]
    fn a_web_page_finds_stable_names_and_reads_them_back() {
        let written = serde_json::to_value(report()).unwrap();
        assert_eq!(written[0], json!({"code": "role", "subject": "role", "status": "passed", "cause": "suffices"}));
        assert_eq!((&written[1]["status"], &written[1]["is_advisory"]), (&json!("unknown"), &json!(true)));
        assert_eq!(written[1]["diagnosis"]["kind"], "unavailable");
        assert_eq!(serde_json::from_value::<CheckReport>(written).unwrap(), report());
    }

    #[test]
    fn order_is_kept_and_shown() {
        assert_eq!(
            report().to_string(),
            "role: passed: suffices\ncore quota: unknown: no answer (try again)\nsize: skipped: the region is not known"
        );
    }
}
