//! What a plan may name: only what belongs to its own provisioning, whoever wrote the plan.

use azconnect_core::{Effect, Error, ErrorKind, SecretId};

use super::id::ProvisionId;
use super::plan::{Names, ProvisionPlan};
use crate::spec::{AgentInstall, ExtensionScript};

impl ProvisionId {
    /// The name under which the private key is sealed, `machine/ID/ssh`.
    pub(super) fn key_secret(&self) -> Result<SecretId, Error> {
        SecretId::new(format!("machine/{self}/ssh"))
    }

    /// The name under which a script for [`ExtensionScript::Sealed`] is to be sealed, `machine/ID/script:NAME`. No other
    /// sealed secret ever gets into this machine, whatever a specification or a journal says. Another script takes another
    /// name.
    ///
    /// ```
    /// let id = azconnect_arm::ProvisionId::new("contoso/web")?;
    /// assert_eq!(id.script_secret("agent-1")?.as_str(), "machine/contoso/web/script:agent-1");
    /// # Ok::<(), azconnect_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) unless the name consists of letters, digits, `.`, `_` and `-`.
    pub fn script_secret(&self, name: &str) -> Result<SecretId, Error> {
        // Without a slash or a colon, so that the script of no other id can have the same name.
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) {
            return Err(Error::invalid("agent_script", "has a name that is empty or not plain")
                .with_advice("name the script with letters, digits, . _ or -"));
        }
        SecretId::new(format!("machine/{self}/script:{name}"))
    }

    fn owns_script(&self, secret: &SecretId) -> bool {
        let name = secret.as_str().rsplit_once("script:").map(|(_, name)| name).unwrap_or_default();
        self.script_secret(name).is_ok_and(|own| own == *secret)
    }
}

/// A part of a plan that is not its own: the field, and what is wrong with it.
type Foreign = (&'static str, &'static str);

impl ProvisionPlan {
    /// Refuses a plan of the caller that names what belongs to another provisioning.
    pub(super) fn check_own(&self) -> Result<(), Error> {
        let script = || self.foreign_script().map(|(_, message)| ("agent_script", message));
        match script().or_else(|| self.foreign_part(&self.id)) {
            None => Ok(()),
            Some((field, message)) => Err(Error::invalid(field, message).with_advice(
                "leave the plan's names as they are, and seal the script under ProvisionId::script_secret",
            )),
        }
    }

    /// Refuses a plan that was read under a name and names what belongs to another provisioning: the journal was changed.
    pub(super) fn check_read(&self, id: &ProvisionId) -> Result<(), Error> {
        self.foreign_part(id).map_or(Ok(()), |foreign| Err(changed(foreign)))
    }

    /// Refuses a plan that was read as that of a fleet's machine, and is not.
    pub(super) fn check_member(&self, id: &ProvisionId, fleet: &ProvisionId) -> Result<(), Error> {
        if !self.part.is_machine() || !fleet.member(&self.spec.name).is_ok_and(|own| own == *id) {
            return Err(changed(("plan.id", "is not the name of a machine of this fleet")));
        }
        self.check_read(id)
    }

    /// Refuses a plan that was read and would have another owner's secret opened and sent into the machine. It is no
    /// part of [`check_read`](Self::check_read): a machine whose script was sealed under a name of the caller's, as
    /// earlier versions allowed, can still be handed over and deleted.
    pub(super) fn check_script_read(&self) -> Result<(), Error> {
        self.foreign_script().map_or(Ok(()), |foreign| Err(changed(foreign)))
    }

    fn foreign_part(&self, id: &ProvisionId) -> Option<Foreign> {
        if self.id != *id {
            Some(("plan.id", "is the name of another provisioning"))
        } else if !id.key_secret().is_ok_and(|own| own == self.key) {
            Some(("plan.key", "is not the name of this provisioning's own key"))
        } else if !Names::all_of(id, self.subscription, &self.spec).contains(&self.names) {
            Some(("plan.names", "are not the names that follow from this provisioning's own"))
        } else {
            None
        }
    }

    fn foreign_script(&self) -> Option<Foreign> {
        match self.spec.agent.as_ref().and_then(AgentInstall::extension_script) {
            Some(ExtensionScript::Sealed(secret)) if !self.id.owns_script(secret) => {
                Some(("plan.agent_script", "is sealed under a name that is not this provisioning's own"))
            }
            _ => None,
        }
    }
}

/// The error for a journal that names what is not its own.
fn changed((field, message): Foreign) -> Error {
    Error::new(ErrorKind::Corrupt, message)
        .with_field(field)
        .with_effect(Effect::None)
        .with_advice("the journal was changed: restore it from a backup, and find out who can write to it")
}

#[cfg(test)]
mod tests {
    use azconnect_core::ResourceGroupName;
    use proptest::prelude::*;

    use super::*;
    use crate::spec::{GroupChoice, VmSpec};

    fn id(text: &str) -> ProvisionId {
        ProvisionId::new(text).unwrap()
    }

    #[test]
    fn a_script_s_name_is_a_plain_word() {
        assert!(id("a").script_secret("agent-1.sh").is_ok());
        for bad in ["", "a/b", "a:b", "a b", "é"] {
            assert_eq!(id("a").script_secret(bad).unwrap_err().field(), Some("agent_script"), "{bad}");
        }
    }

    #[test]
    fn a_fleet_s_journal_names_its_own_machines_only() {
        let group = GroupChoice::Create(ResourceGroupName::new("rg").unwrap());
        let spec = VmSpec::new("web", "westeurope", "Standard_B2s", "Ubuntu2404".parse().unwrap(), group).unwrap();
        let subscription = "20000000-0000-4000-8000-000000000001".parse().unwrap();
        let plan = |name: &str| ProvisionPlan::new(id(name), subscription, spec.clone()).unwrap();
        plan("shop/web").check_member(&id("shop/web"), &id("shop")).unwrap();
        for foreign in [plan("other/web"), plan("shop/api"), ProvisionPlan { key: plan("a").key, ..plan("shop/web") }] {
            assert_eq!(foreign.check_member(&foreign.id, &id("shop")).unwrap_err().kind(), ErrorKind::Corrupt);
        }
    }

    /// Earlier versions cut no name, and a network that exists already was never sent one that is too long.
    #[test]
    fn a_machine_whose_long_names_were_not_cut_is_still_known() {
        let group = GroupChoice::Create(ResourceGroupName::new("rg").unwrap());
        let spec = VmSpec::new(&"m".repeat(64), "westeurope", "Standard_B2s", "Ubuntu2404".parse().unwrap(), group);
        let subscription = "20000000-0000-4000-8000-000000000001".parse().unwrap();
        let mut plan = ProvisionPlan::new(id("a"), subscription, spec.unwrap()).unwrap();
        let [now, former] = Names::all_of(&plan.id, plan.subscription, &plan.spec);
        assert_ne!(now, former);
        for names in [now, former.clone()] {
            plan.names = names;
            plan.check_read(&id("a")).unwrap();
        }
        plan.names = Names { network: former.network.replace("vnet", "other"), ..former };
        assert_eq!(plan.check_read(&id("a")).unwrap_err().field(), Some("plan.names"));
    }

    proptest! {
        #[test]
        fn no_two_provisionings_share_a_name(
            one in "[a-c/:.]{1,12}(script:[ab])?", other in "[a-c/:.]{1,12}(script:[ab])?", name in "[ab]", another in "[ab]"
        ) {
            prop_assume!(one != other);
            let (one, other) = (id(&one), id(&other));
            let secrets = |id: &ProvisionId, name: &str| [id.key_secret().unwrap(), id.script_secret(name).unwrap()];
            let theirs = secrets(&other, &another);
            for secret in secrets(&one, &name) {
                prop_assert!(!theirs.contains(&secret), "{secret}");
            }
            prop_assert!(!one.owns_script(&theirs[1]) && !one.owns_script(&theirs[0]));
        }
    }
}
