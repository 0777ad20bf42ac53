//! Machines of images by their ids: managed images, and those of galleries.

use azconnect_arm::resource::ApiVersion;
use azconnect_arm::spec::Windows;
use azconnect_arm::{GroupChoice, PreflightCheck, ProvisionPlan, ResourceId, VmSpec, preflight};
use azconnect_core::{Effect, ErrorKind};
use azconnect_credential::{Check, CheckStatus};
use azconnect_emulator::arm::{ArmSettings, Failure};
use azconnect_emulator::{Fault, FaultAction};
use serde_json::{Value, json};

use crate::stage::{CLIENT, SUBSCRIPTION, SUCCESSOR, Stage, group_name, id, plan as unread_plan, subscription_id};

fn images() -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/images")
}

/// A place in the group of the images.
fn at(path: &str) -> String {
    format!("{}/providers/Microsoft.Compute/{path}", images())
}

fn spec(image: &str) -> VmSpec {
    let group = GroupChoice::Create(group_name());
    VmSpec::new("web", "westeurope", "Standard_B2s", image.parse().unwrap(), group).unwrap()
}

async fn write(stage: &Stage, path: &str, properties: Value) -> Value {
    let id: ResourceId = at(path).parse().unwrap();
    let resource =
        stage.arm_with(stage.sign_in_as(SUCCESSOR)).resource(id, ApiVersion::new("2024-03-03").unwrap()).unwrap();
    let body = json!({"location": "westeurope", "properties": properties});
    resource.create(&body).await.unwrap().wait().await.unwrap().value
}

fn definition(change: impl Fn(&mut Value)) -> Value {
    let mut definition = json!({
        "osType": "Linux", "osState": "Generalized", "hyperVGeneration": "V2", "architecture": "x64",
        "identifier": {"publisher": "Contoso", "offer": "base", "sku": "one"},
        "features": [{"name": "SecurityType", "value": "TrustedLaunchSupported"}]
    });
    change(&mut definition);
    definition
}

fn version(regions: &[&str]) -> Value {
    let regions: Vec<Value> = regions.iter().map(|name| json!({ "name": name })).collect();
    json!({
        "publishingProfile": {"targetRegions": regions},
        "storageProfile": {"source": {"id": at("images/source")}}
    })
}

/// A subscription in which somebody else has a gallery with an image in version 1.0.0.
async fn stage(sharing: Option<Value>, definition: Value) -> (Stage, Value) {
    let roles = json!([
        {"principal": CLIENT, "role": "Contributor"}, {"principal": SUCCESSOR, "role": "Contributor"}
    ]);
    let stage = Stage::with(ArmSettings::default(), roles);
    let subscription = SUBSCRIPTION.parse().unwrap();
    stage.emulator.resource_manager().add_group(subscription, "images", "westeurope").unwrap();
    let mut gallery = json!({});
    if let Some(sharing) = sharing {
        gallery["sharingProfile"] = sharing;
    }
    let gallery = write(&stage, "galleries/own", gallery).await;
    write(&stage, "galleries/own/images/base", definition).await;
    write(&stage, "galleries/own/images/base/versions/1.0.0", version(&["West Europe"])).await;
    (stage, gallery)
}

async fn planned(stage: &Stage, image: &str) -> ProvisionPlan {
    stage.provisioner().plan(id(), spec(image)).await.unwrap()
}

async fn checked(stage: &Stage, spec: &VmSpec, check: PreflightCheck) -> Check {
    preflight(&stage.subscription(), spec).await.of(check).unwrap().clone()
}

/// Builds a machine, and shows what it was written with.
async fn built(stage: &Stage, image: &str) -> Value {
    let provisioner = stage.provisioner();
    let plan = planned(stage, image).await;
    let machine = provisioner.run(&plan).await.unwrap().machine;
    let shown = stage.emulator.resource_manager().resource(machine.as_str()).unwrap();
    provisioner.clean_up(&id()).await.unwrap();
    shown
}

#[tokio::test(start_paused = true)]
async fn a_machine_of_a_gallery_s_image_starts_as_the_definition_allows() {
    let (stage, _) = stage(None, definition(|_| ())).await;
    for image in ["galleries/own/images/base", "galleries/own/images/base/versions/1.0.0"] {
        let report = preflight(&stage.subscription(), &spec(&at(image))).await;
        assert!(report.is_clear(), "{report:#?}");
        for check in [PreflightCheck::Image, PreflightCheck::ImageFit, PreflightCheck::Terms, PreflightCheck::Placement]
        {
            assert_eq!(report.of(check).unwrap().status, CheckStatus::Passed, "{report:#?}");
        }
        let machine = built(&stage, &at(image)).await;
        assert_eq!(machine["properties"]["storageProfile"]["imageReference"]["id"], json!(at(image)));
        assert_eq!(machine["properties"]["securityProfile"]["securityType"], "TrustedLaunch");
    }
    write(&stage, "galleries/own/images/plain", definition(|image| image["features"] = json!([]))).await;
    write(&stage, "galleries/own/images/plain/versions/1.0.0", version(&["westeurope"])).await;
    let machine = built(&stage, &at("galleries/own/images/plain")).await;
    assert!(machine["properties"].get("securityProfile").is_none(), "{machine}");
}

#[tokio::test(start_paused = true)]
async fn a_managed_image_is_read_and_starts_without_trusted_launch() {
    let (stage, _) = stage(None, definition(|_| ())).await;
    let disk = |system: &str| json!({"osDisk": {"osType": system, "osState": "Generalized"}});
    write(&stage, "images/base", json!({"hyperVGeneration": "V2", "storageProfile": disk("Linux")})).await;
    write(&stage, "images/other", json!({"hyperVGeneration": "V2", "storageProfile": disk("Windows")})).await;
    let plan = planned(&stage, &at("images/base")).await;
    assert_eq!(plan.placements[0].trusted_launch, Some(false));
    built(&stage, &at("images/base")).await;
    let windows = checked(&stage, &spec(&at("images/other")), PreflightCheck::Image).await;
    assert_eq!(windows.status, CheckStatus::Failed, "{windows:?}");
    let mut elsewhere = spec(&at("images/base"));
    elsewhere.location = "northeurope".to_owned();
    let elsewhere = checked(&stage, &elsewhere, PreflightCheck::Image).await;
    assert_eq!(elsewhere.status, CheckStatus::Failed, "{elsewhere:?}");
    assert!(elsewhere.cause.contains("is not in northeurope"), "{elsewhere:?}");
}

/// What each says of size and system is the definition's, and so is a lack of it.
#[tokio::test(start_paused = true)]
async fn an_image_that_does_not_fit_or_is_not_there_fails_before_anything_is_built() {
    let (stage, _) = stage(None, definition(|image| image["architecture"] = json!("Arm64"))).await;
    let image = at("galleries/own/images/base");
    assert_eq!(checked(&stage, &spec(&image), PreflightCheck::ImageFit).await.status, CheckStatus::Failed);
    let windows = spec(&image).with_windows(Windows::new());
    let refused = stage.provisioner().plan(id(), windows).await.unwrap_err();
    assert_eq!((refused.kind(), refused.field()), (ErrorKind::InvalidInput, Some("image")));

    write(&stage, "galleries/own/images/base/versions/2.0.0", version(&["North Europe"])).await;
    for absent in ["galleries/own/images/none", "galleries/own/images/base/versions/2.0.0", "images/none"] {
        let check = checked(&stage, &spec(&at(absent)), PreflightCheck::Image).await;
        assert_eq!(check.status, CheckStatus::Failed, "{absent}: {check:?}");
        let refused = stage.provisioner().run(&unread_plan(spec(&at(absent)))).await.unwrap_err();
        assert_eq!((refused.kind(), refused.effect()), (ErrorKind::NotFound, Effect::None), "{absent}: {refused:?}");
    }
    let left: Vec<String> = stage.live().into_iter().filter(|id| !id.contains("/resourceGroups/images/")).collect();
    assert_eq!(left, Vec::<String>::new());
}

/// An image of others may be used by who may not read it through this interface, such as one of another subscription.
#[tokio::test(start_paused = true)]
async fn an_image_that_may_not_be_read_is_unknown_and_nothing_is_guessed_of_it() {
    let stage = Stage::for_group_only();
    stage.emulator.resource_manager().add_group(SUBSCRIPTION.parse().unwrap(), "images", "westeurope").unwrap();
    let other = "/subscriptions/20000000-0000-4000-8000-0000000000ff/resourceGroups/images/providers/Microsoft.Compute/galleries/own/images/base";
    for image in
        [at("galleries/own/images/base"), other.to_owned(), "/CommunityGalleries/tools-1a/Images/base".to_owned()]
    {
        let group = GroupChoice::Existing(group_name());
        let spec = VmSpec::new("web", "westeurope", "Standard_B2s", image.parse().unwrap(), group).unwrap();
        let check = checked(&stage, &spec, PreflightCheck::Image).await;
        assert_eq!(check.status, CheckStatus::Unknown, "{image}: {check:?}");
        let plan = stage.provisioner().plan(id(), spec).await.unwrap();
        assert_eq!((plan.placements[0].trusted_launch, plan.image.plan.as_ref()), (None, None));
    }
}

/// What was made of an image that is sold is sold as well, under the same terms.
#[tokio::test(start_paused = true)]
async fn a_gallery_s_image_that_is_sold_sends_its_plan() {
    let sold = json!({"publisher": "kali-linux", "product": "kali", "name": "kali-2025-2"});
    let (stage, _) = stage(None, definition(|image| image["purchasePlan"] = sold.clone())).await;
    let image = at("galleries/own/images/base");
    assert_eq!(checked(&stage, &spec(&image), PreflightCheck::Terms).await.status, CheckStatus::Failed);
    let manager = stage.emulator.resource_manager();
    manager.accept_terms(SUBSCRIPTION.parse().unwrap(), "kali-linux", "kali", "kali-2025-2");
    assert_eq!(checked(&stage, &spec(&image), PreflightCheck::Terms).await.status, CheckStatus::Passed);
    assert_eq!(built(&stage, &image).await["plan"], sold);
}

/// Galleries outside every subscription have fields of their own in a machine's body.
#[tokio::test(start_paused = true)]
async fn images_of_published_and_shared_galleries_are_read_in_the_region_and_built_of() {
    let info = json!({
        "publicNamePrefix": "tools", "eula": "https://contoso.example/eula",
        "publisherUri": "https://contoso.example", "publisherContact": "images@contoso.example"
    });
    let community = json!({"permissions": "Community", "communityGalleryInfo": info});
    for (sharing, word, name, field) in [
        (
            community,
            "CommunityGalleries",
            "/properties/sharingProfile/communityGalleryInfo/publicNames/0",
            "communityGalleryImageId",
        ),
        (
            json!({"permissions": "Groups"}),
            "SharedGalleries",
            "/properties/identifier/uniqueName",
            "sharedGalleryImageId",
        ),
    ] {
        let (stage, gallery) = stage(Some(sharing), definition(|_| ())).await;
        let name = gallery.pointer(name).unwrap().as_str().unwrap();
        for version in ["", "/Versions/1.0.0"] {
            let image = format!("/{word}/{name}/Images/base{version}");
            let report = preflight(&stage.subscription(), &spec(&image)).await;
            assert!(report.is_clear(), "{report:#?}");
            let machine = built(&stage, &image).await;
            assert_eq!(machine["properties"]["storageProfile"]["imageReference"][field], json!(image));
            assert_eq!(machine["properties"]["securityProfile"]["securityType"], "TrustedLaunch");
        }
        for absent in ["/Versions/9.0.0", "s"] {
            let image = format!("/{word}/{name}/Images/base{absent}");
            assert_eq!(checked(&stage, &spec(&image), PreflightCheck::Image).await.status, CheckStatus::Failed);
            let refused = stage.provisioner().run(&unread_plan(spec(&image))).await.unwrap_err();
            assert_eq!(refused.service_code(), Some("GalleryImageNotFound"));
        }
    }
}

#[test]
fn an_id_of_something_else_is_refused_before_it_is_sent() {
    let refused = at("disks/base").parse::<azconnect_arm::ImageChoice>().unwrap_err();
    assert_eq!((refused.kind(), refused.field()), (ErrorKind::InvalidInput, Some("image")));
    let mut spec = spec("Ubuntu2404");
    spec.image = azconnect_arm::ImageChoice::Id(at("disks/base").parse().unwrap());
    assert_eq!(ProvisionPlan::new(id(), subscription_id(), spec).unwrap_err().field(), Some("image"));
}

/// A role may show the definition alone, and a service that is busy or broken shows nothing of a version.
#[tokio::test(start_paused = true)]
async fn a_version_that_could_not_be_read_is_not_called_there() {
    let (stage, _) = stage(None, definition(|_| ())).await;
    for (path, image) in [
        ("/images/base/versions/1.0.0", at("galleries/own/images/base/versions/1.0.0")),
        ("/images/base/versions?", at("galleries/own/images/base")),
    ] {
        for code in ["AuthorizationFailed", "TooManyRequests", "InternalServerError"] {
            let fault = Fault::new(FaultAction::Fail(Failure::new(code))).with_method("GET").with_path(path).forever();
            stage.emulator.faults().add(fault);
            let check = checked(&stage, &spec(&image), PreflightCheck::Image).await;
            assert_eq!(check.status, CheckStatus::Unknown, "{code}: {check:?}");
            assert!(check.cause.contains("in westeurope could not be read"), "{code}: {check:?}");
            assert!(!check.remedy.is_empty(), "{code}: {check:?}");
            // The definition says what holds for every version.
            assert_eq!(planned(&stage, &image).await.placements[0].trusted_launch, Some(true), "{code}");
            stage.emulator.faults().clear();
        }
        assert_eq!(checked(&stage, &spec(&image), PreflightCheck::Image).await.status, CheckStatus::Passed);
    }
}

/// The document of a managed image has no field for a plan, whatever machine it was made of.
#[tokio::test(start_paused = true)]
async fn the_terms_of_a_managed_image_are_not_known() {
    let (stage, _) = stage(None, definition(|_| ())).await;
    let disk = json!({"osDisk": {"osType": "Linux", "osState": "Generalized"}});
    write(&stage, "images/base", json!({"hyperVGeneration": "V2", "storageProfile": disk})).await;
    let report = preflight(&stage.subscription(), &spec(&at("images/base"))).await;
    let terms = report.of(PreflightCheck::Terms).unwrap();
    assert_eq!(terms.status, CheckStatus::Unknown, "{terms:?}");
    assert!(terms.remedy.contains("an image of a gallery"), "{terms:?}");
    assert!(report.is_clear(), "{report:#?}");
}

/// The service takes no `osProfile` for a machine of a specialized image.
#[tokio::test(start_paused = true)]
async fn a_specialized_image_is_none_for_a_machine_that_is_set_up_anew() {
    let info = json!({
        "publicNamePrefix": "tools", "eula": "https://contoso.example/eula",
        "publisherUri": "https://contoso.example", "publisherContact": "images@contoso.example"
    });
    let sharing = json!({"permissions": "Community", "communityGalleryInfo": info});
    let (stage, gallery) = stage(Some(sharing), definition(|image| image["osState"] = json!("Specialized"))).await;
    let disk = json!({"osDisk": {"osType": "Linux", "osState": "Specialized"}});
    write(&stage, "images/base", json!({"hyperVGeneration": "V2", "storageProfile": disk})).await;
    let public = gallery["properties"]["sharingProfile"]["communityGalleryInfo"]["publicNames"][0].as_str().unwrap();
    for image in [
        at("images/base"),
        at("galleries/own/images/base"),
        at("galleries/own/images/base/versions/1.0.0"),
        format!("/CommunityGalleries/{public}/Images/base"),
    ] {
        let check = checked(&stage, &spec(&image), PreflightCheck::Image).await;
        assert_eq!(check.status, CheckStatus::Failed, "{image}: {check:?}");
        assert!(check.cause.contains("specialized") && check.remedy.contains("generalized"), "{image}: {check:?}");
    }
}
