//! A product that dies at any write while it saves or forgets the settings of a tenant.

use std::sync::Arc;
use std::time::Duration;

use azconnect::core::{Clock, Effect, Error};
use azconnect::credential::{TenantSettings, TenantSettingsRequest};
use azconnect::{Storage, TenantIntegrations};

use crate::mortal::{DEATHS, Death, Mortal};
use crate::product::{FABRIKAM, FABRIKAM_TOKEN, Product, TOKEN, by_token, contoso};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Work {
    First,
    Replace,
    TurnOff,
    Forget,
}

async fn act(integrations: &TenantIntegrations, work: Work) -> Result<(), Error> {
    match work {
        Work::First | Work::Replace => integrations.save(by_token(TOKEN)).await?.saved().map(drop),
        Work::TurnOff => integrations.save(TenantSettingsRequest::new(contoso())).await?.saved().map(drop),
        Work::Forget => integrations.forget(contoso()).await,
    }
}

/// Does a piece of work over stores of which one write ends badly. `None` if it never came to that write; else what the
/// caller learnt, if it lived to learn anything.
async fn interrupted(product: &Product, work: Work, death: Death, at: i64) -> Option<Option<Result<(), Error>>> {
    let mortal = Arc::new(Mortal::new(product.secrets.clone(), product.documents.clone(), death, at));
    let empty = Storage::in_memory(product.clock.clone());
    let storage = Storage::new(empty.journal(), mortal.clone(), empty.lease(), mortal.clone());
    let integrations = product.azure.tenant_integrations(&storage);
    let done = tokio::time::timeout(Duration::from_secs(600), act(&integrations, work)).await.ok();
    mortal.came_to_it().then_some(done)
}

async fn settings(product: &Product) -> Option<TenantSettings> {
    product.integrations().get(contoso()).await.unwrap().map(|found| found.value)
}

#[tokio::test(start_paused = true)]
async fn whatever_write_ends_badly_settings_never_name_a_token_that_is_gone() {
    let mut worlds = 0;
    for work in [Work::First, Work::Replace, Work::TurnOff, Work::Forget] {
        for death in DEATHS {
            for at in 0.. {
                let product = Product::new();
                // Another tenant, whose settings must be left alone.
                let mut neighbour = by_token(FABRIKAM_TOKEN);
                (neighbour.tenant, neighbour.organizations) = (FABRIKAM.parse().unwrap(), vec!["fabrikam".to_owned()]);
                product.save(neighbour).await;
                if work != Work::First {
                    product.save(by_token(TOKEN)).await;
                }
                let before = settings(&product).await;
                let Some(learnt) = interrupted(&product, work, death, at).await else { break };
                worlds += 1;
                let about = format!("{work:?}, write {at} {death:?}: {learnt:?}");
                stands(&product, work, before, learnt, &about).await;
                repeated(&product, work, &about).await;
            }
        }
    }
    assert!(worlds >= 32, "{worlds} interruptions");
}

/// What must be true right after the interruption.
async fn stands(
    product: &Product,
    work: Work,
    before: Option<TenantSettings>,
    learnt: Option<Result<(), Error>>,
    about: &str,
) {
    let now = settings(product).await;
    let enters = product.integrations().devops(contoso()).await;
    match (work, &now) {
        // Half ended: the settings are there so that they can be forgotten again, and say that the token is gone.
        (Work::Forget, Some(_)) => {}
        (Work::TurnOff, Some(settings)) if !settings.is_enabled => assert!(settings.token().is_none(), "{about}"),
        (_, Some(_)) => drop(enters.unwrap_or_else(|error| panic!("{about}: the token is gone: {error}"))),
        (Work::First | Work::Forget, None) => {}
        (_, None) => panic!("{about}: the settings are lost"),
    }
    if let Some(Err(error)) = learnt
        && error.effect() == Effect::None
        && work != Work::Forget
    {
        assert_eq!(now, before, "{about}: said to have had no effect");
    }
    assert!(product.integrations().devops(FABRIKAM.parse().unwrap()).await.is_ok(), "{about}");
}

/// The same again by a product that was started anew, and a sweep: all is as if nothing had happened.
async fn repeated(product: &Product, work: Work, about: &str) {
    act(&product.integrations(), work).await.unwrap_or_else(|error| panic!("{about}: {error}"));
    product.clock.sleep(Duration::from_secs(7200)).await;
    product.integrations().sweep(Duration::from_secs(3600)).await.unwrap();
    let tokens = if matches!(work, Work::First | Work::Replace) { 2 } else { 1 };
    assert_eq!(product.tokens().await.len(), tokens, "{about}: a sealed token is left over, or lost");
    assert_eq!(settings(product).await.is_some(), work != Work::Forget, "{about}");
}
