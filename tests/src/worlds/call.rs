//! What a process does through its ports, as far as a world tells calls apart.

use std::fmt;

use azconnect::http::Request;

/// A kind of call that a process makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// A sign-in, with its own secret or with one that is to be proved.
    SignIn,
    /// Reads the application with its keys.
    List,
    /// Reads the service principal with its keys.
    ListPrincipal,
    /// Asks for a secret: not idempotent.
    Mint,
    /// Asks for the removal of a key.
    Retire,
    /// Reads another object of the directory.
    Policy,
    /// Reads a service connection.
    Look,
    /// Has a secret tested by Azure DevOps.
    Test,
    /// Writes a secret into a service connection.
    Write,
    /// Asks a container registry.
    Registry,
    /// Appends to the journal.
    Append,
    /// Reads the journal.
    Read,
    /// Takes the lease.
    Acquire,
    /// Extends the lease.
    Renew,
    /// Gives the lease back.
    Release,
    /// Seals a secret.
    Seal,
    /// Opens a sealed secret.
    Open,
    /// Destroys a sealed secret.
    Forget,
}

impl Call {
    /// All kinds.
    pub const ALL: [Self; 18] = [
        Self::SignIn,
        Self::List,
        Self::ListPrincipal,
        Self::Mint,
        Self::Retire,
        Self::Policy,
        Self::Look,
        Self::Test,
        Self::Write,
        Self::Registry,
        Self::Append,
        Self::Read,
        Self::Acquire,
        Self::Renew,
        Self::Release,
        Self::Seal,
        Self::Open,
        Self::Forget,
    ];

    /// What a request is.
    pub fn of(request: &Request) -> Self {
        let host = request.uri().host().unwrap_or_default();
        let path = request.uri().path();
        let get = request.method().as_str() == "GET";
        match host {
            "login.microsoftonline.com" => Self::SignIn,
            "graph.microsoft.com" if path.ends_with("/addPassword") => Self::Mint,
            "graph.microsoft.com" if path.ends_with("/removePassword") => Self::Retire,
            "graph.microsoft.com" if path.contains("/servicePrincipals") => Self::ListPrincipal,
            "graph.microsoft.com" if path.contains("/applications") => Self::List,
            "graph.microsoft.com" => Self::Policy,
            "dev.azure.com" if path.ends_with("/endpointproxy") => Self::Test,
            // A question, although it is posted.
            "dev.azure.com" if get || path.ends_with("/permissionevaluationbatch") => Self::Look,
            "dev.azure.com" => Self::Write,
            _ => Self::Registry,
        }
    }

    /// Whether it goes over the network to a service.
    pub fn is_exchange(self) -> bool {
        self <= Self::Registry
    }

    /// Whether it changes what a service holds.
    pub fn has_effect(self) -> bool {
        matches!(self, Self::Mint | Self::Retire | Self::Write)
    }

    /// How often a rotation does it, roughly: where a fault of a plan may strike.
    pub fn often(self) -> u64 {
        match self {
            Self::Append => 70,
            Self::SignIn | Self::Renew => 40,
            Self::List | Self::ListPrincipal | Self::Look => 30,
            Self::Test | Self::Open => 12,
            Self::Write | Self::Read | Self::Acquire | Self::Release => 6,
            Self::Mint | Self::Retire | Self::Seal | Self::Forget => 3,
            Self::Policy | Self::Registry => 2,
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::SignIn => "sign in",
            Self::List => "list keys",
            Self::ListPrincipal => "list principal",
            Self::Mint => "mint",
            Self::Retire => "retire",
            Self::Policy => "read policy",
            Self::Look => "look",
            Self::Test => "test",
            Self::Write => "write",
            Self::Registry => "registry",
            Self::Append => "append",
            Self::Read => "read journal",
            Self::Acquire => "acquire",
            Self::Renew => "renew",
            Self::Release => "release",
            Self::Seal => "seal",
            Self::Open => "open",
            Self::Forget => "forget",
        })
    }
}
