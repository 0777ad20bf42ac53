//! The wrapping of a failure, wherever the service put it.

use azconnect_credential::entra::EntraCode;
use azconnect_http::Response;
use serde::Deserialize;

/// The codes in the body of a failure, and its text, which is shown only without what was sent.
#[derive(Default)]
pub(super) struct Envelope {
    pub(super) type_key: Option<String>,
    pub(super) message: String,
    /// Whether the header stood there in which the service repeats its failures.
    has_header: bool,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default, alias = "Message")]
    message: Option<String>,
    #[serde(default, rename = "typeKey", alias = "TypeKey")]
    type_key: Option<String>,
}

impl Envelope {
    pub(super) fn of(answer: &Response) -> Self {
        let body = answer.body();
        let body = body.strip_prefix(b"\xef\xbb\xbf".as_slice()).unwrap_or(body);
        let header = answer.headers().get("x-tfs-serviceerror").and_then(|value| value.to_str().ok());
        let has_header = header.is_some();
        if let Ok(wire) = serde_json::from_slice::<Wire>(body) {
            let type_key = wire.type_key.filter(|key| is_identifier(key));
            return Self { type_key, message: wire.message.unwrap_or_default(), has_header };
        }
        let message = match header {
            // Written as a form value: `+` for a blank, `%3A` for a colon.
            Some(value) => url::form_urlencoded::parse(value.as_bytes()).map(|(name, _)| name.into_owned()).collect(),
            None if super::looks_like_html(body) => String::new(),
            None => String::from_utf8_lossy(body).into_owned(),
        };
        Self { type_key: None, message, has_header }
    }

    /// Whether Azure DevOps itself speaks, and not a proxy on the way: it gives its failures a type key or a code, or repeats
    /// them in a header.
    pub(super) fn is_the_service_s(&self) -> bool {
        self.has_header || self.type_key.is_some() || self.code().is_some()
    }

    /// The service's own code in the text: `TF…` or `VS…` followed by digits.
    pub(super) fn code(&self) -> Option<&str> {
        self.message.split(|c: char| !c.is_ascii_alphanumeric()).find(|word| is_code(word))
    }

    /// The code of Entra ID in the text, where the service passes on what Entra ID said.
    pub(super) fn entra_code(&self) -> Option<EntraCode> {
        EntraCode::most_telling(&EntraCode::all_in(&self.message))
    }
}

fn is_code(word: &str) -> bool {
    ["TF", "VS"].iter().any(|prefix| {
        word.strip_prefix(prefix)
            .is_some_and(|digits| (5..=8).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit()))
    })
}

/// A type key is the name of a class; anything else is not repeated.
fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.len() <= 80 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_words_of_their_own() {
        assert!(is_code("TF400813") && is_code("VS800075"));
        assert!(!is_code("TF") && !is_code("VSTS") && !is_code("TF40O813") && !is_code("XTF400813"));
    }

    #[test]
    fn a_type_key_that_is_no_name_is_not_repeated() {
        let answer = Response::new(r#"{"typeKey":"a secret, perhaps"}"#.into());
        assert_eq!(Envelope::of(&answer).type_key, None);
    }
}
