//! Reports of spend: against the events that they are made of, in pieces, and with no more read than asked for.

mod agreement;

use std::ops::ControlFlow;

use async_trait::async_trait;
use chrono::{DateTime, Duration, Utc};
use db::{Database, local::LocalRole};
use model::{
    OrganizationId,
    spend::Period,
    spend_reports::{ExportGrain, SpendExportFilter, SpendExportRow, SpendUserFilter},
};
use store::spend_reports::SpendExportSink;
use tokio_postgres::Client;

use crate::support::{TestDb, World, read};

/// Keeps what an export tells, or breaks off after so many pieces.
#[derive(Default)]
struct Kept {
    period: Option<Period>,
    rows: Vec<SpendExportRow>,
    pieces: usize,
    most: Option<usize>,
}

#[async_trait]
impl SpendExportSink for Kept {
    async fn begin(&mut self, period: Period) -> ControlFlow<()> {
        assert!(self.period.replace(period).is_none());
        ControlFlow::Continue(())
    }

    async fn rows(&mut self, mut rows: Vec<SpendExportRow>) -> ControlFlow<()> {
        assert!(self.period.is_some() && (1..=1_000).contains(&rows.len()));
        self.rows.append(&mut rows);
        self.pieces += 1;
        match self.most {
            Some(most) if self.pieces >= most => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}

async fn export(
    store: &Database,
    organization: OrganizationId,
    period: Option<Period>,
    grain: ExportGrain,
) -> Kept {
    let mut kept = Kept::default();
    let filter = SpendExportFilter {
        organization_id: organization,
        period,
        grain,
    };
    let mut unit = read(store).await;
    unit.spend_export(&filter, &mut kept).await.unwrap();
    // The unit is as good as before.
    unit.spend_export(&filter, &mut Kept::default())
        .await
        .unwrap();
    kept
}

fn everybody(organization_id: OrganizationId, period: Option<Period>) -> SpendUserFilter {
    SpendUserFilter {
        organization_id,
        period,
        provider_name: None,
        model: None,
        client: None,
    }
}

/// Writes usage, one event a minute from an instant on; the days are not kept.
async fn used(
    owner: &Client,
    organization: OrganizationId,
    from: DateTime<Utc>,
    people: i64,
    count: i64,
) {
    let sql = "INSERT INTO ai_usage_events (id, created_at, user_id, effective_group_id, organization_id, api_key_id, \
        provider_id, provider_name, model, input_tokens, cache_read_tokens, cache_write_5m_tokens, \
        cache_write_1h_tokens, output_tokens, reasoning_tokens, audio_input_tokens, audio_output_tokens, \
        web_searches, cost_micros, hold_micros, estimated) \
        SELECT gen_random_uuid(), 'epoch'::timestamptz + ($1::bigint + n * 60) * interval '1 second', \
            md5((n % $2::bigint)::text)::uuid, $3, $3, 'k', gen_random_uuid(), 'p', 'm', 1, 0, 0, 0, 2, 0, 0, 0, 0, n, 0, false \
        FROM generate_series(0, $4::bigint - 1) AS n";
    let from = from.timestamp();
    owner
        .execute(sql, &[&from, &people, &organization.0, &count])
        .await
        .unwrap();
}

#[tokio::test]
async fn an_export_comes_in_pieces_and_can_be_broken_off() {
    let db = TestDb::new().await;
    let store = db.store_with(|options| options.max_connections = 1).await;
    let acme = World::new(&store, None).await.organization;
    let owner = db.client(LocalRole::Owner).await;
    let start: DateTime<Utc> = "2026-06-01T00:00:00Z".parse().unwrap();
    used(&owner, acme, start, 2_500, 5_000).await;
    let period = Some(Period {
        start,
        end: start + Duration::days(31),
    });
    let whole = export(&store, acme, period, ExportGrain::Period).await;
    assert_eq!((whole.rows.len(), whole.pieces), (2_500, 3));
    let filter = SpendExportFilter {
        organization_id: acme,
        period,
        grain: ExportGrain::Period,
    };
    for most in [1, 2, 3] {
        let mut kept = Kept {
            most: Some(most),
            ..Kept::default()
        };
        let mut unit = read(&store).await;
        unit.spend_export(&filter, &mut kept).await.unwrap();
        assert_eq!(kept.pieces, most);
    }
    // Dropped halfway, the only connection comes back as new.
    let mut stuck = Stuck;
    let mut unit = read(&store).await;
    let read_on = unit.spend_export(&filter, &mut stuck);
    let timed = tokio::time::timeout(std::time::Duration::from_millis(200), read_on).await;
    assert!(timed.is_err());
    drop(unit);
    let again = export(&store, acme, period, ExportGrain::Period).await;
    assert_eq!(again.rows, whole.rows);
}

/// Takes nothing, ever.
struct Stuck;

#[async_trait]
impl SpendExportSink for Stuck {
    async fn begin(&mut self, _period: Period) -> ControlFlow<()> {
        std::future::pending().await
    }

    async fn rows(&mut self, _rows: Vec<SpendExportRow>) -> ControlFlow<()> {
        ControlFlow::Break(())
    }
}

#[tokio::test]
async fn what_is_reported_of_a_month_reads_no_other() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let acme = World::new(&store, None).await.organization;
    let owner = db.client(LocalRole::Owner).await;
    let months = "SELECT bursar_make_usage_partitions('2026-01-01', '2026-06-30')";
    owner.query_one(months, &[]).await.unwrap();
    for month in 1..=6 {
        let start = format!("2026-{month:02}-01T00:00:00Z").parse().unwrap();
        used(&owner, acme, start, 50, 2_000).await;
    }
    owner
        .batch_execute("ANALYZE ai_usage_events")
        .await
        .unwrap();
    // As the statements ask, with values that are not known when the plan is made.
    let select = "PREPARE report (uuid, timestamptz, timestamptz) AS SELECT user_id, sum(cost_micros) \
        FROM ai_usage_events WHERE organization_id = $1 AND created_at >= $2 AND created_at < $3 GROUP BY 1; \
        SET plan_cache_mode = force_generic_plan";
    owner.batch_execute(select).await.unwrap();
    let explain = format!(
        "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE report ('{}', '2026-03-01Z', '2026-04-01Z')",
        acme.0
    );
    let plan = owner.query(&explain, &[]).await.unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    let scans: Vec<&String> = plan
        .iter()
        .filter(|line| line.contains(" on ai_usage_events"))
        .collect();
    assert!(
        !scans.is_empty() && scans.iter().all(|line| line.contains("y2026m03")),
        "{plan:#?}"
    );
}
