//! Which resources a list shows, and with what.

use azconnect_core::Error;

/// Which resources of a group are listed: those of a type, those with a tag, or by a filter of one's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceQuery {
    filter: Option<String>,
    expand: Option<String>,
}

impl ResourceQuery {
    /// All resources.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those of a type, such as `Microsoft.Compute/disks`.
    #[must_use]
    pub fn of_type(self, kind: &str) -> Self {
        self.with_filter(format!("resourceType eq {}", quoted(kind)))
    }

    /// Those with a tag of this name and value. The service takes a filter on tags by itself only, so that this one replaces
    /// any other.
    #[must_use]
    pub fn with_tag(self, name: &str, value: &str) -> Self {
        self.with_filter(format!("tagName eq {} and tagValue eq {}", quoted(name), quoted(value)))
    }

    /// A filter as the service reads it (`$filter`), in place of any other.
    #[must_use]
    pub fn with_filter(mut self, filter: impl Into<String>) -> Self {
        self.filter = Some(filter.into());
        self
    }

    /// Also reads when each was made and changed, and how its last write stands.
    #[must_use]
    pub fn expanded(mut self) -> Self {
        self.expand = Some("createdTime,changedTime,provisioningState".to_owned());
        self
    }

    /// The parameters of the address, after `api-version`.
    pub(crate) fn parameters(&self) -> Result<Vec<(&'static str, &str)>, Error> {
        let filter = self.filter.as_deref();
        if filter
            .is_some_and(|filter| filter.trim().is_empty() || filter.len() > 2000 || filter.contains(char::is_control))
        {
            return Err(Error::invalid("filter", "is empty, too long, or holds control characters")
                .with_advice("give a filter such as resourceType eq 'Microsoft.Compute/disks'"));
        }
        let both = [("$filter", filter), ("$expand", self.expand.as_deref())];
        Ok(both.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
    }
}

/// A text in a filter. Its quotes are doubled, as OData wants it: a single one would end the text.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_in_a_value_ends_no_text() {
        let query = ResourceQuery::new().with_tag("owner", "it's' or true").expanded();
        assert_eq!(
            query.parameters().unwrap(),
            [
                ("$filter", "tagName eq 'owner' and tagValue eq 'it''s'' or true'"),
                ("$expand", "createdTime,changedTime,provisioningState")
            ]
        );
        assert_eq!(ResourceQuery::new().with_filter(" ").parameters().unwrap_err().field(), Some("filter"));
    }
}
