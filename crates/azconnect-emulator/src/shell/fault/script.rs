//! Fault scripts in JSON.

use std::time::Duration;

use serde_json::Value;

use super::{CannedAnswer, Fault, FaultAction};
use crate::base::origins::Service;
use crate::setup::seed::{Node, SeedFault, arm};

/// Reads one fault, or a list of them.
pub(super) fn read(text: &str) -> Result<Vec<Fault>, SeedFault> {
    let document = Node::document("fault", text)?;
    match document.value() {
        Value::Array(_) => document.items()?.iter().map(read_fault).collect(),
        _ => Ok(vec![read_fault(&document)?]),
    }
}

fn read_fault(node: &Node<'_>) -> Result<Fault, SeedFault> {
    node.only(&["service", "method", "path", "nth", "count", "action"])?;
    let mut fault = Fault::new(read_action(&node.required("action")?)?);
    if let Some(service) = node.optional("service")? {
        let name = service.text()?;
        let found = Service::named(name);
        fault.service = Some(found.ok_or_else(|| {
            let names: Vec<&str> = Service::ALL.iter().map(|service| service.name()).collect();
            service.wrong("is not a service", &format!("use one of {}", names.join(", ")))
        })?);
    }
    fault.method = node.optional("method")?.map(|method| method.text().map(str::to_owned)).transpose()?;
    fault.path = node.optional("path")?.map(|path| path.text().map(str::to_owned)).transpose()?;
    if let Some(nth) = node.optional("nth")? {
        fault = fault.with_nth(nth.number()?);
    }
    match node.present("count") {
        Some(count) if count.value().is_null() => fault = fault.forever(),
        Some(count) => fault = fault.with_count(count.number()?),
        None => {}
    }
    Ok(fault)
}

fn read_action(node: &Node<'_>) -> Result<FaultAction, SeedFault> {
    node.only(&[
        "kind",
        "status",
        "headers",
        "body",
        "applied",
        "retryAfter",
        "milliseconds",
        "code",
        "message",
        "target",
        "shape",
        "inOperation",
        "canceled",
        "seconds",
    ])?;
    let kind = node.required("kind")?;
    let applied = node.optional("applied")?.map(|applied| applied.flag()).transpose()?.unwrap_or(false);
    let headers = read_headers(node)?;
    Ok(match kind.text()? {
        "lose_answer" => FaultAction::LoseAnswer,
        "drop_before" => FaultAction::DropBefore,
        "refuse" => FaultAction::Refuse,
        "answer" => {
            let body = node.present("body").map_or(Value::Null, |body| body.value().clone());
            FaultAction::Answer(CannedAnswer { status: read_status(node)?, headers, body, applied })
        }
        "throttle" => FaultAction::Throttle {
            status: if node.present("status").is_some() { read_status(node)? } else { 429 },
            retry_after: node
                .optional("retryAfter")?
                .map(|seconds| seconds.number().map(|seconds| Duration::from_secs(seconds.into())))
                .transpose()?,
        },
        "add_headers" => FaultAction::AddHeaders(headers),
        "fail" => FaultAction::Fail(arm::read_failure(node)?),
        "arrive_late" => {
            let after = node.required("milliseconds")?.number()?;
            FaultAction::ArriveLate { after: Duration::from_millis(after.into()) }
        }
        "hang" => FaultAction::Hang { applied },
        "delay" => {
            let time = node.required("milliseconds")?.number()?;
            FaultAction::Delay { time: Duration::from_millis(time.into()), applied }
        }
        _ => {
            return Err(kind.wrong(
                "is not a kind of fault",
                "use lose_answer, drop_before, refuse, answer, throttle, arrive_late, hang, add_headers, fail or delay",
            ));
        }
    })
}

fn read_status(node: &Node<'_>) -> Result<u16, SeedFault> {
    let status = node.required("status")?;
    u16::try_from(status.number()?)
        .ok()
        .filter(|code| (200..600).contains(code))
        .ok_or_else(|| status.wrong("is not a status", "give a number from 200 to 599"))
}

fn read_headers(node: &Node<'_>) -> Result<Vec<(String, String)>, SeedFault> {
    let Some(headers) = node.optional("headers")? else { return Ok(Vec::new()) };
    let fields = headers.fields()?;
    let read = fields.iter().map(|(name, value)| {
        let text = value.text()?;
        let sound = http::HeaderName::try_from(name.as_str()).is_ok() && http::HeaderValue::try_from(text).is_ok();
        if !sound {
            return Err(value.wrong("cannot be a header", "use a plain name and printable characters"));
        }
        Ok((name.clone(), text.to_owned()))
    });
    read.collect()
}
