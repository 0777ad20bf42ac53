//! What a product would have in its own database: whose secrets it keeps, and who may do it.

use std::collections::BTreeMap;
use std::str::FromStr;

use azconnect::core::{ClientId, Error, KeyId, Secret, SubscriptionId, TenantId};
use azconnect::devops::{OrganizationName, ProjectRef};

use crate::document::{DocumentFault, Node, parsed};
use crate::end::environment;
use crate::place::Place;

/// The product of the examples.
pub const CONTOSO_PRODUCT: &str = include_str!("../data/product.json");

/// A product: one tenant, some organizations, some applications whose secrets it keeps fresh.
#[derive(Debug)]
pub struct Product {
    /// The tenant of the applications.
    pub tenant: TenantId,
    /// The subscription that the operator's connection is kept for.
    pub subscription: SubscriptionId,
    /// Who acts on the embedded or a running emulator. On Azure, the environment says it.
    operator: Option<EmulatedOperator>,
    /// The organizations whose service connections may hold the secrets.
    pub organizations: Vec<KeptOrganization>,
    /// The applications whose secrets the product keeps.
    pub applications: Vec<KeptApplication>,
}

#[derive(Debug)]
struct EmulatedOperator {
    client: ClientId,
    /// A secret of an emulator's seed. Nothing else accepts it.
    emulator_secret: Secret,
}

/// An organization, and the projects in it.
#[derive(Clone, Debug)]
pub struct KeptOrganization {
    /// Its name, as in its address.
    pub name: String,
    /// The names or ids of its projects.
    pub projects: Vec<String>,
}

/// An application whose secret the product keeps fresh.
#[derive(Clone, Debug)]
pub struct KeptApplication {
    /// The application's client id.
    pub client: ClientId,
    /// Keys that were minted by hand and are handed over.
    pub adopt: Vec<KeyId>,
}

/// The application that the program itself signs in as.
pub struct Operator {
    /// The tenant that it signs in to.
    pub tenant: TenantId,
    /// Its client id.
    pub client: ClientId,
    /// Its client secret.
    pub secret: Secret,
}

impl Product {
    /// Reads a product: `tenant`, `subscription`, `organizations` with `name` and `projects`, `applications` with `client` and `adopt`, as in
    /// `examples/data/product.json`.
    ///
    /// # Errors
    /// The first fault, with its path, such as `product.applications[0].client`, and without any value.
    pub fn from_json(text: &str) -> Result<Self, DocumentFault> {
        let document = parsed("product", text)?;
        let root = Node::root("product", &document);
        root.only(&["tenant", "subscription", "operator", "organizations", "applications"])?;
        let tenant = root.required("tenant")?.id()?;
        let subscription = root.required("subscription")?.id()?;
        let operator = root.optional("operator").map(|node| EmulatedOperator::read(&node)).transpose()?;
        let organizations = once(&root.required("organizations")?.items()?, KeptOrganization::read, |kept| {
            kept.name.to_ascii_lowercase()
        })?;
        let applications = once(&root.required("applications")?.items()?, KeptApplication::read, |kept| kept.client)?;
        Ok(Self { tenant, subscription, operator, organizations, applications })
    }

    /// Who signs in: on Azure from `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET`, elsewhere from the
    /// product's file.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect::core::ErrorKind::InvalidInput) naming what is missing.
    pub fn operator(&self, place: &Place) -> Result<Operator, Error> {
        match &self.operator {
            Some(operator) if !place.is_azure => Ok(Operator {
                tenant: self.tenant,
                client: operator.client,
                secret: operator.emulator_secret.duplicate(),
            }),
            _ => Ok(Operator {
                tenant: id_in("AZURE_TENANT_ID")?,
                client: id_in("AZURE_CLIENT_ID")?,
                secret: Secret::new(environment("AZURE_CLIENT_SECRET")?),
            }),
        }
    }
}

/// An id in the environment, whose complaints name the variable.
fn id_in<T: FromStr<Err = Error>>(variable: &str) -> Result<T, Error> {
    environment(variable)?.parse().map_err(|error: Error| error.with_field(variable))
}

/// Reads every item of a list, and refuses one that is there already: what is listed twice would be worked on twice.
fn once<T, K: Ord>(
    items: &[Node<'_>],
    read: impl Fn(&Node<'_>) -> Result<T, DocumentFault>,
    key: impl Fn(&T) -> K,
) -> Result<Vec<T>, DocumentFault> {
    let mut seen: BTreeMap<K, String> = BTreeMap::new();
    let mut all = Vec::new();
    for item in items {
        let one = read(item)?;
        if let Some(first) = seen.insert(key(&one), item.path().to_owned()) {
            return Err(item.wrong(format!("names the same as {first}"), "list each once"));
        }
        all.push(one);
    }
    Ok(all)
}

impl EmulatedOperator {
    fn read(node: &Node<'_>) -> Result<Self, DocumentFault> {
        node.only(&["client", "emulatorSecret"])?;
        Ok(Self {
            client: node.required("client")?.id()?,
            emulator_secret: Secret::new(node.required("emulatorSecret")?.text()?),
        })
    }
}

impl KeptOrganization {
    fn read(node: &Node<'_>) -> Result<Self, DocumentFault> {
        node.only(&["name", "projects"])?;
        let name = node.required("name")?;
        OrganizationName::new(name.text()?)
            .map_err(|error| name.wrong("is not an organization's name", error.advice()))?;
        let project = |item: &Node<'_>| {
            ProjectRef::new(item.text()?).map_err(|error| item.wrong("is not a project's name", error.advice()))?;
            Ok(item.text()?.to_owned())
        };
        let projects = once(&node.required("projects")?.items()?, project, |project| project.to_lowercase())?;
        Ok(Self { name: name.text()?.to_owned(), projects })
    }
}

impl KeptApplication {
    fn read(node: &Node<'_>) -> Result<Self, DocumentFault> {
        node.only(&["client", "adopt"])?;
        let adopt = match node.optional("adopt") {
            Some(list) => once(&list.items()?, |item| item.id(), |key: &KeyId| *key)?,
            None => Vec::new(),
        };
        Ok(Self { client: node.required("client")?.id()?, adopt })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn fault(change: impl FnOnce(&mut Value)) -> DocumentFault {
        let mut document: Value = serde_json::from_str(CONTOSO_PRODUCT).unwrap();
        change(&mut document);
        Product::from_json(&document.to_string()).unwrap_err()
    }

    #[test]
    fn the_product_of_the_examples_is_read() {
        let product = Product::from_json(CONTOSO_PRODUCT).unwrap();
        assert_eq!((product.organizations.len(), product.applications.len()), (2, 4));
        assert_eq!(product.applications[0].adopt.len(), 1);
    }

    #[test]
    fn a_fault_is_told_by_the_path_of_its_field() {
        let client = "a0000000-0000-4000-8000-000000000002";
        for (fault, path) in [
            (fault(|all| all["tenant"] = json!("nonsense")), "product.tenant"),
            (fault(|all| all["tenant"] = json!(null)), "product.tenant"),
            (fault(|all| all["subscription"] = json!("nonsense")), "product.subscription"),
            (fault(|all| all["colour"] = json!(1)), "product.colour"),
            (fault(|all| all["organizations"][1]["name"] = json!("a/b")), "product.organizations[1].name"),
            (fault(|all| all["organizations"][0]["projects"] = json!("Web")), "product.organizations[0].projects"),
            (fault(|all| all["applications"][3]["client"] = json!(5)), "product.applications[3].client"),
            (fault(|all| all["applications"][0]["adopt"][0] = json!("x")), "product.applications[0].adopt[0]"),
            (fault(|all| all["applications"][2]["client"] = json!(client)), "product.applications[2]"),
            (fault(|all| all["organizations"][1]["name"] = json!("Contoso")), "product.organizations[1]"),
            (fault(|all| all["operator"] = json!([])), "product.operator"),
        ] {
            assert_eq!(fault.path, path);
            let error = Error::from(fault);
            assert!(error.field() == Some(path) && !error.advice().is_empty(), "{error}");
            assert_eq!(error.to_string().matches(path).count(), 1, "{error}");
        }
    }

    #[test]
    fn a_secret_in_a_wrong_place_is_never_shown() {
        let secret = "kQ48Q~a.secret-that-was-pasted";
        let places = [
            "/tenant",
            "/subscription",
            "/operator",
            "/operator/client",
            "/organizations",
            "/organizations/0",
            "/organizations/0/name",
            "/organizations/0/projects",
            "/applications",
            "/applications/0",
            "/applications/0/client",
            "/applications/0/adopt",
            "/applications/0/adopt/0",
        ];
        for place in places {
            let error = Error::from(fault(|all| *all.pointer_mut(place).unwrap() = json!(secret)));
            let told = format!("{error} {error:?} {}", error.advice());
            assert!(!told.contains("Q~") && !told.contains("pasted"), "{place}: {told}");
        }
        for place in ["", "/operator", "/organizations/0", "/applications/0"] {
            let error = Error::from(fault(|all| all.pointer_mut(place).unwrap()[secret] = json!(1)));
            assert!(!format!("{error:?}").contains("Q~"), "as a name at {place:?}: {error:?}");
        }
        let broken = Error::from(Product::from_json(&format!("{{\"tenant\": {secret}")).unwrap_err());
        assert!(!format!("{broken:?}").contains("Q~"), "{broken:?}");
    }
}
