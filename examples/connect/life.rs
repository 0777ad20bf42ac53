//! The life of a connection: entered, checked, saved, listed, tested, rotated, ended.

use std::sync::Arc;
use std::time::Duration;

use azconnect::Connections;
use azconnect::arm::choices::SizeFilter;
use azconnect::core::Error;
use azconnect::credential::{
    ConnectionId, ConnectionQuery, ConnectionRecord, CredentialKind, CredentialVerdict, ExpiryPolicy,
};
use azconnect::rotation::{Policy, RotationOutcome, SinkBinding};
use azconnect_examples::end::{Ending, Failure};

use crate::arguments::Arguments;
use crate::assemble::{Site, assemble};
use crate::form::filled;
use crate::known::check_same;
use crate::offered::Offered;
use crate::show::Teller;

/// How long before its end a secret is spoken of, in days. The new one lives 90 of them.
const SPOKEN_OF: [u64; 3] = [30, 7, 1];

/// Whether a secret is rotated at once.
#[derive(Clone, Copy)]
enum Start {
    /// A person has seen it, so that it is replaced at once.
    Now,
    /// Where it is near its end, or an earlier run did not finish.
    IfDue,
}

/// Everything, one step after the other. The first that cannot be done ends it, with the remedy.
pub async fn live(arguments: &Arguments) -> Result<(), Failure> {
    azconnect_examples::log::start()?;
    arguments.check()?;
    let teller = Teller::new(arguments.json, !arguments.is_virtual());
    let site = assemble(arguments).await?;
    let connections = site.azure.connections(&site.storage);
    let id: ConnectionId = arguments.name.parse().map_err(|error: Error| error.with_field("--name"))?;
    let known = connections.get(&id).await?;
    if let Some(record) = &known {
        check_same(arguments, &site, record).await?;
    }
    if arguments.disconnect {
        return end(&site, &connections, &id, &teller).await;
    }
    let start = if known.is_some() { Start::IfDue } else { Start::Now };
    let record = match known {
        Some(record) => {
            teller.found(&record);
            record
        }
        None => connect(arguments, &connections, &teller).await?,
    };
    list(&site, &connections, &teller).await?;
    offer(&connections, &record, &teller).await?;
    test(&connections, &id, &teller).await?;
    if arguments.rotates() {
        rotate(arguments, &site, &connections, (&record, start), &teller).await?;
        list(&site, &connections, &teller).await?;
    }
    if arguments.keep {
        teller.kept(&id);
        return Ok(());
    }
    end(&site, &connections, &id, &teller).await
}

/// Disconnects. That needs no secret that works, and none that can be opened.
async fn end(site: &Site, connections: &Connections, id: &ConnectionId, teller: &Teller) -> Result<(), Failure> {
    let ended = site.azure.disconnect(&site.storage, id).await?;
    teller.disconnected(id, ended.as_ref());
    list(site, connections, teller).await.map_err(Failure::from)
}

/// Checks everything that was entered, all at once, and saves it if nothing stands in the way.
async fn connect(
    arguments: &Arguments,
    connections: &Connections,
    teller: &Teller,
) -> Result<ConnectionRecord, Failure> {
    let form = filled(arguments)?;
    let outcome = connections.connect_checked(&form).await?;
    teller.checked(&outcome.report);
    match outcome.connected {
        Some(connected) => {
            teller.saved(&connected.record);
            Ok(connected.record)
        }
        None => {
            // Nothing failed, and the secret could not be proven: a service did not answer, or the secret is too new.
            let ending = if outcome.report.is_clear() { Ending::RunAgain } else { Ending::NeedsPerson };
            teller.not_saved(&outcome.report, ending);
            Err(Failure::Told(ending))
        }
    }
}

/// All connections of the product, with how near their ends the secrets are.
async fn list(site: &Site, connections: &Connections, teller: &Teller) -> Result<(), Error> {
    let (mut all, mut query) = (Vec::new(), ConnectionQuery::new());
    loop {
        let page = connections.list(&query).await?;
        all.extend(page.connections);
        for (name, error) in &page.unreadable {
            teller.unreadable(name.as_str(), error);
        }
        let Some(next) = page.next else { break };
        query = query.with_after(Some(next));
    }
    let policy = ExpiryPolicy::new(SPOKEN_OF.map(|days| Duration::from_secs(days * 86_400)))?;
    teller.listed(&all, site.clock.now(), &policy);
    Ok(())
}

/// What a form for a machine would offer in this subscription. Nobody needs it here: a failure ends nothing.
async fn offer(connections: &Connections, record: &ConnectionRecord, teller: &Teller) -> Result<(), Error> {
    let Some(region) = &record.region else { return Ok(()) };
    let choices = connections.identity(&record.id).await?.choices(record.subscription, record.resource_group.clone());
    let wanted = SizeFilter::new().open_only();
    let offered = async {
        Ok::<_, Error>(Offered {
            regions: choices.regions().await?,
            sizes: choices.sizes(region.as_str(), &wanted).await?,
            images: choices.images(region.as_str()).await?,
            groups: choices.groups().await?,
        })
    };
    teller.offered(region.as_str(), &offered.await);
    Ok(())
}

/// Signs in with the secret that was kept.
async fn test(connections: &Connections, id: &ConnectionId, teller: &Teller) -> Result<(), Failure> {
    let assessment = connections.test(id).await?;
    teller.tested(&assessment);
    match assessment.verdict {
        CredentialVerdict::Accepted => Ok(()),
        CredentialVerdict::Rejected => Err(Failure::Told(Ending::NeedsPerson)),
        _ => Err(Failure::Told(Ending::RunAgain)),
    }
}

/// Replaces the secret by one that the application mints for itself: it is the consumer of its own secret.
async fn rotate(
    arguments: &Arguments,
    site: &Site,
    connections: &Connections,
    (record, start): (&ConnectionRecord, Start),
    teller: &Teller,
) -> Result<(), Failure> {
    let identity = connections.identity(&record.id).await?.with_record(connections.own_record(&record.id))?;
    let credential = connections.own_sink(&record.id, &identity)?;
    let mut target = identity
        .target(record.client)?
        .with_policy(policy(arguments))
        .with_sink(SinkBinding::new(Arc::new(credential)));
    if let CredentialKind::ClientSecret { key: Some(key), .. } = &record.credential {
        // The customer made it by hand: handed over to us, so that it is removed once nothing needs it.
        target = target.with_adopted(*key);
    }
    let rotator =
        site.azure.rotator(&site.storage).with_patience(patience(arguments)).with_observer(Arc::new(teller.clone()));
    let before = rotator.history(target.subject()).await?.len();
    let outcome = match start {
        Start::Now => {
            teller.rotating();
            rotator.rotate_now(&target).await?
        }
        Start::IfDue => rotator.rotate(&target).await?,
    };
    let history = rotator.history(target.subject()).await?;
    teller.rotated(&outcome, history.get(before..).unwrap_or_default(), site.clock.now());
    Err(Failure::Told(match outcome {
        RotationOutcome::Rotated { .. } | RotationOutcome::NotDue { .. } | RotationOutcome::Idle { .. } => {
            return Ok(());
        }
        RotationOutcome::Waiting { .. } => Ending::RunAgain,
        _ => Ending::NeedsPerson,
    }))
}

/// Hours where they pass at once, and on Azure; seconds at an emulator that goes by the wall's clock.
fn policy(arguments: &Arguments) -> Policy {
    if arguments.is_virtual() || arguments.place.azure {
        return Policy::default();
    }
    Policy::default()
        .with_settle(Duration::from_secs(2))
        .with_grace(Duration::from_secs(3))
        .with_pause(Duration::from_secs(1))
        .with_absence_spacing(Duration::from_secs(1))
        .with_orphan_watch(Duration::from_secs(30))
}

/// How long the program waits by itself, before it asks to be run again.
fn patience(arguments: &Arguments) -> Duration {
    if arguments.is_virtual() { Duration::from_secs(7200) } else { Duration::from_secs(120) }
}
