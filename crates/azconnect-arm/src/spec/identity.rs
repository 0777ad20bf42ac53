//! The managed identities that a machine gets.

use azconnect_core::Error;

use crate::resource::ResourceId;

/// Checks the ids of user-assigned identities.
pub(super) fn check_identities(identities: &[ResourceId]) -> Result<(), Error> {
    for (position, id) in identities.iter().enumerate() {
        let parts: Vec<&str> = id.segments().collect();
        let is_one = match parts.as_slice() {
            [subscriptions, _, groups, _, providers, namespace, kind, _] => {
                let words = [*subscriptions, *groups, *providers, *namespace, *kind];
                let wanted = [
                    "subscriptions",
                    "resourceGroups",
                    "providers",
                    "Microsoft.ManagedIdentity",
                    "userAssignedIdentities",
                ];
                words.iter().zip(wanted).all(|(word, wanted)| word.eq_ignore_ascii_case(wanted))
            }
            _ => false,
        };
        if !is_one {
            return Err(Error::invalid("identity", "is not the id of a user-assigned managed identity").with_advice(
                "give an id of the form /subscriptions/…/resourceGroups/…/providers/Microsoft.ManagedIdentity/userAssignedIdentities/NAME",
            ));
        }
        if identities.iter().take(position).any(|other| other.is(id)) {
            return Err(Error::invalid("identity", format!("{} is named twice", id.name()))
                .with_advice("name each identity once"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_of_user_assigned_identities_are_taken_each_once() {
        let id = |text: &str| ResourceId::parse(text).unwrap();
        let base = "/subscriptions/20000000-0000-4000-8000-000000000001/resourceGroups/ids/providers";
        let one = id(&format!("{base}/Microsoft.ManagedIdentity/userAssignedIdentities/app"));
        let same = id(&format!("{base}/microsoft.managedidentity/USERASSIGNEDIDENTITIES/App"));
        assert!(check_identities(std::slice::from_ref(&one)).is_ok());
        for bad in [vec![id(&format!("{base}/Microsoft.Compute/virtualMachines/app"))], vec![one, same]] {
            assert_eq!(check_identities(&bad).unwrap_err().field(), Some("identity"));
        }
    }
}
