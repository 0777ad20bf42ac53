//! A version of the service's interface.

use std::fmt;
use std::str::FromStr;

use azconnect_core::Error;

/// The value of `api-version`: a date, such as `2025-05-01` or `2025-05-01-preview`, of which every type of resource knows its own.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApiVersion(Box<str>);

impl ApiVersion {
    /// A version as the documents of a resource's type write it.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) unless it is a date, with a word such as `preview` or without.
    pub fn new(text: &str) -> Result<Self, Error> {
        let (date, word) = text.split_at_checked(10).unwrap_or((text, ""));
        let digits = |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
        let is_date = matches!(date.split('-').collect::<Vec<_>>().as_slice(),
            [year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2));
        let is_word = match word.strip_prefix('-') {
            Some(word) => !word.is_empty() && word.len() <= 20 && word.bytes().all(|byte| byte.is_ascii_lowercase()),
            None => word.is_empty(),
        };
        if is_date && is_word {
            return Ok(Self(text.into()));
        }
        Err(Error::invalid("api_version", "is not a version of the service's interface")
            .with_advice("give a date as the documents of the type do, such as 2025-05-01 or 2025-05-01-preview"))
    }

    /// The version as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn of_kind(text: &'static str) -> Self {
        Self(text.into())
    }
}

impl FromStr for ApiVersion {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::new(text)
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiVersion({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_date_and_nothing_that_changes_an_address() {
        for good in ["2025-05-01", "2018-01-01-preview"] {
            assert_eq!(ApiVersion::new(good).unwrap().to_string(), good);
        }
        for bad in ["", "latest", "2025-5-1", "2025-05-01&x=1", "2025-05-01-", "2025-05-01preview", "20é5-05-01"] {
            assert_eq!(ApiVersion::new(bad).unwrap_err().field(), Some("api_version"), "{bad}");
        }
    }
}
