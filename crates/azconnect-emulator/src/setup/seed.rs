//! What an emulator starts with.

pub(crate) mod arm;
mod devops;
mod entra;
mod fault;
mod graph;
mod node;
mod settings;
pub(crate) mod sign_in;

use azconnect_core::Secret;
use uuid::Uuid;

use self::arm::AccountSeed;
use crate::base::settings::Settings;
use crate::model::trust::Issuer;

pub(crate) use self::devops::{ConnectionSeed, HeldSecret, MemberSeed, OrganizationSeed, PatSeed, ProjectSeed};
pub(crate) use self::entra::{ApplicationSeed, CertificateSeed, PasswordSeed, PrincipalSeed, TenantSeed};
pub use self::fault::SeedFault;
pub(crate) use self::node::Node;

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
/// `removeLagSeconds`, `listLagSeconds`, `createLagSeconds`, `connectionLagSeconds`, `conversionLagSeconds`,
/// `tokenLifetimeSeconds`, `singleUseAssertions`, `badAuthentication` (`html203`, `redirect302`, `empty401`, `json401`), `unsentSecrets` (`nullKeeps`, `absentKeeps`,
/// `alwaysKept`, `alwaysLost`), `pageSize`,
/// `rateLimit` (`requests`, `windowSeconds`), `bomOnErrors`, `numericStatusCodes`,
/// `graph` (`throttling`, `tenantSize`, `namedPauses`, `federatedDuplicate`, `forbiddenCredential`, `busyEvery`, `busyAnswer`,
/// `missingPassword`, `youngObject`, `pssProofs`, `hints`, `smallInnerError`, `nestedMerged`,
/// `keyBytesRequired`; see
/// [`GraphSettings`](crate::graph::GraphSettings)),
/// `signIn` (`refreshTokens` (`kept`, `singleUse`, `reuseRevokes`), `devicePolling` (`tolerated`, `slowDown`, `loopDetected`),
/// `deviceErrorsIn200`, `rateLimit`, `loopLimit`; see [`SignInSettings`](crate::SignInSettings)),
/// `resourceManager` (`operationSeconds`: how long every operation takes; `retryAfterSeconds`, `readLagSeconds`,
/// `listLagSeconds`, `roleLagSeconds`, `principalLagSeconds`, `throttling`, `pageSize`, `skuInflation`; see
/// [`ArmSettings`](crate::arm::ArmSettings)).
///
/// `tenants[]`: `id`, `domain`, `displayName`, `passwordPolicy` (`maxLifetimeDays`, `forbidsNew`), `certificatePolicy`
/// (`maxLifetimeDays`), `applications[]`,
/// `servicePrincipals[]` (of another tenant's applications: `clientId`, and the fields of a service principal below),
/// `users[]` (`id`, `userPrincipalName`, `displayName`, `mail`, `password`, `enabled`, `mfa`: a password alone is not enough,
/// `administrator`: may consent for everybody, `guestOf`: the name at home, of a guest, `devopsOrganizations[]`),
/// `userConsent` (`false`: only administrators consent), `consents[]` (`client`, `resource`, `scope`, `user`).
///
/// `applications[]`: `displayName`, `clientId`, `objectId`, `signInAudience` (`AzureADMyOrg` unless given),
/// `passwords[]`, `certificates[]` (`pem`, `displayName`, `startsInDays`, `endsInDays`), `owners[]` (client ids), `federatedCredentials[]` (as Graph takes them),
/// `webRedirectUris[]`, `spaRedirectUris[]`, `publicClientRedirectUris[]`, `idTokens` (beside a code), `publicClientFlows` (for
/// devices), `permissions[]` (`resource`, `scopes[]`, `roles[]`), `exposedScopes[]` (`name`, `administrators`), and, of its service
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
/// (`location`, `size`, `zones[]`), `acceptedTerms[]` (`publisher/product/plan`), `machines[]` (what happens inside those
/// whose name contains `name`: `bootSeconds`, `runSeconds`, `exitCode`, `never`, `output`).
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
///
/// `vaults[]`: `name` (of `{name}.vault.azure.net`), `tenant`, `officers[]` (client ids: may do everything with secrets and
/// keys) and `readers[]` (client ids: may read secrets). Reached by host name in process and through the program's proxy, and
/// at the address that [`Origins`](crate::Origins) names in a server.
///
/// `issuers[]`: `issuer` (its address, as federated credentials and assertions name it) and the `keys[]` it publishes
/// (JSON Web Keys: `kty` (`RSA`), `kid`, `n`, `e`). The emulator fetches nothing: an assertion of an issuer that is not
/// here is refused as if the issuer did not answer.
#[derive(Default)]
pub struct Seed {
    pub(crate) settings: Option<Settings>,
    pub(crate) tenants: Vec<TenantSeed>,
    pub(crate) subscriptions: Vec<SubscriptionSeed>,
    pub(crate) organizations: Vec<OrganizationSeed>,
    pub(crate) registries: Vec<RegistrySeed>,
    pub(crate) issuers: Vec<Issuer>,
    pub(crate) vaults: Vec<VaultSeed>,
    /// The text that it was read from.
    pub(crate) source: Option<Secret>,
}

/// A key vault, its tenant named by id or domain, and who may use it, by client ids.
pub(crate) struct VaultSeed {
    pub(crate) name: String,
    pub(crate) tenant: String,
    pub(crate) officers: Vec<Uuid>,
    pub(crate) readers: Vec<Uuid>,
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
    /// The JSON schema of a seed, as a text.
    pub const SCHEMA: &str = include_str!("../../data/seed.schema.json");

    /// Reads a seed.
    ///
    /// # Errors
    /// Where it is wrong, such as `seed.tenants[0].applications[1].clientId`, and how. As an
    /// [`Error`](azconnect_core::Error) it is [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with that field.
    pub fn from_json(text: &str) -> Result<Self, SeedFault> {
        let node = Node::document("seed", text)?;
        node.only(&["settings", "tenants", "subscriptions", "organizations", "registries", "issuers", "vaults"])?;
        Ok(Self {
            settings: node.optional("settings")?.map(|settings| settings::read(&settings)).transpose()?,
            tenants: node.each("tenants", entra::read_tenant)?,
            subscriptions: node.each("subscriptions", read_subscription)?,
            organizations: node.each("organizations", devops::read_organization)?,
            registries: node.each("registries", read_registry)?,
            issuers: node.each("issuers", entra::read_issuer)?,
            vaults: node.each("vaults", read_vault)?,
            source: Some(Secret::new(text)),
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

fn read_vault(node: &Node<'_>) -> Result<VaultSeed, SeedFault> {
    node.only(&["name", "tenant", "officers", "readers"])?;
    Ok(VaultSeed {
        name: node.required("name")?.text()?.to_ascii_lowercase(),
        tenant: node.required("tenant")?.text()?.to_owned(),
        officers: node.guids("officers")?,
        readers: node.guids("readers")?,
    })
}

fn read_registry(node: &Node<'_>) -> Result<RegistrySeed, SeedFault> {
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

fn read_subscription(node: &Node<'_>) -> Result<SubscriptionSeed, SeedFault> {
    node.only(&[&["id", "tenant", "name"], arm::FIELDS.as_slice()].concat())?;
    Ok(SubscriptionSeed {
        account: arm::read(node)?,
        id: node.required("id")?.guid()?,
        tenant: node.required("tenant")?.text()?.to_owned(),
        name: node.maybe_text("name")?.unwrap_or_else(|| "Subscription".to_owned()),
    })
}
