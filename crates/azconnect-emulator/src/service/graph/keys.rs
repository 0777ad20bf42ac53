//! Rolling certificates one at a time, each with a proof that the caller holds the private key of another one.
//!
//! By *application: addKey*, *application: removeKey* and *Generate proof-of-possession tokens for rolling keys*.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::holder::{Holder, Right};
use super::passwords::{LIMIT, malformed};
use super::{Context, HolderKind, Key, certificates, refusal};
use crate::base::answer::{Answer, empty, json_answer};
use crate::base::jwt::{Algorithm, Jwt};
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::history::Memory;
use crate::model::trust::Certificate;
use crate::model::world::World;

/// What a proof is for: the directory under its older name, and not Graph's.
const AUDIENCE: &str = "00000002-0000-0000-c000-000000000000";

/// How long a proof may be good, in seconds.
const LIFE: f64 = 600.0;

/// How far the caller's clock may be off, in seconds.
const SKEW: f64 = 300.0;

pub(super) fn add(cx: &Context<'_>, world: &mut World, kind: HolderKind, key: &Key) -> OrRefusal<Answer> {
    let body = body(cx, &["keyCredential", "passwordCredential", "proof"])?;
    let holder = Holder::find(cx, world, (kind, key), Right::GrantedOrOwn)?;
    check_proof(cx, world, &holder, &body)?;
    if body.get("passwordCredential").is_some_and(|password| !password.is_null()) {
        // It protects the private key of a certificate that signs tokens, which is not emulated.
        return Err(Refusal::not_emulated());
    }
    let wanted = body.get("keyCredential").ok_or_else(certificates::invalid)?;
    let policy = world.directory.tenant_by_id(cx.caller.tenant).map(|tenant| tenant.policy).unwrap_or_default();
    let certificate = certificates::new(cx, wanted, &policy, world.dice.guid())?;
    if holder.certificates(cx, world).iter().filter(|one| one.is_live()).count() >= LIMIT {
        return Err(refusal::bad_request(format!("Not allowed to add more than {LIMIT} key credentials.")));
    }
    let mut shown = certificates::shown(&certificate);
    if let Some(map) = shown.as_object_mut() {
        let context = format!("{}/$metadata#microsoft.graph.keyCredential", cx.base());
        map.shift_insert(0, "@odata.context".to_owned(), json!(context));
    }
    if let Some(all) = holder.certificates_mut(cx, world) {
        all.push(certificate);
    }
    Ok(json_answer(200, &shown))
}

pub(super) fn remove(cx: &Context<'_>, world: &mut World, kind: HolderKind, key: &Key) -> OrRefusal<Answer> {
    let body = body(cx, &["keyId", "proof"])?;
    let key_id = body.get("keyId").and_then(Value::as_str).unwrap_or_default();
    let id = Uuid::parse_str(key_id).map_err(|_| {
        refusal::bad_request(format!("Cannot convert the literal '{key_id}' to the expected type 'Edm.Guid'."))
    })?;
    let holder = Holder::find(cx, world, (kind, key), Right::GrantedOrOwn)?;
    check_proof(cx, world, &holder, &body)?;
    let replica = cx.replica(world);
    let is_it = |one: &Certificate| one.key_id == id && one.is_live() && one.is_known_to(&replica);
    if !holder.certificates(cx, world).iter().any(is_it) {
        return Err(refusal::bad_request(format!("No key credential found with keyId '{key_id}'.")));
    }
    let memory = Memory::of(&world.settings);
    if let Some(all) = holder.certificates_mut(cx, world) {
        for gone in all.iter_mut().filter(|one| one.key_id == id) {
            gone.removed = Some(cx.now.elapsed);
        }
        memory.forget(all, cx.now.elapsed);
    }
    Ok(empty(204))
}

fn body(cx: &Context<'_>, known: &[&str]) -> OrRefusal<Map<String, Value>> {
    let Ok(Value::Object(body)) = cx.call.json() else { return Err(malformed()) };
    match body.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => {
            Err(refusal::bad_request(format!("The parameter '{name}' is not a valid parameter for the operation.")))
        }
        None => Ok(body),
    }
}

/// Refuses unless the proof is signed by a certificate of the object that is valid and known here. Whatever is wrong with
/// it, the service says the same.
fn check_proof(cx: &Context<'_>, world: &World, holder: &Holder, body: &Map<String, Value>) -> OrRefusal<()> {
    let Some(text) = body.get("proof").and_then(Value::as_str).filter(|text| !text.is_empty()) else {
        return Err(refusal::denied());
    };
    let wrong = || Refusal::new(401, "Authentication_MissingOrMalformed", "Access Token missing or malformed.");
    // Read in base64url without padding, which is a part of the rule.
    let proof = Jwt::read(text).ok_or_else(wrong)?;
    let is_signed_so = match proof.algorithm() {
        Some(Algorithm::Rs256) => true,
        Some(Algorithm::Ps256) => world.settings.graph.takes_pss_proofs,
        None => false,
    };
    let issuer = proof.text("iss").and_then(|issuer| Uuid::parse_str(issuer).ok());
    let is_for_this = proof.text("aud") == Some(AUDIENCE) && issuer == Some(holder.object_id);
    let replica = cx.replica(world);
    let signs = |one: &Certificate| {
        one.is_known_to(&replica)
            && one.is_in_time(cx.now.wall)
            && one.is_named_by(&proof) != Some(false)
            && proof.is_signed_by(one.public_key())
    };
    let proven = is_signed_so
        && is_for_this
        && is_in_time(&proof, cx.now.wall)
        && holder.certificates(cx, world).iter().any(signs);
    if proven { Ok(()) } else { Err(wrong()) }
}

fn is_in_time(proof: &Jwt, now: OffsetDateTime) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "exact until the year 285 million")]
    let now = now.unix_timestamp() as f64;
    let (Some(begins), Some(ends)) = (proof.seconds("nbf"), proof.seconds("exp")) else { return false };
    ends > begins && ends - begins <= LIFE && begins - SKEW <= now && now < ends + SKEW
}
