DROP TRIGGER trigger_delete_budget_cap_overrides_on_user_delete ON users;
DROP FUNCTION delete_budget_cap_overrides_of_user();
DROP TABLE user_budget_cap_overrides;
DROP FUNCTION audit_user_budget_cap_overrides();
DROP TABLE subscription_budget_caps;
