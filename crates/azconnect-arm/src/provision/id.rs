//! The name of a provisioning.

azconnect_core::name_id!(
    /// The name of one provisioning, chosen by the caller: unique for each machine, such as `contoso/web-1`.
    ProvisionId, "provision id"
);
