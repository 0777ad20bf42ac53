//! What a service wants of the next token, as it says in `WWW-Authenticate` (continuous access evaluation).
//!
//! Document: Microsoft's *Claims challenges, claims requests and client capabilities*; grammar: RFC 9110, section 11.6.1.

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;
use serde_json::{Map, Value};

/// The longest claims that are read. Real ones have some hundred characters.
const LONGEST: usize = 8 * 1024;

const EITHER_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// The claims that the next token must have, as JSON, if a service asks for them: those of the first challenge for bearer tokens
/// whose error is `insufficient_claims`.
pub(crate) fn claims_wanted(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    values.filter(|value| value.len() <= 2 * LONGEST).flat_map(challenges).find_map(|challenge| {
        let is_wanted = challenge.is("error", "insufficient_claims") && challenge.scheme.eq_ignore_ascii_case("bearer");
        decoded(challenge.parameter("claims").filter(|_| is_wanted)?)
    })
}

/// A challenge: its scheme, and its parameters in order.
#[derive(Debug, PartialEq)]
struct Challenge {
    scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.parameter(name) == Some(value)
    }
}

/// All challenges of one header. What does not follow the grammar is passed over.
fn challenges(text: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(|letter: char| !is_between(letter)) {
        rest = rest.get(start..).unwrap_or_default();
        let (word, after) = split_word(rest);
        let value = after.trim_start().strip_prefix('=').map(str::trim_start);
        // A name is followed by `=` and a value; a scheme, which may have none of its own, by a blank.
        rest = match (value, found.last_mut()) {
            _ if word.is_empty() => after.get(1..).unwrap_or_default(),
            (Some(value), Some(challenge)) => {
                let (value, after) = split_value(value);
                challenge.parameters.push((word.to_owned(), value));
                after
            }
            _ => {
                found.push(Challenge { scheme: word.to_owned(), parameters: Vec::new() });
                after
            }
        };
    }
    found
}

fn is_between(letter: char) -> bool {
    letter == ',' || letter.is_ascii_whitespace()
}

fn split_word(text: &str) -> (&str, &str) {
    let end = text.find(|letter: char| !(letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter)));
    text.split_at(end.unwrap_or(text.len()))
}

/// A value in quotation marks, or one that ends at a comma or a blank. It may hold `=`, such as the padding of base64.
fn split_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, after) = text.split_at(text.find(is_between).unwrap_or(text.len()));
        return (value.to_owned(), after);
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, quoted.get(at + 1..).unwrap_or_default()),
            '\\' => value.extend(letters.next().map(|(_, escaped)| escaped)),
            _ => value.push(letter),
        }
    }
    (value, "")
}

/// Claims in base64, with either alphabet, padded or not, if they are a JSON object.
fn decoded(text: &str) -> Option<String> {
    let alphabet = if text.contains(['-', '_']) { &alphabet::URL_SAFE } else { &alphabet::STANDARD };
    let bytes = GeneralPurpose::new(alphabet, EITHER_PADDING).decode(text).ok()?;
    if bytes.len() > LONGEST {
        return None;
    }
    serde_json::from_slice::<Map<String, Value>>(&bytes).ok()?;
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CLAIMS: &str = r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}"#;
    const ENCODED: &str = "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxNjA0MTA2NjUxIn19fQ==";

    fn wanted(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, value.parse().ok()?);
        }
        claims_wanted(&headers)
    }

    #[test]
    fn the_documented_challenge_is_read_whatever_its_padding() {
        for encoded in [ENCODED, ENCODED.trim_end_matches('='), &format!("{}=", ENCODED.trim_end_matches('='))] {
            let header = format!(
                "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
                 client_id=\"00000003-0000-0000-c000-000000000000\", error=\"insufficient_claims\", claims=\"{encoded}\""
            );
            assert_eq!(wanted(&[&header]).as_deref(), Some(CLAIMS), "{encoded}");
        }
        let bare = format!("bearer error=insufficient_claims,claims={ENCODED}");
        assert_eq!(wanted(&[&bare]).as_deref(), Some(CLAIMS));
    }

    #[test]
    fn it_is_found_among_other_challenges() {
        let first = r#"PoP realm="a, b=\"c\"", error="insufficient_claims", claims="e30=""#;
        let second = format!("Basic, Bearer error=\"insufficient_claims\", claims=\"{ENCODED}\", Negotiate");
        assert_eq!(wanted(&[first, &second]).as_deref(), Some(CLAIMS));
        assert_eq!(wanted(&[&format!("{first}, {second}")]).as_deref(), Some(CLAIMS));
    }

    #[test]
    fn what_is_no_such_challenge_wants_nothing() {
        for header in [
            "Bearer",
            "Bearer error=\"invalid_token\", claims=\"e30=\"",
            "Bearer error=\"insufficient_claims\"",
            "Bearer error=\"insufficient_claims\", claims=\"W10=\"",
            "Bearer error=\"insufficient_claims\", claims=\"%%%\"",
            "Basic error=\"insufficient_claims\", claims=\"e30=\"",
            "error=\"insufficient_claims\", claims=\"e30=\"",
            "",
        ] {
            assert_eq!(wanted(&[header]), None, "{header}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic_or_loop(text in "[ -~]{0,120}") {
            let _ = wanted(&[&text]);
        }

        #[test]
        fn any_quoted_value_comes_back(value in "[ -~]{0,40}", scheme in "[A-Za-z]{1,8}") {
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
            let read = challenges(&format!("{scheme} a=\"{quoted}\" , b = c"));
            let parameters = vec![("a".to_owned(), value), ("b".to_owned(), "c".to_owned())];
            prop_assert_eq!(read, vec![Challenge { scheme, parameters }]);
        }
    }
}
