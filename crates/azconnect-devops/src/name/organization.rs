//! The names of organizations.

use std::fmt;

use azconnect_core::Error;
use serde::{Deserialize, Deserializer, Serialize, de};
use url::Url;

/// The name of an Azure DevOps organization: 1 to 50 letters, digits and hyphens, with a letter or digit at both ends.
///
/// The rule is the one of Microsoft's *Naming restrictions and conventions* for organizations.
///
/// ```
/// use azconnect_devops::OrganizationName;
///
/// assert!(OrganizationName::new("contoso-it").is_ok());
/// assert_eq!(OrganizationName::new("a/../b").unwrap_err().field(), Some("organization"));
/// assert_eq!(OrganizationName::of_address("https://contoso.visualstudio.com/Web")?.as_str(), "contoso");
/// # Ok::<(), azconnect_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct OrganizationName(Box<str>);

impl OrganizationName {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) naming the field `organization`.
    pub fn new(name: impl AsRef<str>) -> Result<Self, Error> {
        let name = name.as_ref();
        let wrong = |message: &str| {
            Err(Error::invalid("organization", message).with_advice(
                "give the name alone, as in https://dev.azure.com/{organization}: letters, digits and hyphens",
            ))
        };
        if name.is_empty() {
            return wrong("is empty");
        }
        if let Some(bad) = name.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-') {
            return wrong(&format!("holds {bad:?}, which no organization's name has"));
        }
        if name.len() > 50 {
            return wrong("is longer than 50 characters");
        }
        if name.starts_with('-') || name.ends_with('-') {
            return wrong("begins or ends with a hyphen");
        }
        Ok(Self(name.into()))
    }

    /// Reads the name out of an address: `https://dev.azure.com/{name}/…` or `https://{name}.visualstudio.com/…`.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) if it is neither.
    pub fn of_address(address: &str) -> Result<Self, Error> {
        let wrong = || {
            Error::invalid("organization", "is not the address of an organization")
                .with_advice("give https://dev.azure.com/{organization} or https://{organization}.visualstudio.com")
        };
        let url = Url::parse(address).map_err(|_| wrong())?;
        let host = url.host_str().unwrap_or_default();
        if let Some(name) = host.strip_suffix(".visualstudio.com") {
            // The organization's identities have a host of their own under the older domain.
            return Self::new(name.strip_suffix(".vssps").unwrap_or(name));
        }
        if host != "dev.azure.com" && host != "vssps.dev.azure.com" {
            return Err(wrong());
        }
        Self::new(url.path_segments().and_then(|mut segments| segments.next()).ok_or_else(wrong)?)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrganizationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for OrganizationName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::new(text)
    }
}

impl<'de> Deserialize<'de> for OrganizationName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_naming_restrictions() {
        for good in ["a", "7", "contoso", "Contoso-IT-2", &"x".repeat(50)] {
            assert!(OrganizationName::new(good).is_ok(), "{good:?}");
        }
        for bad in ["", "-a", "a-", "a b", "a/../b", "a.b", "ä", "a%2F", &"x".repeat(51)] {
            let error = OrganizationName::new(bad).unwrap_err();
            assert_eq!(error.field(), Some("organization"), "{bad:?}");
        }
    }

    #[test]
    fn addresses_of_both_kinds_are_read() {
        for address in [
            "https://dev.azure.com/contoso/Web/_git/x",
            "https://contoso.visualstudio.com",
            "https://contoso.vssps.visualstudio.com:443/",
            "https://vssps.dev.azure.com/contoso/",
        ] {
            assert_eq!(OrganizationName::of_address(address).unwrap().as_str(), "contoso", "{address}");
        }
        for bad in ["contoso", "https://dev.azure.com/", "https://example.com/contoso", "https://dev.azure.com.evil/x"]
        {
            assert!(OrganizationName::of_address(bad).is_err(), "{bad}");
        }
    }
}
