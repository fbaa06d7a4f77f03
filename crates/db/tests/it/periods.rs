//! Periods: half open, one after the other, in every time zone.

use db::local::LocalRole;

use crate::support::TestDb;

/// Walks the periods that follow one another from an instant to another, from the start of each to its end, and asks
/// again at its first and last moments. Returns how many there were; raises where one overlaps, is lost, or does not
/// begin by the clock.
const WALK: &str = "
CREATE FUNCTION walk(kind text, zone text, at timestamptz, until timestamptz) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    span record;
    again record;
    probe timestamptz;
    periods integer := 0;
    shown timestamp;
BEGIN
    span := bursar_period(at, kind, zone);
    WHILE span.period_start < until LOOP
        IF span.period_end <= span.period_start THEN
            RAISE EXCEPTION 'the % of % in % is empty', kind, span.period_start, zone;
        END IF;
        FOREACH probe IN ARRAY ARRAY[span.period_start, span.period_end - interval '1 microsecond'] LOOP
            again := bursar_period(probe, kind, zone);
            IF again <> span THEN
                RAISE EXCEPTION 'the % of % in % is % and also %', kind, probe, zone, span, again;
            END IF;
        END LOOP;
        shown := span.period_start AT TIME ZONE zone;
        -- By the wall clock it begins where such a period begins, or right after what the clocks skip there.
        IF shown <> date_trunc(kind, shown)
            AND (span.period_start - interval '1 microsecond') AT TIME ZONE zone >= date_trunc(kind, shown) THEN
            RAISE EXCEPTION 'the % of % in % begins at %', kind, span.period_start, zone, shown;
        END IF;
        periods := periods + 1;
        again := bursar_period(span.period_end, kind, zone);
        IF again.period_start <> span.period_end THEN
            RAISE EXCEPTION 'after the % of % in % comes %', kind, span, zone, again;
        END IF;
        span := again;
    END LOOP;
    RETURN periods;
END $$;
-- Every zone, and the instants of 50 years, five days apart, before which its clocks changed. Many zones have several
-- names: those whose clocks agree at each of these instants are one.
CREATE TABLE zones AS
    WITH ticks AS MATERIALIZED (SELECT row_number() OVER () AS n, at FROM generate_series(
        '1990-01-01 12:00+00'::timestamptz, '2040-01-08 12:00+00', '5 days') AS at),
    shown AS (SELECT name, n, at, at AT TIME ZONE name - at AT TIME ZONE 'UTC' AS ahead
        FROM pg_timezone_names CROSS JOIN ticks
        WHERE name !~ '^(posix|right)/' AND name NOT IN ('Factory', 'localtime', 'posixrules')),
    changes AS (SELECT name, n, at, ahead FROM (SELECT *, lag(ahead) OVER (PARTITION BY name ORDER BY n) AS before
        FROM shown) AS s WHERE before IS DISTINCT FROM ahead)
    SELECT min(name) AS name, changed FROM (
        SELECT name, array_agg(at ORDER BY n) FILTER (WHERE n > 1) AS changed, array_agg(ahead ORDER BY n) AS ahead
        FROM changes GROUP BY name) AS z
    GROUP BY changed, ahead";

/// From the first to the last period of 50 years, in all zones, and in some period by period.
#[tokio::test]
async fn no_period_is_lost_doubled_or_overlapping_in_any_zone() {
    let db = TestDb::new().await;
    let client = db.client(LocalRole::Owner).await;
    client.batch_execute(WALK).await.unwrap();
    let zones: i64 = client
        .query_one("SELECT count(*) FROM zones", &[])
        .await
        .unwrap()
        .get(0);
    assert!(zones > 200, "{zones}");
    let walk = async |kind: &str, zones: &str, periods: i32| {
        let sql = format!(
            "SELECT min(n), max(n), count(*) FROM (SELECT walk('{kind}', name, '1990-01-01Z', '2040-01-01Z') AS n \
             FROM {zones} AS z (name) OFFSET 0) AS walks"
        );
        let row = client.query_one(&sql, &[]).await.unwrap();
        let (least, most, count): (i32, i32, i64) = (row.get(0), row.get(1), row.get(2));
        // The walk begins with the period that its first instant lies in.
        assert!(
            least >= periods && most <= periods + 2 && count > 2,
            "{kind}: {least} {most} in {count}"
        );
    };
    let every = "(SELECT name FROM zones)";
    walk("quarter", every, 200).await;
    walk("month", every, 600).await;
    // Clocks that change at midnight, by half an hour, over the date line; and some that never do.
    let odd = "unnest('{America/Sao_Paulo, America/Havana, America/St_Johns, Asia/Beirut, Asia/Amman, \
        Africa/Cairo, Pacific/Apia, Pacific/Kwajalein, Australia/Lord_Howe, America/New_York, \
        Europe/Berlin, Asia/Kathmandu, UTC}'::text[])";
    walk("week", odd, 2_608).await;
    // Two zones went without a day.
    let lost = "unnest('{Pacific/Apia, Pacific/Kwajalein, Europe/Berlin}'::text[])";
    walk("day", lost, 18_261).await;
    // Where the clocks do not change within two days, days and weeks are all alike: walked are those around each
    // change of each zone's clocks.
    for (kind, around) in [("day", 3), ("week", 8)] {
        let sql = format!(
            "SELECT sum(walk('{kind}', name, at - interval '{} days', at + interval '{around} days')), count(*) \
             FROM zones, unnest(changed) AS at",
            around + 5
        );
        let row = client.query_one(&sql, &[]).await.unwrap();
        let (walked, changes): (i64, i64) = (row.get(0), row.get(1));
        assert!(
            changes > 5_000 && walked > 2 * changes,
            "{kind}: {walked} around {changes}"
        );
    }
}

#[tokio::test]
async fn a_period_is_what_the_calendar_says() {
    let db = TestDb::new().await;
    let client = db.client(LocalRole::Owner).await;
    let rows = [
        [
            "2026-11-25 12:00Z",
            "month",
            "UTC",
            "2026-11-01 00:00Z",
            "2026-12-01 00:00Z",
        ],
        [
            "2026-11-25 12:00Z",
            "quarter",
            "UTC",
            "2026-10-01 00:00Z",
            "2027-01-01 00:00Z",
        ],
        // The ISO week begins on Monday.
        [
            "2026-11-25 12:00Z",
            "week",
            "UTC",
            "2026-11-23 00:00Z",
            "2026-11-30 00:00Z",
        ],
        [
            "2026-11-25 23:30Z",
            "day",
            "Asia/Kathmandu",
            "2026-11-25 18:15Z",
            "2026-11-26 18:15Z",
        ],
        [
            "2026-03-29 12:00Z",
            "day",
            "Europe/Berlin",
            "2026-03-28 23:00Z",
            "2026-03-29 22:00Z",
        ],
        // Midnight is skipped: the day begins with the change of the clocks.
        [
            "2018-11-04 12:00Z",
            "day",
            "America/Sao_Paulo",
            "2018-11-04 03:00Z",
            "2018-11-05 02:00Z",
        ],
        // Midnight comes twice: the day begins the first time.
        [
            "2025-11-02 04:30Z",
            "day",
            "America/Havana",
            "2025-11-02 04:00Z",
            "2025-11-03 05:00Z",
        ],
        // A minute after midnight the clocks went back before it: the new day goes on.
        [
            "2010-11-07 03:00Z",
            "day",
            "America/St_Johns",
            "2010-11-07 02:30Z",
            "2010-11-08 03:30Z",
        ],
    ];
    for [instant, kind, zone, start, end] in rows {
        let sql = format!(
            "SELECT period_start = '{start}' AND period_end = '{end}', period_start::text, period_end::text \
             FROM bursar_period('{instant}', '{kind}', '{zone}')"
        );
        let row = client.query_one(&sql, &[]).await.unwrap();
        let found = (row.get::<_, String>(1), row.get::<_, String>(2));
        assert!(row.get::<_, bool>(0), "{instant} {kind} {zone}: {found:?}");
    }
}

#[tokio::test]
async fn there_are_no_other_periods() {
    let db = TestDb::new().await;
    let client = db.client(LocalRole::Owner).await;
    let refused = "SELECT bursar_period(now(), 'decade', 'UTC')";
    assert!(client.query_one(refused, &[]).await.is_err());
}
