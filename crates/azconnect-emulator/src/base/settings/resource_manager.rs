//! How the emulated Azure Resource Manager behaves.

use std::collections::BTreeMap;
use std::time::Duration;

/// The kinds of operation that differ in how long they take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum OperationKind {
    /// Creating or changing a virtual network, subnet, security group or rule.
    Network,
    /// Creating or changing a public IP address.
    PublicIp,
    /// Creating or changing a network interface. The answer says `Succeeded` at once.
    Nic,
    /// Deleting any resource of Microsoft.Network.
    NetworkDelete,
    /// Creating or changing a disk by itself, not as a part of a machine.
    Disk,
    /// Deleting a disk by itself.
    DiskDelete,
    /// Creating a virtual machine, until it runs.
    MachineCreate,
    /// Changing a virtual machine, its size included.
    MachineUpdate,
    /// Starting a virtual machine that was stopped or deallocated.
    Start,
    /// Turning a virtual machine off, which keeps its host and its cores.
    PowerOff,
    /// Restarting a virtual machine that runs.
    Restart,
    /// Turning a virtual machine off and giving its host back.
    Deallocate,
    /// Deleting a virtual machine, with what goes along with it.
    MachineDelete,
    /// Installing an extension in a virtual machine.
    Extension,
    /// Removing an extension or a run command.
    ExtensionDelete,
    /// Running a command, beyond the time its script takes.
    RunCommand,
    /// Deleting a resource group with everything in it.
    GroupDelete,
    /// Registering a resource provider for a subscription.
    Register,
    /// A deployment, which takes as long as its resources do.
    Deployment,
}

impl OperationKind {
    const ALL: [Self; 19] = [
        Self::Network,
        Self::PublicIp,
        Self::Nic,
        Self::NetworkDelete,
        Self::Disk,
        Self::DiskDelete,
        Self::MachineCreate,
        Self::MachineUpdate,
        Self::Start,
        Self::PowerOff,
        Self::Restart,
        Self::Deallocate,
        Self::MachineDelete,
        Self::Extension,
        Self::ExtensionDelete,
        Self::RunCommand,
        Self::GroupDelete,
        Self::Register,
        Self::Deployment,
    ];

    /// How long an operation takes unless the settings say otherwise: the median that was measured at the real service.
    fn seconds(self) -> u64 {
        match self {
            Self::PublicIp | Self::RunCommand => 1,
            Self::Network => 3,
            Self::Nic | Self::Deployment => 0,
            Self::Disk | Self::DiskDelete => 2,
            Self::MachineUpdate => 4,
            Self::NetworkDelete | Self::ExtensionDelete => 10,
            Self::PowerOff => 12,
            Self::Register => 20,
            Self::Start | Self::Restart => 23,
            Self::MachineCreate => 43,
            Self::MachineDelete => 44,
            Self::Deallocate => 51,
            Self::Extension => 52,
            Self::GroupDelete => 186,
        }
    }
}

/// The pauses that the service names in `Retry-After`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryAfter {
    /// As measured: 15 s for groups, 3 s for the network, 10 s and then 30 s for machines.
    Measured,
    /// The same pause in every answer, in whole seconds.
    Fixed(Duration),
    /// No `Retry-After` at all: the client has to choose its pauses.
    Absent,
}

/// How Azure Resource Manager behaves. Set it with
/// [`Settings::with_resource_manager`](crate::Settings::with_resource_manager).
///
/// By default operations take as long as they were measured to take, on the emulator's clock, and nothing is throttled.
///
/// ```
/// use azconnect_emulator::Settings;
/// use azconnect_emulator::arm::{ArmSettings, OperationKind, RetryAfter};
/// use std::time::Duration;
///
/// let arm = ArmSettings::default()
///     .with_all_durations(Duration::from_secs(2))
///     .with_duration(OperationKind::MachineCreate, Duration::from_secs(30))
///     .with_retry_after(RetryAfter::Fixed(Duration::from_secs(1)));
/// let settings = Settings::default().with_resource_manager(arm);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ArmSettings {
    durations: BTreeMap<OperationKind, Duration>,
    retry_after: RetryAfter,
    retry_after_on_polls: bool,
    pub(crate) read_lag: Duration,
    pub(crate) list_lag: Duration,
    pub(crate) role_lag: Duration,
    pub(crate) role_replica_lag: Duration,
    pub(crate) principal_lag: Duration,
    pub(crate) nic_reservation: Duration,
    pub(crate) throttling: bool,
    pub(crate) page_size: usize,
    pub(crate) sku_inflation: usize,
}

impl Default for ArmSettings {
    fn default() -> Self {
        let measured = |kind: OperationKind| (kind, Duration::from_secs(kind.seconds()));
        Self {
            durations: OperationKind::ALL.into_iter().map(measured).collect(),
            retry_after: RetryAfter::Measured,
            retry_after_on_polls: true,
            read_lag: Duration::ZERO,
            list_lag: Duration::ZERO,
            role_lag: Duration::ZERO,
            role_replica_lag: Duration::ZERO,
            principal_lag: Duration::ZERO,
            nic_reservation: Duration::from_secs(180),
            throttling: false,
            page_size: 100,
            sku_inflation: 1,
        }
    }
}

impl ArmSettings {
    /// Operations that take no time, and no pauses between polls.
    pub fn instant() -> Self {
        Self::default().with_all_durations(Duration::ZERO).with_retry_after(RetryAfter::Fixed(Duration::ZERO))
    }

    /// Sets how long operations of a kind take.
    #[must_use]
    pub fn with_duration(mut self, kind: OperationKind, duration: Duration) -> Self {
        self.durations.insert(kind, duration);
        self
    }

    /// Sets how long every operation takes. Network interfaces are still `Succeeded` at once.
    #[must_use]
    pub fn with_all_durations(mut self, duration: Duration) -> Self {
        for kind in OperationKind::ALL {
            self.durations.insert(kind, duration);
        }
        self
    }

    /// Sets the pauses that first answers and answers to polls name.
    #[must_use]
    pub fn with_retry_after(mut self, retry_after: RetryAfter) -> Self {
        self.retry_after = retry_after;
        self
    }

    /// Leaves `Retry-After` out of the answers to polls.
    #[must_use]
    pub fn without_retry_after_on_polls(mut self) -> Self {
        self.retry_after_on_polls = false;
        self
    }

    /// Sets how long every second read of a new resource answers 404.
    #[must_use]
    pub fn with_read_lag(mut self, lag: Duration) -> Self {
        self.read_lag = lag;
        self
    }

    /// Sets how long lists do not show a new resource.
    #[must_use]
    pub fn with_list_lag(mut self, lag: Duration) -> Self {
        self.list_lag = lag;
        self
    }

    /// Sets how long a new role assignment has no effect.
    #[must_use]
    pub fn with_role_lag(mut self, lag: Duration) -> Self {
        self.role_lag = lag;
        self
    }

    /// Sets how long requests are still refused after the permissions show a new role: a replica that serves them knows it later.
    #[must_use]
    pub fn with_role_replica_lag(mut self, lag: Duration) -> Self {
        self.role_replica_lag = lag;
        self
    }

    /// Sets how long a new service principal is unknown to role assignments that do not say `principalType`.
    #[must_use]
    pub fn with_principal_lag(mut self, lag: Duration) -> Self {
        self.principal_lag = lag;
        self
    }

    /// Sets how long the interfaces of a machine whose creation failed stay reserved; 180 s unless set.
    #[must_use]
    pub fn with_nic_reservation(mut self, time: Duration) -> Self {
        self.nic_reservation = time;
        self
    }

    /// Keeps the documented request budgets: headers count down, and beyond them the answer is 429.
    #[must_use]
    pub fn with_throttling(mut self) -> Self {
        self.throttling = true;
        self
    }

    /// Keeps no request budgets.
    #[must_use]
    pub fn without_throttling(mut self) -> Self {
        self.throttling = false;
        self
    }

    /// Sets how many items a page has.
    #[must_use]
    pub fn with_page_size(mut self, items: usize) -> Self {
        self.page_size = items.max(1);
        self
    }

    /// Repeats the list of SKUs `times` times, each time under other names. A repetition is about 20 KB a region.
    #[must_use]
    pub fn with_sku_inflation(mut self, times: usize) -> Self {
        self.sku_inflation = times.max(1);
        self
    }

    pub(crate) fn duration(&self, kind: OperationKind) -> Duration {
        self.durations.get(&kind).copied().unwrap_or_default()
    }

    /// The pause named in the first answer of an operation.
    pub(crate) fn first_pause(&self, kind: OperationKind) -> Option<u64> {
        let measured = match kind {
            OperationKind::Network | OperationKind::Nic => 3,
            OperationKind::PublicIp => 1,
            OperationKind::GroupDelete => 15,
            OperationKind::Extension | OperationKind::RunCommand => return self.fixed(),
            _ => 10,
        };
        self.named(measured)
    }

    /// The pause named in the answer to a poll.
    pub(crate) fn poll_pause(&self, kind: OperationKind) -> Option<u64> {
        if !self.retry_after_on_polls {
            return None;
        }
        match kind {
            OperationKind::MachineCreate => self.named(30),
            OperationKind::Extension | OperationKind::RunCommand => self.fixed(),
            other => self.first_pause(other),
        }
    }

    fn named(&self, measured: u64) -> Option<u64> {
        if self.retry_after == RetryAfter::Measured { Some(measured) } else { self.fixed() }
    }

    fn fixed(&self) -> Option<u64> {
        match self.retry_after {
            RetryAfter::Fixed(pause) => Some(pause.as_secs()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measured_pauses_follow_the_kind() {
        let settings = ArmSettings::default();
        assert_eq!(settings.first_pause(OperationKind::MachineCreate), Some(10));
        assert_eq!(settings.poll_pause(OperationKind::MachineCreate), Some(30));
        assert_eq!(settings.first_pause(OperationKind::Extension), None);
        assert_eq!(settings.without_retry_after_on_polls().poll_pause(OperationKind::Network), None);
        let absent = ArmSettings::default().with_retry_after(RetryAfter::Absent);
        assert_eq!(absent.first_pause(OperationKind::Network), None);
    }

    #[test]
    fn every_kind_has_a_duration() {
        let settings = ArmSettings::default();
        assert_eq!(settings.duration(OperationKind::MachineCreate), Duration::from_secs(43));
        assert_eq!(ArmSettings::instant().duration(OperationKind::GroupDelete), Duration::ZERO);
    }
}
