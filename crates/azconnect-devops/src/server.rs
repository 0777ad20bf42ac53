//! Azure DevOps Server: collections on premises.

use std::fmt;

use azconnect_core::Error;
use azconnect_http::{endpoint, require_safe_scheme};
use url::Url;

use crate::client::DevOpsClient;
use crate::organization::{ApiVersions, Organization};

/// A version of Azure DevOps Server, by which the api-version is chosen.
///
/// Source: Microsoft's *API and TFS version mapping*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerVersion {
    /// Azure DevOps Server 2022, api-version 7.0.
    V2022,
    /// Azure DevOps Server 2020, api-version 6.0.
    V2020,
    /// Azure DevOps Server 2019, api-version 5.0.
    V2019,
}

impl ServerVersion {
    fn api(self) -> ApiVersions {
        match self {
            Self::V2022 => ApiVersions { released: "7.0", preview: "7.0-preview.1", project_writes: false },
            // Service connections were a preview then.
            Self::V2020 => ApiVersions { released: "6.0-preview", preview: "6.0-preview.1", project_writes: false },
            Self::V2019 => ApiVersions { released: "5.0-preview", preview: "5.0-preview.1", project_writes: true },
        }
    }
}

/// The address of a collection: `https://{server}/{collection}` or `https://{server}:{port}/tfs/{collection}`.
///
/// ```
/// use azconnect_devops::{Collection, ServerVersion};
///
/// let collection = Collection::new("https://devops.contoso.local:8080/tfs/DefaultCollection", ServerVersion::V2022)?;
/// assert_eq!(collection.name(), "DefaultCollection");
/// assert!(Collection::new("http://devops.contoso.local/Default", ServerVersion::V2022).is_err());
/// # Ok::<(), azconnect_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Collection {
    base: Url,
    name: String,
    version: ServerVersion,
}

impl Collection {
    /// Checks and takes an address.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) naming the field `collection`, also for plain `http`.
    pub fn new(address: &str, version: ServerVersion) -> Result<Self, Error> {
        Self::parse(address, version, false)
    }

    /// As [`Collection::new`], and takes plain `http` for loopback: tokens travel in the clear on this machine.
    ///
    /// # Errors
    /// As [`Collection::new`].
    pub fn danger_http_loopback(address: &str, version: ServerVersion) -> Result<Self, Error> {
        Self::parse(address, version, true)
    }

    /// The collection's name, such as `DefaultCollection`.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn parse(address: &str, version: ServerVersion, http_loopback: bool) -> Result<Self, Error> {
        let wrong = |message: &str| {
            Error::invalid("collection", message)
                .with_advice("give the collection's address, such as https://server/DefaultCollection")
        };
        let url = Url::parse(address).map_err(|_| wrong("is not an address"))?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("must be an address without user, query or fragment"));
        }
        let uri = url.as_str().parse().map_err(|_| wrong("is not an address"))?;
        require_safe_scheme(&uri, http_loopback)
            .map_err(|error| error.with_field("collection").with_message("is not encrypted"))?;
        let parts: Vec<String> =
            url.path_segments().into_iter().flatten().filter(|part| !part.is_empty()).map(decoded).collect();
        let name = match parts.as_slice() {
            [name] => name,
            [folder, name] if folder.eq_ignore_ascii_case("tfs") => name,
            [] => return Err(wrong("names a server and no collection")),
            _ => return Err(wrong("has more than a collection in its path")),
        };
        let mut root = url.clone();
        root.set_path("");
        let segments: Vec<&str> = parts.iter().map(String::as_str).collect();
        Ok(Self { base: endpoint(&root, &segments)?, name: name.clone(), version })
    }
}

impl fmt::Debug for Collection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collection").field("base", &self.base.as_str()).field("version", &self.version).finish()
    }
}

fn decoded(segment: &str) -> String {
    // A form value with `+` kept: the two encodings differ in nothing else.
    let segment = segment.replace('+', "%2B");
    url::form_urlencoded::parse(segment.as_bytes()).map(|(name, _)| name.into_owned()).collect()
}

impl DevOpsClient {
    /// A collection of a server on premises, with the api-versions of its version. Nothing is sent.
    ///
    /// Graph groups and personal access tokens of [`Organization`] exist in Azure DevOps Services only.
    pub fn collection(&self, collection: &Collection) -> Organization {
        Organization {
            budget: self.budget(&collection.base),
            client: self.clone(),
            name: collection.name.as_str().into(),
            base: collection.base.clone(),
            // A server has no separate host for identities.
            identity: collection.base.clone(),
            versions: collection.version.api(),
            server: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_address_are_taken() {
        let name = |address| Collection::new(address, ServerVersion::V2020).map(|collection| collection.name);
        assert_eq!(name("https://server/Default").unwrap(), "Default");
        assert_eq!(name("https://server:8443/tfs/My%20Collection/").unwrap(), "My Collection");
        for bad in [
            "server/Default",
            "https://server",
            "https://server/",
            "https://server/a/b",
            "https://u:p@server/a",
            "http://server/a",
        ] {
            assert_eq!(name(bad).unwrap_err().field(), Some("collection"), "{bad}");
        }
    }

    #[test]
    fn a_server_s_version_chooses_the_api_version() {
        assert_eq!(ServerVersion::V2022.api().released, "7.0");
        assert_eq!(ServerVersion::V2019.api().preview, "5.0-preview.1");
    }
}
