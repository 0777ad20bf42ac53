//! What only networks can do.

use azconnect_core::Error;

use super::handle::Handle;
use crate::resource::network::{Subnets, VirtualNetworks};

impl Handle<VirtualNetworks> {
    /// A subnet of it.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for a name that cannot be part of an id.
    pub fn subnet(&self, name: &str) -> Result<Handle<Subnets>, Error> {
        self.below(name)
    }
}
