//! What every [`Choices`] must do.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_arm::choices::{Availability, Offer, OfferSource, SizeFilter};
use azconnect_arm::port::Choices;
use azconnect_core::ErrorKind;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::report::{CaseResult, Failure, Report, ensure, ensure_eq, refused};

/// The region that every subscription under test has.
const REGION: &str = "westeurope";

/// A size that every subscription under test has in that region, with two processors.
const SIZE: &str = "Standard_B2s";

/// Another one, with four.
const LARGER: &str = "Standard_D4s_v5";

/// Choices under test, and what lies behind them: an emulator, or a fake. The subscription has the region `westeurope`, with the
/// sizes `Standard_B2s` and `Standard_D4s_v5` and an image `Ubuntu2404`.
#[async_trait]
pub trait ChoicesHarness: Send + Sync {
    /// The port under test, for one subscription. It knows the group `rg-web`, whether there is one or not.
    fn choices(&self) -> Arc<dyn Choices>;

    /// Adds a resource group.
    async fn add_group(&self, name: &str, region: &str);

    /// Forbids the subscription a size in a region.
    async fn close_size(&self, region: &str, size: &str);

    /// Lets the identity work in the group `rg-web` and nowhere else, from now on.
    async fn limit_to_group(&self);

    /// Has the service answer nothing more.
    async fn break_down(&self);
}

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: ChoicesHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("Choices");
    report.add("what the service has is listed", lists(&make().await).await);
    report.add("a size tells its shape", shapes(&make().await).await);
    report.add("a filter leaves out what does not fulfil it, and nothing else", filters(&make().await).await);
    report.add("a closed size is told, with why", closes(&make().await).await);
    report.add("an image has its version", images(&make().await).await);
    report.add("an identity of one group is offered what is built in", limited(&make().await).await);
    report.add("an outage is an error, and never covered by what is built in", outage(&make().await).await);
    report.add("what is no region is refused", malformed(&make().await).await);
    report.add("an unknown region offers no size, and says so", unknown(&make().await).await);
    report.add("an offer is kept as JSON", kept(&make().await).await);
    report.finish();
}

async fn lists(harness: &impl ChoicesHarness) -> CaseResult {
    harness.add_group("rg-b", REGION).await;
    harness.add_group("rg-a", "northeurope").await;
    let regions = harness.choices().regions().await?;
    ensure(regions.is_listed(), format!("the regions are not listed: {regions:?}"))?;
    let west = regions.entries.iter().find(|region| region.name == REGION);
    ensure(west.is_some_and(|region| region.display_name == "West Europe"), format!("no {REGION}: {regions:?}"))?;
    let groups = harness.choices().groups().await?;
    let found: Vec<_> = groups.entries.iter().map(|group| (group.name.as_str(), group.region.as_str())).collect();
    ensure_eq("the groups", &found, &vec![("rg-a", "northeurope"), ("rg-b", REGION)])
}

async fn shapes(harness: &impl ChoicesHarness) -> CaseResult {
    let sizes = harness.choices().sizes(REGION, &SizeFilter::new()).await?;
    ensure(sizes.is_listed(), format!("the sizes are not listed: {sizes:?}"))?;
    let size = sizes.entries.iter().find(|size| size.name == SIZE).ok_or_else(|| Failure::new("no such size"))?;
    ensure_eq("cores and memory", &(size.cores, size.memory_mib), &(Some(2), Some(4096)))?;
    ensure(size.family.is_some() && size.architecture.is_some(), format!("no family or architecture: {size:?}"))?;
    ensure_eq("its availability", &size.availability, &Availability::Available)
}

async fn filters(harness: &impl ChoicesHarness) -> CaseResult {
    let all = harness.choices().sizes(REGION, &SizeFilter::new()).await?.entries;
    for filter in [
        SizeFilter::new().with_cores(4..=8),
        SizeFilter::new().with_min_memory_mib(8192),
        SizeFilter::new().with_name_part("_v5"),
    ] {
        let some = harness.choices().sizes(REGION, &filter).await?.entries;
        let wanted: Vec<_> = all.iter().filter(|size| filter.accepts(size)).cloned().collect();
        ensure_eq("the sizes", &some, &wanted)?;
        ensure(!some.iter().any(|size| size.name == SIZE), format!("{SIZE} does not fulfil {filter:?}"))?;
        ensure(some.iter().any(|size| size.name == LARGER), format!("{LARGER} fulfils {filter:?}"))?;
    }
    Ok(())
}

async fn closes(harness: &impl ChoicesHarness) -> CaseResult {
    harness.close_size(REGION, SIZE).await;
    let sizes = harness.choices().sizes(REGION, &SizeFilter::new()).await?;
    let of = |name: &str| sizes.entries.iter().find(|size| size.name == name).map(|size| size.availability.clone());
    let closed = Availability::Closed { reason: "NotAvailableForSubscription".to_owned() };
    ensure_eq("the closed size", &of(SIZE), &Some(closed))?;
    ensure_eq("another one", &of(LARGER), &Some(Availability::Available))?;
    let open = harness.choices().sizes(REGION, &SizeFilter::new().open_only()).await?;
    ensure(!open.entries.iter().any(|size| size.name == SIZE), "a closed size is among the open ones")
}

async fn images(harness: &impl ChoicesHarness) -> CaseResult {
    let images = harness.choices().images(REGION).await?;
    let ubuntu = images.entries.iter().find(|image| image.alias == "Ubuntu2404");
    let resolved = ubuntu.is_some_and(|image| image.version.as_ref().is_some_and(|version| version != "latest"));
    ensure(images.is_listed() && resolved, format!("no version: {images:?}"))
}

async fn limited(harness: &impl ChoicesHarness) -> CaseResult {
    harness.add_group("rg-web", REGION).await;
    harness.add_group("rg-other", REGION).await;
    harness.limit_to_group().await;
    let choices = harness.choices();
    let regions = choices.regions().await?;
    built_in("the regions", &regions)?;
    ensure(regions.entries.iter().any(|region| region.name == REGION), format!("no {REGION}: {regions:?}"))?;
    let sizes = choices.sizes(REGION, &SizeFilter::new().with_cores(2..=2)).await?;
    built_in("the sizes", &sizes)?;
    let honest = sizes.entries.iter().all(|size| size.availability == Availability::Unknown && size.cores == Some(2));
    ensure(honest, format!("a size that nobody listed is said to be available, or not filtered: {sizes:?}"))?;
    let images = choices.images(REGION).await?;
    built_in("the images", &images)?;
    ensure(images.entries.iter().all(|image| image.version.is_none()), "a version that nobody read is given")?;
    let groups = choices.groups().await?;
    let names: Vec<_> = groups.entries.iter().map(|group| group.name.as_str()).collect();
    ensure_eq("the groups", &names, &vec!["rg-web"])
}

fn built_in<T: std::fmt::Debug>(what: &str, offer: &Offer<T>) -> CaseResult {
    let is_marked = matches!(offer.source, OfferSource::BuiltIn { as_of } if as_of < offer.read_at);
    ensure(is_marked && !offer.entries.is_empty(), format!("{what} are not marked as built in: {offer:?}"))?;
    let told = offer.notices.iter().any(|notice| notice.kind() == ErrorKind::PermissionDenied);
    ensure(told, format!("{what} do not say why: {offer:?}"))
}

async fn outage(harness: &impl ChoicesHarness) -> CaseResult {
    harness.break_down().await;
    let choices = harness.choices();
    let outcomes = [
        ("the regions", choices.regions().await.err()),
        ("the sizes", choices.sizes(REGION, &SizeFilter::new()).await.err()),
        ("the images", choices.images(REGION).await.err()),
        ("the groups", choices.groups().await.err()),
    ];
    for (what, error) in outcomes {
        let error = error.ok_or_else(|| Failure::new(format!("{what} were offered in an outage")))?;
        ensure(
            error.kind() != ErrorKind::PermissionDenied,
            format!("{what}: an outage is told as a refusal: {error:?}"),
        )?;
    }
    Ok(())
}

async fn malformed(harness: &impl ChoicesHarness) -> CaseResult {
    let choices = harness.choices();
    for region in ["", "west europe", "x' or '1' eq '1"] {
        let error = refused("the sizes", ErrorKind::InvalidInput, choices.sizes(region, &SizeFilter::new()).await)?;
        ensure(error.field().is_some(), format!("the field is not named: {error:?}"))?;
        refused("the images", ErrorKind::InvalidInput, choices.images(region).await)?;
    }
    Ok(())
}

async fn unknown(harness: &impl ChoicesHarness) -> CaseResult {
    let sizes = harness.choices().sizes("middleearth", &SizeFilter::new()).await?;
    ensure(sizes.entries.is_empty() && sizes.is_listed(), format!("sizes of nowhere: {sizes:?}"))?;
    ensure(sizes.notices.iter().any(|notice| !notice.advice().is_empty()), "nothing is said of the empty list")
}

async fn kept(harness: &impl ChoicesHarness) -> CaseResult {
    let choices = harness.choices();
    same(&choices.regions().await?)?;
    same(&choices.sizes(REGION, &SizeFilter::new()).await?)?;
    same(&choices.images(REGION).await?)?;
    same(&choices.groups().await?)
}

fn same<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(offer: &Offer<T>) -> CaseResult {
    let failed = |error: serde_json::Error| Failure::new(format!("{offer:?}: {error}"));
    let kept: Offer<T> = serde_json::from_str(&serde_json::to_string(offer).map_err(failed)?).map_err(failed)?;
    ensure_eq("the offer that was kept", &kept, offer)
}
