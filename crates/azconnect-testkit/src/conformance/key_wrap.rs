//! What every [`KeyWrap`] must do.

use std::sync::Arc;

use azconnect_core::{Effect, Error, ErrorKind, KeyWrap, PlainKey, WrappedKey, WrappingKeyId};

use super::report::{CaseResult, Failure, Report, ensure, ensure_eq, fresh, refused};

/// Checks every behaviour. Each call of `make` gives a wrap that can unwrap what the others wrapped.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all(make: impl AsyncFn() -> Arc<dyn KeyWrap>) {
    let mut report = Report::new("KeyWrap");
    report.add("what is wrapped is unwrapped", round_trip(&*make().await, &*make().await).await);
    report.add("the key that wraps is named", named(&*make().await).await);
    report.add("wrapping twice gives two blobs", differs(&*make().await).await);
    report.add("a key is unwrapped in its own context only", contexts(&*make().await).await);
    report.add("a blob that was changed is refused", changed(&*make().await).await);
    report.add("a blob that was cut is refused", cut(&*make().await).await);
    report.add("two keys that were exchanged are refused", exchanged(&*make().await).await);
    report.add("a blob of an unknown key is refused", unknown_key(&*make().await).await);
    report.add("no key is shown", silent(&*make().await).await);
    report.finish();
}

fn key(byte: u8) -> Result<PlainKey, Error> {
    let bytes: Vec<u8> = (0..32).map(|place: u8| place ^ byte).collect();
    PlainKey::from_bytes(&bytes)
}

/// A refusal to unwrap: corrupt, or a service's word that it cannot be, and never a wrong key.
fn refusal(what: &str, result: Result<PlainKey, Error>) -> CaseResult {
    let error = refused(what, ErrorKind::Corrupt, result)?;
    ensure_eq("field", &error.field(), &Some("wrapping_key"))?;
    ensure(!error.advice().is_empty(), format!("{what}: no advice"))
}

async fn round_trip(wrap: &dyn KeyWrap, other: &dyn KeyWrap) -> CaseResult {
    let context = fresh("key");
    let wrapped = wrap.wrap(&context, &key(1)?).await?;
    for wrap in [wrap, other] {
        ensure(wrap.unwrap(&context, &wrapped).await?.expose() == key(1)?.expose(), "another key came back")?;
    }
    Ok(())
}

async fn named(wrap: &dyn KeyWrap) -> CaseResult {
    let wrapped = wrap.wrap("context", &key(1)?).await?;
    ensure_eq("key", &wrapped.key, &wrap.current().await?)
}

async fn differs(wrap: &dyn KeyWrap) -> CaseResult {
    let (one, two) = (wrap.wrap("context", &key(1)?).await?, wrap.wrap("context", &key(1)?).await?);
    ensure(one.blob != two.blob, "a blob tells that two keys are the same")
}

async fn contexts(wrap: &dyn KeyWrap) -> CaseResult {
    let wrapped = wrap.wrap("a/b", &key(1)?).await?;
    for other in ["", "a", "a/", "a/b/", "A/b", "b/a"] {
        refusal(&format!("the context {other:?}"), wrap.unwrap(other, &wrapped).await)?;
    }
    Ok(())
}

async fn changed(wrap: &dyn KeyWrap) -> CaseResult {
    let wrapped = wrap.wrap("context", &key(1)?).await?;
    for place in 0..wrapped.blob.len() {
        let mut blob = wrapped.blob.clone();
        let byte = blob.get_mut(place).ok_or_else(|| Failure::new("no such place"))?;
        *byte ^= 1 << (place % 8);
        let other = WrappedKey::new(wrapped.key.clone(), blob);
        refusal(&format!("a bit of byte {place}"), wrap.unwrap("context", &other).await)?;
    }
    Ok(())
}

async fn cut(wrap: &dyn KeyWrap) -> CaseResult {
    let wrapped = wrap.wrap("context", &key(1)?).await?;
    let whole = wrapped.blob.len();
    let longer = [wrapped.blob.as_slice(), &[0]].concat();
    for length in [0, 1, whole / 2, whole.saturating_sub(1), whole + 1] {
        let blob = longer.get(..length).unwrap_or_default().to_vec();
        let other = WrappedKey::new(wrapped.key.clone(), blob);
        refusal(&format!("{length} of {whole} bytes"), wrap.unwrap("context", &other).await)?;
    }
    Ok(())
}

async fn exchanged(wrap: &dyn KeyWrap) -> CaseResult {
    let one = wrap.wrap("one", &key(1)?).await?;
    let two = wrap.wrap("two", &key(2)?).await?;
    refusal("another's blob", wrap.unwrap("one", &two).await)?;
    refusal("another's blob", wrap.unwrap("two", &one).await)
}

async fn unknown_key(wrap: &dyn KeyWrap) -> CaseResult {
    let wrapped = wrap.wrap("context", &key(1)?).await?;
    // Neither a key's address nor the short name of a local one.
    let other = WrappedKey::new(WrappingKeyId::new("no/such:key")?, wrapped.blob);
    let Err(error) = wrap.unwrap("context", &other).await else { return Err(Failure::new("it was not refused")) };
    let told = matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::NotFound);
    ensure(told && error.effect() == Effect::None, format!("the refusal tells something else: {error:?}"))
}

async fn silent(wrap: &dyn KeyWrap) -> CaseResult {
    let wrapped = wrap.wrap("context", &key(1)?).await?;
    let holds = |text: &[u8]| text.windows(8).any(|window| key(1).is_ok_and(|key| key.expose().starts_with(window)));
    ensure(!holds(&wrapped.blob), "the blob holds the key in the clear")?;
    let Err(error) = wrap.unwrap("another", &wrapped).await else { return Err(Failure::new("it was not refused")) };
    let text = format!("{error} {error:?} {}", error.advice());
    ensure(!text.contains("0, 3, 2") && !holds(text.as_bytes()), "the refusal shows the key")
}
