//! Who asks the token endpoint: a client, and the proof that it is the one it says.

use azconnect_core::Secret;
use uuid::Uuid;

use super::{Context, assertion, denial, refusal};
use crate::base::call::{Claim, Query};
use crate::base::moment::Moment;
use crate::base::refusal::OrRefusal;
use crate::model::directory::{Directory, ServicePrincipal, Tenant};
use crate::model::registration::Registration;
use crate::model::replica::Replica;
use crate::model::sign_in::ClientKind;
use crate::model::trust::{certificate_in, holds_key_of};
use crate::model::world::World;

/// How a client proves who it is.
pub(super) enum Proof {
    Secret(Secret),
    Assertion(String),
}

pub(super) fn find_tenant<'a>(directory: &'a Directory, name: &str) -> OrRefusal<&'a Tenant> {
    directory.tenant(name).ok_or_else(|| {
        if Uuid::parse_str(name).is_ok() || name.contains('.') {
            refusal::tenant_not_found(name)
        } else {
            refusal::tenant_malformed(name)
        }
    })
}

/// Client id and proof, from the form or from the header.
pub(super) fn credentials(cx: &Context<'_>, form: &Query) -> OrRefusal<(String, Option<Proof>)> {
    if let Claim::Basic { user, password } = cx.call.claim() {
        // RFC 6749, section 2.3.1: both are form-encoded before they are joined.
        return Ok((form_decode(&user), Some(Proof::Secret(Secret::new(form_decode(&password))))));
    }
    let client = form.filled("client_id").ok_or_else(|| refusal::parameter_missing("client_id"))?;
    let Some(text) = form.filled("client_assertion") else {
        return Ok((client.to_owned(), form.filled("client_secret").map(|text| Proof::Secret(Secret::new(text)))));
    };
    match form.filled("client_assertion_type") {
        Some(kind) if kind == assertion::KIND => Ok((client.to_owned(), Some(Proof::Assertion(text.to_owned())))),
        Some(kind) => Err(refusal::assertion_kind(kind)),
        None => Err(refusal::parameter_missing("client_assertion_type")),
    }
}

fn form_decode(text: &str) -> String {
    let pair = format!("v={text}");
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// The service principal of a client that one replica of the token endpoint lets sign in, with the client's id.
pub(super) fn known_principal<'w>(
    tenant: &'w Tenant,
    client: &str,
    replica: &Replica<'_>,
) -> OrRefusal<(Uuid, &'w ServicePrincipal)> {
    let missing = || refusal::application_not_found(client, &tenant.display_name);
    let client_id = Uuid::parse_str(client).map_err(|_| missing())?;
    let principal = tenant.principal_of(client_id).ok_or_else(missing)?;
    // To a replica that has not heard of it, a new application does not exist.
    if !replica.has_seen_creation(principal.object_id, principal.created.elapsed) {
        return Err(missing());
    }
    if !principal.enabled {
        return Err(refusal::application_disabled(client, &principal.display_name));
    }
    Ok((client_id, principal))
}

/// The object id of the service principal whose secret this is, as one replica sees it.
pub(super) fn check_secret(
    world: &World,
    tenant: &Tenant,
    client: &str,
    (secret, replica, now): (&Secret, &Replica<'_>, Moment),
) -> OrRefusal<Uuid> {
    let (client_id, principal) = known_principal(tenant, client, replica)?;
    let passwords = world.directory.passwords_of(tenant, client_id);
    let mut matching = passwords.into_iter().filter(|password| password.text.same_as(secret));
    let known: Vec<_> = matching.by_ref().filter(|password| password.is_known_to(replica)).collect();
    if known.iter().any(|password| password.is_accepted_by(replica, now.wall)) {
        return Ok(principal.object_id);
    }
    // Expired is said only of a secret that this replica knows; of any other it is invalid.
    if known.iter().any(|password| password.ends <= now.wall) {
        return Err(refusal::secret_expired(client));
    }
    Err(refusal::secret_invalid(client))
}

/// Whether one replica of the token endpoint accepts a client's secret. Azure DevOps and registries ask so too, because
/// in reality they ask Microsoft Entra ID.
pub(crate) fn accepts(
    world: &World,
    tenant: &str,
    client: &str,
    secret: &Secret,
    (replica, now): (u32, Moment),
) -> SecretCheck {
    let replica = Replica::of_tokens(&world.settings, replica, now);
    let checked = find_tenant(&world.directory, tenant)
        .and_then(|tenant| check_secret(world, tenant, client, (secret, &replica, now)));
    match checked {
        Ok(principal) => SecretCheck::Yes(principal),
        Err(refusal) => SecretCheck::No(refusal::description(&refusal)),
    }
}

/// The same for a certificate with its key, in PEM: whoever holds both signs assertions with them.
pub(crate) fn accepts_certificate(
    world: &World,
    tenant: &str,
    client: &str,
    pem: &Secret,
    (replica, now): (u32, Moment),
) -> SecretCheck {
    let replica = Replica::of_tokens(&world.settings, replica, now);
    let checked = find_tenant(&world.directory, tenant).and_then(|tenant| {
        let (client_id, principal) = known_principal(tenant, client, &replica)?;
        let der = certificate_in(pem.expose()).filter(|der| holds_key_of(pem.expose(), der));
        let der = der.ok_or_else(refusal::assertion_malformed)?;
        let known = world.directory.certificates_of(tenant, client_id);
        let known = known.into_iter().filter(|one| one.is_known_to(&replica));
        match known.into_iter().find(|one| one.der() == der) {
            Some(one) if one.is_in_time(now.wall) => Ok(principal.object_id),
            Some(_) => Err(refusal::key_expired("")),
            None => Err(refusal::key_not_found("")),
        }
    });
    match checked {
        Ok(principal) => SecretCheck::Yes(principal),
        Err(refusal) => SecretCheck::No(refusal::description(&refusal)),
    }
}

/// What the token endpoint says of a secret.
pub(crate) enum SecretCheck {
    /// The object id of the service principal.
    Yes(Uuid),
    /// The number and text of the error.
    No(String),
}

/// A client whose registration and proof were looked at, for a token on behalf of a person.
pub(super) struct Known {
    pub(super) registration: Registration,
    /// Whether it proved who it is.
    pub(super) proven: bool,
}

/// The client of a token request on behalf of a person, who signed in to a tenant. A proof is optional, and checked where
/// there is one.
pub(super) fn of_person(
    cx: &Context<'_>,
    world: &World,
    form: &Query,
    (name, replica): (&str, &Replica<'_>),
) -> OrRefusal<Known> {
    let (client, proof) = credentials(cx, form)?;
    let found = Uuid::parse_str(&client).ok().and_then(|id| Registration::of(&world.directory, id));
    let registration = found.ok_or_else(|| refusal::application_not_found(&client, name))?;
    let Some(proof) = proof else { return Ok(Known { registration, proven: false }) };
    // Its credentials lie at home, also for tenants that have not heard of it yet.
    let named = world.directory.tenant(name).filter(|tenant| tenant.principal_of(registration.client_id).is_some());
    let home = registration.home.and_then(|home| world.directory.tenant_by_id(home));
    let tenant = named.or(home).ok_or_else(denial::public_with_credential)?;
    match &proof {
        Proof::Secret(secret) => {
            check_secret(world, tenant, &client, (secret, replica, cx.now))?;
        }
        Proof::Assertion(text) => {
            known_principal(tenant, &client, replica)?;
            assertion::check(cx, world, tenant, registration.client_id, (text, replica))?;
        }
    }
    Ok(Known { registration, proven: true })
}

impl Known {
    /// Refuses a proof that is missing, or out of place, for a client of some kind.
    pub(super) fn check(&self, cx: &Context<'_>, kind: ClientKind) -> OrRefusal<()> {
        let origin = cx.call.header("origin");
        match kind {
            // A page would have the secret in its sources.
            ClientKind::Web if origin.is_some() => Err(denial::cross_origin(origin.unwrap_or_default())),
            ClientKind::Web if !self.proven => Err(denial::credential_missing()),
            ClientKind::Spa | ClientKind::Native if self.proven => Err(denial::public_with_credential()),
            ClientKind::Spa if origin.is_none() => Err(denial::not_cross_origin()),
            ClientKind::Native if origin.is_some() => Err(denial::cross_origin(origin.unwrap_or_default())),
            _ => Ok(()),
        }
    }
}
