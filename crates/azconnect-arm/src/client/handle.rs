//! The handle of a resource: reading, writing and deleting, the same for every kind.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use azconnect_core::{Clock, Error};
use azconnect_http::{Call, StoredOperation, json};
use http::Method;
use serde::Serialize;

use super::arm::Arm;
use super::pending::Pending;
use crate::error::is_absent;
use crate::resource::{Kind, ResourceId};

/// One resource of a kind, which may or may not exist. Cheap to clone.
pub struct Handle<K> {
    pub(super) arm: Arm,
    id: ResourceId,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kind> Handle<K> {
    pub(super) fn new(arm: Arm, id: ResourceId) -> Self {
        Self { arm, id, kind: PhantomData }
    }

    /// The clock by which waiting is measured.
    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        self.arm.clock()
    }

    /// The id of the resource.
    pub fn id(&self) -> &ResourceId {
        &self.id
    }

    /// The name of the resource, the last part of its id.
    pub fn name(&self) -> &str {
        self.id.name()
    }

    /// Reads the resource.
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) if it does not exist; the service's refusal otherwise.
    pub async fn get(&self) -> Result<K::View, Error> {
        self.arm.read(self.call(K::GET, Method::GET, &[], &[])?).await
    }

    /// Reads the resource; `None` if it does not exist.
    ///
    /// # Errors
    /// As [`Handle::get`], except that absence is not an error.
    pub async fn find(&self) -> Result<Option<K::View>, Error> {
        match self.get().await {
            Ok(view) => Ok(Some(view)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates or replaces the resource (`PUT`). Idempotent: the same body sent again changes nothing. After a lost
    /// answer the write may have been applied.
    ///
    /// # Errors
    /// The service's refusal, with class and advice as in [`Fault`](crate::Fault).
    pub async fn create(&self, body: &(impl Serialize + Sync)) -> Result<Pending<K::View>, Error> {
        self.write(K::CREATE, Method::PUT, body).await
    }

    /// Changes what the body names and nothing else (`PATCH`). Idempotent.
    ///
    /// # Errors
    /// As [`Handle::create`].
    pub async fn update(&self, body: &(impl Serialize + Sync)) -> Result<Pending<K::View>, Error> {
        self.write(K::UPDATE, Method::PATCH, body).await
    }

    /// Deletes the resource. Idempotent: deleting what does not exist succeeds.
    ///
    /// # Errors
    /// As [`Handle::create`].
    pub async fn delete(&self) -> Result<Pending<()>, Error> {
        self.delete_with(&[]).await
    }

    pub(super) async fn delete_with(&self, query: &[(&str, &str)]) -> Result<Pending<()>, Error> {
        let call = self.call(K::DELETE, Method::DELETE, &[], query)?;
        match self.arm.begin(call.clone()).await {
            Ok(begun) => Ok(Pending::begun(self.arm.clone(), call, begun, |_| Ok(()))),
            // Gone is what was asked for; a repetition after a lost answer finds it so.
            Err(error) if is_absent(&error) => Ok(Pending::absent(self.arm.clone(), call)),
            Err(error) => Err(error),
        }
    }

    /// Takes over a creation or change that another process began. It polls before it pauses.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) if the address of this resource cannot be built;
    /// [`Corrupt`](azconnect_core::ErrorKind::Corrupt) if an address of the operation is not of this client's Resource Manager, or its
    /// resource is another. Nothing was sent.
    pub fn resume(&self, operation: StoredOperation) -> Result<Pending<K::View>, Error> {
        // Of this call a poll takes the operation's name and the authorization only, so it fits a change as well.
        let call = self.call(K::CREATE, Method::PUT, &[], &[])?;
        let operation = operation.resume(&call)?;
        Ok(Pending::resumed(self.arm.clone(), call, operation, json))
    }

    /// Takes over a deletion that another process began. It polls before it pauses.
    ///
    /// # Errors
    /// As [`Handle::resume`].
    pub fn resume_delete(&self, operation: StoredOperation) -> Result<Pending<()>, Error> {
        let call = self.call(K::DELETE, Method::DELETE, &[], &[])?;
        let operation = operation.resume(&call)?;
        Ok(Pending::resumed(self.arm.clone(), call, operation, |_| Ok(())))
    }

    async fn write(
        &self,
        operation: &'static str,
        method: Method,
        body: &impl Serialize,
    ) -> Result<Pending<K::View>, Error> {
        let call = Arm::with_body(self.call(operation, method, &[], &[])?, body)?;
        let begun = self.arm.begin(call.clone()).await?;
        Ok(Pending::begun(self.arm.clone(), call, begun, json))
    }

    /// A call to this resource or to something below it.
    pub(super) fn call(
        &self,
        operation: &'static str,
        method: Method,
        rest: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Call, Error> {
        let query: Vec<_> = [("api-version", K::API)].into_iter().chain(query.iter().copied()).collect();
        Ok(self.arm.call(operation, method, self.arm.url(&self.id, rest, &query)?))
    }

    /// The handle of a child of this resource, such as a subnet of a network.
    pub(super) fn below<C: Kind>(&self, name: &str) -> Result<Handle<C>, Error> {
        Ok(Handle::new(self.arm.clone(), self.id.child(C::TYPE, name)?))
    }
}

impl<K> Clone for Handle<K> {
    fn clone(&self) -> Self {
        Self { arm: self.arm.clone(), id: self.id.clone(), kind: PhantomData }
    }
}

impl<K> fmt::Debug for Handle<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.id).finish()
    }
}
