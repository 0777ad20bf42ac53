//! Delegated permission grants, one for each client and resource, with all scopes in one text.

use azconnect_core::{Error, ErrorKind, PrincipalObjectId, Retry};
use azconnect_http::{Call, Idempotency, PageStyle, Pages};
use http::Method;
use serde::Deserialize;
use serde_json::json;

use crate::client::{GraphClient, needing};
use crate::dialect::{AbsenceDialect, GraphDialect};

/// How many grants of one application are read at most.
const MOST_READ: usize = 10_000;

const NEEDED: &str = "grant the caller DelegatedPermissionGrant.ReadWrite.All on Microsoft Graph, as a Privileged Role \
                      Administrator, or have such an administrator consent in the portal";

/// A grant as it is listed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Grant {
    id: String,
    consent_type: String,
    #[serde(rename = "resourceId")]
    pub(super) resource: PrincipalObjectId,
    #[serde(default)]
    scope: Option<String>,
}

impl Grant {
    pub(super) fn is_for_everybody(&self) -> bool {
        self.consent_type == "AllPrincipals"
    }

    /// Its scopes, which stand between spaces, and often with one at either end.
    pub(super) fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scope.as_deref().unwrap_or_default().split_whitespace()
    }
}

impl GraphClient {
    pub(super) async fn grants(&self, client: PrincipalObjectId) -> Result<Vec<Grant>, Error> {
        let filter = format!("clientId eq '{client}'");
        let url = self.address(&["oauth2PermissionGrants"], &[("$filter", &filter)])?;
        let call = self.read_call("graph.consent.list_scopes", url);
        Pages::new(&self.pipeline, call, &GraphDialect, PageStyle::NextLink).all(MOST_READ).await
    }

    pub(super) async fn grant_scope(
        &self,
        client: PrincipalObjectId,
        resource: PrincipalObjectId,
        scope: &str,
    ) -> Result<(), Error> {
        const OPERATION: &str = "graph.consent.grant_scope";
        if let Some(grant) = self.grant_for_everybody(client, resource).await? {
            return self.add_scope(&grant, scope).await;
        }
        let body = json!({"clientId": client, "consentType": "AllPrincipals", "resourceId": resource, "scope": scope});
        let url = self.address(&["oauth2PermissionGrants"], &[])?;
        let call = Call::new(OPERATION, Method::POST, url, Idempotency::Idempotent).with_json(&body)?;
        let error = match self.change(self.prepared(call), &GraphDialect).await {
            Ok(_) => return Ok(()),
            Err(error) => needing(NEEDED, error),
        };
        if error.kind() != ErrorKind::Conflict || error.retry() != Retry::No {
            return Err(error);
        }
        // There is one after all: the list lagged behind it, or our own answer was lost. It may lack the scope.
        match self.grant_for_everybody(client, resource).await? {
            Some(grant) => self.add_scope(&grant, scope).await,
            None => Err(error.with_retry(Retry::Backoff).with_advice("do the same again when the list has caught up")),
        }
    }

    pub(super) async fn revoke_scope(
        &self,
        client: PrincipalObjectId,
        resource: PrincipalObjectId,
        scope: &str,
    ) -> Result<(), Error> {
        let Some(grant) = self.grant_for_everybody(client, resource).await? else { return Ok(()) };
        let left: Vec<&str> = grant.scopes().filter(|known| *known != scope).collect();
        if left.len() == grant.scopes().count() {
            return Ok(());
        }
        if left.is_empty() {
            let url = self.address(&["oauth2PermissionGrants", &grant.id], &[])?;
            let call = self.prepared(Call::delete("graph.consent.revoke_scope", url));
            let outcome = self.pipeline.execute(call, &AbsenceDialect).await;
            return outcome.map(drop).map_err(|error| needing(NEEDED, error));
        }
        self.write_scopes(&grant, &left.join(" ")).await
    }

    async fn grant_for_everybody(
        &self,
        client: PrincipalObjectId,
        resource: PrincipalObjectId,
    ) -> Result<Option<Grant>, Error> {
        let grants = self.grants(client).await?;
        Ok(grants.into_iter().find(|grant| grant.is_for_everybody() && grant.resource == resource))
    }

    async fn add_scope(&self, grant: &Grant, scope: &str) -> Result<(), Error> {
        if grant.scopes().any(|known| known == scope) {
            return Ok(());
        }
        let all: Vec<&str> = grant.scopes().chain([scope]).collect();
        self.write_scopes(grant, &all.join(" ")).await
    }

    async fn write_scopes(&self, grant: &Grant, scopes: &str) -> Result<(), Error> {
        let url = self.address(&["oauth2PermissionGrants", &grant.id], &[])?;
        let call = Call::new("graph.consent.set_scopes", Method::PATCH, url, Idempotency::Idempotent);
        let call = self.prepared(call.with_json(&json!({ "scope": scopes }))?);
        self.change(call, &GraphDialect).await.map(drop).map_err(|error| needing(NEEDED, error))
    }
}
