//! The published schema of a seed is what the code accepts, field by field and in both directions.

use azconnect_emulator::{Seed, SeedFault};
use serde_json::{Map, Value, json};

fn schema() -> Value {
    serde_json::from_str(include_str!("../../data/seed.schema.json")).unwrap()
}

/// Where a value stands in a document: the objects and lists that lead to it, from the outside.
#[derive(Clone)]
struct Place {
    /// Each step is a field, and the schema of the object that has it.
    steps: Vec<(String, Value)>,
}

impl Place {
    /// A whole document that is as small as it may be and has this value here.
    fn document(&self, value: Value) -> Value {
        self.steps.iter().rev().fold(value, |value, (field, object)| {
            let mut around = least(object).as_object().cloned().unwrap();
            let is_list = is(&object["properties"][field], "array");
            around.insert(field.clone(), if is_list { json!([value]) } else { value });
            Value::Object(around)
        })
    }

    fn then(&self, field: &str, object: &Value) -> Self {
        let mut steps = self.steps.clone();
        steps.push((field.to_owned(), object.clone()));
        Self { steps }
    }

    fn path(&self) -> String {
        self.steps.iter().fold("seed".to_owned(), |path, (field, object)| {
            let list = if is(&object["properties"][field], "array") { "[0]" } else { "" };
            format!("{path}.{field}{list}")
        })
    }
}

fn is(schema: &Value, kind: &str) -> bool {
    schema["type"] == kind || schema["type"].as_array().is_some_and(|kinds| kinds.contains(&json!(kind)))
}

fn required(object: &Value) -> Vec<String> {
    let one_of = object["anyOf"].get(0).map(|first| &first["required"]);
    let always = object["required"].as_array().into_iter().flatten();
    always
        .chain(one_of.and_then(Value::as_array).into_iter().flatten())
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

/// The least value that a schema allows.
fn least(schema: &Value) -> Value {
    if let Some(example) = schema["examples"].get(0).or_else(|| schema["enum"].get(0)).or_else(|| schema.get("default"))
    {
        return example.clone();
    }
    if is(schema, "object") {
        let fields = required(schema);
        let fields = fields.iter().map(|name| (name.clone(), least(&schema["properties"][name])));
        return Value::Object(fields.collect::<Map<_, _>>());
    }
    match () {
        () if is(schema, "array") => json!([]),
        () if is(schema, "integer") => json!(1),
        () if is(schema, "boolean") => json!(true),
        () if schema["format"] == "uuid" => json!("10000000-0000-4000-8000-000000000001"),
        () => json!("x"),
    }
}

/// Every object of the schema, with its place.
fn objects(schema: &Value, place: &Place, found: &mut Vec<(Place, Value)>) {
    found.push((place.clone(), schema.clone()));
    for (name, field) in schema["properties"].as_object().unwrap() {
        let inner = if is(field, "array") { &field["items"] } else { field };
        if is(inner, "object") {
            objects(inner, &place.then(name, schema), found);
        }
    }
}

fn all_objects() -> Vec<(Place, Value)> {
    let mut found = Vec::new();
    objects(&schema(), &Place { steps: Vec::new() }, &mut found);
    assert!(found.len() > 25, "{}", found.len());
    found
}

fn refusal(document: &Value) -> Option<SeedFault> {
    Seed::from_json(&document.to_string()).err()
}

#[test]
fn the_schema_has_the_fields_that_the_code_reads_and_no_other() {
    for (place, object) in all_objects() {
        if object["additionalProperties"] == true {
            continue;
        }
        let mut with_more = least(&object);
        with_more["surely not a field"] = json!(1);
        let Some(SeedFault::UnknownField { path, mut known }) = refusal(&place.document(with_more)) else {
            panic!("{} takes any field", place.path());
        };
        assert_eq!(path, format!("{}.surely not a field", place.path()));
        let mut published: Vec<&String> = object["properties"].as_object().unwrap().keys().collect();
        published.sort();
        known.sort();
        assert_eq!(published, known.iter().collect::<Vec<_>>(), "{}", place.path());
    }
}

#[test]
fn the_schema_requires_what_the_code_requires() {
    for (place, object) in all_objects() {
        let small = place.document(least(&object));
        assert_eq!(refusal(&small), None, "{} is enough at {}", least(&object), place.path());
        for name in required(&object) {
            let mut without = least(&object);
            without.as_object_mut().unwrap().remove(&name);
            let missing = refusal(&place.document(without));
            assert!(matches!(missing, Some(SeedFault::Missing { .. })), "{}.{name}: {missing:?}", place.path());
        }
    }
}

#[test]
fn the_schema_has_the_types_that_the_code_reads() {
    for (place, object) in all_objects() {
        for (name, field) in object["properties"].as_object().unwrap() {
            let wrong = if is(field, "string") { json!(1) } else { json!("a text") };
            let mut with = least(&object);
            with[name] = wrong;
            let told = refusal(&place.document(with));
            assert!(matches!(told, Some(SeedFault::WrongValue { .. })), "{}.{name}: {told:?}", place.path());
            for value in field["enum"].as_array().into_iter().flatten() {
                let mut with = least(&object);
                with[name] = value.clone();
                assert_eq!(refusal(&place.document(with)), None, "{}.{name}: {value}", place.path());
            }
            let mut absent = least(&object);
            absent[name] = Value::Null;
            let nullable = is(field, "null");
            let taken = refusal(&place.document(absent)).is_none();
            // What stands in for a field may be given instead of it.
            assert!(taken == nullable || object.get("anyOf").is_some(), "{}.{name} as null", place.path());
        }
    }
}
