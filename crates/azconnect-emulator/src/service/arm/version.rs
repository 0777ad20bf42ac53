//! The version of the API that a request names: a date, not from before the service existed, and as late as one likes.

use time::{Date, Month};

use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::arm::address::{Address, same};
use crate::model::arm::offers::region_names;

/// The first version of each namespace, and of the types in it that are younger.
const FIRST: &[(&str, &str, &str)] = &[
    ("Microsoft.Compute", "virtualMachines/runCommands", "2020-06-01"),
    ("Microsoft.Compute", "galleries", "2018-06-01"),
    ("Microsoft.Compute", "disks", "2016-04-30"),
    ("Microsoft.Compute", "", "2015-05-01"),
    ("Microsoft.Network", "", "2015-05-01"),
    ("Microsoft.Resources", "", "2014-04-01"),
    ("Microsoft.Authorization", "", "2014-07-01"),
    ("Microsoft.ManagedIdentity", "", "2015-08-31"),
    ("Microsoft.MarketplaceOrdering", "", "2015-06-01"),
];

/// The first version of what has no namespace: subscriptions and resource groups.
const FIRST_OF_ALL: &str = "2014-04-01";

/// Refuses what is no version.
pub(crate) fn require(version: &str) -> OrRefusal<()> {
    if version.is_empty() {
        return Err(Refusal::new(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        ));
    }
    match date_of(version) {
        Some(date) if date >= FIRST_OF_ALL => Ok(()),
        _ => Err(Refusal::new(
            400,
            "InvalidApiVersionParameter",
            format!(
                "The api-version '{version}' is invalid. The supported versions are '2025-04-01,2024-11-01,2022-12-01'."
            ),
        )),
    }
}

/// Refuses a version from before the type existed. Later ones are accepted, known or not.
pub(crate) fn require_of_type(version: &str, address: &Address) -> OrRefusal<()> {
    let Some(namespace) = &address.namespace else { return Ok(()) };
    let types: Vec<&str> = address.rest.iter().step_by(2).map(String::as_str).collect();
    let types = types.join("/");
    let of_type = |wanted: &str| wanted.is_empty() || same(wanted, &types);
    let first = FIRST.iter().find(|(known, wanted, _)| same(known, namespace) && of_type(wanted));
    match (first, date_of(version)) {
        (Some((_, _, first)), Some(date)) if date < *first => Err(Refusal::new(
            400,
            "NoRegisteredProviderFound",
            format!(
                "No registered resource provider found for location '' and API version '{version}' for type '{types}'. The supported api-versions are '{first}, 2025-04-01'. The supported locations are '{}'.",
                region_names()
            ),
        )),
        _ => Ok(()),
    }
}

/// The date of a version, with or without `-preview`: one of the calendar.
fn date_of(version: &str) -> Option<&str> {
    let (date, rest) = (version.get(..10)?, version.get(10..)?);
    let [year, month, day] = date.split('-').collect::<Vec<_>>().try_into().ok()?;
    let number = |text: &str, length| (text.len() == length).then(|| text.parse::<u16>().ok()).flatten();
    let month = Month::try_from(u8::try_from(number(month, 2)?).ok()?).ok()?;
    Date::from_calendar_date(i32::from(number(year, 4)?), month, u8::try_from(number(day, 2)?).ok()?).ok()?;
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let plain = digits(year) && matches!(rest, "" | "-preview" | "-beta" | "-alpha");
    plain.then_some(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(path: &str) -> Address {
        Address::of_id(path).unwrap()
    }

    #[test]
    fn any_date_is_a_version_and_nothing_else() {
        for good in ["2022-12-01", "2018-01-01-preview", "2099-12-31", "2024-02-29"] {
            assert!(require(good).is_ok(), "{good}");
        }
        for wrong in
            ["latest", "2022-12", "2022-12-01-x", "20221201", "2022-13-01", "2023-02-29", "+022-12-01", "2010-01-01"]
        {
            assert_eq!(require(wrong).unwrap_err().code, "InvalidApiVersionParameter", "{wrong}");
        }
        assert_eq!(require("").unwrap_err().code, "MissingApiVersionParameter");
    }

    #[test]
    fn a_version_from_before_the_type_existed_is_refused() {
        let base = "/subscriptions/s/resourceGroups/g/providers";
        let machine = address(&format!("{base}/Microsoft.Compute/virtualMachines/web"));
        let disk = address(&format!("{base}/microsoft.compute/Disks/data"));
        let command = address(&format!("{base}/Microsoft.Compute/virtualMachines/web/runCommands/probe"));
        assert!(require_of_type("2015-06-15", &machine).is_ok());
        for (version, address) in [("2015-04-30", &machine), ("2015-06-15", &disk), ("2019-12-01", &command)] {
            assert_eq!(require_of_type(version, address).unwrap_err().code, "NoRegisteredProviderFound", "{version}");
        }
        assert!(require_of_type("2027-01-01", &command).is_ok());
    }
}
