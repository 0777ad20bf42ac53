//! What a page or a log is given, under names that stay.

use azconnect_devops::{
    Choice, ConnectionAddress, ConnectionPermission, ConversionRules, DevOpsIdentity, Ground, OrganizationEntry,
    OrganizationName, OrganizationSearch, OrganizationTenant, PermissionReport, Picker, PipelineGrants, ProjectAddress,
    ProjectRef, conversion_checks,
};
use serde_json::{json, to_value};

use crate::support::{ID, PROJECT, TENANT, azurerm, endpoint, project};

fn web() -> ProjectRef {
    ProjectRef::new("Web").unwrap()
}

#[test]
fn choices_say_what_can_be_done() {
    let mut automatic = azurerm();
    automatic["data"]["creationMode"] = "Automatic".into();
    let choices = [azurerm(), automatic].map(|document| Choice::of(&endpoint(document), &web())).into();
    let report = PermissionReport::new(DevOpsIdentity::new("ann"), project()).with_grounds(vec![Ground::Permission]);
    let shown = to_value(Picker::new(report, choices)).unwrap();
    let first = json!({"id": ID, "name": "deploy", "type_name": "AzureRM", "scheme": "ServicePrincipal",
        "can_refresh": true, "explanation": "can be refreshed", "checks": []});
    assert_eq!(shown["choices"][0], first);
    assert_eq!(shown["choices"][1]["can_refresh"], false);
    assert_eq!(shown["choices"][1]["checks"][0]["code"], "automatic-creation");
    assert_eq!(shown["permission"]["grounds"], json!(["permission"]));
    assert_eq!(shown["permission"]["project"]["id"], PROJECT);
    assert_eq!(shown["unreadable"], 0);
}

#[test]
fn addresses_permissions_and_searches_are_shown() {
    let contoso = OrganizationName::new("contoso").unwrap();
    let address = ConnectionAddress::new(ProjectAddress::new(contoso.clone(), web()), ID.parse().unwrap());
    let shown = json!({"project": {"organization": "contoso", "project": "Web"}, "id": ID});
    assert_eq!(to_value(&address).unwrap(), shown);
    assert_eq!(address.to_string(), format!("contoso/Web/{ID}"));

    let mut search = OrganizationSearch::default();
    search.add(OrganizationTenant::Entra(TENANT.parse().unwrap()), OrganizationEntry::new(contoso));
    assert_eq!(to_value(&search).unwrap()["groups"][0]["tenant"], json!({"entra": TENANT}));

    let nothing = json!({"view": false, "use": false, "administer": false, "change_secret": false});
    assert_eq!(to_value(ConnectionPermission::default()).unwrap(), nothing);
    assert_eq!(to_value(PipelineGrants::default()).unwrap(), json!({"all": false, "pipelines": []}));
}

#[test]
fn eligibility_is_a_list_of_checks() {
    let shown = to_value(conversion_checks(&endpoint(azurerm()), &web(), ConversionRules::new())).unwrap();
    assert_eq!(shown[0]["code"], "manual-creation");
    assert_eq!(shown[0]["status"], "failed");
    assert!(shown[0]["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()));
}
