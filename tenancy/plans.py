"""What each plan includes, until a company's own entitlement says otherwise.

Billing writes entitlements; whoever needs a limit asks `tenancy.selectors.limits`.
"""

# None is without limit.
PLAN_LIMITS: dict[str, dict[str, int | None]] = {
    "starter": {"seats": 3, "connections": 1, "api_keys": 2, "webhooks": 2},
    "pro": {"seats": 10, "connections": 5, "api_keys": 10, "webhooks": 5},
    "scale": {"seats": 50, "connections": 25, "api_keys": 50, "webhooks": 10},
    "enterprise": {"seats": None, "connections": None, "api_keys": None, "webhooks": 20},
}
TRIAL_DAYS = 14
