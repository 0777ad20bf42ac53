//! Ids that parse strictly and never mix.

use crate::error::Error;
use uuid::Uuid;

/// The characters of a GUID in 8-4-4-4-12 form.
const GUID_LENGTH: usize = 36;

/// The longest name of our own making, in characters: it is part of keys in every store.
const MAX_NAME_LENGTH: usize = 200;

/// Reads a GUID in its one accepted form: 36 characters, hyphenated, not all zero.
#[doc(hidden)]
pub fn parse_guid(field: &'static str, text: &str) -> Result<Uuid, Error> {
    // The library also reads braces, URNs and a form without hyphens, which the services refuse.
    let hyphenated = text.len() == GUID_LENGTH;
    let uuid = Uuid::try_parse(text).ok().filter(|_| hyphenated).ok_or_else(|| {
        Error::invalid(path_of(field), "not a GUID").with_advice(format!(
            "give the {field} as 8-4-4-4-12 hexadecimal digits, without braces or spaces, such as 1272a66f-e2e8-4e88-ab43-487409186c3f"
        ))
    })?;
    if uuid.is_nil() {
        return Err(Error::invalid(path_of(field), "the all-zero GUID names nothing")
            .with_advice(format!("give the {field} of the real object")));
    }
    Ok(uuid)
}

/// Reads a name of our own making: 1 to 200 of `A-Z a-z 0-9 . _ : / @ -`.
#[doc(hidden)]
pub fn parse_name(field: &'static str, text: &str) -> Result<Box<str>, Error> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._:/@-".contains(c);
    if text.is_empty() || text.len() > MAX_NAME_LENGTH || !text.chars().all(allowed) {
        return Err(Error::invalid(path_of(field), "must be 1 to 200 letters, digits or . _ : / @ -")
            .with_advice(format!("choose a plain {field}")));
    }
    Ok(text.into())
}

/// The stable path of a field that is named in words: `tenant id` is `tenant_id`.
fn path_of(field: &str) -> String {
    field.replace(' ', "_")
}

/// Declares a newtype over a GUID: strict `FromStr`, `Display` in lower case, serde as text.
#[macro_export]
#[doc(hidden)]
macro_rules! guid_id {
    ($(#[$doc:meta])* $name:ident, $field:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name($crate::__private::uuid::Uuid);

        impl $name {
            /// The id as a UUID.
            pub fn as_uuid(&self) -> $crate::__private::uuid::Uuid {
                self.0
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::Error;

            fn from_str(text: &str) -> Result<Self, $crate::Error> {
                $crate::__private::parse_guid($field, text).map(Self)
            }
        }

        impl From<$crate::__private::uuid::Uuid> for $name {
            fn from(uuid: $crate::__private::uuid::Uuid) -> Self {
                Self(uuid)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(&self.0.hyphenated(), f)
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0.hyphenated())
            }
        }

        impl $crate::__private::serde::Serialize for $name {
            fn serialize<S: $crate::__private::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> $crate::__private::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::__private::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <::std::borrow::Cow<'de, str> as $crate::__private::serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err($crate::__private::serde::de::Error::custom)
            }
        }
    };
}

/// Declares a newtype over a plain name of our own: strict `FromStr`, serde as text.
#[macro_export]
#[doc(hidden)]
macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident, $field:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Box<str>);

        impl $name {
            /// Checks and takes a name.
            ///
            /// # Errors
            /// [`InvalidInput`]($crate::ErrorKind::InvalidInput) unless it is 1 to 200 of `A-Z a-z 0-9 . _ : / @ -`.
            pub fn new(name: impl AsRef<str>) -> Result<Self, $crate::Error> {
                $crate::__private::parse_name($field, name.as_ref()).map(Self)
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::Error;

            fn from_str(text: &str) -> Result<Self, $crate::Error> {
                Self::new(text)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl $crate::__private::serde::Serialize for $name {
            fn serialize<S: $crate::__private::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> $crate::__private::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::__private::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <::std::borrow::Cow<'de, str> as $crate::__private::serde::Deserialize>::deserialize(deserializer)?;
                Self::new(&*text).map_err($crate::__private::serde::de::Error::custom)
            }
        }
    };
}

guid_id!(
    /// A directory (tenant) of Microsoft Entra ID.
    TenantId, "tenant id"
);
guid_id!(
    /// An Azure subscription.
    SubscriptionId, "subscription id"
);
guid_id!(
    /// The client id (application id) of an app registration: the public name it signs in with.
    ClientId, "client id"
);
guid_id!(
    /// The object id of an app registration (`/applications/{id}`); not its client id.
    ApplicationObjectId, "application object id"
);
guid_id!(
    /// The object id of a service principal (`/servicePrincipals/{id}`), which role assignments name.
    PrincipalObjectId, "principal object id"
);
guid_id!(
    /// The id of one password or certificate of an application. Public: the portal shows it as *Secret ID*.
    KeyId, "key id"
);

/// The name of an Azure resource group: 1 to 90 letters, digits, `_ ( ) - .`, not ending with a period.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ResourceGroupName(Box<str>);

impl ResourceGroupName {
    /// Checks and takes a name, by the rules of Azure's naming document for `resourceGroups`.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) with the rule that the name breaks.
    pub fn new(name: impl AsRef<str>) -> Result<Self, Error> {
        let name = name.as_ref();
        let wrong = |message: &str| {
            Err(Error::invalid("resource_group", message)
                .with_advice("use 1 to 90 letters, digits, _ ( ) - or ., not ending with a period"))
        };
        match name.chars().count() {
            0 => return wrong("is empty"),
            1..=90 => {}
            _ => return wrong("is longer than 90 characters"),
        }
        // Letters of every script: Azure's rule for resource groups is not limited to ASCII.
        if let Some(bad) = name.chars().find(|c| !c.is_alphanumeric() && !"_()-.".contains(*c)) {
            return wrong(&format!("holds {bad:?}, which is not allowed"));
        }
        if name.ends_with('.') {
            return wrong("ends with a period");
        }
        Ok(Self(name.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ResourceGroupName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for ResourceGroupName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::new(text)
    }
}

impl serde::Serialize for ResourceGroupName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for ResourceGroupName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(&*text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn other_spellings_of_a_guid_are_refused() {
        for text in [
            "",
            "{1272a66f-e2e8-4e88-ab43-487409186c3f}",
            "1272a66fe2e84e88ab43487409186c3f",
            " 1272a66f-e2e8-4e88-ab43-487409186c3f",
            "urn:uuid:1272a66f-e2e8-4e88-ab43-487409186c3f",
            "00000000-0000-0000-0000-000000000000",
        ] {
            let error = text.parse::<ClientId>().unwrap_err();
            assert_eq!(error.field(), Some("client_id"), "{text:?}");
        }
    }

    #[test]
    fn an_id_is_shown_in_lower_case() {
        let id: TenantId = "1272A66F-E2E8-4E88-AB43-487409186C3F".parse().unwrap();
        assert_eq!(id.to_string(), "1272a66f-e2e8-4e88-ab43-487409186c3f");
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{id}\""));
    }

    #[test]
    fn resource_group_rules_hold() {
        assert!(ResourceGroupName::new("rg-web_(1).a").is_ok());
        for bad in ["", "a/b", "a.", "a b", &"x".repeat(91)] {
            assert!(ResourceGroupName::new(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "\\PC{0,80}") {
            let _ = text.parse::<TenantId>();
            let _ = ResourceGroupName::new(&text);
        }

        #[test]
        fn an_id_survives_a_round_trip(bits in 1_u128..) {
            let id = KeyId::from(Uuid::from_u128(bits));
            prop_assert_eq!(id.to_string().parse::<KeyId>().unwrap(), id);
        }
    }
}
