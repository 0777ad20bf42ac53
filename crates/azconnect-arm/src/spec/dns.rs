//! The label under which a public address has a name in Azure's own domain.

use azconnect_core::Error;

/// Checks a label: `^[a-z][a-z0-9-]{1,61}[a-z0-9]$`, and there is an address that it names.
pub(super) fn check_dns_label(label: Option<&str>, has_address: bool) -> Result<(), Error> {
    let Some(label) = label else { return Ok(()) };
    if !has_address {
        return Err(Error::invalid("dns_label", "is given for a machine without a public address")
            .with_advice("give the machine a public address, or leave the label out"));
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let sound = (3..=63).contains(&label.len())
        && label.starts_with(|c: char| c.is_ascii_lowercase())
        && label.ends_with(plain)
        && label.chars().all(|c| plain(c) || c == '-');
    if sound {
        return Ok(());
    }
    Err(Error::invalid("dns_label", "is no label of a name").with_advice(
        "use 3 to 63 lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_what_the_service_takes() {
        let long = "a".repeat(63);
        for good in ["web", "w-1", "a2c", long.as_str()] {
            assert!(check_dns_label(Some(good), true).is_ok(), "{good}");
        }
        let longer = "a".repeat(64);
        for bad in ["", "we", "1web", "-web", "web-", "Web", "we_b", "w.b", longer.as_str()] {
            assert_eq!(check_dns_label(Some(bad), true).unwrap_err().field(), Some("dns_label"), "{bad}");
        }
        assert_eq!(check_dns_label(Some("web"), false).unwrap_err().field(), Some("dns_label"));
        assert!(check_dns_label(None, false).is_ok());
    }
}
