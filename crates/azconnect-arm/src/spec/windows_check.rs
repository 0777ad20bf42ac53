//! What holds for a Windows machine only, and what it cannot have.

use azconnect_core::Error;

use super::agent::Way;
use super::vm::VmSpec;
use crate::key::KeyKind;
use crate::resource::image::ImageProperties;

impl VmSpec {
    /// The host name of the machine.
    pub(crate) fn computer_name(&self) -> &str {
        self.windows.as_ref().and_then(|windows| windows.computer_name.as_deref()).unwrap_or(&self.name)
    }

    /// Checks that an image is of the system that the specification says.
    pub(crate) fn check_system(&self, image: &ImageProperties) -> Result<(), Error> {
        match (image.is_windows(), self.windows.is_some()) {
            (Some(true), false) => Err(Error::invalid("image", "is an image of Windows")
                .with_advice("say so with VmSpec::with_windows, or choose an image of Linux")),
            (Some(false), true) => {
                Err(Error::invalid("image", "is an image of Linux, and the machine is to have Windows")
                    .with_advice("leave VmSpec::with_windows out, or choose an image of Windows"))
            }
            _ => Ok(()),
        }
    }

    /// Checks what holds for a Windows machine only, or what it cannot have.
    pub(super) fn check_windows(&self) -> Result<(), Error> {
        let Some(windows) = &self.windows else {
            return match self.image.is_known_windows() {
                true => Err(Error::invalid("image", "is an image of Windows")
                    .with_advice("say so with VmSpec::with_windows, or choose an image of Linux")),
                false => Ok(()),
            };
        };
        check_computer_name(self.computer_name())?;
        if self.admin.len() > 20 {
            return Err(Error::invalid(
                "administrator_name",
                "has more than 20 characters, which Windows does not take",
            )
            .with_advice("choose a name of at most 20 characters"));
        }
        let zone = windows.time_zone.as_deref().unwrap_or("UTC");
        if zone.is_empty()
            || zone.len() > 64
            || zone.chars().any(|c| !(c.is_ascii_alphanumeric() || " .-+".contains(c)))
        {
            return Err(Error::invalid("time_zone", "is not the name of a time zone")
                .with_advice("give a name that Windows has, such as W. Europe Standard Time"));
        }
        if self.public_key.is_some() || self.key != KeyKind::default() {
            return Err(Error::invalid(
                "public_key",
                "cannot be used with Windows, whose administrator has a password",
            )
            .with_advice("leave the key out: a password is made, and Provisioner::admin_password gives it"));
        }
        if self.cloud_config.is_some() {
            return Err(Error::invalid("user_data", "is for cloud-init, which Windows does not have")
                .with_advice("leave the cloud-config out, and set the machine up by AgentInstall::extension"));
        }
        match self.agent.as_ref().map(|agent| &agent.way) {
            Some(Way::CloudInit(_)) => {
                Err(Error::invalid("agent_script", "is for cloud-init, which Windows does not have")
                    .with_advice("install the agent with a PowerShell script by AgentInstall::extension"))
            }
            _ => Ok(()),
        }
    }
}

fn check_computer_name(name: &str) -> Result<(), Error> {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let ends = name.starts_with('-') || name.ends_with('-');
    if name.is_empty() || name.len() > 15 || !plain || ends || name.chars().all(|c| c.is_ascii_digit()) {
        return Err(Error::invalid("computer_name", format!("{name:?} is not a host name that Windows takes"))
            .with_advice("set Windows::with_computer_name: 1 to 15 letters, digits and hyphens, and not a number"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{AgentInstall, GroupChoice, Windows};
    use super::*;
    use azconnect_core::ResourceGroupName;

    fn spec(name: &str) -> VmSpec {
        let group = GroupChoice::Create(ResourceGroupName::new("rg-web").unwrap());
        VmSpec::new(name, "westeurope", "Standard_D2s_v5", "Win2022AzureEdition".parse().unwrap(), group).unwrap()
    }

    #[test]
    fn what_windows_cannot_have_is_refused_by_its_field() {
        let field = |spec: VmSpec| spec.check().unwrap_err().field().map(str::to_owned).unwrap();
        let windows = || spec("web").with_windows(Windows::new());
        assert!(windows().check().is_ok());
        assert_eq!(field(spec("web")), "image", "Windows, and nobody said so");
        assert_eq!(field(spec("web-server-number-1").with_windows(Windows::new())), "computer_name");
        let named = Windows::new().with_computer_name("web-1");
        assert!(spec("web-server-number-1").with_windows(named).check().is_ok());
        assert_eq!(field(windows().with_admin("a12345678901234567890", KeyKind::Ed25519)), "administrator_name");
        assert_eq!(
            field(
                windows().with_public_key(
                    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2FJdmPVbGpZFm3W8Wg2nuxZKbDmYBTrVX9ovBWZ4fG"
                )
            ),
            "public_key"
        );
        assert_eq!(field(windows().with_admin("azureuser", KeyKind::Rsa4096)), "public_key");
        assert_eq!(field(windows().with_cloud_config("#cloud-config\n")), "user_data");
        assert_eq!(field(windows().with_agent(AgentInstall::cloud_init("#!/bin/sh\n"))), "agent_script");
        assert_eq!(field(spec("web").with_windows(Windows::new().with_time_zone("<x>"))), "time_zone");
    }
}
