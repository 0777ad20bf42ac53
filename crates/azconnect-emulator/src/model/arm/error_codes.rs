//! The codes Microsoft documents, with the status and the words in which they come.

use serde_json::json;

use crate::base::refusal::Refusal;

/// The words of quota refusals, where numbers are examples.
const QUOTA: &str = "Operation could not be completed as it results in exceeding approved standardDSv5Family Cores quota. Additional details - Deployment Model: Resource Manager, Location: westeurope, Current Limit: 10, Current Usage: 8, Additional Required: 4, (Minimum) New Limit Required: 12. Setup Alerts when Quota reaches threshold. Learn more at https://aka.ms/quotamonitoringalerting . Submit a request for Quota increase at https://aka.ms/ProdportalCRP/#blade/Microsoft_Azure_Capacity/UsageAndQuota.ReactView by specifying parameters listed in the 'Details' section for deployment to succeed. Please read more about quota limits at https://docs.microsoft.com/en-us/azure/azure-supportability/per-vm-quota-requests";

const VM: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/example/providers/Microsoft.Compute/virtualMachines/example";

/// A code, the HTTP status that it comes with, and its message.
type Entry = (&'static str, u16, &'static str);

const ENTRIES: &[Entry] = &[
    ("OperationNotAllowed", 409, QUOTA),
    (
        "QuotaExceeded",
        409,
        "Operation results in exceeding quota limits of Core. Maximum allowed: 10, Current in use: 10, Additional requested: 2. Please read more about quota increase at https://aka.ms/corequotaincrease.",
    ),
    (
        "ResourceQuotaExceeded",
        409,
        "Creating the resource of type 'Microsoft.Network/virtualNetworks' would exceed the quota of '1000' resources of type 'Microsoft.Network/virtualNetworks' per resource group. The current resource count is '1000', please delete some resources of this type before creating a new one.",
    ),
    (
        "SkuNotAvailable",
        409,
        "The requested VM size for resource 'Following SKUs have failed for Capacity Restrictions: Standard_D2s_v5' is currently not available in location 'westeurope'. Please try another size or deploy to a different location or different zone. See https://aka.ms/azureskunotavailable for details.",
    ),
    (
        "AllocationFailed",
        409,
        "Allocation failed. We do not have sufficient capacity for the requested VM size in this region. Read more about improving likelihood of allocation success at https://aka.ms/allocation-guidance",
    ),
    (
        "ZonalAllocationFailed",
        409,
        "Allocation failed. We do not have sufficient capacity for the requested VM size in this zone. Read more about improving likelihood of allocation success at https://aka.ms/allocation-guidance",
    ),
    (
        "OverconstrainedAllocationRequest",
        409,
        "Allocation failed. VM(s) with the following constraints cannot be allocated, because the condition is too restrictive. Please remove some constraints and try again. Constraints applied are:\n  - Networking Constraints (such as Accelerated Networking or IPv6)\n  - VM Size\n",
    ),
    (
        "OverconstrainedZonalAllocationRequest",
        409,
        "Allocation failed. VM(s) with the following constraints cannot be allocated, because the condition is too restrictive. Please remove some constraints and try again. Constraints applied are:\n  - Availability Zone\n  - VM Size\n",
    ),
    (
        "LocationNotAvailableForResourceType",
        400,
        "The provided location 'example' is not available for resource type 'Microsoft.Compute/virtualMachines'. List of available regions for the resource type is 'eastus,westeurope'.",
    ),
    (
        "NoRegisteredProviderFound",
        400,
        "No registered resource provider found for location 'example' and API version '2014-01-01' for type 'virtualMachines'. The supported api-versions are '2015-06-15, 2025-04-01'. The supported locations are 'eastus, westeurope'.",
    ),
    (
        "MissingRegistrationForLocation",
        409,
        "The subscription is not registered for the resource type 'virtualMachines' in the location 'example'. Please re-register for this provider in order to have access to this location.",
    ),
    ("InvalidSubscriptionId", 400, "The provided subscription identifier 'example' is malformed or invalid."),
    ("SubscriptionNotFound", 404, "The subscription '00000000-0000-0000-0000-000000000000' could not be found."),
    ("SubscriptionNotRegistered", 409, "The subscription is not registered."),
    (
        "MissingSubscriptionRegistration",
        409,
        "The subscription is not registered to use namespace 'Microsoft.Compute'. See https://aka.ms/rps-not-found for how to register subscriptions.",
    ),
    (
        "ReadOnlyDisabledSubscription",
        409,
        "The subscription '00000000-0000-0000-0000-000000000000' is disabled and therefore marked as read only. You cannot perform any write actions on this subscription until it is re-enabled.",
    ),
    (
        "AuthorizationFailed",
        403,
        "The client '11111111-1111-1111-1111-111111111111' with object id '22222222-2222-2222-2222-222222222222' does not have authorization to perform action 'Microsoft.Compute/virtualMachines/write' over scope '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/example/providers/Microsoft.Compute/virtualMachines/example' or the scope is invalid. If access was recently granted, please refresh your credentials.",
    ),
    (
        "LinkedAuthorizationFailed",
        403,
        "The client '11111111-1111-1111-1111-111111111111' with object id '22222222-2222-2222-2222-222222222222' has permission to perform action 'Microsoft.Network/networkInterfaces/write' on scope '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/example/providers/Microsoft.Network/networkInterfaces/example'; however, it does not have permission to perform action(s) 'Microsoft.Network/virtualNetworks/subnets/join/action' on the linked scope(s) '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/other/providers/Microsoft.Network/virtualNetworks/example/subnets/default' (respectively) or the linked scope(s) are invalid.",
    ),
    (
        "RequestDisallowedByPolicy",
        403,
        "Resource 'example' was disallowed by policy. Policy identifiers: '[{\"policyAssignment\":{\"name\":\"Allowed locations\",\"id\":\"/subscriptions/00000000-0000-0000-0000-000000000000/providers/Microsoft.Authorization/policyAssignments/locations\"},\"policyDefinition\":{\"name\":\"Allowed locations\",\"id\":\"/providers/Microsoft.Authorization/policyDefinitions/e56962a6-4747-49cd-b67b-bf8b01975c4c\"}}]'.",
    ),
    (
        "MarketplacePurchaseEligibilityFailed",
        400,
        "Marketplace purchase eligibility check returned errors. See inner errors for details. ",
    ),
    (
        "ResourcePurchaseValidationFailed",
        400,
        "User failed validation to purchase resources. Error message: 'You have not accepted the legal terms on this subscription: '00000000-0000-0000-0000-000000000000' for this plan. Before the subscription can be used, you need to accept the legal terms of the image. To read and accept legal terms, use the Azure CLI commands described at https://go.microsoft.com/fwlink/?linkid=2110637 or the PowerShell commands available at https://go.microsoft.com/fwlink/?linkid=862451. Alternatively, deploying via the Azure portal provides a UI experience for reading and accepting the legal terms. Offer details: publisher='example' offer = 'example', sku = 'example', Correlation Id: '33333333-3333-3333-3333-333333333333'.'",
    ),
    (
        "PlatformImageNotFound",
        404,
        "The platform image 'Canonical:example:example:latest' is not available. Verify that all fields in the storage profile are correct. For more details about storage profile information, please refer to https://aka.ms/storageprofile",
    ),
    (
        "ImageNotFound",
        404,
        "The Image '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/example/providers/Microsoft.Compute/images/example' cannot be found in 'westeurope' region.",
    ),
    (
        "GalleryImageNotFound",
        404,
        "The gallery image /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/example/providers/Microsoft.Compute/galleries/example/images/example/versions/1.0.0 is not available in westeurope region. Please contact image owner to replicate to this region, or change your requested region.",
    ),
    ("InvalidParameter", 400, "The value of parameter linuxConfiguration.ssh.publicKeys.keyData is invalid."),
    (
        "PublicIPCountLimitReached",
        400,
        "Cannot create more than 10 public IP addresses for this subscription in this region.",
    ),
    (
        "IPv4BasicSkuPublicIpCountLimitReached",
        400,
        "Cannot create more than 0 IPv4 Basic SKU public IP addresses for this subscription in this region.",
    ),
    (
        "IPv4StandardSkuPublicIpCountLimitReached",
        400,
        "Cannot create more than 20 IPv4 Standard SKU public IP addresses for this subscription in this region.",
    ),
    (
        "SubnetIsFull",
        400,
        "Subnet default with address prefix 10.0.0.0/29 does not have enough capacity for 1 IP addresses.",
    ),
    ("InsufficientSubnetSize", 400, "Subnet default does not have enough IP addresses for the requested resources."),
    (
        "PrivateIPAddressIsAllocated",
        400,
        "IP configuration /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/example/providers/Microsoft.Network/networkInterfaces/example/ipConfigurations/primary is using the private IP address 10.0.0.4 which is already allocated to resource /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/example/providers/Microsoft.Network/networkInterfaces/other/ipConfigurations/primary.",
    ),
    (
        "ResourceGroupBeingDeleted",
        409,
        "The resource group 'example' is in deprovisioning state and cannot perform this operation.",
    ),
    (
        "ResourceGroupDeletionBlocked",
        409,
        "Deletion of resource group 'example' failed as resources with identifiers 'Microsoft.Network/networkInterfaces/example' could not be deleted. The provisioning state of the resource group will be rolled back.",
    ),
    ("DeletionTimeout", 409, "The resource group deletion did not finish in time. Please try again."),
    ("ReservedResourceName", 400, "The resource name 'login' or a part of the name is a trademarked or reserved word."),
    (
        "Conflict",
        409,
        "The request failed due to conflict with a concurrent request. To resolve it, please refer to https://aka.ms/activitylog to get more details on the conflicting requests.",
    ),
    ("PropertyChangeNotAllowed", 409, "Changing property 'osProfile.customData' is not allowed."),
    (
        "ConflictingUserInput",
        409,
        "Disk example_OsDisk_1 already exists in resource group EXAMPLE. Only CreateOption.Attach is supported.",
    ),
    (
        "AnotherOperationInProgress",
        409,
        "Another operation on this or dependent resource is in progress. To retrieve status of the operation use uri: https://management.azure.com/subscriptions/00000000-0000-0000-0000-000000000000/providers/Microsoft.Network/locations/westeurope/operations/44444444-4444-4444-4444-444444444444?api-version=2025-05-01.",
    ),
    ("RetryableError", 429, "A retryable error occurred."),
    (
        "NicReservedForAnotherVm",
        400,
        "Nic(s) in request is reserved for another Virtual Machine for 180 seconds. Please provide another nic(s) or retry after 180 seconds. Reserved VM: /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/example/providers/Microsoft.Compute/virtualMachines/example",
    ),
    (
        "InUseSubnetCannotBeDeleted",
        400,
        "Subnet default is in use by /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/example/providers/Microsoft.Network/networkInterfaces/example/ipConfigurations/primary and cannot be deleted. In order to delete the subnet, delete all the resources within the subnet. See aka.ms/deletesubnet.",
    ),
    (
        "InUseNetworkSecurityGroupCannotBeDeleted",
        400,
        "Network security group example cannot be deleted because it is in use by other resources.",
    ),
    (
        "NicInUse",
        400,
        "Network Interface example is used by existing resource /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/example/providers/Microsoft.Compute/virtualMachines/example. In order to delete the network interface, it must be dissociated from the resource. To learn more, see aka.ms/deletenic.",
    ),
    (
        "PublicIPAddressCannotBeDeleted",
        400,
        "Public IP address example can not be deleted since it is still allocated to another resource. In order to delete the public IP, disassociate/detach the Public IP address from the resource.  To learn how to do this, see aka.ms/deletepublicip.",
    ),
    (
        "OSProvisioningTimedOut",
        409,
        "OS Provisioning for VM 'example' did not finish in the allotted time. The VM may still finish provisioning successfully. Please check provisioning state later. For details on how to check current provisioning state of Linux VMs, refer to https://aka.ms/LinuxVMLifecycle.",
    ),
    ("OSProvisioningInternalError", 409, "OS Provisioning failed for VM 'example' due to an internal error."),
    (
        "OSProvisioningClientError",
        409,
        "OS Provisioning for VM 'example' failed. Error details: the image was not properly prepared.",
    ),
    (
        "VMExtensionProvisioningError",
        409,
        "VM has reported a failure when processing extension 'agent' (publisher 'Microsoft.Azure.Extensions' and type 'CustomScript'). Error message: 'Enable failed: failed to execute command: command terminated with exit status=1\n[stdout]\n\n[stderr]\nno such package\n'. More information on troubleshooting is available at https://aka.ms/VMExtensionCSELinuxTroubleshoot. ",
    ),
    (
        "VMExtensionProvisioningTimeout",
        409,
        "Provisioning of VM extension agent has timed out. Extension provisioning has taken too long to complete. The extension did not report a message. More information on troubleshooting is available at https://aka.ms/VMExtensionCSELinuxTroubleshoot",
    ),
    (
        "VMExtensionHandlerNonTransientError",
        409,
        "The handler for VM extension type 'Microsoft.Azure.Extensions.CustomScript' has reported terminal failure for VM extension 'agent'.",
    ),
    (
        "VMAgentStatusCommunicationError",
        409,
        "VM 'example' has not reported status for VM agent or extensions. Verify that the OS is up and healthy, the VM has a running VM agent, and that it can establish outbound connections to Azure storage.",
    ),
    ("ResourceReadFailed", 500, "The resource could not be read."),
    (
        "GatewayTimeout",
        504,
        "The gateway did not receive a response from 'Microsoft.Compute' within the specified time period.",
    ),
    ("ServerTimeout", 503, "The request timed out. Diagnostic information: timestamp '20260101T000000Z'."),
    (
        "InternalServerError",
        500,
        "Encountered internal server error. Diagnostic information: timestamp '20260101T000000Z'.",
    ),
    ("ServiceUnavailable", 503, "The service is temporarily unavailable."),
    ("InternalExecutionError", 500, "An internal execution error occurred. Please retry later."),
    ("InternalOperationError", 500, "An internal error occurred while processing the operation."),
    (
        "TooManyRequests",
        429,
        "The request is being throttled as the limit has been reached for operation type - PutVM.",
    ),
    (
        "SubscriptionRequestsThrottled",
        429,
        "Number of requests for subscription '00000000-0000-0000-0000-000000000000' and operation 'PUT' exceeded the backend storage limit. Please try again after '5' seconds.",
    ),
    ("OperationPreempted", 409, "Operation execution has been preempted by a more recent operation."),
    (
        "ExpiredAuthenticationToken",
        401,
        "The access token expiry UTC time '1/1/2026 12:00:00 AM' is earlier than current UTC time '1/1/2026 12:05:00 AM'.",
    ),
    ("InvalidAuthenticationToken", 401, "The access token is invalid."),
    (
        "InvalidAuthenticationTokenTenant",
        401,
        "The access token is from the wrong issuer 'https://sts.windows.net/55555555-5555-5555-5555-555555555555/'. It must match the tenant 'https://sts.windows.net/66666666-6666-6666-6666-666666666666/' associated with this subscription. Please use the authority (URL) 'https://login.windows.net/66666666-6666-6666-6666-666666666666' to get the token. Note, if the subscription is transferred to another tenant there is no impact to the services, but information about new tenant could take time to propagate (up to an hour). If you just transferred your subscription and see this error message, please try back later.",
    ),
    (
        "PrincipalNotFound",
        400,
        "Principal 22222222222222222222222222222222 does not exist in the directory 66666666-6666-6666-6666-666666666666. Check that you have the correct principal ID. If you are creating this principal and then immediately assigning a role, this error might be related to a replication delay. In this case, set the role assignment principalType property to a value, such as ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype",
    ),
    ("RoleAssignmentExists", 409, "The role assignment already exists."),
    (
        "RoleAssignmentUpdateNotPermitted",
        400,
        "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
    ),
    ("RoleAssignmentLimitExceeded", 400, "No more role assignments can be created (max is 4000)."),
    ("NotFound", 404, "The resource was not found."),
    (
        "ResourceNotFound",
        404,
        "The Resource 'Microsoft.Compute/virtualMachines/example' under resource group 'example' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
    ),
    ("ResourceGroupNotFound", 404, "Resource group 'example' could not be found."),
    (
        "ParentResourceNotFound",
        404,
        "Failed to perform 'write' on resource(s) of type 'virtualNetworks/subnets', because the parent resource '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/example/providers/Microsoft.Network/virtualNetworks/example' could not be found.",
    ),
    (
        "InvalidTemplateDeployment",
        400,
        "The template deployment 'example' is not valid according to the validation procedure. The tracking id is '33333333-3333-3333-3333-333333333333'. See inner errors for details.",
    ),
    (
        "DeploymentFailed",
        409,
        "At least one resource deployment operation failed. Please list deployment operations for details. Please see https://aka.ms/arm-deployment-operations for usage details.",
    ),
    (
        "ScopeLocked",
        409,
        "The scope 'example' cannot perform write operation because following scope(s) are locked: 'example'. Please remove the lock and try again.",
    ),
    ("VMRedeploymentFailed", 409, "VM redeployment failed due to an internal error. Please retry later."),
    (
        "VMStartTimedOut",
        409,
        "VM 'example' did not start in the allotted time. The VM may still start successfully. Please check the power state later.",
    ),
    (
        "BillingNotReady",
        409,
        "Billing state for the subscription 00000000-0000-0000-0000-000000000000 is not ready. The request cannot be processed.",
    ),
];

/// Status and message of a code; 400 and a plain sentence for a code that is not documented.
pub(crate) fn entry(code: &str) -> (u16, String) {
    ENTRIES.iter().find(|(known, ..)| *known == code).map_or_else(
        || (400, format!("The request failed with {code}.")),
        |(_, status, text)| (*status, (*text).to_owned()),
    )
}

/// Every code with an entry.
pub(crate) fn codes() -> impl Iterator<Item = &'static str> {
    ENTRIES.iter().map(|(code, ..)| *code)
}

/// Adds the details and headers that some codes always have.
pub(crate) fn complete(refusal: &mut Refusal) {
    match refusal.code.as_str() {
        "RetryableError" => refusal.details.push(*Refusal::new(
            429,
            "ReferencedResourceNotProvisioned",
            format!("Cannot proceed with operation because resource {VM} used by resource {VM} is not in Succeeded state."),
        )),
        "RequestDisallowedByPolicy" => refusal.additional.push((
            "PolicyViolation".to_owned(),
            json!({
                "policyDefinitionDisplayName": "Allowed locations",
                "policyDefinitionId": "/providers/Microsoft.Authorization/policyDefinitions/e56962a6-4747-49cd-b67b-bf8b01975c4c",
                "policyDefinitionName": "e56962a6-4747-49cd-b67b-bf8b01975c4c",
                "policyDefinitionEffect": "deny",
                "policyAssignmentId": "/subscriptions/00000000-0000-0000-0000-000000000000/providers/Microsoft.Authorization/policyAssignments/locations",
                "policyAssignmentName": "locations",
                "policyAssignmentDisplayName": "Allowed locations",
                "policyAssignmentScope": "/subscriptions/00000000-0000-0000-0000-000000000000",
                "policyAssignmentParameters": {"listOfAllowedLocations": {"value": ["westeurope"]}},
            }),
        )),
        "InvalidParameter" => refusal.target = Some("linuxConfiguration.ssh.publicKeys.keyData".to_owned()),
        "PlatformImageNotFound" | "ImageNotFound" => refusal.target = Some("imageReference".to_owned()),
        "PropertyChangeNotAllowed" => refusal.target = Some("osProfile.customData".to_owned()),
        "TooManyRequests" | "SubscriptionRequestsThrottled" => {
            refusal.headers.push(("retry-after".to_owned(), "5".to_owned()));
        }
        "InvalidTemplateDeployment" => {
            let (status, message) = entry("SkuNotAvailable");
            refusal.details.push(*Refusal::new(status, "SkuNotAvailable", message));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_there_once() {
        let mut codes: Vec<_> = codes().collect();
        codes.sort_unstable();
        let all = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), all);
        assert!(ENTRIES.iter().all(|(_, status, message)| (400..600).contains(status) && !message.is_empty()));
    }

    #[test]
    fn an_unknown_code_is_a_bad_request() {
        assert_eq!(entry("Whatever").0, 400);
    }
}
