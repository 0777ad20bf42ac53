//! Microsoft.Compute: virtual machines with their disks, extensions and commands; sizes and images.

pub(super) mod extension;
pub(super) mod image;
pub(super) mod instance_view;
pub(super) mod machine;
pub(super) mod machine_check;
pub(super) mod machine_write;
pub(super) mod run_command;
pub(super) mod sku;
