//! What a product would have in its own database: whose secrets it keeps, and who may do it.

use azconnect::core::{ClientId, Error, KeyId, Secret, TenantId};
use serde::Deserialize;

use crate::end::environment;
use crate::place::Place;

/// The product of the examples.
pub const CONTOSO_PRODUCT: &str = include_str!("../data/product.json");

/// A product: one tenant, some organizations, some applications whose secrets it keeps fresh.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// The tenant of the applications.
    pub tenant: TenantId,
    /// Who acts on the embedded or a running emulator. On Azure, the environment says it.
    #[serde(default)]
    operator: Option<EmulatedOperator>,
    /// The organizations whose service connections may hold the secrets.
    pub organizations: Vec<KeptOrganization>,
    /// The applications whose secrets the product keeps.
    pub applications: Vec<KeptApplication>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct EmulatedOperator {
    client: ClientId,
    /// A secret of an emulator's seed. Nothing else accepts it.
    emulator_secret: Secret,
}

/// What is wrong with a product's file. It converts into [`Error`], so `?` passes it on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProductFault {
    /// The text is not JSON.
    #[error("{0}")]
    NotJson(serde_json::Error),
    /// A field is missing, not known, or holds something else than it should.
    #[error("{0}")]
    WrongField(serde_json::Error),
}

impl From<ProductFault> for Error {
    fn from(fault: ProductFault) -> Self {
        Self::invalid("product", fault.to_string())
            .with_advice(
                "give tenant, organizations, and applications with client and adopt, as in examples/data/product.json",
            )
            .with_source(fault)
    }
}

/// An organization, and the projects in it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptOrganization {
    /// The application's name, for a person.
    pub name: String,
    /// The names or ids of its projects.
    pub projects: Vec<String>,
}

/// An application whose secret the product keeps fresh.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptApplication {
    /// The application's client id.
    pub client: ClientId,
    /// Keys that were minted by hand and are handed over.
    #[serde(default)]
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
    /// Reads a product.
    ///
    /// # Errors
    /// Whether the text is no JSON or no product, and where.
    pub fn from_json(text: &str) -> Result<Self, ProductFault> {
        serde_json::from_str(text).map_err(|error| match error.is_data() {
            true => ProductFault::WrongField(error),
            false => ProductFault::NotJson(error),
        })
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
                tenant: environment("AZURE_TENANT_ID")?.parse()?,
                client: environment("AZURE_CLIENT_ID")?.parse()?,
                secret: Secret::new(environment("AZURE_CLIENT_SECRET")?),
            }),
        }
    }
}
