//! Lists in pages.

use serde_json::{Value, json};

use super::context::{Context, Reply};
use crate::model::arm::resource::Resource;
use crate::model::world::World;

/// One page of a list; the link to the next is on the caller's own origin.
pub(crate) fn page(cx: &Context<'_>, world: &World, items: Vec<Value>) -> Reply {
    let skip = cx.call.query.number("$skiptoken").unwrap_or(0);
    let size = cx.call.query.number("$top").filter(|top| *top > 0).unwrap_or(world.settings.resource_manager.page_size);
    let more = items.len() > skip.saturating_add(size);
    let value: Vec<Value> = items.into_iter().skip(skip).take(size).collect();
    let mut body = json!({"value": value});
    if let (true, Some(map)) = (more, body.as_object_mut()) {
        let mut query: Vec<String> = cx
            .call
            .query
            .0
            .iter()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("$skiptoken"))
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect();
        query.push(format!("%24skiptoken={}", skip + size));
        map.insert("nextLink".to_owned(), json!(format!("{}{}?{}", &cx.call.origin, path(cx), query.join("&"))));
    }
    Reply::new(200, body)
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The path of a request, put together again.
fn path(cx: &Context<'_>) -> String {
    let mut path = cx.address.scope.clone();
    if let Some(namespace) = &cx.address.namespace {
        path.push_str("/providers/");
        path.push_str(namespace);
    }
    for part in &cx.address.rest {
        path.push('/');
        path.extend(percent_encoding::utf8_percent_encode(part, percent_encoding::NON_ALPHANUMERIC).map(|piece| {
            match piece {
                "%2D" => "-",
                "%2E" => ".",
                "%5F" => "_",
                other => other,
            }
        }));
    }
    path
}

/// A filter on a tag, or on the type of resources.
pub(crate) struct Filter {
    tag: Option<(String, Option<String>)>,
    kind: Option<String>,
}

impl Filter {
    pub(crate) fn accepts(&self, resource: &Resource) -> bool {
        let tags = resource.document.get("tags");
        let tag = self.tag.as_ref().is_none_or(|(name, value)| {
            let own = tags.and_then(|tags| tags.get(name)).and_then(Value::as_str);
            own.is_some_and(|own| value.as_deref().is_none_or(|value| own == value))
        });
        tag && self.kind.as_ref().is_none_or(|kind| resource.kind().full().eq_ignore_ascii_case(kind))
    }
}

/// Reads `tagName eq 'a' and tagValue eq 'b'` and `resourceType eq 'c'`.
pub(crate) fn tag_filter(text: &str) -> Option<Filter> {
    let value = |name: &str| {
        let start = text.to_ascii_lowercase().find(&name.to_ascii_lowercase())?;
        let rest = text.get(start + name.len()..)?.trim_start().strip_prefix("eq")?.trim_start().strip_prefix('\'')?;
        rest.split('\'').next().map(str::to_owned)
    };
    let tag = value("tagName").map(|name| (name, value("tagValue")));
    let kind = value("resourceType");
    (tag.is_some() || kind.is_some()).then_some(Filter { tag, kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read() {
        let filter = tag_filter("tagName eq 'owner' and tagValue eq 'a b'").unwrap();
        assert_eq!(filter.tag, Some(("owner".to_owned(), Some("a b".to_owned()))));
        assert_eq!(
            tag_filter("resourceType eq 'Microsoft.Compute/disks'").unwrap().kind.unwrap(),
            "Microsoft.Compute/disks"
        );
        assert!(tag_filter("substringof('x', name)").is_none());
    }
}
