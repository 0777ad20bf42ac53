//! The part of a seed that the sign-in of people reads: what applications are registered with, consents, settings.

use uuid::Uuid;

use super::fault::SeedFault;
use super::node::Node;
use super::settings::read_limit;
use crate::base::settings::sign_in::{DevicePolling, RefreshRule, SignInSettings};

/// What an application is registered with for the sign-in of people.
pub(crate) struct SignInSeed {
    pub(crate) web: Vec<String>,
    pub(crate) spa: Vec<String>,
    pub(crate) native: Vec<String>,
    pub(crate) issues_id_tokens: bool,
    pub(crate) is_public: bool,
    pub(crate) permissions: Vec<PermissionSeed>,
    pub(crate) exposes: Vec<ExposedSeed>,
}

/// Permissions of a resource that an application is registered with, by their names.
pub(crate) struct PermissionSeed {
    /// The client id of the resource.
    pub(crate) resource: Uuid,
    pub(crate) scopes: Vec<String>,
    pub(crate) roles: Vec<String>,
    pub(crate) path: String,
}

/// A delegated permission that an application has for others.
pub(crate) struct ExposedSeed {
    pub(crate) name: String,
    pub(crate) for_administrators: bool,
}

/// Something that was consented to before the start.
pub(crate) struct ConsentSeed {
    pub(crate) client: Uuid,
    pub(crate) resource: Uuid,
    pub(crate) scope: String,
    /// The user principal name; everybody, where there is none.
    pub(crate) user: Option<String>,
    pub(crate) path: String,
}

pub(super) const FIELDS: [&str; 7] = [
    "webRedirectUris",
    "spaRedirectUris",
    "publicClientRedirectUris",
    "idTokens",
    "publicClientFlows",
    "permissions",
    "exposedScopes",
];

pub(super) fn read(node: &Node<'_>) -> Result<SignInSeed, SeedFault> {
    Ok(SignInSeed {
        web: node.texts("webRedirectUris")?,
        spa: node.texts("spaRedirectUris")?,
        native: node.texts("publicClientRedirectUris")?,
        issues_id_tokens: node.flag_or("idTokens", false)?,
        is_public: node.flag_or("publicClientFlows", false)?,
        permissions: node.each("permissions", |node| {
            node.only(&["resource", "scopes", "roles"])?;
            Ok(PermissionSeed {
                resource: node.required("resource")?.guid()?,
                scopes: node.texts("scopes")?,
                roles: node.texts("roles")?,
                path: node.path().to_owned(),
            })
        })?,
        exposes: node.each("exposedScopes", |node| {
            node.only(&["name", "administrators"])?;
            let name = node.required("name")?.text()?.to_owned();
            Ok(ExposedSeed { name, for_administrators: node.flag_or("administrators", false)? })
        })?,
    })
}

pub(super) fn read_consent(node: &Node<'_>) -> Result<ConsentSeed, SeedFault> {
    node.only(&["client", "resource", "scope", "user"])?;
    Ok(ConsentSeed {
        client: node.required("client")?.guid()?,
        resource: node.required("resource")?.guid()?,
        scope: node.required("scope")?.text()?.to_owned(),
        user: node.maybe_text("user")?,
        path: node.path().to_owned(),
    })
}

pub(super) fn read_settings(node: &Node<'_>) -> Result<SignInSettings, SeedFault> {
    node.only(&["refreshTokens", "devicePolling", "deviceErrorsIn200", "rateLimit", "loopLimit"])?;
    let mut settings = SignInSettings::default().with_device_errors_in_200(node.flag_or("deviceErrorsIn200", false)?);
    if let Some(rule) = node.optional("refreshTokens")? {
        settings = settings.with_refresh_rule(match rule.text()? {
            "kept" => RefreshRule::Kept,
            "singleUse" => RefreshRule::SingleUse,
            "reuseRevokes" => RefreshRule::ReuseRevokes,
            _ => return Err(rule.wrong("is not a rule", "use kept, singleUse or reuseRevokes")),
        });
    }
    if let Some(polling) = node.optional("devicePolling")? {
        settings = settings.with_device_polling(match polling.text()? {
            "tolerated" => DevicePolling::Tolerated,
            "slowDown" => DevicePolling::SlowDown,
            "loopDetected" => DevicePolling::LoopDetected,
            _ => return Err(polling.wrong("is not a rule", "use tolerated, slowDown or loopDetected")),
        });
    }
    if let Some(limit) = read_limit(node, "rateLimit")? {
        settings = settings.with_rate_limit(limit);
    }
    if let Some(limit) = read_limit(node, "loopLimit")? {
        settings = settings.with_loop_limit(limit);
    }
    Ok(settings)
}
