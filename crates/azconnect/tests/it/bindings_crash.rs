//! A product that dies at any write while it binds or unbinds a consumer.

use std::sync::Arc;
use std::time::Duration;

use azconnect::core::{Effect, Error};
use azconnect::credential::{Binding, BoundConsumer};
use azconnect::{Bindings, Storage};

use crate::bindings::{application, binding, production};
use crate::mortal::{DEATHS, Death, Mortal};
use crate::product::{Product, contoso};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Work {
    First,
    Another,
    Unbind,
    Adopt,
}

async fn act(bindings: &Bindings, work: Work) -> Result<(), Error> {
    let shop = BoundConsumer::Connection("shop".parse()?);
    let name = shop.name(application());
    match work {
        Work::First => bindings.bind(application(), contoso(), binding(production())).await.map(drop),
        Work::Another => bindings.bind(application(), contoso(), Binding::new(shop)).await.map(drop),
        Work::Unbind => bindings.unbind(application(), &name).await.map(drop),
        Work::Adopt => {
            bindings.adopt(application(), &["b0000000-0000-4000-8000-000000000002".parse()?]).await.map(drop)
        }
    }
}

/// What is bound, without the times.
async fn held(product: &Product) -> Option<(Vec<Binding>, usize)> {
    let found = product.azure.bindings(&product.storage).get(application()).await.unwrap();
    found.map(|found| (found.consumers, found.adopted.len()))
}

async fn interrupted(product: &Product, work: Work, death: Death, at: i64) -> Option<Option<Result<(), Error>>> {
    let mortal = Arc::new(Mortal::new(product.secrets.clone(), product.documents.clone(), death, at));
    let empty = Storage::in_memory(product.clock.clone());
    let storage = Storage::new(empty.journal(), mortal.clone(), empty.lease(), mortal.clone());
    let bindings = product.azure.bindings(&storage);
    let done = tokio::time::timeout(Duration::from_secs(600), act(&bindings, work)).await.ok();
    mortal.came_to_it().then_some(done)
}

async fn prepared(work: Work) -> Product {
    let product = Product::new();
    let bindings = product.azure.bindings(&product.storage);
    if work != Work::First {
        act(&bindings, Work::First).await.unwrap();
    }
    if work == Work::Unbind {
        act(&bindings, Work::Another).await.unwrap();
    }
    product
}

#[tokio::test(start_paused = true)]
async fn whatever_write_ends_badly_bindings_are_the_former_or_the_new_ones() {
    let mut worlds = 0;
    for work in [Work::First, Work::Another, Work::Unbind, Work::Adopt] {
        let whole = prepared(work).await;
        let before = held(&whole).await;
        act(&whole.azure.bindings(&whole.storage), work).await.unwrap();
        let after = held(&whole).await;
        assert_ne!(before, after);
        for death in DEATHS {
            for at in 0.. {
                let product = prepared(work).await;
                let Some(learnt) = interrupted(&product, work, death, at).await else { break };
                worlds += 1;
                let now = held(&product).await;
                let about = format!("{work:?}, write {at} {death:?}: {learnt:?}");
                match learnt {
                    Some(Ok(())) => assert_eq!(now, after, "{about}"),
                    Some(Err(error)) if error.effect() == Effect::None => assert_eq!(now, before, "{about}"),
                    _ => assert!(now == before || now == after, "{about}"),
                }
                act(&product.azure.bindings(&product.storage), work).await.unwrap();
                assert_eq!(held(&product).await, after, "{about}");
            }
        }
    }
    assert!(worlds >= 16, "{worlds} interruptions");
}
