//! Making a rotation's target of what is kept.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use azconnect_core::{ClientId, Diagnosis, Effect, Error, ErrorKind, TenantId};
use azconnect_credential::{
    ApplicationBindings, Binding, BoundConsumer, BoundServiceConnection, Check, CheckReport, ConnectionId,
    ConsumerFinder, CredentialSink, OtherConsumer, SinkId, TenantSettings,
};
use azconnect_devops::{DevOpsClient, OrganizationName, ProjectRef, ServiceConnectionSink, bound_project};
use azconnect_rotation::{SinkBinding, Target};

use super::absent::AbsentSink;
use super::everywhere::{Everywhere, OwnConnections};
use super::{Bindings, TargetSpec};
use crate::principal::Identity;

/// A target, and the bindings that could not be made a part of it.
#[derive(Clone)]
#[non_exhaustive]
pub struct BuiltTarget {
    /// What is rotated, and who receives it.
    pub target: Target,
    /// The optional bindings that could not be built, each by its title, and why. A plan shows them as well.
    pub checks: CheckReport,
}

impl std::fmt::Debug for BuiltTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BuiltTarget")
            .field("subject", self.target.subject())
            .field("consumers", &self.target.sinks.len())
            .field("checks", &self.checks)
            .finish_non_exhaustive()
    }
}

impl Bindings {
    /// A rotation's target with the consumers that are bound now, minted by the connection that the specification names.
    /// Secrets of who acts are opened; nothing is sent.
    ///
    /// A plan looks for others that use the secret: in the projects of the bound service connections, and among the product's own
    /// connections.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) with the field `consumers` if none is required, unless the specification says so
    /// by name, or if the connection that mints signs in with the very secret and is not bound;
    /// [`Unsupported`](ErrorKind::Unsupported) for a kind of consumer that is not known, required or not; for a required
    /// consumer that cannot be built its own error, which names it: the integration of its tenant is off, its organization is
    /// not among those of the settings, a token is missing. Each has effect [`None`](Effect::None).
    pub async fn target(&self, spec: &TargetSpec) -> Result<BuiltTarget, Error> {
        let Some(connection) = &spec.minted_by else {
            return Err(Error::invalid("minted_by", "no connection is named whose service principal mints")
                .with_advice("name a connection with TargetSpec::minted_by, or bring an identity (target_by)"));
        };
        let minter = self.connections.identity(connection).await.map_err(|error| error.with_field("minted_by"))?;
        let record = self.connections.own_record_of(connection, minter.tenant(), minter.client());
        let minter = minter.with_record(record)?;
        self.build(&minter, Some(connection), spec).await
    }

    /// The same, minted by an identity of the caller's.
    ///
    /// # Errors
    /// As [`Bindings::target`].
    pub async fn target_by(&self, minter: &Identity, spec: &TargetSpec) -> Result<BuiltTarget, Error> {
        self.build(minter, spec.minted_by.as_ref(), spec).await
    }

    async fn build(
        &self,
        minter: &Identity,
        through: Option<&ConnectionId>,
        spec: &TargetSpec,
    ) -> Result<BuiltTarget, Error> {
        let bindings = self.require(spec.application).await?;
        bindings.check()?;
        require_consumers(&bindings, spec)?;
        if minter.tenant() != bindings.tenant {
            return Err(another_tenant(minter.tenant(), bindings.tenant));
        }
        require_own(minter, through, &bindings)?;
        let mut target = minter.target(spec.application)?.with_policy(spec.policy.clone());
        target = bindings.adopted.iter().fold(target, |target, key| target.with_adopted(*key));
        if spec.without_required_consumers && !bindings.consumers.iter().any(|binding| binding.required) {
            target = target.without_consumers();
        }
        let mut acting = self.acting(&bindings).await;
        let (mut checks, mut blocked) = (CheckReport::new(), Vec::new());
        for (at, binding) in bindings.consumers.iter().enumerate() {
            let made = self.sink(minter, through, &bindings, &acting, binding);
            let made = match made.map_err(|error| named(&error, binding, at)) {
                Ok(sink) => sink,
                Err(error) if binding.required || is_unknown_kind(&error) => {
                    blocked.push(error);
                    continue;
                }
                Err(error) => {
                    checks.push(Check::unknown_by("binding-not-built", binding.consumer.title(), &error).as_warning());
                    let id = SinkId::new(binding.consumer.name(bindings.application));
                    let Ok(id) = id else { continue };
                    Arc::new(AbsentSink::new(id, binding.consumer.title(), &error))
                }
            };
            target = target.with_sink(terms(made, binding));
        }
        if let Some(error) = first_of(blocked) {
            return Err(error);
        }
        acting.retain(|_, one| one.is_ok());
        let target = target.with_finder(Arc::new(self.finder(&bindings, &acting)));
        Ok(BuiltTarget { target, checks })
    }

    /// Who acts in each tenant that has a bound service connection, or why nobody does.
    async fn acting(&self, bindings: &ApplicationBindings) -> BTreeMap<TenantId, Result<Acting, Diagnosis>> {
        let mut acting = BTreeMap::new();
        for binding in &bindings.consumers {
            let BoundConsumer::ServiceConnection(bound) = &binding.consumer else { continue };
            if let Entry::Vacant(place) = acting.entry(bound.tenant) {
                place.insert(self.acting_in(bound.tenant).await.map_err(Error::into_diagnosis));
            }
        }
        acting
    }

    /// Who acts in a tenant.
    pub(super) async fn acting_in(&self, tenant: TenantId) -> Result<Acting, Error> {
        let settings =
            self.integrations.get(tenant).await?.ok_or_else(|| crate::tenant_settings::unknown(tenant))?.value;
        let client = self.integrations.devops_of(&settings).await?;
        Ok(Acting { settings, client })
    }

    fn sink(
        &self,
        minter: &Identity,
        through: Option<&ConnectionId>,
        bindings: &ApplicationBindings,
        acting: &BTreeMap<TenantId, Result<Acting, Diagnosis>>,
        binding: &Binding,
    ) -> Result<Arc<dyn CredentialSink>, Error> {
        match &binding.consumer {
            BoundConsumer::ServiceConnection(bound) => match acting.get(&bound.tenant) {
                Some(Ok(acting)) => self.service_connection(acting, bindings, bound),
                Some(Err(known)) => Err(Error::from(known.clone())),
                None => Err(crate::tenant_settings::unknown(bound.tenant)),
            },
            // What the minter itself signs in with changes in this process too.
            BoundConsumer::Connection(id) if through == Some(id) && minter.client() == bindings.application => {
                Ok(Arc::new(self.connections.own_sink(id, minter)?))
            }
            BoundConsumer::Connection(id) => {
                let sink = self.connections.sink(id)?;
                Ok(Arc::new(sink.with_application(bindings.tenant, bindings.application)))
            }
            BoundConsumer::OwnRecord if minter.client() == bindings.application => {
                let record = self.azure.own_record(&self.storage, bindings.application)?;
                Ok(Arc::new(minter.own_credential(Arc::new(record))?))
            }
            BoundConsumer::OwnRecord => Err(not_the_minter(bindings.application, minter.client())),
            BoundConsumer::Other(other) => self.other(bindings.application, other),
            _ => Err(unknown_kind(binding.consumer.kind())),
        }
    }

    fn service_connection(
        &self,
        acting: &Acting,
        bindings: &ApplicationBindings,
        bound: &BoundServiceConnection,
    ) -> Result<Arc<dyn CredentialSink>, Error> {
        acting.require(&bound.organization)?;
        let organization = acting.client.organization(&OrganizationName::new(&bound.organization)?)?;
        let endpoints = organization.endpoints(ProjectRef::new(&bound.project)?);
        let sink = ServiceConnectionSink::new(endpoints, bound.id)?
            .with_application(bindings.tenant, bindings.application)
            .with_cloud(self.azure.cloud().name());
        Ok(Arc::new(sink))
    }

    /// The consumer of a kind of the product's own, under the name by which it is bound.
    pub(super) fn other(&self, application: ClientId, other: &OtherConsumer) -> Result<Arc<dyn CredentialSink>, Error> {
        let made = self.kinds.get(&other.kind).ok_or_else(|| unknown_kind(&other.kind))?.sink(other)?;
        let name = BoundConsumer::Other(other.clone()).name(application);
        if made.id().as_str() == name {
            return Ok(made);
        }
        Err(another_name(&other.kind, made.id(), &name))
    }

    /// Looks for consumers among the product's own connections, and in the projects of the service connections that are bound.
    fn finder(
        &self,
        bindings: &ApplicationBindings,
        acting: &BTreeMap<TenantId, Result<Acting, Diagnosis>>,
    ) -> Everywhere {
        let own = OwnConnections::new(self.connections.clone(), bindings.tenant, bindings.application);
        let mut finders: Vec<Box<dyn ConsumerFinder>> = vec![Box::new(own)];
        for (tenant, one) in acting {
            let Ok(one) = one else { continue };
            let here = bindings.consumers.iter().filter_map(|binding| match &binding.consumer {
                BoundConsumer::ServiceConnection(bound) if bound.tenant == *tenant => {
                    one.require(&bound.organization).and_then(|()| bound_project(bound)).ok()
                }
                _ => None,
            });
            let search = here.fold(one.client.connection_search(), |search, project| search.with_project(project));
            finders.push(Box::new(search.finder(bindings.tenant, bindings.application)));
        }
        Everywhere(finders)
    }
}

/// Who acts in a tenant's organizations, and by which settings.
#[derive(Clone)]
pub(super) struct Acting {
    pub(super) settings: TenantSettings,
    pub(super) client: DevOpsClient,
}

impl Acting {
    /// Refuses an organization that is not among those of the settings, where they name any.
    pub(super) fn require(&self, organization: &str) -> Result<(), Error> {
        let named = &self.settings.organizations;
        if named.is_empty() || named.iter().any(|name| name.eq_ignore_ascii_case(organization)) {
            return Ok(());
        }
        let message =
            format!("the organization {organization} is not among those of the settings of {}", self.settings.tenant);
        Err(Error::new(ErrorKind::NotFound, message)
            .with_service_code("OrganizationNotInSettings")
            .with_effect(Effect::None)
            .with_advice("add the organization to the settings of the tenant, or unbind what lies there"))
    }
}

fn terms(sink: Arc<dyn CredentialSink>, binding: &Binding) -> SinkBinding {
    let mut terms = SinkBinding::new(sink);
    (terms.required, terms.accept_receipt) = (binding.required, binding.accept_receipt);
    if let BoundConsumer::ServiceConnection(bound) = &binding.consumer {
        terms.destination.clone_from(&bound.destination);
    }
    terms
}

fn require_consumers(bindings: &ApplicationBindings, spec: &TargetSpec) -> Result<(), Error> {
    if spec.without_required_consumers || bindings.consumers.iter().any(|binding| binding.required) {
        return Ok(());
    }
    let message = format!("of the application {}, no consumer is required to take the new secret", spec.application);
    Err(Error::new(ErrorKind::InvalidInput, message)
        .with_field("consumers")
        .with_service_code("NoRequiredConsumer")
        .with_effect(Effect::None)
        .with_advice(
            "bind a required consumer; if nobody depends on the secret, say so by name: TargetSpec::without_required_consumers",
        ))
}

/// Refuses a rotation of the very secret that a connection mints with, unless that connection is bound: its record would name
/// a removed secret.
fn require_own(minter: &Identity, through: Option<&ConnectionId>, bindings: &ApplicationBindings) -> Result<(), Error> {
    let Some(id) = through.filter(|_| minter.client() == bindings.application) else { return Ok(()) };
    let consumer = BoundConsumer::Connection(id.clone());
    if bindings.of(&consumer.name(bindings.application)).is_some() {
        return Ok(());
    }
    let message = format!("the connection {id} mints with the secret that is rotated, and is not bound to it");
    Err(Error::new(ErrorKind::InvalidInput, message)
        .with_field("consumers")
        .with_service_code("MinterNotBound")
        .with_effect(Effect::None)
        .with_advice(format!("bind {} as well: its record has to name the new secret", consumer.title())))
}

/// The same error, with the binding that it is about.
fn named(error: &Error, binding: &Binding, at: usize) -> Error {
    let known = error.diagnosis().clone();
    let message = format!("the binding of {} cannot be built: {}", binding.consumer.title(), known.message());
    Error::from(known.with_message(message).with_field(format!("consumers[{at}]")).with_effect(Effect::None))
}

/// The first of the errors, which says how many there are besides.
fn first_of(errors: Vec<Error>) -> Option<Error> {
    let others = errors.len().saturating_sub(1);
    let first = errors.into_iter().next()?;
    if others == 0 {
        return Some(first);
    }
    let message = format!("{} ({others} others cannot be built either)", first.message());
    Some(first.with_message(message))
}

const UNKNOWN_KIND: &str = "UnknownKind";

fn is_unknown_kind(error: &Error) -> bool {
    error.service_code() == Some(UNKNOWN_KIND)
}

pub(super) fn unknown_kind(kind: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the kind {kind} is not known to this program"))
        .with_service_code(UNKNOWN_KIND)
        .with_effect(Effect::None)
        .with_advice(
            "use the version of the program that bound it, give it the kind (Bindings::with_kind), or unbind it",
        )
}

/// What a journal knows of a consumer is found by its name again.
fn another_name(kind: &str, made: &SinkId, name: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the kind {kind} makes the consumer {made}, which is bound as {name}"))
        .with_service_code("AnotherName")
        .with_effect(Effect::None)
        .with_advice("let ConsumerKind::sink give what it makes the name of the binding (BoundConsumer::name)")
}

fn not_the_minter(application: ClientId, minter: ClientId) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the product signs in as {minter} here, and not as {application}"))
        .with_effect(Effect::None)
        .with_advice("let the application rotate its own secret: build the target by its identity (target_by)")
}

fn another_tenant(minter: TenantId, tenant: TenantId) -> Error {
    Error::invalid("minted_by", format!("it signs in to the tenant {minter}, and the application lives in {tenant}"))
        .with_effect(Effect::None)
        .with_advice("name a connection of the application's tenant")
}
