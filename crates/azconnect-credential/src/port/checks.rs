//! The port that checks connections, before they are kept and later.

use async_trait::async_trait;
use azconnect_core::Error;

use crate::check_report::CheckReport;
use crate::connection_form::ConnectionForm;
use crate::port::Connected;
use crate::record::{ConnectionId, LastCheck};

/// What became of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckedConnection {
    /// Everything that was looked at.
    pub report: CheckReport,
    /// The connection, if it was kept.
    pub connected: Option<Connected>,
}

impl CheckedConnection {
    /// A form of which nothing was kept.
    pub fn refused(report: CheckReport) -> Self {
        Self { report, connected: None }
    }

    /// A form whose connection was kept.
    pub fn kept(report: CheckReport, connected: Connected) -> Self {
        Self { report, connected: Some(connected) }
    }

    /// Whether the connection was kept.
    pub fn is_kept(&self) -> bool {
        self.connected.is_some()
    }
}

/// Looks at everything that a connection needs, all at once and without effects at the service.
///
/// What every implementation does, and the suite `azconnect_testkit::conformance::connection_checks` checks:
/// - every cause is named, not the first alone: what needs another check to pass is
///   [`Skipped`](crate::CheckStatus::Skipped) with that reason, and what is independent goes on;
/// - what could not be found out is [`Unknown`](crate::CheckStatus::Unknown), and no check waits without end;
/// - a form is kept if nothing failed and the check of the secret ([`ConnectionCheck::Secret`](crate::ConnectionCheck::Secret))
///   passed; else nothing is;
/// - a check of a connection is noted in its record, unless the connection became another one meanwhile;
/// - a check of a connection looks at all that the form named, the organization of Azure DevOps too;
/// - no report holds the secret, whatever a service or a person says.
#[async_trait]
pub trait ConnectionChecks: Send + Sync {
    /// Checks a form. Nothing is kept.
    async fn check_form(&self, form: &ConnectionForm) -> CheckReport;

    /// Checks a form, and keeps the connection in the same call if nothing stands in the way.
    ///
    /// # Errors
    /// If a store fails, and [`Conflict`](azconnect_core::ErrorKind::Conflict) if the name was taken meanwhile. What is wrong
    /// with the form is in the report.
    ///
    /// # Cancel safety
    /// As [`ConnectionKeeper::connect`](crate::ConnectionKeeper::connect).
    async fn connect_checked(&self, form: &ConnectionForm) -> Result<CheckedConnection, Error>;

    /// Checks a connection that there is, and keeps what was found as the last check of its record.
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) if there is none of that name; else if its secret cannot be read.
    async fn check(&self, id: &ConnectionId) -> Result<LastCheck, Error>;
}
