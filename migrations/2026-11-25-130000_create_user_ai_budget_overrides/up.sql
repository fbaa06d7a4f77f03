-- Whether somebody is in a group, Everyone groups included.
CREATE FUNCTION is_group_member(user_id uuid, group_id uuid) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, public, pg_temp
    AS $$
        SELECT EXISTS (
            SELECT 1 FROM public.group_members_expanded AS m
            WHERE m.user_id = is_group_member.user_id AND m.group_id = is_group_member.group_id)
    $$;

-- A person's own budget, which stands in for those of groups, and the group that is charged then.
CREATE TABLE user_ai_budget_overrides (
    user_id uuid PRIMARY KEY,
    group_id uuid NOT NULL,
    -- The group's: the trigger below fills it in.
    organization_id uuid NOT NULL,
    spend_limit_micros bigint NOT NULL,
    mode text NOT NULL DEFAULT 'enforce',
    -- From then on it counts for nothing.
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    updated_at timestamptz NOT NULL DEFAULT bursar_now(),
    -- Zero blocks; nothing is less.
    CONSTRAINT user_ai_budget_overrides_spend_limit_micros_check CHECK (spend_limit_micros >= 0),
    -- As for groups' budgets.
    CONSTRAINT user_ai_budget_overrides_mode_check CHECK (mode IN ('enforce', 'observe')),
    -- An override goes with its person, and with its group.
    CONSTRAINT user_ai_budget_overrides_user_id_fkey
        FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT user_ai_budget_overrides_group_id_fkey
        FOREIGN KEY (group_id, organization_id) REFERENCES groups (id, organization_id) ON DELETE CASCADE
);
CREATE INDEX user_ai_budget_overrides_group_id_idx ON user_ai_budget_overrides (group_id);

CREATE TRIGGER audit_user_ai_budget_overrides
    AFTER INSERT OR UPDATE OR DELETE ON user_ai_budget_overrides
    FOR EACH ROW EXECUTE FUNCTION
        audit_row('ai_budget', 'user_id', '@username', 'organization_id', 'updated_at', '');

-- Who is charged to a group is in it. Membership is a view, so no foreign key can say so, and a CHECK that reads
-- other tables would break dumps. The rows that membership hangs on are locked first, in the order in which
-- whoever removes them does, and asked about in a statement after that: it sees what was committed while this
-- one waited. A removal that comes later waits in turn, and then finds the override.
CREATE FUNCTION enforce_user_ai_budget_override_membership() RETURNS trigger
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    PERFORM FROM public.users WHERE id = NEW.user_id FOR KEY SHARE;
    SELECT organization_id INTO NEW.organization_id
        FROM public.groups WHERE id = NEW.group_id FOR KEY SHARE;
    PERFORM FROM public.organization_members
        WHERE organization_id = NEW.group_id AND user_id = NEW.user_id FOR KEY SHARE;
    PERFORM FROM public.group_members
        WHERE group_id = NEW.group_id AND user_id = NEW.user_id FOR KEY SHARE;
    IF NOT public.is_group_member(NEW.user_id, NEW.group_id) THEN
        RAISE EXCEPTION 'the person `%` is not in the group `%`', NEW.user_id, NEW.group_id
            USING ERRCODE = 'check_violation',
                CONSTRAINT = 'user_ai_budget_overrides_must_be_group_member',
                TABLE = 'user_ai_budget_overrides';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER trigger_enforce_user_ai_budget_override_membership
    BEFORE INSERT OR UPDATE ON user_ai_budget_overrides
    FOR EACH ROW EXECUTE FUNCTION enforce_user_ai_budget_override_membership();

-- A membership takes the override with it that hangs on it. Its argument is the column that holds the group's
-- id: the organization's for its Everyone group.
CREATE FUNCTION delete_user_ai_budget_override_of_member() RETURNS trigger
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    DELETE FROM public.user_ai_budget_overrides
        WHERE user_id = OLD.user_id AND group_id = (to_jsonb(OLD) ->> TG_ARGV[0])::uuid;
    IF TG_OP = 'UPDATE' THEN
        RETURN NEW;
    END IF;
    RETURN OLD;
END
$$;
CREATE TRIGGER trigger_delete_user_ai_budget_overrides_on_group_member_delete
    BEFORE DELETE ON group_members
    FOR EACH ROW EXECUTE FUNCTION delete_user_ai_budget_override_of_member('group_id');
CREATE TRIGGER trigger_delete_user_ai_budget_overrides_on_org_member_delete
    BEFORE DELETE ON organization_members
    FOR EACH ROW EXECUTE FUNCTION delete_user_ai_budget_override_of_member('organization_id');
-- The same for a membership that becomes another's.
CREATE TRIGGER trigger_delete_user_ai_budget_overrides_on_group_member_move
    BEFORE UPDATE ON group_members
    FOR EACH ROW WHEN ((OLD.user_id, OLD.group_id) <> (NEW.user_id, NEW.group_id))
    EXECUTE FUNCTION delete_user_ai_budget_override_of_member('group_id');
CREATE TRIGGER trigger_delete_user_ai_budget_overrides_on_org_member_move
    BEFORE UPDATE ON organization_members
    FOR EACH ROW WHEN ((OLD.user_id, OLD.organization_id) <> (NEW.user_id, NEW.organization_id))
    EXECUTE FUNCTION delete_user_ai_budget_override_of_member('organization_id');
