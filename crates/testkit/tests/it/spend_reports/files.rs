//! The export for programs: FOCUS and Parquet.

use axum::body::Bytes;
use bursar_sdk::{SpendExportFormat, SpendExportQuery};
use chrono::{DateTime, Utc};
use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::Field,
};

use super::{
    Usage,
    exports::{HEADER, lines},
    spent,
};
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

/// A cell of a Parquet file as the comma-separated values have it.
fn shown(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Long(number) => number.to_string(),
        Field::TimestampMicros(at) => {
            let at = DateTime::from_timestamp_micros(*at).unwrap();
            at.format("%FT%TZ").to_string()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn parquet_says_what_the_comma_separated_values_say() {
    let world = world().await;
    let at = |model, cost| Usage {
        at: "timestamptz '2026-02-01T00:00:00Z'",
        cost,
        model,
        ..Usage::of(&world, 0)
    };
    let all = [at("gpt-4o", Some(1_000)), at("unheard-of", None)];
    spent(&world, &all).await;
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
    let file = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
    let rows: Vec<_> = file
        .get_row_iter(None)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let names: Vec<&str> = HEADER.split(',').collect();
    let told = rows.iter().map(|row| -> Vec<String> {
        let columns = row.get_column_iter().zip(&names);
        let cell = |((name, field), expected): ((&String, &Field), &&str)| {
            assert_eq!(name, expected);
            shown(field)
        };
        columns.map(cell).collect()
    });
    let plain = SpendExportQuery {
        format: None,
        ..asked
    };
    let plain = lines(&world.cast.owner, &plain).await;
    let plain: Vec<Vec<String>> = plain.iter().map(|line| cells(line)).collect();
    assert_eq!(told.collect::<Vec<_>>(), plain);
    let of = |name: &str| names.iter().position(|known| *known == name).unwrap();
    let costs: Vec<&str> = plain.iter().map(|row| &*row[of("cost_micros")]).collect();
    assert_eq!(costs, ["1000", ""]);
}
