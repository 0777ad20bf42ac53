//! The expressions of templates: read, and given their values.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::base::dice::{hash, named_guid};
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::arm::address::{group_id, resource_id};
use crate::model::arm::kind::ResourceKind;
use crate::model::world::World;
use crate::service::arm::view;

/// The code of an expression that refers to something that is not there yet.
pub(crate) const NOT_YET: &str = "ReferenceNotReady";

/// What expressions may speak of.
pub(crate) struct Evaluator<'a> {
    pub(crate) world: &'a World,
    pub(crate) subscription: &'a str,
    pub(crate) group: &'a str,
    pub(crate) name: &'a str,
    pub(crate) parameters: &'a Map<String, Value>,
    pub(crate) variables: &'a Map<String, Value>,
    /// How deep variables refer to each other.
    pub(crate) depth: usize,
}

/// An expression of a template, as `[concat('a', parameters('b'))]` holds it.
#[derive(Clone, Debug, PartialEq)]
enum Expression {
    Literal(Value),
    Call(String, Vec<Expression>),
    Property(Box<Expression>, String),
    Index(Box<Expression>, Box<Expression>),
}

fn invalid(message: impl Into<String>) -> Box<Refusal> {
    Refusal::new(400, "InvalidTemplate", message)
}

/// Reads one expression from a text.
struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn skip(&mut self) {
        self.text = self.text.trim_start();
    }

    fn take(&mut self, mark: char) -> bool {
        self.skip();
        match self.text.strip_prefix(mark) {
            Some(rest) => {
                self.text = rest;
                true
            }
            None => false,
        }
    }

    fn word(&mut self) -> String {
        self.skip();
        let end =
            self.text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).unwrap_or(self.text.len());
        let (word, rest) = self.text.split_at_checked(end).unwrap_or((self.text, ""));
        self.text = rest;
        word.to_owned()
    }

    fn quoted(&mut self) -> OrRefusal<String> {
        let mut value = String::new();
        let mut letters = self.text.char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            if letter != '\'' {
                value.push(letter);
            } else if letters.peek().is_some_and(|(_, next)| *next == '\'') {
                value.push('\'');
                letters.next();
            } else {
                self.text = self.text.get(at + 1..).unwrap_or_default();
                return Ok(value);
            }
        }
        Err(invalid("a text in an expression has no end"))
    }

    fn expression(&mut self, depth: usize) -> OrRefusal<Expression> {
        // A template comes from a request: without a limit, a nested one would exhaust the stack.
        if depth > 50 {
            return Err(invalid("an expression is too deep"));
        }
        let mut value = if self.take('\'') {
            Expression::Literal(Value::String(self.quoted()?))
        } else {
            let word = self.word();
            if word.is_empty() {
                return Err(invalid(format!("an expression is expected at '{}'", self.text)));
            }
            if let Ok(number) = word.parse::<i64>() {
                Expression::Literal(json!(number))
            } else if self.take('(') {
                Expression::Call(word.to_ascii_lowercase(), self.arguments(depth)?)
            } else {
                return Err(invalid(format!("'{word}' is no function call")));
            }
        };
        loop {
            if self.take('.') {
                value = Expression::Property(Box::new(value), self.word());
            } else if self.take('[') {
                let index = self.expression(depth + 1)?;
                if !self.take(']') {
                    return Err(invalid("a bracket has no end"));
                }
                value = Expression::Index(Box::new(value), Box::new(index));
            } else {
                return Ok(value);
            }
        }
    }

    fn arguments(&mut self, depth: usize) -> OrRefusal<Vec<Expression>> {
        let mut arguments = Vec::new();
        if self.take(')') {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expression(depth + 1)?);
            if self.take(')') {
                return Ok(arguments);
            }
            if !self.take(',') {
                return Err(invalid(format!("',' or ')' is expected at '{}'", self.text)));
            }
        }
    }
}

impl Evaluator<'_> {
    /// Gives every expression in a value its own value.
    pub(crate) fn evaluate(&self, value: &Value) -> OrRefusal<Value> {
        Ok(match value {
            Value::String(text) => match text.strip_prefix('[') {
                // A doubled bracket stands for a text that begins with one.
                Some(rest) if rest.starts_with('[') => Value::String(rest.to_owned()),
                Some(rest) if rest.ends_with(']') => self.text(rest.strip_suffix(']').unwrap_or(rest))?,
                _ => value.clone(),
            },
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.evaluate(item)).collect::<OrRefusal<_>>()?)
            }
            Value::Object(map) => {
                let fields = map.iter().map(|(name, value)| Ok((name.clone(), self.evaluate(value)?)));
                Value::Object(fields.collect::<OrRefusal<Map<_, _>>>()?)
            }
            other => other.clone(),
        })
    }

    fn text(&self, text: &str) -> OrRefusal<Value> {
        let mut reader = Reader { text };
        let expression = reader.expression(0)?;
        reader.skip();
        if !reader.text.is_empty() {
            return Err(invalid(format!("'{}' follows an expression", reader.text)));
        }
        self.value(&expression)
    }

    fn value(&self, expression: &Expression) -> OrRefusal<Value> {
        match expression {
            Expression::Literal(value) => Ok(value.clone()),
            // Read apart from other functions: the branch that is not taken may refer to what is not there.
            Expression::Call(name, arguments) if name == "if" => {
                let [condition, yes, no] = arguments.as_slice() else {
                    return Err(invalid("if needs three arguments"));
                };
                self.value(if self.value(condition)? == json!(true) { yes } else { no })
            }
            Expression::Call(name, arguments) => {
                let values = arguments.iter().map(|argument| self.value(argument)).collect::<OrRefusal<Vec<_>>>()?;
                self.call(name, &values)
            }
            Expression::Property(of, name) => {
                let value = self.value(of)?;
                let found = value.as_object().and_then(|map| {
                    map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
                });
                found.ok_or_else(|| invalid(format!("The language expression property '{name}' doesn't exist.")))
            }
            Expression::Index(of, index) => {
                let (value, index) = (self.value(of)?, self.value(index)?);
                let found = match &index {
                    Value::String(name) => value.get(name).cloned(),
                    other => other.as_u64().and_then(|at| value.get(usize::try_from(at).ok()?).cloned()),
                };
                found.ok_or_else(|| invalid(format!("The language expression index {index} is out of bounds.")))
            }
        }
    }

    fn call(&self, name: &str, values: &[Value]) -> OrRefusal<Value> {
        let texts: Vec<String> = values.iter().map(plain).collect();
        let text = |at: usize| texts.get(at).map_or("", String::as_str);
        let first = values.first().cloned().unwrap_or(Value::Null);
        Ok(match name {
            "parameters" => self.parameter(text(0))?,
            "variables" => self.variable(text(0))?,
            "concat" => match &first {
                Value::Array(_) => values.iter().filter_map(Value::as_array).flatten().cloned().collect(),
                _ => json!(texts.concat()),
            },
            "resourceid" => json!(self.resource_id(&texts)?),
            "subscriptionresourceid" => {
                json!(format!("/subscriptions/{}/providers/{}/{}", self.subscription, text(0), text(1)))
            }
            "reference" => self.reference(text(0), text(2).eq_ignore_ascii_case("full"))?,
            "resourcegroup" => self.resource_group()?,
            "subscription" => {
                json!({"id": format!("/subscriptions/{}", self.subscription), "subscriptionId": self.subscription})
            }
            "deployment" => json!({"name": self.name}),
            "uniquestring" => json!(format!("{:013x}", hash(&texts.join("\u{1}")) & 0xf_ffff_ffff_ffff)),
            "guid" => json!(named_guid(&texts.join("-"))),
            "format" => json!(formatted(text(0), texts.get(1..).unwrap_or_default())),
            "createarray" | "array" => json!(values),
            "equals" => json!(values.first() == values.get(1)),
            "not" => json!(first != json!(true)),
            "and" => json!(values.iter().all(|value| *value == json!(true))),
            "or" => json!(values.contains(&json!(true))),
            "true" => json!(true),
            "false" => json!(false),
            "null" => Value::Null,
            other => on_text(other, &first, &texts)?,
        })
    }

    fn parameter(&self, name: &str) -> OrRefusal<Value> {
        let found = self.parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found
            .map(|(_, value)| value.clone())
            .ok_or_else(|| invalid(format!("The template parameter '{name}' is not found.")))
    }

    fn variable(&self, name: &str) -> OrRefusal<Value> {
        if self.depth > 20 {
            return Err(invalid(format!("The template variable '{name}' refers to itself.")));
        }
        let found = self.variables.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        let (_, value) = found.ok_or_else(|| invalid(format!("The template variable '{name}' is not found.")))?;
        Evaluator { depth: self.depth + 1, ..*self }.evaluate(value)
    }

    fn resource_id(&self, texts: &[String]) -> OrRefusal<String> {
        let at = texts
            .iter()
            .position(|text| text.contains('/'))
            .ok_or_else(|| invalid("resourceId needs a resource type"))?;
        let before = texts.get(..at).unwrap_or_default();
        let (subscription, group) = match before {
            [] => (self.subscription, self.group),
            [group] => (self.subscription, group.as_str()),
            [subscription, group, ..] => (subscription.as_str(), group.as_str()),
        };
        let kind = texts.get(at).map_or("", String::as_str);
        let names = texts.get(at + 1..).unwrap_or_default();
        id_of(subscription, group, kind, names)
            .ok_or_else(|| invalid(format!("resourceId cannot name a '{kind}' with {} names.", names.len())))
    }

    fn reference(&self, text: &str, full: bool) -> OrRefusal<Value> {
        let id = if text.starts_with('/') {
            Some(text.to_owned())
        } else {
            self.world.arm.resources.values().find(|r| r.name().eq_ignore_ascii_case(text)).map(|r| r.id.clone())
        };
        // What is still being written has no values yet: the step has to wait for it.
        let resource = id.and_then(|id| self.world.arm.get(&id)).filter(|resource| resource.operation.is_none());
        let Some(resource) = resource else {
            return Err(Refusal::new(404, NOT_YET, format!("The resource '{text}' is not there yet.")));
        };
        let shown = view::render(self.world, resource);
        Ok(if full { shown } else { shown.get("properties").cloned().unwrap_or(Value::Null) })
    }

    fn resource_group(&self) -> OrRefusal<Value> {
        let id = group_id(self.subscription, self.group);
        let group = self.world.arm.get(&id).ok_or_else(|| invalid("the resource group is gone"))?;
        Ok(view::render(self.world, group))
    }
}

/// The functions that make a text, or measure what they are given.
fn on_text(name: &str, first: &Value, texts: &[String]) -> OrRefusal<Value> {
    let text = |at: usize| texts.get(at).map_or("", String::as_str);
    Ok(match name {
        "tolower" => json!(text(0).to_lowercase()),
        "toupper" => json!(text(0).to_uppercase()),
        "trim" => json!(text(0).trim()),
        "string" => json!(text(0)),
        "int" => json!(text(0).parse::<i64>().map_err(|_| invalid("int needs a number"))?),
        "bool" => json!(text(0).eq_ignore_ascii_case("true")),
        "base64" => json!(STANDARD.encode(text(0))),
        "replace" => json!(text(0).replace(text(1), text(2))),
        "split" => text(0).split(text(1)).map(|part| json!(part)).collect(),
        "first" => first
            .as_array()
            .and_then(|items| items.first())
            .cloned()
            .unwrap_or_else(|| json!(text(0).chars().next().map(String::from))),
        "last" => first
            .as_array()
            .and_then(|items| items.last())
            .cloned()
            .unwrap_or_else(|| json!(text(0).chars().last().map(String::from))),
        "length" => json!(match first {
            Value::Array(items) => items.len(),
            Value::Object(map) => map.len(),
            _ => text(0).chars().count(),
        }),
        "empty" => json!(match first {
            Value::Array(items) => items.is_empty(),
            Value::Object(map) => map.is_empty(),
            Value::Null => true,
            _ => text(0).is_empty(),
        }),
        other => {
            let message = format!("The template function '{other}' is not valid, or the emulator does not know it.");
            return Err(invalid(message));
        }
    })
}

/// The id of a type, such as `Microsoft.Network/virtualNetworks/subnets`, and its names.
pub(crate) fn id_of(subscription: &str, group: &str, full: &str, names: &[String]) -> Option<String> {
    let (namespace, types) = full.split_once('/')?;
    let types: Vec<&str> = types.split('/').collect();
    if types.len() != names.len() {
        return None;
    }
    let refs: Vec<&str> = names.iter().map(String::as_str).collect();
    if let Some(kind) = ResourceKind::of(namespace, &types) {
        return Some(resource_id(subscription, group, kind, &refs));
    }
    let below: String = types.iter().zip(&refs).map(|(one, name)| format!("/{one}/{name}")).collect();
    Some(format!("{}/providers/{namespace}{below}", group_id(subscription, group)))
}

/// A value as a text.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `{0}` and so on replaced.
fn formatted(pattern: &str, values: &[String]) -> String {
    values.iter().enumerate().fold(pattern.to_owned(), |text, (at, value)| text.replace(&format!("{{{at}}}"), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> OrRefusal<Expression> {
        Reader { text }.expression(0)
    }

    #[test]
    fn expressions_are_read_with_calls_properties_and_indices() {
        let expression = read("concat(parameters('a'), 'it''s')[0].id").unwrap();
        let Expression::Property(of, name) = expression else { panic!("{expression:?}") };
        assert_eq!(name, "id");
        let Expression::Index(of, index) = *of else { panic!() };
        assert_eq!(*index, Expression::Literal(json!(0)));
        let Expression::Call(name, arguments) = *of else { panic!() };
        assert_eq!((name.as_str(), arguments.len()), ("concat", 2));
        assert_eq!(arguments[1], Expression::Literal(json!("it's")));
    }

    #[test]
    fn broken_expressions_are_refused() {
        for broken in ["concat(", "'open", "word", "f(1 2)", ""] {
            assert_eq!(read(broken).unwrap_err().code, "InvalidTemplate", "{broken}");
        }
        let deep = format!("{}1{}", "f(".repeat(80), ")".repeat(80));
        assert!(read(&deep).is_err());
    }

    #[test]
    fn ids_need_as_many_names_as_types() {
        let names = ["v".to_owned(), "s".to_owned()];
        let id = id_of("x", "g", "Microsoft.Network/virtualNetworks/subnets", &names).unwrap();
        assert!(id.ends_with("/virtualNetworks/v/subnets/s"));
        assert!(id_of("x", "g", "Microsoft.Network/virtualNetworks", &names).is_none());
    }
}
