//! What is refused at a port before any service sees it.
//!
//! The emulator listens on a developer's machine, where a page in a browser can send requests to it. Such a page must neither
//! command the emulator nor write to its services: what a browser sends on behalf of another site says so in `Origin`, and
//! without a question in advance it can send forms and plain text only.

use std::net::Ipv4Addr;

use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, ORIGIN, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, Method, Request, Version};

use super::connection::Peer;
use super::place::{Place, name_of};
use super::refused::Refused;
use crate::base::origins::Service;
use crate::shell::emulator::Emulator;

/// The largest body of a caller whom the emulator has given a token.
const KNOWN_LIMIT: usize = 32 * 1024 * 1024;

/// The largest body of anybody else: of sign-ins, and of callers with a personal access token.
const UNKNOWN_LIMIT: usize = 1024 * 1024;

/// Refuses a request by its head; nothing of its body has been read.
pub(super) fn refusal<B>(place: &Place, request: &Request<B>, peer: &Peer, has_control: bool) -> Option<Refused> {
    let headers = request.headers();
    let host = text(headers, &HOST);
    if host.is_none() && request.version() >= Version::HTTP_11 {
        return Some(Refused::new(400, "the request has no Host header"));
    }
    let is_control = is_control(request.uri().path());
    if is_control && !has_control {
        return Some(Refused::new(404, "this emulator has no control routes"));
    }
    let from_here =
        peer.is_loopback() && host.is_none_or(is_loopback_name) && is_loopback_name(authority(&place.origin));
    if is_control && (!from_here || is_forwarded(headers)) {
        return Some(Refused::new(403, "this is for callers on this machine only"));
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let is_read = reads || is_token_request(place.service, request.uri().path());
    if (is_control || !is_read) && text(headers, &ORIGIN).is_some_and(|origin| !is_same(origin, &place.origin)) {
        return Some(Refused::new(403, "a page of another origin may not do this"));
    }
    if !reads
        && has_body(headers)
        && !may_send(place.service, is_control, text(headers, &CONTENT_TYPE).unwrap_or_default())
    {
        return Some(Refused::new(415, "the Content-Type of the request is not application/json"));
    }
    None
}

/// Whether it asks for a token, as the pages of single-page applications do from their own origins. Whoever asks proves who it
/// is in the body, and the service says which pages may read the answer; nothing that a browser adds by itself counts.
fn is_token_request(service: Service, path: &str) -> bool {
    service == Service::Login && (path.ends_with("/oauth2/v2.0/token") || path.ends_with("/oauth2/token"))
}

/// How large a body is read.
pub(super) fn body_limit(emulator: &Emulator, headers: &HeaderMap) -> usize {
    let bearer = text(headers, &AUTHORIZATION).and_then(|header| header.split_once(' '));
    let known = bearer.is_some_and(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer") && emulator.issued(token));
    if known { KNOWN_LIMIT } else { UNKNOWN_LIMIT }
}

/// Decoded as the routes are, so that no other spelling of the path gets around the rules.
fn is_control(path: &str) -> bool {
    let first = path.strip_prefix('/').unwrap_or(path).split('/').next().unwrap_or_default();
    percent_encoding::percent_decode_str(first).decode_utf8_lossy() == "_emulator"
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    // One that is no text is there all the same.
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING) || text(headers, &CONTENT_LENGTH).is_some_and(|length| length != "0")
}

/// Whether an origin is that under which the caller came: a page that the emulator serves itself.
fn is_same(origin: &str, own: &str) -> bool {
    // A page's scheme says nothing: what stands in front of the emulator may have taken TLS off.
    origin.contains("://") && authority(origin).eq_ignore_ascii_case(authority(own))
}

fn authority(origin: &str) -> &str {
    origin.split_once("://").map_or(origin, |(_, authority)| authority)
}

/// Whether another server passed the request on. It does so for callers that are not on this machine.
fn is_forwarded(headers: &HeaderMap) -> bool {
    ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"]
        .into_iter()
        .any(|name| headers.contains_key(name))
}

/// Whether a body of this media type may be sent. The sign-in takes forms, as the protocol wants; nothing else does.
fn may_send(service: Service, is_control: bool, media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
    let takes_forms = !is_control && matches!(service, Service::Login | Service::Registry);
    is_json || (takes_forms && essence == "application/x-www-form-urlencoded")
}

/// Whether a `Host` header names this machine. A page in a browser that reaches loopback by a name of its own does not.
fn is_loopback_name(host: &str) -> bool {
    let name = name_of(host);
    name == "localhost" || name == "[::1]" || name.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_known_by_name_and_number_only() {
        for host in ["localhost", "localhost:80", "127.0.0.1:8001", "[::1]:9"] {
            assert!(is_loopback_name(host), "{host}");
        }
        for host in ["127.0.0.1.example.com", "example.com:80", "localhost.example.com"] {
            assert!(!is_loopback_name(host), "{host}");
        }
    }

    #[test]
    fn only_the_own_origin_is_the_same() {
        assert!(is_same("http://127.0.0.1:8001", "http://127.0.0.1:8001"));
        assert!(is_same("https://LocalHost:8443", "https://localhost:8443"));
        for foreign in ["null", "", "http://127.0.0.1:8002", "https://example.com", "http://127.0.0.1:8001.example.com"]
        {
            assert!(!is_same(foreign, "http://127.0.0.1:8001"), "{foreign}");
        }
    }

    #[test]
    fn a_browser_sends_no_json_unasked() {
        for json in ["application/json", "Application/JSON; charset=utf-8", "application/json-patch+json"] {
            assert!(may_send(Service::Graph, false, json), "{json}");
        }
        for unasked in
            ["", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "text/json"]
        {
            assert!(!may_send(Service::Graph, false, unasked), "{unasked}");
        }
        assert!(may_send(Service::Login, false, "application/x-www-form-urlencoded"));
        assert!(!may_send(Service::Login, true, "application/x-www-form-urlencoded"), "not to the emulator itself");
    }

    #[test]
    fn only_token_requests_come_from_other_origins() {
        assert!(is_token_request(Service::Login, "/contoso.onmicrosoft.com/oauth2/v2.0/token"));
        for path in ["/contoso/oauth2/v2.0/authorize", "/contoso/oauth2/v2.0/devicecode", "/common/oauth2/deviceauth"] {
            assert!(!is_token_request(Service::Login, path), "{path}");
        }
        assert!(!is_token_request(Service::Graph, "/v1.0/oauth2/token"));
    }

    #[test]
    fn the_control_routes_are_known_in_every_spelling() {
        for path in ["/_emulator", "/_emulator/state", "/%5Femulator/faults", "/%5femulator"] {
            assert!(is_control(path), "{path}");
        }
        assert!(!is_control("/v1.0/_emulator") && !is_control("/_emulators"));
    }
}
