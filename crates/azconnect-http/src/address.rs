//! Building addresses whose path and query no input can change.

use azconnect_core::Error;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Host, Url};

use crate::transport::{Request, SendOptions};

/// The characters to encode in a path segment: all but RFC 3986 `pchar`, of which `&` and `+` are encoded as well.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// Joins path segments to a base. Every segment is percent-encoded, so `a/../b` is one segment and stays one.
///
/// # Errors
/// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for an empty segment, `.` or `..`, which would change the
/// path even when encoded.
pub fn endpoint(base: &Url, segments: &[&str]) -> Result<Url, Error> {
    let mut path = base.path().trim_end_matches('/').to_owned();
    for segment in segments {
        if segment.is_empty() || *segment == "." || *segment == ".." {
            return Err(Error::invalid("path_segment", format!("{segment:?} cannot be part of an address"))
                .with_advice("give the real name or id"));
        }
        path.push('/');
        path.extend(utf8_percent_encode(segment, SEGMENT));
    }
    let mut url = base.clone();
    url.set_path(&path);
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

/// Appends query parameters, each name and value encoded.
#[must_use]
pub fn with_query(mut url: Url, parameters: &[(&str, &str)]) -> Url {
    // Appending nothing would still leave a `?` at the end.
    if !parameters.is_empty() {
        url.query_pairs_mut().extend_pairs(parameters);
    }
    url
}

/// Accepts `https`, and `http` for loopback if that was opted in to.
///
/// # Errors
/// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for everything else; nothing was sent.
pub fn require_safe_scheme(uri: &http::Uri, http_loopback: bool) -> Result<(), Error> {
    let loopback = || Url::parse(&uri.to_string()).is_ok_and(|url| is_loopback(&url));
    match uri.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if http_loopback && loopback() => Ok(()),
        _ => Err(Error::invalid("address", "is not encrypted")
            .with_advice("use https; plain http is for loopback only, by explicit opt-in")),
    }
}

/// Accepts what [`require_safe_scheme`] does, and of a call to the platform ([`SendOptions::platform_host`]) also `http` to an
/// address, given by number, that only this machine or its neighbours can reach: loopback, link-local or private.
///
/// Those services speak no TLS: the metadata service of a virtual machine, the token endpoint beside an App Service. What is
/// sent there never leaves the host, and no name decides where it goes.
///
/// # Errors
/// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for everything else; nothing was sent.
pub fn require_safe_address(request: &Request, http_loopback: bool) -> Result<(), Error> {
    let options = SendOptions::of(request);
    let uri = request.uri();
    let is_near = || Url::parse(&uri.to_string()).is_ok_and(|url| is_near(&url));
    // A host that somebody else named is never the platform's.
    match options.platform_host && !options.foreign_host && uri.scheme_str() == Some("http") && is_near() {
        true => Ok(()),
        false => require_safe_scheme(uri, http_loopback),
    }
}

/// Whether an address is, by number or as `localhost`, this machine's own or in a network beside it.
fn is_near(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_link_local() || ip.is_private(),
        _ => is_loopback(url),
    }
}

/// Whether an address names this machine itself.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback()),
        Some(Host::Domain(name)) => name.trim_end_matches('.') == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn base() -> Url {
        Url::parse("https://dev.azure.com/").unwrap()
    }

    #[test]
    fn a_segment_with_slashes_stays_one_segment() {
        let url = endpoint(&base(), &["a/../b", "x y", "applications(appId='1')", "%2e%2e", "?#"]).unwrap();
        assert_eq!(url.as_str(), "https://dev.azure.com/a%2F..%2Fb/x%20y/applications(appId='1')/%252e%252e/%3F%23");
    }

    #[test]
    fn a_base_with_a_path_keeps_it() {
        let base = Url::parse("https://server/tfs/Default/").unwrap();
        assert_eq!(endpoint(&base, &["_apis"]).unwrap().as_str(), "https://server/tfs/Default/_apis");
    }

    #[test]
    fn dot_segments_are_refused() {
        for bad in ["", ".", ".."] {
            assert!(endpoint(&base(), &[bad]).is_err());
        }
    }

    #[test]
    fn plain_http_needs_loopback_and_the_opt_in() {
        let check = |address: &str, opt_in| require_safe_scheme(&address.parse().unwrap(), opt_in).is_ok();
        assert!(check("https://example.com/", false));
        assert!(check("http://127.0.0.1:1/", true));
        assert!(check("http://[::1]:1/", true));
        assert!(!check("http://127.0.0.1:1/", false));
        assert!(!check("http://example.com/", true));
        assert!(!check("http://localhost.example.com/", true));
    }

    #[test]
    fn the_platform_is_near_and_asked_by_a_call_that_says_so() {
        let check = |address: &str, options: SendOptions| {
            let mut request = http::Request::get(address).body(bytes::Bytes::new()).unwrap();
            request.extensions_mut().insert(options);
            require_safe_address(&request, false).is_ok()
        };
        let platform = SendOptions::default().with_platform_host(true);
        for near in
            ["169.254.169.254", "169.254.130.5:8081", "127.0.0.1:40342", "localhost:50342", "[::1]:1", "172.16.0.3"]
        {
            let address = format!("http://{near}/token");
            assert!(check(&address, platform), "{near}");
            assert!(!check(&address, SendOptions::default()), "{near} is asked by another call");
            assert!(!check(&address, platform.with_foreign_host(true)), "{near} was named by somebody else");
        }
        for far in ["8.8.8.8", "example.com", "169.254.169.254.example.com", "metadata", "[fe80::1]", "172.32.0.1"] {
            assert!(!check(&format!("http://{far}/token"), platform), "{far}");
        }
        assert!(check("https://example.com/", platform));
    }

    proptest! {
        #[test]
        fn no_segment_changes_the_number_of_segments(text in "\\PC{1,40}") {
            prop_assume!(text != "." && text != "..");
            let url = endpoint(&base(), &["first", &text, "last"]).unwrap();
            let segments: Vec<_> = url.path_segments().unwrap().collect();
            prop_assert_eq!(segments.len(), 3);
            prop_assert_eq!(segments[0], "first");
            prop_assert_eq!(segments[2], "last");
            let decoded = percent_encoding::percent_decode_str(segments[1]).decode_utf8().unwrap().into_owned();
            prop_assert_eq!(decoded, text);
        }
    }
}
