//! What an emulator starts with.

mod devops;
mod entra;
mod node;

use azconnect_core::{Error, Secret};
use uuid::Uuid;

pub(crate) use self::devops::{ConnectionSeed, HeldSecret, MemberSeed, OrganizationSeed, PatSeed, ProjectSeed};
pub(crate) use self::entra::{ApplicationSeed, PasswordSeed, PrincipalSeed, TenantSeed};
pub(crate) use self::node::Node;

use crate::arm::{self, seed::AccountSeed};
use crate::settings::Settings;

/// The tenants, applications, organizations and subscriptions an emulator starts with.
///
/// Times are relative to the start (`endsInDays`), so that a seed never ages. An unknown field is an error that names
/// its path. Ids that are left out follow from names, and are the same in every run.
///
/// ```
/// use azconnect_emulator::Seed;
///
/// let seed = Seed::from_json(r#"{
///   "tenants": [{
///     "id": "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01",
///     "domain": "contoso.onmicrosoft.com",
///     "applications": [{
///       "displayName": "Deployer",
///       "clientId": "11111111-1111-4111-8111-111111111111",
///       "graphRoles": ["Application.ReadWrite.OwnedBy"],
///       "owns": ["11111111-1111-4111-8111-111111111111"],
///       "subscriptionReader": ["22222222-2222-4222-8222-222222222222"],
///       "devopsOrganizations": ["contoso"],
///       "passwords": [{"name": "old", "displayName": "portal 2025", "startsInDays": -300, "endsInDays": 9}]
///     }]
///   }],
///   "subscriptions": [{
///     "id": "22222222-2222-4222-8222-222222222222",
///     "tenant": "contoso.onmicrosoft.com",
///     "name": "Production"
///   }],
///   "organizations": [{
///     "name": "contoso",
///     "tenant": "contoso.onmicrosoft.com",
///     "projects": [{"name": "Web", "connections": [{
///       "secret": {"application": "11111111-1111-4111-8111-111111111111", "password": "old"},
///       "document": {
///         "name": "Production", "type": "azurerm", "url": "https://management.azure.com/",
///         "data": {"subscriptionId": "22222222-2222-4222-8222-222222222222", "creationMode": "Manual"},
///         "authorization": {"scheme": "ServicePrincipal", "parameters": {
///           "tenantid": "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01",
///           "serviceprincipalid": "11111111-1111-4111-8111-111111111111",
///           "authenticationType": "spnKey"}}
///       }
///     }]}]
///   }]
/// }"#)?;
/// # let _ = seed;
/// # Ok::<(), azconnect_core::Error>(())
/// ```
///
/// # Fields
///
/// `settings` (see [`Settings`]): `seed`, `replicas`, `replicaChoice` (`roundRobin`, `hashed`), `addLagSeconds`,
/// `removeLagSeconds`, `listLagSeconds`, `createLagSeconds`, `connectionLagSeconds`, `tokenLifetimeSeconds`,
/// `badAuthentication` (`html203`, `redirect302`, `empty401`, `json401`), `pageSize`,
/// `rateLimit` (`requests`, `windowSeconds`), `bomOnErrors`, `numericStatusCodes`.
///
/// `tenants[]`: `id`, `domain`, `displayName`, `passwordPolicy` (`maxLifetimeDays`), `applications[]`,
/// `servicePrincipals[]` (of another tenant's applications: `clientId`, and the fields of a service principal below),
/// `users[]` (`id`, `userPrincipalName`, `displayName`, `password`, `devopsOrganizations[]`).
///
/// `applications[]`: `displayName`, `clientId`, `objectId`, `signInAudience` (`AzureADMyOrg` unless given),
/// `passwords[]`, `owners[]` (client ids), `federatedCredentials[]` (as Graph takes them), and, of its service
/// principal: `servicePrincipalId`, `servicePrincipal` (`false`: it has none), `enabled`, `graphRoles[]`, `owns[]`
/// (client ids of applications), `subscriptionReader[]`, `devopsOrganizations[]` (as administrator of the whole
/// organization), `servicePrincipalPasswords[]`.
///
/// `passwords[]`: `name` (for `secret.password` below), `keyId`, `displayName`, `startsInDays` (-1), `endsInDays`
/// (365), `secret` (its text; generated unless given).
///
/// `subscriptions[]`: `id`, `tenant`, `name`, `state` (`Enabled`), `notRegistered[]` (namespaces), `resourceGroups[]`
/// (`name`, `location`), `roleAssignments[]` (`principal`: a client id or an object id; `role`: a name or an id;
/// `resourceGroup`, else the whole subscription), `quotas[]` (`location`, `name`, `limit`), `restrictedSizes[]`
/// (`location`, `size`, `zones[]`), `acceptedTerms[]` (`publisher/product/plan`).
///
/// `organizations[]`: `name`, `id`, `tenant` (id or domain; without one it belongs to personal accounts),
/// `latestApiVersion` (of a server on premises, such as `7.0`), `projects[]`
/// (`name`, `id`, `description`, `state`, `connections[]`), `groups[]` (`name` such as `[Web]\Release Team`,
/// `memberOf[]`), `members[]` (`application` or `user`, `groups[]`, `grants[]` with `token` and `allow`),
/// `personalAccessTokens[]` (`user`, `displayName`, `scope`, `startsInDays`, `endsInDays`, `token`).
///
/// `connections[]`: `id`, `document` (the service connection as the API shows it, without secrets), `secret`
/// (`application` and `password`, or `text`; `parameter` where it is not the usual one of its scheme), `broken`,
/// `createdBy` (a member: client id or user principal name), `executions` (how many the history holds), `readyInSeconds`,
/// `failure` (why it never became ready), `revertDeadlineInDays`, `allPipelines`, `pipelines[]` (ids).
///
/// `registries[]`: `host`, `users[]` (`name`, `secret`), `tenant` (whose service principals may sign in, as at Azure
/// Container Registry). Reached in process only.
#[derive(Default)]
pub struct Seed {
    pub(crate) settings: Option<Settings>,
    pub(crate) tenants: Vec<TenantSeed>,
    pub(crate) subscriptions: Vec<SubscriptionSeed>,
    pub(crate) organizations: Vec<OrganizationSeed>,
    pub(crate) registries: Vec<RegistrySeed>,
}

/// A container registry, its tenant named by id or domain.
pub(crate) struct RegistrySeed {
    pub(crate) host: String,
    pub(crate) tenant: Option<String>,
    pub(crate) users: Vec<(String, Secret)>,
}

/// A subscription, its tenant named by id or domain.
pub(crate) struct SubscriptionSeed {
    pub(crate) id: Uuid,
    pub(crate) tenant: String,
    pub(crate) name: String,
    pub(crate) account: AccountSeed,
}

impl Seed {
    /// Reads a seed.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) naming the path of the field, such as
    /// `seed.tenants[0].applications[1].clientId`, and the remedy.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let node = Node::document("seed", text)?;
        node.only(&["settings", "tenants", "subscriptions", "organizations", "registries"])?;
        Ok(Self {
            settings: node.optional("settings")?.map(|settings| read_settings(&settings)).transpose()?,
            tenants: node.each("tenants", entra::read_tenant)?,
            subscriptions: node.each("subscriptions", read_subscription)?,
            organizations: node.each("organizations", devops::read_organization)?,
            registries: node.each("registries", read_registry)?,
        })
    }
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seed")
            .field("tenants", &self.tenants.len())
            .field("subscriptions", &self.subscriptions.len())
            .field("organizations", &self.organizations.len())
            .finish_non_exhaustive()
    }
}

fn read_registry(node: &Node<'_>) -> Result<RegistrySeed, Error> {
    node.only(&["host", "tenant", "users"])?;
    Ok(RegistrySeed {
        host: node.required("host")?.text()?.to_owned(),
        tenant: node.maybe_text("tenant")?,
        users: node.each("users", |user| {
            user.only(&["name", "secret"])?;
            let secret = Secret::new(user.required("secret")?.text()?);
            Ok((user.required("name")?.text()?.to_owned(), secret))
        })?,
    })
}

fn read_subscription(node: &Node<'_>) -> Result<SubscriptionSeed, Error> {
    node.only(&[&["id", "tenant", "name"], arm::seed::FIELDS.as_slice()].concat())?;
    Ok(SubscriptionSeed {
        account: arm::seed::read(node)?,
        id: node.required("id")?.guid()?,
        tenant: node.required("tenant")?.text()?.to_owned(),
        name: node.maybe_text("name")?.unwrap_or_else(|| "Subscription".to_owned()),
    })
}

fn read_settings(node: &Node<'_>) -> Result<Settings, Error> {
    use crate::settings::{BadAuthentication, RateLimit, ReplicaChoice};
    use std::time::Duration;
    node.only(&[
        "seed",
        "replicas",
        "replicaChoice",
        "addLagSeconds",
        "removeLagSeconds",
        "listLagSeconds",
        "createLagSeconds",
        "connectionLagSeconds",
        "tokenLifetimeSeconds",
        "badAuthentication",
        "pageSize",
        "rateLimit",
        "bomOnErrors",
        "numericStatusCodes",
    ])?;
    let mut settings = Settings::default();
    let seconds = |node: &Node<'_>, key: &str, default: Duration| {
        node.optional(key)?.map_or(Ok(default), |value| value.number().map(|n| Duration::from_secs(n.into())))
    };
    settings.add_lag = seconds(node, "addLagSeconds", settings.add_lag)?;
    settings.remove_lag = seconds(node, "removeLagSeconds", settings.remove_lag)?;
    settings.list_lag = seconds(node, "listLagSeconds", settings.list_lag)?;
    settings.create_lag = seconds(node, "createLagSeconds", settings.create_lag)?;
    settings.connection_lag = seconds(node, "connectionLagSeconds", settings.connection_lag)?;
    settings.token_lifetime = seconds(node, "tokenLifetimeSeconds", settings.token_lifetime)?;
    if let Some(seed) = node.optional("seed")? {
        settings = settings.with_seed(seed.number()?.into());
    }
    if let Some(replicas) = node.optional("replicas")? {
        settings = settings.with_replicas(replicas.number()?);
    }
    if let Some(size) = node.optional("pageSize")? {
        settings = settings.with_page_size(usize::try_from(size.number()?).unwrap_or(usize::MAX));
    }
    settings = settings
        .with_bom_on_errors(node.flag_or("bomOnErrors", false)?)
        .with_numeric_status_codes(node.flag_or("numericStatusCodes", false)?);
    if let Some(choice) = node.optional("replicaChoice")? {
        settings = settings.with_replica_choice(match choice.text()? {
            "roundRobin" => ReplicaChoice::RoundRobin,
            "hashed" => ReplicaChoice::Hashed,
            _ => return Err(choice.wrong("is not a way to choose", "use roundRobin or hashed")),
        });
    }
    if let Some(shape) = node.optional("badAuthentication")? {
        settings = settings.with_bad_authentication(match shape.text()? {
            "html203" => BadAuthentication::Html203,
            "redirect302" => BadAuthentication::Redirect302,
            "empty401" => BadAuthentication::Empty401,
            "json401" => BadAuthentication::Json401,
            _ => return Err(shape.wrong("is not a shape", "use html203, redirect302, empty401 or json401")),
        });
    }
    if let Some(rate) = node.optional("rateLimit")? {
        rate.only(&["requests", "windowSeconds"])?;
        let window = seconds(&rate, "windowSeconds", Duration::from_secs(300))?;
        settings = settings.with_rate_limit(RateLimit::new(rate.required("requests")?.number()?, window));
    }
    Ok(settings)
}
