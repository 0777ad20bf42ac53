//! What every [`ExpiryWatch`] must do.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Diagnosis, ErrorKind, Labels};
use azconnect_credential::{
    ConnectionId, ConnectionQuery, ConnectionRecord, CredentialKind, Crossing, EndReading, EndSource, Expiry,
    ExpiryWatch, ExpiryWatchExt as _, ListedEnd, Standing,
};
use time::OffsetDateTime;

use super::report::{CaseResult, Failure, Report, ensure, ensure_eq};

const DAY: Duration = Duration::from_secs(86_400);

/// A watch under test with the default policy, and what lies behind it.
#[async_trait]
pub trait WatchHarness: Send + Sync {
    /// The watch under test, as another process of the product has it: every call gives one over the same store.
    fn watch(&self) -> Arc<dyn ExpiryWatch>;

    /// The moment, by the watch's clock.
    fn now(&self) -> OffsetDateTime;

    /// Lets time pass.
    async fn advance(&self, time: Duration);

    /// Sets the wall clock back.
    fn turn_back(&self, time: Duration);

    /// Keeps a connection, in the place of the one that had the name.
    async fn put(&self, record: ConnectionRecord);

    /// Removes a connection.
    async fn remove(&self, id: &ConnectionId);

    /// What the service says from now on of a connection's credential; until then nobody may read it.
    fn say(&self, id: &ConnectionId, reading: EndReading);
}

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: WatchHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("ExpiryWatch");
    report.add("each threshold and the end is noted once, on its day", notes_each_once(&make().await).await);
    report.add("of several thresholds that were passed one is told", tells_the_nearest(&make().await).await);
    report.add("what was noted is returned until it is acknowledged", returns(&make().await).await);
    report.add("one acknowledgement succeeds", acknowledges_once(&make().await).await);
    report.add("of two who look at once one has noted a crossing", notes_once_in_all(&make().await).await);
    report.add("a clock that goes back has nothing told twice", goes_back(&make().await).await);
    report.add("another secret begins anew", begins_anew(&make().await).await);
    report.add("of a removed connection nothing is told, and it is forgotten", forgets(&make().await).await);
    report.add("connections that share an application are both told", tells_both(&make().await).await);
    report.add("what nobody knows the end of is unknown", knows_nothing(&make().await).await);
    report.add("what the service lists counts more than the record", believes_the_service(&make().await).await);
    report.add("a key is gone after spaced reads, and not before", notices_a_deletion(&make().await).await);
    report.add("what the service calls ended is expired at once, and told once", believes_an_end(&make().await).await);
    report.add("a secret that signs in is not gone", believes_a_sign_in(&make().await).await);
    report.add("connections are looked at in pages, and by label", pages(&make().await).await);
    report.finish();
}

fn record(harness: &impl WatchHarness, id: &str, left: Option<Duration>) -> Result<ConnectionRecord, Failure> {
    let credential =
        CredentialKind::client_secret(format!("connection/{id}/1").parse()?, left.map(|left| harness.now() + left));
    let guid = |last: u8| format!("d1b2c3d4-0000-4000-8000-00000000000{last}");
    let (subscription, tenant, client) = (guid(1).parse()?, guid(2).parse()?, guid(3).parse()?);
    let record = ConnectionRecord::new(id.parse()?, subscription, tenant, client, credential);
    Ok(record.with_created_at(harness.now()))
}

async fn kept(harness: &impl WatchHarness, id: &str, left: Option<Duration>) -> CaseResult {
    harness.put(record(harness, id, left)?).await;
    Ok(())
}

async fn looked(harness: &impl WatchHarness) -> Result<Vec<Standing>, Failure> {
    let page = harness.watch().look(&ConnectionQuery::new()).await?;
    ensure(page.unreadable.is_empty() && page.next.is_none(), "something is missing from the page")?;
    Ok(page.standings)
}

/// The one connection, and what a look has noted of it.
async fn one(harness: &impl WatchHarness) -> Result<(Standing, Option<String>), Failure> {
    let mut all = looked(harness).await?;
    ensure_eq("connections", &all.len(), &1)?;
    let standing = all.remove(0);
    let noted = standing.noted.as_ref().map(|noted| noted.step.to_string());
    Ok((standing, noted))
}

async fn open(harness: &impl WatchHarness) -> Result<Vec<Crossing>, Failure> {
    let page = harness.watch().crossings(None).await?;
    ensure(page.unreadable.is_empty() && page.next.is_none(), "something is missing from the page")?;
    let told: Vec<_> = page.crossings.iter().map(|open| &open.record.id).collect();
    ensure_eq("whose they are", &told, &page.crossings.iter().map(|open| &open.crossing.connection).collect())?;
    Ok(page.crossings.into_iter().map(|open| open.crossing).collect())
}

fn listed(ends_at: OffsetDateTime) -> Result<EndReading, Failure> {
    let key = "7c9e6679-7425-40de-944b-e07fc1f90ae7".parse()?;
    Ok(EndReading::Listed(ListedEnd::new(key, EndSource::ListedByKey, Some(ends_at))))
}

fn absent() -> EndReading {
    EndReading::Absent(Diagnosis::new(ErrorKind::NotFound, "it is not listed"))
}

async fn notes_each_once(harness: &impl WatchHarness) -> CaseResult {
    kept(harness, "shop", Some(100 * DAY)).await?;
    let mut noted = Vec::new();
    let mut states = Vec::new();
    for day in 0..103 {
        for _ in 0..2 {
            let (standing, crossing) = one(harness).await?;
            noted.extend(crossing.map(|step| format!("{day}: {step}")));
            states.push(standing.expiry.as_str());
        }
        harness.advance(DAY).await;
    }
    let wanted = ["10: 90 days", "70: 30 days", "93: 7 days", "99: 1 day"].map(|step| format!("{step} before the end"));
    let wanted: Vec<_> = wanted.into_iter().chain(["100: ended".to_owned()]).collect();
    ensure_eq("noted", &noted, &wanted)?;
    states.dedup();
    ensure_eq("states", &states, &vec!["fresh", "due", "overdue", "expired"])?;
    ensure_eq("crossings that are open", &open(harness).await?.len(), &5)
}

async fn tells_the_nearest(harness: &impl WatchHarness) -> CaseResult {
    kept(harness, "shop", Some(5 * DAY)).await?;
    ensure_eq("noted", &one(harness).await?.1.as_deref(), &Some("7 days before the end"))?;
    ensure_eq("noted again", &one(harness).await?.1, &None)?;
    ensure_eq("open", &open(harness).await?.len(), &1)
}

async fn returns(harness: &impl WatchHarness) -> CaseResult {
    kept(harness, "shop", Some(20 * DAY)).await?;
    // The answer is lost, with the process that had it.
    drop(looked(harness).await?);
    harness.advance(14 * DAY).await;
    let (second, _) = one(harness).await?;
    let open_now = open(harness).await?;
    ensure_eq("open", &open_now.len(), &2)?;
    ensure_eq("the later one", &open_now.last(), &second.noted.as_ref())?;
    ensure_eq("open, asked again", &open(harness).await?, &open_now)?;
    let Some(first) = open_now.first() else { return Err(Failure::new("nothing is open")) };
    ensure(harness.watch().acknowledge(first).await?, "it was not acknowledged")?;
    ensure_eq("open, after an acknowledgement", &open(harness).await?, &second.noted.into_iter().collect())?;
    ensure_eq("noted after that", &one(harness).await?.1, &None)
}

async fn acknowledges_once(harness: &impl WatchHarness) -> CaseResult {
    kept(harness, "shop", Some(5 * DAY)).await?;
    let Some(crossing) = one(harness).await?.0.noted else { return Err(Failure::new("nothing was noted")) };
    let mut succeeded = 0;
    for _ in 0..3 {
        succeeded += usize::from(harness.watch().acknowledge(&crossing).await?);
    }
    ensure_eq("acknowledgements", &succeeded, &1)?;
    ensure(open(harness).await?.is_empty(), "it is still open")
}

async fn notes_once_in_all(harness: &impl WatchHarness) -> CaseResult {
    for id in ["one", "two", "three"] {
        kept(harness, id, Some(5 * DAY)).await?;
    }
    let (first, second, all) = (harness.watch(), harness.watch(), ConnectionQuery::new());
    let pages: (_, _) = futures_util::future::join(first.look(&all), second.look(&all)).await;
    let noted = |standings: Vec<Standing>| standings.iter().filter(|standing| standing.noted.is_some()).count();
    ensure_eq("noted by both together", &(noted(pages.0?.standings) + noted(pages.1?.standings)), &3)?;
    ensure_eq("open", &open(harness).await?.len(), &3)
}

async fn goes_back(harness: &impl WatchHarness) -> CaseResult {
    kept(harness, "shop", Some(20 * DAY)).await?;
    one(harness).await?;
    for _ in 0..3 {
        harness.turn_back(80 * DAY);
        ensure_eq("noted", &one(harness).await?.1, &None)?;
        harness.advance(80 * DAY).await;
        ensure_eq("noted afterwards", &one(harness).await?.1, &None)?;
    }
    harness.advance(14 * DAY).await;
    ensure_eq("noted at the next point", &one(harness).await?.1.as_deref(), &Some("7 days before the end"))
}

async fn begins_anew(harness: &impl WatchHarness) -> CaseResult {
    kept(harness, "shop", Some(5 * DAY)).await?;
    let former = one(harness).await?.0.noted;
    let mut other = record(harness, "shop", None)?;
    let ends_at = harness.now() + 31 * DAY;
    other.credential = CredentialKind::client_secret("connection/shop/2".parse()?, Some(ends_at));
    harness.put(other).await;
    ensure(open(harness).await?.is_empty(), "something is told of the former secret")?;
    ensure_eq("noted", &one(harness).await?.1.as_deref(), &Some("90 days before the end"))?;
    let Some(former) = former else { return Err(Failure::new("nothing was noted")) };
    ensure(!harness.watch().acknowledge(&former).await?, "a crossing of the former secret was acknowledged")?;
    harness.advance(DAY).await;
    ensure_eq("noted of the new one", &one(harness).await?.1.as_deref(), &Some("30 days before the end"))
}

async fn forgets(harness: &impl WatchHarness) -> CaseResult {
    for id in ["goes", "stays"] {
        kept(harness, id, Some(5 * DAY)).await?;
    }
    looked(harness).await?;
    harness.remove(&"goes".parse()?).await;
    let of: Vec<_> = open(harness).await?.iter().map(|open| open.connection.to_string()).collect();
    ensure_eq("told of", &of, &vec!["stays".to_owned()])?;
    ensure_eq("forgotten", &harness.watch().forget_removed().await?, &1)?;
    ensure_eq("forgotten again", &harness.watch().forget_removed().await?, &0)?;
    kept(harness, "goes", Some(5 * DAY)).await?;
    let noted = looked(harness).await?.into_iter().filter(|standing| standing.noted.is_some()).count();
    ensure_eq("noted of the one that came back", &noted, &1)
}

async fn tells_both(harness: &impl WatchHarness) -> CaseResult {
    for id in ["one", "two"] {
        kept(harness, id, Some(5 * DAY)).await?;
    }
    looked(harness).await?;
    let open_now = open(harness).await?;
    ensure_eq("open", &open_now.len(), &2)?;
    for crossing in &open_now {
        ensure(harness.watch().acknowledge(crossing).await?, "one acknowledgement took the other's")?;
    }
    Ok(())
}

async fn knows_nothing(harness: &impl WatchHarness) -> CaseResult {
    kept(harness, "shop", None).await?;
    let mut other = record(harness, "federated", None)?;
    other.credential = CredentialKind::Federated { issuer: "https://issuer".into(), subject: "shop".into() };
    harness.put(other).await;
    let found: Vec<_> = looked(harness).await?.into_iter().map(|standing| (standing.expiry, standing.source)).collect();
    ensure_eq("found", &found, &vec![(Expiry::Never, EndSource::Unknown), (Expiry::Unknown, EndSource::Unknown)])?;
    ensure(open(harness).await?.is_empty(), "something is told")?;
    let survey = harness.watch().survey().await?;
    ensure_eq("counted", &(survey.never, survey.unknown, survey.noted), &(1, 1, 0))
}

async fn believes_the_service(harness: &impl WatchHarness) -> CaseResult {
    let id = "shop".parse()?;
    kept(harness, "shop", Some(5 * DAY)).await?;
    ensure_eq("source", &one(harness).await?.0.source, &EndSource::Recorded)?;
    let ends_at = harness.now() + 300 * DAY;
    harness.say(&id, listed(ends_at)?);
    let (found, noted) = one(harness).await?;
    let wanted = (Expiry::Fresh { ends_at }, EndSource::ListedByKey, None);
    ensure_eq("as listed", &(found.expiry, found.source, noted), &wanted)?;
    ensure(open(harness).await?.is_empty(), "what is not true any more is told")?;
    harness.say(&id, EndReading::Unread(Diagnosis::new(ErrorKind::Unavailable, "away")));
    let (found, noted) = one(harness).await?;
    ensure_eq("while the service is away", &(found.expiry, found.source, noted), &wanted)?;
    ensure(found.problem.is_some(), "nothing says that it is away")
}

async fn notices_a_deletion(harness: &impl WatchHarness) -> CaseResult {
    let id = "shop".parse()?;
    kept(harness, "shop", None).await?;
    harness.say(&id, listed(harness.now() + 300 * DAY)?);
    one(harness).await?;
    harness.say(&id, absent());
    for _ in 0..10 {
        let (found, noted) = one(harness).await?;
        ensure_eq("right after", &(found.expiry, noted), &(Expiry::Unknown, None))?;
    }
    harness.say(&id, EndReading::Unread(Diagnosis::new(ErrorKind::PermissionDenied, "closed")));
    for _ in 0..5 {
        harness.advance(DAY).await;
        ensure(one(harness).await?.0.expiry != Expiry::Gone, "what could not be read is called gone")?;
    }
    harness.say(&id, absent());
    let mut noted = Vec::new();
    for _ in 0..5 {
        harness.advance(DAY).await;
        noted.extend(one(harness).await?.1);
    }
    ensure_eq("noted", &noted, &vec!["gone before its end".to_owned()])?;
    ensure_eq("afterwards", &one(harness).await?.0.expiry, &Expiry::Gone)
}

/// Whatever end somebody has declared: the word of the service is about this very secret.
async fn believes_an_end(harness: &impl WatchHarness) -> CaseResult {
    let id = "shop".parse()?;
    kept(harness, "shop", Some(300 * DAY)).await?;
    ensure_eq("before", &one(harness).await?.0.expiry.as_str(), &"fresh")?;
    harness.advance(DAY).await;
    harness.say(&id, EndReading::Ended(Diagnosis::new(ErrorKind::Unauthenticated, "it has expired")));
    let by_then = harness.now();
    let (found, noted) = one(harness).await?;
    let wanted = (Expiry::Expired { ends_at: by_then }, EndSource::Refused, Some("ended"));
    ensure_eq("at once", &(found.expiry, found.source, noted.as_deref()), &wanted)?;
    ensure(found.problem.is_some(), "nothing says why")?;
    // Silence afterwards takes nothing back.
    harness.say(&id, EndReading::Unread(Diagnosis::new(ErrorKind::Unavailable, "away")));
    for _ in 0..3 {
        harness.advance(DAY).await;
        let (found, noted) = one(harness).await?;
        ensure_eq("afterwards", &(found.expiry.as_str(), noted), &("expired", None))?;
    }
    ensure_eq("open", &open(harness).await?.len(), &1)
}

async fn believes_a_sign_in(harness: &impl WatchHarness) -> CaseResult {
    let id = "shop".parse()?;
    kept(harness, "shop", Some(300 * DAY)).await?;
    harness.say(&id, listed(harness.now() + 300 * DAY)?);
    one(harness).await?;
    let signs_in = EndReading::SignedIn(Diagnosis::new(ErrorKind::PermissionDenied, "its end may not be read"));
    for reading in [absent(), signs_in.clone()].into_iter().cycle().take(12) {
        harness.say(&id, reading);
        let (found, noted) = one(harness).await?;
        ensure(!matches!(found.expiry, Expiry::Gone | Expiry::Expired { .. }), "what signs in is called gone")?;
        ensure_eq("noted", &noted, &None)?;
        harness.advance(DAY).await;
    }
    harness.say(&id, signs_in);
    let (found, _) = one(harness).await?;
    ensure_eq("while it signs in", &found.expiry.as_str(), &"fresh")?;
    ensure(found.problem.is_some(), "nothing says that its end could not be read")
}

async fn pages(harness: &impl WatchHarness) -> CaseResult {
    for (id, team) in [("alpha", "shop"), ("bravo", "shop"), ("charlie", "payments"), ("delta", "shop")] {
        let labels = Labels::new().with("team", team)?;
        harness.put(record(harness, id, Some(5 * DAY))?.with_labels(labels)).await;
    }
    let all = ConnectionQuery::new().with_limit(2);
    let first = harness.watch().look(&all).await?;
    let second = harness.watch().look(&all.with_after(first.next)).await?;
    let ids = |page: &[Standing]| page.iter().map(|standing| standing.record.id.to_string()).collect::<Vec<_>>();
    ensure_eq("the first page", &ids(&first.standings), &vec!["alpha".to_owned(), "bravo".to_owned()])?;
    ensure_eq("the second page", &ids(&second.standings), &vec!["charlie".to_owned(), "delta".to_owned()])?;
    ensure(second.next.is_none(), "there is a third page")?;
    let team = ConnectionQuery::new().with_labels(Labels::new().with("team", "payments")?);
    let found = harness.watch().look(&team).await?;
    ensure_eq("by label", &ids(&found.standings), &vec!["charlie".to_owned()])?;
    let after = "alpha".parse()?;
    let rest = harness.watch().crossings(Some(&after)).await?;
    ensure_eq("crossings after the first", &rest.crossings.len(), &3)
}
