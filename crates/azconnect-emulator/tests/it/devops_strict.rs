//! What the service refuses of the bodies of service connections: a misspelt field is never stored and shown.

use azconnect_emulator::{DevOpsOutcome, Held, Settings};
use serde_json::{Map, Value, json};

use crate::devops::{DevOps, azurerm, connected, refused};
use crate::harness::{Reply, WEB, Way};

const PRODUCTION: &str = "50000000-0000-4000-8000-000000000001";
const CREATE: &str = "/contoso/_apis/serviceendpoint/endpoints?api-version=7.1";
const GUID: &str = "1272a66f-e2e8-4e88-ab43-487409186c3f";

fn in_web(mut document: Value) -> Value {
    let name = document["name"].clone();
    document["serviceEndpointProjectReferences"] = json!([{"projectReference": {"id": WEB}, "name": name}]);
    document
}

async fn create(devops: &DevOps, document: &Value) -> Reply {
    devops.ask("POST", CREATE).json(document).send().await
}

/// A value that an input takes, as its published description says.
fn value(input: &Value) -> Value {
    let words = &input["values"]["possibleValues"];
    match input["validation"]["dataType"].as_str().unwrap() {
        _ if words.is_array() => words[0]["value"].clone(),
        "guid" => json!(GUID),
        "boolean" => json!("true"),
        "number" => json!("22"),
        _ => json!("x"),
    }
}

/// Whether an input is there, given the others. A rule reads `which == value || which == value`.
fn is_visible(input: &Value, others: &Map<String, Value>) -> bool {
    let Some(rule) = input["properties"]["visibleRule"].as_str() else { return true };
    rule.split(" || ").any(|case| {
        let (which, value) = case.split_once(" == ").unwrap();
        others.get(which).is_some_and(|given| given == value)
    })
}

/// The inputs that a description requires, each with a value.
fn filled(inputs: &Value) -> Map<String, Value> {
    let mut given = Map::new();
    for input in inputs.as_array().unwrap() {
        // Words decide which of the others are there, so they are given even where they need not be.
        let decides = input["values"]["possibleValues"].is_array();
        if (input["validation"]["isRequired"] == true || decides) && is_visible(input, &given) {
            given.insert(input["id"].as_str().unwrap().to_owned(), value(input));
        }
    }
    given
}

fn document(kind: &Value, scheme: &Value) -> Value {
    let named = kind["endpointUrl"]["value"].as_str().unwrap();
    in_web(json!({
        "name": format!("{} {}", kind["name"], scheme["scheme"]), "type": kind["name"],
        "url": if named.is_empty() { "https://server.example.com" } else { named },
        "data": filled(&kind["inputDescriptors"]),
        "authorization": {"scheme": scheme["scheme"], "parameters": filled(&scheme["inputDescriptors"])},
    }))
}

// The *Endpoint types* list of the REST reference says of every type which inputs it has, and which are required.
async fn every_published_type_takes_its_own_inputs_and_no_other(way: Way) {
    let devops = DevOps::new(way, Settings::default(), &connected()).await;
    let types = devops.ask("GET", "/contoso/_apis/serviceendpoint/types").send().await.expect(200);
    assert_eq!(types["count"], 24);
    for kind in types["value"].as_array().unwrap() {
        for scheme in kind["authenticationSchemes"].as_array().unwrap() {
            let good = document(kind, scheme);
            for place in ["/data", "/authorization/parameters"] {
                for name in good.pointer(place).unwrap().as_object().unwrap().keys() {
                    let mut bad = good.clone();
                    let map = bad.pointer_mut(place).unwrap().as_object_mut().unwrap();
                    let kept = map.remove(name).unwrap();
                    map.insert(format!("{name}x"), kept);
                    let reply = create(&devops, &bad).await;
                    assert!([400, 500].contains(&reply.status), "{name}x: {bad}: {}", reply.text);
                }
                let mut more = good.clone();
                more.pointer_mut(place).unwrap()["unheardOf"] = json!("x");
                refused(&create(&devops, &more).await.expect(400), "ArgumentException", "unheardOf");
            }
            let made = create(&devops, &good).await;
            assert_eq!(made.status, 200, "{good}: {}", made.text);
            let secrets = scheme["inputDescriptors"].as_array().unwrap().iter();
            for secret in secrets.filter(|input| input["isConfidential"] == true) {
                let shown = made.json()["authorization"]["parameters"][secret["id"].as_str().unwrap()].clone();
                assert_eq!(shown, Value::Null, "{good}");
            }
        }
    }
}

async fn an_empty_connection_is_refused_by_what_it_lacks(way: Way) {
    let devops = DevOps::new(way, Settings::default(), &connected()).await;
    for body in [json!([]), json!("x"), Value::Null] {
        refused(&create(&devops, &body).await.expect(400), "ArgumentNullException", "endpoint");
    }
    let references = create(&devops, &json!({})).await.expect(400);
    refused(&references, "ArgumentNullException", "endpoint.ServiceEndpointProjectReferences");
    let good = in_web(json!({
        "name": "G", "type": "generic", "url": "https://server.example.com",
        "authorization": {"scheme": "UsernamePassword", "parameters": {}},
    }));
    let lacking = |place: &str, value: Value| {
        let mut document = good.clone();
        *document.pointer_mut(place).unwrap() = value;
        document
    };
    for (place, parameter) in [
        ("/name", "endpoint.Name"),
        ("/type", "endpoint.Type"),
        ("/url", "endpoint.Url"),
        ("/authorization/scheme", "endpoint.Authorization.Scheme"),
    ] {
        for nothing in [json!(""), Value::Null] {
            let body = create(&devops, &lacking(place, nothing)).await.expect(400);
            refused(&body, "ArgumentNullException", parameter);
        }
    }
    for url in ["server.example.com", "/x", "https://", "mailto:x"] {
        refused(&create(&devops, &lacking("/url", json!(url))).await.expect(400), "ArgumentException", url);
    }
    create(&devops, &good).await.expect(200);
}

// The members are those of the ServiceEndpoint of the REST reference, a text a text and a flag a flag.
async fn a_member_of_another_kind_is_refused(way: Way) {
    let devops = DevOps::new(way, Settings::default(), &connected()).await;
    let good = in_web(json!({
        "name": "G", "type": "generic", "url": "https://server.example.com", "data": {}, "isReady": true,
        "authorization": {"scheme": "UsernamePassword", "parameters": {"username": "u"}},
    }));
    for (place, value, path) in [
        ("/isReady", json!("yes"), "isReady"),
        ("/isReady", json!(1), "isReady"),
        ("/name", json!(["G"]), "name"),
        ("/url", json!({"value": "https://x"}), "url"),
        ("/data", json!("x"), "data"),
        ("/data", json!({"a": {}}), "data.a"),
        ("/authorization", json!("x"), "authorization"),
        ("/authorization/parameters", json!([]), "authorization.parameters"),
        ("/authorization/parameters/username", json!({}), "authorization.parameters.username"),
        ("/serviceEndpointProjectReferences", json!({}), "serviceEndpointProjectReferences"),
        ("/serviceEndpointProjectReferences/0", json!("x"), "serviceEndpointProjectReferences[0]"),
        ("/serviceEndpointProjectReferences/0/projectReference", json!("x"), "projectReference"),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(place).unwrap() = value;
        refused(&create(&devops, &bad).await.expect(400), "ArgumentException", path);
        bad["id"] = json!(PRODUCTION);
        refused(&devops.put(&bad).await.expect(400), "ArgumentException", path);
    }
    // A text may come as a number or a word of logic, and the names in any case.
    let mut other = good.clone();
    let object = other.as_object_mut().unwrap();
    object.remove("name");
    object.insert("NAME".to_owned(), json!("G"));
    other["description"] = json!(7);
    other["isReady"] = json!("True");
    let made = create(&devops, &other).await.expect(200);
    assert_eq!((&made["name"], &made["description"], made.get("NAME")), (&json!("G"), &json!("7"), None));
}

// Nothing says that the service refuses a member that it does not know; what it does not know it cannot show either.
async fn an_unknown_member_is_passed_over_and_not_stored_or_else_refused(way: Way) {
    let good = in_web(json!({
        "name": "G", "type": "generic", "url": "https://server.example.com",
        "authorization": {"scheme": "UsernamePassword", "parameters": {"username": "u"}},
    }));
    for place in [
        "",
        "/authorization",
        "/serviceEndpointProjectReferences/0",
        "/serviceEndpointProjectReferences/0/projectReference",
    ] {
        let mut odd = good.clone();
        odd.pointer_mut(place).unwrap()["descriptionn"] = json!("misspelt");
        let devops = DevOps::new(way, Settings::default(), &connected()).await;
        let made = create(&devops, &odd).await.expect(200);
        assert!(!made.to_string().contains("misspelt"), "{made}");
        let mut again = devops.get(made["id"].as_str().unwrap()).await;
        again.pointer_mut(place).unwrap()["descriptionn"] = json!("misspelt");
        let after = devops.put(&again).await.expect(200);
        assert!(!after.to_string().contains("misspelt"), "{after}");
        let settings = Settings::default().with_other_outcome(DevOpsOutcome::UnknownMembersRefused);
        let devops = DevOps::new(way, settings, &connected()).await;
        refused(&create(&devops, &odd).await.expect(400), "ArgumentException", "descriptionn");
        let mut again = devops.get(PRODUCTION).await;
        // What the service itself has added to a connection goes back as it came.
        devops.put(&again).await.expect(200);
        assert!(devops.get(PRODUCTION).await["futureField"].is_object());
        again.pointer_mut(place).unwrap()["descriptionn"] = json!("misspelt");
        refused(&devops.put(&again).await.expect(400), "ArgumentException", "descriptionn");
    }
}

async fn a_value_of_another_form_is_refused(way: Way) {
    let devops = DevOps::new(way, Settings::default(), &connected()).await;
    let azure = |place: &str, text: &str| {
        let mut document = in_web(azurerm("New"));
        document["authorization"]["parameters"]["serviceprincipalkey"] = json!("a-secret");
        *document.pointer_mut(place).unwrap() = json!(text);
        document
    };
    let plain = |kind: &str, data: Value, (scheme, parameters): (&str, Value)| {
        in_web(json!({"name": "New", "type": kind, "url": "https://server.example.com", "data": data,
            "authorization": {"scheme": scheme, "parameters": parameters}}))
    };
    let login = ("UsernamePassword", json!({"username": "u", "password": "p"}));
    for (document, text) in [
        (azure("/data/subscriptionId", "production"), "'subscriptionId' is not a valid guid"),
        (azure("/data/environment", "AzureClod"), "'AzureClod' is not one of the input 'environment'"),
        (azure("/data/scopeLevel", "Tenant"), "scopeLevel"),
        (azure("/authorization/parameters/authenticationType", "spnkeys"), "authenticationType"),
        (azure("/data/subscriptionName", &"x".repeat(256)), "'subscriptionName' is too long"),
        (plain("ssh", json!({"Host": "h", "Port": "ssh"}), login.clone()), "'Port' is not a valid number"),
        (plain("jenkins", json!({"acceptUntrustedCerts": "maybe"}), login.clone()), "'acceptUntrustedCerts'"),
        (plain("githubenterprise", json!({}), ("Token", json!({"apitoken": "a\nb"}))), "newline"),
        (plain("kubernetes", json!({"authorizationType": "Guess"}), ("Token", json!({"apitoken": "x"}))), "Guess"),
    ] {
        let body = create(&devops, &document).await.expect(400);
        refused(&body, "ArgumentException", text);
    }
    create(&devops, &plain("ssh", json!({"Host": "h", "Port": 22}), login)).await.expect(200);
}

async fn an_update_is_held_to_the_inputs_of_the_type_as_well(way: Way) {
    for (settings, status) in
        [(Settings::default(), 400), (Settings::default().with_other_outcome(DevOpsOutcome::ExtraInputsIgnored), 200)]
    {
        let devops = DevOps::new(way, settings, &connected()).await;
        let before = devops.get(PRODUCTION).await;
        for place in ["/data", "/authorization/parameters"] {
            let mut extra = before.clone();
            extra.pointer_mut(place).unwrap()["subscriptionIdd"] = json!("x");
            let reply = devops.put(&extra).await;
            assert_eq!(reply.status, status, "{}", reply.text);
            assert!(!devops.get(PRODUCTION).await.to_string().contains("subscriptionIdd"), "never stored");
        }
        let mut missing = before.clone();
        missing["data"].as_object_mut().unwrap().remove("subscriptionName");
        refused(&devops.put(&missing).await.expect(400), "ArgumentException", "'subscriptionName'");
        let mut odd = before;
        odd["data"]["environment"] = json!("AzureClod");
        refused(&devops.put(&odd).await.expect(400), "ArgumentException", "AzureClod");
    }
    // Extensions bring types of their own, of which nothing is published.
    let mut seed = connected();
    let document = &mut seed["organizations"][0]["projects"][0]["connections"][1]["document"];
    *document = json!({"name": "Scan", "type": "sonarqube", "url": "https://scan.example.com", "data": {"own": "1"},
        "authorization": {"scheme": "UsernamePassword", "parameters": {"username": "u"}}});
    let devops = DevOps::new(way, Settings::default(), &seed).await;
    let mut document = devops.get("50000000-0000-4000-8000-000000000002").await;
    document["data"]["own"] = json!("2");
    assert_eq!(devops.put(&document).await.expect(200)["data"]["own"], "2");
}

// The published type of SSH connections marks `PrivateKey` in `data` as confidential.
async fn a_private_key_in_data_is_hidden_and_kept_like_any_secret(way: Way) {
    let devops = DevOps::new(way, Settings::default(), &connected()).await;
    let made = create(&devops, &in_web(json!({
        "name": "Jump", "type": "ssh", "url": "ssh://jump.example.com:22", "data": {"Host": "jump", "PrivateKey": "k-e-y"},
        "authorization": {"scheme": "UsernamePassword", "parameters": {"username": "u"}},
    }))).await.expect(200);
    assert_eq!(made["data"], json!({"Host": "jump", "PrivateKey": null}));
    let id = made["id"].as_str().unwrap();
    let list = devops.ask("GET", "/contoso/Web/_apis/serviceendpoint/endpoints?type=ssh").send().await.expect(200);
    assert_eq!(list["value"][0]["data"], json!({"Host": "jump"}));
    let mut document = devops.get(id).await;
    document["description"] = json!("another");
    devops.put(&document).await.expect(200);
    assert_ne!(devops.held(id), Held::Nothing);
    document["data"].as_object_mut().unwrap().remove("PrivateKey");
    devops.put(&document).await.expect(200);
    assert_eq!(devops.held(id), Held::Nothing);
}

// Every client of this API says that it sends JSON; the service refuses another form before it looks at the body.
async fn a_body_in_another_form_than_json_is_415(way: Way) {
    let devops = DevOps::new(way, Settings::default(), &connected()).await;
    let path = format!("/contoso/_apis/serviceendpoint/endpoints/{PRODUCTION}?api-version=7.1");
    let document = devops.get(PRODUCTION).await;
    for kind in ["text/plain", "application/json-patch+json", "application/x-www-form-urlencoded", ""] {
        for (method, path) in [("PUT", path.as_str()), ("POST", CREATE), ("PATCH", &path)] {
            let ask = devops.ask(method, path).json(&document).replaced("content-type", kind);
            let body = ask.send().await.expect(415);
            // Over a socket a browser's own forms are stopped before any service sees them.
            if way == Way::InProcess || kind.ends_with("+json") {
                refused(&body, "VssRequestContentTypeNotSupportedException", &format!("Content-Type of \"{kind}\""));
            }
        }
    }
    let ask = devops.ask("PUT", &path).json(&document);
    ask.replaced("content-type", "application/json; charset=utf-8").send().await.expect(200);
}

mod ways {
    crate::both_ways! {
        every_published_type_takes_its_own_inputs_and_no_other
        an_empty_connection_is_refused_by_what_it_lacks
        a_member_of_another_kind_is_refused
        an_unknown_member_is_passed_over_and_not_stored_or_else_refused
        a_value_of_another_form_is_refused
        an_update_is_held_to_the_inputs_of_the_type_as_well
        a_private_key_in_data_is_hidden_and_kept_like_any_secret
        a_body_in_another_form_than_json_is_415
    }
}
