//! Whether an address belongs to an origin, text against text.

use url::{Origin as UrlOrigin, Url};

/// The scheme, host and port of an address, in the one spelling that is accepted.
///
/// Two readers of one address may disagree about its host: about user names, default ports, backslashes, white space. So
/// the text itself is compared, and what passes is an address that no reader takes for another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin(String);

impl Origin {
    pub(crate) fn of(url: &Url) -> Self {
        Self(match url.origin() {
            origin @ UrlOrigin::Tuple(..) => origin.ascii_serialization(),
            // No text begins with it, so nothing belongs to it.
            UrlOrigin::Opaque(_) => "\0".to_owned(),
        })
    }

    /// Whether an address begins with exactly this origin, and ends as an address can.
    pub(crate) fn owns(&self, address: &str) -> bool {
        let plain = address.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#'));
        plain
            && address.strip_prefix(&self.0).is_some_and(|rest| rest.starts_with('/'))
            && Url::parse(address).is_ok_and(|url| Self::of(&url) == *self)
    }

    /// A link of this origin in the accepted spelling; its path and query stay as they are, byte for byte. `None` for a
    /// link to anywhere else, or with a user name.
    pub(crate) fn adopt(&self, link: &str) -> Option<String> {
        let url = Url::parse(link).ok().filter(|url| Self::of(url) == *self)?;
        let (scheme, rest) = link.split_once("://")?;
        let (authority, path) = rest.split_at(rest.find('/')?);
        // A service spells its own host with another case, or with the port that goes without saying.
        let plain = scheme.eq_ignore_ascii_case(url.scheme()) && !authority.contains(['@', '\\', '?', '#']);
        Some(format!("{}{path}", self.0)).filter(|address| plain && self.owns(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        Origin::of(&Url::parse("https://management.azure.com/r?x=1").unwrap())
    }

    #[test]
    fn only_the_one_spelling_belongs_to_an_origin() {
        for own in ["https://management.azure.com/", "https://management.azure.com/op?s=%2fA'~&u=https://e.example/"] {
            assert!(origin().owns(own), "{own}");
        }
        for other in [
            "",
            "https://management.azure.com",
            "https://management.azure.com:443/op",
            "https://Management.azure.com/op",
            "HTTPS://management.azure.com/op",
            "http://management.azure.com/op",
            "https://user@management.azure.com/op",
            "https://management.azure.com@evil.example/op",
            "https://management.azure.com:x@evil.example/op",
            "https://management.azure.com.evil.example/op",
            "https://management.azure.com:8443/op",
            "https://management.azure.com\\@evil.example/op",
            "https://management.azure.com/\\evil.example/op",
            "https://management.azure.com/op#x",
            "https://management.azure.com/o p",
            "https://management.azure.com/o\tp",
            " https://management.azure.com/op",
            "//management.azure.com/op",
            "/op",
        ] {
            assert!(!origin().owns(other), "{other}");
        }
        assert!(!Origin::of(&Url::parse("data:x").unwrap()).owns("data:x"));
    }

    #[test]
    fn a_service_s_own_spelling_of_its_host_is_adopted_and_the_rest_stays() {
        for link in ["https://management.azure.com:443/op?s=%2fA'", "https://Management.Azure.com/op?s=%2fA'"] {
            assert_eq!(origin().adopt(link).as_deref(), Some("https://management.azure.com/op?s=%2fA'"), "{link}");
        }
        for link in [
            "https://user@management.azure.com/op",
            "https://@management.azure.com/op",
            "https://evil.example/op",
            "https://evil.example\\@management.azure.com/op",
            "https://management.azure.com\\.evil.example/op",
            "https://management.azure.com?/op",
            "/op?u=https://management.azure.com/",
        ] {
            assert_eq!(origin().adopt(link), None, "{link}");
        }
    }
}
