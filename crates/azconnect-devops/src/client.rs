//! The client: what all organizations have in common.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use azconnect_core::Cloud;
use azconnect_http::{Authorizer, Call, Pipeline};
use http::{HeaderName, HeaderValue};
use url::Url;
use uuid::Uuid;

use crate::pace::Budget;

const FED_AUTH_REDIRECT: HeaderName = HeaderName::from_static("x-tfs-fedauthredirect");
const SESSION: HeaderName = HeaderName::from_static("x-tfs-session");

/// A client of Azure DevOps. Cheap to clone; clones share budgets and the session id.
///
/// Every call carries `X-TFS-FedAuthRedirect: Suppress`, so that bad authentication is answered as such where the
/// service respects it, and one `X-TFS-Session` per client, by which the service's support finds the calls.
#[derive(Clone)]
pub struct DevOpsClient(Arc<Inner>);

struct Inner {
    pipeline: Pipeline,
    authorizer: Arc<dyn Authorizer>,
    devops: Url,
    identity: Url,
    profile: Url,
    session: HeaderValue,
    budgets: Mutex<HashMap<String, Arc<Budget>>>,
}

impl DevOpsClient {
    /// A client of a cloud's Azure DevOps that signs with `authorizer`: [`PersonalAccessToken`](crate::PersonalAccessToken),
    /// or [`Bearer`](azconnect_http::Bearer) with [`Cloud::devops_scope`].
    pub fn new(pipeline: Pipeline, cloud: &Cloud, authorizer: Arc<dyn Authorizer>) -> Self {
        // A GUID's text is always a header's value; an empty session would only be harder to find.
        let session = HeaderValue::from_str(&Uuid::new_v4().to_string()).unwrap_or(HeaderValue::from_static(""));
        Self(Arc::new(Inner {
            pipeline,
            authorizer,
            devops: cloud.devops().clone(),
            identity: cloud.devops_identity().clone(),
            profile: cloud.devops_profile().clone(),
            session,
            budgets: Mutex::default(),
        }))
    }

    pub(crate) fn devops(&self) -> &Url {
        &self.0.devops
    }

    pub(crate) fn identity(&self) -> &Url {
        &self.0.identity
    }

    pub(crate) fn pipeline(&self) -> &Pipeline {
        &self.0.pipeline
    }

    pub(crate) fn profile(&self) -> &Url {
        &self.0.profile
    }

    /// The same client in the name of somebody else, with budgets of its own: the service counts by caller.
    pub(crate) fn signed_by(&self, authorizer: Arc<dyn Authorizer>) -> Self {
        let Inner { pipeline, devops, identity, profile, session, .. } = &*self.0;
        Self(Arc::new(Inner {
            pipeline: pipeline.clone(),
            authorizer,
            devops: devops.clone(),
            identity: identity.clone(),
            profile: profile.clone(),
            session: session.clone(),
            budgets: Mutex::default(),
        }))
    }

    /// Adds the headers and the signature of every call.
    pub(crate) fn sign(&self, call: Call) -> Call {
        self.anonymous(call).with_authorizer(self.0.authorizer.clone())
    }

    /// Adds the headers of every call, and no signature.
    pub(crate) fn anonymous(&self, call: Call) -> Call {
        call.with_header(FED_AUTH_REDIRECT, HeaderValue::from_static("Suppress"))
            .with_header(SESSION, self.0.session.clone())
    }

    /// The budget of an organization: the same for everyone who reaches it through this client.
    pub(crate) fn budget(&self, base: &Url) -> Arc<Budget> {
        // The service reads an organization's name in any case, so two spellings share one budget.
        let key = base.as_str().to_ascii_lowercase();
        let mut budgets = self.0.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        budgets.entry(key).or_insert_with(|| Arc::new(Budget::new(self.0.pipeline.clock().clone()))).clone()
    }
}

impl fmt::Debug for DevOpsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevOpsClient").field("devops", &self.0.devops.as_str()).finish_non_exhaustive()
    }
}
