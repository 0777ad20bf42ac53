//! Every code that matters: what it means, of which class it is, and its remedy.
//!
//! Follows Microsoft's *Troubleshoot common Azure deployment errors* and *Troubleshoot VM allocation failures*.

use azconnect_core::ErrorKind;

/// What can be done about a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// Nothing, as it was asked.
    Permanent,
    /// The caller changes the request, the subscription or a permission.
    CallerFixes,
    /// The same again, later.
    Retry,
    /// Another size, zone or region.
    FallBack,
}

/// One line of the catalogue.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) class: Class,
    pub(super) kind: ErrorKind,
    pub(super) message: &'static str,
    pub(super) advice: &'static str,
}

/// Whether a code only says that something inside went wrong.
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

/// The line of a code. `quota`: whether its message speaks of a quota.
pub(super) fn entry(code: &str, quota: bool) -> Option<Entry> {
    capacity(code, quota)
        .or_else(|| access(code))
        .or_else(|| identity(code))
        .or_else(|| request(code))
        .or_else(|| state(code))
        .or_else(|| transient(code))
        .map(|(class, kind, message, advice)| Entry { class, kind, message, advice })
}

type Line = (Class, ErrorKind, &'static str, &'static str);

fn capacity(code: &str, quota: bool) -> Option<Line> {
    use Class::{CallerFixes, FallBack, Permanent};
    use ErrorKind::{Conflict, Unavailable, Unsupported};
    Some(match code {
        "OperationNotAllowed" if quota => (
            FallBack,
            Conflict,
            "the quota of processor cores is used up",
            "choose another size or region, or have the quota raised",
        ),
        "OperationNotAllowed" => (
            CallerFixes,
            Conflict,
            "the resource's state does not allow this",
            "read the resource's state and wait or change it first",
        ),
        "QuotaExceeded" | "ResourceQuotaExceeded" => {
            (CallerFixes, Conflict, "a quota is used up", "have the quota raised, or delete what is not needed")
        }
        "PublicIPCountLimitReached" | "PublicIpCountLimitReached" | "StandardSkuPublicIpCountLimitReached" => (
            CallerFixes,
            Conflict,
            "the quota of public addresses is used up",
            "have the quota of public addresses raised, or delete some that are not needed",
        ),
        "IPv4BasicSkuPublicIpCountLimitReached" => {
            (CallerFixes, Unsupported, "basic public addresses no longer exist", "ask for a Standard public address")
        }
        "SkuNotAvailable" => (
            FallBack,
            Unavailable,
            "the size is not available here for this subscription",
            "choose another size, zone or region",
        ),
        "AllocationFailed" | "OverconstrainedAllocationRequest" => (
            FallBack,
            Unavailable,
            "the region has no room for this size now",
            "try another size, zone or region, or later",
        ),
        "ZonalAllocationFailed" | "OverconstrainedZonalAllocationRequest" => (
            FallBack,
            Unavailable,
            "the zone has no room for this size now",
            "try another zone, or no zone, or another size",
        ),
        "LocationNotAvailableForResourceType" | "NoRegisteredProviderFound" | "MissingRegistrationForLocation" => (
            Permanent,
            Unsupported,
            "the region does not offer this kind of resource",
            "choose another region, and check that the resource provider is registered",
        ),
        _ => return None,
    })
}

fn access(code: &str) -> Option<Line> {
    use Class::CallerFixes;
    use ErrorKind::{Conflict, NotFound, PermissionDenied};
    Some(match code {
        "AuthorizationFailed" | "AuthorizationPermissionMismatch" => (
            CallerFixes,
            PermissionDenied,
            "the role of the identity does not allow this",
            "ask an administrator for a role with this action at this scope",
        ),
        "LinkedAuthorizationFailed" => (
            CallerFixes,
            PermissionDenied,
            "a linked resource, such as a subnet or an image, may not be used",
            "ask for a role at the scope of the linked resource, and check its tenant",
        ),
        "RequestDisallowedByPolicy" => (
            CallerFixes,
            PermissionDenied,
            "a policy forbids this",
            "comply with the policy, or ask its owner for an exemption",
        ),
        "InvalidSubscriptionId" | "SubscriptionNotFound" => (
            CallerFixes,
            NotFound,
            "the subscription does not exist, or the identity may not see it",
            "check the subscription id, its tenant, and that the identity has a role in it",
        ),
        "ReadOnlyDisabledSubscription" | "SubscriptionDisabled" | "DisallowedOperation" => {
            (CallerFixes, PermissionDenied, "the subscription is disabled", "have the subscription's owner enable it")
        }
        "SubscriptionNotRegistered" | "MissingSubscriptionRegistration" => (
            CallerFixes,
            Conflict,
            "the subscription is not registered for the resource provider",
            "have an administrator register the resource provider",
        ),
        _ => return None,
    })
}

fn identity(code: &str) -> Option<Line> {
    use Class::{CallerFixes, Retry};
    use ErrorKind::{Conflict, NotFound, Unauthenticated};
    Some(match code {
        "ExpiredAuthenticationToken" => {
            (Retry, Unauthenticated, "the access token has expired", "sign in again; check this machine's clock")
        }
        "InvalidAuthenticationTokenTenant" => (
            CallerFixes,
            Unauthenticated,
            "the access token is of another tenant than the subscription",
            "sign in to the tenant to which the subscription belongs",
        ),
        "InvalidAuthenticationToken" | "AuthenticationFailed" | "InvalidAuthenticationInfo" => (
            CallerFixes,
            Unauthenticated,
            "the access token is not accepted",
            "check the credential, its tenant and its cloud",
        ),
        "PrincipalNotFound" => (
            Retry,
            NotFound,
            "the principal is not known to the service yet",
            "give the principal's object id and type; a new principal is known after some minutes",
        ),
        "RoleAssignmentExists" => {
            (CallerFixes, Conflict, "the role is assigned already", "nothing: the assignment is there")
        }
        "RoleAssignmentUpdateNotPermitted" => (
            CallerFixes,
            Conflict,
            "an assignment of this name exists with another role or principal",
            "use a new name (GUID) for the assignment",
        ),
        "ScopeLocked" => (CallerFixes, Conflict, "a lock protects the scope", "have the lock removed by its owner"),
        _ => return None,
    })
}

fn request(code: &str) -> Option<Line> {
    use Class::CallerFixes;
    use ErrorKind::{Conflict, InvalidInput, NotFound};
    Some(match code {
        "MarketplacePurchaseEligibilityFailed" | "ResourcePurchaseValidationFailed" | "VMMarketplaceInvalidInput" => (
            CallerFixes,
            InvalidInput,
            "the image is sold on the marketplace and its terms are not accepted",
            "accept the terms (az vm image terms accept --urn …), and send the image's plan",
        ),
        "PlatformImageNotFound" | "ImageNotFound" | "GalleryImageNotFound" => (
            CallerFixes,
            NotFound,
            "the image does not exist in this region",
            "check the image's name and version, and the region",
        ),
        "InvalidParameter" | "InvalidRequestFormat" | "InvalidRequestContent" | "InvalidResource" => (
            CallerFixes,
            InvalidInput,
            "a value of the request is not accepted",
            "correct the value that the service names",
        ),
        "ReservedResourceName" => (
            CallerFixes,
            InvalidInput,
            "the name holds a reserved word",
            "choose a name without words such as Microsoft or login",
        ),
        "SubnetIsFull" | "InsufficientSubnetSize" => {
            (CallerFixes, Conflict, "the subnet has no free address", "use a larger subnet, or another")
        }
        "PrivateIPAddressIsAllocated" => (
            CallerFixes,
            Conflict,
            "the private address is in use",
            "choose another private address, or let the service choose",
        ),
        "Conflict" | "PropertyChangeNotAllowed" | "ConflictingUserInput" => (
            CallerFixes,
            Conflict,
            "the request contradicts what exists",
            "compare the request with the resource as it is; a new name avoids clashes with an old disk",
        ),
        "VMExtensionProvisioningError" | "VMExtensionProvisioningTimeout" | "VMExtensionHandlerNonTransientError" => (
            CallerFixes,
            Conflict,
            "the extension failed; the machine itself is healthy",
            "read the output of the extension in the machine's instance view",
        ),
        _ => return None,
    })
}

fn state(code: &str) -> Option<Line> {
    use Class::{CallerFixes, Retry};
    use ErrorKind::{Conflict, NotFound, Timeout};
    Some(match code {
        "ResourceGroupBeingDeleted" => (
            CallerFixes,
            Conflict,
            "the resource group is being deleted",
            "wait until the resource group is gone, or choose another name",
        ),
        "ResourceGroupDeletionBlocked" | "DeletionTimeout" => (
            Retry,
            Conflict,
            "something in the resource group cannot be deleted yet",
            "remove what blocks it, then delete the resource group again",
        ),
        "AnotherOperationInProgress" | "ReferencedResourceNotProvisioned" => {
            (Retry, Conflict, "another operation on the resource is under way", "try again in some seconds")
        }
        "RetryableError" | "RetryableErrorDueToAnotherOperation" => {
            (Retry, Conflict, "a resource it refers to is not ready", "try again in some seconds")
        }
        "NicReservedForAnotherVm" => {
            (Retry, Conflict, "the network interface is still reserved for a machine", "try again after three minutes")
        }
        "InUseSubnetCannotBeDeleted"
        | "InUseNetworkSecurityGroupCannotBeDeleted"
        | "PublicIPAddressCannotBeDeleted"
        | "NicInUse" => (
            Retry,
            Conflict,
            "the resource is still in use",
            "delete what uses it first, then try again in some seconds",
        ),
        "OSProvisioningTimedOut" | "OSProvisioningClientError" => (
            Retry,
            Timeout,
            "the machine did not report in time that it is set up; it may still come up",
            "keep the machine, read it again, and look at its boot diagnostics",
        ),
        "NotFound" | "ResourceNotFound" | "ParentResourceNotFound" | "ResourceGroupNotFound" => (
            CallerFixes,
            NotFound,
            "the resource does not exist",
            "check the name, the resource group and the subscription",
        ),
        _ => return None,
    })
}

fn transient(code: &str) -> Option<Line> {
    use Class::Retry;
    use ErrorKind::{Throttled, Timeout, Unavailable};
    Some(match code {
        "TooManyRequests" | "OperationNotAllowedOnThrottling" | "SubscriptionRequestsThrottled" => (
            Retry,
            Throttled,
            "the service asks to slow down",
            "wait as long as the service says, and send fewer requests",
        ),
        "GatewayTimeout" | "ServerTimeout" => {
            (Retry, Timeout, "the service did not answer in time", "read the resource, then try again")
        }
        "ResourceReadFailed"
        | "InternalExecutionError"
        | "InternalServerError"
        | "InternalError"
        | "ServiceUnavailable"
        | "NetworkingInternalOperationError"
        | "InternalOperationError"
        | "BadGateway" => {
            (Retry, Unavailable, "the service failed for a moment", "try again later; check the service's status page")
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
                let entry = entry(code, false).unwrap_or_else(|| panic!("{code} is missing"));
                assert_eq!(entry.class, class, "{code}");
                assert!(!entry.advice.is_empty() && !entry.message.is_empty());
            }
        }
    }
}
