//! Request budgets.

use crate::error::ArmError;
use crate::random::guid_of;
use crate::wire::Method;
use crate::world::Call;

/// The kinds of request that ARM counts apart: what headers call them, and what messages do.
const KINDS: [(&str, &str); 3] = [("reads", "read"), ("writes", "write"), ("deletes", "delete")];

fn kind_of(method: Method) -> (&'static str, &'static str) {
    KINDS[match method {
        Method::Get | Method::Head => 0,
        Method::Put | Method::Patch | Method::Post => 1,
        Method::Delete => 2,
    }]
}

/// 429 by ARM: its own budget is used up, and its headers say so.
pub(crate) fn refusal(call: &Call, seconds: u64) -> ArmError {
    let (plural, singular) = kind_of(call.request.method);
    let subscription = &call.subject.subscription;
    let level = if subscription.is_empty() { "tenant" } else { "subscription" };
    let message = format!(
        "Number of '{singular}' requests for subscription '{subscription}' actor '{}' exceeded. Please try again after \
         '{seconds}' seconds.",
        guid_of("emulator user")
    );
    ArmError::gateway(429, "SubscriptionRequestsThrottled", message)
        .with("Retry-After", seconds.to_string())
        .with(&format!("x-ms-ratelimit-remaining-{level}-{plural}"), "0")
}

/// 429 by the provider: ARM's headers know nothing of it.
pub(crate) fn service_refusal(_: &Call, seconds: u64) -> ArmError {
    let message =
        format!("The request was throttled by the service. Please try again after '{seconds}' seconds.");
    ArmError::service(429, "TooManyRequests", message).with("Retry-After", seconds.to_string())
}
