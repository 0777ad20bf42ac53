//! Lists, whole and item by item.

use azconnect_arm::resource::ResourceQuery;
use azconnect_core::{Effect, ErrorKind};
use azconnect_emulator::arm::ArmSettings;
use azconnect_http::ListBounds;
use futures_util::TryStreamExt;
use serde_json::json;

use crate::stage::{CLIENT, Stage, group_name, plan, spec};

/// A service that gives two items a page.
fn stage() -> Stage {
    let settings = ArmSettings::default().with_page_size(2);
    Stage::with(settings, json!([{"principal": CLIENT, "role": "Contributor"}]))
}

#[tokio::test(start_paused = true)]
async fn each_list_of_a_group_shows_what_a_machine_is_made_of() {
    let stage = stage();
    stage.provisioner().run(&plan(spec())).await.unwrap();
    tokio::time::advance(std::time::Duration::from_secs(600)).await;
    let group = stage.subscription().group(&group_name());
    assert_eq!(group.virtual_machines().await.unwrap().len(), 1);
    assert_eq!(group.network_interfaces().await.unwrap().len(), 1);
    assert_eq!(group.disks().await.unwrap().len(), 1);
    assert_eq!(group.public_ips().await.unwrap().len(), 1);
    assert_eq!(group.virtual_networks().await.unwrap().len(), 1);
    assert_eq!(group.network_security_groups().await.unwrap().len(), 1);
    let all = group.resources().await.unwrap();
    assert!(all.len() > 5 && all.iter().all(|resource| resource.created_time.is_none()), "{all:?}");
    assert_eq!(stage.emulator.truth().unknown_routes, 0);
}

#[tokio::test(start_paused = true)]
async fn resources_are_listed_by_type_and_by_tag_with_what_is_asked_for() {
    let stage = stage();
    stage.provisioner().run(&plan(spec())).await.unwrap();
    tokio::time::advance(std::time::Duration::from_secs(600)).await;
    let group = stage.subscription().group(&group_name());
    let query = ResourceQuery::new().of_type("Microsoft.Compute/disks").expanded();
    let disks = group.resources_where(&query).await.unwrap();
    assert_eq!(disks.len(), 1);
    assert!(
        disks[0].created_time.is_some() && disks[0].provisioning_state.as_deref() == Some("Succeeded"),
        "{disks:?}"
    );
    let tagged = ResourceQuery::new().with_tag("azconnect-machine", "contoso/web");
    assert!(group.resources_where(&tagged).await.unwrap().len() > 3);
    let foreign = ResourceQuery::new().with_tag("azconnect-machine", "it's");
    assert!(group.resources_where(&foreign).await.unwrap().is_empty());
    let error = group.resources_where(&ResourceQuery::new().with_filter("")).await.unwrap_err();
    assert_eq!((error.field(), error.effect()), (Some("filter"), Effect::None));
}

#[tokio::test(start_paused = true)]
async fn a_stream_reads_a_page_when_its_first_item_is_taken() {
    let stage = stage();
    stage.provisioner().run(&plan(spec())).await.unwrap();
    tokio::time::advance(std::time::Duration::from_secs(600)).await;
    let group = stage.subscription().group(&group_name());
    let all = group.resources().await.unwrap();
    let mut stream = group.resources().stream();
    let mut streamed = Vec::new();
    while let Some(resource) = stream.try_next().await.unwrap() {
        streamed.push(resource.id);
    }
    assert_eq!(streamed, all.iter().map(|resource| resource.id.clone()).collect::<Vec<_>>());

    // One page only: what lies behind it is not asked for, so the bound of one page is not met.
    let bounds = ListBounds::new().with_pages(1);
    let mut first = group.resources().with_bounds(bounds).stream();
    assert!(first.try_next().await.unwrap().is_some() && first.try_next().await.unwrap().is_some());
    let error = first.try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
    assert!(first.try_next().await.unwrap().is_none(), "it ends after an error");
}
