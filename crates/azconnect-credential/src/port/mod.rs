//! What a product calls, as ports: narrow and object-safe.

mod account_lending;
mod bindings;
mod checks;
mod connections;
mod expiry;
mod expiry_survey;
mod linked_accounts;
mod records;
mod tenant_settings;

pub use account_lending::{AccountLending, FitRequest, Lent};
pub use bindings::BindingRecords;
pub use checks::{CheckedConnection, ConnectionChecks};
pub use connections::{ConnectRequest, Connected, ConnectionKeeper, NewSecret};
pub use expiry::{CrossingPage, ExpiryWatch, OpenCrossing, Standing, StandingPage};
pub use expiry_survey::{ExpirySurvey, ExpiryWatchExt};
pub use linked_accounts::{Linked, LinkedAccounts};
pub use records::{ConnectionChange, ConnectionPage, ConnectionQuery, ConnectionRecords};
pub use tenant_settings::{
    ActingChoice, NewPersonalToken, SettingsOutcome, TenantSettingsKeeper, TenantSettingsRequest,
};
