//! Keys: RSA keys that never leave the vault, and wrap other keys.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::item::{self, Wish, check_name, only, page, typed};
use super::{Context, refusal};
use crate::base::answer::{Answer, json_answer};
use crate::base::der;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::vault::{Item, Version};
use crate::model::world::World;

type Key = PrivateDecryptingKey;

/// The one algorithm: RSA-OAEP with SHA-1 is discouraged, and A256KW is for managed HSMs.
const ALGORITHM: &str = "RSA-OAEP-256";

/// Makes a key, or a new version of one.
pub(super) fn create(cx: &Context<'_>, world: &mut World, name: &str) -> OrRefusal<Answer> {
    check_name(name)?;
    let body = cx.call.json().map_err(|_| refusal::bad("The request body is not valid JSON."))?;
    let wish = Wish::read(
        &body,
        &["kty", "key_size", "public_exponent", "key_ops", "attributes", "tags", "crv", "release_policy"],
    )?;
    check_operations(&body)?;
    // Elliptic and symmetric keys are not emulated, and a refusal would be taken for the vault's.
    if body.get("kty").and_then(Value::as_str) != Some("RSA") {
        return Err(Refusal::not_emulated());
    }
    let size = match typed(&body, "key_size", "a number", Value::as_u64)? {
        None | Some(2048) => KeySize::Rsa2048,
        Some(3072) => KeySize::Rsa3072,
        Some(4096) => KeySize::Rsa4096,
        Some(_) => return Err(refusal::bad("Key size is not supported: give 2048, 3072 or 4096.")),
    };
    let failed = || Refusal::new(500, "InternalServerError", "No key could be made.");
    let key = world.key_maker.make(size).ok_or_else(failed)?;
    let id = world.dice.guid().simple().to_string();
    let version = item::version(cx, id, key, wish);
    let new = || Item { name: name.to_owned(), versions: Vec::new(), deleted: None };
    let item = cx.vault_mut(world)?.keys.entry(name.to_ascii_lowercase()).or_insert_with(new);
    let shown = shown(cx, &item.name, &version);
    item.versions.push(version);
    Ok(json_answer(200, &shown))
}

pub(super) fn get(cx: &Context<'_>, world: &World, name: &str, version: &str) -> OrRefusal<Answer> {
    let (item, version) = find(cx, world, name, version)?;
    Ok(json_answer(200, &shown(cx, &item.name, version)))
}

pub(super) fn all(cx: &Context<'_>, world: &World) -> OrRefusal<Answer> {
    let items = cx
        .vault(world)?
        .keys
        .values()
        .filter_map(|item| Some(item::shown(item::id(cx, "keys", &item.name, ""), item.versions.last()?, "kid")));
    page(cx, items.collect())
}

/// Encrypts another key. A key that is over no longer does.
pub(super) fn wrap(cx: &Context<'_>, world: &World, name: &str, version: &str) -> OrRefusal<Answer> {
    let (item, version) = find(cx, world, name, version)?;
    if version.ends.is_some_and(|ends| ends <= cx.now.wall.unix_timestamp()) {
        return Err(refusal::disabled("key"));
    }
    let plain = value(cx)?;
    let failed = |_| refusal::bad("The value cannot be wrapped with this key.");
    let key = OaepPublicEncryptingKey::new(version.content.public_key()).map_err(failed)?;
    let mut wrapped = vec![0; key.ciphertext_size()];
    let wrapped = key.encrypt(&OAEP_SHA256_MGF1SHA256, &plain, &mut wrapped, None).map_err(failed)?;
    Ok(result(cx, &item.name, version, wrapped))
}

/// Decrypts another key; a key that is over does so still.
pub(super) fn unwrap(cx: &Context<'_>, world: &World, name: &str, version: &str) -> OrRefusal<Answer> {
    let (item, version) = find(cx, world, name, version)?;
    let wrapped = value(cx)?;
    let failed = |_| refusal::bad("The parameter is incorrect: the value was not wrapped with this key.");
    let key = OaepPrivateDecryptingKey::new(version.content.clone()).map_err(failed)?;
    let mut plain = vec![0; key.min_output_size()];
    let plain = key.decrypt(&OAEP_SHA256_MGF1SHA256, &wrapped, &mut plain, None).map_err(failed)?;
    Ok(result(cx, &item.name, version, plain))
}

/// What a key may be for.
const OPERATIONS: [&str; 8] = ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey", "import", "export"];

fn check_operations(body: &Value) -> OrRefusal<()> {
    let named = typed(body, "key_ops", "a list of operations", Value::as_array)?;
    let odd = named.into_iter().flatten().find(|name| !name.as_str().is_some_and(|name| OPERATIONS.contains(&name)));
    odd.map_or(Ok(()), |odd| Err(refusal::bad(format!("Property 'key_ops' has an invalid value: {odd}."))))
}

fn value(cx: &Context<'_>) -> OrRefusal<Vec<u8>> {
    let body = cx.call.json().map_err(|_| refusal::bad("The request body is not valid JSON."))?;
    only(&body, "the body", &["alg", "value", "iv", "aad", "tag"])?;
    match body.get("alg").and_then(Value::as_str) {
        Some(ALGORITHM) => {}
        _ => return Err(refusal::bad(format!("The algorithm must be {ALGORITHM}."))),
    }
    let text = body.get("value").and_then(Value::as_str).unwrap_or_default();
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| refusal::bad("The value is not base64url."))
}

fn result(cx: &Context<'_>, name: &str, version: &Version<Key>, bytes: &[u8]) -> Answer {
    let id = item::id(cx, "keys", name, &version.id);
    json_answer(200, &json!({"kid": id, "alg": ALGORITHM, "value": URL_SAFE_NO_PAD.encode(bytes)}))
}

fn find<'w>(
    cx: &Context<'_>,
    world: &'w World,
    name: &str,
    version: &str,
) -> OrRefusal<(&'w Item<Key>, &'w Version<Key>)> {
    let missing = || refusal::not_found("Key", name);
    let item = cx.vault(world)?.keys.get(&name.to_ascii_lowercase()).ok_or_else(missing)?;
    let version = item.version(version).ok_or_else(missing)?;
    if version.enabled { Ok((item, version)) } else { Err(refusal::disabled("key")) }
}

fn shown(cx: &Context<'_>, name: &str, version: &Version<Key>) -> Value {
    let id = item::id(cx, "keys", name, &version.id);
    let mut shown = item::shown(id.clone(), version, "kid");
    shown.shift_remove("kid");
    let der = version.content.public_key().as_der();
    let numbers = der.as_ref().ok().and_then(|der| der::public_numbers(der.as_ref()));
    let text = |number: Option<&[u8]>| number.map(|number| URL_SAFE_NO_PAD.encode(number));
    let key = json!({
        "kid": id,
        "kty": "RSA",
        "key_ops": ["wrapKey", "unwrapKey"],
        "n": text(numbers.map(|(modulus, _)| modulus)),
        "e": text(numbers.map(|(_, exponent)| exponent)),
    });
    shown.shift_insert(0, "key".to_owned(), key);
    Value::Object(shown)
}
