//! A long list of connections, read one by one.

use std::fmt;
use std::ops::Range;

use azconnect_core::{Error, ErrorKind};
use azconnect_http::Response;
use bytes::Bytes;
use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;

use crate::document::Endpoint;

/// The connections of one answer. Each is parsed when it is asked for.
pub struct EndpointScan {
    body: Bytes,
    // Ranges and not slices: the iterator owns the body into which they point.
    places: std::vec::IntoIter<Range<usize>>,
}

/// How many records of one answer are read at most. A record of two characters takes 32 bytes once it is found, so their
/// number is bounded beside the size of the answer.
const MOST_RECORDS: usize = 100_000;

/// How many bytes one connection may take: a document of small parts takes about 70 times its size once it is parsed.
const RECORD_BYTES: usize = 1024 * 1024;

#[derive(Deserialize)]
struct Wrapped<'a> {
    /// Required: an answer without it is no list, and must not be read as an empty one.
    #[serde(borrow)]
    value: Records<'a>,
}

/// The records of a list, each where it stands in the answer.
struct Records<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Records<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Vec<&'de RawValue>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of connections")
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut records = Vec::new();
                while let Some(record) = list.next_element()? {
                    if records.len() == MOST_RECORDS {
                        return Err(de::Error::custom("too many connections"));
                    }
                    records.push(record);
                }
                Ok(records)
            }
        }
        deserializer.deserialize_seq(Visitor).map(Self)
    }
}

impl EndpointScan {
    /// Finds the records of `{"value": […]}` or of a bare array.
    pub(super) fn new(answer: &Response) -> Result<Self, Error> {
        let body = answer.body().clone();
        let text = body.strip_prefix(b"\xef\xbb\xbf".as_slice()).unwrap_or(&body);
        let bare = text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
        let records: Result<Vec<&RawValue>, _> = if bare {
            serde_json::from_slice::<Records<'_>>(text).map(|records| records.0)
        } else {
            serde_json::from_slice::<Wrapped<'_>>(text).map(|list| list.value.0)
        };
        let records = records.map_err(|error| {
            Error::new(
                ErrorKind::Unexpected,
                format!(
                    "the list of connections is not the JSON expected (line {}, column {})",
                    error.line(),
                    error.column()
                ),
            )
            .with_advice("report this with the request id; the answer may have been cut off on its way")
        })?;
        let start = body.as_ptr() as usize;
        let place = |record: &&RawValue| {
            let from = record.get().as_ptr() as usize - start;
            from..from + record.get().len()
        };
        let places: Vec<_> = records.iter().map(place).collect();
        Ok(Self { places: places.into_iter(), body })
    }
}

impl Iterator for EndpointScan {
    type Item = Result<Endpoint, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let place = self.places.next()?;
        let record = self.body.get(place).unwrap_or_default();
        Some(match record {
            b"null" => Err(Error::new(ErrorKind::Unexpected, "a record of the list is null")),
            record if record.len() > RECORD_BYTES => {
                let message = format!("a connection of the list is larger than {RECORD_BYTES} bytes");
                Err(Error::new(ErrorKind::Unexpected, message).with_advice("look at the connection in the portal"))
            }
            record => Endpoint::from_json(record),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.places.size_hint()
    }
}

impl ExactSizeIterator for EndpointScan {}

impl fmt::Debug for EndpointScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointScan").field("left", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(body: &str) -> Result<Vec<Result<Endpoint, Error>>, Error> {
        Ok(EndpointScan::new(&Response::new(body.to_owned().into()))?.collect())
    }

    #[test]
    fn ten_thousand_connections_and_an_odd_record_are_passed_over() {
        let one = r#"{"id":"5e47a0d8-c745-44f8-8f93-784f18ff31c4","name":"a"}"#;
        let body = format!("\u{feff}{{\"count\":10002,\"value\":[{},{{\"id\":7}},null]}}", vec![one; 10_000].join(","));
        let found = scan(&body).unwrap();
        assert_eq!(found.iter().filter(|record| record.is_ok()).count(), 10_000);
        // A record that is null is an odd one, and not a connection that is missing.
        let kinds: Vec<_> = found.iter().filter_map(|record| record.as_ref().err()).map(Error::kind).collect();
        assert_eq!(kinds, [ErrorKind::Unexpected, ErrorKind::Unexpected]);
        assert_eq!(found.len(), 10_002);
    }

    #[test]
    fn endless_records_and_an_endless_record_are_refused() {
        for (open, close) in [("[", "]"), ("{\"value\":[", "]}")] {
            let full = format!("{open}{}{close}", vec!["{}"; 100_000].join(","));
            assert_eq!(scan(&full).unwrap().len(), 100_000);
            let more = format!("{open}{}{close}", vec!["{}"; 100_001].join(","));
            assert_eq!(scan(&more).unwrap_err().kind(), ErrorKind::Unexpected);
            let large = format!("{open}{{\"data\":[{}]}}{close}", vec!["0"; RECORD_BYTES].join(","));
            let error = scan(&large).unwrap().remove(0).unwrap_err();
            assert!(error.message().contains("larger than 1048576 bytes"), "{error}");
        }
    }

    #[test]
    fn every_wrapping_is_read_and_a_cut_off_answer_is_an_error() {
        let one = r#"[{"id":"5e47a0d8-c745-44f8-8f93-784f18ff31c4"}]"#;
        assert_eq!(scan(one).unwrap().len(), 1);
        assert_eq!(scan(r#"{"count":0,"value":[]}"#).unwrap().len(), 0);
        for cut in [r#"{"count":2,"value":[{"id":"5e"#, r#"[{"id":1}"#, "", "7", "null", "{}"] {
            let error = scan(cut).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unexpected, "{cut}");
        }
    }
}
