//! What the tokens for a Resource Manager may be for.

use azconnect_core::{Error, ErrorKind};
use url::Url;

use crate::site::is_beside;

/// How much of a foreign audience is shown, in characters.
const SHOWN: usize = 100;

/// The sites of Microsoft's clouds, one line a cloud: whatever is at one of them, or below it, is a resource of that cloud. The
/// domains of tenants (`onmicrosoft.com`) are none: an Azure Stack has its audience there.
const SITES: [&[&str]; 3] = [
    &[
        "azure.com",
        "azure.net",
        "windows.net",
        "microsoft.com",
        "microsoftonline.com",
        "windowsazure.com",
        "visualstudio.com",
        "azuredatabricks.net",
        "office.com",
        "office365.com",
        "outlook.com",
        "sharepoint.com",
        "dynamics.com",
        "powerbi.com",
        "live.com",
    ],
    &[
        "usgovcloudapi.net",
        "azure.us",
        "microsoft.us",
        "microsoftonline.us",
        "windowsazure.us",
        "sharepoint.us",
        "office365.us",
    ],
    &["chinacloudapi.cn", "azure.cn", "microsoftonline.cn", "windowsazure.cn", "sharepoint.cn", "office365.cn"],
];

/// The Resource Managers of the clouds, in the order of [`SITES`].
const RESOURCE_MANAGERS: [&str; 3] =
    ["management.azure.com", "management.usgovcloudapi.net", "management.chinacloudapi.cn"];

/// The domains of tenants, below which the Resource Manager of an Azure Stack has its audience: `management.{tenant}.…`.
const TENANTS: [&str; 3] = ["onmicrosoft.com", "onmicrosoft.us", "partner.onmschina.cn"];

/// Refuses an audience whose tokens are good elsewhere too: whoever runs this Resource Manager could use them there.
///
/// Its own address is one of its own, and one beside it. A login of Microsoft's gives tokens for everybody's services, of which no
/// list is complete, so that no other audience is taken there but that of an Azure Stack. An application's id may be any resource.
pub(crate) fn require_own(audience: &str, arm: &Url, is_login_of_microsoft: bool) -> Result<(), Error> {
    // On this machine, by the caller's word: an emulator describes the public cloud.
    if arm.scheme() == "http" {
        return Ok(());
    }
    let url = Url::parse(audience).ok().filter(|url| url.scheme() == "https" && !audience.contains(is_odd));
    let is_own = url.is_some_and(|url| {
        url.origin() == arm.origin()
            || match cloud_of(host(&url)) {
                Some(place) => RESOURCE_MANAGERS.get(place).is_some_and(|own| is_within(host(arm), own)),
                None => !is_login_of_microsoft || is_of_a_stack(host(&url)) || is_beside(&url, arm),
            }
    });
    if is_own { Ok(()) } else { Err(foreign(audience)) }
}

/// A scope is one word: what follows a space would be another one.
fn is_odd(letter: char) -> bool {
    letter.is_whitespace() || letter.is_control()
}

/// The place of the cloud whose resource this host is.
fn cloud_of(host: &str) -> Option<usize> {
    SITES.iter().position(|sites| sites.iter().any(|site| is_within(host, site)))
}

fn is_of_a_stack(host: &str) -> bool {
    host.starts_with("management.") && TENANTS.iter().any(|site| is_within(host, site))
}

fn host(url: &Url) -> &str {
    // The dot at the end of a name says nothing.
    url.host_str().unwrap_or_default().trim_end_matches('.')
}

fn is_within(host: &str, site: &str) -> bool {
    host.strip_suffix(site).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

fn foreign(audience: &str) -> Error {
    let shown: String = audience.chars().take(SHOWN).collect();
    Error::new(
        ErrorKind::Unsupported,
        format!("the cloud wants tokens for {shown:?}, which is not known to be its own: they would be good elsewhere"),
    )
    .with_field("audience")
    .with_advice("ask the operator of the cloud whether this is its audience, and agree to it by name")
}

#[cfg(test)]
mod tests {
    use azconnect_core::Cloud;

    use super::*;

    fn is_own(audience: &str, arm: &str) -> bool {
        require_own(audience, &Url::parse(arm).unwrap(), true).is_ok()
    }

    #[test]
    fn every_service_of_a_cloud_that_is_known_belongs_to_it() {
        for (place, cloud) in [Cloud::public(), Cloud::us_government(), Cloud::china()].into_iter().enumerate() {
            for address in [cloud.login(), cloud.resource_manager(), cloud.graph()] {
                assert_eq!(cloud_of(host(address)), Some(place), "{address}");
            }
            assert_eq!(cloud_of(cloud.key_vault_suffix()), Some(place), "{}", cloud.name());
            assert_eq!(cloud.resource_manager().host_str(), Some(RESOURCE_MANAGERS[place]));
            assert_eq!(cloud_of(host(cloud.devops())), Some(0), "in every cloud");
        }
    }

    #[test]
    fn a_resource_manager_has_audiences_of_its_own_cloud_only() {
        let (public, china) = ("https://management.azure.com/", "https://management.chinacloudapi.cn/");
        for (audience, arm) in [
            ("https://management.core.windows.net/", public),
            ("https://management.core.windows.net/", "https://westeurope.management.azure.com/"),
            ("https://management.core.chinacloudapi.cn", china),
            ("https://management.contoso.onmicrosoft.com/36f71706", "https://management.contoso.example/"),
            ("https://stack.westeurope.cloudapp.azure.com/", "https://stack.westeurope.cloudapp.azure.com/"),
            ("https://management.azure.com/", "http://127.0.0.1:4005/"),
            ("https://arm.local.azurestack.external/1", "https://management.local.azurestack.external/"),
        ] {
            assert!(is_own(audience, arm), "{audience} {arm}");
        }
        for (audience, arm) in [
            ("https://management.core.windows.net/", china),
            ("https://management.core.windows.net/", "https://management.azure.com.evil.example/"),
            ("https://management.core.windows.net/", "https://evilmanagement.azure.com.example/"),
            ("https://management.core.windows.net/", "https://evil.cloudapp.azure.com/"),
            ("https://management.azure.com/", "https://management.evil.example/"),
            // Of the many that no list has.
            ("https://dev.azuresynapse.net", "https://management.evil.example/"),
            ("https://contoso.onmicrosoft.com/orders", "https://management.evil.example/"),
            ("https://management.contoso.onmicrosoft.com.evil.example/", "https://management.other.example/"),
        ] {
            assert!(!is_own(audience, arm), "{audience} {arm}");
        }
        // Whoever has a login of their own gives nothing away by it.
        let arm = Url::parse("https://management.stack.example/").unwrap();
        assert!(require_own("https://adfs.other.example/36f71706", &arm, false).is_ok());
        assert!(require_own("https://vault.azure.net", &arm, false).is_err());
    }
}
