//! An address as a log may hold it.

use std::fmt;

use http::Uri;

use crate::shape::{is_escaped, is_harmless};

/// Query parameters whose values are shown, if they look like words.
const SHOWN: &[&str] = &["api-version", "$top", "$skip", "$orderby", "$expand", "$select", "$count", "statusonly"];

/// Words of a path after which an operation's own token stands, in small letters.
const OPERATIONS: &[&str] = &[
    "operations",
    "operationresults",
    "operationstatuses",
    "operationsstatus",
    "asyncoperations",
    "azureasyncoperations",
];

/// The longest name of a query parameter that is shown.
const LONGEST_NAME: usize = 32;

/// What may be shown of an address: scheme, host and path, and the names of its query parameters. Hidden as `…` are the values of
/// all parameters but a few harmless ones (`api-version`, `$top`), what stands after `operations` and its like in a path, and
/// whatever looks like a token. So the signed address of an operation, a page's link or a redirect with a code can be logged.
///
/// ```
/// let signed = "https://management.azure.com/subscriptions/s/providers/Microsoft.Compute/locations/westeurope/operations/\
///     8e4f?p=1&api-version=2025-04-01&t=639&c=MIIHhzCC&s=YWJj&h=ZGVm".parse()?;
/// assert_eq!(
///     azconnect_http::redacted(&signed).to_string(),
///     "https://management.azure.com/subscriptions/s/providers/Microsoft.Compute/locations/westeurope/operations/…\
///      ?p=…&api-version=2025-04-01&t=…&c=…&s=…&h=…"
/// );
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
pub fn redacted(address: &Uri) -> RedactedAddress<'_> {
    RedactedAddress(address)
}

/// An address that is shown without what may be secret in it. Made by [`redacted`].
#[derive(Clone, Copy)]
pub struct RedactedAddress<'a>(&'a Uri);

impl fmt::Display for RedactedAddress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The host without the user name and password that may stand before it.
        if let (Some(scheme), Some(host)) = (self.0.scheme_str(), self.0.host()) {
            write!(f, "{scheme}://{host}")?;
            if let Some(port) = self.0.port_u16() {
                write!(f, ":{port}")?;
            }
        }
        let mut hidden = false;
        for segment in self.0.path().split('/').skip(1) {
            let shown = !hidden && is_harmless(segment) && !is_escaped(segment);
            write!(f, "/{}", if shown { segment } else { "…" })?;
            hidden = hidden || OPERATIONS.contains(&segment.to_ascii_lowercase().as_str());
        }
        let parameters = self.0.query().unwrap_or_default().split('&').filter(|parameter| !parameter.is_empty());
        for (number, parameter) in parameters.enumerate() {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            // A `$` may come encoded.
            let name = name.replace("%24", "$");
            let is_name = name.len() <= LONGEST_NAME
                && name.bytes().all(|byte| byte.is_ascii_alphabetic() || b"$-_.".contains(&byte))
                && is_harmless(&name);
            let is_shown =
                SHOWN.contains(&name.to_ascii_lowercase().as_str()) && is_harmless(value) && !is_escaped(value);
            let separator = if number == 0 { '?' } else { '&' };
            match (is_name, is_shown) {
                (true, true) => write!(f, "{separator}{name}={value}")?,
                (true, false) => write!(f, "{separator}{name}=…")?,
                (false, _) => write!(f, "{separator}…")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for RedactedAddress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(address: &str) -> String {
        redacted(&address.parse().unwrap()).to_string()
    }

    #[test]
    fn what_is_no_secret_is_shown() {
        for plain in [
            "https://graph.microsoft.com/v1.0/applications/255d1aef-8c98-452f-ac51-23d051240864/addPassword",
            "https://management.azure.com/subscriptions/255d1aef-8c98-452f-ac51-23d051240864/resourceGroups/rg-web/resources\
             ?api-version=2025-04-01&$top=2",
            "http://127.0.0.1:8080/",
            "/relative",
        ] {
            assert_eq!(shown(plain), plain);
        }
    }

    #[test]
    fn what_may_be_secret_is_not() {
        assert_eq!(shown("https://user:pass@host.example/a"), "https://host.example/a");
        assert_eq!(shown("https://h.example/cb?code=0.AX&state=abc"), "https://h.example/cb?code=…&state=…");
        assert_eq!(shown("https://h.example/a?$filter=displayName%20eq%20'x'"), "https://h.example/a?$filter=…");
        assert_eq!(shown("https://h.example/a?hunter2"), "https://h.example/a?…");
        assert_eq!(
            shown("https://h.example/subscriptions/s/operationresults/eyJqb2JJZCI6/more?api-version=eyJq"),
            "https://h.example/subscriptions/s/operationresults/…/…?api-version=…"
        );
        assert_eq!(shown("https://h.example/9f86d081884c7d659a2feaa0c55ad015/x"), "https://h.example/…/x");
    }

    proptest! {
        #[test]
        fn no_value_of_a_parameter_that_nobody_knows_is_shown(
            name in "[a-z]{1,12}", value in "[A-Za-z0-9_~.-]{6,200}", path in "[a-z/]{0,20}",
        ) {
            let shown = shown(&format!("https://h.example/{path}?api-version=2025-04-01&{name}={value}"));
            prop_assert!(!shown.contains(&value) || path.contains(&value) || name.contains(&value), "{}", shown);
        }
    }
}
