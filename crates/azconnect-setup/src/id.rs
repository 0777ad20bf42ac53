//! The name of one setup.

azconnect_core::name_id!(
    /// The name that the product gives a setup, such as `contoso`: its journal's stream is `setup/NAME`.
    SetupId,
    "setup id"
);
