//! Times that nobody means: of the service, of a connection's document, of a caller.

use std::time::Duration;

use azconnect_core::{Effect, ErrorKind, Secret};
use azconnect_credential::Candidate;
use azconnect_devops::{EndpointChange, NewToken, ProjectState, ReadyPolicy};
use azconnect_testkit::VirtualClock;
use serde_json::json;
use time::format_description::well_known::Rfc3339;
use time::macros::datetime;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

use crate::support::{Script, azurerm, endpoint, id, plain};

const LENGTHS: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_nanos(1),
    Duration::from_secs(i64::MAX as u64),
    Duration::from_secs(u64::MAX),
    Duration::MAX,
];

/// What a document may say of a time.
const TEXTS: [&str; 8] = [
    "9999-12-31T23:59:59.9999999-23:59",
    "0000-01-01T00:00:00+23:59",
    "0001-01-01T00:00:00",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:60Z",
    "-9999-01-01T00:00:00Z",
    "99999-01-01T00:00:00Z",
    "soon",
];

fn moments() -> [OffsetDateTime; 6] {
    let (east, west) = (UtcOffset::from_hms(25, 0, 0).unwrap(), UtcOffset::from_hms(-25, 0, 0).unwrap());
    [
        PrimitiveDateTime::MAX.assume_utc(),
        PrimitiveDateTime::MIN.assume_utc(),
        PrimitiveDateTime::MAX.assume_offset(west),
        PrimitiveDateTime::MIN.assume_offset(east),
        datetime!(9999-12-31 23:59:59 -23:59),
        datetime!(2026-11-21 0:00 UTC),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ends_beyond_what_can_be_written_is_refused_before_it_is_made() {
    for valid_to in moments() {
        let script =
            Script::new(|_| plain(200, json!({"patToken": {"authorizationId": crate::support::ID, "token": "t"}})));
        let organization = script.organization(&VirtualClock::new());
        let made = organization.create_personal_token(&NewToken::new("name", "vso.code", valid_to)).await;
        match made {
            Ok(_) => {
                let written = script.bodies("POST")[0]["validTo"].as_str().unwrap().to_owned();
                assert_eq!(OffsetDateTime::parse(&written, &Rfc3339).unwrap(), valid_to);
            }
            Err(error) => {
                assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("valid_to")), "{valid_to}");
                assert_eq!((error.effect(), script.calls().len()), (Effect::None, 0), "{valid_to}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_with_any_interval_and_limit_ends() {
    for interval in LENGTHS {
        for limit in [Duration::ZERO, Duration::from_secs(1)] {
            let script = Script::new(|_| {
                plain(200, {
                    let mut d = azurerm();
                    d["isReady"] = false.into();
                    d
                })
            });
            let clock = VirtualClock::new();
            let web = script.organization(&clock).endpoints(azconnect_devops::ProjectRef::new("Web").unwrap());
            let policy =
                ReadyPolicy::default().with_interval(interval.max(Duration::from_millis(300))).with_time_limit(limit);
            let error = web.wait_until_ready(id(), policy).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Timeout, "{interval:?} {limit:?}");
            assert!(web.wait_until_deleted(id(), policy).await.is_err(), "{interval:?} {limit:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_with_any_dates_is_read_compared_and_judged() {
    for text in TEXTS {
        for written in TEXTS {
            let mut document = azurerm();
            document["creationDate"] = text.into();
            document["modificationDate"] = text.into();
            document["data"]["revertSchemeDeadline"] = text.into();
            let mut after = document.clone();
            after["modificationDate"] = written.into();
            let connection = endpoint(document);
            let _ = (connection.revert_deadline(), connection.modification_date());
            let script = Script::new(move |request| match request.method().as_str() {
                "POST" => plain(200, json!({"statusCode": 500, "errorMessage": "AADSTS7000215: no"})),
                _ => plain(200, after.clone()),
            });
            let web = script
                .organization(&VirtualClock::starting_at(PrimitiveDateTime::MAX.assume_utc()))
                .endpoints(azconnect_devops::ProjectRef::new("Web").unwrap());
            let _ = web.update(&connection, &EndpointChange::new().with_description("kept")).await;
            let secret = Secret::new("new-secret");
            for minted_at in moments() {
                for propagation in LENGTHS {
                    let candidate = Candidate::new(&secret).with_minted_at(minted_at);
                    let assessment =
                        web.clone().with_propagation(propagation).verify_candidate(&connection, &candidate).await;
                    assert!(!assessment.is_accepted());
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_pause_the_service_names_the_next_call_ends() {
    for pause in
        ["-1", "18446744073709551615", "1e400", "Fri, 31 Dec 9999 23:59:59 GMT", "Sat, 01 Jan 0000 00:00:00 GMT", ""]
    {
        for status in [200, 429, 503] {
            let script = Script::new(move |_| {
                let headers = vec![("retry-after", pause.to_owned()), ("x-ratelimit-reset", pause.to_owned())];
                (status, headers, json!({"value": []}))
            });
            let organization = script.organization(&VirtualClock::new());
            for _ in 0..3 {
                let _ = organization.projects(ProjectState::All).await;
            }
        }
    }
}
