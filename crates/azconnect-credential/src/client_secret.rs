//! What a client secret cannot look like.

use azconnect_core::{Error, KeyId, Secret};

/// Refuses a text that cannot be a client secret, before anything is sent or stored.
///
/// The portal shows a secret's *Secret ID* beside its *Value*, and people paste the wrong one: that is a GUID, and no
/// client secret is.
///
/// # Errors
/// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) naming the field `client_secret`, without the text.
pub fn check_client_secret(secret: &Secret) -> Result<(), Error> {
    let text = secret.expose();
    let refuse = |message: &str, advice: &str| Err(Error::invalid("client_secret", message).with_advice(advice));
    if text.is_empty() {
        return refuse("is empty", "paste the Value of the secret, which the portal shows once, when it is created");
    }
    // Before the check for spaces: an ID that was pasted with a space beside it still gets the advice that helps.
    if text.trim().parse::<KeyId>().is_ok() {
        return refuse(
            "looks like the ID of a secret, not like its value",
            "paste the Value of the secret, not its Secret ID; if the Value is no longer shown, create a new secret",
        );
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return refuse(
            "contains a space, line break or control character",
            "paste the Value alone, without spaces around it",
        );
    }
    if let Some(mark) = text.chars().find(|c| is_invisible(*c)) {
        let message = format!("contains an invisible character (U+{:04X})", u32::from(mark));
        return refuse(&message, "copy the Value once more with the button beside it in the portal, or type it");
    }
    Ok(())
}

/// Whether a character takes no room and is no white space: Unicode's format characters, and the like of them. Pages bring them
/// along with what is copied from them, and no secret holds one.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{115f}' | '\u{1160}'
        | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_a_blank_and_a_stray_space_are_refused_without_being_shown() {
        for text in ["", "1272a66f-e2e8-4e88-ab43-487409186c3f", " 1272A66F-e2e8-4e88-ab43-487409186c3f\n", "abc~def "]
        {
            let error = check_client_secret(&Secret::new(text)).unwrap_err();
            assert_eq!(error.field(), Some("client_secret"));
            assert!(text.is_empty() || !format!("{error:?}{error}").contains(text));
        }
    }

    #[test]
    fn what_entra_generates_is_taken() {
        assert!(check_client_secret(&Secret::new("Abc8Q~.x_Y-0123456789abcdefghijklmnopqrst")).is_ok());
    }
}
