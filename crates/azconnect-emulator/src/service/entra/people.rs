//! Whom a sign-in name stands for, at home and as a guest elsewhere.

use uuid::Uuid;

use crate::model::directory::{Directory, Tenant, User};
use crate::model::registration::PERSONAL;
use crate::model::sign_in::Account;

/// Which tenants a person may sign in to, as the path says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Authority {
    Tenant(Uuid),
    /// Work and school accounts, each in its home tenant.
    Organizations,
    /// These and personal accounts.
    Common,
    /// Personal accounts.
    Consumers,
}

impl Authority {
    /// The authority of a name in a path, or nothing if there is no such tenant.
    pub(super) fn of(directory: &Directory, name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "organizations" => Self::Organizations,
            "common" => Self::Common,
            "consumers" => Self::Consumers,
            _ => Self::Tenant(directory.tenant(name)?.id),
        })
    }

    /// The tenant that an account signs in to here, or nothing if it may not.
    pub(super) fn tenant_of(self, account: Account) -> Option<Uuid> {
        let personal = account.tenant == PERSONAL;
        match self {
            Self::Tenant(id) => Some(id),
            Self::Organizations => (!personal).then_some(account.tenant),
            Self::Common => Some(account.tenant),
            Self::Consumers => personal.then_some(account.tenant),
        }
    }
}

/// The account of a sign-in name: at home, or else of a guest of a tenant whose home nobody plays.
pub(super) fn account(directory: &Directory, name: &str, authority: Authority) -> Option<Account> {
    let is_called = |user: &&User| user.guest_of.is_none() && user.principal_name.eq_ignore_ascii_case(name);
    let at_home = directory.tenants.iter().find_map(|tenant| {
        let user = tenant.users.iter().find(is_called)?;
        Some(Account { tenant: tenant.id, object_id: user.object_id })
    });
    let Authority::Tenant(id) = authority else { return at_home };
    at_home.or_else(|| {
        let of_elsewhere = |user: &&User| user.guest_of.as_deref().is_some_and(|home| home.eq_ignore_ascii_case(name));
        let user = directory.tenant_by_id(id)?.users.iter().find(of_elsewhere)?;
        Some(Account { tenant: id, object_id: user.object_id })
    })
}

/// The person behind an account, at home.
pub(super) fn at_home(directory: &Directory, account: Account) -> Option<(&Tenant, &User)> {
    let tenant = directory.tenant_by_id(account.tenant)?;
    Some((tenant, tenant.users.iter().find(|user| user.object_id == account.object_id)?))
}

/// The person behind an account as a tenant knows it: itself at home, and a guest elsewhere.
pub(super) fn in_tenant(directory: &Directory, account: Account, tenant: Uuid) -> Option<&User> {
    let (home, user) = at_home(directory, account)?;
    if home.id == tenant {
        return Some(user);
    }
    let is_guest =
        |guest: &&User| guest.guest_of.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(&user.principal_name));
    directory.tenant_by_id(tenant)?.users.iter().find(is_guest)
}
