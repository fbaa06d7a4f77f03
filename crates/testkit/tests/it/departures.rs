//! What becomes of everything that belongs to somebody who leaves, table by table. A table that nobody has placed
//! here fails.

use std::collections::BTreeSet;

use bursar_sdk::{CreateOrganizationRequest, client::Error};
use testkit::World;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::support::{person, world};

/// What a departure does with a row.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Gone,
    Kept,
    /// It stays, and this holds of it.
    Now(&'static str),
}
use Fate::{Gone, Kept, Now};

/// A row of Ada's, of organization `beta` or of both, and its fate.
struct Row {
    table: &'static str,
    /// Makes it.
    insert: &'static str,
    /// Finds it.
    which: &'static str,
    /// Ada leaves `beta`.
    leaving: Fate,
    /// Ada's account is deleted.
    account: Fate,
    /// `beta` is deleted.
    organization: Fate,
}

/// Rows in an order in which they can be made.
const ROWS: &[Row] = &[
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

/// Tables with a column of a person, an organization or a group, or a foreign key to one; without partitions.
const CATALOG: &str = "
    SELECT table_name::text FROM information_schema.columns JOIN information_schema.tables
        USING (table_schema, table_name)
        WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
        AND NOT (SELECT relispartition FROM pg_class WHERE oid = table_name::text::regclass) AND column_name ~
            '(^|_)(user|organization|group|owner|principal|limit|member|actor)_id$|^(granted|created|initiated)_by$'
    UNION SELECT conrelid::regclass::text FROM pg_constraint
        WHERE contype = 'f' AND confrelid IN ('users'::regclass, 'organizations'::regclass, 'groups'::regclass)";

/// Ada in `beta`, with a row in every table.
struct Scene {
    world: World,
    client: Client,
    names: Vec<(&'static str, Uuid)>,
    before: Vec<i64>,
}

impl Scene {
    async fn new() -> Self {
        let world = world().await;
        let cast = &world.cast;
        let beta = CreateOrganizationRequest {
            name: "beta".to_owned(),
            ..CreateOrganizationRequest::default()
        };
        let beta = cast.owner.organization_create(&beta).await.unwrap().id;
        let bob = person(&world, "bob", &[beta]).await.id;
        let fresh =
            |number: u128| Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number);
        let names = vec![
            ("$ada", cast.member_id),
            ("$acme", cast.organization_id),
            ("$beta", beta),
            ("$bobs", fresh(1)),
            ("$bob", bob),
            ("$team", fresh(2)),
            ("$hers", fresh(3)),
            ("$home", fresh(4)),
            ("$other", fresh(5)),
        ];
        let client = world.database.owner().await.unwrap();
        let mut scene = Self {
            world,
            client,
            names,
            before: Vec::new(),
        };
        // A lease that nobody sweeps.
        let lease = "SET bursar.actor_name = 'test'; \
            INSERT INTO server_leases (id, expires_at) VALUES ($other, now() + interval '1 day')";
        scene.client.batch_execute(&scene.sql(lease)).await.unwrap();
        for row in ROWS.iter().filter(|row| !row.insert.is_empty()) {
            let insert = scene.sql(&format!("INSERT INTO {} {}", row.table, row.insert));
            let inserted = scene.client.batch_execute(&insert).await;
            inserted.unwrap_or_else(|error| panic!("{insert}: {error:?}"));
        }
        for row in ROWS {
            let found = scene.count(row, "true").await;
            assert!(found > 0, "{} where {}", row.table, row.which);
            scene.before.push(found);
        }
        scene
    }

    fn sql(&self, text: &str) -> String {
        let quoted =
            |text: String, (name, id): &(&str, Uuid)| text.replace(name, &format!("'{id}'"));
        self.names.iter().fold(text.to_owned(), quoted)
    }

    fn id(&self, wanted: &str) -> Uuid {
        let found = self.names.iter().find(|(name, _)| *name == wanted);
        found.unwrap().1
    }

    async fn count(&self, row: &Row, condition: &str) -> i64 {
        let count = format!(
            "SELECT count(*) FROM {} WHERE {} AND ({condition})",
            row.table, row.which
        );
        let counted = self.client.query_one(&self.sql(&count), &[]).await;
        counted
            .unwrap_or_else(|error| panic!("{count}: {error:?}"))
            .get(0)
    }

    /// Lets somebody leave and looks at every row.
    async fn check<T>(
        self,
        what: &str,
        departure: impl AsyncFnOnce(&Self) -> Result<T, Error>,
        fate: fn(&Row) -> Fate,
    ) {
        departure(&self).await.unwrap();
        for (row, before) in ROWS.iter().zip(&self.before) {
            let (all, fate) = (self.count(row, "true").await, fate(row));
            let as_told = match fate {
                Gone => all == 0,
                Kept if row.table == "audit_logs" => all > *before,
                Kept => all == *before,
                Now(condition) => self.count(row, condition).await == *before,
            };
            assert!(
                as_told,
                "{what}: {} where {}: {all} {fate:?}",
                row.table, row.which
            );
        }
    }
}

#[tokio::test]
async fn every_table_of_somebodys_is_placed() {
    let scene = Scene::new().await;
    let rows = scene.client.query(CATALOG, &[]).await.unwrap();
    let found: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
    let placed: BTreeSet<String> = ROWS.iter().map(|row| row.table.to_owned()).collect();
    let missing: Vec<_> = found.difference(&placed).collect();
    assert!(
        missing.is_empty(),
        "say in `db/src/departures.rs` and here what becomes of {missing:?}"
    );
    assert!(found.contains("workspace_acl") && found.contains("spend_counters"));
}

#[tokio::test]
async fn leaving_an_organization_ends_what_came_with_it() {
    let leave = async |scene: &Scene| {
        let (beta, ada) = (scene.id("$beta"), scene.id("$ada"));
        let owner = &scene.world.cast.owner;
        owner.organization_member_delete(beta, ada).await
    };
    let scene = Scene::new().await;
    scene.check("leaving", leave, |row| row.leaving).await;
}

#[tokio::test]
async fn the_end_of_an_account_is_leaving_everything() {
    let delete = async |scene: &Scene| {
        let ada = scene.id("$ada");
        scene.world.cast.owner.user_delete(ada).await
    };
    let scene = Scene::new().await;
    scene
        .check("an account's end", delete, |row| row.account)
        .await;
}

#[tokio::test]
async fn the_end_of_an_organization_is_everybodys_leaving() {
    let delete = async |scene: &Scene| {
        let beta = scene.id("$beta");
        scene.world.cast.owner.organization_delete(beta).await
    };
    let scene = Scene::new().await;
    scene
        .check("an organization's end", delete, |row| row.organization)
        .await;
}

#[tokio::test]
async fn a_suspension_is_no_departure() {
    let suspend = async |scene: &Scene| {
        let ada = scene.id("$ada");
        scene.world.cast.owner.user_suspend(ada).await
    };
    let scene = Scene::new().await;
    let stays = |row: &Row| match row.table {
        "users" => Now("status = 'suspended' AND NOT deleted"),
        // A line about the account, which is in no organization.
        "audit_logs" => Now("true"),
        _ => Kept,
    };
    scene.check("a suspension", suspend, stays).await;
}
