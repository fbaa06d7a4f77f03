//! A row of every table, and what becomes of it when somebody leaves.

/// What a departure does with a row.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fate {
    Gone,
    Kept,
    /// It stays, and this holds of it.
    Now(&'static str),
}
use Fate::{Gone, Kept, Now};

/// A row of Ada's, of organization `beta` or of both, and its fate.
pub(super) struct Row {
    pub(super) table: &'static str,
    /// Makes it.
    pub(super) insert: &'static str,
    /// Finds it.
    pub(super) which: &'static str,
    /// Ada leaves `beta`.
    pub(super) leaving: Fate,
    /// Ada's account is deleted.
    pub(super) account: Fate,
    /// `beta` is deleted.
    pub(super) organization: Fate,
}

/// Rows in an order in which they can be made.
pub(super) const ROWS: &[Row] = &[
    Row {
        table: "users",
        insert: "",
        which: "id = $ada",
        leaving: Now("NOT deleted"),
        account: Now("deleted"),
        organization: Now("NOT deleted"),
    },
    Row {
        table: "organizations",
        insert: "",
        which: "id = $beta",
        leaving: Now("NOT deleted"),
        account: Now("NOT deleted"),
        organization: Now("deleted"),
    },
    Row {
        table: "organization_members",
        insert: "(organization_id, user_id) VALUES ($beta, $ada)",
        which: "organization_id = $beta AND user_id = $ada",
        leaving: Gone,
        account: Gone,
        organization: Gone,
    },
    Row {
        table: "organization_members",
        insert: "",
        which: "organization_id = $acme AND user_id = $ada",
        leaving: Kept,
        account: Gone,
        organization: Kept,
    },
    Row {
        table: "groups",
        insert: "(id, organization_id, name) VALUES ($team, $beta, 'team')",
        which: "id = $team",
        leaving: Kept,
        account: Kept,
        organization: Gone,
    },
    Row {
        table: "group_members",
        insert: "(group_id, organization_id, user_id) VALUES ($team, $beta, $ada)",
        which: "group_id = $team AND user_id = $ada",
        leaving: Gone,
        account: Gone,
        organization: Gone,
    },
    Row {
        table: "group_ai_budgets",
        insert: "VALUES ($team, $beta, 5)",
        which: "group_id = $team",
        leaving: Kept,
        account: Kept,
        organization: Gone,
    },
    Row {
        table: "user_ai_budget_overrides",
        insert: "(user_id, group_id, spend_limit_micros) VALUES ($ada, $team, 7)",
        which: "user_id = $ada",
        leaving: Gone,
        account: Gone,
        organization: Gone,
    },
    Row {
        table: "subscription_budget_caps",
        insert: "(scope_id, organization_id, flat_user_cap_micros) VALUES ($beta, $beta, 5)",
        which: "organization_id = $beta",
        leaving: Kept,
        account: Kept,
        organization: Gone,
    },
    Row {
        table: "budget_cap_mirrors",
        insert: "(scope_id, organization_id) VALUES ($beta, $beta)",
        which: "organization_id = $beta",
        leaving: Kept,
        account: Kept,
        organization: Gone,
    },
    Row {
        table: "user_budget_cap_overrides",
        insert: "(scope_id, user_id, cap_micros, enabled) VALUES ($beta, $ada, 7, true)",
        which: "user_id = $ada",
        leaving: Kept,
        account: Gone,
        organization: Gone,
    },
    Row {
        table: "custom_roles",
        insert: "(id, organization_id, name) VALUES ($other, $beta, 'helper')",
        which: "id = $other",
        leaving: Kept,
        account: Kept,
        organization: Gone,
    },
    Row {
        table: "custom_roles",
        insert: "",
        which: "organization_id = $beta AND is_system",
        leaving: Kept,
        account: Kept,
        // They come and go with the organization's own row.
        organization: Kept,
    },
    Row {
        table: "idpsync_settings",
        insert: "(organization_id, kind, field) VALUES ($beta, 'groups', 'groups')",
        which: "organization_id = $beta",
        leaving: Kept,
        account: Kept,
        organization: Gone,
    },
    Row {
        table: "api_keys",
        insert: "(id, hashed_secret, user_id, kind, scopes, allow_list, expires_at) \
            VALUES ('sample', sha256(''), $ada, 'session', '{all}', '{*:*}', now() + interval '1 day')",
        which: "id = 'sample'",
        leaving: Kept,
        account: Gone,
        organization: Kept,
    },
    Row {
        table: "user_links",
        insert: "(issuer, subject, user_id) VALUES ('https://id.example.com', 'ada', $ada)",
        which: "user_id = $ada",
        leaving: Kept,
        account: Gone,
        organization: Kept,
    },
    Row {
        table: "ai_stored_responses",
        insert: "(provider_id, stored_id, user_id) VALUES ($other, 'resp_1', $ada)",
        which: "user_id = $ada",
        leaving: Kept,
        account: Gone,
        organization: Kept,
    },
    Row {
        table: "workspaces",
        insert: "(id, organization_id, owner_id, name) VALUES ($hers, $beta, $ada, 'hers')",
        which: "id = $hers",
        leaving: Now("dormant_at IS NOT NULL AND NOT deleted"),
        account: Now("dormant_at IS NOT NULL AND NOT deleted"),
        organization: Now("deleted"),
    },
    Row {
        table: "workspaces",
        insert: "(id, organization_id, owner_id, name) VALUES ($home, $acme, $ada, 'home')",
        which: "id = $home",
        leaving: Now("dormant_at IS NULL AND NOT deleted"),
        account: Now("dormant_at IS NOT NULL AND NOT deleted"),
        organization: Now("dormant_at IS NULL AND NOT deleted"),
    },
    Row {
        table: "workspaces",
        insert: "(id, organization_id, owner_id, name) VALUES ($bobs, $beta, $bob, 'bobs')",
        which: "id = $bobs",
        leaving: Now("dormant_at IS NULL AND NOT deleted"),
        account: Now("dormant_at IS NULL AND NOT deleted"),
        organization: Now("deleted"),
    },
    Row {
        table: "workspace_acl",
        insert: "(workspace_id, organization_id, user_id, role) VALUES ($bobs, $beta, $ada, 'use')",
        which: "user_id = $ada",
        leaving: Gone,
        account: Gone,
        organization: Gone,
    },
    Row {
        table: "workspace_acl",
        insert: "(workspace_id, organization_id, group_id, role) VALUES ($bobs, $beta, $team, 'use')",
        which: "group_id = $team",
        leaving: Kept,
        account: Kept,
        organization: Gone,
    },
    // While hers sleeps this counts for nothing.
    Row {
        table: "workspace_acl",
        insert: "(workspace_id, organization_id, user_id, role) VALUES ($hers, $beta, $bob, 'use')",
        which: "workspace_id = $hers",
        leaving: Kept,
        account: Kept,
        organization: Gone,
    },
    Row {
        table: "chats",
        insert: "(id, organization_id, owner_id, root_chat_id, title, status, lease_id) \
            VALUES ($chat, $beta, $ada, $chat, 'hers', 'running', $other)",
        which: "id = $chat",
        // Its turn ends when the gateway refuses it: she is no member any more.
        leaving: Kept,
        account: Now("archived AND status = 'error' AND lease_id IS NULL"),
        organization: Now("archived AND status = 'error' AND lease_id IS NULL"),
    },
    Row {
        table: "chats",
        insert: "(id, organization_id, owner_id, root_chat_id, title) VALUES ($talk, $acme, $ada, $talk, 'at home')",
        which: "id = $talk",
        leaving: Now("NOT archived"),
        account: Now("archived"),
        organization: Now("NOT archived"),
    },
    Row {
        table: "chats",
        insert: "(id, organization_id, owner_id, root_chat_id, title) VALUES ($theirs, $beta, $bob, $theirs, 'his')",
        which: "id = $theirs",
        leaving: Now("NOT archived"),
        account: Now("NOT archived"),
        organization: Now("archived"),
    },
    Row {
        table: "chat_acl",
        insert: "(root_chat_id, organization_id, user_id, role) VALUES ($theirs, $beta, $ada, 'read')",
        which: "user_id = $ada",
        leaving: Gone,
        account: Gone,
        organization: Gone,
    },
    Row {
        table: "chat_acl",
        insert: "(root_chat_id, organization_id, group_id, role) VALUES ($theirs, $beta, $team, 'read')",
        which: "group_id = $team",
        leaving: Kept,
        account: Kept,
        organization: Gone,
    },
    // Who may read hers is not hers to take along.
    Row {
        table: "chat_acl",
        insert: "(root_chat_id, organization_id, user_id, role) VALUES ($chat, $beta, $bob, 'read')",
        which: "root_chat_id = $chat",
        leaving: Kept,
        account: Kept,
        organization: Gone,
    },
    Row {
        table: "chat_messages",
        insert: "(chat_id, role, content, created_by, revision) VALUES ($chat, 'user', '[]', $ada, 1)",
        which: "created_by = $ada",
        leaving: Kept,
        account: Kept,
        organization: Kept,
    },
    Row {
        table: "chat_queued_messages",
        insert: "(chat_id, content, created_by, position) VALUES ($chat, '[]', $ada, 1)",
        which: "created_by = $ada",
        leaving: Kept,
        account: Kept,
        organization: Kept,
    },
    Row {
        table: "chat_files",
        insert: "(id, owner_id, organization_id, chat_id, name, mime_type, size_bytes, sha256, data) \
            VALUES ($other, $ada, $beta, $chat, 'a.txt', 'text/plain', 0, sha256(''), '')",
        which: "owner_id = $ada",
        leaving: Kept,
        account: Kept,
        organization: Kept,
    },
    // Whoever follows it is asked about again, and is nobody by then.
    Row {
        table: "chat_file_downloads",
        insert: "(token_hash, file_id, user_id, expires_at) VALUES (sha256('x'), $other, $ada, now() + interval '1 day')",
        which: "user_id = $ada",
        leaving: Kept,
        account: Kept,
        organization: Kept,
    },
    Row {
        table: "chat_viewers",
        insert: "(chat_id, user_id, pin_order) VALUES ($talk, $ada, 1)",
        which: "user_id = $ada",
        leaving: Kept,
        account: Gone,
        organization: Kept,
    },
    Row {
        table: "ai_reservations",
        insert: "(id, lease_id, user_id, effective_group_id, organization_id, api_key_id, provider_id, provider_name, \
            model, hold_micros, input_cost_micros, output_price_micros, input_bound_tokens, output_cap_tokens) \
            VALUES ($other, $other, $ada, $team, $beta, 'k', $other, 'openai', 'm', 0, 0, 0, 0, 0)",
        which: "user_id = $ada AND organization_id = $beta",
        leaving: Kept,
        account: Kept,
        organization: Kept,
    },
    Row {
        table: "ai_usage_events",
        insert: "(id, created_at, user_id, effective_group_id, organization_id, api_key_id, provider_id, provider_name, \
            model, input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, \
            reasoning_tokens, audio_input_tokens, audio_output_tokens, web_searches, hold_micros, estimated) \
            VALUES ($other, now(), $ada, $team, $beta, 'k', $other, 'openai', 'm', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, false)",
        which: "user_id = $ada AND organization_id = $beta",
        leaving: Kept,
        account: Kept,
        organization: Kept,
    },
    Row {
        table: "ai_external_usage",
        insert: "(reporter_id, idempotency_key, person, content, user_id, event_id, effective_group_id, organization_id, \
            state) VALUES ($bob, 'k', 'ada', '{}', $ada, $other, $team, $beta, 'recorded')",
        which: "user_id = $ada AND organization_id = $beta",
        leaving: Kept,
        account: Kept,
        organization: Kept,
    },
    Row {
        table: "ai_user_daily_spend",
        insert: "VALUES ($ada, $team, '2026-06-01', 3)",
        which: "user_id = $ada",
        leaving: Kept,
        account: Kept,
        organization: Kept,
    },
    Row {
        table: "ai_alert_checks",
        insert: "VALUES ('user', $ada, 'infinity')",
        which: "subject_id = $ada AND due_at = 'infinity'",
        leaving: Kept,
        account: Kept,
        organization: Kept,
    },
    Row {
        table: "ai_budget_alerts",
        insert: "(limit_kind, limit_id, period_start, period_end, threshold, limit_micros, spent_micros, group_id, \
            organization_id, data) VALUES ('user', $ada, '2026-06-01', '2026-07-01', 50, 2, 1, $team, $beta, '{}')",
        which: "limit_id = $ada AND organization_id = $beta",
        leaving: Kept,
        account: Kept,
        organization: Kept,
    },
    Row {
        table: "notifications",
        insert: "(user_id, template, title, content, data) VALUES ($ada, 'test', '', '', '{}')",
        which: "user_id = $ada AND template = 'test'",
        leaving: Kept,
        account: Gone,
        organization: Kept,
    },
    Row {
        table: "webhooks",
        insert: "(id, name, url, organization_id, ciphertext, nonce, key_id) \
            VALUES ($other, 'pager', 'https://example.com/', $beta, '', '', '')",
        which: "organization_id = $beta",
        leaving: Kept,
        account: Kept,
        organization: Gone,
    },
    Row {
        table: "feature_flags",
        insert: "(name, organization_id, enabled) VALUES ('budget_caps_graphql_api', $beta, false)",
        which: "organization_id = $beta",
        leaving: Kept,
        account: Kept,
        organization: Gone,
    },
    Row {
        table: "spend_counters",
        insert: "(limit_kind, limit_id, period_start) VALUES ('user', $ada, now())",
        which: "limit_id = $ada",
        leaving: Kept,
        account: Kept,
        organization: Kept,
    },
    Row {
        table: "audit_logs",
        insert: "",
        which: "organization_id = $beta",
        leaving: Kept,
        account: Kept,
        organization: Kept,
    },
];
