//! Galleries, their images and versions, and the machines that start from them.

use azconnect_emulator::arm::ArmSettings;
use serde_json::{Value, json};

use crate::arm::{Azure, refused};
use crate::arm_machines::{compute, machine};
use crate::harness::Way;

fn body(properties: Value) -> Value {
    json!({"location": "westeurope", "properties": properties})
}

fn definition() -> Value {
    json!({"osType": "Linux", "osState": "Generalized", "hyperVGeneration": "V2",
        "identifier": {"publisher": "p", "offer": "o", "sku": "s"}})
}

async fn an_image_of_a_gallery_is_kept_as_written_and_refused_if_it_is_misspelt(way: Way) {
    let azure = Azure::with(way, ArmSettings::instant()).await;
    azure.make_network().await;
    let image = compute("galleries/own/images/base");
    let parent = azure.put(&image, &body(definition())).await;
    assert_eq!(parent.status, 404, "no gallery: {}", parent.text);
    azure.make(&compute("galleries/own"), &body(json!({}))).await;
    for (field, value) in [
        ("osType", json!("Plan9")),
        ("osState", Value::Null),
        ("identifier", json!({"publisher": "p"})),
        ("hyperVGenerations", json!("V2")),
    ] {
        let mut wrong = definition();
        wrong[field] = value;
        assert_eq!(azure.put(&image, &body(wrong)).await.status, 400, "{field}");
    }
    azure.make(&image, &body(definition())).await;
    let shown = azure.get(&image).await.expect(200);
    assert_eq!(
        (&shown["properties"]["osType"], &shown["properties"]["architecture"]),
        (&json!("Linux"), &json!("x64"))
    );
    let stored = json!({"storageProfile": {"source": {"id": "x"}}});
    refused(azure.put(&format!("{image}/versions/latest"), &body(stored.clone())).await, 400, "InvalidParameter");
    refused(azure.put(&format!("{image}/versions/1.0.0"), &body(json!({}))).await, 400, "InvalidParameter");
    azure.make(&format!("{image}/versions/1.0.0"), &body(stored)).await;
    let all = azure.get(&format!("{image}/versions")).await.expect(200);
    assert_eq!(all["value"].as_array().unwrap().len(), 1);
}

async fn a_machine_starts_from_the_newest_version_in_its_region_and_from_no_other(way: Way) {
    let azure = Azure::with(way, ArmSettings::instant()).await;
    azure.make_network().await;
    let image = compute("galleries/own/images/base");
    azure.make(&compute("galleries/own"), &body(json!({}))).await;
    azure.make(&image, &body(definition())).await;
    let version = |region: &str, excluded: bool| {
        let profile = json!({"targetRegions": [{"name": region}], "excludeFromLatest": excluded});
        body(json!({"storageProfile": {"source": {"id": "x"}}, "publishingProfile": profile}))
    };
    let id = azure.get(&image).await.expect(200)["id"].as_str().unwrap().to_owned();
    let from = |reference: Value| {
        let mut body = machine(&azure);
        body["properties"]["storageProfile"]["imageReference"] = reference;
        body
    };
    let path = compute("virtualMachines/vm");
    let missing = json!({ "id": id });
    refused(azure.put(&path, &from(missing.clone())).await, 404, "GalleryImageNotFound");
    for (name, region, excluded) in [
        ("1.9.0", "westeurope", false),
        ("1.10.0", "West Europe", false),
        ("2.0.0", "westeurope", true),
        ("3.0.0", "eastus", false),
    ] {
        azure.make(&format!("{image}/versions/{name}"), &version(region, excluded)).await;
    }
    refused(azure.put(&path, &from(json!({"id": format!("{id}/versions/3.0.0")}))).await, 404, "GalleryImageNotFound");
    refused(azure.put(&path, &from(json!({"communityGalleryImageId": id}))).await, 400, "InvalidParameter");
    refused(azure.put(&path, &from(json!({"id": id, "publisher": "p"}))).await, 400, "InvalidParameter");
    refused(azure.put(&path, &from(json!({"id": compute("images/none")}))).await, 400, "InvalidParameter");
    azure.make(&path, &from(missing)).await;
    let shown = azure.get(&path).await.expect(200);
    assert_eq!(shown["properties"]["storageProfile"]["imageReference"]["exactVersion"], "1.10.0");
}

mod ways {
    crate::both_ways! {
        an_image_of_a_gallery_is_kept_as_written_and_refused_if_it_is_misspelt
        a_machine_starts_from_the_newest_version_in_its_region_and_from_no_other
    }
}
