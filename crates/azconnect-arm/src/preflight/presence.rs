//! What must be there by its id, and what must not stand in the way by its name.

use azconnect_core::{Error, ErrorKind};
use azconnect_credential::{Check, CheckStatus};
use futures_util::future::{join, join_all};

use super::check::PreflightCheck;
use super::judge::unread;
use super::read::Facts;
use crate::client::Subscription;
use crate::resource::access::{Permissions, allowed};
use crate::resource::compute::VirtualMachine;
use crate::resource::network::NetworkSecurityGroup;
use crate::resource::{ApiVersion, IDENTITIES_API, OWNER_TAG, ResourceId, Tagged};
use crate::spec::VmSpec;

/// The action that whoever gives an identity to a machine needs on the identity.
const ASSIGN: &str = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action";

/// What was found by its id or its name.
pub(super) struct Presence {
    pub(super) names: Names,
    /// `None` unless the specification names a security group.
    security_group: Option<Result<Option<NetworkSecurityGroup>, Error>>,
    identities: Vec<Identity>,
}

/// What is known of the names that one machine is to have.
pub(super) struct Names {
    /// A machine of the wanted name in the group, if there is one.
    machine: Result<Option<VirtualMachine>, Error>,
    /// Whether the label is free. `None` unless the specification names one.
    label: Option<Result<bool, Error>>,
}

struct Identity {
    id: ResourceId,
    /// Whether it is there.
    found: Result<bool, Error>,
    permissions: Result<Vec<Permissions>, Error>,
}

pub(super) async fn read(subscription: &Subscription, spec: &VmSpec) -> Presence {
    let identities = join_all(spec.identities.iter().map(|id| read_identity(subscription, id)));
    let (names, (security_group, identities)) =
        join(read_names(subscription, spec), join(read_security_group(subscription, spec), identities)).await;
    Presence { names, security_group, identities }
}

pub(super) async fn read_names(subscription: &Subscription, spec: &VmSpec) -> Names {
    let (machine, label) = join(read_machine(subscription, spec), read_label(subscription, spec)).await;
    Names { machine, label }
}

async fn read_machine(subscription: &Subscription, spec: &VmSpec) -> Result<Option<VirtualMachine>, Error> {
    subscription.group(spec.group.name()).virtual_machine(&spec.name)?.find().await
}

async fn read_security_group(
    subscription: &Subscription,
    spec: &VmSpec,
) -> Option<Result<Option<NetworkSecurityGroup>, Error>> {
    let id = spec.security_group.as_ref()?;
    let owner = id.after("subscriptions").and_then(|owner| owner.parse().ok()).unwrap_or(subscription.id());
    let owner = subscription.arm().subscription(owner);
    let find =
        async { owner.group(&id.group().unwrap_or_default().parse()?).network_security_group(id.name())?.find().await };
    Some(find.await)
}

async fn read_identity(subscription: &Subscription, id: &ResourceId) -> Identity {
    let find = async {
        let version = ApiVersion::of_kind(IDENTITIES_API);
        Ok(subscription.arm().resource(id.clone(), version)?.find().await?.is_some())
    };
    let (found, permissions) = join(find, subscription.arm().permissions(id).into_future()).await;
    Identity { id: id.clone(), found, permissions }
}

async fn read_label(subscription: &Subscription, spec: &VmSpec) -> Option<Result<bool, Error>> {
    let label = spec.dns_label.as_deref()?;
    Some(subscription.is_dns_label_free(&spec.location, label).await)
}

/// Whether the name is free in the group: what others built is never written over.
pub(super) fn machine_name(spec: &VmSpec, names: &Names) -> Check {
    let check = PreflightCheck::MachineName;
    match &names.machine {
        Err(error) => unread(check, error),
        Ok(None) => check.passed(format!("no machine is named {}", spec.name)),
        Ok(Some(machine)) => {
            let remedy = match machine.tag(OWNER_TAG) {
                Some(id) => format!("go on with the provisioning {id}, which built it, or choose another name"),
                None => "choose another name: what others created is never changed".to_owned(),
            };
            check.failed(format!("a machine {} exists already in {}", spec.name, spec.group.name()), remedy)
        }
    }
}

/// Whether the network security group that the specification names is there, in the machine's region.
pub(super) fn security_group(spec: &VmSpec, facts: &Facts) -> Option<Check> {
    let check = PreflightCheck::SecurityGroup;
    let id = spec.security_group.as_ref()?;
    Some(match facts.presence.security_group.as_ref()? {
        Err(error) => unread(check, error),
        Ok(None) => check.failed(format!("{} does not exist", id.name()), "check its id"),
        Ok(Some(found)) if !found.location.is_empty() && !found.location.eq_ignore_ascii_case(&spec.location) => check
            .failed(
                format!("{} is in {}, the machine in {}", found.name, found.location, spec.location),
                "choose a network security group in the machine's region",
            ),
        Ok(Some(found)) => check.passed(format!("{} exists", found.name)),
    })
}

/// Whether the identities are there, and may be given to a machine: judged at each, which often is in a group of others.
pub(super) fn identities(facts: &Facts) -> Option<Check> {
    let check = PreflightCheck::Identities;
    let judged: Vec<Check> = facts.presence.identities.iter().map(identity).collect();
    let worst = judged
        .iter()
        .find(|one| one.status == CheckStatus::Failed)
        .or_else(|| judged.iter().find(|one| one.status != CheckStatus::Passed));
    match (worst, judged.is_empty()) {
        (_, true) => None,
        (Some(worst), _) => Some(worst.clone()),
        (None, _) => Some(check.passed("they exist, and may be given to a machine")),
    }
}

fn identity(Identity { id, found, permissions }: &Identity) -> Check {
    let check = PreflightCheck::Identities;
    let may_assign = permissions.as_ref().map(|permissions| allowed(permissions, ASSIGN));
    let unreadable = found.as_ref().is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
    match (found, may_assign) {
        (Ok(false), _) => {
            check.failed(format!("the identity {} does not exist", id.name()), format!("check its id: {id}"))
        }
        (Err(error), _) if !unreadable => unread(check, error),
        (_, Ok(false)) => check.failed(
            format!("the identity {} may not be given to a machine", id.name()),
            format!("ask for a role with the action {ASSIGN} at {id}, such as Managed Identity Operator"),
        ),
        (Err(_), Ok(true)) => check.unknown(
            format!("the identity {} may be given to a machine, and may not be read", id.name()),
            "check its id, or ask for Reader on it",
        ),
        (_, Err(error)) => unread(check, error),
        (Ok(true), Ok(true)) => check.passed("it exists, and may be given to a machine"),
    }
}

/// Whether the label of the public address's name is free in the region.
pub(super) fn dns_label(spec: &VmSpec, names: &Names) -> Option<Check> {
    let check = PreflightCheck::DnsLabel;
    let label = spec.dns_label.as_deref()?;
    Some(match names.label.as_ref()? {
        Err(error) => unread(check, error),
        Ok(true) => check.passed(format!("{label} is free in {}", spec.location)),
        Ok(false) => check.failed(
            format!("{label}.{}.cloudapp.azure.com is taken", spec.location),
            "choose another label, which is unique in its region",
        ),
    })
}
