DROP TABLE user_budget_cap_overrides;
DROP TABLE subscription_budget_caps;
