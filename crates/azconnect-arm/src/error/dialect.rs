//! How Azure Resource Manager says that something went wrong.

use azconnect_core::catalogue::Row;
use azconnect_core::{Effect, Error, ErrorKind, Retry, SubscriptionId};
use azconnect_http::{Dialect, OperationDialect, Response, kind_of_status, service_text};
use http::StatusCode;

use super::body::{Node, nodes};
use super::catalogue::{ArmRow, Class, is_wrapper, row};
use super::facts::{missing_permission, namespace, right_tenant};
use super::fault::Fault;
use super::quota::Quota;

/// The longest part of the service's message that is kept, in bytes.
const MESSAGE_LIMIT: usize = 2000;

/// The dialect of Azure Resource Manager: every shape of error, and the catalogue of its codes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ArmDialect {
    subscription: Option<SubscriptionId>,
}

impl ArmDialect {
    /// The dialect. With a subscription, the commands in its advice are complete.
    pub(crate) fn new(subscription: Option<SubscriptionId>) -> Self {
        Self { subscription }
    }

    /// The error for what the service answered. Without a status it is that of an operation or of an inner document.
    fn error(&self, status: Option<StatusCode>, body: &[u8]) -> Error {
        let nodes = nodes(body);
        let node = most_telling(&nodes);
        let quota = node.and_then(|node| Quota::read(&node.message));
        let row = node.and_then(|node| row(&node.code, quota.is_some()));
        let mut error = row.map_or_else(|| unknown(status), Row::explain).with_effect(effect(row, status));
        if let (Some(quota), Some(row)) = (&quota, row) {
            error = error.with_message(format!("{}: {}", row.message(), quota.describe()));
        }
        if let Some(status) = status {
            error = error.with_http_status(status.as_u16());
        }
        let Some(node) = node else { return error };
        if let Some(advice) = self.advice(node, row, quota.as_ref()) {
            error = error.with_advice(advice);
        }
        let class = row.map_or_else(|| class_of_status(status), |row| *row.datum());
        let fault = fault(node, class, quota);
        error.with_service_code(&fault.code).with_source(fault)
    }

    /// The error for an answer, with the service's own words where they may be shown.
    fn answered(&self, status: Option<StatusCode>, answer: &Response) -> Error {
        let error = self.error(status, answer.body());
        // The message about an extension quotes what its script put out, which may hold any secret that the script had.
        let quotes_output = error.service_code().is_some_and(|code| code.starts_with("VMExtension"));
        let text = Fault::of(&error)
            .filter(|_| !quotes_output)
            .and_then(|fault| service_text(answer, fault.service_message()));
        text.into_iter().fold(error, Error::with_service_text)
    }

    /// What the person should do, with the facts of this refusal filled in.
    fn advice(&self, node: &Node, row: Option<&ArmRow>, quota: Option<&Quota>) -> Option<String> {
        let general = row.map(|row| row.advice().to_owned());
        let particular = match node.code.as_str() {
            "AuthorizationFailed" | "LinkedAuthorizationFailed" => {
                missing_permission(&node.message).map(|(action, scope)| {
                    format!("ask an administrator for a role with the action {action} at {scope}; a role just granted takes some minutes")
                })
            }
            "InvalidAuthenticationTokenTenant" => right_tenant(&node.message)
                .map(|tenant| format!("sign in to tenant {tenant}, to which the subscription belongs")),
            "MissingSubscriptionRegistration" | "SubscriptionNotRegistered" => {
                let name = namespace(&node.message).unwrap_or("NAMESPACE");
                let subscription = self.subscription.map(|id| format!(" --subscription {id}")).unwrap_or_default();
                Some(format!("an administrator runs: az provider register --namespace {name}{subscription}"))
            }
            "RequestDisallowedByPolicy" => node
                .policy
                .as_deref()
                .and_then(name)
                .map(|policy| format!("comply with the policy \"{policy}\", or ask its owner for an exemption")),
            "InvalidParameter" | "InvalidRequestFormat" if !node.target.is_empty() => {
                Some(format!("correct {}", word(&node.target)))
            }
            _ => quota.and_then(|quota| quota.request_link.as_ref()).and_then(|link| {
                let general = general.as_ref()?;
                Some(format!("{general}; ask for more at {link}"))
            }),
        };
        particular.or(general)
    }
}

impl Dialect for ArmDialect {
    fn judge(&self, answer: &Response) -> Result<(), Error> {
        if answer.status().is_success() {
            return Ok(());
        }
        let error = self.answered(Some(answer.status()), answer);
        let page = answer.body().iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<');
        if !page {
            return Err(error);
        }
        // A proxy may have blocked the answer to what was carried out.
        let error = error
            .with_effect(Effect::Unknown)
            .with_advice("a web page was answered instead: check the address, and whether a proxy stands in between");
        // And what a proxy does not find may be there.
        Err(if error.kind() == ErrorKind::NotFound { error.with_kind(ErrorKind::Unavailable) } else { error })
    }
}

impl OperationDialect for ArmDialect {
    fn failure(&self, answer: &Response) -> Error {
        let error = self.answered(None, answer);
        if error.service_code().is_some() {
            return error;
        }
        error
            .with_message("the operation ended as failed or cancelled")
            .with_advice("read the resource and its activity log")
    }
}

/// The error for an error document that stands inside another answer, such as that of a validation.
pub(crate) fn fault_of_text(dialect: &ArmDialect, body: &[u8]) -> Error {
    dialect.error(None, body)
}

/// The first error that is in the catalogue and not a mere wrapper; else the innermost with a code; else the outermost.
fn most_telling(nodes: &[Node]) -> Option<&Node> {
    let known = |node: &&Node| row(&node.code, Quota::read(&node.message).is_some()).is_some();
    let own = || nodes.iter().filter(|node| !node.code.is_empty() && !is_wrapper(&node.code));
    own().find(known).or_else(|| own().next_back()).or_else(|| nodes.first())
}

fn fault(node: &Node, class: Class, quota: Option<Quota>) -> Fault {
    let end = (0..=MESSAGE_LIMIT.min(node.message.len())).rev().find(|end| node.message.is_char_boundary(*end));
    Fault {
        code: word(&node.code),
        class,
        target: (!node.target.is_empty()).then(|| word(&node.target)),
        quota,
        tenant: (node.code == "InvalidAuthenticationTokenTenant").then(|| right_tenant(&node.message)).flatten(),
        message: node.message.get(..end.unwrap_or(0)).unwrap_or_default().to_owned(),
    }
}

/// A code or the name of a parameter. It goes into messages and logs, so a text that is no word is not taken over: a service
/// may put anything there, also what was sent.
fn word(text: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-[]/".contains(c);
    if text.len() <= 100 && text.chars().all(fits) { text.to_owned() } else { "(not a word)".to_owned() }
}

/// The name that a person gave to something, unless it looks like something else.
fn name(text: &str) -> Option<&str> {
    let fits = |c: char| c.is_alphanumeric() || " ._-()[],/&'".contains(c);
    (text.len() <= 200 && text.chars().all(fits)).then_some(text)
}

/// What an answer proves about its request. A refusal (4xx) comes before the work began, so nothing was applied, but for these:
/// 408 and 499 say that somebody ceased to wait; a conflict comes before or during the work, by its code; and some codes stand
/// for work that failed, whatever the status. A server error, and an operation that failed, prove nothing.
fn effect(row: Option<&ArmRow>, status: Option<StatusCode>) -> Effect {
    let told = row.and_then(Row::effect);
    match (told, status.map(|status| status.as_u16())) {
        (Some(Effect::Unknown), _) | (_, Some(408 | 499)) => Effect::Unknown,
        (told, Some(409)) => told.unwrap_or(Effect::Unknown),
        (_, Some(400..=499)) => Effect::None,
        _ => Effect::Unknown,
    }
}

/// The error for a refusal whose code is in no row, judged by its status.
fn unknown(status: Option<StatusCode>) -> Error {
    let kind = status.map_or(ErrorKind::Unexpected, kind_of_status);
    Error::new(kind, "the service refused the request").with_retry(match class_of_status(status) {
        Class::Retry => Retry::Backoff,
        _ => Retry::No,
    })
}

fn class_of_status(status: Option<StatusCode>) -> Class {
    match status.map(|status| status.as_u16()) {
        Some(405 | 501) => Class::Permanent,
        Some(408 | 429 | 500..=599) => Class::Retry,
        Some(400..=499) => Class::CallerFixes,
        _ => Class::Permanent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(status: u16, body: &str) -> Error {
        let subscription = Some("1272a66f-e2e8-4e88-ab43-487409186c3f".parse().unwrap());
        let answer = http::Response::builder().status(status).body(body.to_owned().into()).unwrap();
        ArmDialect::new(subscription).judge(&answer).unwrap_err()
    }

    /// The page may stand in the place of the answer to what was carried out.
    #[test]
    fn the_page_of_a_proxy_proves_nothing_under_any_status() {
        for status in [400, 401, 403, 404, 413] {
            let page = judge(status, " \r\n<html>blocked</html>");
            assert_eq!(page.effect(), Effect::Unknown, "{status}");
            assert_ne!(page.kind(), ErrorKind::NotFound, "what a proxy does not find may be there");
            assert!(page.advice().contains("web page"), "{}", page.advice());
            let own = judge(status, r#"{"error":{"code":"InvalidRequest","message":"m"}}"#);
            assert_eq!(own.effect(), Effect::None, "{status}");
        }
    }

    fn body(code: &str, message: &str) -> String {
        serde_json::json!({"error": {"code": code, "message": message}}).to_string()
    }

    #[test]
    fn quota_is_told_from_a_wrong_state_by_its_wording() {
        let message = "Operation could not be completed as it results in exceeding approved standardDSv3Family Cores quota. \
            Additional details - Deployment Model: Resource Manager, Location: westeurope, Current Limit: 10, Current Usage: 8, \
            Additional Required: 4, (Minimum) New Limit Required: 12. Submit a request for Quota increase at https://aka.ms/x by";
        let error = judge(409, &body("OperationNotAllowed", message));
        let fault = Fault::of(&error).unwrap();
        assert_eq!(fault.class, Class::FallBack);
        assert_eq!(fault.quota.as_ref().unwrap().limit, Some(10));
        assert!(error.message().contains("standardDSv3Family in westeurope: limit 10, used 8, 4 more required"));
        assert!(error.advice().contains("https://aka.ms/x"));

        let error = judge(409, &body("OperationNotAllowed", "The VM is being deallocated."));
        assert_eq!(Fault::of(&error).unwrap().class, Class::CallerFixes);
    }

    #[test]
    fn a_missing_permission_names_action_and_scope() {
        let message = "The client 'a' with object id 'b' does not have authorization to perform action \
            'Microsoft.Compute/virtualMachines/write' over scope '/subscriptions/s' or the scope is invalid.";
        let error = judge(403, &body("AuthorizationFailed", message));
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(error.advice().contains("Microsoft.Compute/virtualMachines/write at /subscriptions/s"));
        assert_eq!(error.effect(), Effect::None);
    }

    #[test]
    fn a_wrong_tenant_offers_the_right_one() {
        let error = judge(
            401,
            &body(
                "InvalidAuthenticationTokenTenant",
                "It must match the tenant \
            'https://sts.windows.net/88d52eb9-4040-4847-b7f2-0d5eeef9cf39/' associated with this subscription.",
            ),
        );
        assert!(error.advice().contains("88d52eb9-4040-4847-b7f2-0d5eeef9cf39"));
        assert!(Fault::of(&error).unwrap().tenant.is_some());
    }

    #[test]
    fn a_missing_registration_gives_the_administrator_s_command() {
        let message =
            "The subscription is not registered to use namespace 'Microsoft.Compute'. See https://aka.ms/rps-not-found";
        let error = judge(409, &body("MissingSubscriptionRegistration", message));
        assert_eq!(
            error.advice(),
            "an administrator runs: az provider register --namespace Microsoft.Compute --subscription 1272a66f-e2e8-4e88-ab43-487409186c3f"
        );
    }

    #[test]
    fn the_reason_inside_a_deployment_is_the_one_that_counts() {
        let text = serde_json::json!({"error": {"code": "InvalidTemplateDeployment", "message": "see inner errors",
            "details": [{"code": "SkuNotAvailable", "message": "The requested size is currently not available"}]}});
        let error = judge(400, &text.to_string());
        assert_eq!(error.service_code(), Some("SkuNotAvailable"));
        assert_eq!(Fault::of(&error).unwrap().class, Class::FallBack);
    }

    #[test]
    fn an_empty_answer_and_a_web_page_are_errors_too() {
        assert_eq!(judge(503, "").kind(), ErrorKind::Unavailable);
        assert_eq!(judge(503, "").retry(), Retry::Backoff);
        assert!(judge(502, "<html>").advice().contains("web page"));
    }

    #[test]
    fn the_service_s_words_are_in_no_message_and_no_debug() {
        let error = judge(400, &body("InvalidParameter", "The value 's3cr3t' is wrong"));
        assert!(!format!("{error} {error:?} {:?}", Fault::of(&error)).contains("s3cr3t"));
        assert!(Fault::of(&error).unwrap().service_message().contains("s3cr3t"));
    }

    #[test]
    fn a_request_that_is_quoted_where_a_fact_is_expected_is_in_no_message_and_no_advice() {
        let heard = "Bearer eyJ0eXAi.s3cr3t {\"script\":\"s3cr3t\"}";
        for (code, message) in [
            ("AuthorizationFailed", "perform action 'HEARD' over scope '/subscriptions/s'"),
            ("AuthorizationFailed", "perform action 'Microsoft.Compute/virtualMachines/write' over scope 'HEARD'"),
            ("LinkedAuthorizationFailed", "however perform action(s) 'HEARD' on the linked scope(s) 'HEARD'"),
            ("RequestDisallowedByPolicy", "HEARD"),
            ("MissingSubscriptionRegistration", "not registered to use namespace 'HEARD'"),
            ("InvalidAuthenticationTokenTenant", "It must match HEARD"),
            ("OperationNotAllowed", "exceeding approved HEARD quota. Location: HEARD, Current Limit: HEARD"),
            ("QuotaExceeded", "quota limits of HEARD. Maximum allowed: HEARD"),
            ("InvalidParameter", "HEARD"),
            ("HEARD", "HEARD"),
        ] {
            let (code, message) = (code.replace("HEARD", heard), message.replace("HEARD", heard));
            let policy =
                serde_json::json!([{"type": "PolicyViolation", "info": {"policyDefinitionDisplayName": heard}}]);
            let body = serde_json::json!({"error": {"code": code, "message": message, "target": heard, "additionalInfo": policy}});
            let error = judge(403, &body.to_string());
            let shown = format!("{error} {error:?} {} {:?}", serde_json::to_string(&error).unwrap(), Fault::of(&error));
            assert!(!shown.contains("s3cr3t"), "{code}: {shown}");
        }
    }

    #[test]
    fn a_failed_operation_leaves_the_effect_unknown() {
        let answer =
            http::Response::new(r#"{"status":"Failed","error":{"code":"AllocationFailed","message":"m"}}"#.into());
        let error = ArmDialect::default().failure(&answer);
        assert_eq!((error.effect(), error.service_code()), (Effect::Unknown, Some("AllocationFailed")));
        let error = ArmDialect::default().failure(&http::Response::new("{}".into()));
        assert!(error.message().contains("failed or cancelled"));
    }
}
