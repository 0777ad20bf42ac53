//! The names that the service refuses, checked before it is asked.
//!
//! Follows Microsoft's *Naming rules and restrictions for Azure resources* and *Resolve errors for reserved resource
//! names*.

use azconnect_core::Error;

/// Words that a name may not hold anywhere.
const RESERVED_PARTS: &[&str] = &["microsoft", "windows"];

/// Words that a name may not begin with.
const RESERVED_STARTS: &[&str] = &["login", "xbox"];

/// Words that may not be the whole name, though a part of it.
const RESERVED: &[&str] = &[
    "access",
    "azure",
    "bing",
    "bizspark",
    "biztalk",
    "cortana",
    "directx",
    "dotnet",
    "dynamics",
    "excel",
    "exchange",
    "forefront",
    "groove",
    "hololens",
    "hyperv",
    "kinect",
    "lync",
    "msdn",
    "o365",
    "office",
    "office365",
    "onedrive",
    "onenote",
    "outlook",
    "powerpoint",
    "sharepoint",
    "skype",
    "visio",
    "visualstudio",
];

/// Names of administrators that the service refuses.
const RESERVED_ADMINS: &[&str] = &[
    "administrator",
    "admin",
    "user",
    "user1",
    "test",
    "user2",
    "test1",
    "user3",
    "admin1",
    "1",
    "123",
    "a",
    "actuser",
    "adm",
    "admin2",
    "aspnet",
    "backup",
    "console",
    "david",
    "guest",
    "john",
    "owner",
    "root",
    "server",
    "sql",
    "support",
    "support_388945a0",
    "sys",
    "test2",
    "test3",
    "user4",
    "user5",
];

/// Checks the name of a Linux machine, which is its host name as well: 1 to 64 letters, digits and hyphens, not beginning
/// or ending with a hyphen, and without a reserved word.
///
/// # Errors
/// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the rule that it breaks.
pub(super) fn check_machine_name(name: &str) -> Result<(), Error> {
    let wrong = |message: &str| {
        Err(Error::invalid("machine_name", message)
            .with_advice("use 1 to 64 letters, digits and hyphens, beginning and ending with a letter or digit"))
    };
    // The names of disks and interfaces are built from it, and have room for 80.
    if name.is_empty() || name.len() > 64 {
        return wrong("must have 1 to 64 characters");
    }
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return wrong("holds something else than letters, digits and hyphens");
    }
    if name.starts_with('-') || name.ends_with('-') {
        return wrong("begins or ends with a hyphen");
    }
    if name.chars().all(|c| c.is_ascii_digit()) {
        return wrong("is a number");
    }
    check_reserved("machine_name", name)
}

/// Checks that a name holds no reserved word.
pub(crate) fn check_reserved(field: &str, name: &str) -> Result<(), Error> {
    let lower = name.to_ascii_lowercase();
    let part = RESERVED_PARTS.iter().find(|word| lower.contains(**word));
    let start = RESERVED_STARTS.iter().find(|word| lower.starts_with(**word));
    let whole = RESERVED.iter().find(|word| lower == **word);
    match part.or(start).or(whole) {
        Some(word) => Err(Error::invalid(field, format!("holds the reserved word {word:?}"))
            .with_advice("choose a name without the names of Microsoft's products")),
        None => Ok(()),
    }
}

/// Checks the name of a machine's administrator: 1 to 32 lower-case letters, digits, hyphens and underscores, beginning
/// with a letter, and none that the service refuses.
///
/// # Errors
/// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the rule that it breaks.
pub(super) fn check_admin_name(name: &str) -> Result<(), Error> {
    let wrong = |message: &str| {
        Err(Error::invalid("administrator_name", message)
            .with_advice("use a letter followed by up to 31 lower-case letters, digits, - or _, such as azureuser"))
    };
    if name.is_empty() || name.len() > 32 {
        return wrong("must have 1 to 32 characters");
    }
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return wrong("does not begin with a lower-case letter");
    }
    if !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c)) {
        return wrong("holds something else than lower-case letters, digits, - and _");
    }
    if RESERVED_ADMINS.contains(&name) {
        return wrong("is one of the names that the service refuses");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_the_service_refuses_are_refused_here() {
        for bad in ["", "-a", "a-", "a_b", "a.b", "123", "my-microsoft-vm", "login-1", "Office365", &"x".repeat(65)] {
            assert!(check_machine_name(bad).is_err(), "{bad:?}");
        }
        for good in ["web", "web-01", "W2", "0a"] {
            assert!(check_machine_name(good).is_ok(), "{good:?}");
        }
        for bad in ["root", "admin", "Azure", "1a", "a b", ""] {
            assert!(check_admin_name(bad).is_err(), "{bad:?}");
        }
        assert!(check_admin_name("azureuser").is_ok());
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_a_host_name(name in "\\PC{0,70}") {
            if check_machine_name(&name).is_ok() {
                prop_assert!(name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
            }
        }
    }
}
