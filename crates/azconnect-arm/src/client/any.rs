//! A resource of any type, in any version of its interface: JSON in, JSON out.

use std::fmt;

use azconnect_core::{Error, ErrorKind};
use azconnect_http::{Call, Finish, Idempotency, StoredOperation};
use http::header::IF_MATCH;
use http::{HeaderValue, Method};
use serde_json::Value;

use super::arm::Arm;
use super::handle::Handle;
use super::pending::Pending;
use crate::error::is_absent;
use crate::resource::{ApiVersion, Document, Kind, ResourceId};

/// One resource of a type that this crate need not know, which may or may not exist: its id and the version of its interface
/// say all. Made by [`Arm::resource`], or of a typed [`Handle`] by [`Handle::untyped`]. Cheap to clone.
///
/// To change what no type of ours knows: read, change, write back. What was not touched stays as it was.
///
/// ```no_run
/// # async fn example(arm: azconnect_arm::Arm) -> Result<(), azconnect_core::Error> {
/// use azconnect_arm::resource::ApiVersion;
/// use azconnect_arm::ResourceId;
///
/// let id = ResourceId::parse(
///     "/subscriptions/20000000-0000-4000-8000-000000000001/resourceGroups/rg-web/providers/Microsoft.Network/natGateways/nat",
/// )?;
/// let gateway = arm.resource(id, ApiVersion::new("2025-05-01")?)?;
/// let mut document = gateway.get().await?;
/// document.value["properties"]["idleTimeoutInMinutes"] = 10.into();
/// let changed = gateway.replace(&document).await?.wait().await?;
/// assert_eq!(changed.at("/properties/idleTimeoutInMinutes"), Some(&10.into()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AnyResource {
    arm: Arm,
    id: ResourceId,
    version: ApiVersion,
}

impl Arm {
    /// The handle of a resource of any type. Nothing is sent.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) with the field `resource_id` unless the id names one resource: a resource
    /// group, or a provider's types and names in pairs.
    pub fn resource(&self, id: ResourceId, version: ApiVersion) -> Result<AnyResource, Error> {
        if !names_one_resource(&id) {
            return Err(Error::invalid("resource_id", "does not name one resource").with_advice(
                "give the id as the portal shows it: /subscriptions/…/resourceGroups/…/providers/NAMESPACE/TYPE/NAME",
            ));
        }
        // Then the advice of refusals names the subscription in its commands.
        let arm = match id.after("subscriptions").and_then(|id| id.parse().ok()) {
            Some(subscription) => self.of_subscription(subscription),
            None => self.clone(),
        };
        Ok(AnyResource { arm, id, version })
    }
}

impl<K: Kind> Handle<K> {
    /// The same resource as JSON, with the fields that its type here does not know.
    pub fn untyped(&self) -> AnyResource {
        AnyResource { arm: self.arm.clone(), id: self.id().clone(), version: ApiVersion::of_kind(K::API) }
    }
}

impl AnyResource {
    /// The id of the resource.
    pub fn id(&self) -> &ResourceId {
        &self.id
    }

    /// The version of the interface in every request.
    pub fn version(&self) -> &ApiVersion {
        &self.version
    }

    /// Reads the resource.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if it does not exist; the service's refusal otherwise.
    pub async fn get(&self) -> Result<Document, Error> {
        let call = self.call("arm.resource.get", Method::GET, None)?;
        Document::read(&self.arm.execute(call).await?).map_err(|error| error.in_operation("arm.resource.get"))
    }

    /// Reads the resource; `None` if it does not exist.
    ///
    /// # Errors
    /// As [`AnyResource::get`], except that absence is not an error.
    pub async fn find(&self) -> Result<Option<Document>, Error> {
        match self.get().await {
            Ok(document) => Ok(Some(document)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates the resource, or replaces whatever is there (`PUT`). Idempotent. After a lost answer the write may have been
    /// applied. A secret in the body is overwritten after use in this crate's memory, not in the value's own.
    ///
    /// # Errors
    /// The service's refusal, with class and advice as in [`Fault`](crate::Fault).
    pub async fn create(&self, body: &Value) -> Result<Pending<Document>, Error> {
        self.write(self.call("arm.resource.create", Method::PUT, None)?.with_json(body)?).await
    }

    /// Writes a document back that was read and changed (`PUT`). Where the service marked what was read
    /// ([`Document::etag`]), it is asked to refuse the write if somebody changed the resource since (`If-Match`); some types
    /// pass that over, and then the last writer wins. Not repeated after a lost answer: its own mark would refuse it.
    ///
    /// # Errors
    /// As [`AnyResource::create`]; [`Conflict`](ErrorKind::Conflict) if it was changed in between, or is gone: nothing was
    /// written.
    pub async fn replace(&self, document: &Document) -> Result<Pending<Document>, Error> {
        let call = self.call("arm.resource.replace", Method::PUT, None)?.with_json(&document.value)?;
        let Some(etag) = document.etag() else { return self.write(call).await };
        let etag = HeaderValue::from_str(etag)
            .map_err(|_| Error::invalid("etag", "cannot be sent").with_advice("read the resource again"))?;
        let call = call.with_header(IF_MATCH, etag).with_idempotency(Idempotency::Once);
        self.write(call).await.map_err(|error| match error.http_status() {
            Some(412) => error
                .with_kind(ErrorKind::Conflict)
                .with_message("somebody changed the resource since it was read")
                .with_advice("read it again, make the change again, and write that back"),
            _ => error,
        })
    }

    /// Changes what the body names and nothing else (`PATCH`). Idempotent. Few types know it for more than tags.
    ///
    /// # Errors
    /// As [`AnyResource::create`].
    pub async fn update(&self, body: &Value) -> Result<Pending<Document>, Error> {
        self.write(self.call("arm.resource.update", Method::PATCH, None)?.with_json(body)?).await
    }

    /// Deletes the resource. Idempotent: deleting what does not exist succeeds.
    ///
    /// # Errors
    /// As [`AnyResource::create`].
    pub async fn delete(&self) -> Result<Pending<()>, Error> {
        let call = self.call("arm.resource.delete", Method::DELETE, None)?;
        match self.arm.begin(call.clone()).await {
            Ok(begun) => Ok(Pending::begun(self.arm.clone(), call, begun, |_| Ok(()))),
            Err(error) if is_absent(&error) => Ok(Pending::absent(self.arm.clone(), call)),
            Err(error) => Err(error),
        }
    }

    /// Has the resource do something (`POST`), such as `start` or `listKeys`. The result is what the service answers, and
    /// null if it answers nothing. Sent once: nobody knows of every action whether it may be repeated.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) with the field `action` for what is no word; the service's refusal.
    pub async fn post(&self, action: &str, body: Option<&Value>) -> Result<Pending<Document>, Error> {
        let call = self.action(action)?;
        let call = match body {
            Some(body) => call.with_json(body)?,
            None => call,
        };
        let begun = match self.arm.begin(call.clone()).await? {
            azconnect_http::Begun::Running(operation) => {
                azconnect_http::Begun::Running(operation.with_finish(Finish::Location))
            }
            done => done,
        };
        Ok(Pending::begun(self.arm.clone(), call, begun, Document::read))
    }

    /// Takes over a creation or change that another process began. It polls before it pauses.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) if an address of the operation is not of this client's Resource Manager, or its
    /// resource is another. Nothing was sent.
    pub fn resume(&self, operation: StoredOperation) -> Result<Pending<Document>, Error> {
        self.resumed(self.call("arm.resource.create", Method::PUT, None)?, operation, Document::read)
    }

    /// Takes over a deletion that another process began. It polls before it pauses.
    ///
    /// # Errors
    /// As [`AnyResource::resume`].
    pub fn resume_delete(&self, operation: StoredOperation) -> Result<Pending<()>, Error> {
        self.resumed(self.call("arm.resource.delete", Method::DELETE, None)?, operation, |_| Ok(()))
    }

    /// Takes over an action that another process began. It polls before it pauses.
    ///
    /// # Errors
    /// As [`AnyResource::resume`].
    pub fn resume_post(&self, action: &str, operation: StoredOperation) -> Result<Pending<Document>, Error> {
        self.resumed(self.action(action)?, operation, Document::read)
    }

    fn resumed<T>(
        &self,
        call: Call,
        operation: StoredOperation,
        read: fn(&azconnect_http::Response) -> Result<T, Error>,
    ) -> Result<Pending<T>, Error> {
        let operation = operation.resume(&call)?;
        Ok(Pending::resumed(self.arm.clone(), call, operation, read))
    }

    async fn write(&self, call: Call) -> Result<Pending<Document>, Error> {
        let begun = self.arm.begin(call.clone()).await?;
        Ok(Pending::begun(self.arm.clone(), call, begun, Document::read))
    }

    fn action(&self, action: &str) -> Result<Call, Error> {
        if action.is_empty() || !action.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Error::invalid("action", "is not the name of an action")
                .with_advice("give one word as the documents of the type do, such as start"));
        }
        self.call("arm.resource.post", Method::POST, Some(action))
    }

    fn call(&self, operation: &'static str, method: Method, action: Option<&str>) -> Result<Call, Error> {
        let url = self.arm.url(&self.id, action.as_slice(), &[("api-version", self.version.as_str())])?;
        Ok(self.arm.call(operation, method, url))
    }
}

/// Whether an id names a resource group, or after its last `providers` a namespace and then types and names in pairs.
fn names_one_resource(id: &ResourceId) -> bool {
    let parts: Vec<&str> = id.segments().collect();
    match parts.iter().rposition(|part| part.eq_ignore_ascii_case("providers")) {
        Some(at) => {
            let after = parts.get(at + 1..).unwrap_or_default();
            after.len() >= 3 && after.len() % 2 == 1 && after.first().is_some_and(|namespace| namespace.contains('.'))
        }
        None => matches!(parts.as_slice(), [first, _, third, _]
            if first.eq_ignore_ascii_case("subscriptions") && third.eq_ignore_ascii_case("resourceGroups")),
    }
}

impl fmt::Debug for AnyResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnyResource").field(&self.id).field(&self.version).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_one_resource_or_is_refused() {
        let named = |id: &str| names_one_resource(&ResourceId::parse(id).unwrap());
        for good in [
            "/subscriptions/s/resourceGroups/g",
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/natGateways/n",
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/d",
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v/providers/Microsoft.Insights/x/y",
            "/providers/Microsoft.Management/managementGroups/root",
        ] {
            assert!(named(good), "{good}");
        }
        for bad in [
            "/subscriptions/s",
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network",
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/natGateways",
            "/subscriptions/s/resourceGroups/g/providers/natGateways/n/x",
            "/subscriptions/s/resourceGroups/g/resources",
        ] {
            assert!(!named(bad), "{bad}");
        }
    }
}
