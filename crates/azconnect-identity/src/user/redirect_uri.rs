//! The address to which a login sends people back.

use std::fmt;
use std::str::FromStr;

use azconnect_core::Error;
use url::{Host, Url};

/// The longest address that Entra ID takes.
const LONGEST: usize = 256;

/// The address to which the login sends a person back. It is sent letter by letter as it was given, since Entra ID compares it so.
///
/// `https`, or `http` for this machine as `localhost` or `127.0.0.1`; at most 256 characters; no fragment, no user, no `*`.
///
/// Document: Microsoft's *Redirect URI (reply URL) outline and restrictions*.
///
/// ```
/// use azconnect_identity::user::RedirectUri;
///
/// let back: RedirectUri = "https://portal.example/signed-in".parse()?;
/// assert_eq!(back.as_str(), "https://portal.example/signed-in");
/// assert_eq!("http://portal.example/".parse::<RedirectUri>().unwrap_err().field(), Some("redirect_uri"));
/// # Ok::<(), azconnect_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RedirectUri(Box<str>);

impl RedirectUri {
    /// The address as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RedirectUri {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.len() > LONGEST {
            return Err(wrong("is longer than 256 characters", "register a shorter address"));
        }
        // The parser would drop blanks and line ends silently, and what is sent would be another address.
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong("has a character that no address has", "percent-encode it"));
        }
        let url = Url::parse(text).map_err(|_| wrong("is no address", "give it whole, with https://"))?;
        if text.contains('#') {
            return Err(wrong("has a fragment", "leave out what follows the #"));
        }
        if text.contains('*') {
            return Err(wrong("has a wildcard", "register each address, and keep what differs in the session"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("names a user", "leave out what stands before the @"));
        }
        let is_own_machine = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) if ip.is_loopback() => {
                return Err(wrong("is [::1], which Entra ID does not take", "use http://localhost"));
            }
            _ => false,
        };
        match url.scheme() {
            "https" => Ok(Self(text.into())),
            "http" if is_own_machine => Ok(Self(text.into())),
            _ => Err(wrong("is not encrypted", "use https; plain http is for localhost only")),
        }
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedirectUri({self})")
    }
}

fn wrong(why: &str, remedy: &str) -> Error {
    Error::invalid("redirect_uri", format!("the redirect address {why}")).with_advice(remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_entra_id_takes_is_taken_as_it_is() {
        for text in [
            "https://portal.example",
            "https://portal.example/Signed-In?a=b",
            "http://localhost:3000/back",
            "http://127.0.0.1/back",
        ] {
            assert_eq!(text.parse::<RedirectUri>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn what_entra_id_refuses_is_refused_before_anybody_is_sent_there() {
        let long = format!("https://portal.example/{}", "x".repeat(LONGEST));
        for text in [
            "",
            "portal.example",
            "http://portal.example/",
            "http://localhost.evil.example/",
            "http://[::1]/back",
            "https://portal.example/#a",
            "https://portal.example/#",
            "https://*.portal.example/",
            "https://user@portal.example/",
            "https://portal.example/a b",
            "https://portal.example/\n",
            "myapp://back",
            &long,
        ] {
            assert_eq!(text.parse::<RedirectUri>().unwrap_err().field(), Some("redirect_uri"), "{text}");
        }
    }
}
