//! Azure Resource Manager: the published request budgets, and what each answer says is left of them.

use azconnect_emulator::arm::ArmSettings;
use azconnect_emulator::{Service, Settings};
use serde_json::{Value, json};

use crate::arm::{ARM_SCOPE, Azure, EMPTY, GROUP, azure};
use crate::harness::{Harness, Reply, SUBSCRIPTION, TENANT, Way};

const LEFT: &str = "x-ms-ratelimit-remaining";

fn left(reply: &Reply, budget: &str) -> Option<u32> {
    let text = reply.header(&format!("{LEFT}-{budget}"));
    (!text.is_empty()).then(|| text.parse().unwrap())
}

async fn throttled() -> Azure {
    Azure::with(Way::InProcess, ArmSettings::instant().with_throttling()).await
}

// Each answer to a known caller names what is left, refusals and answers about the tenant included.
#[tokio::test]
async fn every_answer_to_a_known_caller_says_what_is_left() {
    for settings in [ArmSettings::instant().with_throttling(), ArmSettings::instant()] {
        let azure = Azure::with(Way::InProcess, settings.clone()).await;
        let body = json!({"location": "westeurope"});
        let created = azure.put(GROUP, &body).await;
        assert_eq!((created.status, left(&created, "subscription-writes")), (201, Some(199)));
        let absent = azure.get(&format!("{SUBSCRIPTION}/resourceGroups/absent")).await;
        assert_eq!((absent.status, left(&absent, "subscription-reads")), (404, Some(249)));
        let broken = azure.ask("PUT", GROUP).header("content-type", "application/json").send().await;
        assert_eq!((broken.status, left(&broken, "subscription-writes").is_some()), (400, true), "{}", broken.text);
        let deleted = azure.delete(GROUP).await;
        assert_eq!((deleted.status, left(&deleted, "subscription-deletes")), (202, Some(199)));
        // Without a subscription, or with one that there is not, it is the tenant's budget.
        for (path, status) in [("?x=y", 200), ("30000000-0000-4000-8000-0000000000ff/resourceGroups", 404)] {
            let reply = azure.get(path).await;
            assert_eq!((reply.status, left(&reply, "tenant-reads").is_some()), (status, true), "{}", reply.text);
            assert_eq!(left(&reply, "subscription-reads"), None);
        }
        let foreign = azure.get(&format!("{EMPTY}/resourceGroups")).await;
        assert_eq!((foreign.status, left(&foreign, "tenant-reads").is_some()), (401, true));
        let stranger = azure.ask_as("of-nobody", "GET", GROUP).send().await;
        assert_eq!((stranger.status, left(&stranger, "tenant-reads")), (401, None), "nobody's budget");
    }
}

// 250 reads, and 25 more each second; 200 writes and 200 deletions, and 10 more of each.
#[tokio::test]
async fn each_kind_of_request_has_its_bucket_which_fills_by_the_second() {
    for (method, word, size, refill) in
        [("GET", "reads", 250, 25), ("PUT", "writes", 200, 10), ("DELETE", "deletes", 200, 10)]
    {
        let azure = throttled().await;
        let path = format!("{SUBSCRIPTION}/resourceGroups/absent");
        let send = || async {
            let ask = azure.ask(method, &path);
            if method == "PUT" { ask.json(&json!({})).send().await } else { ask.send().await }
        };
        for number in 1..=size {
            assert_eq!(left(&send().await, &format!("subscription-{word}")), Some(size - number));
        }
        let refused = send().await;
        assert_eq!((refused.status, refused.header("retry-after")), (429, "1"), "{word}");
        assert_eq!(left(&refused, &format!("subscription-{word}")), Some(0), "a refusal says so as well");
        assert_eq!(refused.json()["error"]["code"], "SubscriptionRequestsThrottled");
        // The others have buckets of their own.
        let other = if method == "DELETE" { "GET" } else { "DELETE" };
        assert_ne!(azure.ask(other, &path).send().await.status, 429);
        azure.harness.advance(1);
        for _ in 0..refill {
            assert_ne!(send().await.status, 429, "{word}");
        }
        assert_eq!(send().await.status, 429, "{word}");
    }
}

#[tokio::test]
async fn the_tenant_has_a_budget_beside_that_of_a_subscription() {
    let azure = throttled().await;
    for number in 1..=250 {
        assert_eq!(left(&azure.get("?x=y").await, "tenant-reads"), Some(250 - number));
    }
    let refused = azure.get("?x=y").await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "1"), "{}", refused.text);
    assert_eq!(azure.get(&format!("{SUBSCRIPTION}/resourceGroups")).await.status, 200);
}

// The limits of a subscription are fifteen times those of one principal.
#[tokio::test]
async fn all_principals_together_have_fifteen_times_the_budget_of_one() {
    let mut seed = azure();
    for number in 0..16 {
        let client = format!("7{number:07x}-0000-4000-8000-000000000001");
        let application = json!({
            "displayName": format!("a{number}"), "clientId": client, "subscriptionReader": [SUBSCRIPTION],
            "passwords": [{"secret": "x"}],
        });
        seed["tenants"][0]["applications"].as_array_mut().unwrap().push(application);
    }
    let settings = Settings::default().with_resource_manager(ArmSettings::instant().with_throttling());
    let harness = Harness::new(Way::InProcess, settings, &seed).await;
    let path = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups?api-version=2021-04-01");
    let mut read = 0;
    for number in 0..16 {
        let client = format!("7{number:07x}-0000-4000-8000-000000000001");
        let token: Value = harness.token_reply(&client, "x", ARM_SCOPE).await.expect(200);
        let token = token["access_token"].as_str().unwrap();
        for _ in 0..250 {
            let reply = harness.ask(Service::ResourceManager, "GET", &path).bearer(token).send().await;
            read += 1;
            if number < 15 {
                assert_eq!((reply.status, left(&reply, "subscription-global-reads")), (200, Some(3750 - read)));
                continue;
            }
            assert_eq!((reply.status, reply.header("retry-after")), (429, "1"), "{TENANT}: its own bucket is full");
            assert_eq!(left(&reply, "subscription-global-reads"), Some(0));
        }
    }
}
