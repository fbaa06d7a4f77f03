//! The columns of FOCUS (`FinOps` Open Cost and Usage Specification, version 1.2) as comma-separated values: a charge for
//! each day, person, group, model and provider.
//!
//! Costs are exact decimals. All four costs are the same: what the deployment's prices made of the usage, there being
//! neither invoice nor discount. Usage without a known price costs nothing here, and `x_UnpricedRequests` says so.
//! Columns with `x_` are ours, as the specification wants them named.

use chrono::{DateTime, Datelike, Months, NaiveTime, Utc};
use model::spend_reports::SpendExportRow;
use serde_json::json;

use super::{Line, Lines, Place, instant};

const COLUMNS: [&str; 43] = [
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SubAccountId",
    "SubAccountName",
    "Tags",
    "x_UserId",
    "x_Username",
    "x_ProviderType",
    "x_InputTokens",
    "x_OutputTokens",
    "x_CacheReadTokens",
    "x_CacheWriteTokens",
    "x_Requests",
    "x_UnpricedRequests",
];

#[derive(Debug)]
pub(super) struct Focus {
    pub(super) place: Place,
}

/// The calendar month of an instant.
fn month(at: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    let first = at.date_naive().with_day(1).unwrap_or_default();
    let next = first.checked_add_months(Months::new(1)).unwrap_or(first);
    let midnight = |day: chrono::NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    (midnight(first), midnight(next))
}

impl Lines for Focus {
    fn columns(&self) -> &[&str] {
        &COLUMNS
    }

    fn line(&self, row: &SpendExportRow) -> String {
        let mut line = Line::default();
        self.billing(&mut line, row);
        Self::charge(&mut line, row);
        Self::service(&mut line, row);
        self.place(&mut line, row);
        line.end()
    }
}

impl Focus {
    fn billing(&self, line: &mut Line, row: &SpendExportRow) {
        let (start, end) = month(row.period.start);
        line.plain(row.cost.unwrap_or_default().decimal_dollars());
        line.plain(self.place.organization_id);
        line.text(&self.place.organization_name);
        line.plain("USD");
        line.plain(instant(end));
        line.plain(instant(start));
    }

    fn charge(line: &mut Line, row: &SpendExportRow) {
        let cost = row.cost.unwrap_or_default().decimal_dollars();
        let tokens = tokens(row);
        line.plain("Usage");
        line.plain("");
        line.text(&format!("{} at {}", row.model, row.provider_name));
        line.plain("Usage-Based");
        line.plain(instant(row.period.end));
        line.plain(instant(row.period.start));
        line.plain(tokens);
        line.plain("Tokens");
        line.plain(&cost);
        line.plain(&cost);
        line.text(&row.provider_name);
        line.plain(&cost);
        line.plain("Standard");
        line.plain(tokens);
        line.plain("Tokens");
    }

    fn service(line: &mut Line, row: &SpendExportRow) {
        let publisher = if row.provider.is_empty() {
            &row.provider_name
        } else {
            &row.provider
        };
        line.text(&row.provider_name);
        line.text(publisher);
        line.text(&format!("{}/{}", row.provider_name, row.model));
        line.text(&row.model);
        line.plain("Model");
        line.plain("AI and Machine Learning");
        line.text(&row.provider_name);
        line.plain("Generative AI");
        line.text(&row.model);
        line.plain("Tokens");
    }

    fn place(&self, line: &mut Line, row: &SpendExportRow) {
        let tags = json!({
            "group": row.group_name,
            "organization": self.place.organization_name,
            "user": row.username,
        });
        line.plain(row.group_id.map(|id| id.to_string()).unwrap_or_default());
        line.text(&row.group_name);
        line.text(&tags.to_string());
        line.plain(row.user_id);
        line.text(&row.username);
        line.text(&row.provider);
        for count in [
            row.input_tokens,
            row.output_tokens,
            row.cache_read_tokens,
            row.cache_write_tokens,
            row.requests,
            row.unpriced,
        ] {
            line.plain(count);
        }
    }
}

/// All tokens.
fn tokens(row: &SpendExportRow) -> i64 {
    row.input_tokens
        .saturating_add(row.output_tokens)
        .saturating_add(row.cache_read_tokens)
        .saturating_add(row.cache_write_tokens)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            Encoder,
            tests::{place, row},
        },
        *,
    };

    #[test]
    fn a_row_is_a_charge_of_its_day() {
        let mut focus = Focus { place: place() };
        let mut text = String::from_utf8(focus.begin().unwrap()).unwrap();
        let makers = SpendExportRow {
            group_name: "makers".to_owned(),
            ..row()
        };
        text += std::str::from_utf8(&focus.rows(vec![makers]).unwrap()).unwrap();
        // Only the tags have commas in them, and stand in quotes.
        let (head, line) = text.split_once('\n').unwrap();
        let (before, rest) = line.split_once("\"{").unwrap();
        let (tags, after) = rest.split_once("}\"").unwrap();
        let tags = format!("{{{}}}", tags.replace("\"\"", "\""));
        let tags: serde_json::Value = serde_json::from_str(&tags).unwrap();
        assert_eq!(tags["user"], "ada");
        assert_eq!(tags["group"], "makers");
        let line = format!("{before}TAGS{after}");
        let cells: Vec<&str> = line.trim_end().split(',').collect();
        let names: Vec<&str> = head.split(',').collect();
        assert_eq!(cells.len(), names.len());
        let check = |name: &str, expected: &str| {
            let at = names.iter().position(|known| *known == name).unwrap();
            assert_eq!(cells[at], expected, "{name}");
        };
        for cost in ["BilledCost", "EffectiveCost", "ContractedCost", "ListCost"] {
            check(cost, "1.500001");
        }
        check("BillingCurrency", "USD");
        check("BillingPeriodStart", "2026-11-01T00:00:00Z");
        check("BillingPeriodEnd", "2026-12-01T00:00:00Z");
        check("ChargePeriodStart", "2026-11-01T00:00:00Z");
        check("ChargePeriodEnd", "2026-11-02T00:00:00Z");
        check("ChargeCategory", "Usage");
        check("ConsumedQuantity", "37");
        check("ConsumedUnit", "Tokens");
        check("ProviderName", "main");
        check("PublisherName", "openai");
        check("ServiceName", "main");
        check("SkuId", "gpt-4o");
        check("SubAccountName", "makers");
        check("Tags", "TAGS");
        check("x_Username", "ada");
        check("x_UnpricedRequests", "1");
    }
}
