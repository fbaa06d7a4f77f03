-- What each member of a group may spend in a period. No row is no budget; zero blocks.
CREATE TABLE group_ai_budgets (
    group_id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    spend_limit_micros bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    updated_at timestamptz NOT NULL DEFAULT bursar_now(),
    CONSTRAINT group_ai_budgets_spend_limit_micros_check CHECK (spend_limit_micros >= 0),
    -- A budget goes with its group.
    CONSTRAINT group_ai_budgets_group_id_fkey
        FOREIGN KEY (group_id, organization_id) REFERENCES groups (id, organization_id) ON DELETE CASCADE
);

CREATE TRIGGER audit_group_ai_budgets
    AFTER INSERT OR UPDATE OR DELETE ON group_ai_budgets
    FOR EACH ROW EXECUTE FUNCTION
        audit_row('ai_budget', 'group_id', '@group', 'organization_id', 'updated_at', '');
