//! How answers are read: what is absent or null is the empty value, and what is unknown is skipped. A view is written
//! with the names of its Rust fields, which are stable.

use serde::{Deserialize, Deserializer};

macro_rules! views {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, Default, serde::Deserialize, serde::Serialize)]
            #[serde(default, rename_all(deserialize = "camelCase"))]
            #[non_exhaustive]
            pub struct $name {
                $(
                    $(#[$field_doc])*
                    #[serde(deserialize_with = "crate::resource::view::nullable")]
                    pub $field: $type,
                )*
            }
        )*
    };
}
pub(super) use views;

pub(super) fn nullable<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
#[expect(unreachable_pub, reason = "the macro is for public types")]
mod tests {
    views! {
        /// A thing.
        Thing {
            /// Names.
            names: Vec<String>,
            /// A number.
            number: u32,
        }
    }

    #[test]
    fn null_absent_and_unknown_are_all_accepted() {
        let thing: Thing = serde_json::from_str(r#"{"names":null,"other":{"a":1}}"#).unwrap();
        assert!(thing.names.is_empty() && thing.number == 0);
    }
}
