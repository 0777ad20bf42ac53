//! Addresses and headers as they may be shown: without what may be secret in them.

use http::HeaderMap;
use percent_encoding::percent_decode_str;
use uuid::Uuid;

use crate::base::call::Query;

/// What stands for anything that is not shown.
const MASK: &str = "***";

/// The names in a query whose values are the protocol's own words. All others are masked, since a caller may put anything
/// there.
const PLAIN: [&str; 11] = [
    "api-version",
    "$count",
    "$expand",
    "$filter",
    "$orderby",
    "$search",
    "$select",
    "$skip",
    "$top",
    "includedetails",
    "type",
];

/// The headers that are shown. No other is, whatever it holds.
const SHOWN: [&str; 7] = [
    "accept",
    "client-request-id",
    "content-type",
    "if-match",
    "if-none-match",
    "user-agent",
    "x-ms-client-request-id",
];

/// From this length on, a word of letters and digits may be a secret.
const LONG: usize = 32;

/// A path and a query.
pub(crate) fn address(path: &str, query: &Query) -> String {
    let mut text: String = path.split('/').map(word).collect::<Vec<_>>().join("/");
    for (place, (name, value)) in query.0.iter().enumerate() {
        text.push(if place == 0 { '?' } else { '&' });
        let is_plain = PLAIN.iter().any(|plain| plain.eq_ignore_ascii_case(name));
        text.push_str(&words(name));
        text.push('=');
        text.push_str(&if is_plain { words(value) } else { MASK.to_owned() });
    }
    shortened(one_line(&text))
}

/// A sentence, in which a caller's words may be.
pub(crate) fn sentence(text: &str) -> String {
    shortened(one_line(&words(text)))
}

/// The longest text that is remembered of a request: callers may send addresses of any length.
const LONGEST: usize = 2_000;

/// A text of a bounded length.
fn shortened(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some(_) => text.chars().take(LONGEST).chain(['…']).collect::<String>(),
        None => text,
    }
}

/// The headers that are shown, by name.
pub(crate) fn headers(headers: &HeaderMap) -> Vec<(&'static str, String)> {
    let shown = |name| Some((name, sentence(headers.get(name)?.to_str().ok()?)));
    let shown = SHOWN.into_iter().filter_map(shown);
    // Of a credential only the scheme: it tells a bearer from a basic one.
    let scheme = headers.get("authorization").and_then(|value| value.to_str().ok()).map(|value| {
        let scheme =
            value.split(' ').next().filter(|scheme| ["bearer", "basic"].contains(&&*scheme.to_ascii_lowercase()));
        ("authorization", format!("{} {MASK}", scheme.unwrap_or_default()).trim().to_owned())
    });
    shown.chain(scheme).collect()
}

/// A text with every word masked that may be a secret.
fn words(text: &str) -> String {
    text.split_inclusive([' ', '\'', '"', '(', ')', ',', ';', '='])
        .map(|part| {
            let bare = part.trim_end_matches([' ', '\'', '"', '(', ')', ',', ';', '=']);
            let end = part.strip_prefix(bare).unwrap_or_default();
            format!("{}{end}", word(bare))
        })
        .collect()
}

fn word(text: &str) -> &str {
    let decoded = percent_decode_str(text).decode_utf8_lossy();
    if may_be_secret(&decoded) { MASK } else { text }
}

/// Whether a word looks like a token, a key or a client secret. An id is none.
fn may_be_secret(word: &str) -> bool {
    if Uuid::parse_str(word).is_ok() {
        return false;
    }
    let is_client_secret = word.get(3..5) == Some("8Q") && word.len() > LONG;
    let mixed = word.bytes().any(|byte| byte.is_ascii_digit()) && word.bytes().any(|byte| byte.is_ascii_alphabetic());
    let longest = word.split(|c: char| !c.is_ascii_alphanumeric()).map(str::len).max().unwrap_or_default();
    is_client_secret || word.starts_with("eyJ") || (mixed && longest >= LONG)
}

/// A log has one line for each request, whatever a request says.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_the_words_of_the_protocol_are_shown() {
        for plain in [
            "subscriptions",
            "10000000-0000-4000-8000-000000000001",
            "Microsoft.Compute",
            "appId eq '10000000-0000-4000-8000-000000000001'",
            "7.1-preview.4",
        ] {
            assert_eq!(words(plain), plain);
        }
    }

    #[test]
    fn what_may_be_a_secret_is_masked() {
        for secret in [
            "eyJ0eXAiOiJKV1Qi.eyJhIjoxfQ.c2ln",
            "abc8Qdefghijklmnopqrstuvwxyz0123456789-_",
            "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrst",
            "0123456789abcdef0123456789abcdef0",
        ] {
            assert_eq!(words(&format!("a eq '{secret}'")), "a eq '***'");
        }
    }

    #[test]
    fn a_long_text_is_cut_off() {
        assert_eq!(shortened("ä".repeat(LONGEST)), "ä".repeat(LONGEST));
        assert_eq!(shortened("ä".repeat(10 * LONGEST)), format!("{}…", "ä".repeat(LONGEST)));
    }

    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(one_line("a\r\nb\u{1b}[2J"), "a??b?[2J");
    }
}
