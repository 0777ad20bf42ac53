//! Service principals: their reading, making and deleting.

mod service_principal;
mod writes;

pub use service_principal::ServicePrincipal;
