//! What the token endpoints of platforms answer.

use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind, Secret};
use azconnect_http::{Response, sensitive_json};
use serde::Deserialize;
use serde::de::IgnoredAny;
use time::OffsetDateTime;

use crate::source::FetchedToken;

/// From this life on a token is renewed at half of it: a platform that is not working for hours then goes unnoticed.
const LONG_LIFE: Duration = Duration::from_secs(2 * 3600);

#[derive(Deserialize)]
struct Wire {
    access_token: Secret,
    #[serde(default)]
    expires_in: Option<Number>,
    #[serde(default)]
    expires_on: Option<Number>,
    #[serde(default)]
    token_type: Option<String>,
}

/// A number, as most platforms write it: in quotation marks.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Figure(u64),
    Text(String),
    Other(IgnoredAny),
}

impl Number {
    fn value(&self) -> Option<u64> {
        match self {
            Self::Figure(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Other(_) => None,
        }
    }
}

/// The token of an answer. Some say how long it lives (`expires_in`), all say when it ends (`expires_on`, in seconds since 1970).
pub(super) fn token(answer: &Response, now: OffsetDateTime) -> Result<FetchedToken, Error> {
    let wire: Wire = sensitive_json(answer).map_err(|error| error.with_effect(Effect::None))?;
    let unexpected = |why: &str| {
        Error::new(ErrorKind::Unexpected, why).with_effect(Effect::None).with_http_status(answer.status().as_u16())
    };
    let bearer = wire.token_type.is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
    if !bearer || wire.access_token.is_empty() {
        return Err(unexpected("the answer holds no bearer token"));
    }
    // The length first: it does not depend on this machine's clock.
    let counted = wire.expires_in.as_ref().and_then(Number::value);
    let life = counted.or_else(|| {
        let end = i64::try_from(wire.expires_on.as_ref()?.value()?).ok()?;
        u64::try_from(end.saturating_sub(now.unix_timestamp()).max(0)).ok()
    });
    let life = Duration::from_secs(life.ok_or_else(|| unexpected("the answer does not say when the token ends"))?);
    if life.is_zero() {
        return Err(unexpected("the token that was given has ended already")
            .with_retry(azconnect_core::Retry::Backoff)
            .with_advice("check this machine's clock; if it is right, try again later"));
    }
    let refresh_in = (life >= LONG_LIFE).then_some(life / 2);
    Ok(FetchedToken::new(wire.access_token, life).with_refresh_in(refresh_in))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-21 10:00 UTC);

    fn read(body: &str) -> Result<FetchedToken, Error> {
        token(&http::Response::new(body.to_owned().into()), NOW)
    }

    fn life(body: &str) -> u64 {
        read(body).unwrap().expires_in.as_secs()
    }

    #[test]
    fn the_life_of_a_token_is_read_however_it_is_written() {
        let end = NOW.unix_timestamp() + 3000;
        assert_eq!(life(r#"{"access_token":"t","expires_in":"3599","expires_on":"1"}"#), 3599);
        assert_eq!(life(r#"{"access_token":"t","expires_in":3599,"token_type":"Bearer"}"#), 3599);
        assert_eq!(life(&format!(r#"{{"access_token":"t","expires_on":"{end}","token_type":"bearer"}}"#)), 3000);
        assert_eq!(life(&format!(r#"{{"access_token":"t","expires_on":{end},"expires_in":null}}"#)), 3000);
        assert_eq!(life(&format!(r#"{{"access_token":"t","expires_on":"{end}","expires_in":""}}"#)), 3000);
    }

    #[test]
    fn a_token_that_lives_for_hours_is_renewed_at_half_its_life() {
        let long = read(r#"{"access_token":"t","expires_in":"86400"}"#).unwrap();
        assert_eq!(long.refresh_in, Some(Duration::from_secs(43_200)));
        assert_eq!(read(r#"{"access_token":"t","expires_in":"7199"}"#).unwrap().refresh_in, None);
    }

    #[test]
    fn what_is_no_token_with_an_end_is_refused_unseen() {
        for body in [
            r#"{"access_token":"s3cr3t"}"#,
            r#"{"access_token":"s3cr3t","expires_on":"11/21/2026 10:00:00 AM +00:00"}"#,
            r#"{"access_token":"s3cr3t","expires_in":[]}"#,
            r#"{"access_token":"s3cr3t","expires_in":"0"}"#,
            r#"{"access_token":"s3cr3t","expires_on":"1763000000"}"#,
            r#"{"access_token":"s3cr3t","expires_in":"3599","token_type":"pop"}"#,
            r#"{"access_token":"","expires_in":"3599"}"#,
            r#"{"access_token":{"s3cr3t":1}}"#,
            "<html>s3cr3t</html>",
        ] {
            let error = read(body).unwrap_err();
            assert_eq!((error.kind(), error.effect()), (ErrorKind::Unexpected, Effect::None), "{body}");
            assert!(!format!("{error:?}{error}").contains("s3cr3t"), "{error:?}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic_or_is_shown(body in proptest::collection::vec(any::<u8>(), 0..200), number in any::<u64>()) {
            let _ = token(&http::Response::new(body.into()), NOW);
            for text in [format!("{number}"), format!("\"{number}\"")] {
                let body = format!(r#"{{"access_token":"s3cr3t","expires_in":null,"expires_on":{text}}}"#);
                match read(&body) {
                    Ok(token) => prop_assert!(!token.expires_in.is_zero()),
                    Err(error) => {
                        let shown = format!("{error:?}");
                        prop_assert!(!shown.contains("s3cr3t"));
                    }
                }
            }
        }
    }
}
