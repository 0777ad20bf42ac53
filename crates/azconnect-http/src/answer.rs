//! Reading the body of an answer without showing any of it in an error.

use azconnect_core::{Error, ErrorKind};
use serde::de::DeserializeOwned;

use crate::buffer::SecretBuffer;
use crate::transport::Response;

/// Reads a JSON body. A leading byte order mark is skipped.
///
/// # Errors
/// [`Unexpected`](ErrorKind::Unexpected) with the place of the first mistake, never with the text around it.
pub fn json<T: DeserializeOwned>(answer: &Response) -> Result<T, Error> {
    read_json(answer, answer.body(), |error| {
        format!("the answer is not the JSON expected (line {}, column {})", error.line(), error.column())
    })
}

/// Reads a JSON body that holds a secret: the error says nothing of what was there, not even where, and no copy of a text
/// is left behind by reading it, but for one with an escaped quote, backslash or control character.
///
/// # Errors
/// [`Unexpected`](ErrorKind::Unexpected).
pub fn sensitive_json<T: DeserializeOwned>(answer: &Response) -> Result<T, Error> {
    let describe = |_: &serde_json::Error| "the answer is not the JSON expected".to_owned();
    match without_escapes(answer.body()) {
        Some(body) => read_json(answer, body.as_ref(), describe),
        None => read_json(answer, answer.body(), describe),
    }
}

/// A JSON text with every escaped character in clear that may stand so; `None` if nothing is escaped. The parser resolves
/// escapes in a buffer of its own, which it does not overwrite, and some services escape `+` or `&` in what they write.
fn without_escapes(body: &[u8]) -> Option<SecretBuffer> {
    body.contains(&b'\\').then(|| {
        let mut clear = SecretBuffer::with_capacity(body.len());
        let mut rest = body;
        // A backslash stands inside texts only, so the texts themselves need not be found.
        while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
            let (before, escape) = rest.split_at(at);
            clear.push(before);
            let length = match escaped(escape) {
                Some((character, length)) => {
                    clear.push(character.encode_utf8(&mut [0; 4]).as_bytes());
                    length
                }
                None => {
                    let length = escape.len().min(2);
                    clear.push(escape.get(..length).unwrap_or_default());
                    length
                }
            };
            rest = escape.get(length..).unwrap_or_default();
        }
        clear.push(rest);
        clear
    })
}

/// The character that an escape stands for, if it may stand in a text as it is, and the length of the escape.
fn escaped(escape: &[u8]) -> Option<(char, usize)> {
    match escape {
        [b'\\', b'/', ..] => Some(('/', 2)),
        [b'\\', b'u', digits @ ..] => {
            let digits = digits.get(..4).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
            let code = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
            let character = char::from_u32(code).filter(|c| *c >= ' ' && !matches!(c, '"' | '\\'))?;
            Some((character, 6))
        }
        _ => None,
    }
}

fn read_json<T: DeserializeOwned>(
    answer: &Response,
    body: &[u8],
    describe: impl Fn(&serde_json::Error) -> String,
) -> Result<T, Error> {
    let body = body.strip_prefix(b"\xef\xbb\xbf".as_slice()).unwrap_or(body);
    serde_json::from_slice(body).map_err(|error| {
        let mut failure = Error::new(ErrorKind::Unexpected, describe(&error)).with_http_status(answer.status().as_u16());
        if let Some(id) = request_id(answer) {
            failure = failure.with_request_id(id);
        }
        // A proxy or a sign-in page answers in the place of a service, often with status 200.
        let html = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<');
        failure.with_advice(if html {
            "a web page was answered instead: check the address, and whether a proxy or a sign-in page stands in between"
        } else {
            "report this with the request id; the answer may have been cut off on its way"
        })
    })
}

/// The id the service gave the request, under the names that Azure's services use. It goes into logs and errors, so what does
/// not look like such an id, made of hexadecimal digits and hyphens, is passed over: a service could say a secret back there.
pub fn request_id(answer: &Response) -> Option<&str> {
    ["x-ms-request-id", "request-id", "x-ms-correlation-request-id", "activityid", "x-vss-e2eid"]
        .iter()
        .filter_map(|name| answer.headers().get(*name))
        .filter_map(|value| value.to_str().ok())
        .find(|value| is_id(value))
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_does_not_look_like_an_id_is_none() {
        let of = |id: &str| {
            let answer = http::Response::builder().header("x-ms-request-id", id).body(Default::default()).unwrap();
            request_id(&answer).map(str::to_owned)
        };
        for id in ["a8a6e2b6-9e0c-4b8e-8a57-3f5ac9d6f0d1", "0HLQ", ""] {
            assert_eq!(of(id).is_some(), id.starts_with('a'), "{id}");
        }
        assert_eq!(of("Abc8Q~said.back.by.the.service_0001"), None);
        assert_eq!(of(&"a".repeat(65)), None);
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        let answer = http::Response::new("\u{feff}[1]".into());
        assert_eq!(json::<Vec<u8>>(&answer).unwrap(), [1]);
    }

    #[test]
    fn the_error_of_a_bad_body_shows_nothing_of_it() {
        let answer = http::Response::new("{\"a\":\"s3cr3t\"}".into());
        let error = json::<Vec<u8>>(&answer).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("s3cr3t"));
        assert!(error.to_string().contains("line 1"));
    }

    proptest! {
        #[test]
        fn a_secret_is_read_the_same_however_it_is_escaped(text in ".*", mask in any::<u64>()) {
            let mut written = String::from("\"");
            for (number, c) in text.chars().enumerate() {
                if mask >> (number % 64) & 1 == 0 && c >= ' ' && c != '"' && c != '\\' {
                    written.push(c);
                } else {
                    c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| written.push_str(&format!("\\u{unit:04X}")));
                }
            }
            written.push('"');
            prop_assert_eq!(sensitive_json::<String>(&http::Response::new(written.into())).unwrap(), text);
        }

        #[test]
        fn whatever_is_answered_is_read_as_the_json_library_reads_it(body in r#"\PC{0,6}([\\"\\\\/bfu0-9a-fA-F]|\[|\]){0,24}"#) {
            for body in [body.clone(), format!("\"{body}\""), format!("[\"{body}")] {
                let expected = serde_json::from_str::<String>(&body).ok();
                prop_assert_eq!(sensitive_json::<String>(&http::Response::new(body.into())).ok(), expected);
            }
        }
    }

    #[test]
    fn a_web_page_is_named_as_one() {
        let error = json::<u8>(&http::Response::new("\n <html>".into())).unwrap_err();
        assert!(error.advice().contains("web page"));
    }
}
