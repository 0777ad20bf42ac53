//! Links of people's accounts behind their ports, on the emulator.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect::core::{Clock, Scope, TenantId};
use azconnect::credential::{AccountLending, FitRequest, LinkedAccounts, PersonId};
use azconnect::identity::user::{AccountLinking, RedirectAnswer, SignInOptions, SignedIn, WebSignIn};
use azconnect::identity::{Application, Authority, TokenEndpoint};
use azconnect::{AccountLinks, Storage};
use azconnect_emulator::{Conduct, Fault, FaultAction, Service};
use azconnect_testkit::conformance::account_links::{self, AccountLinksHarness};
use serde_json::json;
use url::Url;

use crate::people::{APPLICATION_SECRET, BACK, PORTAL, over, product_with, proof, sealed, visited};
use crate::people_crash::Fragile;
use crate::product::{FABRIKAM, Product, contoso};

const ANN: &str = "ann@contoso.com";
const BOB: &str = "bob@contoso.com";
const ANN_ID: &str = "10000000-0000-4000-8000-000000000001";
const BOB_ID: &str = "10000000-0000-4000-8000-000000000002";

/// A product whose storage can fail, in a world in which Bob is a guest of another tenant.
struct Stage {
    product: Product,
    fragile: Fragile,
}

impl Stage {
    async fn new() -> Self {
        let product = product_with(|seed| {
            seed["tenants"][0]["users"][0]["id"] = json!(ANN_ID);
            seed["tenants"][0]["users"][1]["id"] = json!(BOB_ID);
            let guest =
                json!({"userPrincipalName": "bob_contoso.com@fabrikam.com", "displayName": "Bob", "guestOf": BOB});
            seed["tenants"][1]["users"].as_array_mut().unwrap().push(guest);
        });
        let fragile = Fragile::of(&product);
        let stage = Self { product, fragile };
        // Whoever is a guest has consented there, as at home when they link.
        let [_, bob] = stage.people();
        stage.sign_in_at(stage.foreign_tenant(), bob).await;
        stage
    }

    fn links(&self) -> AccountLinks {
        let (stores, own) = (Arc::new(self.fragile.clone()), &self.product.storage);
        over(&self.product, &Storage::new(own.journal(), stores.clone(), own.lease(), stores))
    }

    async fn sign_in_at(&self, tenant: TenantId, person: PersonId) -> SignedIn {
        let azure = &self.product.azure;
        let authority = Authority::of_tenant(azure.cloud(), tenant);
        let endpoint = TokenEndpoint::at(azure.pipeline().clone(), azure.cloud(), authority);
        let application = Application::new(endpoint, PORTAL.parse().unwrap(), proof(&self.product, APPLICATION_SECRET));
        let scope = Scope::delegated(azure.cloud().devops_scope().resource(), ["user_impersonation"]).unwrap();
        let sign_in = WebSignIn::new(application, BACK.parse().unwrap(), scope.with_offline_access()).unwrap();
        let (address, pending) = sign_in.start(&SignInOptions::new()).unwrap();
        sign_in.finish(pending, &self.visit(&address, person).await).await.unwrap()
    }

    fn name_of(person: PersonId) -> &'static str {
        match person.object.to_string().as_str() {
            ANN_ID => ANN,
            _ => BOB,
        }
    }
}

#[async_trait]
impl AccountLinksHarness for Stage {
    fn linking(&self) -> Arc<dyn AccountLinking> {
        self.links().linking()
    }
    fn accounts(&self) -> Arc<dyn LinkedAccounts> {
        self.links().accounts()
    }
    fn lending(&self) -> Arc<dyn AccountLending> {
        self.links().lending()
    }
    fn people(&self) -> [PersonId; 2] {
        [ANN_ID, BOB_ID].map(|id| PersonId::new(contoso(), id.parse().unwrap()))
    }
    fn scope(&self) -> Scope {
        self.product.azure.cloud().devops_scope()
    }
    fn foreign_tenant(&self) -> TenantId {
        FABRIKAM.parse().unwrap()
    }
    fn fitting(&self) -> FitRequest {
        FitRequest::new("contoso").with_project("Web").with_repository("Web/Web")
    }
    fn foreign(&self) -> FitRequest {
        FitRequest::new("fabrikam")
    }
    async fn visit(&self, address: &Url, person: PersonId) -> RedirectAnswer {
        visited(&self.product, address, &Conduct::of(Self::name_of(person))).await
    }
    async fn decline(&self, address: &Url, person: PersonId) -> RedirectAnswer {
        visited(&self.product, address, &Conduct::of(Self::name_of(person)).declining()).await
    }
    async fn sign_in(&self, person: PersonId) -> SignedIn {
        self.sign_in_at(contoso(), person).await
    }
    async fn revoke(&self, person: PersonId) {
        self.product.emulator.person().revoke_sign_ins(Self::name_of(person)).unwrap();
    }
    async fn disable(&self, person: PersonId, is_disabled: bool) {
        let (admin, name) = (self.product.emulator.person(), Self::name_of(person));
        match is_disabled {
            true => admin.disable_user(name).unwrap(),
            false => admin.enable_user(name).unwrap(),
        }
    }
    async fn cut_login(&self, is_cut: bool) {
        match is_cut {
            true => {
                let cut = Fault::new(FaultAction::DropBefore).with_service(Service::Login).forever();
                self.product.emulator.faults().add(cut);
            }
            false => self.product.emulator.faults().clear(),
        }
    }
    async fn break_storage(&self, is_broken: bool) {
        self.fragile.set_broken(is_broken);
    }
    async fn pass(&self, time: Duration) {
        self.product.clock.sleep(time).await;
    }
    async fn lent(&self) -> usize {
        sealed(&self.product).await
    }
}

#[tokio::test(start_paused = true)]
async fn the_links_of_accounts_conform() {
    account_links::all(async || Stage::new().await).await;
}
