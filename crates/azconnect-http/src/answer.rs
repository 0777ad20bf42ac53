//! Reading the body of an answer without showing any of it in an error.

use azconnect_core::{Error, ErrorKind};
use serde::de::DeserializeOwned;

use crate::transport::Response;

/// Reads a JSON body. A leading byte order mark is skipped.
///
/// # Errors
/// [`Unexpected`](ErrorKind::Unexpected) with the place of the first mistake, never with the text around it.
pub fn json<T: DeserializeOwned>(answer: &Response) -> Result<T, Error> {
    read_json(answer, |error| {
        format!("the answer is not the JSON expected (line {}, column {})", error.line(), error.column())
    })
}

/// Reads a JSON body that holds a secret: the error says nothing of what was there, not even where.
///
/// # Errors
/// [`Unexpected`](ErrorKind::Unexpected).
pub fn sensitive_json<T: DeserializeOwned>(answer: &Response) -> Result<T, Error> {
    read_json(answer, |_| "the answer is not the JSON expected".to_owned())
}

fn read_json<T: DeserializeOwned>(
    answer: &Response,
    describe: impl Fn(&serde_json::Error) -> String,
) -> Result<T, Error> {
    let body = answer.body();
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

/// The id the service gave the request, under the names that Azure's services use.
pub fn request_id(answer: &Response) -> Option<&str> {
    ["x-ms-request-id", "request-id", "x-ms-correlation-request-id", "activityid", "x-vss-e2eid"]
        .iter()
        .filter_map(|name| answer.headers().get(*name))
        .filter_map(|value| value.to_str().ok())
        .find(|value| !value.is_empty() && value.len() <= 128)
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_web_page_is_named_as_one() {
        let error = json::<u8>(&http::Response::new("\n <html>".into())).unwrap_err();
        assert!(error.advice().contains("web page"));
    }
}
