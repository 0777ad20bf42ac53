//! Hosts of one site.

use url::{Host, Url};

/// Whether an address is at a Resource Manager's own host, or at one that has the same name but for the first part.
pub(crate) fn is_beside(address: &Url, arm: &Url) -> bool {
    match (address.host(), arm.host()) {
        (Some(Host::Domain(own)), Some(Host::Domain(arm))) if own != arm => {
            let site = |host: &str| host.split_once('.').map(|(_, site)| site.to_owned());
            // A site of one part would be everybody's.
            site(own).is_some_and(|own| own.contains('.') && site(arm).is_some_and(|arm| arm == own))
        }
        (own, arm) => own.is_some() && own == arm,
    }
}
