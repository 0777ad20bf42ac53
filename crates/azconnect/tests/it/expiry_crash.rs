//! Products that die, or sleep, at any write while they look at what ends and tell people.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azconnect::core::{
    Clock, Document, DocumentKey, DocumentPage, DocumentQuery, DocumentStore, Error, Revision, StoredDocument,
};
use azconnect::credential::{CredentialKind, ExpiryNote};
use azconnect::credential::{Crossing, ExpiryWatchExt as _};
use azconnect::store::MemoryDocuments;
use azconnect::{Azure, ExpiryRadar, Storage};
use azconnect_testkit::VirtualClock;

use crate::connections::Stage;
use crate::expiry_radar::{DAY, open};
use crate::mortal::{DEATHS, Death, Mortal};

/// What a product wants of its mails.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wish {
    /// Mail, then acknowledge.
    AtLeastOnce,
    /// Acknowledge, then mail.
    AtMostOnce,
}

/// How often each connection's crossing was mailed. It survives whoever mails.
#[derive(Default)]
struct Mails(Mutex<BTreeMap<String, u32>>);

impl Mails {
    fn mail(&self, crossing: &Crossing) {
        *self.0.lock().unwrap().entry(crossing.connection.to_string()).or_default() += 1;
    }

    fn of(&self, connection: &str) -> u32 {
        self.0.lock().unwrap().get(connection).copied().unwrap_or_default()
    }
}

/// A product's daily job.
async fn job(radar: &ExpiryRadar, wish: Wish, mails: &Mails) -> Result<(), Error> {
    radar.survey().await?;
    let mut after = None;
    loop {
        let page = radar.crossings(after.as_ref()).await?;
        for open in &page.crossings {
            if wish == Wish::AtLeastOnce {
                mails.mail(&open.crossing);
            }
            if radar.acknowledge(&open.crossing).await? && wish == Wish::AtMostOnce {
                mails.mail(&open.crossing);
            }
        }
        let Some(next) = page.next else { return Ok(()) };
        after = Some(next);
    }
}

/// Two that end, one that was replaced since it was told, and one that was removed since.
async fn world() -> Stage {
    let stage = Stage::new();
    for id in ["replaced", "removed"] {
        stage.recorded(id, Some(5 * DAY)).await;
    }
    stage.radar().without_reading().survey().await.unwrap();
    let records = stage.records();
    let mut held = records.get(&"replaced".parse().unwrap()).await.unwrap().unwrap();
    let ends_at = Some(stage.clock.now() + 400 * DAY);
    held.value.credential = CredentialKind::client_secret("connection/replaced/2".parse().unwrap(), ends_at);
    records.replace(&held.value, held.revision).await.unwrap();
    let held = records.get(&"removed".parse().unwrap()).await.unwrap().unwrap();
    records.remove(&"removed".parse().unwrap(), held.revision).await.unwrap();
    for id in ["one", "two"] {
        stage.recorded(id, Some(5 * DAY)).await;
    }
    stage
}

fn radar_over(documents: Arc<dyn DocumentStore>, stage: &Stage) -> ExpiryRadar {
    let azure = Azure::new(stage.emulator.cloud(), stage.emulator.transport(), stage.clock.clone());
    let rest = Storage::in_memory(stage.clock.clone());
    azure.expiry_radar(&Storage::new(rest.journal(), rest.secrets(), rest.lease(), documents)).without_reading()
}

#[tokio::test(start_paused = true)]
async fn whatever_write_ends_badly_every_crossing_is_told_as_often_as_was_wished() {
    let mut worlds = 0;
    for wish in [Wish::AtLeastOnce, Wish::AtMostOnce] {
        for death in DEATHS {
            for at in 0.. {
                let (stage, mails) = (world().await, Mails::default());
                let mortal = Arc::new(Mortal::new(stage.secrets.clone(), stage.documents.clone(), death, at));
                let dying = radar_over(mortal.clone(), &stage);
                let learnt = tokio::time::timeout(Duration::from_secs(600), job(&dying, wish, &mails)).await.ok();
                if !mortal.came_to_it() {
                    break;
                }
                worlds += 1;
                let about = format!("{wish:?}, write {at} {death:?}: {learnt:?}");
                // The next day's job, in a process of its own.
                let radar = radar_over(Arc::new(stage.documents.clone()), &stage);
                job(&radar, wish, &mails).await.unwrap();
                for id in ["one", "two"] {
                    // One acknowledgement is the only write after which a mail is lost, or before which it is sent again.
                    let (least, most) = if wish == Wish::AtLeastOnce { (1, 2) } else { (0, 1) };
                    assert!((least..=most).contains(&mails.of(id)), "{about}: {id} was told {} times", mails.of(id));
                }
                let wrong = ["one", "two"].iter().filter(|id| mails.of(id) != 1).count();
                assert!(wrong <= 1, "{about}: one bad write spoils one mail at most");
                assert!(death != Death::Refused || wish != Wish::AtMostOnce || wrong == 0, "{about}: a mail was lost");
                assert_eq!((mails.of("replaced"), mails.of("removed")), (0, 0), "{about}");
                assert!(open(&radar).await.is_empty(), "{about}");
                let notes = stage.notes().all(&Default::default()).await.unwrap();
                let names: Vec<_> = notes.iter().map(|note| note.value.connection().as_str()).collect();
                assert_eq!(names, ["one", "two"], "{about}");
            }
        }
    }
    assert!(worlds >= 40, "{worlds} interruptions");
}

#[tokio::test(start_paused = true)]
async fn a_look_whose_write_was_done_and_not_answered_still_says_what_it_noted() {
    let stage = Stage::new();
    stage.recorded("shop", Some(5 * DAY)).await;
    let mortal = Arc::new(Mortal::new(stage.secrets.clone(), stage.documents.clone(), Death::Lost, 0));
    let survey = radar_over(mortal, &stage).survey().await.unwrap();
    assert_eq!(survey.noted, 1);
    assert_eq!(open(&stage.radar()).await.len(), 1);
}

/// A store each of whose calls takes its time, which differs from call to call, and is at times that of a suspended process.
struct Slow {
    documents: MemoryDocuments,
    clock: Arc<VirtualClock>,
    dice: Mutex<u64>,
}

impl Slow {
    async fn wait(&self) {
        let drawn = {
            let mut dice = self.dice.lock().unwrap();
            *dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *dice >> 33
        };
        let pause = if drawn % 16 == 0 { Duration::from_secs(3600) } else { Duration::from_millis(drawn % 20) };
        self.clock.sleep(pause).await;
    }
}

#[async_trait]
impl DocumentStore for Slow {
    async fn insert(&self, key: &DocumentKey, document: &Document) -> Result<Revision, Error> {
        self.wait().await;
        self.documents.insert(key, document).await
    }
    async fn get(&self, key: &DocumentKey) -> Result<Option<StoredDocument>, Error> {
        self.wait().await;
        self.documents.get(key).await
    }
    async fn list(&self, query: &DocumentQuery) -> Result<DocumentPage, Error> {
        self.wait().await;
        self.documents.list(query).await
    }
    async fn replace(&self, key: &DocumentKey, expected: Revision, document: &Document) -> Result<Revision, Error> {
        self.wait().await;
        self.documents.replace(key, expected, document).await
    }
    async fn remove(&self, key: &DocumentKey, expected: Revision) -> Result<(), Error> {
        self.wait().await;
        self.documents.remove(key, expected).await
    }
}

#[tokio::test(start_paused = true)]
async fn processes_that_look_at_once_note_each_crossing_once_and_mail_it_once() {
    let mut overlapped = 0;
    for seed in 0..150 {
        let (stage, mails) = (world().await, Mails::default());
        let process = |number: u64| {
            let (documents, clock) = (stage.documents.clone(), stage.clock.clone());
            let dice = Mutex::new((seed * 3 + number).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            radar_over(Arc::new(Slow { documents, clock, dice }), &stage)
        };
        let radars = [process(0), process(1), process(2)];
        let [one, two, three] = radars.each_ref().map(|radar| radar.survey());
        let noted: Vec<_> = <[_; 3]>::from(tokio::join!(one, two, three)).map(|survey| survey.unwrap().noted).into();
        assert_eq!(noted.iter().sum::<usize>(), 2, "{seed}: {noted:?}");
        overlapped += usize::from(noted.iter().filter(|noted| **noted > 0).count() > 1);
        let jobs = radars.each_ref().map(|radar| job(radar, Wish::AtMostOnce, &mails));
        let [one, two, three] = jobs;
        let ended = tokio::join!(one, two, three);
        assert!(ended.0.is_ok() && ended.1.is_ok() && ended.2.is_ok(), "{seed}: {ended:?}");
        assert_eq!((mails.of("one"), mails.of("two")), (1, 1), "{seed}");
        assert_eq!((mails.of("replaced"), mails.of("removed")), (0, 0), "{seed}");
        assert!(stage.notes().get(&"removed".parse().unwrap()).await.unwrap().is_none());
    }
    assert!(overlapped > 10, "{overlapped} worlds in which two processes noted one each");
}

/// The product is suspended with a page of crossings in its hands, and another process tells them meanwhile.
#[tokio::test(start_paused = true)]
async fn who_wakes_between_noting_and_mailing_learns_that_it_was_told_already() {
    let stage = Stage::new();
    stage.recorded("shop", Some(5 * DAY)).await;
    let (sleeper, other, mails) = (stage.radar().without_reading(), stage.radar().without_reading(), Mails::default());
    assert_eq!(sleeper.survey().await.unwrap().noted, 1);
    let held = open(&sleeper).await;
    job(&other, Wish::AtMostOnce, &mails).await.unwrap();
    assert!(!sleeper.acknowledge(&held[0]).await.unwrap());
    assert_eq!(mails.of("shop"), 1);
    // And one that is killed there has it told by the next.
    stage.clock.sleep(5 * DAY).await;
    sleeper.survey().await.unwrap();
    drop(sleeper);
    job(&other, Wish::AtMostOnce, &mails).await.unwrap();
    assert_eq!(mails.of("shop"), 2, "its end");
    let note: ExpiryNote = stage.notes().get(&"shop".parse().unwrap()).await.unwrap().unwrap().value;
    assert!(note.open().is_empty());
}
