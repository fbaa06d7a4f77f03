//! The export for programs: FOCUS and Parquet.

use bursar_sdk::{SpendExportFormat, SpendExportQuery};
use chrono::{DateTime, Utc};

use super::{Usage, exports::lines, spent};
use crate::support::world;

fn query(format: SpendExportFormat) -> SpendExportQuery {
    let at = |text: &str| text.parse::<DateTime<Utc>>().ok();
    SpendExportQuery {
        period_start: at("2026-01-31T12:00:00Z"),
        period_end: at("2026-03-01T00:00:00Z"),
        format: Some(format),
    }
}

#[tokio::test]
async fn focus_tells_days_apart_in_exact_decimals() {
    let world = world().await;
    let at = |at, cost| Usage {
        at,
        ..Usage::of(&world, cost)
    };
    let all = [
        at("timestamptz '2026-01-31T11:59:59.999Z'", 1_000),
        at("timestamptz '2026-01-31T12:00:00Z'", 1),
        at("timestamptz '2026-01-31T23:59:59.999Z'", 1_500_000),
        at("timestamptz '2026-02-01T00:00:00Z'", 20_000_000),
        Usage {
            cost: None,
            ..at("timestamptz '2026-02-03T01:00:00Z'", 0)
        },
        at("timestamptz '2026-03-01T00:00:00Z'", 2_000),
    ];
    spent(&world, &all).await;
    let lines = lines(&world.cast.owner, &query(SpendExportFormat::Focus)).await;
    let names: Vec<&str> = lines[0].split(',').collect();
    let rows: Vec<Vec<String>> = lines[1..].iter().map(|line| cells(line)).collect();
    let check = |name: &str, expected: [&str; 3]| {
        let at = names.iter().position(|known| *known == name).unwrap();
        let told: Vec<&str> = rows.iter().map(|row| row[at].as_str()).collect();
        assert_eq!(told, expected, "{name}");
    };
    check("BilledCost", ["1.500001", "20", "0"]);
    check("EffectiveCost", ["1.500001", "20", "0"]);
    check("x_UnpricedRequests", ["0", "0", "1"]);
    check("x_Requests", ["2", "1", "1"]);
    let (jan, feb, mar) = (
        "2026-01-01T00:00:00Z",
        "2026-02-01T00:00:00Z",
        "2026-03-01T00:00:00Z",
    );
    check("BillingPeriodStart", [jan, feb, feb]);
    check("BillingPeriodEnd", [feb, mar, mar]);
    let third = "2026-02-03T00:00:00Z";
    check("ChargePeriodStart", ["2026-01-31T12:00:00Z", feb, third]);
    check(
        "ChargePeriodEnd",
        [feb, "2026-02-02T00:00:00Z", "2026-02-04T00:00:00Z"],
    );
    check("ConsumedQuantity", ["102", "51", "51"]);
    check("ProviderName", ["openai"; 3]);
    check("SkuId", ["gpt-4o"; 3]);
    let tags = r#"{"group":"builders","organization":"acme","user":"ada"}"#;
    check("Tags", [tags; 3]);
}

/// The cells of a line whose texts have no line ends.
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => cell.push(letters.next().unwrap()),
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(std::mem::take(&mut cell)),
            letter => cell.push(letter),
        }
    }
    cells.push(cell);
    cells
}

#[tokio::test]
async fn parquet_is_a_file_of_its_kind() {
    let world = world().await;
    let at = Usage {
        at: "timestamptz '2026-02-01T00:00:00Z'",
        ..Usage::of(&world, 1_000)
    };
    spent(&world, &[at]).await;
    let asked = query(SpendExportFormat::Parquet);
    let mut file = world.cast.owner.spend_export("acme", &asked).await.unwrap();
    assert_eq!(file.content_type(), Some("application/vnd.apache.parquet"));
    assert_eq!(
        file.file_name(),
        Some("ai-spend-export-acme-2026-01-31-to-2026-03-01.parquet")
    );
    let mut bytes = Vec::new();
    while let Some(mut chunk) = file.chunk().await.unwrap() {
        bytes.append(&mut chunk);
    }
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
}
