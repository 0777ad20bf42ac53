//! The error codes of Azure Resource Manager that are known: the meaning, class and remedy of each.
//!
//! Follows Microsoft's *Troubleshoot common Azure deployment errors* and *Troubleshoot VM allocation failures*.

use azconnect_core::catalogue::{Catalogue, Row};
use azconnect_core::{Effect, ErrorKind, Retry};
use serde::Serialize;

/// What a caller can do about a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Class {
    /// Nothing helps: the same request is always refused.
    Permanent,
    /// The request succeeds once the caller has changed it, the subscription or a permission.
    CallerFixes,
    /// The same request may succeed later, without any change.
    Retry,
    /// The request may succeed with another size, zone or region.
    FallBack,
}

/// A row with the class of its remedy.
pub(super) type ArmRow = Row<&'static str, Class>;

/// Whether a code says no more than that the errors inside it matter.
pub(super) fn is_wrapper(code: &str) -> bool {
    matches!(
        code,
        "DeploymentFailed"
            | "InvalidTemplateDeployment"
            | "ResourceDeploymentFailure"
            | "MultipleErrorsOccurred"
            | "BadRequest"
            | "Conflict"
            | "Forbidden"
    )
}

/// The row of a code. `quota`: whether its message speaks of a quota.
pub(super) fn row(code: &str, quota: bool) -> Option<&'static ArmRow> {
    if quota && code.eq_ignore_ascii_case("OperationNotAllowed") { Some(&CORE_QUOTA) } else { CODES.find(code) }
}

const fn permanent(
    codes: &'static [&'static str],
    kind: ErrorKind,
    message: &'static str,
    advice: &'static str,
) -> ArmRow {
    Row::new(codes, kind, message, advice).with_retry(Retry::No).with_datum(Class::Permanent)
}

const fn caller_fixes(
    codes: &'static [&'static str],
    kind: ErrorKind,
    message: &'static str,
    advice: &'static str,
) -> ArmRow {
    Row::new(codes, kind, message, advice).with_retry(Retry::No).with_datum(Class::CallerFixes)
}

const fn retry(codes: &'static [&'static str], kind: ErrorKind, message: &'static str, advice: &'static str) -> ArmRow {
    Row::new(codes, kind, message, advice).with_retry(Retry::Backoff).with_datum(Class::Retry)
}

/// Not retried, although its kind may be `Unavailable`: the same request at the same place fails again.
const fn fall_back(
    codes: &'static [&'static str],
    kind: ErrorKind,
    message: &'static str,
    advice: &'static str,
) -> ArmRow {
    Row::new(codes, kind, message, advice).with_retry(Retry::No).with_datum(Class::FallBack)
}

/// The refusal for lack of processor cores. The service uses its code for a state that forbids the request as well.
static CORE_QUOTA: ArmRow = fall_back(
    &["OperationNotAllowed"],
    ErrorKind::Conflict,
    "the quota of processor cores is used up",
    "choose another size or region, or have the quota raised",
)
.with_effect(Effect::None);

// A row with effect `None` is found out before the work begins, so that a conflict under its code proves that nothing was
// applied. One with effect `Unknown` is found out at work, so that no status proves it. Without either, the status decides, and
// a conflict proves nothing.
static CODES: Catalogue<&str, Class> = Catalogue::new(&[
    // Capacity and quotas.
    caller_fixes(
        &["OperationNotAllowed"],
        ErrorKind::Conflict,
        "the resource's state does not allow this",
        "read the resource's state and wait or change it first",
    )
    .with_effect(Effect::None),
    caller_fixes(
        &["QuotaExceeded", "ResourceQuotaExceeded"],
        ErrorKind::Conflict,
        "a quota is used up",
        "have the quota raised, or delete what is not needed",
    )
    .with_effect(Effect::None),
    caller_fixes(
        &["PublicIPCountLimitReached", "StandardSkuPublicIpCountLimitReached"],
        ErrorKind::Conflict,
        "the quota of public addresses is used up",
        "have the quota of public addresses raised, or delete some that are not needed",
    )
    .with_effect(Effect::None),
    caller_fixes(
        &["DnsRecordInUse", "DnsRecordCreateConflict"],
        ErrorKind::Conflict,
        "the label of the public address is taken",
        "choose another label: a label of a public address is unique in its region, for all customers",
    )
    .with_effect(Effect::None),
    caller_fixes(
        &["IPv4BasicSkuPublicIpCountLimitReached"],
        ErrorKind::Unsupported,
        "basic public addresses no longer exist",
        "ask for a Standard public address",
    )
    .with_effect(Effect::None),
    fall_back(
        &["SkuNotAvailable"],
        ErrorKind::Unavailable,
        "the size is not available here for this subscription",
        "choose another size, zone or region",
    )
    .with_effect(Effect::None),
    fall_back(
        &["AllocationFailed", "OverconstrainedAllocationRequest"],
        ErrorKind::Unavailable,
        "the region has no room for this size now",
        "try another size, zone or region, or later",
    )
    .with_effect(Effect::Unknown),
    fall_back(
        &["ZonalAllocationFailed", "OverconstrainedZonalAllocationRequest"],
        ErrorKind::Unavailable,
        "the zone has no room for this size now",
        "try another zone, or no zone, or another size",
    )
    .with_effect(Effect::Unknown),
    fall_back(
        &["AzureSpotIsNotSupportedForThisVMSize"],
        ErrorKind::Unsupported,
        "the size has no Spot machines",
        "choose another size, or an ordinary machine",
    )
    .with_effect(Effect::None),
    fall_back(
        &["SpotPriceGreaterThanProvidedMaxPrice"],
        ErrorKind::Unavailable,
        "the current price of the size is higher than the highest that is paid",
        "raise the highest price, or leave it out, or choose another size",
    )
    .with_effect(Effect::None),
    caller_fixes(
        &["AzureSpotFeatureNotEnabledForSubscription", "EvictionPolicyCanBeSetOnlyOnAzureSpotVirtualMachines", "MaxPriceValueInvalid"],
        ErrorKind::InvalidInput,
        "the machine cannot be a Spot machine as it is asked for",
        "ask for an ordinary machine, or correct what the service names; some kinds of subscription have no Spot machines",
    )
    .with_effect(Effect::None),
    caller_fixes(
        &["VMSizeIsNotPermittedToEnableAcceleratedNetworking", "VMSizeIsNotPermittedToEnableAcceleratedNetworkingForVmSize"],
        ErrorKind::InvalidInput,
        "the size does not accelerate networking",
        "switch accelerated networking off, or to Switch::Auto, or choose another size",
    )
    .with_effect(Effect::None),
    caller_fixes(
        &["FailedIdentityOperation"],
        ErrorKind::InvalidInput,
        "an identity cannot be given to the machine",
        "check that each user-assigned identity exists, and is in the tenant of the subscription",
    )
    .with_effect(Effect::None),
    permanent(
        &["LocationNotAvailableForResourceType", "NoRegisteredProviderFound", "MissingRegistrationForLocation"],
        ErrorKind::Unsupported,
        "the region does not offer this kind of resource",
        "choose another region, and check that the resource provider is registered",
    )
    .with_effect(Effect::None),
    // Permissions, policies and subscriptions.
    caller_fixes(
        &["AuthorizationFailed", "AuthorizationPermissionMismatch"],
        ErrorKind::PermissionDenied,
        "the role of the identity does not allow this",
        "ask an administrator for a role with this action at this scope",
    )
    .with_effect(Effect::None),
    caller_fixes(
        &["LinkedAuthorizationFailed"],
        ErrorKind::PermissionDenied,
        "a linked resource, such as a subnet or an image, may not be used",
        "ask for a role at the scope of the linked resource, and check its tenant",
    )
    .with_effect(Effect::None),
    caller_fixes(
        &["RequestDisallowedByPolicy"],
        ErrorKind::PermissionDenied,
        "a policy forbids this",
        "comply with the policy, or ask its owner for an exemption",
    )
    .with_effect(Effect::None),
    caller_fixes(
        &["InvalidSubscriptionId", "SubscriptionNotFound"],
        ErrorKind::NotFound,
        "the subscription does not exist, or the identity may not see it",
        "check the subscription id, its tenant, and that the identity has a role in it",
    )
    .with_effect(Effect::None),
    caller_fixes(
        &["ReadOnlyDisabledSubscription", "SubscriptionDisabled", "DisallowedOperation"],
        ErrorKind::PermissionDenied,
        "the subscription is disabled",
        "have the subscription's owner enable it",
    )
    .with_effect(Effect::None),
    caller_fixes(
        &["SubscriptionNotRegistered", "MissingSubscriptionRegistration"],
        ErrorKind::Conflict,
        "the subscription is not registered for the resource provider",
        "have an administrator register the resource provider",
    )
    .with_effect(Effect::None),
    // Tokens, principals and role assignments.
    retry(
        &["ExpiredAuthenticationToken"],
        ErrorKind::Unauthenticated,
        "the access token has expired",
        "sign in again; check this machine's clock",
    ),
    caller_fixes(
        &["InvalidAuthenticationTokenTenant"],
        ErrorKind::Unauthenticated,
        "the access token is of another tenant than the subscription",
        "sign in to the tenant to which the subscription belongs",
    ),
    caller_fixes(
        &["InvalidAuthenticationToken", "AuthenticationFailed", "InvalidAuthenticationInfo"],
        ErrorKind::Unauthenticated,
        "the access token is not accepted",
        "check the credential, its tenant and its cloud",
    ),
    retry(
        &["PrincipalNotFound"],
        ErrorKind::NotFound,
        "the principal is not known to the service yet",
        "give the principal's object id and type; a new principal is known after some minutes",
    ),
    caller_fixes(
        &["RoleAssignmentExists"],
        ErrorKind::Conflict,
        "the role is assigned already",
        "nothing: the assignment is there",
    )
    .with_effect(Effect::None),
    caller_fixes(
        &["RoleAssignmentUpdateNotPermitted"],
        ErrorKind::Conflict,
        "an assignment of this name exists with another role or principal",
        "use a new name (GUID) for the assignment",
    )
    .with_effect(Effect::None),
    caller_fixes(
        &["ScopeLocked"],
        ErrorKind::Conflict,
        "a lock protects the scope",
        "have the lock removed by its owner",
    )
    .with_effect(Effect::None),
    // What was asked for.
    caller_fixes(
        &["MarketplacePurchaseEligibilityFailed", "ResourcePurchaseValidationFailed"],
        ErrorKind::InvalidInput,
        "the image is sold on the marketplace and its terms are not accepted",
        "have its terms read (Subscription::image_terms) and accepted once (Subscription::accept_terms), or: az vm image terms \
         accept --publisher … --offer … --plan …",
    )
    .with_effect(Effect::None),
    caller_fixes(
        &["VMMarketplaceInvalidInput"],
        ErrorKind::InvalidInput,
        "the machine does not name the plan that its image is sold under",
        "let the identity read the image (Reader on the subscription, or on the image), whose plan is sent then",
    )
    .with_effect(Effect::None),
    caller_fixes(
        &["PlatformImageNotFound", "ImageNotFound", "GalleryImageNotFound"],
        ErrorKind::NotFound,
        "the image does not exist in this region",
        "check the image's name and version, and the region",
    )
    .with_effect(Effect::None),
    caller_fixes(
        &["InvalidParameter", "InvalidRequestFormat", "InvalidRequestContent", "InvalidResource"],
        ErrorKind::InvalidInput,
        "a value of the request is not accepted",
        "correct the value that the service names",
    )
    .with_effect(Effect::None),
    caller_fixes(
        &["ReservedResourceName"],
        ErrorKind::InvalidInput,
        "the name holds a reserved word",
        "choose a name without words such as Microsoft or login",
    )
    .with_effect(Effect::None),
    caller_fixes(
        &["SubnetIsFull", "InsufficientSubnetSize"],
        ErrorKind::Conflict,
        "the subnet has no free address",
        "use a larger subnet, or another",
    )
    .with_effect(Effect::None),
    caller_fixes(
        &["PrivateIPAddressIsAllocated"],
        ErrorKind::Conflict,
        "the private address is in use",
        "choose another private address, or let the service choose",
    )
    .with_effect(Effect::None),
    caller_fixes(
        // A wrapper too: this row is for one that has nothing inside, which says nothing of when it was found.
        &["Conflict"],
        ErrorKind::Conflict,
        "the request contradicts what exists",
        "compare the request with the resource as it is; a new name avoids clashes with an old disk",
    ),
    caller_fixes(
        &["PropertyChangeNotAllowed", "ConflictingUserInput"],
        ErrorKind::Conflict,
        "the request contradicts what exists",
        "compare the request with the resource as it is; a new name avoids clashes with an old disk",
    )
    .with_effect(Effect::None),
    caller_fixes(
        &["VMExtensionProvisioningError", "VMExtensionProvisioningTimeout", "VMExtensionHandlerNonTransientError"],
        ErrorKind::Conflict,
        "the extension failed; the machine itself is healthy",
        "read the output of the extension in the machine's instance view",
    )
    .with_effect(Effect::Unknown),
    // The state of a resource.
    caller_fixes(
        &["ResourceGroupBeingDeleted"],
        ErrorKind::Conflict,
        "the resource group is being deleted",
        "wait until the resource group is gone, or choose another name",
    )
    .with_effect(Effect::None),
    retry(
        &["ResourceGroupDeletionBlocked", "DeletionTimeout"],
        ErrorKind::Conflict,
        "something in the resource group cannot be deleted yet",
        "remove what blocks it, then delete the resource group again",
    )
    .with_effect(Effect::Unknown),
    retry(
        &["AnotherOperationInProgress", "ReferencedResourceNotProvisioned"],
        ErrorKind::Conflict,
        "another operation on the resource is under way",
        "try again in some seconds",
    )
    .with_effect(Effect::None),
    retry(
        &["RetryableError", "RetryableErrorDueToAnotherOperation"],
        ErrorKind::Conflict,
        "a resource it refers to is not ready",
        "try again in some seconds",
    )
    .with_effect(Effect::None),
    retry(
        &["NicReservedForAnotherVm"],
        ErrorKind::Conflict,
        "the network interface is still reserved for a machine",
        "try again after three minutes",
    )
    .with_effect(Effect::None),
    retry(
        &[
            "InUseSubnetCannotBeDeleted",
            "InUseNetworkSecurityGroupCannotBeDeleted",
            "PublicIPAddressCannotBeDeleted",
            "NicInUse",
        ],
        ErrorKind::Conflict,
        "the resource is still in use",
        "delete what uses it first, then try again in some seconds",
    )
    .with_effect(Effect::None),
    retry(
        // Of kind `Timeout`, so that a provisioning does not take it for momentary and write the machine again.
        &["OSProvisioningTimedOut", "OSProvisioningClientError"],
        ErrorKind::Timeout,
        "the machine did not report in time that it is set up; it may still come up",
        "keep the machine, read it again, and look at its boot diagnostics",
    )
    .with_effect(Effect::Unknown),
    caller_fixes(
        &["NotFound", "ResourceNotFound", "ParentResourceNotFound", "ResourceGroupNotFound"],
        ErrorKind::NotFound,
        "the resource does not exist",
        "check the name, the resource group and the subscription",
    ),
    // What passes.
    retry(
        &["TooManyRequests", "OperationNotAllowedOnThrottling", "SubscriptionRequestsThrottled"],
        ErrorKind::Throttled,
        "the service asks to slow down",
        "wait as long as the service says, and send fewer requests",
    )
    .with_effect(Effect::None),
    retry(
        &["GatewayTimeout", "ServerTimeout"],
        ErrorKind::Timeout,
        "the service did not answer in time",
        "read the resource, then try again",
    )
    .with_effect(Effect::Unknown),
    retry(
        &[
            "ResourceReadFailed",
            "InternalExecutionError",
            "InternalServerError",
            "InternalError",
            "ServiceUnavailable",
            "NetworkingInternalOperationError",
            "InternalOperationError",
            "BadGateway",
        ],
        ErrorKind::Unavailable,
        "the service failed for a moment",
        "try again later; check the service's status page",
    )
    .with_effect(Effect::Unknown),
]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_once() {
        assert!(CODES.repeated().is_empty(), "{:?}", CODES.repeated());
    }

    #[test]
    fn every_code_of_the_documents_has_its_class() {
        use Class::{CallerFixes, FallBack, Permanent, Retry};
        let lines = [
            (
                FallBack,
                "SkuNotAvailable AllocationFailed ZonalAllocationFailed OverconstrainedAllocationRequest OverconstrainedZonalAllocationRequest",
            ),
            (
                CallerFixes,
                "QuotaExceeded ResourceQuotaExceeded InvalidSubscriptionId SubscriptionNotFound SubscriptionNotRegistered MissingSubscriptionRegistration AuthorizationFailed LinkedAuthorizationFailed RequestDisallowedByPolicy MarketplacePurchaseEligibilityFailed ResourcePurchaseValidationFailed PlatformImageNotFound ImageNotFound GalleryImageNotFound InvalidParameter PublicIPCountLimitReached SubnetIsFull InsufficientSubnetSize PrivateIPAddressIsAllocated ResourceGroupBeingDeleted ReservedResourceName Conflict PropertyChangeNotAllowed ConflictingUserInput VMExtensionProvisioningError VMExtensionProvisioningTimeout InvalidAuthenticationTokenTenant RoleAssignmentExists RoleAssignmentUpdateNotPermitted NotFound ResourceNotFound ParentResourceNotFound IPv4BasicSkuPublicIpCountLimitReached",
            ),
            (Permanent, "LocationNotAvailableForResourceType NoRegisteredProviderFound MissingRegistrationForLocation"),
            (
                Retry,
                "ResourceGroupDeletionBlocked DeletionTimeout AnotherOperationInProgress RetryableError RetryableErrorDueToAnotherOperation NicReservedForAnotherVm InUseSubnetCannotBeDeleted OSProvisioningTimedOut ResourceReadFailed GatewayTimeout ServerTimeout InternalExecutionError TooManyRequests ExpiredAuthenticationToken PrincipalNotFound",
            ),
        ];
        for (class, codes) in lines {
            for code in codes.split_whitespace() {
                let row = row(code, false).unwrap_or_else(|| panic!("{code} is missing"));
                assert_eq!(*row.datum(), class, "{code}");
                assert!(!row.advice().is_empty() && !row.message().is_empty());
            }
        }
    }
}
