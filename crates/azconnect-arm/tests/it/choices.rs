//! What a form offers to choose from, at the emulator and from odd answers.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_arm::Arm;
use azconnect_arm::choices::{
    Architecture, Availability, Offer, OfferSource, OfferedSize, SizeFilter, SubscriptionChoices,
};
use azconnect_core::{Clock, Cloud, Error, ErrorKind, Secret};
use azconnect_credential::AccessToken;
use azconnect_emulator::arm::ArmSettings;
use azconnect_emulator::{CannedAnswer, Fault, FaultAction, Service};
use azconnect_http::{Pipeline, Request, Response, Transport};
use azconnect_testkit::VirtualClock;
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::stage::{CLIENT, OneToken, SECRET, Stage, group_name, subscription_id};

fn choices(stage: &Stage) -> SubscriptionChoices {
    stage.subscription().choices()
}

fn everything() -> SizeFilter {
    SizeFilter::new()
}

fn size<'a>(offer: &'a Offer<OfferedSize>, name: &str) -> &'a OfferedSize {
    offer.entries.iter().find(|size| size.name == name).unwrap_or_else(|| panic!("no {name} in {offer:#?}"))
}

#[tokio::test(start_paused = true)]
async fn the_regions_of_a_subscription_have_their_names_pair_and_zones() {
    let stage = Stage::new();
    let offer = choices(&stage).regions().await.unwrap();
    assert!(offer.is_listed() && offer.notices.is_empty() && offer.left_out == 0, "{offer:#?}");
    assert_eq!(offer.read_at, stage.clock.now());
    let of = |name: &str| offer.entries.iter().find(|region| region.name == name);
    let west = of("westeurope").unwrap();
    assert_eq!((west.display_name.as_str(), west.geography.as_deref()), ("West Europe", Some("Europe")));
    assert_eq!((west.paired_region.as_deref(), west.zones.len()), (Some("northeurope"), 3));
    assert!(!of("ukwest").unwrap().has_zones());
    assert_eq!(of("swedencentral").unwrap().paired_region, None);
    // Names that stand for several regions are listed beside the regions, as logical ones.
    assert!(of("europe").is_none(), "nothing can be placed in a logical region");
    assert!(offer.entries.is_sorted_by_key(|region| &region.display_name));
}

#[tokio::test(start_paused = true)]
async fn the_sizes_of_a_region_tell_their_shape_and_what_is_closed() {
    let stage = Stage::new();
    let azure = stage.emulator.resource_manager();
    azure.restrict_size(subscription_id().as_uuid(), "westeurope", "Standard_D4s_v5", &[]).unwrap();
    azure.restrict_size(subscription_id().as_uuid(), "westeurope", "Standard_D2s_v5", &["1", "3"]).unwrap();
    let offer = choices(&stage).sizes("WestEurope", &everything()).await.unwrap();
    assert!(offer.is_listed(), "{offer:#?}");
    let small = size(&offer, "Standard_DS1_v2");
    assert_eq!(
        (small.cores, small.memory_mib, small.family.as_deref()),
        (Some(1), Some(3584), Some("standardDSv2Family"))
    );
    assert_eq!(small.availability, Availability::Available);
    let arm = size(&offer, "Standard_D2ps_v5");
    assert_eq!(
        (arm.architecture, arm.generations.as_slice()),
        (Some(Architecture::Arm64), ["V2".to_owned()].as_slice())
    );
    // A whole region is closed by a restriction of the type `Location`, some of its zones by one of the type `Zone`.
    let closed = Availability::Closed { reason: "NotAvailableForSubscription".into() };
    assert_eq!(size(&offer, "Standard_D4s_v5").availability, closed);
    let zonal = size(&offer, "Standard_D2s_v5");
    assert_eq!((zonal.zones.as_slice(), zonal.closed_zones.len()), (["2".to_owned()].as_slice(), 2));
    assert!(zonal.is_open());

    let wanted = everything().with_cores(2..=4).with_architecture(Architecture::X64).with_name_part("_v5").open_only();
    let few = choices(&stage).sizes("westeurope", &wanted).await.unwrap();
    let names: Vec<&str> = few.entries.iter().map(|size| size.name.as_str()).collect();
    assert_eq!(names, ["Standard_D2as_v5", "Standard_D4as_v5", "Standard_D2s_v5", "Standard_E2s_v5"]);
}

#[tokio::test(start_paused = true)]
async fn images_are_offered_in_the_newest_version_that_the_region_has() {
    let stage = Stage::new();
    let offer = choices(&stage).images("westeurope").await.unwrap();
    let of = |alias: &str| offer.entries.iter().find(|image| image.alias == alias);
    let ubuntu = of("Ubuntu2404").unwrap();
    assert_eq!(ubuntu.version.as_deref(), Some("24.04.202510010"));
    assert_eq!((ubuntu.architecture, ubuntu.is_windows), (Some(Architecture::X64), Some(false)));
    assert_eq!((ubuntu.generation.as_deref(), ubuntu.needs_terms), (Some("V2"), Some(false)));
    assert_eq!(of("Ubuntu2404Arm64").unwrap().architecture, Some(Architecture::Arm64));
    assert_eq!(of("Win2025").unwrap().is_windows, Some(true));
    // The emulated region does not have it: a form must not offer what cannot be built.
    assert!(offer.is_listed() && of("AlmaLinux9").is_none(), "{offer:#?}");
}

#[tokio::test(start_paused = true)]
async fn resource_groups_are_offered_from_every_page_with_their_region() {
    let stage =
        Stage::with(ArmSettings::default().with_page_size(2), json!([{"principal": CLIENT, "role": "Contributor"}]));
    for name in ["rg-c", "rg-a", "RG-b", "rg-e", "rg-d"] {
        stage.emulator.resource_manager().add_group(subscription_id().as_uuid(), name, "northeurope").unwrap();
    }
    let offer = choices(&stage).groups().await.unwrap();
    let names: Vec<&str> = offer.entries.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["rg-a", "RG-b", "rg-c", "rg-d", "rg-e"]);
    assert!(offer.entries.iter().all(|group| group.region == "northeurope" && group.is_usable()), "{offer:#?}");
    assert_eq!(offer.entries[0].provisioning_state.as_deref(), Some("Succeeded"));
}

// A contributor of one group is refused locations, sizes and images; the list of groups shows it its own.
#[tokio::test(start_paused = true)]
async fn an_identity_of_one_group_is_offered_what_is_built_in_and_its_own_group() {
    let stage = Stage::for_group_only();
    stage.emulator.resource_manager().add_group(subscription_id().as_uuid(), "rg-other", "westeurope").unwrap();
    let choices = choices(&stage).with_group(group_name());
    let regions = choices.regions().await.unwrap();
    assert!(matches!(regions.source, OfferSource::BuiltIn { as_of } if as_of < stage.clock.now()), "{regions:#?}");
    assert_eq!(regions.notices[0].kind(), ErrorKind::PermissionDenied);
    assert!(!regions.notices[0].advice().is_empty());
    let west = regions.entries.iter().find(|region| region.name == "westeurope").unwrap();
    assert_eq!((west.paired_region.as_deref(), west.has_zones()), (Some("northeurope"), true));
    let sizes = choices.sizes("westeurope", &everything().with_cores(2..=2).open_only()).await.unwrap();
    assert!(!sizes.is_listed() && sizes.entries.iter().all(|size| size.cores == Some(2)), "{sizes:#?}");
    assert_eq!(size(&sizes, "Standard_B2s").availability, Availability::Unknown);
    let images = choices.images("westeurope").await.unwrap();
    assert!(!images.is_listed() && images.entries.iter().all(|image| image.version.is_none()), "{images:#?}");
    let groups = choices.groups().await.unwrap();
    assert!(groups.is_listed() && groups.entries.len() == 1, "{groups:#?}");
    assert_eq!((groups.entries[0].name.as_str(), groups.entries[0].region.as_str()), ("rg-web", "westeurope"));
}

#[tokio::test(start_paused = true)]
async fn an_identity_without_a_role_is_offered_no_group() {
    let stage = Stage::with(ArmSettings::default(), json!([]));
    let own = choices(&stage).with_group(group_name());
    let offer = own.groups().await.unwrap();
    assert!(offer.is_listed() && offer.entries.is_empty(), "{offer:#?}");
    // A service that refuses the list says what is lacking.
    let refusal = CannedAnswer::new(403).with_body(json!({"error": {"code": "AuthorizationFailed", "message": "no"}}));
    stage.emulator.faults().add(Fault::new(FaultAction::Answer(refusal)).with_path("/resourcegroups?").forever());
    let error = own.groups().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.service_code()),
        (ErrorKind::PermissionDenied, Some("AuthorizationFailed")),
        "{error}"
    );
}

// The group that is known is offered where the list is refused or lags behind.
#[tokio::test(start_paused = true)]
async fn a_known_group_is_offered_where_groups_may_not_be_listed() {
    let stage = Stage::new();
    stage.emulator.resource_manager().add_group(subscription_id().as_uuid(), "rg-web", "westeurope").unwrap();
    let refusal = CannedAnswer::new(403).with_body(json!({"error": {"code": "AuthorizationFailed", "message": "no"}}));
    stage.emulator.faults().add(Fault::new(FaultAction::Answer(refusal)).with_path("/resourcegroups?").forever());
    let error = choices(&stage).groups().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.advice().contains("name of the resource group"), "{}", error.advice());
    let offer = choices(&stage).with_group(group_name()).groups().await.unwrap();
    assert_eq!(offer.entries.len(), 1);
}

// A disabled subscription can be read, and nothing can be created in it.
#[tokio::test(start_paused = true)]
async fn a_disabled_subscription_is_told_beside_its_regions() {
    let stage = Stage::new();
    stage.emulator.resource_manager().set_subscription_state(subscription_id().as_uuid(), "Disabled");
    let offer = choices(&stage).regions().await.unwrap();
    assert!(offer.is_listed() && !offer.entries.is_empty());
    assert!(offer.notices[0].message().contains("is Disabled"), "{offer:#?}");
    assert!(offer.notices[0].advice().contains("owner"));
    stage.emulator.resource_manager().set_subscription_state(subscription_id().as_uuid(), "PastDue");
    assert!(choices(&stage).regions().await.unwrap().notices.is_empty());
}

// The service's filter by a region that it does not know, or that has no machines, gives an empty list.
#[tokio::test(start_paused = true)]
async fn a_region_without_a_size_offers_none_and_says_so() {
    let stage = Stage::new();
    let offer = choices(&stage).sizes("middleearth", &everything()).await.unwrap();
    assert!(offer.is_listed() && offer.entries.is_empty(), "{offer:#?}");
    assert!(offer.notices[0].message().contains("middleearth") && offer.notices[0].advice().contains("region"));
    // A filter that leaves nothing is no lack of the region.
    let none = choices(&stage).sizes("westeurope", &everything().with_cores(999..=1000)).await.unwrap();
    assert!(none.entries.is_empty() && none.notices.is_empty(), "{none:#?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_region_is_refused_before_any_request() {
    let stage = Stage::new();
    let before = stage.emulator.truth().exchanges;
    for bad in ["", "west europe", "x' or '1' eq '1", "../skus"] {
        let error = choices(&stage).sizes(bad, &everything()).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("location")), "{bad:?}");
        assert_eq!(choices(&stage).images(bad).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    assert_eq!(stage.emulator.truth().exchanges, before);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_list_is_read_when_the_service_allows_it() {
    let stage = Stage::new();
    let throttle = FaultAction::Throttle { status: 429, retry_after: Some(Duration::from_secs(17)) };
    stage.emulator.faults().add(Fault::new(throttle).with_service(Service::ResourceManager).with_count(2));
    assert!(!choices(&stage).sizes("westeurope", &everything()).await.unwrap().entries.is_empty());
}

// An outage says nothing about what there is: whoever took the catalogue for it would offer what is not there.
#[tokio::test(start_paused = true)]
async fn an_outage_is_never_covered_by_what_is_built_in() {
    let stage = Stage::new();
    let throttle = FaultAction::Throttle { status: 429, retry_after: None };
    stage.emulator.faults().add(Fault::new(throttle).with_service(Service::ResourceManager).forever());
    let choices = choices(&stage);
    let failures = [
        choices.regions().await.map(drop),
        choices.sizes("westeurope", &everything()).await.map(drop),
        choices.images("westeurope").await.map(drop),
        choices.groups().await.map(drop),
    ];
    for failure in failures {
        let error = failure.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Throttled, "{error:?}");
        assert!(!format!("{error:?}").contains(SECRET));
    }
}

#[tokio::test(start_paused = true)]
async fn a_kept_offer_is_the_one_that_was_read() {
    let stage = Stage::new();
    let offer = choices(&stage).sizes("westeurope", &everything()).await.unwrap();
    let kept = serde_json::to_string(&offer).unwrap();
    let shown: Offer<OfferedSize> = serde_json::from_str(&kept).unwrap();
    assert_eq!(shown, offer);
    assert!(!shown.is_stale(stage.clock.now(), Duration::from_secs(60)));
    stage.clock.sleep(Duration::from_secs(61)).await;
    assert!(shown.is_stale(stage.clock.now(), Duration::from_secs(60)));
}

// Another Azure has other regions: what is built in would be wrong there.
#[tokio::test(start_paused = true)]
async fn the_azure_of_china_is_offered_nothing_built_in() {
    let answer = json!({"error": {"code": "AuthorizationFailed", "message": "no"}});
    let choices = scripted(Cloud::china(), 403, answer);
    assert_eq!(choices.regions().await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(choices.sizes("chinaeast2", &everything()).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
}

// So has an Azure Stack, under an address that nobody can list; an emulator on this machine has the public regions.
#[tokio::test(start_paused = true)]
async fn an_azure_of_somebodys_own_is_offered_nothing_built_in() {
    let refusal = || json!({"error": {"code": "AuthorizationFailed", "message": "no"}});
    let own = |address: &str| {
        azconnect_core::danger::allow_http_loopback(Cloud::custom("Own"))
            .with_resource_manager(address)
            .unwrap()
            .build()
    };
    let stack = scripted(own("https://management.local.azurestack.external"), 403, refusal());
    assert_eq!(stack.regions().await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(stack.images("local").await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert!(!scripted(own("http://127.0.0.1:8002"), 403, refusal()).regions().await.unwrap().is_listed());
}

// A policy, a proxy and a sign-in that is refused answer 403 as well: none says that the list may not be read.
#[tokio::test(start_paused = true)]
async fn only_a_lacking_right_is_covered_by_what_is_built_in() {
    for answer in [
        json!({"error": {"code": "RequestDisallowedByPolicy", "message": "no"}}),
        json!({"error": {"code": "AADSTS53003", "message": "no"}}),
        json!("<html><body>Blocked by the proxy</body></html>"),
    ] {
        let choices = scripted(Cloud::public(), 403, answer.clone()).with_group(group_name());
        let failures = [
            choices.regions().await.map(drop),
            choices.sizes("westeurope", &everything()).await.map(drop),
            choices.images("westeurope").await.map(drop),
            choices.groups().await.map(drop),
        ];
        for failure in failures {
            let error = failure.unwrap_err();
            assert!(!error.advice().contains("name of the resource group"), "{answer}: {error} {}", error.advice());
        }
    }
    let linked = json!({"error": {"code": "LinkedAuthorizationFailed", "message": "no"}});
    assert!(!scripted(Cloud::public(), 403, linked).regions().await.unwrap().is_listed());
}

/// A service that gives one answer to everything.
struct Scripted(u16, Bytes);

#[async_trait]
impl Transport for Scripted {
    async fn send(&self, _: Request) -> Result<Response, Error> {
        Ok(http::Response::builder()
            .status(self.0)
            .header("content-type", "application/json")
            .body(self.1.clone())
            .expect("an answer"))
    }
}

fn scripted(cloud: Cloud, status: u16, answer: Value) -> SubscriptionChoices {
    let later = time::OffsetDateTime::UNIX_EPOCH;
    let token = Arc::new(OneToken(Arc::new(AccessToken::new(Secret::new("token"), later, later))));
    let transport = Arc::new(Scripted(status, Bytes::from(answer.to_string())));
    let pipeline = Pipeline::new(transport, Arc::new(VirtualClock::new()));
    Arm::new(pipeline, &cloud, token).subscription(subscription_id()).choices()
}

/// A record as a service might write it: with fields left out, of another type, or too long.
fn odd(fields: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let field = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        Just(Value::from("x".repeat(5000))),
        Just(json!([])),
        Just(json!([{"location": "westeurope", "zones": [1, null]}])),
        Just(json!({"regionType": 5})),
    ];
    prop::collection::hash_map(prop::sample::select(fields), field, 0..fields.len())
        .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Value>())
}

const SKU: &[&str] =
    &["name", "resourceType", "family", "locations", "locationInfo", "capabilities", "restrictions", "tier"];
const LOCATION: &[&str] = &["name", "displayName", "type", "metadata", "availabilityZoneMappings"];

proptest! {
    #[test]
    fn odd_records_hide_no_others(
        skus in prop::collection::vec(odd(SKU), 0..6),
        locations in prop::collection::vec(odd(LOCATION), 0..6),
        at in 0_usize..7,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let sound = json!({"name": "Standard_B2s", "resourceType": "virtualMachines", "locations": ["westeurope"]});
            let mut all = skus;
            all.insert(at.min(all.len()), sound);
            let offer = scripted(Cloud::public(), 200, json!({"value": all})).sizes("westeurope", &everything()).await.unwrap();
            prop_assert!(offer.entries.iter().any(|size| size.name == "Standard_B2s"));
            prop_assert!(offer.entries.iter().all(|size| size.name.len() <= 128));

            let mut all = locations;
            all.insert(at.min(all.len()), json!({"name": "westeurope", "displayName": "West Europe"}));
            let total = all.len();
            let choices = scripted(Cloud::public(), 200, json!({"value": all}));
            let offer = choices.regions().await.unwrap();
            prop_assert!(offer.entries.iter().any(|region| region.name == "westeurope"));
            prop_assert!(offer.entries.len() + offer.left_out <= total);
            choices.groups().await.unwrap();
            Ok(())
        })?;
    }
}
