//! The service's own check of a template, which deploys nothing and knows the policies.

use azconnect_core::Error;
use azconnect_http::{Begun, Finish, Idempotency};
use http::Method;
use serde_json::{Value, json};

use super::arm::Arm;
use super::group::Group;
use super::pending::Pending;
use super::subscription::Subscription;
use crate::error::fault_of_text;
use crate::resource::{RESOURCES_API, ResourceId};

impl Group {
    /// Asks the service whether a template could be deployed, without deploying it. Works for an identity that may act
    /// in this group only.
    ///
    /// # Errors
    /// What the service finds wrong with the template, or its refusal to look.
    pub async fn validate(&self, name: &str, template: &Value) -> Result<(), Error> {
        let properties = json!({"mode": "Incremental", "template": template});
        validate(&self.handle().arm, self.id(), name, &json!({"properties": properties})).await
    }
}

impl Subscription {
    /// Asks the service whether a template of the subscription could be deployed, such as one that creates a resource group,
    /// without deploying it. The region is that of the deployment itself.
    ///
    /// # Errors
    /// As [`Group::validate`].
    pub async fn validate(&self, name: &str, location: &str, template: &Value) -> Result<(), Error> {
        let properties = json!({"mode": "Incremental", "template": template});
        let body = json!({"location": location, "properties": properties});
        validate(self.arm(), self.scope(), name, &body).await
    }
}

async fn validate(arm: &Arm, scope: &ResourceId, name: &str, body: &Value) -> Result<(), Error> {
    let segments = ["providers", "Microsoft.Resources", "deployments", name, "validate"];
    let url = arm.url(scope, &segments, &[("api-version", RESOURCES_API)])?;
    let call = arm
        .call("arm.deployment.validate", Method::POST, url)
        // A `POST` that deploys nothing: asking twice has no effect twice.
        .with_idempotency(Idempotency::Idempotent)
        .with_json(body)?;
    let begun = match arm.begin(call.clone()).await? {
        // The verdict is a result of its own, not a resource at the address that was written to.
        Begun::Running(operation) => Begun::Running(operation.with_finish(Finish::Location)),
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
