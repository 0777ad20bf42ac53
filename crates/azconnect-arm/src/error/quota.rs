//! The numbers in a refusal for lack of quota.

use serde::Serialize;

/// The quota that is used up, and the numbers that the refusal names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Quota {
    /// The quota's name as the service writes it, such as `standardDSv3Family` or `Total Regional`.
    pub family: Option<String>,
    /// The region whose quota it is, as the service writes it.
    pub location: Option<String>,
    /// The largest amount that is allowed, in cores or addresses.
    pub limit: Option<u64>,
    /// The amount in use before the request.
    pub usage: Option<u64>,
    /// The additional amount that the request needed.
    pub required: Option<u64>,
    /// The address of Microsoft's form on which a higher limit is asked for.
    pub request_link: Option<String>,
}

impl Quota {
    /// Reads the two wordings of Compute and the one of Network. `None` if the text does not speak of a quota.
    pub(super) fn read(message: &str) -> Option<Self> {
        let lower = message.to_ascii_lowercase();
        if !lower.contains("quota") && !lower.contains("cannot create more than") {
            return None;
        }
        let number = |names: &[&str]| names.iter().find_map(|name| number_after(&lower, name));
        Some(Self {
            family: family(message),
            location: word_after(message, "Location: "),
            limit: number(&["current limit: ", "maximum allowed: ", "cannot create more than "]),
            usage: number(&["current usage: ", "current in use: "]),
            required: number(&["additional required: ", "additional requested: "]),
            request_link: link(message),
        })
    }

    /// The quota in words, as in `standardDSv3Family in westeurope: limit 10, used 8, 4 more required`.
    pub fn describe(&self) -> String {
        let mut text = self.family.clone().unwrap_or_else(|| "quota".to_owned());
        if let Some(location) = &self.location {
            text = format!("{text} in {location}");
        }
        let numbers: Vec<String> = [
            self.limit.map(|limit| format!("limit {limit}")),
            self.usage.map(|usage| format!("used {usage}")),
            self.required.map(|required| format!("{required} more required")),
        ]
        .into_iter()
        .flatten()
        .collect();
        if numbers.is_empty() { text } else { format!("{text}: {}", numbers.join(", ")) }
    }
}

/// The name of the quota: the words that follow `exceeding approved` or `quota limits of`.
fn family(message: &str) -> Option<String> {
    let between = |start: &str, ends: &[&str]| {
        let rest = message.split_once(start)?.1;
        let end = ends.iter().filter_map(|end| rest.find(end)).min()?;
        let name = rest.get(..end)?.trim().trim_end_matches(" Cores").trim();
        // A service may quote anything here: only what looks like a name is passed on.
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || " -_".contains(c));
        (!name.is_empty() && name.len() <= 80 && plain).then(|| name.to_owned())
    };
    between("exceeding approved ", &[" quota", " Quota"])
        .or_else(|| between("quota limits of ", &["."]))
        .or_else(|| message.contains("public IP addresses").then(|| "public IP addresses".to_owned()))
}

fn number_after(text: &str, name: &str) -> Option<u64> {
    let digits: String = text.split_once(name)?.1.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn word_after(text: &str, name: &str) -> Option<String> {
    let word: String = text.split_once(name)?.1.chars().take_while(char::is_ascii_alphanumeric).collect();
    (!word.is_empty()).then_some(word)
}

/// A link to Microsoft's own pages. Any other link is left out, since whoever reads the advice would trust it.
fn link(message: &str) -> Option<String> {
    let start =
        ["https://aka.ms/", "https://portal.azure.com/"].iter().filter_map(|origin| message.find(origin)).min()?;
    let link: String = message.get(start..)?.chars().take_while(|c| c.is_ascii_graphic()).take(2000).collect();
    Some(link.trim_end_matches(['.', ',', ')', '"']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGIONAL: &str = "Operation could not be completed as it results in exceeding approved Total Regional Cores \
        quota. Additional details - Deployment Model: Resource Manager, Location: centralus, Current Limit: 10, Current \
        Usage: 8, Additional Required: 4, (Minimum) New Limit Required: 12. Submit a request for Quota increase at \
        https://aka.ms/ProdportalCRP/?#create/Microsoft.Support/Parameters/%7B%22a%22%7D by specifying parameters";

    #[test]
    fn the_regional_wording_is_read() {
        let quota = Quota::read(REGIONAL).unwrap();
        assert_eq!(quota.describe(), "Total Regional in centralus: limit 10, used 8, 4 more required");
        assert!(quota.request_link.unwrap().ends_with("%7B%22a%22%7D"));
    }

    #[test]
    fn the_family_wording_is_read() {
        let quota = Quota::read(&REGIONAL.replace("Total Regional", "standardDSv3Family")).unwrap();
        assert_eq!(quota.family.as_deref(), Some("standardDSv3Family"));
    }

    #[test]
    fn the_old_wording_is_read() {
        let text = "Operation results in exceeding quota limits of Core. Maximum allowed: 10, Current in use: 9, \
            Additional requested: 2. Please read more about quota increase at http://aka.ms/corequotaincrease.";
        assert_eq!(Quota::read(text).unwrap().describe(), "Core: limit 10, used 9, 2 more required");
    }

    #[test]
    fn the_network_wording_is_read() {
        let text = "Cannot create more than 20 public IP addresses for this subscription in this region.";
        assert_eq!(Quota::read(text).unwrap().describe(), "public IP addresses: limit 20");
    }

    #[test]
    fn a_state_error_is_no_quota() {
        assert_eq!(Quota::read("The operation is not allowed while the VM is being deallocated."), None);
    }

    #[test]
    fn a_foreign_link_is_not_passed_on() {
        assert_eq!(Quota::read("quota https://evil.example/aka.ms").unwrap().request_link, None);
    }
}
