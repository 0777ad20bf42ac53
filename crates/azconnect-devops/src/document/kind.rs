//! What kind of connection it is: the service's open words, each parsed once.
//!
//! The service compares these words in any case and adds new ones without notice. So each is an enum of the words that are
//! acted upon here, and of one arm for all others; the document keeps the text as it was written.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::view::field;

/// Declares an enum of the service's words. They are read in any case; a word that is not known here has an arm too.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* $variant,)+
            /// Another word, in lower case.
            Unknown(Box<str>),
        }

        impl $name {
            /// The word as the service documents it; one that is not known here in lower case.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Unknown(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                $(if text.eq_ignore_ascii_case($word) {
                    return Self::$variant;
                })+
                // Lower case, so that two spellings of one unknown word are equal too.
                Self::Unknown(text.to_ascii_lowercase().into())
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> Self {
                word.as_str().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

words!(
    /// The type of a service connection: what it leads to.
    ///
    /// ```
    /// use azconnect_devops::ConnectionType;
    ///
    /// assert_eq!(ConnectionType::from("AzureRM"), ConnectionType::AzureRm);
    /// assert_eq!(ConnectionType::from("Brand-New").as_str(), "brand-new");
    /// ```
    ConnectionType {
        /// Azure Resource Manager.
        AzureRm = "azurerm",
        /// A Docker registry; [`RegistryType`] says of which kind.
        DockerRegistry = "dockerregistry",
        /// Anything with an address, a user and a password.
        Generic = "generic",
        /// A Kubernetes cluster.
        Kubernetes = "kubernetes",
        /// A Git server.
        Git = "git",
        /// GitHub.
        GitHub = "github",
    }
);

words!(
    /// The authorization scheme of a service connection: how it signs in.
    AuthorizationScheme {
        /// As a service principal, with a key or a certificate.
        ServicePrincipal = "ServicePrincipal",
        /// By workload identity federation, without a secret.
        WorkloadIdentityFederation = "WorkloadIdentityFederation",
        /// With the managed identity of the agent's machine.
        ManagedServiceIdentity = "ManagedServiceIdentity",
        /// With the publish profile of one web application.
        PublishProfile = "PublishProfile",
        /// With a user name and a password.
        UsernamePassword = "UsernamePassword",
        /// With a token of the service that the connection leads to.
        Token = "Token",
        /// To a Kubernetes cluster, with a kubeconfig or through an Azure subscription.
        Kubernetes = "Kubernetes",
    }
);

words!(
    /// The kind of Docker registry that a connection leads to.
    RegistryType {
        /// Any registry with user name and password: the service's word is `Others`.
        Others = "Others",
        /// Docker Hub.
        DockerHub = "DockerHub",
        /// Azure Container Registry.
        AzureContainerRegistry = "ACR",
    }
);

words!(
    /// Who made the application with which a connection signs in.
    CreationMode {
        /// Azure DevOps, which also manages its secret.
        Automatic = "Automatic",
        /// A person, who also renews its secret.
        Manual = "Manual",
    }
);

words!(
    /// Whether a service principal signs in with a secret or a certificate (`authenticationType`).
    ServicePrincipalProof {
        /// A client secret, which the service calls key.
        Key = "spnKey",
        /// A certificate and its private key.
        Certificate = "spnCertificate",
    }
);

words!(
    /// The cloud that a connection leads to, by the service's name for it (`data.environment`).
    EnvironmentName {
        /// The public cloud.
        AzureCloud = "AzureCloud",
        /// The cloud in China.
        AzureChinaCloud = "AzureChinaCloud",
        /// The cloud for the government of the United States.
        AzureUsGovernment = "AzureUSGovernment",
        /// The former cloud in Germany.
        AzureGermanCloud = "AzureGermanCloud",
        /// Azure Stack.
        AzureStack = "AzureStack",
    }
);

words!(
    /// How far the service is with an operation that it performs on a connection in the background.
    OperationState {
        /// The operation has ended well.
        Ready = "Ready",
        /// The service is still at work.
        InProgress = "InProgress",
        /// The service has given up; the status says why.
        Failed = "Failed",
    }
);

/// The words of one document by which connections are told apart. A word that the document lacks is `None`.
#[derive(Clone, PartialEq)]
pub(super) struct Kind {
    pub(super) connection_type: Option<ConnectionType>,
    pub(super) scheme: Option<AuthorizationScheme>,
    pub(super) proof: Option<ServicePrincipalProof>,
    pub(super) registry: Option<RegistryType>,
    pub(super) creation_mode: Option<CreationMode>,
    pub(super) environment: Option<EnvironmentName>,
}

impl Kind {
    pub(super) fn of(document: &Map<String, Value>) -> Self {
        let data = document.get("data").and_then(Value::as_object);
        let authorization = document.get("authorization").and_then(Value::as_object);
        let parameters = authorization.and_then(|own| own.get("parameters")).and_then(Value::as_object);
        Self {
            connection_type: document.get("type").and_then(Value::as_str).map(Into::into),
            scheme: authorization.and_then(|own| own.get("scheme")).and_then(Value::as_str).map(Into::into),
            proof: word(parameters, "authenticationType").map(Into::into),
            registry: word(data, "registrytype").map(Into::into),
            creation_mode: word(data, "creationMode").map(Into::into),
            environment: word(data, "environment").map(Into::into),
        }
    }
}

fn word<'a>(object: Option<&'a Map<String, Value>>, key: &str) -> Option<&'a str> {
    field(object?, key)?.1.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_equal_in_any_case_known_or_not() {
        assert_eq!(AuthorizationScheme::from("serviceprincipal"), AuthorizationScheme::ServicePrincipal);
        assert_eq!(ConnectionType::from("SSH"), ConnectionType::from("ssh"));
        assert_ne!(ConnectionType::from("ssh"), ConnectionType::Generic);
        assert_eq!(EnvironmentName::from("azureusgovernment").as_str(), "AzureUSGovernment");
    }

    #[test]
    fn a_document_without_words_has_no_kind() {
        let kind = Kind::of(&Map::new());
        assert!(kind.connection_type.is_none() && kind.scheme.is_none() && kind.registry.is_none());
    }
}
