//! Ends that nobody means, under clocks that nobody sets.

use std::sync::Arc;

use azconnect_core::{Cloud, Effect, ErrorKind};
use azconnect_credential::Marker;
use azconnect_graph::{AppManagementPolicy, GraphClient, NewPassword, PasswordHolder};
use azconnect_http::Pipeline;
use azconnect_testkit::VirtualClock;
use serde_json::json;
use time::macros::datetime;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

use crate::stage::{CLIENT, KEY, Scripted, Tokens, answer};

fn moments() -> [OffsetDateTime; 8] {
    let (east, west) = (UtcOffset::from_hms(25, 0, 0).unwrap(), UtcOffset::from_hms(-25, 0, 0).unwrap());
    [
        PrimitiveDateTime::MAX.assume_utc(),
        PrimitiveDateTime::MIN.assume_utc(),
        PrimitiveDateTime::MAX.assume_offset(west),
        PrimitiveDateTime::MIN.assume_offset(east),
        datetime!(9999-12-31 23:59:59 -23:59),
        datetime!(0000-01-01 0:00 +23:59),
        datetime!(9999-12-30 0:00 UTC),
        datetime!(2026-11-21 0:00 UTC),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_password_that_would_end_at_any_moment_is_asked_for_or_refused() {
    for now in moments() {
        for end in moments() {
            let graph =
                Scripted::new(|_, _| Ok(answer(200, &json!({"keyId": KEY, "secretText": "s", "endDateTime": null}))));
            let pipeline = Pipeline::new(graph.clone(), Arc::new(VirtualClock::starting_at(now)));
            let client = GraphClient::new(pipeline, &Cloud::public(), Tokens::new("a-token"));
            let wish = NewPassword::new(Marker::new("azconnect 0001").unwrap(), end);
            let holder = PasswordHolder::ApplicationOf(CLIENT.parse().unwrap());
            if let Err(error) = client.add_password(holder, &wish).await {
                assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("ends_at")), "{now} {end}");
                assert_eq!((error.effect(), graph.seen().len()), (Effect::None, 0), "{now} {end}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_of_any_length_and_date_is_read() {
    for length in
        ["P99999999999999999999Y", "P18446744073709551615D", "PT18446744073709551615H", "P-1D", "P", "P1Y1Y", "-P1D"]
    {
        for date in ["9999-12-31T23:59:59-23:59", "0000-01-01T00:00:00+23:59", "-0001-01-01T00:00:00Z", "tomorrow"] {
            let document = json!({"isEnabled": true, "applicationRestrictions": {"passwordCredentials": [
                {"restrictionType": "passwordLifetime", "maxLifetime": length, "restrictForAppsCreatedAfterDateTime": date}
            ]}});
            let graph = Scripted::new(move |_, _| Ok(answer(200, &document)));
            let policy: AppManagementPolicy = graph.client().default_app_management_policy().await.unwrap();
            for created in moments() {
                assert_eq!(policy.max_lifetime(Some(created)), policy.max_lifetime(Some(created)), "{length} {date}");
                assert!(!policy.forbids_passwords(Some(created)));
            }
        }
    }
}
