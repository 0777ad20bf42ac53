//! The words of the portal, step by step.

use crate::permission::{ApiPermission, ApiPermissionKind};
use crate::spec::{Platform, SetupAudience, SetupSpec, SubscriptionAccess};

pub(super) fn application(spec: &SetupSpec) -> Vec<String> {
    let audience = match spec.audience {
        SetupAudience::OwnTenant => "Accounts in this organizational directory only",
        SetupAudience::AnyTenant => "Accounts in any organizational directory",
    };
    vec![
        "Microsoft Entra ID > App registrations > New registration".to_owned(),
        format!("Name: {}", spec.display_name),
        format!("Supported account types: {audience}"),
        "Register; copy the Application (client) ID and the Directory (tenant) ID".to_owned(),
    ]
}

pub(super) fn addresses(spec: &SetupSpec) -> Vec<String> {
    let mut clicks = vec!["App registrations > the application > Authentication > Add a platform".to_owned()];
    for uri in &spec.redirect_uris {
        let platform = match uri.platform {
            Platform::Web => "Web",
            Platform::SinglePage => "Single-page application",
            Platform::PublicClient => "Mobile and desktop applications",
        };
        clicks.push(format!("{platform} > Redirect URI: {}", uri.address));
        // The form refuses it; the manifest takes it.
        if uri.address.starts_with("http://127.") {
            clicks.push("If the form refuses it: Manifest > redirectUris > add it there".to_owned());
        }
    }
    clicks
}

pub(super) fn permissions(spec: &SetupSpec) -> Vec<String> {
    let mut clicks = vec!["App registrations > the application > API permissions".to_owned()];
    clicks.extend(spec.permissions.iter().map(|permission| {
        let kind = match permission.kind {
            ApiPermissionKind::Delegated => "Delegated permissions",
            ApiPermissionKind::Application => "Application permissions",
        };
        format!("Add a permission > {} > {kind} > {}", permission.resource_title(), permission.name)
    }));
    if spec.without_user_read {
        let known = ApiPermission::graph_user_read();
        clicks.push(format!("{} > {} > Remove permission", known.resource_title(), known.name));
    }
    clicks
}

pub(super) fn role(access: &SubscriptionAccess) -> Vec<String> {
    let place = match &access.group {
        Some(group) => format!("Resource groups > {}", group.name),
        None => format!("Subscriptions > {}", access.subscription),
    };
    let tab = match access.role.name.as_str() {
        "Owner" | "Contributor" | "User Access Administrator" => "Privileged administrator roles",
        _ => "Job function roles",
    };
    vec![
        format!("{place} > Access control (IAM) > Add > Add role assignment"),
        format!("{tab} > {}", access.role.name),
        "Members > User, group, or service principal > Select members > the application's name".to_owned(),
        "Review + assign".to_owned(),
    ]
}
