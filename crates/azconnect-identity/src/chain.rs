//! Several ways to sign in, of which the first that exists here is used.

use std::fmt;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use azconnect_core::{Effect, Error, ErrorKind, Retry};

use crate::available::Availability;
use crate::source::{FetchedToken, TokenRequest, TokenSource};

/// Tells whether a way to sign in exists here, where only a look outside says so.
#[async_trait]
pub trait Presence: Send + Sync {
    /// Whether it exists here. It answers within seconds, and sends nothing secret.
    ///
    /// # Errors
    /// If nobody can tell: a chain then ends, since to go on could sign in as somebody else.
    ///
    /// # Cancel safety
    /// A dropped look has no effect.
    async fn presence(&self) -> Result<Availability<()>, Error>;
}

/// One way to sign in, as a link of a [`TokenChain`].
pub struct ChainLink {
    name: Box<str>,
    source: Availability<Arc<dyn TokenSource>>,
    presence: Option<Arc<dyn Presence>>,
}

impl ChainLink {
    /// A way to sign in that exists here, under a name for people, such as *workload identity*.
    pub fn new(name: impl Into<Box<str>>, source: impl TokenSource + 'static) -> Self {
        Self { name: name.into(), source: Availability::Here(Arc::new(source)), presence: None }
    }

    /// A way to sign in that exists here or not, as its variables say.
    pub fn of_variables<S: TokenSource + 'static>(name: impl Into<Box<str>>, source: Availability<S>) -> Self {
        let source = source.map(|source| Arc::new(source) as Arc<dyn TokenSource>);
        Self { name: name.into(), source, presence: None }
    }

    /// A way to sign in that tells itself whether it exists here, such as a
    /// [`ManagedIdentity`](crate::managed::ManagedIdentity).
    pub fn with_presence<S: TokenSource + Presence + 'static>(name: impl Into<Box<str>>, source: S) -> Self {
        let source = Arc::new(source);
        let presence = Some(Arc::clone(&source) as Arc<dyn Presence>);
        Self { name: name.into(), source: Availability::Here(source), presence }
    }

    /// The source, if it exists here now.
    async fn find(&self) -> Result<Availability<&dyn TokenSource>, Error> {
        let source = match &self.source {
            Availability::Here(source) => &**source,
            Availability::NotHere(reason) => return Ok(Availability::NotHere(reason.clone())),
        };
        let Some(presence) = &self.presence else { return Ok(Availability::Here(source)) };
        Ok(presence.presence().await?.map(|()| source))
    }
}

/// Tries several ways to sign in, in their order, until one exists here, and stays with it once it has worked.
///
/// - A way *does not exist here* if a variable of its is not set, or if a look says so: nobody answers at the address of the
///   metadata service, or somebody else does. It is skipped.
/// - A way that exists here ends the search, whether it works or not: a refusal, a network that is down, a variable with a
///   wrong value or a file that cannot be read is its error, and no other way is tried.
/// - Once one has given a token, only that one is asked.
///
/// A chain is for programs that run on people's machines as well as in Azure. Where it is known who signs in, name that one
/// source: a chain that finds another way signs in as somebody else.
pub struct TokenChain {
    links: Vec<ChainLink>,
    settled: OnceLock<usize>,
}

impl TokenChain {
    /// A chain of these links. Nothing is asked yet.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) with the field `links` without any link.
    pub fn new(links: impl IntoIterator<Item = ChainLink>) -> Result<Self, Error> {
        let links: Vec<_> = links.into_iter().collect();
        if links.is_empty() {
            return Err(Error::invalid("links", "there is no way to sign in").with_advice("give at least one link"));
        }
        Ok(Self { links, settled: OnceLock::new() })
    }

    /// The name of the way that has worked, and is used from then on.
    pub fn settled(&self) -> Option<&str> {
        self.links.get(*self.settled.get()?).map(|link| &*link.name)
    }

    async fn search(&self, request: TokenRequest<'_>) -> Result<FetchedToken, Error> {
        let mut skipped = Vec::new();
        for (place, link) in self.links.iter().enumerate() {
            match link.find().await.map_err(|error| of_link(link, error))? {
                Availability::Here(source) => {
                    let token = source.fetch(request).await.map_err(|error| of_link(link, error))?;
                    // Two searches at once may both get here; they find the same, or the first one counts.
                    let _ = self.settled.set(place);
                    tracing::debug!(link = %link.name, "a chain has found its way to sign in");
                    return Ok(token);
                }
                Availability::NotHere(reason) => skipped.push(SkippedLink { name: link.name.clone(), reason }),
            }
        }
        Err(self.nothing(SkippedLinks(skipped)))
    }

    fn nothing(&self, skipped: SkippedLinks) -> Error {
        // What was looked for outside may come up later; a variable stays as it is.
        let looked = self.links.iter().any(|link| link.presence.is_some());
        Error::new(ErrorKind::Unauthenticated, format!("no way to sign in exists here: {skipped}"))
            .with_effect(Effect::None)
            .with_retry(if looked { Retry::Backoff } else { Retry::No })
            .in_operation("identity.chain")
            .with_advice("set up one of the ways that are named, or run this where one of them exists")
            .with_source(skipped)
    }
}

#[async_trait]
impl TokenSource for TokenChain {
    async fn fetch(&self, request: TokenRequest<'_>) -> Result<FetchedToken, Error> {
        let settled = self.settled.get().and_then(|place| self.links.get(*place));
        match settled {
            Some(ChainLink { source: Availability::Here(source), .. }) => source.fetch(request).await,
            _ => self.search(request).await,
        }
    }
}

/// Why each link of a chain was skipped: the source of the error of a chain in which no way exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedLinks(Vec<SkippedLink>);

/// Why one link of a chain was skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SkippedLink {
    /// The name of the link.
    pub name: Box<str>,
    /// Why it does not exist here.
    pub reason: Box<str>,
}

impl SkippedLinks {
    /// What an error of a chain says of its links, also after a cache has handed it to several callers. `None` for any other
    /// error.
    pub fn of(error: &Error) -> Option<&Self> {
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            if let Some(skipped) = cause.downcast_ref() {
                return Some(skipped);
            }
            source = cause.source();
        }
        None
    }

    /// Every link with its reason, in the order of the chain.
    pub fn links(&self) -> &[SkippedLink] {
        &self.0
    }
}

impl fmt::Display for SkippedLinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, SkippedLink { name, reason }) in self.0.iter().enumerate() {
            let between = if place == 0 { "" } else { "; " };
            write!(f, "{between}{name}: {reason}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SkippedLinks {}

impl fmt::Debug for ChainLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChainLink").field("name", &self.name).field("source", &self.source).finish_non_exhaustive()
    }
}

impl fmt::Debug for TokenChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenChain").field("links", &self.links).field("settled", &self.settled()).finish()
    }
}

/// Says which link it was that failed.
fn of_link(link: &ChainLink, error: Error) -> Error {
    let message = format!("{}: {}", link.name, error.message());
    error.with_message(message)
}
