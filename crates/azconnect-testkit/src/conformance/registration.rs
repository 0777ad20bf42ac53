//! What every tenant must do in which applications are registered: as one suite over the four ports that a set-up takes,
//! since each stands on what the one before it made.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{ApplicationObjectId, ClientId, Effect, Error, ErrorKind, PrincipalObjectId};
use azconnect_credential::Marker;
use azconnect_graph::{
    Application, ApplicationOwners, ApplicationRef, ApplicationRegistrar, Applications, Consent, ConsentKeeper,
    DirectoryObjectId, NewApplication, PermissionId, Platform, PrincipalRegistrar, RedirectUris,
};
use uuid::Uuid;

use super::report::{CaseResult, Failure, Report, ensure, ensure_eq, refused};

/// A tenant under test.
#[async_trait]
pub trait RegistrationHarness: Send + Sync {
    /// The port that registers applications.
    fn registrar(&self) -> Arc<dyn ApplicationRegistrar>;

    /// The port that gives them a service principal.
    fn principals(&self) -> Arc<dyn PrincipalRegistrar>;

    /// The port that keeps their owners.
    fn owners(&self) -> Arc<dyn ApplicationOwners>;

    /// The port that keeps consents.
    fn consents(&self) -> Arc<dyn ConsentKeeper>;

    /// The port that reads applications.
    fn applications(&self) -> Arc<dyn Applications>;

    /// The service principal of a resource in the tenant, with two of its application roles.
    fn resource(&self) -> (PrincipalObjectId, [PermissionId; 2]);

    /// Lets time pass until every replica of the directory agrees.
    async fn settle(&self);

    /// Lets the next change happen, and loses its answer.
    async fn lose_next_change(&self);
}

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: RegistrationHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("registration");
    report.add("what is registered is found by its marker and its ids", registers(&make().await).await);
    report.add("registering again finds the same one", registers_once(&make().await).await);
    report.add("two markers are two applications", tells_markers_apart(&make().await).await);
    report.add("a wish that would be refused has no effect", refuses_wishes(&make().await).await);
    report.add("what was deleted is gone, and deleting again succeeds", deletes(&make().await).await);
    report.add("a lost answer makes no second application", registers_after_loss(&make().await).await);
    report.add("an application has one service principal", makes_one_principal(&make().await).await);
    report.add("a lost answer makes no second service principal", makes_principal_after_loss(&make().await).await);
    report.add("deleting a service principal leaves the application", deletes_principal(&make().await).await);
    report.add("owners come and go, each call repeatable", keeps_owners(&make().await).await);
    report.add("the last owner stays", keeps_the_last_owner(&make().await).await);
    report.add("a consent changes no other", keeps_consents(&make().await).await);
    report.add("a lost answer consents once", consents_after_loss(&make().await).await);
    report.add("a scope that is no name is refused", refuses_scopes(&make().await).await);
    report.finish();
}

fn wish(marker: &str) -> Result<NewApplication, Error> {
    let addresses = RedirectUris::new().with(Platform::Web, "https://portal.example/callback");
    Ok(NewApplication::new(Marker::new(marker)?, "O'Neill's portal").with_redirect_uris(addresses))
}

async fn registered(harness: &impl RegistrationHarness, marker: &str) -> Result<Application, Failure> {
    let made = harness.registrar().ensure(&wish(marker)?).await?;
    harness.settle().await;
    Ok(made)
}

async fn registers(harness: &impl RegistrationHarness) -> CaseResult {
    let made = registered(harness, "set-up 1").await?;
    ensure_eq("display name", &made.display_name.as_deref(), &Some("O'Neill's portal"))?;
    let marked = harness.registrar().find_marked(&Marker::new("set-up 1")?).await?;
    ensure_eq("by its marker", &marked.map(|found| found.client_id), &Some(made.client_id))?;
    for which in [ApplicationRef::from(made.id), ApplicationRef::from(made.client_id)] {
        ensure_eq("by an id", &harness.applications().find(which).await?.client_id, &made.client_id)?;
    }
    let other = harness.registrar().find_marked(&Marker::new("set-up")?).await?;
    ensure(other.is_none(), "a part of a marker finds it")
}

async fn registers_once(harness: &impl RegistrationHarness) -> CaseResult {
    let made = registered(harness, "set-up 1").await?;
    let mut again = wish("set-up 1")?;
    again.display_name = "Another name".to_owned();
    let found = harness.registrar().ensure(&again).await?;
    ensure_eq("client id", &found.client_id, &made.client_id)?;
    harness.settle().await;
    let found = harness.applications().find(made.id.into()).await?;
    ensure_eq("its name stays", &found.display_name.as_deref(), &Some("O'Neill's portal"))
}

async fn tells_markers_apart(harness: &impl RegistrationHarness) -> CaseResult {
    let (one, other) = (registered(harness, "set-up 1").await?, registered(harness, "set-up 2").await?);
    ensure(one.client_id != other.client_id, "both have the same client id")?;
    ensure_eq("how many there are", &count(harness).await?, &2)
}

async fn count(harness: &impl RegistrationHarness) -> Result<usize, Failure> {
    harness.settle().await;
    Ok(harness.applications().find_named("O'Neill's portal").await?.len())
}

async fn refuses_wishes(harness: &impl RegistrationHarness) -> CaseResult {
    let marker = Marker::new("set-up 1")?;
    let clear = RedirectUris::new().with(Platform::Web, "http://portal.example/");
    for (wish, field) in [
        (NewApplication::new(marker.clone(), " "), "display_name"),
        (NewApplication::new(marker.clone(), "x".repeat(257)), "display_name"),
        (NewApplication::new(marker.clone(), "Portal").with_redirect_uris(clear), "redirect_uri"),
    ] {
        let error = refused("a wish", ErrorKind::InvalidInput, harness.registrar().ensure(&wish).await)?;
        ensure_eq("field", &error.field(), &Some(field))?;
    }
    harness.settle().await;
    ensure(harness.registrar().find_marked(&marker).await?.is_none(), "a refused wish was registered")
}

async fn deletes(harness: &impl RegistrationHarness) -> CaseResult {
    let (gone, kept) = (registered(harness, "set-up 1").await?, registered(harness, "set-up 2").await?);
    for _ in 0..2 {
        harness.registrar().delete(gone.client_id.into()).await?;
        harness.settle().await;
    }
    ensure(harness.registrar().find_marked(&Marker::new("set-up 1")?).await?.is_none(), "it is found still")?;
    refused("finding it", ErrorKind::NotFound, harness.applications().find(gone.id.into()).await)?;
    ensure_eq("the other", &harness.applications().find(kept.id.into()).await?.client_id, &kept.client_id)?;
    harness.registrar().delete(ApplicationObjectId::from(Uuid::new_v4()).into()).await.map_err(Into::into)
}

async fn registers_after_loss(harness: &impl RegistrationHarness) -> CaseResult {
    harness.lose_next_change().await;
    // An implementation may look for what it made, and need no help.
    if let Err(error) = harness.registrar().ensure(&wish("set-up 1")?).await {
        ensure(error.effect() == Effect::Unknown, format!("the effect of a lost answer is unknown: {error:?}"))?;
    }
    harness.settle().await;
    harness.registrar().ensure(&wish("set-up 1")?).await?;
    ensure_eq("how many there are", &count(harness).await?, &1)
}

async fn makes_one_principal(harness: &impl RegistrationHarness) -> CaseResult {
    // Not settled: a set-up goes on at once.
    let made = harness.registrar().ensure(&wish("set-up 1")?).await?;
    let principal = harness.principals().ensure(made.client_id).await?;
    ensure_eq("client id", &principal.client_id, &made.client_id)?;
    harness.settle().await;
    ensure_eq("the second time", &harness.principals().ensure(made.client_id).await?.id, &principal.id)?;
    let found = harness.applications().service_principal_of(made.client_id).await?;
    ensure_eq("as it is found", &found.id, &principal.id)?;
    let nobody = harness.principals().ensure(ClientId::from(Uuid::new_v4())).await;
    refused("one for no application", ErrorKind::NotFound, nobody).map(drop)
}

async fn makes_principal_after_loss(harness: &impl RegistrationHarness) -> CaseResult {
    let made = registered(harness, "set-up 1").await?;
    harness.lose_next_change().await;
    if let Err(error) = harness.principals().ensure(made.client_id).await {
        ensure(error.effect() == Effect::Unknown, format!("the effect of a lost answer is unknown: {error:?}"))?;
    }
    harness.settle().await;
    let again = harness.principals().ensure(made.client_id).await?;
    ensure_eq("again", &harness.principals().ensure(made.client_id).await?.id, &again.id)
}

async fn deletes_principal(harness: &impl RegistrationHarness) -> CaseResult {
    let (made, principal) = with_principal(harness).await?;
    for _ in 0..2 {
        harness.principals().delete(principal).await?;
        harness.settle().await;
    }
    let found = harness.applications().service_principal_of(made.client_id).await;
    refused("finding it", ErrorKind::NotFound, found)?;
    harness.applications().find(made.id.into()).await.map(drop).map_err(Into::into)
}

async fn with_principal(harness: &impl RegistrationHarness) -> Result<(Application, PrincipalObjectId), Failure> {
    let made = registered(harness, "set-up 1").await?;
    let principal = harness.principals().ensure(made.client_id).await?;
    harness.settle().await;
    Ok((made, principal.id))
}

async fn keeps_owners(harness: &impl RegistrationHarness) -> CaseResult {
    let (made, principal) = with_principal(harness).await?;
    let (owners, owner) = (harness.owners(), DirectoryObjectId::from(principal));
    let before = owners.list(made.id.into()).await?.len();
    for _ in 0..2 {
        owners.add(made.id.into(), owner).await?;
    }
    let listed = owners.list(made.client_id.into()).await?;
    ensure(listed.iter().filter(|one| one.id == owner).count() == 1, "the new owner is not listed once")?;
    ensure_eq("owners", &listed.len(), &(before + 1))?;
    for _ in 0..2 {
        owners.remove(made.id.into(), owner).await?;
    }
    ensure_eq("owners in the end", &owners.list(made.id.into()).await?.len(), &before)?;
    let nobody = DirectoryObjectId::from(Uuid::new_v4());
    refused("adding nobody", ErrorKind::NotFound, owners.add(made.id.into(), nobody).await)?;
    let nothing = ApplicationRef::from(ApplicationObjectId::from(Uuid::new_v4()));
    refused("owners of nothing", ErrorKind::NotFound, owners.add(nothing, owner).await).map(drop)
}

async fn keeps_the_last_owner(harness: &impl RegistrationHarness) -> CaseResult {
    let (made, _) = with_principal(harness).await?;
    let owners = harness.owners();
    let listed = owners.list(made.id.into()).await?;
    let [only] = listed.as_slice() else { return Err(Failure::new("whoever registers is the one owner")) };
    let error = refused("removing it", ErrorKind::Conflict, owners.remove(made.id.into(), only.id).await)?;
    ensure_eq("field", &error.field(), &Some("owner"))?;
    ensure_eq("owners", &owners.list(made.id.into()).await?.len(), &1)
}

async fn listed(harness: &impl RegistrationHarness, client: PrincipalObjectId) -> Result<Vec<Consent>, Failure> {
    harness.settle().await;
    let mut all = harness.consents().list(client).await?;
    all.sort();
    Ok(all)
}

async fn keeps_consents(harness: &impl RegistrationHarness) -> CaseResult {
    let (_, client) = with_principal(harness).await?;
    let (resource, [one, other]) = harness.resource();
    let scope = |name: &str| Consent::delegated(client, resource, name);
    let mut wanted = vec![
        scope("user_impersonation"),
        scope("profile"),
        Consent::role(client, resource, one),
        Consent::role(client, resource, other),
    ];
    wanted.sort();
    for consent in wanted.iter().chain(&wanted) {
        harness.consents().grant(consent).await?;
        harness.settle().await;
    }
    ensure_eq("what is granted", &listed(harness, client).await?, &wanted)?;
    while let Some(consent) = wanted.pop() {
        for _ in 0..2 {
            harness.consents().revoke(&consent).await?;
            harness.settle().await;
        }
        ensure_eq("what is left", &listed(harness, client).await?, &wanted)?;
    }
    Ok(())
}

async fn consents_after_loss(harness: &impl RegistrationHarness) -> CaseResult {
    let (_, client) = with_principal(harness).await?;
    let (resource, [role, _]) = harness.resource();
    let wanted = [Consent::delegated(client, resource, "user_impersonation"), Consent::role(client, resource, role)];
    for consent in &wanted {
        harness.lose_next_change().await;
        if let Err(error) = harness.consents().grant(consent).await {
            ensure(error.effect() == Effect::Unknown, format!("the effect of a lost answer is unknown: {error:?}"))?;
        }
        harness.settle().await;
        harness.consents().grant(consent).await?;
    }
    ensure_eq("what is granted", &listed(harness, client).await?.len(), &2)
}

async fn refuses_scopes(harness: &impl RegistrationHarness) -> CaseResult {
    let (_, client) = with_principal(harness).await?;
    let (resource, _) = harness.resource();
    for scope in ["", "one two", " one", "ein\u{fc}"] {
        let consent = Consent::delegated(client, resource, scope);
        let error = refused("a scope", ErrorKind::InvalidInput, harness.consents().grant(&consent).await)?;
        ensure_eq("field", &error.field(), &Some("scope"))?;
    }
    ensure_eq("what is granted", &listed(harness, client).await?.len(), &0)
}
