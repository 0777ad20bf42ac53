//! What a check reads: the login at once, and the rest as soon as somebody has signed in.

use std::sync::Arc;
use std::time::Duration;

use azconnect_arm::resource::access::Permissions;
use azconnect_arm::resource::group::ResourceGroup;
use azconnect_arm::resource::subscription::{Location, Provider, SubscriptionView};
use azconnect_core::{Clock, Effect, Error, ErrorKind, TenantId};
use azconnect_credential::entra::{Meaning, PROPAGATION, age, assess};
use azconnect_credential::{Assessment, Candidate, CredentialVerdict, CredentialVerifier, TenantEntry};
use azconnect_graph::PasswordCredential;
use azconnect_identity::TenantDiscovery;
use azconnect_saga::within;
use futures_util::future::{join, join_all, join3};

use super::needs::ConnectionNeeds;
use super::subject::Subject;
use crate::azure::Azure;
use crate::principal::Identity;

/// How long a check waits on the word of a service that asks for a pause. A longer one is an answer by itself.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How many answers the proof of a secret takes, one after the other.
const SIGN_INS: u32 = 3;

/// What was read, each as it was read or with the error that prevented it.
pub(super) struct Facts {
    /// The tenant that was entered, as the login knows it. `None` if none was.
    pub(super) found: Option<Result<TenantId, Error>>,
    /// Whether the login answers, where it was not asked for a tenant.
    pub(super) reachable: Option<Result<(), Error>>,
    /// The tenant to sign in to, where it is known.
    pub(super) tenant: Option<TenantId>,
    /// What the sign-in says of the secret, and `None` if nobody could try.
    pub(super) sign_in: Option<Assessment>,
    /// What was read after the sign-in.
    pub(super) inside: Option<Inside>,
}

/// What somebody reads who has signed in.
pub(super) struct Inside {
    pub(super) tenant: TenantId,
    /// `None` without a subscription to look at.
    pub(super) subscription: Option<InSubscription>,
    /// `None` if no organization was named.
    pub(super) organization: Option<Result<String, Error>>,
    /// The password of the application that the secret is, where that can be found out.
    pub(super) password: Option<PasswordCredential>,
}

/// What is read of the subscription, and in it.
pub(super) struct InSubscription {
    pub(super) view: Result<SubscriptionView, Error>,
    /// `None` if no group was named.
    pub(super) group: Option<Result<Option<ResourceGroup>, Error>>,
    /// What the application may do, in the group if one was named.
    pub(super) permissions: Result<Vec<Permissions>, Error>,
    /// `None` if no region was named.
    pub(super) locations: Option<Result<Vec<Location>, Error>>,
    pub(super) providers: Vec<(String, Result<Provider, Error>)>,
}

/// Whether the login says that the tenant is in another cloud.
pub(super) fn is_elsewhere(error: &Error) -> bool {
    error.kind() == ErrorKind::Unsupported && error.field() == Some("cloud")
}

/// The reads of one check, each for a limited time.
struct Reader<'a> {
    azure: Azure,
    clock: Arc<dyn Clock>,
    needs: &'a ConnectionNeeds,
    subject: &'a Subject<'a>,
}

/// The proof of a secret that gave a token a moment ago: if it does not match now, the replicas disagree, and none of them decides.
fn disagreed(mut proof: Assessment) -> Assessment {
    let refused = proof.diagnosis.clone().map(Error::from);
    if refused.is_some_and(|error| Meaning::of(&error) == Meaning::NoMatch)
        && proof.verdict == CredentialVerdict::Rejected
    {
        proof.verdict = CredentialVerdict::Inconclusive;
        proof.evidence = format!("it was accepted a moment ago, and then: {}", proof.evidence);
    }
    proof
}

/// Reads all that a check looks at.
pub(super) async fn read(azure: &Azure, needs: &ConnectionNeeds, subject: &Subject<'_>) -> Facts {
    let azure = azure.hurried(needs.time_limit, LONGEST_PAUSE);
    let clock = azure.pipeline().clock().clone();
    Box::pin(Reader { azure, clock, needs, subject }.read()).await
}

impl Reader<'_> {
    async fn read(&self) -> Facts {
        let discovery = TenantDiscovery::new(self.azure.pipeline().clone(), self.azure.cloud());
        let find = async |name: &str| self.limited("the login", discovery.find(name)).await;
        match &self.subject.tenant {
            Some(TenantEntry::Id(tenant)) => {
                // Before the secret is sent: the login of another cloud than the tenant's must not get it.
                let found = find(&tenant.to_string()).await;
                let (sign_in, inside) = match &found {
                    Err(error) if is_elsewhere(error) => (None, None),
                    _ => Box::pin(self.sign_in(*tenant)).await,
                };
                Facts { found: Some(found), reachable: None, tenant: Some(*tenant), sign_in, inside }
            }
            Some(TenantEntry::Name(name)) => {
                let found = find(name).await;
                let tenant = found.as_ref().ok().copied();
                let (sign_in, inside) = match tenant {
                    Some(tenant) => Box::pin(self.sign_in(tenant)).await,
                    None => (None, None),
                };
                Facts { found: Some(found), reachable: None, tenant, sign_in, inside }
            }
            _ => {
                let reachable = self.limited("the login", discovery.is_reachable()).await;
                Facts { found: None, reachable: Some(reachable), tenant: None, sign_in: None, inside: None }
            }
        }
    }

    /// Signs in; then proves the secret further, and reads everything else meanwhile.
    async fn sign_in(&self, tenant: TenantId) -> (Option<Assessment>, Option<Inside>) {
        let (Some(client), Some(secret)) = (self.subject.client, self.subject.secret) else { return (None, None) };
        let identity = match self.azure.identity_with_secret(tenant, client, secret.duplicate()) {
            Ok(identity) => identity,
            Err(error) => return (Some(Assessment::inconclusive(&error)), None),
        };
        let tokens = identity.tokens();
        let scope = self.azure.cloud().resource_manager_scope();
        if let Err(error) = self.limited("the login", tokens.token(&scope)).await {
            let age = age(self.subject.minted_at, self.clock.now());
            return (Some(assess(&error, age, PROPAGATION)), None);
        }
        let mut candidate = Candidate::new(secret);
        candidate.minted_at = self.subject.minted_at;
        let verifier = self.azure.verifier(tenant, client);
        let proof = async { Ok(verifier.verify(&candidate).await) };
        let proof = self.limited_to(self.needs.time_limit.saturating_mul(SIGN_INS), "the login", proof);
        let inside = join3(
            Box::pin(self.subscription(&identity)),
            Box::pin(self.organization(&identity)),
            Box::pin(self.password(&identity)),
        );
        let (proof, (subscription, organization, password)) = join(proof, inside).await;
        let proof = disagreed(proof.unwrap_or_else(|error| Assessment::inconclusive(&error)));
        (Some(proof), Some(Inside { tenant, subscription, organization, password }))
    }

    async fn subscription(&self, identity: &Identity) -> Option<InSubscription> {
        const WHO: &str = "Azure Resource Manager";
        let arm = identity.arm();
        let subscription = arm.subscription(self.subject.subscription?);
        let group = self.subject.group.as_ref().map(|name| subscription.group(name));
        let scope = group.as_ref().map_or(subscription.scope(), |group| group.id());
        let read_group = async {
            match &group {
                Some(group) => Some(self.limited(WHO, group.handle().find()).await),
                None => None,
            }
        };
        let read_locations = async {
            match self.subject.region {
                Some(_) => Some(self.limited(WHO, subscription.locations().into_future()).await),
                None => None,
            }
        };
        let read_providers =
            self.needs.providers.iter().map(|namespace| async {
                (namespace.clone(), self.limited(WHO, subscription.provider(namespace)).await)
            });
        let read_providers: Vec<_> = read_providers.map(Box::pin).collect();
        let first = join3(
            Box::pin(self.limited(WHO, subscription.get())),
            Box::pin(read_group),
            Box::pin(self.limited(WHO, arm.permissions(scope).into_future())),
        );
        let ((view, group, permissions), (locations, providers)) =
            join(first, join(Box::pin(read_locations), join_all(read_providers))).await;
        Some(InSubscription { view, group, permissions, locations, providers })
    }

    /// Who the application is in the organization, by name.
    async fn organization(&self, identity: &Identity) -> Option<Result<String, Error>> {
        let name = self.subject.organization.as_ref()?;
        let caller = async {
            let caller = identity.devops().organization(name)?.caller().await?;
            Ok(caller.display_name.unwrap_or_default())
        };
        Some(self.limited("Azure DevOps", caller).await)
    }

    /// Which of the application's passwords the secret is. An application without the right to read itself is the rule.
    async fn password(&self, identity: &Identity) -> Option<PasswordCredential> {
        let (client, secret) = (self.subject.client?, self.subject.secret.filter(|_| self.subject.is_new)?);
        let graph = identity.graph();
        self.limited("Microsoft Graph", graph.password_of_secret(client, secret)).await.ok()?
    }

    async fn limited<T>(&self, who: &str, read: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.limited_to(self.needs.time_limit, who, read).await
    }

    async fn limited_to<T>(
        &self,
        limit: Duration,
        who: &str,
        read: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        // A little more than a call has by itself, whose own error says more.
        let outer = limit.saturating_add(Duration::from_secs(1));
        // Boxed, here and below: a dozen reads beside each other are too large for a thread's stack.
        within(&*self.clock, outer, who, Box::pin(read)).await.unwrap_or_else(|late| {
            Err(Error::new(ErrorKind::Timeout, late.message())
                .with_effect(Effect::None)
                .with_advice("check the network on the way to it, and try again later"))
        })
    }
}
