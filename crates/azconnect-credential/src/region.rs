//! Where resources are created.

use azconnect_core::Error;
use serde::{Deserialize, Deserializer, Serialize, de};

/// The longest name of a region that is taken. Azure's own are shorter than 25 characters.
const MAX_REGION_LENGTH: usize = 60;

/// An Azure region by its programmatic name, such as `westeurope`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Region(Box<str>);

impl Region {
    /// Checks and takes a region. `West Europe` is read as `westeurope`, as Azure does.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) unless what remains without spaces is 1 to 60 letters and digits.
    pub fn new(name: &str) -> Result<Self, Error> {
        // One spelling for each region, so that records and answers of Azure can be compared as text.
        let name: String = name.chars().filter(|c| *c != ' ').map(|c| c.to_ascii_lowercase()).collect();
        if name.is_empty() || name.len() > MAX_REGION_LENGTH || !name.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(Error::invalid("region", "is not the name of a region")
                .with_advice("give a region such as westeurope; `az account list-locations` lists them"));
        }
        Ok(Self(name.into()))
    }

    /// The programmatic name, such as `westeurope`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Region {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::new(text)
    }
}

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_read_as_azure_reads_them() {
        assert_eq!(Region::new("West Europe").unwrap().as_str(), "westeurope");
        assert!(Region::new("west/europe").is_err());
    }
}
