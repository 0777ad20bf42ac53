//! The names that the service accepts for resources.

use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::arm::kind::ResourceKind;

/// Words that no resource may be called.
const RESERVED: &[&str] = &[
    "ACCESS",
    "AZURE",
    "BING",
    "BIZSPARK",
    "BIZTALK",
    "CORTANA",
    "DIRECTX",
    "DOTNET",
    "DYNAMICS",
    "EXCEL",
    "EXCHANGE",
    "FOREFRONT",
    "GROOVE",
    "HOLOLENS",
    "HYPERV",
    "KINECT",
    "LYNC",
    "MSDN",
    "O365",
    "OFFICE",
    "OFFICE365",
    "ONEDRIVE",
    "ONENOTE",
    "OUTLOOK",
    "POWERPOINT",
    "SHAREPOINT",
    "SKYPE",
    "VISIO",
    "VISUALSTUDIO",
];

/// Words that may stand nowhere in a name.
const RESERVED_ANYWHERE: &[&str] = &["LOGIN", "MICROSOFT", "WINDOWS", "XBOX"];

/// Names that no administrator of a machine may have.
const RESERVED_USERS: &[&str] = &[
    "1",
    "123",
    "a",
    "actuser",
    "adm",
    "admin",
    "admin1",
    "admin2",
    "administrator",
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
    "test",
    "test1",
    "test2",
    "test3",
    "user",
    "user1",
    "user2",
    "user3",
    "user4",
    "user5",
];

/// Refuses a name of a resource that is reserved or has the wrong form.
pub(crate) fn check(kind: ResourceKind, name: &str) -> OrRefusal<()> {
    if is_reserved(name) {
        let message = format!("The resource name '{name}' or a part of the name is a trademarked or reserved word.");
        return Err(Refusal::new(400, "ReservedResourceName", message));
    }
    match kind {
        ResourceKind::Machine => check_machine(name),
        ResourceKind::Disk => check_plain(name, 80, "disk"),
        ResourceKind::Extension | ResourceKind::RunCommand => check_plain(name, 80, "resource"),
        ResourceKind::VirtualNetwork
        | ResourceKind::Subnet
        | ResourceKind::SecurityGroup
        | ResourceKind::SecurityRule
        | ResourceKind::PublicIp
        | ResourceKind::Nic => check_network(name),
        _ => Ok(()),
    }
}

fn is_reserved(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    RESERVED.contains(&upper.as_str()) || RESERVED_ANYWHERE.iter().any(|word| upper.contains(word))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn check_network(name: &str) -> OrRefusal<()> {
    let first = name.chars().next().is_some_and(char::is_alphanumeric);
    let last = name.chars().last().is_some_and(is_word);
    let middle = name.chars().all(|c| is_word(c) || c == '.' || c == '-');
    if first && last && middle && name.chars().count() <= 80 {
        return Ok(());
    }
    Err(Refusal::new(
        400,
        "InvalidResourceName",
        format!(
            "Resource name {name} is invalid. The name can be up to 80 characters long. It must begin with a word character, and it must end with a word character or with '_'. The name may contain word characters or '.', '-', '_'."
        ),
    ))
}

fn check_machine(name: &str) -> OrRefusal<()> {
    let forbidden = |c: char| "~ ! @ # $ % ^ & * ( ) = + _ [ ] { } \\ | ; : ' \" , < > / ?".contains(c) || c == ' ';
    let sound = !name.is_empty()
        && name.chars().count() <= 64
        && !name.chars().any(forbidden)
        && !name.ends_with(['.', '-'])
        && !name.chars().all(|c| c.is_ascii_digit());
    if sound {
        return Ok(());
    }
    Err(Refusal::parameter(
        "vmName",
        "Linux host name cannot exceed 64 characters in length or contain the following characters: ` ~ ! @ # $ % ^ & * ( ) = + _ [ ] { } \\ | ; : ' \" , < > / ?. The name cannot be entirely numeric, and cannot end with '.' or '-'.",
    ))
}

fn check_plain(name: &str, longest: usize, what: &str) -> OrRefusal<()> {
    let sound = !name.is_empty()
        && name.chars().count() <= longest
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    if sound {
        return Ok(());
    }
    Err(Refusal::parameter(
        "name",
        format!("The {what} name '{name}' is invalid. It may have up to {longest} letters, digits, '.', '_' and '-'."),
    ))
}

/// Refuses a name no resource group may have.
pub(crate) fn check_group(name: &str) -> OrRefusal<()> {
    let bad: Vec<String> =
        name.chars().filter(|c| !(is_word(*c) || "-.()".contains(*c))).map(|c| c.to_string()).collect();
    let message = if !bad.is_empty() {
        format!(
            "The provided resource group name '{name}' has these invalid characters: '{}'. The name can only be a letter, digit, '-', '.', '(', ')' or '_'.",
            bad.join(",")
        )
    } else if name.chars().count() > 90 {
        format!(
            "The provided resource group name '{name}' has invalid length. The name can have at most 90 characters."
        )
    } else if name.ends_with('.') {
        format!("The provided resource group name '{name}' ends with a period. The name cannot end with a period.")
    } else {
        return Ok(());
    };
    Err(Refusal::new(400, "InvalidResourceGroup", message))
}

/// Refuses a name no administrator may have.
pub(crate) fn check_user(name: &str) -> OrRefusal<()> {
    if RESERVED_USERS.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) {
        return Err(Refusal::parameter("adminUsername", "The Admin Username specified is not allowed."));
    }
    let sound = (1..=64).contains(&name.len())
        && name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    if sound {
        return Ok(());
    }
    Err(Refusal::parameter(
        "adminUsername",
        "The Admin Username specified is not valid for Linux: it has to have 1 to 64 characters, begin with a letter or '_', and hold letters, digits, '_', '-' and '.' only.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_words_are_refused_whole_or_inside() {
        assert_eq!(check(ResourceKind::Machine, "azure").unwrap_err().code, "ReservedResourceName");
        assert_eq!(check(ResourceKind::Nic, "my-login-1").unwrap_err().code, "ReservedResourceName");
        assert!(check(ResourceKind::Machine, "azure-1").is_ok());
    }

    #[test]
    fn each_kind_has_its_form() {
        assert_eq!(check(ResourceKind::Nic, "a-").unwrap_err().code, "InvalidResourceName");
        assert!(check(ResourceKind::Nic, "a_").is_ok());
        assert!(check(ResourceKind::Machine, "42").is_err());
        assert!(check(ResourceKind::Machine, "a_b").is_err());
        assert!(check(ResourceKind::Machine, &"a".repeat(65)).is_err());
        assert!(check(ResourceKind::Machine, "vm-1.example").is_ok());
        assert_eq!(check_group("a.").unwrap_err().code, "InvalidResourceGroup");
        assert!(check_group("a b").unwrap_err().message.contains("' '"));
        assert!(check_group("Grün_(1)").is_ok());
    }

    #[test]
    fn common_user_names_are_refused() {
        assert_eq!(check_user("Admin").unwrap_err().target.as_deref(), Some("adminUsername"));
        assert!(check_user("9lives").is_err());
        assert!(check_user("azureuser").is_ok());
    }
}
