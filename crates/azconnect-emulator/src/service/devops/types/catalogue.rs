//! The published types of service connections: what each takes, and where.
//!
//! From the *Endpoint types* list of the REST reference. It has no workload identity federation and no managed identity for
//! container registries, so their inputs are those that other tools send. Those of a managed identity for a
//! container registry are in neither, and follow from the others.

/// A field of a service connection: in `data`, or in the parameters of a scheme.
pub(super) struct Input {
    pub(super) id: &'static str,
    pub(super) confidential: bool,
    pub(super) required: bool,
    /// The input, and those of its values, for which alone this one is there.
    pub(super) only_for: Option<(&'static str, &'static [&'static str])>,
}

/// An authentication scheme of a type, with its parameters.
pub(super) struct Scheme {
    pub(super) name: &'static str,
    pub(super) inputs: &'static [Input],
}

/// A type of service connection.
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) display: &'static str,
    pub(super) url: &'static str,
    pub(super) data: &'static [Input],
    pub(super) schemes: &'static [Scheme],
}

const fn optional(id: &'static str) -> Input {
    Input { id, confidential: false, required: false, only_for: None }
}

const fn required(id: &'static str) -> Input {
    Input { required: true, ..optional(id) }
}

const fn secret(id: &'static str) -> Input {
    Input { confidential: true, ..optional(id) }
}

const fn password(id: &'static str) -> Input {
    Input { confidential: true, ..required(id) }
}

const fn only_for(input: Input, which: &'static str, values: &'static [&'static str]) -> Input {
    Input { only_for: Some((which, values)), ..input }
}

const SUBSCRIPTION: &[&str] = &["Subscription", "AzureMLWorkspace"];
const WORKSPACE: &[&str] = &["AzureMLWorkspace"];
const GROUP: &[&str] = &["ManagementGroup"];
const ACR: &[&str] = &["ACR"];

const AZURE_DATA: &[Input] = &[
    required("environment"),
    required("scopeLevel"),
    only_for(required("subscriptionId"), "scopeLevel", SUBSCRIPTION),
    only_for(required("subscriptionName"), "scopeLevel", SUBSCRIPTION),
    only_for(required("resourceGroupName"), "scopeLevel", WORKSPACE),
    only_for(required("mlWorkspaceName"), "scopeLevel", WORKSPACE),
    only_for(required("mlWorkspaceLocation"), "scopeLevel", WORKSPACE),
    only_for(required("managementGroupId"), "scopeLevel", GROUP),
    only_for(required("managementGroupName"), "scopeLevel", GROUP),
    optional("oboAuthorization"),
    optional("creationMode"),
    optional("azureSpnRoleAssignmentId"),
    optional("azureSpnPermissions"),
    optional("spnObjectId"),
    optional("appObjectId"),
    optional("resourceId"),
];

const AZURE_SERVICE_PRINCIPAL: &[Input] = &[
    secret("accessToken"),
    optional("role"),
    optional("scope"),
    optional("accessTokenFetchingMethod"),
    required("serviceprincipalid"),
    required("authenticationType"),
    only_for(password("serviceprincipalkey"), "authenticationType", &["spnKey"]),
    only_for(password("servicePrincipalCertificate"), "authenticationType", &["spnCertificate"]),
    required("tenantid"),
];

const AZURE_FEDERATION: &[Input] = &[
    required("tenantid"),
    required("serviceprincipalid"),
    optional("scope"),
    optional("workloadIdentityFederationIssuer"),
    optional("workloadIdentityFederationSubject"),
];

const PUBLISH_PROFILE: &[Input] =
    &[secret("publishProfile"), optional("accessTokenFetchingMethod"), secret("accessToken"), optional("tenantid")];

const DOCKER_DATA: &[Input] = &[
    required("registrytype"),
    only_for(optional("subscriptionId"), "registrytype", ACR),
    only_for(optional("subscriptionName"), "registrytype", ACR),
    only_for(optional("registryId"), "registrytype", ACR),
    only_for(optional("creationMode"), "registrytype", ACR),
    optional("spnObjectId"),
    optional("appObjectId"),
    optional("azureSpnRoleAssignmentId"),
    optional("azureSpnPermissions"),
];

const DOCKER_SERVICE_PRINCIPAL: &[Input] = &[
    secret("accessToken"),
    optional("scope"),
    optional("loginServer"),
    optional("role"),
    optional("accessTokenFetchingMethod"),
    required("serviceprincipalid"),
    required("authenticationType"),
    only_for(password("serviceprincipalkey"), "authenticationType", &["spnKey"]),
    only_for(password("servicePrincipalCertificate"), "authenticationType", &["spnCertificate"]),
    required("tenantid"),
];

const DOCKER_FEDERATION: &[Input] = &[
    required("tenantid"),
    required("serviceprincipalid"),
    required("loginServer"),
    required("scope"),
    optional("workloadIdentityFederationIssuer"),
    optional("workloadIdentityFederationSubject"),
];

const USER: &[Input] = &[optional("username"), secret("password")];
const TOKEN: &[Input] = &[password("apitoken")];

const fn scheme(name: &'static str, inputs: &'static [Input]) -> Scheme {
    Scheme { name, inputs }
}

/// The types whose inputs are looked at.
pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "azurerm",
        display: "Azure Resource Manager",
        url: "https://management.azure.com/",
        data: AZURE_DATA,
        schemes: &[
            scheme("ServicePrincipal", AZURE_SERVICE_PRINCIPAL),
            scheme("WorkloadIdentityFederation", AZURE_FEDERATION),
            scheme("ManagedServiceIdentity", &[required("tenantid")]),
            scheme("PublishProfile", PUBLISH_PROFILE),
        ],
    },
    Kind {
        name: "dockerregistry",
        display: "Docker Registry",
        url: "https://hub.docker.com/",
        data: DOCKER_DATA,
        schemes: &[
            scheme(
                "UsernamePassword",
                &[optional("registry"), required("username"), password("password"), optional("email")],
            ),
            scheme("ServicePrincipal", DOCKER_SERVICE_PRINCIPAL),
            scheme("WorkloadIdentityFederation", DOCKER_FEDERATION),
            scheme("ManagedServiceIdentity", &[required("tenantid"), required("loginServer")]),
        ],
    },
    Kind { name: "generic", display: "Generic", url: "", data: &[], schemes: &[scheme("UsernamePassword", USER)] },
    Kind {
        name: "github",
        display: "GitHub",
        url: "https://github.com",
        data: &[],
        schemes: &[scheme("OAuth2", &[]), scheme("InstallationToken", &[]), scheme("Token", &[secret("AccessToken")])],
    },
    Kind {
        name: "kubernetes",
        display: "Kubernetes",
        url: "",
        data: &[optional("authorizationType"), optional("acceptUntrustedCerts")],
        schemes: &[
            scheme("Kubernetes", &[secret("kubeconfig"), optional("clusterContext")]),
            scheme(
                "Token",
                &[secret("serviceAccountCertificate"), optional("isCreatedFromSecretYaml"), password("apitoken")],
            ),
        ],
    },
    Kind {
        name: "externalnpmregistry",
        display: "npm",
        url: "",
        data: &[],
        schemes: &[scheme("UsernamePassword", USER), scheme("Token", TOKEN)],
    },
    Kind {
        name: "externalnugetfeed",
        display: "NuGet",
        url: "",
        data: &[],
        schemes: &[scheme("None", &[secret("nugetkey")]), scheme("UsernamePassword", USER), scheme("Token", TOKEN)],
    },
    Kind { name: "ssh", display: "SSH", url: "", data: &[], schemes: &[scheme("UsernamePassword", USER)] },
];
