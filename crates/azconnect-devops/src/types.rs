//! The types of connection that an organization offers.

use azconnect_core::Error;
use azconnect_http::Call;
use serde::{Deserialize, Serialize};

use crate::organization::Organization;
use crate::tolerant::List;

/// How many bytes of the list of types are read at most: with many extensions it takes about 3 MB.
const TYPES_BYTES: usize = 16 * 1024 * 1024;

/// A type of connection. Every field but the name may be absent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all(deserialize = "camelCase"))]
#[non_exhaustive]
pub struct EndpointType {
    /// The type's name, such as `azurerm`.
    pub name: String,
    /// The name that the portal shows, such as `Azure Resource Manager`.
    #[serde(default)]
    pub display_name: Option<String>,
    /// The authorization schemes that the type offers.
    #[serde(default = "Vec::new", deserialize_with = "crate::tolerant::list")]
    pub authentication_schemes: Vec<EndpointScheme>,
    /// The fields that a connection of this type has in `data`.
    #[serde(default = "Vec::new", deserialize_with = "crate::tolerant::list")]
    pub input_descriptors: Vec<EndpointInput>,
}

/// An authorization scheme of a type of connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all(deserialize = "camelCase"), default)]
#[non_exhaustive]
pub struct EndpointScheme {
    /// The scheme's name, such as `ServicePrincipal`.
    pub scheme: Option<String>,
    /// The name that the portal shows for the scheme.
    pub display_name: Option<String>,
    /// The fields that the scheme has in `authorization.parameters`.
    #[serde(deserialize_with = "crate::tolerant::list")]
    pub input_descriptors: Vec<EndpointInput>,
}

/// A field that a connection has in `data` or in `authorization.parameters`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all(deserialize = "camelCase"), default)]
#[non_exhaustive]
pub struct EndpointInput {
    /// The field's key in the document, such as `tenantid`.
    pub id: Option<String>,
    /// The name that the portal shows for the field.
    pub name: Option<String>,
    /// Whether its value is a secret, which the service masks in what it returns.
    #[serde(deserialize_with = "crate::tolerant::or_default")]
    pub is_confidential: bool,
}

impl EndpointType {
    /// The keys of a scheme's parameters that hold secrets, which the service masks.
    pub fn confidential_parameters(&self, scheme: &str) -> impl Iterator<Item = &str> {
        self.authentication_schemes
            .iter()
            .filter(move |own| own.scheme.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(scheme)))
            .flat_map(|scheme| &scheme.input_descriptors)
            .filter(|input| input.is_confidential)
            .filter_map(|input| input.id.as_deref())
    }
}

impl Organization {
    /// The types of connection on offer, all or those of a name and scheme. Idempotent, without effect.
    ///
    /// # Errors
    /// [`Unauthenticated`](azconnect_core::ErrorKind::Unauthenticated) for someone who is no member.
    pub async fn endpoint_types(
        &self,
        type_name: Option<&str>,
        scheme: Option<&str>,
    ) -> Result<Vec<EndpointType>, Error> {
        let query: Vec<_> = [("type", type_name), ("scheme", scheme)]
            .into_iter()
            .filter_map(|(name, value)| value.map(|value| (name, value)))
            .collect();
        let url = self.url(&["_apis", "serviceendpoint", "types"], &query)?;
        let call = Call::get("devops.endpoint.types", url).with_answer_limit(TYPES_BYTES);
        let types: List<EndpointType> = self.read(call).await?;
        Ok(types.value)
    }
}
