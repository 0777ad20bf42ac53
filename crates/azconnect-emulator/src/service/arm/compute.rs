//! Microsoft.Compute: virtual machines with their disks, extensions and commands; sizes and images.

mod disk_check;
pub(super) mod disk_members;
pub(super) mod extension;
pub(super) mod gallery;
mod gallery_members;
mod handler_image;
pub(super) mod identity;
pub(super) mod image;
pub(super) mod instance_view;
pub(super) mod machine;
pub(super) mod machine_check;
mod machine_members;
pub(super) mod machine_write;
mod origin;
pub(super) mod run_action;
pub(super) mod run_command;
mod security_check;
pub(super) mod sku;
pub(super) mod spot;
mod windows_check;
mod zone_check;
