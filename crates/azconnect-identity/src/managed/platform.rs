//! Where this process runs, as far as signing in needs it.

use std::fmt;
use std::sync::Arc;

use azconnect_http::{Call, Pipeline};

use super::budget::{Budget, Budgeted};
use super::imds_retry::ImdsRetry;
use crate::local_files::{LocalFiles, SystemFiles};

/// Where this process runs: the way to the services that the platform offers it, and to its files.
///
/// Make one for a process, and clones of it: they share the budget of the metadata service, which bears 20 requests for tokens
/// a second, and 5 at a time.
#[derive(Clone)]
pub struct Platform {
    pipeline: Pipeline,
    imds: Pipeline,
    budget: Arc<Budget>,
    files: Arc<dyn LocalFiles>,
}

impl Platform {
    /// The platform, reached through a pipeline. Its requests go through no proxy.
    pub fn new(pipeline: Pipeline) -> Self {
        let budget = Arc::new(Budget::new(Arc::clone(pipeline.clock())));
        let transport = Budgeted::new(Arc::clone(pipeline.transport()), Arc::clone(&budget));
        let imds = pipeline.clone().with_transport(Arc::new(transport)).with_retry(Arc::new(ImdsRetry));
        Self { pipeline, imds, budget, files: Arc::new(SystemFiles) }
    }

    /// Sets what reads the files of this machine.
    #[must_use]
    pub fn with_files(mut self, files: Arc<dyn LocalFiles>) -> Self {
        self.files = files;
        self
    }

    pub(super) fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// The way to the metadata service of a virtual machine for tokens, with its own rules of repetition, and a place for each
    /// request.
    pub(super) fn imds(&self) -> &Pipeline {
        &self.imds
    }

    pub(super) fn files(&self) -> &dyn LocalFiles {
        &*self.files
    }

    /// A call that shares the budget of the metadata service.
    pub(super) fn paced(&self, call: Call) -> Call {
        call.with_pace(Arc::clone(&self.budget) as Arc<dyn azconnect_http::Pace>)
    }
}

impl fmt::Debug for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Platform").finish_non_exhaustive()
    }
}
