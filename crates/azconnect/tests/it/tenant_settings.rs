//! The settings of tenants: what blocks them, who is tried, and what becomes of the token.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect::core::{Clock, Effect, ErrorKind, Secret, SecretStore, TenantId};
use azconnect::credential::{
    ActingAs, ActingChoice, Check, CheckReport, RecordQuery, SettingsOutcome, TenantSettingsKeeper,
    TenantSettingsRequest,
};
use azconnect::{Azure, ConnectRequest, Storage};
use azconnect_emulator::{Fault, FaultAction, Service};
use azconnect_testkit::conformance::tenant_settings::{self, SettingsHarness};

use crate::product::{
    BOBS_TOKEN, CODE_TOKEN, ENDED_TOKEN, FABRIKAM, FABRIKAM_TOKEN, Product, TOKEN, by_token, contoso,
};

#[async_trait]
impl SettingsHarness for Product {
    fn keeper(&self) -> Arc<dyn TenantSettingsKeeper> {
        self.azure.tenant_settings_keeper(&self.storage)
    }
    fn tenant(&self) -> TenantId {
        contoso()
    }
    fn organization(&self) -> String {
        "contoso".to_owned()
    }
    fn working_token(&self) -> Secret {
        Secret::new(TOKEN)
    }
    async fn disconnect_service(&self) {
        self.emulator.faults().add(Fault::new(FaultAction::DropBefore).with_service(Service::DevOps).forever());
        self.emulator.faults().add(Fault::new(FaultAction::DropBefore).with_service(Service::DevOpsProfile).forever());
    }
    async fn kept(&self) -> usize {
        self.tokens().await.len()
    }
}

#[tokio::test(start_paused = true)]
async fn tenant_integrations_conform() {
    tenant_settings::all(async || Product::new()).await;
}

async fn blocked(product: &Product, request: TenantSettingsRequest) -> CheckReport {
    match product.integrations().save(request).await.unwrap() {
        SettingsOutcome::Blocked(checks) => checks,
        saved => panic!("{saved:?}"),
    }
}

/// The code and the field of the first failure.
fn first(checks: &CheckReport) -> (&str, &str) {
    let check = checks.failures().next().unwrap();
    assert!(!check.remedy.is_empty(), "{check}");
    (&check.code, check.diagnosis.as_ref().and_then(|known| known.field()).unwrap_or_default())
}

fn through(connection: &str) -> TenantSettingsRequest {
    let choice = ActingChoice::ServicePrincipal(Some(connection.parse().unwrap()));
    TenantSettingsRequest::new(contoso()).enabled().with_acting(choice)
}

/// Connects the application that may act in contoso.
async fn connect_operator(product: &Product) {
    let client = "a0000000-0000-4000-8000-000000000001";
    let request = ConnectRequest::new(
        "operator".parse().unwrap(),
        "22222222-2222-4222-8222-222222222222".parse().unwrap(),
        contoso(),
        client.parse().unwrap(),
    );
    let secret = Secret::new("Emu8Q~a.secret.of.this.example.only_0001");
    product.azure.connections(&product.storage).connect(request, secret).await.unwrap();
}

/// Azure DevOps answers a token without the scope as if it were none, and tells nobody which scopes a token has.
#[tokio::test(start_paused = true)]
async fn a_token_without_the_scope_of_service_connections_is_not_kept() {
    let product = Product::new();
    let checks = blocked(&product, by_token(CODE_TOKEN)).await;
    assert_eq!(first(&checks), ("service-connections-refused", "acting"), "{checks}");
    assert!(product.tokens().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_token_that_has_ended_or_is_unknown_is_not_kept() {
    let product = Product::new();
    for token in [ENDED_TOKEN, "a-token-that-nobody-made", FABRIKAM_TOKEN] {
        let checks = blocked(&product, by_token(token)).await;
        assert_eq!(first(&checks), ("organization-not-entered", "organizations[0]"), "{token}: {checks}");
    }
    assert!(product.tokens().await.is_empty());
}

/// A token of one organization is refused where organizations are listed: without a name nothing could be proven.
#[tokio::test(start_paused = true)]
async fn a_token_of_one_organization_needs_its_name() {
    let product = Product::new();
    let mut request = by_token(TOKEN);
    request.organizations.clear();
    let checks = blocked(&product, request).await;
    assert_eq!(first(&checks), ("not-let-in", "acting.token"), "{checks}");
    assert!(checks.failures().next().unwrap().remedy.contains("name the organizations"), "{checks}");
}

#[tokio::test(start_paused = true)]
async fn organizations_that_are_not_there_are_named_by_their_field() {
    let product = Product::new();
    let checks = blocked(&product, by_token(TOKEN).with_organization("nowhere").with_organization("no/name")).await;
    // What cannot be a name is told before anything is sent.
    assert_eq!(first(&checks), ("organization-name", "organizations[2]"));
    let checks = blocked(&product, by_token(TOKEN).with_organization("nowhere")).await;
    assert_eq!(first(&checks), ("organization-not-found", "organizations[1]"), "{checks}");
}

/// Whoever saves says whether organizations of another directory count.
#[tokio::test(start_paused = true)]
async fn an_organization_of_another_tenant_counts_only_if_home_tenants_are_included() {
    let product = Product::new();
    let of_fabrikam = || {
        let mut request = by_token(FABRIKAM_TOKEN);
        request.organizations = vec!["fabrikam".to_owned()];
        request
    };
    let checks = blocked(&product, of_fabrikam()).await;
    assert_eq!(first(&checks), ("organization-of-another-tenant", "organizations[0]"), "{checks}");
    assert!(checks.failures().next().unwrap().cause.contains(FABRIKAM), "{checks}");
    assert!(product.save(of_fabrikam().with_home_tenant()).await.value.includes_home_tenant);
}

#[tokio::test(start_paused = true)]
async fn a_service_principal_acts_through_its_connection() {
    let product = Product::new();
    let checks = blocked(&product, through("operator").with_organization("contoso")).await;
    assert_eq!(first(&checks), ("cannot-act", "acting.connection"), "{checks}");
    connect_operator(&product).await;
    product.save(through("operator").with_organization("contoso")).await;
    let client = product.integrations().devops(contoso()).await.unwrap();
    let caller = client.organization(&"contoso".parse().unwrap()).unwrap().caller().await.unwrap();
    assert_eq!(caller.display_name.as_deref(), Some("Operator"));
    let query = azconnect::credential::TenantSettings::acting_through(&"operator".parse().unwrap()).unwrap();
    assert_eq!(product.integrations().list(&query).await.unwrap().records.len(), 1);
    // The connection was disconnected meanwhile.
    product.azure.connections(&product.storage).disconnect(&"operator".parse().unwrap()).await.unwrap();
    let error = product.integrations().devops(contoso()).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::NotFound, Some("acting.connection")));
}

/// A token of another tenant opens no organization, so a connection of another one cannot act.
#[tokio::test(start_paused = true)]
async fn a_connection_of_another_tenant_cannot_act() {
    let product = Product::new();
    connect_operator(&product).await;
    let mut request = through("operator").with_organization("fabrikam");
    request.tenant = FABRIKAM.parse().unwrap();
    let checks = blocked(&product, request).await;
    assert_eq!(first(&checks), ("connection-of-another-tenant", "acting.connection"), "{checks}");
}

#[tokio::test(start_paused = true)]
async fn while_the_integration_is_off_nobody_acts() {
    let product = Product::new();
    let nobody = product.integrations().devops(contoso()).await.unwrap_err();
    assert_eq!((nobody.kind(), nobody.field()), (ErrorKind::NotFound, Some("tenant")));
    let mut off = by_token(TOKEN);
    off.is_enabled = false;
    product.save(off).await;
    let exchanges = product.emulator.exchanges();
    let error = product.integrations().devops(contoso()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.field(), error.effect()),
        (ErrorKind::Unsupported, Some("is_enabled"), Effect::None)
    );
    // The token is kept for when it is turned on again.
    let on = TenantSettingsRequest::new(contoso()).enabled().with_acting(ActingChoice::PersonalToken(None));
    product.save(on.with_organization("contoso")).await;
    assert!(product.integrations().devops(contoso()).await.is_ok());
    assert!(product.emulator.exchanges() > exchanges, "the kept token was tried again");
}

/// A record may be changed by whoever can write to the product's database. Another tenant's token must not be opened by it.
#[tokio::test(start_paused = true)]
async fn settings_that_name_another_tenants_token_open_nothing() {
    let product = Product::new();
    product.save(by_token(TOKEN)).await;
    let mut of_fabrikam = by_token(FABRIKAM_TOKEN);
    (of_fabrikam.tenant, of_fabrikam.organizations) = (FABRIKAM.parse().unwrap(), vec!["fabrikam".to_owned()]);
    let theirs = product.save(of_fabrikam).await.value.token().unwrap().clone();
    product
        .overwrite(|settings| {
            let Some(ActingAs::PersonalToken { secret, .. }) = &mut settings.acting else { panic!() };
            *secret = theirs.clone();
        })
        .await;
    let error = product.integrations().devops(contoso()).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::Corrupt, Some("acting.token")));
    // Saved anew with a token of their own, they are whole, and the other tenant's token is where it was.
    product.save(by_token(TOKEN)).await;
    assert!(product.integrations().devops(contoso()).await.is_ok());
    assert!(product.secrets.get(&theirs).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_token_is_not_sent_to_another_cloud() {
    let product = Product::new();
    product.save(by_token(TOKEN)).await;
    product.overwrite(|settings| settings.cloud = Some("AzureChinaCloud".to_owned())).await;
    let exchanges = product.emulator.exchanges();
    let kept = TenantSettingsRequest::new(contoso()).enabled().with_acting(ActingChoice::PersonalToken(None));
    let checks = blocked(&product, kept.with_organization("contoso")).await;
    assert_eq!(first(&checks).0, "cannot-act", "{checks}");
    assert_eq!(product.integrations().devops(contoso()).await.unwrap_err().kind(), ErrorKind::Unsupported);
    // Nor does it become one of this cloud by settings that are saved while nobody is to act.
    let off = TenantSettingsRequest::new(contoso()).with_acting(ActingChoice::PersonalToken(None));
    assert_eq!(product.integrations().save(off).await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(product.emulator.exchanges(), exchanges);
}

/// What is not known of a token's end is said, and stands in nobody's way.
#[tokio::test(start_paused = true)]
async fn a_token_whose_end_is_not_known_is_warned_of() {
    let product = Product::new();
    let checks = product.integrations().validate(&by_token(BOBS_TOKEN)).await.unwrap();
    assert!(checks.is_clear(), "{checks}");
    assert!(checks.of("token-end-unknown").is_some_and(|check: &Check| check.is_advisory), "{checks}");
    assert!(product.tokens().await.is_empty() && product.integrations().get(contoso()).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_sweep_forgets_tokens_that_no_settings_name() {
    let (product, day) = (Product::new(), Duration::from_secs(86_400));
    let named = product.save(by_token(TOKEN)).await.value.token().unwrap().clone();
    let orphan = product.save(by_token(TOKEN)).await.value.token().unwrap().clone();
    // As a crash leaves it: sealed for the tenant, and named by no settings.
    product.secrets.put(&named, &Secret::new(TOKEN)).await.unwrap();
    product
        .overwrite(|settings| {
            let Some(ActingAs::PersonalToken { secret, .. }) = &mut settings.acting else { panic!() };
            *secret = named.clone();
        })
        .await;
    assert_eq!(product.integrations().sweep(day).await.unwrap().kept, std::slice::from_ref(&orphan));
    product.clock.sleep(day).await;
    assert_eq!(product.integrations().sweep(day).await.unwrap().forgotten, [orphan]);
    assert_eq!(product.tokens().await, [named]);
    let hasty = product.integrations().sweep(Duration::from_secs(60)).await.unwrap_err();
    assert_eq!(hasty.field(), Some("age"));
    // An empty store of settings beside the sealed tokens: the wrong one, or one that was restored.
    let empty = Storage::in_memory(product.clock.clone());
    let storage = Storage::new(empty.journal(), Arc::new(product.secrets.clone()), empty.lease(), empty.documents());
    let elsewhere = Azure::new(product.emulator.cloud(), product.emulator.transport(), product.clock.clone());
    assert_eq!(elsewhere.tenant_integrations(&storage).sweep(day).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(product.integrations().list(&RecordQuery::new()).await.unwrap().records.len(), 1);
}
