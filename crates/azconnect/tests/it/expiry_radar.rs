//! The radar over real records, with ends that the emulator lists, and people who act meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azconnect::core::{
    ClientId, Clock, Diagnosis, Document, DocumentKey, DocumentStore, ErrorKind, KeyId, Secret, SecretId,
};
use azconnect::credential::{
    ConnectionRecord, CredentialKind, Crossing, EndReader, EndReading, EndSource, Expiry, ExpiryNote, ExpiryWatchExt,
    Records, Standing,
};
use azconnect::{Azure, ConnectRequest, ConnectionQuery, ExpiryRadar, Identity, ListedEnds, NewSecret, Storage};
use azconnect_emulator::{Fault, FaultAction, Hidden, Service};
use azconnect_testkit::Canary;
use azconnect_testkit::conformance::connection_keeper::KeeperHarness as _;

use crate::connections::{Stage, request};

pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// The application of the seed that may read all of its tenant, itself included.
const OPERATOR: &str = "a0000000-0000-4000-8000-000000000001";

/// The application of the seed that may not read itself.
pub(crate) const DEPLOY: &str = "a0000000-0000-4000-8000-000000000002";

/// Longer than a new or removed secret takes to reach every replica of the emulator.
pub(crate) const SETTLED: Duration = Duration::from_secs(3 * 3600);

impl Stage {
    fn azure(&self) -> Azure {
        Azure::new(self.emulator.cloud(), self.emulator.transport(), self.clock.clone())
    }

    pub(crate) fn storage(&self) -> Storage {
        let rest = Storage::in_memory(self.clock.clone());
        let (secrets, documents) = (Arc::new(self.secrets.clone()), Arc::new(self.documents.clone()));
        Storage::new(rest.journal(), secrets, rest.lease(), documents)
    }

    pub(crate) fn radar(&self) -> ExpiryRadar {
        self.azure().expiry_radar(&self.storage())
    }

    /// The operator of the seed, who may read every application of the tenant.
    pub(crate) fn operator(&self) -> Identity {
        let secret = Secret::new("Emu8Q~a.secret.of.this.example.only_0001");
        self.azure().identity_with_secret(request("x").tenant, OPERATOR.parse().unwrap(), secret).unwrap()
    }

    pub(crate) fn read_by_operator(&self) -> ExpiryRadar {
        let ends = ListedEnds::new(self.connections.clone()).with_reader(self.operator());
        self.radar().with_ends(Arc::new(ends))
    }

    pub(crate) fn notes(&self) -> Records<ExpiryNote> {
        Records::new(Arc::new(self.documents.clone()))
    }

    /// A person adds a secret to an application, and everybody knows it.
    pub(crate) async fn added(&self, application: &str, life: Duration) -> (KeyId, Secret) {
        let ends_at = self.clock.now() + life;
        let key = self.emulator.person().add_password(client(application), "by hand", ends_at).unwrap();
        self.clock.sleep(SETTLED).await;
        (key, self.emulator.secret_of(key).unwrap())
    }

    /// A record that the product has kept, whose secret nobody looks at.
    pub(crate) async fn recorded(&self, id: &str, left: Option<Duration>) {
        let sealed: SecretId = format!("connection/{id}/1").parse().unwrap();
        let credential = CredentialKind::client_secret(sealed, left.map(|left| self.clock.now() + left));
        let ConnectRequest { id, subscription, tenant, client, .. } = request(id);
        let record = ConnectionRecord::new(id, subscription, tenant, client, credential);
        self.records().insert(&record.with_created_at(self.clock.now())).await.unwrap();
    }
}

pub(crate) fn client(id: &str) -> ClientId {
    id.parse().unwrap()
}

fn of(id: &str, application: &str) -> ConnectRequest {
    let mut request = request(id);
    request.client = client(application);
    request
}

pub(crate) async fn look(radar: &ExpiryRadar) -> Vec<Standing> {
    let page = radar.look(&ConnectionQuery::new()).await.unwrap();
    assert!(page.unreadable.is_empty() && page.next.is_none(), "{page:?}");
    page.standings
}

pub(crate) async fn one(radar: &ExpiryRadar) -> Standing {
    let mut all = look(radar).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

pub(crate) async fn open(radar: &ExpiryRadar) -> Vec<Crossing> {
    let page = radar.crossings(None).await.unwrap();
    assert!(page.unreadable.is_empty() && page.next.is_none(), "{page:?}");
    page.crossings.into_iter().map(|open| open.crossing).collect()
}

pub(crate) fn told(standing: &Standing) -> Option<String> {
    standing.noted.as_ref().map(|noted| noted.step.to_string())
}

/// Graph lists `keyId` and `endDateTime` of each password to whoever may read the application.
#[tokio::test(start_paused = true)]
async fn the_end_that_is_listed_under_the_key_counts_more_than_the_one_that_was_declared() {
    let stage = Stage::new();
    let (key, secret) = stage.added(OPERATOR, 200 * DAY).await;
    let declared = stage.clock.now() + 3 * DAY;
    let request = of("own", OPERATOR).with_key(key).with_ends_at(declared);
    stage.connections.connect(request, secret).await.unwrap();
    let found = one(&stage.radar()).await;
    assert_eq!((found.expiry.as_str(), found.source), ("fresh", EndSource::ListedByKey));
    assert_eq!((found.problem, found.noted), (None, None));
}

/// Graph shows the first three characters of a password as its `hint`.
#[tokio::test(start_paused = true)]
async fn the_end_of_a_secret_without_a_key_is_found_by_its_hint() {
    let stage = Stage::new();
    let (key, secret) = stage.added(OPERATOR, 20 * DAY).await;
    stage.connections.connect(of("own", OPERATOR), secret).await.unwrap();
    // As a product has it that was connected before anybody could read: the record says neither.
    let mut held = stage.records().get(&"own".parse().unwrap()).await.unwrap().unwrap();
    let CredentialKind::ClientSecret { secret, .. } = held.value.credential.clone() else { panic!() };
    held.value.credential = CredentialKind::client_secret(secret, None);
    stage.records().replace(&held.value, held.revision).await.unwrap();

    let found = one(&stage.radar()).await;
    assert_eq!((found.expiry.as_str(), found.source), ("due", EndSource::ListedByHint));
    assert_eq!(told(&found).as_deref(), Some("30 days before the end"));
    // What was read stays known where nobody may read it any more.
    stage.emulator.faults().add(Fault::new(FaultAction::DropBefore).with_service(Service::Graph).forever());
    let found = one(&stage.radar()).await;
    assert_eq!((found.expiry.as_str(), found.source), ("due", EndSource::ListedByHint));
    assert!(found.problem.is_some() && found.noted.is_none());
    let note = stage.notes().get(&"own".parse().unwrap()).await.unwrap().unwrap().value;
    assert_eq!(note.known_key(), Some(key));
}

/// An application reads itself with a right that few are given: 403 is the rule.
#[tokio::test(start_paused = true)]
async fn where_nobody_may_read_the_record_is_believed_and_else_the_end_is_unknown() {
    let stage = Stage::new();
    let declared = request("declared").with_ends_at(stage.clock.now() + 6 * DAY);
    stage.connections.connect(declared, stage.working_secret()).await.unwrap();
    stage.connections.connect(request("silent"), stage.working_secret()).await.unwrap();
    let found = look(&stage.radar()).await;
    assert_eq!((found[0].expiry.as_str(), found[0].source), ("overdue", EndSource::Recorded));
    assert_eq!((found[1].expiry, found[1].source), (Expiry::Unknown, EndSource::Unknown));
    for standing in &found {
        assert_eq!(standing.problem.as_ref().map(Diagnosis::kind), Some(ErrorKind::PermissionDenied));
    }
    // Somebody who may read says more, also of an end that was declared wrongly.
    let read = look(&stage.read_by_operator()).await;
    assert!(read.iter().all(|standing| standing.source == EndSource::ListedByHint), "{read:?}");
    assert_eq!(read.iter().map(told).collect::<Vec<_>>()[1].as_deref(), Some("30 days before the end"));
    let quiet = look(&stage.radar().without_reading()).await;
    assert!(quiet.iter().all(|standing| standing.problem.is_none()));
}

/// A removed password disappears from the lists of one replica after the other.
#[tokio::test(start_paused = true)]
async fn a_key_that_a_person_deleted_is_gone_once_spaced_looks_agree_and_unknown_until_then() {
    let stage = Stage::new();
    let (key, secret) = stage.added(DEPLOY, 300 * DAY).await;
    stage.connections.connect(request("shop").with_key(key), secret).await.unwrap();
    let radar = stage.read_by_operator();
    assert_eq!(one(&radar).await.expiry.as_str(), "fresh");
    stage.emulator.person().delete_password(key).unwrap();
    // While the replicas differ nothing is called gone, however often they are asked.
    for _ in 0..60 {
        let found = one(&radar).await;
        assert_ne!(found.expiry, Expiry::Gone);
        assert_eq!(found.noted, None);
        stage.clock.sleep(Duration::from_secs(60)).await;
    }
    stage.clock.sleep(SETTLED).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        let found = one(&radar).await;
        seen.push(found.expiry.as_str());
        assert!(found.problem.is_some_and(|problem| problem.advice().contains("another secret")));
        stage.clock.sleep(DAY).await;
    }
    assert_eq!((seen[0], seen[3]), ("unknown", "gone"));
    let open = open(&radar).await;
    assert_eq!(open.iter().map(|open| open.step.to_string()).collect::<Vec<_>>(), ["gone before its end"]);
}

/// The service principal's passwords authenticate too: a key that may lie there is not gone.
#[tokio::test(start_paused = true)]
async fn a_key_is_not_gone_while_one_of_its_possible_holders_cannot_be_read() {
    let stage = Stage::new();
    let (key, secret) = stage.added(DEPLOY, 300 * DAY).await;
    stage.connections.connect(request("shop").with_key(key), secret).await.unwrap();
    let radar = stage.read_by_operator();
    one(&radar).await;
    stage.emulator.person().delete_password(key).unwrap();
    for (how, kind) in [(Hidden::Denied, ErrorKind::PermissionDenied), (Hidden::NotFound, ErrorKind::NotFound)] {
        stage.emulator.person().hide_service_principal(client(DEPLOY), how).unwrap();
        stage.clock.sleep(SETTLED).await;
        for _ in 0..5 {
            let found = one(&radar).await;
            assert_eq!(found.expiry.as_str(), "fresh", "as it was read last");
            assert_eq!(found.problem.map(|problem| problem.kind()), Some(kind));
            stage.clock.sleep(DAY).await;
        }
    }
    stage.emulator.person().show_service_principal(client(DEPLOY)).unwrap();
    let mut last = one(&radar).await;
    for _ in 0..3 {
        stage.clock.sleep(DAY).await;
        last = one(&radar).await;
    }
    assert_eq!(last.expiry, Expiry::Gone);
}

/// Of a service principal's own password the application lists nothing.
#[tokio::test(start_paused = true)]
async fn a_key_of_the_service_principal_is_found_there() {
    let stage = Stage::new();
    let ends_at = stage.clock.now() + 20 * DAY;
    let key = stage.emulator.person().add_service_principal_password(client(DEPLOY), "by hand", ends_at).unwrap();
    stage.clock.sleep(SETTLED).await;
    let secret = stage.emulator.secret_of(key).unwrap();
    stage.connections.connect(request("shop").with_key(key), secret).await.unwrap();
    let found = one(&stage.read_by_operator()).await;
    assert_eq!((found.expiry.as_str(), found.source), ("due", EndSource::ListedByKey));
}

/// AADSTS7000215: with its own secret gone, a connection cannot read anything any more.
#[tokio::test(start_paused = true)]
async fn a_secret_that_entra_id_refuses_for_days_is_gone_although_nobody_may_read_the_list() {
    let stage = Stage::new();
    let (key, secret) = stage.added(DEPLOY, 300 * DAY).await;
    let ends_at = stage.clock.now() + 300 * DAY;
    stage.connections.connect(request("shop").with_key(key).with_ends_at(ends_at), secret).await.unwrap();
    let radar = stage.radar();
    assert_eq!(one(&radar).await.expiry.as_str(), "fresh");
    stage.emulator.person().delete_password(key).unwrap();
    stage.clock.sleep(DAY).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        let found = one(&radar).await;
        assert_eq!(found.problem.as_ref().and_then(Diagnosis::service_code), Some("AADSTS7000215"));
        seen.push(found.expiry.as_str());
        stage.clock.sleep(DAY).await;
    }
    assert_eq!(seen, ["unknown", "unknown", "gone", "gone"]);
    assert_eq!(open(&radar).await.len(), 1);
    // A disabled application is refused too, and that says nothing about the secret.
    let (key, secret) = stage.added(DEPLOY, 300 * DAY).await;
    let known = NewSecret::new(secret).with_key(key).with_ends_at(stage.clock.now() + 300 * DAY);
    stage.connections.replace_secret(&"shop".parse().unwrap(), known).await.unwrap();
    stage.emulator.person().disable_application(client(DEPLOY)).unwrap();
    for _ in 0..5 {
        stage.clock.sleep(DAY).await;
        assert_eq!(one(&radar).await.expiry.as_str(), "fresh");
    }
}

/// A certificate's private key lies sealed beside the secrets: nothing is opened or sent for it.
#[tokio::test(start_paused = true)]
async fn the_end_of_a_certificate_is_the_one_that_is_recorded_and_nobody_is_asked() {
    let stage = Stage::new();
    stage.recorded("shop", None).await;
    let mut held = stage.records().get(&"shop".parse().unwrap()).await.unwrap().unwrap();
    let (secret, ends_at) = ("connection/shop/1".parse().unwrap(), Some(stage.clock.now() + 20 * DAY));
    held.value.credential = CredentialKind::Certificate { secret, ends_at };
    stage.records().replace(&held.value, held.revision).await.unwrap();
    let found = one(&stage.radar()).await;
    assert_eq!((found.expiry.as_str(), found.source), ("due", EndSource::Recorded));
    assert_eq!(told(&found).as_deref(), Some("30 days before the end"));
    assert_eq!(found.problem.map(|problem| problem.kind()), Some(ErrorKind::Unsupported));
    assert_eq!(stage.emulator.exchanges(), 0);
}

/// Whoever can write the records must not have another's secret opened for them.
#[tokio::test(start_paused = true)]
async fn a_record_that_names_the_secret_of_another_connection_opens_and_sends_nothing() {
    let stage = Stage::new();
    stage.connections.connect(request("shop"), stage.working_secret()).await.unwrap();
    let exchanges = stage.emulator.exchanges();
    let shop = stage.records().get(&"shop".parse().unwrap()).await.unwrap().unwrap().value;
    let mut thief = shop.clone();
    thief.id = "another".parse().unwrap();
    stage.records().insert(&thief).await.unwrap();
    let only = ConnectionQuery::new().with_limit(1);
    let found = stage.radar().look(&only).await.unwrap().standings.remove(0);
    assert_eq!((found.record.id.as_str(), found.expiry), ("another", Expiry::Unknown));
    assert_eq!(found.problem.map(|problem| problem.kind()), Some(ErrorKind::Corrupt));
    assert_eq!(stage.emulator.exchanges(), exchanges);
}

#[tokio::test(start_paused = true)]
async fn two_connections_with_one_secret_are_both_told() {
    let stage = Stage::new();
    for id in ["one", "two"] {
        let request = request(id).with_ends_at(stage.clock.now() + 5 * DAY);
        stage.connections.connect(request, stage.working_secret()).await.unwrap();
    }
    let radar = stage.radar();
    assert!(look(&radar).await.iter().all(|standing| standing.noted.is_some()));
    let open = open(&radar).await;
    assert_eq!(open.iter().map(|open| open.connection.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    assert!(radar.acknowledge(&open[0]).await.unwrap());
    assert_eq!(crate::expiry_radar::open(&radar).await, [open[1].clone()]);
}

#[tokio::test(start_paused = true)]
async fn a_replaced_secret_begins_anew_and_nothing_is_told_of_the_former_one() {
    let stage = Stage::new();
    let first = request("shop").with_ends_at(stage.clock.now() + 5 * DAY);
    stage.connections.connect(first, stage.working_secret()).await.unwrap();
    let radar = stage.radar().without_reading();
    let former = one(&radar).await.noted.unwrap();
    let (_, secret) = stage.added(DEPLOY, 100 * DAY).await;
    let new = NewSecret::new(secret).with_ends_at(stage.clock.now() + 100 * DAY);
    stage.connections.replace_secret(&"shop".parse().unwrap(), new).await.unwrap();
    // Also before the next look.
    assert!(open(&radar).await.is_empty());
    let found = one(&radar).await;
    assert_eq!((found.expiry.as_str(), found.noted), ("fresh", None));
    assert!(!radar.acknowledge(&former).await.unwrap());
    assert!(stage.notes().get(&"shop".parse().unwrap()).await.unwrap().is_none(), "nothing is kept of it");
    stage.clock.sleep(94 * DAY).await;
    assert_eq!(told(&one(&radar).await).as_deref(), Some("7 days before the end"));
}

#[tokio::test(start_paused = true)]
async fn of_a_removed_connection_nothing_is_told_and_its_note_goes() {
    let stage = Stage::new();
    let expiring = || request("shop").with_ends_at(stage.clock.now() + 5 * DAY);
    stage.connections.connect(expiring(), stage.working_secret()).await.unwrap();
    stage.recorded("stays", Some(5 * DAY)).await;
    let radar = stage.radar().without_reading();
    assert_eq!(look(&radar).await.len(), 2);
    stage.connections.disconnect(&"shop".parse().unwrap()).await.unwrap();
    assert_eq!(open(&radar).await.len(), 1);
    assert_eq!((radar.forget_removed().await.unwrap(), radar.forget_removed().await.unwrap()), (1, 0));
    assert!(stage.notes().get(&"shop".parse().unwrap()).await.unwrap().is_none());
    assert!(stage.notes().get(&"stays".parse().unwrap()).await.unwrap().is_some());
    // One that is connected again under the name begins anew.
    stage.connections.connect(expiring(), stage.working_secret()).await.unwrap();
    assert!(look(&radar).await[0].noted.is_some());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_said_and_hides_nothing_else() {
    let stage = Stage::new();
    for id in ["alpha", "bravo", "charlie", "delta"] {
        stage.recorded(id, Some(5 * DAY)).await;
    }
    let write = async |collection: &str, id: &str, text: &str| {
        let key = DocumentKey::new(collection.parse().unwrap(), id.parse().unwrap());
        stage.documents.insert(&key, &Document::new(text)).await.unwrap();
    };
    // By a later version of the program, each.
    write("connections", "aardvark", r#"{"version":99,"id":"aardvark"}"#).await;
    write("expiry-notes", "bravo", r#"{"version":99,"connection":"bravo"}"#).await;
    write("expiry-notes", "charlie", "not a note").await;
    let radar = stage.radar().without_reading();
    let page = radar.look(&ConnectionQuery::new()).await.unwrap();
    let ids: Vec<_> = page.standings.iter().map(|standing| standing.record.id.as_str()).collect();
    assert_eq!(ids, ["alpha", "delta"]);
    let unreadable: Vec<_> = page.unreadable.iter().map(|(id, error)| (id.as_str(), error.kind())).collect();
    let wanted =
        [("aardvark", ErrorKind::Unsupported), ("bravo", ErrorKind::Unsupported), ("charlie", ErrorKind::Corrupt)];
    assert_eq!(unreadable, wanted);
    assert!(page.unreadable.iter().all(|(_, error)| !error.advice().is_empty()));
    let survey = radar.survey().await.unwrap();
    assert_eq!((survey.overdue, survey.unreadable, survey.noted), (2, 3, 0));
    assert_eq!(radar.crossings(None).await.unwrap().crossings.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn all_connections_are_looked_at_page_by_page() {
    let stage = Stage::new();
    for number in 0..250 {
        stage.recorded(&format!("shop-{number:03}"), (number % 5 > 0).then(|| (number as u32 % 5) * 40 * DAY)).await;
    }
    let radar = stage.radar().without_reading();
    let survey = radar.survey().await.unwrap();
    assert_eq!((survey.unknown, survey.due, survey.fresh, survey.noted), (50, 100, 100, 100));
    let (mut after, mut pages) = (None, Vec::new());
    loop {
        let page = radar.crossings(after.as_ref()).await.unwrap();
        pages.push(page.crossings.len());
        let Some(next) = page.next else { break };
        after = Some(next);
    }
    assert_eq!(pages, [100], "as many as a page has");
    assert_eq!(radar.survey().await.unwrap().noted, 0, "each once");
}

/// A reader that takes hours, as a process that is suspended in the middle does.
struct Suspended(Arc<dyn Clock>, Duration);

#[async_trait]
impl EndReader for Suspended {
    async fn end(&self, _: &ConnectionRecord, _: Option<KeyId>) -> EndReading {
        self.0.sleep(self.1).await;
        EndReading::Unread(Diagnosis::new(ErrorKind::Unavailable, "nobody answers"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_that_wakes_late_tells_nothing_of_a_secret_that_was_replaced_or_removed() {
    for replaced in [true, false] {
        let stage = Stage::new();
        stage.recorded("shop", Some(5 * DAY)).await;
        let (minute, all) = (Duration::from_secs(60), ConnectionQuery::new());
        let late = stage.radar().with_ends(Arc::new(Suspended(stage.clock.clone(), minute)));
        let meanwhile = async {
            stage.clock.sleep(minute / 2).await;
            let mut held = stage.records().get(&"shop".parse().unwrap()).await.unwrap().unwrap();
            if replaced {
                let ends_at = Some(stage.clock.now() + 400 * DAY);
                held.value.credential = CredentialKind::client_secret("connection/shop/2".parse().unwrap(), ends_at);
                stage.records().replace(&held.value, held.revision).await.unwrap();
            } else {
                stage.records().remove(&"shop".parse().unwrap(), held.revision).await.unwrap();
            }
        };
        let (page, ()) = tokio::join!(late.look(&all), meanwhile);
        let states: Vec<_> = page.unwrap().standings.iter().map(|found| (found.expiry.as_str(), told(found))).collect();
        assert_eq!(states, if replaced { vec![("fresh", None)] } else { vec![] });
        assert!(stage.notes().get(&"shop".parse().unwrap()).await.unwrap().is_none());
    }
}

/// A service that is away, and how often it was asked.
struct Away(Suspended, AtomicUsize);

#[async_trait]
impl EndReader for Away {
    async fn end(&self, record: &ConnectionRecord, known: Option<KeyId>) -> EndReading {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.end(record, known).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_away_is_not_waited_for_once_a_connection() {
    let stage = Stage::new();
    for number in 0..400 {
        stage.recorded(&format!("shop-{number:03}"), Some(5 * DAY)).await;
    }
    let away = Arc::new(Away(Suspended(stage.clock.clone(), DAY), AtomicUsize::new(0)));
    let radar = stage.radar().with_ends(away.clone());
    let started = stage.clock.elapsed();
    assert_eq!(radar.survey().await.unwrap().noted, 400);
    let asked = away.1.load(Ordering::SeqCst);
    assert!(asked <= 16, "{asked} times");
    assert!(stage.clock.elapsed() - started < Duration::from_secs(600));
    stage.clock.sleep(Duration::from_secs(3600)).await;
    radar.survey().await.unwrap();
    assert!(away.1.load(Ordering::SeqCst) > asked, "asked again after a while");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_hangs_keeps_nobody_from_being_told() {
    let stage = Stage::new();
    stage.recorded("shop", Some(5 * DAY)).await;
    let hanging = stage.radar().with_ends(Arc::new(Suspended(stage.clock.clone(), 30 * DAY)));
    let found = one(&hanging).await;
    assert_eq!(told(&found).as_deref(), Some("7 days before the end"));
    assert_eq!(found.problem.map(|problem| problem.kind()), Some(ErrorKind::Timeout));
}

#[tokio::test(start_paused = true)]
async fn no_secret_is_in_a_note_an_answer_or_a_log() {
    let stage = Stage::new();
    let canary = Canary::new();
    let (_, secret) = stage.added(OPERATOR, 20 * DAY).await;
    canary.watch(&secret);
    canary.watch(&Secret::new("Emu8Q~a.secret.of.this.example.only_0001"));
    let ears = canary.listen();
    stage.connections.connect(of("own", OPERATOR), secret).await.unwrap();
    let radar = stage.read_by_operator();
    let mut shown = format!("{radar:?} {:?} {:?}", look(&radar).await, open(&radar).await);
    stage.emulator.faults().add(Fault::new(FaultAction::DropBefore).with_service(Service::Login).forever());
    let cold = stage.radar();
    shown += &format!(
        "{:?} {:?}",
        look(&cold).await,
        ListedEnds::new(stage.connections.clone()).with_reader(stage.operator())
    );
    let note = DocumentKey::new("expiry-notes".parse().unwrap(), "own".parse().unwrap());
    shown += &stage.documents.get(&note).await.unwrap().unwrap().document.text;
    drop(ears);
    canary.assert_absent("what was shown", shown.as_bytes());
    canary.assert_absent_from_logs();
}
