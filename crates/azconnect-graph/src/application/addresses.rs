//! The addresses to which a sign-in may lead back, by platform.

use azconnect_core::Error;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::{Host, Url};

use super::ApplicationRef;
use crate::client::GraphClient;

/// The longest redirect address, by *Redirect URI restrictions and limitations*.
const LONGEST: usize = 256;

/// What kind of program an address leads back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Platform {
    /// A web application with a back end, which holds a credential (`web`).
    Web,
    /// A program in a browser, which holds none (`spa`).
    SinglePage,
    /// A program on a person's machine, which holds none: loopback, or a scheme of its own (`publicClient`).
    PublicClient,
}

impl Platform {
    const ALL: [Self; 3] = [Self::Web, Self::SinglePage, Self::PublicClient];

    /// The property that holds its addresses.
    pub(super) fn property(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::SinglePage => "spa",
            Self::PublicClient => "publicClient",
        }
    }

    /// Checks an address before it is sent.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `redirect_uri`.
    pub(super) fn check(self, address: &str) -> Result<(), Error> {
        let wrong = |message: &str| {
            Err(Error::invalid("redirect_uri", message).with_advice(
                "give a whole address with https, or with http on localhost, without fragment and asterisk",
            ))
        };
        let Ok(url) = Url::parse(address) else { return wrong("is not an address") };
        let local = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(number)) => number.is_loopback(),
            Some(Host::Ipv6(number)) => number.is_loopback(),
            None => false,
        };
        if address.len() > LONGEST {
            return wrong("is longer than 256 characters");
        }
        if url.fragment().is_some() || address.contains('*') {
            return wrong("has a fragment or an asterisk");
        }
        match url.scheme() {
            "https" => Ok(()),
            "http" if local => Ok(()),
            "http" => wrong("would carry sign-ins in the clear"),
            _ if self == Self::PublicClient => Ok(()),
            _ => wrong("has a scheme that only a public client may have"),
        }
    }
}

/// The redirect addresses of an application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedirectUris {
    /// Those of web applications.
    pub web: Vec<String>,
    /// Those of programs in a browser.
    pub single_page: Vec<String>,
    /// Those of programs on a person's machine.
    pub public_client: Vec<String>,
}

impl RedirectUris {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an address.
    #[must_use]
    pub fn with(mut self, platform: Platform, address: impl Into<String>) -> Self {
        self.of_mut(platform).push(address.into());
        self
    }

    /// Those of a platform.
    pub fn of(&self, platform: Platform) -> &[String] {
        match platform {
            Platform::Web => &self.web,
            Platform::SinglePage => &self.single_page,
            Platform::PublicClient => &self.public_client,
        }
    }

    fn of_mut(&mut self, platform: Platform) -> &mut Vec<String> {
        match platform {
            Platform::Web => &mut self.web,
            Platform::SinglePage => &mut self.single_page,
            Platform::PublicClient => &mut self.public_client,
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let each = |platform: Platform| self.of(platform).iter().try_for_each(|address| platform.check(address));
        Platform::ALL.into_iter().try_for_each(each)
    }

    /// What of a registration's body names them.
    pub(super) fn written(&self) -> Map<String, Value> {
        let named = Platform::ALL.into_iter().filter(|platform| !self.of(*platform).is_empty());
        let one = |platform: Platform| (platform.property().to_owned(), json!({"redirectUris": self.of(platform)}));
        named.map(one).collect()
    }
}

/// A platform of an application as it is read, with what is written back beside its addresses.
#[derive(Deserialize)]
struct Part {
    /// Required: a list that is missing must not be written back as an empty one.
    #[serde(rename = "redirectUris")]
    addresses: Vec<String>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Deserialize)]
struct Parts {
    web: Part,
    spa: Part,
    #[serde(rename = "publicClient")]
    public_client: Part,
}

impl Parts {
    fn of(self, platform: Platform) -> Part {
        match platform {
            Platform::Web => self.web,
            Platform::SinglePage => self.spa,
            Platform::PublicClient => self.public_client,
        }
    }
}

impl GraphClient {
    /// The redirect addresses of an application. Idempotent.
    ///
    /// Document: Microsoft Graph, *Get application* (`web`, `spa`, `publicClient`).
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) also for an application that was made moments ago.
    pub async fn redirect_uris(&self, application: impl Into<ApplicationRef>) -> Result<RedirectUris, Error> {
        let parts = self.platforms(application.into()).await?;
        Ok(RedirectUris {
            web: parts.web.addresses,
            single_page: parts.spa.addresses,
            public_client: parts.public_client.addresses,
        })
    }

    /// Adds a redirect address to those of a platform. Idempotent; reads and writes the platform's whole list, so two
    /// writers at once lose what one of them added. Nothing else of the application changes.
    ///
    /// Permission: `Application.ReadWrite.OwnedBy` for an owner, or `Application.ReadWrite.All`. Document: Microsoft Graph,
    /// *Update application*. After a timeout it may have been written.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `redirect_uri`, before anything is sent.
    pub async fn add_redirect_uri(
        &self,
        application: impl Into<ApplicationRef>,
        platform: Platform,
        address: &str,
    ) -> Result<(), Error> {
        platform.check(address)?;
        let application = application.into();
        let mut part = self.platforms(application).await?.of(platform);
        if part.addresses.iter().any(|known| known == address) {
            return Ok(());
        }
        part.addresses.push(address.to_owned());
        self.write_platform(application, platform, part).await
    }

    /// Removes a redirect address from those of a platform. Idempotent: one that is not there is a success. Otherwise as
    /// [`GraphClient::add_redirect_uri`].
    ///
    /// # Errors
    /// As every call.
    pub async fn remove_redirect_uri(
        &self,
        application: impl Into<ApplicationRef>,
        platform: Platform,
        address: &str,
    ) -> Result<(), Error> {
        let application = application.into();
        let mut part = self.platforms(application).await?.of(platform);
        let known = part.addresses.len();
        part.addresses.retain(|known| known != address);
        if part.addresses.len() == known { Ok(()) } else { self.write_platform(application, platform, part).await }
    }

    async fn platforms(&self, application: ApplicationRef) -> Result<Parts, Error> {
        self.application_part("graph.application.redirect_uris", application, "web,spa,publicClient").await
    }

    async fn write_platform(&self, application: ApplicationRef, platform: Platform, part: Part) -> Result<(), Error> {
        // Written back with its neighbours: no document says whether the property is merged or replaced. All but the second
        // form of the same list, which the service refuses beside the first.
        let mut whole = part.rest;
        whole.retain(|name, value| name != "redirectUriSettings" && !value.is_null() && !name.starts_with('@'));
        whole.insert("redirectUris".to_owned(), json!(part.addresses));
        let body = json!({ platform.property(): whole });
        self.patch_application("graph.application.set_redirect_uris", application, &body).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_would_be_refused_or_would_leak_is_refused_before() {
        for (platform, address, fits) in [
            (Platform::Web, "https://app.example/callback?a=b", true),
            (Platform::Web, "http://localhost:8400/", true),
            (Platform::Web, "http://127.0.0.1:8400/", true),
            (Platform::Web, "http://[::1]/", true),
            (Platform::Web, "http://app.example/", false),
            (Platform::Web, "http://localhost.example/", false),
            (Platform::Web, "myapp://auth", false),
            (Platform::SinglePage, "myapp://auth", false),
            (Platform::PublicClient, "myapp://auth", true),
            (Platform::PublicClient, "http://app.example/", false),
            (Platform::Web, "https://app.example/#x", false),
            (Platform::Web, "https://*.example/", false),
            (Platform::Web, "callback", false),
        ] {
            let checked = platform.check(address);
            assert_eq!(checked.is_ok(), fits, "{platform:?} {address}");
            assert!(checked.err().is_none_or(|error| error.field() == Some("redirect_uri")));
        }
        let of_length = |length: usize| format!("https://a.example/{}", "x".repeat(length - 18));
        assert!(Platform::Web.check(&of_length(256)).is_ok() && Platform::Web.check(&of_length(257)).is_err());
    }
}
