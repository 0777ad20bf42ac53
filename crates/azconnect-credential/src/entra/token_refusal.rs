//! The body with which the token endpoint refuses.

use std::fmt;

use serde_json::Value;
use uuid::Uuid;

use super::code::EntraCode;

/// The longest error word that is read, in letters. The longest of the standards has 26.
const LONGEST_WORD: usize = 40;

/// What the token endpoint's refusal says, in codes and in a description.
///
/// Document: Microsoft's *OAuth 2.0 client credentials flow on the Microsoft identity platform*, section *Error response*.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenRefusal {
    /// The word of the OAuth standards, such as `invalid_client`.
    pub error: Option<String>,
    /// The word by which the service says what helps (`suberror`), such as `consent_required`.
    pub suberror: Option<String>,
    /// What the next request must ask for (`claims`), as JSON.
    pub claims: Option<String>,
    /// The numbers: those listed in `error_codes`, else those of the description.
    pub codes: Vec<EntraCode>,
    /// The service's id of the request (`trace_id`), for Microsoft's support.
    pub trace_id: Option<Uuid>,
    /// The description in the service's words. It may quote what was sent, and is no part of `Debug`.
    pub description: String,
    /// Whether the body is a web page, or anything else that is not the documented JSON.
    pub foreign: bool,
}

impl TokenRefusal {
    /// Reads a body of any kind. Whatever is not the documented JSON is searched for numbers.
    pub fn read(body: &[u8]) -> Self {
        let body = body.strip_prefix(b"\xef\xbb\xbf".as_slice()).unwrap_or(body);
        let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
            let foreign = !body.iter().all(u8::is_ascii_whitespace);
            return Self { foreign, codes: EntraCode::all_in(body), ..Self::default() };
        };
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        let listed = fields.get("error_codes").and_then(Value::as_array).into_iter().flatten();
        let listed: Vec<_> = listed.filter_map(|number| u32::try_from(number.as_u64()?).ok()).collect();
        let codes = match listed.as_slice() {
            // The description is prose for people, so it is searched only where the service lists no number.
            [] => EntraCode::all_in(text("error_description").unwrap_or_default()),
            numbers => numbers.iter().copied().map(EntraCode::new).collect(),
        };
        let word = |name: &str| text(name).filter(|word| is_word(word)).map(str::to_owned);
        Self {
            error: word("error"),
            suberror: word("suberror"),
            claims: text("claims").map(str::to_owned),
            codes,
            trace_id: text("trace_id").and_then(|id| Uuid::try_parse(id).ok()),
            description: text("error_description").unwrap_or_default().to_owned(),
            foreign: !fields.contains_key("error"),
        }
    }
}

impl fmt::Debug for TokenRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the word: nobody has checked yet that it is one of the standards'.
        f.debug_struct("TokenRefusal").field("codes", &self.codes).finish_non_exhaustive()
    }
}

fn is_word(text: &str) -> bool {
    text.len() <= LONGEST_WORD && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(body: &str) -> Vec<u32> {
        TokenRefusal::read(body.as_bytes()).codes.into_iter().map(EntraCode::number).collect()
    }

    #[test]
    fn the_documented_body_is_read() {
        let body = r#"{"error":"invalid_client","error_description":"AADSTS7000215: x","error_codes":[7000215],
            "trace_id":"255d1aef-8c98-452f-ac51-23d051240864","error_uri":"https://login.microsoftonline.com/error"}"#;
        let refusal = TokenRefusal::read(body.as_bytes());
        assert_eq!((refusal.error.as_deref(), refusal.foreign), (Some("invalid_client"), false));
        assert_eq!(refusal.codes, [EntraCode::new(7_000_215)]);
        assert!(refusal.trace_id.is_some() && refusal.suberror.is_none() && refusal.claims.is_none());
        let refusal = TokenRefusal::read(br#"{"error":"invalid_grant","suberror":"basic_action","claims":"{}"}"#);
        assert_eq!((refusal.suberror.as_deref(), refusal.claims.as_deref()), (Some("basic_action"), Some("{}")));
    }

    #[test]
    fn the_number_is_found_in_an_escaped_description_when_it_is_not_listed() {
        assert_eq!(
            numbers(r#"{"error":"invalid_client","error_description":"\u0041ADSTS7000222: \"x\"\r\n"}"#),
            [7_000_222]
        );
        assert_eq!(numbers(r#"{"error":"x","error_codes":["7000222",-1,null],"error_description":"AADSTS1"}"#), [1]);
    }

    #[test]
    fn a_body_of_somebody_else_is_foreign() {
        for body in ["<html>AADSTS90002</html>", r#"{"message":"AADSTS90002"}"#, "[]", "17"] {
            assert!(TokenRefusal::read(body.as_bytes()).foreign, "{body}");
        }
        assert_eq!(numbers("<html>AADSTS90002: Tenant</html>"), [90_002]);
        for body in ["", "  \n", "\u{feff}"] {
            assert_eq!(TokenRefusal::read(body.as_bytes()), TokenRefusal::default(), "{body:?}");
        }
    }

    #[test]
    fn what_is_no_word_is_left_behind() {
        let body = r#"{"error":"Some Secret 1"}"#;
        assert_eq!(TokenRefusal::read(body.as_bytes()), TokenRefusal::default());
    }
}
