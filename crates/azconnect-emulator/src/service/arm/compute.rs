//! Microsoft.Compute: virtual machines with their disks, extensions and commands; sizes and images.

pub(crate) mod extension;
pub(crate) mod image;
pub(crate) mod instance_view;
pub(crate) mod machine;
pub(crate) mod machine_check;
pub(crate) mod machine_write;
pub(crate) mod run_command;
pub(crate) mod sku;
