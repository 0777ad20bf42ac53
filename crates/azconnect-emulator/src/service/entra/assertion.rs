//! Client assertions: signed with the client's own certificate, or issued by somebody whom its application trusts.
//!
//! By *Application certificate credentials* and *Workload identity federation* of the Microsoft identity platform.

use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Context, refusal};
use crate::base::jwt::Jwt;
use crate::base::refusal::OrRefusal;
use crate::model::directory::{Application, Tenant};
use crate::model::replica::Replica;
use crate::model::trust::Certificate;
use crate::model::world::World;

/// The one kind of assertion.
pub(super) const KIND: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How far a client's clock may be off, in seconds.
const SKEW: f64 = 300.0;

/// Whether an assertion proves that the caller is a client, whose application this is.
pub(super) fn check(
    cx: &Context<'_>,
    world: &World,
    tenant: &Tenant,
    client: Uuid,
    (text, replica): (&str, &Replica<'_>),
) -> OrRefusal<()> {
    let token = Jwt::read(text).ok_or_else(refusal::assertion_malformed)?;
    if token.algorithm().is_none() {
        return Err(refusal::algorithm_unsupported(token.header("alg").unwrap_or_default()));
    }
    let missing = || refusal::application_not_found(&client.to_string(), &tenant.display_name);
    let (_, application) = world.directory.application(client).ok_or_else(missing)?;
    let issuer = token.text("iss").ok_or_else(|| refusal::claim_missing("iss"))?;
    let subject = token.text("sub").ok_or_else(|| refusal::claim_missing("sub"))?;
    // Whoever signs for itself says so by its own id, and no issuer of others is called like that.
    if let Ok(own) = Uuid::parse_str(issuer) {
        if own != client || Uuid::parse_str(subject) != Ok(client) {
            return Err(refusal::assertion_of_another());
        }
        check_times(&token, cx.now.wall)?;
        if !token.is_for(|audience| is_own_audience(cx, tenant, audience)) {
            return Err(refusal::assertion_audience());
        }
        let certificates = world.directory.certificates_of(tenant, client);
        return check_certificate(&token, &certificates, (replica, cx.now.wall));
    }
    check_times(&token, cx.now.wall)?;
    check_federated(world, &token, application, (issuer, subject, replica))
}

/// The id under which a used assertion is remembered, and when it may be forgotten.
pub(super) fn identity(client: &str, text: &str) -> Option<(String, OffsetDateTime)> {
    let token = Jwt::read(text)?;
    let ends = token.seconds("exp").filter(|ends| ends.is_finite())? + SKEW;
    #[expect(clippy::cast_possible_truncation, reason = "a number of seconds, whose fraction does not matter")]
    let ends = OffsetDateTime::from_unix_timestamp(ends as i64).ok()?;
    Some((format!("{client} {} {}", token.text("iss")?, token.text("jti")?), ends))
}

fn check_times(token: &Jwt, wall: OffsetDateTime) -> OrRefusal<()> {
    #[expect(clippy::cast_precision_loss, reason = "exact until the year 285 million")]
    let now = wall.unix_timestamp() as f64;
    let ends = token.seconds("exp").ok_or_else(|| refusal::claim_missing("exp"))?;
    let begins = token.seconds("nbf");
    if ends + SKEW <= now || begins.is_some_and(|begins| begins - SKEW > now) {
        return Err(refusal::assertion_out_of_time(wall, begins, ends));
    }
    Ok(())
}

/// The token endpoint of the tenant, by either of its names and versions, or its issuer.
fn is_own_audience(cx: &Context<'_>, tenant: &Tenant, audience: &str) -> bool {
    let origins = [cx.call.origin.as_str(), &cx.call.origins.login, "https://login.microsoftonline.com"];
    // Whoever asks at an endpoint for several tenants names that one.
    let path =
        cx.call.segments.first().filter(|name| ["organizations", "common", "consumers"].contains(&name.as_str()));
    let names = [tenant.id.to_string(), tenant.domain.clone(), path.cloned().unwrap_or_else(|| tenant.id.to_string())];
    let ends = ["oauth2/v2.0/token", "oauth2/token", "v2.0"];
    origins.iter().any(|origin| {
        names.iter().any(|name| ends.iter().any(|end| audience.eq_ignore_ascii_case(&format!("{origin}/{name}/{end}"))))
    })
}

fn check_certificate(
    token: &Jwt,
    certificates: &[&Certificate],
    (replica, now): (&Replica<'_>, OffsetDateTime),
) -> OrRefusal<()> {
    let named = token.header("x5t#S256").or(token.header("x5t")).unwrap_or_default();
    // A replica that has not heard of a certificate does not know it, nor that one was removed.
    let mut known = certificates.iter().filter(|one| one.is_known_to(replica));
    let Some(certificate) = known.find(|one| one.is_named_by(token) == Some(true)) else {
        return Err(refusal::key_not_found(named));
    };
    if !token.is_signed_by(certificate.public_key()) {
        return Err(refusal::signature_wrong(named));
    }
    if certificate.is_in_time(now) { Ok(()) } else { Err(refusal::key_expired(named)) }
}

fn check_federated(
    world: &World,
    token: &Jwt,
    application: &Application,
    (issuer, subject, replica): (&str, &str, &Replica<'_>),
) -> OrRefusal<()> {
    let text = |document: &serde_json::Map<String, Value>, field: &str| {
        document.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    // To a replica that has not heard of it, a new credential does not exist.
    let known = application.federated.iter().filter(|one| replica.has_seen_creation(one.id, one.created.elapsed));
    let by_issuer: Vec<_> = known.filter(|one| text(&one.document, "issuer") == issuer).collect();
    if by_issuer.is_empty() {
        return Err(refusal::no_federation(700_211, "issuer", issuer));
    }
    let by_subject: Vec<_> = by_issuer.into_iter().filter(|one| text(&one.document, "subject") == subject).collect();
    if by_subject.is_empty() {
        return Err(refusal::no_federation(700_213, "subject", subject));
    }
    let accepted = by_subject.iter().any(|one| {
        let named = one.document.get("audiences").and_then(Value::as_array);
        let audiences: Vec<&str> = match named {
            Some(list) if !list.is_empty() => list.iter().filter_map(Value::as_str).collect(),
            _ => vec!["api://AzureADTokenExchange"],
        };
        token.is_for(|audience| audiences.contains(&audience))
    });
    if !accepted {
        return Err(refusal::no_federation(700_212, "audience", token.text("aud").unwrap_or_default()));
    }
    // In reality the issuer is asked for its keys. Here the seed says what it publishes.
    let published =
        world.issuers.iter().find(|known| known.address.trim_end_matches('/') == issuer.trim_end_matches('/'));
    let published = published.ok_or_else(refusal::issuer_unreachable)?;
    let wanted = token.header("kid");
    let mut keys = published.keys.iter().filter(|key| wanted.is_none() || key.id.as_deref() == wanted);
    if keys.any(|key| token.is_signed_by_numbers(&key.modulus, &key.exponent)) {
        Ok(())
    } else {
        Err(refusal::issuer_signature_wrong())
    }
}
