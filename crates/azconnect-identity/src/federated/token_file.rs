//! A token in a file that somebody else keeps fresh.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{Error, ErrorKind, Secret};

use super::jwt::{LONGEST, no_token, signed_token};
use super::source::AssertionSource;
use crate::local_files::{LocalFiles, SystemFiles};

/// A token in a file, such as the one that Kubernetes projects into a pod. It is read at each sign-in, since it is replaced
/// long before it ends.
///
/// Document: Microsoft's *Microsoft Entra Workload ID*, `AZURE_FEDERATED_TOKEN_FILE`.
#[derive(Clone, Debug)]
pub struct TokenFile {
    path: PathBuf,
    files: Arc<dyn LocalFiles>,
}

impl TokenFile {
    /// The token in a file of this machine. Nothing is read yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), files: Arc::new(SystemFiles) }
    }

    /// Sets what reads the file.
    #[must_use]
    pub fn with_files(mut self, files: Arc<dyn LocalFiles>) -> Self {
        self.files = files;
        self
    }
}

#[async_trait]
impl AssertionSource for TokenFile {
    /// The file's token, whatever the audience: whoever writes the file has chosen it.
    ///
    /// # Errors
    /// As [`LocalFiles::read`], and [`Corrupt`](ErrorKind::Corrupt) for what is no signed token; with the field `token_file`.
    async fn assertion(&self, _: &str) -> Result<Secret, Error> {
        let whose = || format!("the file {}", self.path.display());
        let token = match self.files.read(&self.path, LONGEST).await {
            Ok(text) if text.expose().trim().is_empty() => {
                Err(Error::new(ErrorKind::Corrupt, format!("{} is empty", whose()))
                    .with_effect(azconnect_core::Effect::None))
            }
            Ok(text) => signed_token(&text).ok_or_else(|| no_token(&whose())),
            Err(error) => Err(error),
        };
        token.map_err(|error| {
            error.with_field("token_file").in_operation("federated.token_file").with_advice(
                "check that the path is the one that the token is projected to, and that this process may read it; in \
                 Kubernetes, that the pod has the label azure.workload.identity/use and a service account of its own",
            )
        })
    }
}
