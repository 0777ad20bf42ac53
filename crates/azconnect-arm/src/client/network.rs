//! The methods that only a virtual network has.

use azconnect_core::Error;

use super::handle::Handle;
use crate::resource::network::{Subnets, VirtualNetworks};

impl Handle<VirtualNetworks> {
    /// The handle of a subnet of the network. Nothing is sent.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for a name that cannot be part of an id.
    pub fn subnet(&self, name: &str) -> Result<Handle<Subnets>, Error> {
        self.below(name)
    }
}
