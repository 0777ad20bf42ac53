//! The parts of an application that lie in the directory, at Microsoft Graph.

use azconnect_core::{Error, ErrorKind, PrincipalObjectId};
use azconnect_graph::{
    Application, Consent, FederatedCredentialName, GraphClient, NewFederatedCredential, Permission, PermissionKind,
};
use azconnect_setup::port::{Found, Given, Presence, Subject, Taken};
use azconnect_setup::{ApiPermission, ApiPermissionKind, FederatedTrust, Part, Platform};

use super::grants::{lacking, unsupported};

/// The same platform in the words of Graph.
pub(super) fn platform(platform: Platform) -> azconnect_graph::Platform {
    match platform {
        Platform::SinglePage => azconnect_graph::Platform::SinglePage,
        Platform::PublicClient => azconnect_graph::Platform::PublicClient,
        _ => azconnect_graph::Platform::Web,
    }
}

fn asked_for(permission: &ApiPermission) -> Permission {
    let kind = match permission.kind {
        ApiPermissionKind::Delegated => PermissionKind::Delegated,
        ApiPermissionKind::Application => PermissionKind::Application,
    };
    Permission::new(permission.resource, permission.id.as_uuid().into(), kind)
}

pub(super) async fn look(graph: &GraphClient, subject: &Subject, part: &Part) -> Result<Found, Error> {
    let object = subject.application.object;
    let there = |is_there: bool| Found::new(if is_there { Presence::Present } else { Presence::Absent });
    Ok(match part {
        Part::Principal => match graph.service_principal_by_client_id(subject.application.client).await {
            Ok(principal) => Found::new(Presence::Present).with_principal(principal.id),
            Err(error) if error.kind() == ErrorKind::NotFound => Found::new(Presence::Absent),
            Err(error) => return Err(error),
        },
        Part::Owner { owner } => there(graph.owners(object).await?.iter().any(|known| known.id == (*owner).into())),
        Part::RedirectUri { uri } => {
            there(graph.redirect_uris(object).await?.of(platform(uri.platform)).contains(&uri.address))
        }
        Part::Permission { permission } => {
            there(graph.required_permissions(object).await?.contains(&asked_for(permission)))
        }
        Part::NoPermission { permission } => {
            there(!graph.required_permissions(object).await?.contains(&asked_for(permission)))
        }
        Part::Certificate { .. } => {
            let application = graph.application(object).await?;
            Found::new(if own_certificate(&application, subject).is_some() { Presence::Ours } else { Presence::Absent })
        }
        Part::Trust { trust } => look_for_trust(graph, subject, trust).await?,
        Part::Consent { permission } => match consent(graph, subject, permission, false).await? {
            Some(wanted) => there(graph.consents(principal(subject)?).await?.contains(&wanted)),
            None => there(false),
        },
        _ => return Err(unsupported(part)),
    })
}

pub(super) async fn give(graph: &GraphClient, subject: &Subject, part: &Part) -> Result<Given, Error> {
    let object = subject.application.object;
    match part {
        Part::Principal => {
            let principal = graph.ensure_service_principal(subject.application.client).await?;
            return Ok(Given::now().with_principal(principal.id));
        }
        Part::Owner { owner } => graph.add_owner(object, *owner).await?,
        Part::RedirectUri { uri } => graph.add_redirect_uri(object, platform(uri.platform), &uri.address).await?,
        Part::Permission { permission } => {
            graph.add_required_permissions(object, &[asked_for(permission)]).await?;
        }
        Part::NoPermission { permission } => {
            graph.remove_required_permissions(object, &[asked_for(permission)]).await?;
        }
        Part::Certificate { certificate } => {
            let is_new = graph.add_certificate(object, subject.marker.as_str(), certificate.as_base64()).await?;
            return Ok(if is_new { Given::now() } else { Given::before() });
        }
        Part::Trust { trust } => {
            let made = graph.ensure_federated_credential(object, &wish(subject, trust)?).await?;
            let is_ours = made.name.as_deref() == Some(subject.marker.as_str());
            return Ok(if is_ours { Given::now() } else { Given::before() });
        }
        Part::Consent { permission } => match consent(graph, subject, permission, true).await? {
            Some(wanted) => graph.grant_consent(&wanted).await?,
            None => return Err(lacking("the service principal of the permission's service")),
        },
        _ => return Err(unsupported(part)),
    }
    Ok(Given::now())
}

pub(super) async fn take(graph: &GraphClient, subject: &Subject, part: &Part) -> Result<Taken, Error> {
    let object = subject.application.object;
    match part {
        Part::Principal => graph.delete_service_principal(principal(subject)?).await?,
        Part::Owner { owner } => match graph.remove_owner(object, *owner).await {
            Err(error) if error.field() == Some("owner") => return Ok(Taken::Left("it is the last owner".to_owned())),
            taken => taken?,
        },
        Part::RedirectUri { uri } => graph.remove_redirect_uri(object, platform(uri.platform), &uri.address).await?,
        Part::Permission { permission } => {
            graph.remove_required_permissions(object, &[asked_for(permission)]).await?;
        }
        Part::NoPermission { permission } => {
            graph.add_required_permissions(object, &[asked_for(permission)]).await?;
        }
        Part::Certificate { .. } => {
            if let Some(key) = own_certificate(&graph.application(object).await?, subject) {
                graph.remove_certificate(object, key).await?;
            }
        }
        Part::Trust { trust } => return take_trust(graph, subject, trust).await,
        Part::Consent { permission } => {
            if let Some(wanted) = consent(graph, subject, permission, false).await? {
                graph.revoke_consent(&wanted).await?;
            }
        }
        _ => return Err(unsupported(part)),
    }
    Ok(Taken::Gone)
}

fn principal(subject: &Subject) -> Result<PrincipalObjectId, Error> {
    subject.principal.ok_or_else(|| lacking("the service principal"))
}

/// The certificate that a setup added: it has the setup's marker for a name.
fn own_certificate(application: &Application, subject: &Subject) -> Option<azconnect_core::KeyId> {
    let named = |name: &Option<String>| name.as_deref() == Some(subject.marker.as_str());
    application.certificates.iter().flatten().find(|known| named(&known.display_name)).and_then(|known| known.key)
}

/// The consent to a permission: its service must have a service principal in the tenant, which is made only if `ensure` says.
async fn consent(
    graph: &GraphClient,
    subject: &Subject,
    permission: &ApiPermission,
    ensure: bool,
) -> Result<Option<Consent>, Error> {
    let resource = match graph.service_principal_by_client_id(permission.resource).await {
        Err(error) if error.kind() == ErrorKind::NotFound && ensure => {
            graph.ensure_service_principal(permission.resource).await?
        }
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        found => found?,
    };
    let client = principal(subject)?;
    Ok(Some(match permission.kind {
        ApiPermissionKind::Delegated => Consent::delegated(client, resource.id, permission.name.as_str()),
        ApiPermissionKind::Application => Consent::role(client, resource.id, permission.id.as_uuid().into()),
    }))
}

fn wish(subject: &Subject, trust: &FederatedTrust) -> Result<NewFederatedCredential, Error> {
    let name = FederatedCredentialName::new(subject.marker.as_str())?;
    Ok(NewFederatedCredential::new(name, &trust.issuer, &trust.subject).with_audience(&trust.audience))
}

async fn look_for_trust(graph: &GraphClient, subject: &Subject, trust: &FederatedTrust) -> Result<Found, Error> {
    let listed = graph.federated_credentials(subject.application.object).await?;
    let same =
        listed.iter().find(|known| known.trusts(&trust.issuer, &trust.subject) && known.accepts(&trust.audience));
    Ok(Found::new(match same {
        Some(known) if known.name.as_deref() == Some(subject.marker.as_str()) => Presence::Ours,
        Some(_) => Presence::Present,
        None => Presence::Absent,
    }))
}

/// Removes the trust that a setup made, unless somebody changed whom it trusts.
async fn take_trust(graph: &GraphClient, subject: &Subject, trust: &FederatedTrust) -> Result<Taken, Error> {
    let listed = graph.federated_credentials(subject.application.object).await?;
    let Some(own) = listed.iter().find(|known| known.name.as_deref() == Some(subject.marker.as_str())) else {
        return Ok(Taken::Gone);
    };
    if !own.trusts(&trust.issuer, &trust.subject) {
        return Ok(Taken::Left("it was changed, and trusts somebody else by now".to_owned()));
    }
    graph.delete_federated_credential(subject.application.object, own.id).await?;
    Ok(Taken::Gone)
}
