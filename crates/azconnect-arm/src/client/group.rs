//! Resource groups and what is in them.

use std::fmt;

use azconnect_core::{Error, ResourceGroupName};
use http::Method;
use serde_json::Value;

use super::handle::Handle;
use super::pending::Pending;
use crate::error::fault_of_text;
use crate::resource::compute::VirtualMachines;
use crate::resource::group::{GenericResource, ResourceGroups};
use crate::resource::network::{Disks, NetworkInterfaces, NetworkSecurityGroups, PublicIps, VirtualNetworks};
use crate::resource::{Kind, RESOURCES_API, ResourceId};

/// One resource group, which may or may not exist, and the way to what is in it.
#[derive(Clone)]
pub struct Group {
    handle: Handle<ResourceGroups>,
    name: ResourceGroupName,
}

impl Group {
    pub(super) fn new(handle: Handle<ResourceGroups>, name: ResourceGroupName) -> Self {
        Self { handle, name }
    }

    /// The handle of the group itself, to read, create and delete it.
    pub fn handle(&self) -> &Handle<ResourceGroups> {
        &self.handle
    }

    /// The id of the group, `/subscriptions/…/resourceGroups/NAME`.
    pub fn id(&self) -> &ResourceId {
        self.handle.id()
    }

    /// The name of the group.
    pub fn name(&self) -> &ResourceGroupName {
        &self.name
    }

    /// The resources in the group. The list lags: what was created a moment ago may be missing, and what was deleted
    /// may still be shown.
    ///
    /// # Errors
    /// The service's refusal.
    pub async fn resources(&self) -> Result<Vec<GenericResource>, Error> {
        let arm = &self.handle.arm;
        let url = arm.url(self.id(), &["resources"], &[("api-version", RESOURCES_API)])?;
        arm.list(arm.call("arm.resource_group.resources", Method::GET, url)).await
    }

    /// The handle of a network security group in the group. Nothing is sent.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for a name that cannot be part of an id.
    pub fn network_security_group(&self, name: &str) -> Result<Handle<NetworkSecurityGroups>, Error> {
        self.resource(name)
    }

    /// The handle of a virtual network in the group. Nothing is sent.
    ///
    /// # Errors
    /// As [`Group::network_security_group`].
    pub fn virtual_network(&self, name: &str) -> Result<Handle<VirtualNetworks>, Error> {
        self.resource(name)
    }

    /// The handle of a public address in the group. Nothing is sent.
    ///
    /// # Errors
    /// As [`Group::network_security_group`].
    pub fn public_ip(&self, name: &str) -> Result<Handle<PublicIps>, Error> {
        self.resource(name)
    }

    /// The handle of a network interface in the group. Nothing is sent.
    ///
    /// # Errors
    /// As [`Group::network_security_group`].
    pub fn network_interface(&self, name: &str) -> Result<Handle<NetworkInterfaces>, Error> {
        self.resource(name)
    }

    /// The handle of a managed disk in the group. Nothing is sent.
    ///
    /// # Errors
    /// As [`Group::network_security_group`].
    pub fn disk(&self, name: &str) -> Result<Handle<Disks>, Error> {
        self.resource(name)
    }

    /// The handle of a virtual machine in the group. Nothing is sent.
    ///
    /// # Errors
    /// As [`Group::network_security_group`].
    pub fn virtual_machine(&self, name: &str) -> Result<Handle<VirtualMachines>, Error> {
        self.resource(name)
    }

    fn resource<K: Kind>(&self, name: &str) -> Result<Handle<K>, Error> {
        Ok(Handle::new(self.handle.arm.clone(), self.id().provider(K::TYPE, name)?))
    }

    /// Asks the service whether a template could be deployed, without deploying it. Works for an identity that may act
    /// in this group only.
    ///
    /// # Errors
    /// What the service finds wrong with the template, or its refusal to look.
    pub async fn validate(&self, name: &str, template: &Value) -> Result<(), Error> {
        let arm = &self.handle.arm;
        let segments = ["providers", "Microsoft.Resources", "deployments", name, "validate"];
        let url = arm.url(self.id(), &segments, &[("api-version", RESOURCES_API)])?;
        let body = serde_json::json!({"properties": {"mode": "Incremental", "template": template}});
        let call = arm
            .call("arm.deployment.validate", Method::POST, url)
            // A `POST` that deploys nothing: asking twice has no effect twice.
            .with_idempotency(azconnect_http::Idempotency::Idempotent)
            .with_json(&body)?;
        let begun = match arm.begin(call.clone()).await? {
            // The verdict is a result of its own, not a resource at the address that was written to.
            azconnect_http::Begun::Running(operation) => {
                azconnect_http::Begun::Running(operation.with_finish(azconnect_http::Finish::Location))
            }
            done => done,
        };
        let pending = Pending::begun(arm.clone(), call, begun, |answer| Ok(answer.body().clone()));
        let answer = pending.wait().await?;
        let verdict: Value = serde_json::from_slice(&answer).unwrap_or_default();
        // A template that is refused may come as a success whose body holds the error.
        match verdict.get("error") {
            Some(error) if error.is_object() => {
                Err(fault_of_text(arm.dialect(), error.to_string().as_bytes()).in_operation("arm.deployment.validate"))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Group").field(self.id()).finish()
    }
}
