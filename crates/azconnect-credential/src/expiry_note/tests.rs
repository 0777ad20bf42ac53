//! How a credential stands after looks in any order.

use azconnect_core::ErrorKind;
use time::macros::datetime;

use super::*;

const START: OffsetDateTime = datetime!(2026-06-01 8:00 UTC);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
const KEY: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

fn record(secret: &str, ends_at: Option<OffsetDateTime>) -> ConnectionRecord {
    let id = |last: u8| format!("d1b2c3d4-0000-4000-8000-00000000000{last}");
    let credential = CredentialKind::client_secret(secret.parse().unwrap(), ends_at);
    ConnectionRecord::new(
        "shop".parse().unwrap(),
        id(1).parse().unwrap(),
        id(2).parse().unwrap(),
        id(3).parse().unwrap(),
        credential,
    )
    .with_created_at(START)
}

fn unread() -> EndReading {
    EndReading::Unread(Diagnosis::new(ErrorKind::PermissionDenied, "it may not read itself"))
}

fn absent() -> EndReading {
    EndReading::Absent(Diagnosis::new(ErrorKind::NotFound, "the key is not listed"))
}

fn listed(ends_at: Option<OffsetDateTime>) -> EndReading {
    EndReading::Listed(ListedEnd::new(KEY.parse().unwrap(), EndSource::ListedByKey, ends_at))
}

/// A note, and the record that it is on.
struct Stage(ConnectionRecord, ExpiryNote);

impl Stage {
    fn new(ends_at: Option<OffsetDateTime>) -> Self {
        let record = record("connection/shop/1", ends_at);
        let note = ExpiryNote::new(&record).unwrap();
        Self(record, note)
    }

    fn look(&mut self, reading: &EndReading, now: OffsetDateTime) -> ExpiryLook {
        self.1.look(&self.0, reading, &ExpiryPolicy::default(), now)
    }

    /// The step that a look without an answer of the service notes.
    fn noted(&mut self, now: OffsetDateTime) -> Option<String> {
        self.look(&unread(), now).noted.map(|crossing| crossing.step.to_string())
    }

    fn open(&self) -> Vec<String> {
        self.1.open().iter().map(|crossing| crossing.step.to_string()).collect()
    }
}

#[test]
fn each_point_is_noted_once_on_the_way_to_the_end() {
    let end = START + 120 * DAY;
    let mut stage = Stage::new(Some(end));
    let mut noted = Vec::new();
    for day in 0..125 {
        for hour in [0, 6, 12] {
            noted.extend(stage.noted(START + day * DAY + hour * HOUR).map(|step| (day, step)));
        }
    }
    let wanted = [(30, "90 days"), (90, "30 days"), (113, "7 days"), (119, "1 day"), (120, "ended")];
    assert_eq!(noted.len(), wanted.len(), "{noted:?}");
    for ((day, step), (on, text)) in noted.iter().zip(wanted) {
        assert!(*day == on && step.starts_with(text), "{noted:?}");
    }
    assert_eq!(stage.open().len(), 5, "what nobody acknowledged stays");
}

#[test]
fn of_several_points_that_were_passed_the_nearest_to_the_end_stands_for_all() {
    let mut stage = Stage::new(Some(START + 5 * DAY));
    assert_eq!(stage.noted(START).as_deref(), Some("7 days before the end"));
    assert_eq!(stage.noted(START), None);
    assert_eq!(stage.noted(START + 20 * DAY).as_deref(), Some("ended"));
}

#[test]
fn a_clock_that_goes_back_has_nothing_noted_twice() {
    let mut stage = Stage::new(Some(START + 120 * DAY));
    assert!(stage.noted(START + 100 * DAY).is_some());
    let told = stage.1.open().to_vec();
    for day in [95, 90, 20, 0, 100, 112] {
        assert_eq!(stage.noted(START + day * DAY), None, "{day}");
    }
    assert_eq!(stage.1.open(), told, "nor is it lost");
    assert_eq!(stage.noted(START + 113 * DAY).as_deref(), Some("7 days before the end"));
    // Once it was acknowledged, it does not come back.
    let all: Vec<_> = stage.1.open().iter().map(|open| open.id).collect();
    assert!(all.into_iter().all(|id| stage.1.acknowledge(id)));
    for day in [0, 113] {
        assert_eq!((stage.noted(START + day * DAY), stage.open()), (None, vec![]), "{day}");
    }
}

#[test]
fn one_look_by_a_clock_that_is_ahead_silences_nothing() {
    let end = START + 120 * DAY;
    let mut stage = Stage::new(Some(end));
    assert_eq!(stage.noted(START + 35 * DAY).as_deref(), Some("90 days before the end"));
    assert_eq!(stage.noted(START + 400 * DAY).as_deref(), Some("ended"));
    assert_eq!(stage.noted(START + 36 * DAY), None, "what was told by the right clock is not told again");
    assert_eq!(stage.open(), ["90 days before the end"], "it has not ended");
    let mut noted = Vec::new();
    for day in 37..125 {
        noted.extend(stage.noted(START + day * DAY).map(|step| (day, step)));
    }
    let wanted = [(90, "30 days before the end"), (113, "7 days before the end"), (119, "1 day before the end")];
    let wanted = wanted.into_iter().chain([(120, "ended")]).map(|(day, step)| (day, step.to_owned()));
    assert_eq!(noted, wanted.collect::<Vec<_>>());
    assert_eq!(stage.open().len(), 5);
    for day in [200, 399, 400, 500] {
        assert_eq!((stage.noted(START + day * DAY), stage.open().len()), (None, 5), "{day}");
    }
}

#[test]
fn a_false_end_does_not_hide_that_the_key_is_gone() {
    let mut stage = Stage::new(Some(START + 300 * DAY));
    assert_eq!(stage.noted(START + 400 * DAY).as_deref(), Some("ended"));
    let days = [1, 2, 3].map(|day| stage.look(&absent(), START + day * DAY).expiry.as_str());
    assert_eq!(days, ["unknown", "unknown", "gone"]);
    assert_eq!(stage.open(), ["gone before its end"]);
}

fn ended() -> EndReading {
    EndReading::Ended(Diagnosis::new(ErrorKind::Unauthenticated, "it has expired"))
}

fn signed_in() -> EndReading {
    EndReading::SignedIn(Diagnosis::new(ErrorKind::PermissionDenied, "it may not read itself"))
}

#[test]
fn what_the_service_says_has_ended_is_expired_at_once_by_whatever_clock() {
    for known in [None, Some(START + 300 * DAY), Some(START - DAY)] {
        let mut stage = Stage::new(known);
        let found = stage.look(&ended(), START);
        let at = known.map_or(START, |known| known.min(START));
        let source = if at < START { EndSource::Recorded } else { EndSource::Refused };
        assert_eq!((found.expiry, found.source), (Expiry::Expired { ends_at: at }, source), "{known:?}");
        assert_eq!(found.noted.map(|noted| noted.step), Some(ExpiryStep::Ended));
        assert!(found.problem.is_some());
        for (reading, day) in [(unread(), 1), (ended(), 2), (absent(), 3), (absent(), 4), (absent(), 5)] {
            let found = stage.look(&reading, START + day * DAY);
            assert_eq!((found.expiry, found.noted), (Expiry::Expired { ends_at: at }, None), "{day}");
        }
        let earlier = stage.look(&unread(), START - 100 * DAY);
        assert_eq!((earlier.expiry.as_str(), earlier.noted), ("expired", None), "a clock that goes back");
        assert_eq!(stage.open(), ["ended"]);
    }
}

#[test]
fn a_secret_that_signs_in_is_neither_ended_nor_gone_nor_doubted() {
    let mut stage = Stage::new(Some(START + 400 * DAY));
    for (first, shown) in [(absent(), "unknown"), (ended(), "expired")] {
        assert_eq!(stage.look(&first, START + DAY).expiry.as_str(), shown);
        let found = stage.look(&signed_in(), START + DAY);
        assert_eq!((found.expiry.as_str(), found.problem.is_some()), ("fresh", true));
        assert!(stage.1.is_empty(), "{shown}: {:?}", stage.1);
    }
    for day in 2..5 {
        stage.look(&absent(), START + day * DAY);
    }
    assert_eq!(stage.open(), ["gone before its end"]);
    assert_eq!(stage.look(&signed_in(), START + 5 * DAY).expiry.as_str(), "fresh");
    assert!(stage.1.is_empty());
    let mut unsaid = Stage::new(None);
    unsaid.look(&ended(), START);
    assert_eq!(unsaid.look(&signed_in(), START).expiry, Expiry::Unknown);
    assert!(unsaid.1.is_empty());
}

#[test]
fn processes_whose_clocks_disagree_count_no_spaced_absences_within_seconds() {
    let mut stage = Stage::new(None);
    stage.look(&listed(None), START);
    let ahead = HOUR + HOUR / 2;
    for second in 0..20 {
        let at = START + DAY + Duration::from_secs(second);
        assert_eq!(stage.look(&absent(), at).expiry, Expiry::Unknown, "{second}");
        assert_eq!(stage.look(&absent(), at + ahead).expiry, Expiry::Unknown, "{second}");
    }
    // Clocks that differ by less than the spacing do not keep each other from counting.
    let mut days = Vec::new();
    for day in 3..6 {
        days.push(stage.look(&absent(), START + day * DAY + HOUR / 2).expiry.as_str());
        stage.look(&absent(), START + day * DAY);
    }
    assert_eq!(days.last(), Some(&"gone"), "{days:?}");
}

#[test]
fn a_policy_with_other_thresholds_repeats_nothing() {
    let mut stage = Stage::new(Some(START + 20 * DAY));
    assert!(stage.noted(START).is_some(), "30 days");
    let other = ExpiryPolicy::new([60 * DAY, 14 * DAY]).unwrap();
    assert_eq!(stage.1.look(&stage.0, &unread(), &other, START).noted, None);
    let step = stage.1.look(&stage.0, &unread(), &other, START + 6 * DAY).noted.unwrap().step;
    assert_eq!(step, ExpiryStep::Before { left: 14 * DAY });
}

#[test]
fn what_the_service_lists_counts_more_than_what_a_person_said() {
    let mut stage = Stage::new(Some(START + 5 * DAY));
    assert_eq!(stage.look(&unread(), START).source, EndSource::Recorded);
    assert_eq!(stage.open(), ["7 days before the end"]);
    // It ends later than was said: what was noted is not true any more, and is not open either.
    let found = stage.look(&listed(Some(START + 40 * DAY)), START);
    assert_eq!((found.expiry.ends_at(), found.source), (Some(START + 40 * DAY), EndSource::ListedByKey));
    assert_eq!(stage.open(), ["90 days before the end"]);
    // A key's end never changes, so it holds as well where nobody may read it any more.
    let later = stage.look(&unread(), START + DAY);
    assert_eq!((later.expiry.ends_at(), later.source), (Some(START + 40 * DAY), EndSource::ListedByKey));
    assert!(later.noted.is_none() && later.problem.is_some());
    // Nor does an answer without the end take it away.
    assert_eq!(stage.look(&listed(None), START + DAY).expiry.ends_at(), Some(START + 40 * DAY));
}

#[test]
fn what_nobody_says_the_end_of_is_unknown_and_never_fresh() {
    let mut stage = Stage::new(None);
    for reading in [unread(), listed(None), absent()] {
        let found = stage.look(&reading, START);
        assert_eq!((found.expiry, found.source, found.noted), (Expiry::Unknown, EndSource::Unknown, None));
    }
}

#[test]
fn a_key_is_gone_once_spaced_reads_do_not_list_it_and_not_before() {
    let end = START + 400 * DAY;
    let mut stage = Stage::new(None);
    assert!(matches!(stage.look(&listed(Some(end)), START).expiry, Expiry::Fresh { .. }));
    // A late replica, asked ten times in a row, is one read.
    for second in 0..10 {
        let found = stage.look(&absent(), START + DAY + Duration::from_secs(second));
        assert_eq!((found.expiry, found.noted), (Expiry::Unknown, None), "doubted, so not fresh, and nothing told");
        assert!(found.problem.is_some());
    }
    assert!(matches!(stage.look(&listed(Some(end)), START + DAY).expiry, Expiry::Fresh { .. }), "listed again");
    let days = [2, 3, 4].map(|day| stage.look(&absent(), START + day * DAY));
    assert_eq!(days.each_ref().map(|found| found.expiry.as_str()), ["unknown", "unknown", "gone"]);
    let noted = days[2].noted.clone().unwrap();
    assert_eq!((noted.step, noted.ends_at), (ExpiryStep::Gone, Some(end)));
    assert!(noted.problem.is_some());
    // Told once, and neither its thresholds nor its end are of interest any more.
    for day in [5, 380, 500] {
        let found = stage.look(&unread(), START + day * DAY);
        assert_eq!((found.expiry, found.noted), (Expiry::Gone, None), "{day}");
    }
}

#[test]
fn a_key_that_is_listed_again_was_never_gone() {
    let mut stage = Stage::new(None);
    stage.look(&listed(Some(START + 400 * DAY)), START);
    for day in 1..4 {
        stage.look(&absent(), START + day * DAY);
    }
    assert_eq!(stage.open(), ["gone before its end"]);
    assert_eq!(stage.look(&listed(Some(START + 400 * DAY)), START + 4 * DAY).expiry.as_str(), "fresh");
    assert!(stage.open().is_empty());
    let again = (5..8).filter_map(|day| stage.look(&absent(), START + day * DAY).noted).count();
    assert_eq!(again, 1, "and when it goes in earnest, that is told");
}

#[test]
fn a_key_that_no_read_has_shown_is_not_gone_while_it_may_be_on_its_way() {
    let mut stage = Stage::new(Some(START + 400 * DAY));
    for minute in [0, 30, 59] {
        let found = stage.look(&absent(), START + minute * Duration::from_secs(60));
        assert_eq!(found.expiry.as_str(), "fresh", "{minute}");
    }
    let days = [1, 2, 3].map(|day| stage.look(&absent(), START + day * DAY).expiry.as_str());
    assert_eq!(days, ["unknown", "unknown", "gone"]);
}

#[test]
fn a_key_that_ended_before_it_was_cleared_away_is_expired() {
    let mut stage = Stage::new(Some(START + 10 * DAY));
    assert!(stage.noted(START + 11 * DAY).is_some(), "ended");
    for day in 12..16 {
        let found = stage.look(&absent(), START + day * DAY);
        assert_eq!((found.expiry.as_str(), found.noted), ("expired", None));
    }
}

#[test]
fn a_clock_that_was_ahead_does_not_stop_the_count_of_absences() {
    let mut stage = Stage::new(None);
    stage.look(&listed(None), START);
    stage.look(&absent(), START + 900 * DAY);
    let days = [1, 2, 3].map(|day| stage.look(&absent(), START + day * DAY).expiry.as_str());
    assert_eq!(days, ["unknown", "unknown", "gone"]);
}

#[test]
fn a_crossing_is_acknowledged_once() {
    let mut stage = Stage::new(Some(START + 5 * DAY));
    let crossing = stage.look(&unread(), START).noted.unwrap();
    assert!(stage.1.acknowledge(crossing.id) && !stage.1.acknowledge(crossing.id));
    assert!(stage.1.open().is_empty() && !stage.1.is_empty(), "what was told is remembered");
    assert_eq!(stage.noted(START), None);
}

#[test]
fn a_note_is_on_one_credential_and_a_credential_that_cannot_end_has_none() {
    let stage = Stage::new(None);
    assert!(stage.1.is_of(&stage.0) && stage.1.is_empty());
    assert!(!stage.1.is_of(&record("connection/shop/2", None)));
    let mut other = stage.0.clone();
    other.credential = CredentialKind::Federated { issuer: "https://issuer".into(), subject: "shop".into() };
    assert!(!stage.1.is_of(&other) && ExpiryNote::new(&other).is_none());
    assert_eq!(other.expiry(START, &ExpiryPolicy::default()), Expiry::Never);
}
