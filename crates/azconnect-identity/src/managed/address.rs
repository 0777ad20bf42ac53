//! The addresses at which a platform answers its own.

use azconnect_core::Error;
use azconnect_http::{Request, SendOptions, require_safe_address};
use url::Url;

use crate::available::in_variable;

/// The address that a platform put into a variable.
///
/// # Errors
/// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the variable as field, unless it is encrypted, or of this
/// machine or a network beside it.
pub(super) fn platform_address(text: &str, variable: &str) -> Result<Url, Error> {
    let wrong = |message: &str| {
        in_variable(Error::invalid(variable, message), variable)
            .with_advice("leave the variable as the platform sets it; it is the address of a service on this machine")
    };
    let url = Url::parse(text).map_err(|_| wrong("is not an address"))?;
    let mut request = Request::default();
    *request.uri_mut() = url.as_str().parse().map_err(|_| wrong("is not an address"))?;
    request.extensions_mut().insert(SendOptions::default().with_platform_host(true));
    require_safe_address(&request, false)
        .map_err(|_| wrong("is neither encrypted nor on this machine or beside it"))?;
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_is_near_or_encrypted() {
        for good in
            ["http://127.0.0.1:41741/msi/token/", "http://169.254.130.3:8081/msi/token", "https://10.0.0.4:2377/x"]
        {
            assert!(platform_address(good, "IDENTITY_ENDPOINT").is_ok(), "{good}");
        }
        for bad in [
            "",
            "nonsense",
            "http://example.com/msi/token",
            "http://8.8.8.8/",
            "file:///etc/passwd",
            "ftp://127.0.0.1/",
        ] {
            let error = platform_address(bad, "IDENTITY_ENDPOINT").unwrap_err();
            assert_eq!(error.field(), Some("IDENTITY_ENDPOINT"), "{bad}");
        }
    }
}
