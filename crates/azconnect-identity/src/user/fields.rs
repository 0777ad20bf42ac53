//! The fields of an answer that came with a person's browser: foreign bytes.

use std::borrow::Cow;

use azconnect_core::Error;
use azconnect_credential::entra::{EntraCode, TokenRefusal};
use http::StatusCode;
use zeroize::Zeroizing;

use crate::refusal::refused;

/// How many bytes an answer has at most. A code has up to two thousand.
const LONGEST: usize = 32 * 1024;

/// How many fields an answer has at most.
const MOST_FIELDS: usize = 32;

/// The fields of an answer, each once.
pub(super) struct Fields(Vec<(String, Zeroizing<String>)>);

impl Fields {
    /// Reads `name=value&…` in percent encoding. What is no such text is refused, as is a field that stands twice: who reads the
    /// first would see another answer than who reads the last.
    pub(super) fn read(text: &[u8]) -> Result<Self, Error> {
        if text.len() > LONGEST {
            return Err(wrong("is longer than any answer of the login"));
        }
        let mut fields: Vec<(String, Zeroizing<String>)> = Vec::new();
        for pair in text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let (name, value) = pair.split_at(at);
            let name = decoded(name)?;
            let value = decoded(value.strip_prefix(b"=").unwrap_or(value))?;
            if fields.iter().any(|(known, _)| *known == *name) {
                return Err(wrong("has a field twice"));
            }
            if fields.len() == MOST_FIELDS {
                return Err(wrong("has more fields than any answer of the login"));
            }
            fields.push((name.to_string(), value));
        }
        Ok(Self(fields))
    }

    /// The value of a field, unless it is empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The refusal that the answer tells, if it is one.
    pub(super) fn refusal(&self) -> Option<Error> {
        let word = self.get("error")?;
        let description = self.get("error_description").unwrap_or_default();
        let is_word =
            |word: &&str| word.len() <= 40 && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let mut refusal = TokenRefusal::default();
        refusal.error = Some(word).filter(is_word).map(str::to_owned);
        // `error_subcode` says that the person left; `suberror` what would help.
        let sub = self.get("error_subcode").or_else(|| self.get("suberror"));
        refusal.suberror = sub.filter(is_word).map(str::to_owned);
        refusal.claims = self.get("claims").map(str::to_owned);
        refusal.codes = EntraCode::all_in(description);
        Some(refused(&refusal, StatusCode::BAD_REQUEST).in_operation("entra.authorize"))
    }
}

/// Resolves the encoding, and accepts nothing that is not in it.
fn decoded(bytes: &[u8]) -> Result<Zeroizing<String>, Error> {
    let mut clear = Zeroizing::new(Vec::with_capacity(bytes.len()));
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        clear.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
                let value = digit(rest.next()).zip(digit(rest.next())).map(|(high, low)| high * 16 + low);
                let value = value.and_then(|value| u8::try_from(value).ok());
                value.ok_or_else(|| wrong("is not percent-encoded"))?
            }
            other => *other,
        });
    }
    let text: Cow<'_, str> = match std::str::from_utf8(&clear) {
        Ok(text) if !text.contains('\0') => text.into(),
        _ => return Err(wrong("is no text")),
    };
    Ok(Zeroizing::new(text.into_owned()))
}

pub(super) fn wrong(why: &str) -> Error {
    Error::invalid("answer", format!("what came with the browser {why}")).with_advice("start the sign-in again")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_are_decoded() {
        let fields = Fields::read(b"code=a%2Bb+c&state=&x&&error_description=%C3%A9").unwrap();
        assert_eq!(fields.get("code"), Some("a+b c"));
        assert_eq!((fields.get("state"), fields.get("x"), fields.get("y")), (None, None, None));
        assert_eq!(fields.get("error_description"), Some("é"));
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        for text in [
            "code=a&code=b",
            "code=a&c%6Fde=b",
            "code=%",
            "code=%2",
            "code=%zz",
            "code=%+1",
            "code=%ff",
            "code=%00",
            "a&a",
        ] {
            assert_eq!(Fields::read(text.as_bytes()).err().unwrap().field(), Some("answer"), "{text}");
        }
        assert!(Fields::read("a".repeat(LONGEST + 1).as_bytes()).is_err());
        let many: Vec<_> = (0..=MOST_FIELDS).map(|number| format!("f{number}=x")).collect();
        assert!(Fields::read(many.join("&").as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(fields) = Fields::read(&bytes) {
                drop(fields.refusal());
            }
        }

        #[test]
        fn what_was_written_is_read(pairs in proptest::collection::btree_map("[a-z_]{1,8}", ".{1,30}", 0..10)) {
            let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            let fields = Fields::read(text.as_bytes());
            if pairs.values().any(|value| value.contains('\0')) {
                prop_assert!(fields.is_err());
            } else {
                let fields = fields.unwrap();
                for (name, value) in &pairs {
                    prop_assert_eq!(fields.get(name), Some(value.as_str()));
                }
            }
        }

        #[test]
        fn nothing_of_a_refusal_is_shown_but_what_is_known(
            word in "[G-Z]{12}", description in "[G-Z]{12}( AADSTS[0-9]{1,8})?", sub in "[G-Z]{12}",
        ) {
            let text = format!("error={word}&error_description={description}&error_subcode={sub}").replace(' ', "+");
            let error = Fields::read(text.as_bytes()).unwrap().refusal().unwrap();
            let shown = format!("{error} {error:?}");
            prop_assert!([word.as_str(), &description[..12], &sub].iter().all(|text| !shown.contains(*text)));
        }
    }
}
