//! What every request must have: a version of the API, a token, a subscription.

use http::Method;
use uuid::Uuid;

use crate::base::call::{Call, Claim};
use crate::base::moment::rfc3339;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::arm::address::{Address, same};
use crate::model::token::{Audience, Caller, TokenFault};
use crate::model::world::World;
use crate::service::arm::version;

/// Checks the version of the API and the token; returns who asks.
pub(crate) fn admit(call: &Call, world: &World) -> OrRefusal<Caller> {
    version::require(call.query.get("api-version").unwrap_or_default().trim())?;
    authenticate(call, world)
}

fn authenticate(call: &Call, world: &World) -> OrRefusal<Caller> {
    let unauthorized = |code: &str, message: String| {
        Refusal::new(401, code, message).header(
            "www-authenticate",
            "Bearer authorization_uri=\"https://login.windows.net/\", error=\"invalid_token\", error_description=\"The authentication failed.\"",
        )
    };
    let token = match call.claim() {
        Claim::Bearer(token) => token,
        Claim::Nobody => {
            return Err(unauthorized(
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is missing.".to_owned(),
            ));
        }
        _ => {
            return Err(unauthorized(
                "AuthenticationFailedInvalidHeader",
                "Authentication failed. The 'Authorization' header is provided in an invalid format.".to_owned(),
            ));
        }
    };
    match world.tokens.check(&token, &Audience::ResourceManager, call.now.wall) {
        Ok(token) => Ok(token.caller()),
        Err(TokenFault::Unknown) => Err(unauthorized("InvalidAuthenticationToken", "The access token is invalid.".to_owned())),
        Err(TokenFault::Expired) => Err(unauthorized(
            "ExpiredAuthenticationToken",
            format!("The access token expiry UTC time is earlier than current UTC time '{}'.", rfc3339(call.now.wall)),
        )),
        Err(TokenFault::WrongAudience) => Err(unauthorized(
            "InvalidAuthenticationTokenAudience",
            "The access token has been obtained for wrong audience or resource. It should exactly match (including forward slash) with one of the allowed audiences 'https://management.core.windows.net/','https://management.core.windows.net','https://management.azure.com/','https://management.azure.com'.".to_owned(),
        )),
    }
}

/// The subscription of an address. It must exist, be in the caller's tenant and, for a write, be enabled.
pub(crate) fn known_subscription(world: &mut World, call: &Call, caller: Caller, address: &Address) -> OrRefusal<Uuid> {
    let named = &address.subscription;
    // The parser also takes GUIDs without hyphens or in braces; the service does not.
    let Some(id) = Uuid::parse_str(named).ok().filter(|_| named.len() == 36) else {
        return Err(Refusal::new(
            400,
            "InvalidSubscriptionId",
            format!("The provided subscription identifier '{named}' is malformed or invalid."),
        ));
    };
    let Some(subscription) = world.subscriptions.iter().find(|subscription| subscription.id == id) else {
        return Err(Refusal::new(
            404,
            "SubscriptionNotFound",
            format!("The subscription '{named}' could not be found."),
        ));
    };
    // The refusal names the right tenant, which clients offer to the person.
    if subscription.tenant != caller.tenant {
        let (mine, right) = (caller.tenant, subscription.tenant);
        return Err(Refusal::new(
            401,
            "InvalidAuthenticationTokenTenant",
            format!("The access token is from the wrong issuer 'https://sts.windows.net/{mine}/'. It must match the tenant 'https://sts.windows.net/{right}/' associated with this subscription. Please use the authority (URL) 'https://login.windows.net/{right}' to get the token. Note, if the subscription is transferred to another tenant there is no impact to the services, but information about new tenant could take time to propagate (up to an hour). If you just transferred your subscription and see this error message, please try back later."),
        )
        .header("www-authenticate", &format!("Bearer authorization_uri=\"https://login.windows.net/{right}\", error=\"invalid_token\", error_description=\"The access token is from the wrong issuer. It must match the tenant associated with this subscription.\"")));
    }
    let state = world.arm.account(id).state.clone();
    // A disabled subscription can still be read.
    let reading = matches!(call.method, Method::GET | Method::HEAD);
    if !reading && (same(&state, "Disabled") || same(&state, "Deleted")) {
        return Err(Refusal::new(
            409,
            "ReadOnlyDisabledSubscription",
            format!(
                "The subscription '{named}' is disabled and therefore marked as read only. You cannot perform any write actions on this subscription until it is re-enabled."
            ),
        ));
    }
    Ok(id)
}
