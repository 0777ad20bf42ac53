//! The terms of the images that are sold: shown, and accepted only as they were signed.

use azconnect_emulator::arm::ArmSettings;
use serde_json::json;

use crate::arm::{Azure, refused};
use crate::harness::{SUBSCRIPTION, Way};

fn agreement(publisher: &str, plan: &str) -> String {
    format!(
        "{SUBSCRIPTION}/providers/Microsoft.MarketplaceOrdering/offerTypes/virtualmachine/publishers/{publisher}/offers/kali/plans/{plan}/agreements/current"
    )
}

async fn terms_are_accepted_as_they_were_signed_and_no_others(way: Way) {
    let azure = Azure::with(way, ArmSettings::instant()).await;
    let path = agreement("kali-linux", "kali-2025-2");
    for unknown in [agreement("kali-linux", "kali-1999-1"), agreement("nobody", "kali-2025-2")] {
        refused(azure.get(&unknown).await, 400, "BadRequest");
    }
    let shown = azure.get(&path).await.expect(200);
    assert_eq!(shown["properties"]["accepted"], json!(false));
    for field in ["signature", "licenseTextLink", "retrieveDatetime", "plan"] {
        let mut changed = shown.clone();
        changed["properties"]["accepted"] = json!(true);
        changed["properties"][field] = json!("another");
        refused(azure.put(&path, &changed).await, 400, "BadRequest");
        changed["properties"].as_object_mut().unwrap().remove(field);
        refused(azure.put(&path, &changed).await, 400, "BadRequest");
    }
    assert_eq!(azure.get(&path).await.expect(200)["properties"]["accepted"], json!(false));
    for accepted in [true, false] {
        let mut answer = azure.get(&path).await.expect(200);
        answer["properties"]["accepted"] = json!(accepted);
        azure.put(&path, &answer).await.expect(200);
        assert_eq!(azure.get(&path).await.expect(200)["properties"]["accepted"], json!(accepted));
    }
}

mod ways {
    crate::both_ways! {
        terms_are_accepted_as_they_were_signed_and_no_others
    }
}
