//! The catalogue once more, as an accountant would: what each code means under each status.

use azconnect_core::ErrorKind as K;
use azconnect_core::{Effect, Retry};
use azconnect_http::{Dialect, OperationDialect};

use super::catalogue::Class as C;
use super::dialect::ArmDialect;
use super::fault::Fault;

/// When a code is found out.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Found {
    /// Before the work begins: a conflict under it proves that nothing was applied.
    Proven,
    /// At work: no status proves anything.
    Begun,
    /// Nobody says: a conflict proves nothing, and another refusal does.
    ByStatus,
}
use Found::{Begun, ByStatus, Proven};

/// Codes, kind, class, when it is found out, and the advice. Microsoft's *Troubleshoot common Azure deployment errors* names
/// them, and which of them a failed operation has.
const ROWS: &[(&str, K, C, Found, &str)] = &[
    (
        "OperationNotAllowed",
        K::Conflict,
        C::CallerFixes,
        Proven,
        "read the resource's state and wait or change it first",
    ),
    (
        "QuotaExceeded ResourceQuotaExceeded",
        K::Conflict,
        C::CallerFixes,
        Proven,
        "have the quota raised, or delete what is not needed",
    ),
    (
        "PublicIPCountLimitReached StandardSkuPublicIpCountLimitReached",
        K::Conflict,
        C::CallerFixes,
        Proven,
        "have the quota of public addresses raised, or delete some that are not needed",
    ),
    (
        "DnsRecordInUse DnsRecordCreateConflict",
        K::Conflict,
        C::CallerFixes,
        Proven,
        "choose another label: a label of a public address is unique in its region, for all customers",
    ),
    (
        "IPv4BasicSkuPublicIpCountLimitReached",
        K::Unsupported,
        C::CallerFixes,
        Proven,
        "ask for a Standard public address",
    ),
    ("SkuNotAvailable", K::Unavailable, C::FallBack, Proven, "choose another size, zone or region"),
    (
        "AllocationFailed OverconstrainedAllocationRequest",
        K::Unavailable,
        C::FallBack,
        Begun,
        "try another size, zone or region, or later",
    ),
    (
        "ZonalAllocationFailed OverconstrainedZonalAllocationRequest",
        K::Unavailable,
        C::FallBack,
        Begun,
        "try another zone, or no zone, or another size",
    ),
    (
        "LocationNotAvailableForResourceType NoRegisteredProviderFound MissingRegistrationForLocation",
        K::Unsupported,
        C::Permanent,
        Proven,
        "choose another region, and check that the resource provider is registered",
    ),
    (
        "AuthorizationFailed AuthorizationPermissionMismatch",
        K::PermissionDenied,
        C::CallerFixes,
        Proven,
        "ask an administrator for a role with this action at this scope",
    ),
    (
        "LinkedAuthorizationFailed",
        K::PermissionDenied,
        C::CallerFixes,
        Proven,
        "ask for a role at the scope of the linked resource, and check its tenant",
    ),
    (
        "RequestDisallowedByPolicy",
        K::PermissionDenied,
        C::CallerFixes,
        Proven,
        "comply with the policy, or ask its owner for an exemption",
    ),
    (
        "InvalidSubscriptionId SubscriptionNotFound",
        K::NotFound,
        C::CallerFixes,
        Proven,
        "check the subscription id, its tenant, and that the identity has a role in it",
    ),
    (
        "ReadOnlyDisabledSubscription SubscriptionDisabled DisallowedOperation",
        K::PermissionDenied,
        C::CallerFixes,
        Proven,
        "have the subscription's owner enable it",
    ),
    (
        "SubscriptionNotRegistered MissingSubscriptionRegistration",
        K::Conflict,
        C::CallerFixes,
        Proven,
        "have an administrator register the resource provider",
    ),
    ("ExpiredAuthenticationToken", K::Unauthenticated, C::Retry, ByStatus, "sign in again; check this machine's clock"),
    (
        "InvalidAuthenticationTokenTenant",
        K::Unauthenticated,
        C::CallerFixes,
        ByStatus,
        "sign in to the tenant to which the subscription belongs",
    ),
    (
        "InvalidAuthenticationToken AuthenticationFailed InvalidAuthenticationInfo",
        K::Unauthenticated,
        C::CallerFixes,
        ByStatus,
        "check the credential, its tenant and its cloud",
    ),
    (
        "PrincipalNotFound",
        K::NotFound,
        C::Retry,
        ByStatus,
        "give the principal's object id and type; a new principal is known after some minutes",
    ),
    ("RoleAssignmentExists", K::Conflict, C::CallerFixes, Proven, "nothing: the assignment is there"),
    (
        "RoleAssignmentUpdateNotPermitted",
        K::Conflict,
        C::CallerFixes,
        Proven,
        "use a new name (GUID) for the assignment",
    ),
    ("ScopeLocked", K::Conflict, C::CallerFixes, Proven, "have the lock removed by its owner"),
    (
        "MarketplacePurchaseEligibilityFailed ResourcePurchaseValidationFailed",
        K::InvalidInput,
        C::CallerFixes,
        Proven,
        "have its terms read (Subscription::image_terms) and accepted once (Subscription::accept_terms), or: az vm image terms \
         accept --publisher … --offer … --plan …",
    ),
    (
        "VMMarketplaceInvalidInput",
        K::InvalidInput,
        C::CallerFixes,
        Proven,
        "let the identity read the image (Reader on the subscription, or on the image), whose plan is sent then",
    ),
    (
        "PlatformImageNotFound ImageNotFound GalleryImageNotFound",
        K::NotFound,
        C::CallerFixes,
        Proven,
        "check the image's name and version, and the region",
    ),
    (
        "InvalidParameter InvalidRequestFormat InvalidRequestContent InvalidResource",
        K::InvalidInput,
        C::CallerFixes,
        Proven,
        "correct the value that the service names",
    ),
    (
        "ReservedResourceName",
        K::InvalidInput,
        C::CallerFixes,
        Proven,
        "choose a name without words such as Microsoft or login",
    ),
    ("SubnetIsFull InsufficientSubnetSize", K::Conflict, C::CallerFixes, Proven, "use a larger subnet, or another"),
    (
        "PrivateIPAddressIsAllocated",
        K::Conflict,
        C::CallerFixes,
        Proven,
        "choose another private address, or let the service choose",
    ),
    (
        "Conflict",
        K::Conflict,
        C::CallerFixes,
        ByStatus,
        "compare the request with the resource as it is; a new name avoids clashes with an old disk",
    ),
    (
        "PropertyChangeNotAllowed ConflictingUserInput",
        K::Conflict,
        C::CallerFixes,
        Proven,
        "compare the request with the resource as it is; a new name avoids clashes with an old disk",
    ),
    (
        "VMExtensionProvisioningError VMExtensionProvisioningTimeout VMExtensionHandlerNonTransientError",
        K::Conflict,
        C::CallerFixes,
        Begun,
        "read the output of the extension in the machine's instance view",
    ),
    (
        "ResourceGroupBeingDeleted",
        K::Conflict,
        C::CallerFixes,
        Proven,
        "wait until the resource group is gone, or choose another name",
    ),
    (
        "ResourceGroupDeletionBlocked DeletionTimeout",
        K::Conflict,
        C::Retry,
        Begun,
        "remove what blocks it, then delete the resource group again",
    ),
    (
        "AnotherOperationInProgress ReferencedResourceNotProvisioned",
        K::Conflict,
        C::Retry,
        Proven,
        "try again in some seconds",
    ),
    ("RetryableError RetryableErrorDueToAnotherOperation", K::Conflict, C::Retry, Proven, "try again in some seconds"),
    ("NicReservedForAnotherVm", K::Conflict, C::Retry, Proven, "try again after three minutes"),
    (
        "InUseSubnetCannotBeDeleted InUseNetworkSecurityGroupCannotBeDeleted PublicIPAddressCannotBeDeleted NicInUse",
        K::Conflict,
        C::Retry,
        Proven,
        "delete what uses it first, then try again in some seconds",
    ),
    (
        "OSProvisioningTimedOut OSProvisioningClientError",
        K::Timeout,
        C::Retry,
        Begun,
        "keep the machine, read it again, and look at its boot diagnostics",
    ),
    (
        "NotFound ResourceNotFound ParentResourceNotFound ResourceGroupNotFound",
        K::NotFound,
        C::CallerFixes,
        ByStatus,
        "check the name, the resource group and the subscription",
    ),
    (
        "TooManyRequests OperationNotAllowedOnThrottling SubscriptionRequestsThrottled",
        K::Throttled,
        C::Retry,
        Proven,
        "wait as long as the service says, and send fewer requests",
    ),
    ("GatewayTimeout ServerTimeout", K::Timeout, C::Retry, Begun, "read the resource, then try again"),
    (
        "ResourceReadFailed InternalExecutionError InternalServerError InternalError ServiceUnavailable NetworkingInternalOperationError InternalOperationError BadGateway",
        K::Unavailable,
        C::Retry,
        Begun,
        "try again later; check the service's status page",
    ),
];

fn judge(status: u16, code: &str, message: &str) -> azconnect_core::Error {
    let body = serde_json::json!({"error": {"code": code, "message": message}}).to_string();
    let answer = http::Response::builder().status(status).body(body.into()).unwrap();
    ArmDialect::default().judge(&answer).unwrap_err()
}

fn effects(found: Found) -> [(u16, Effect); 7] {
    let refused = if found == Begun { Effect::Unknown } else { Effect::None };
    let conflict = if found == Proven { Effect::None } else { Effect::Unknown };
    [
        (400, refused),
        (403, refused),
        (404, refused),
        (409, conflict),
        (429, refused),
        (408, Effect::Unknown),
        (500, Effect::Unknown),
    ]
}

#[test]
fn every_code_means_the_same_under_every_status_but_for_its_effect() {
    for (codes, kind, class, found, advice) in ROWS {
        let retry = if *class == C::Retry { Retry::Backoff } else { Retry::No };
        for code in codes.split(' ') {
            for (status, effect) in effects(*found) {
                let error = judge(status, code, "m");
                assert_eq!((error.kind(), error.retry()), (*kind, retry), "{status} {code}");
                assert_eq!(error.effect(), effect, "{status} {code}");
                assert_eq!(Fault::of(&error).unwrap().class, *class, "{status} {code}");
                assert_eq!((error.service_code(), error.http_status()), (Some(code), Some(status)));
                let general = !advice.contains("have an administrator register");
                assert!(!general || error.advice() == *advice, "{status} {code}: {}", error.advice());
            }
            // What an operation ended with was begun.
            let body = format!(r#"{{"status":"Failed","error":{{"code":"{code}","message":"m"}}}}"#);
            let error = ArmDialect::default().failure(&http::Response::new(body.into()));
            assert_eq!((error.effect(), error.kind()), (Effect::Unknown, *kind), "{code}");
        }
    }
}

#[test]
fn the_quota_of_cores_is_found_out_before_the_work_begins() {
    let message = "exceeding approved standardDSv3Family Cores quota. Location: westeurope, Current Limit: 10, Current \
                   Usage: 8, Additional Required: 4";
    let error = judge(409, "OperationNotAllowed", message);
    assert_eq!((error.kind(), error.retry(), error.effect()), (K::Conflict, Retry::No, Effect::None));
    assert_eq!(Fault::of(&error).unwrap().class, C::FallBack);
}

#[test]
fn a_code_that_nobody_describes_goes_by_its_status() {
    for (status, kind, class, effect) in [
        (400, K::InvalidInput, C::CallerFixes, Effect::None),
        (401, K::Unauthenticated, C::CallerFixes, Effect::None),
        (403, K::PermissionDenied, C::CallerFixes, Effect::None),
        (404, K::NotFound, C::CallerFixes, Effect::None),
        (405, K::Unsupported, C::Permanent, Effect::None),
        (408, K::Timeout, C::Retry, Effect::Unknown),
        (409, K::Conflict, C::CallerFixes, Effect::Unknown),
        (412, K::Conflict, C::CallerFixes, Effect::None),
        (429, K::Throttled, C::Retry, Effect::None),
        (499, K::Unexpected, C::CallerFixes, Effect::Unknown),
        (500, K::Unavailable, C::Retry, Effect::Unknown),
        (501, K::Unsupported, C::Permanent, Effect::Unknown),
        (503, K::Unavailable, C::Retry, Effect::Unknown),
        (302, K::Unexpected, C::Permanent, Effect::Unknown),
    ] {
        let error = judge(status, "BrandNew", "m");
        assert_eq!((error.kind(), error.effect()), (kind, effect), "{status}");
        assert_eq!(Fault::of(&error).unwrap().class, class, "{status}");
        assert_eq!(error.retry() == Retry::Backoff, class == C::Retry, "{status}");
    }
}
