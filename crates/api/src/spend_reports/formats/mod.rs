//! The formats of exports. Each is told rows and gives bytes; none of them keeps more than a bounded number of rows.

mod csv;
mod focus;
mod parquet;

use std::{borrow::Cow, fmt::Display};

use bursar_sdk::SpendExportFormat;
use chrono::{DateTime, SecondsFormat, Utc};
use model::{OrganizationId, spend_reports::SpendExportRow};

/// Why rows could not be written.
pub(super) type EncodeError = Box<dyn std::error::Error + Send + Sync>;

/// Writes rows in a format: `begin`, any number of `rows`, `end`.
pub(super) trait Encoder: Send {
    /// What comes before the first row.
    fn begin(&mut self) -> Result<Vec<u8>, EncodeError>;
    /// Some rows, or nothing yet.
    fn rows(&mut self, rows: Vec<SpendExportRow>) -> Result<Vec<u8>, EncodeError>;
    /// What comes after the last row.
    fn end(&mut self) -> Result<Vec<u8>, EncodeError>;
}

/// A format in which every row is a line.
trait Lines: Send {
    /// The names in the first line.
    fn columns(&self) -> &[&str];
    /// A row's line.
    fn line(&self, row: &SpendExportRow) -> String;
}

impl<L: Lines> Encoder for L {
    fn begin(&mut self) -> Result<Vec<u8>, EncodeError> {
        Ok(header(self.columns()))
    }

    fn rows(&mut self, rows: Vec<SpendExportRow>) -> Result<Vec<u8>, EncodeError> {
        let lines: String = rows.iter().map(|row| self.line(row)).collect();
        Ok(lines.into_bytes())
    }

    fn end(&mut self) -> Result<Vec<u8>, EncodeError> {
        Ok(Vec::new())
    }
}

/// The organization that every row is about.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) organization_id: OrganizationId,
    pub(super) organization_name: String,
}

/// The encoder of a format.
pub(super) fn encoder(format: SpendExportFormat, place: Place) -> Box<dyn Encoder> {
    match format {
        SpendExportFormat::Csv => Box::new(csv::Csv { place }),
        SpendExportFormat::Focus => Box::new(focus::Focus { place }),
        SpendExportFormat::Parquet => Box::new(parquet::Parquet::new(place)),
    }
}

/// An instant as RFC 3339 writes it.
fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// What a formula begins with, to one spreadsheet or another, spaces aside.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// A line of comma-separated values.
#[derive(Debug, Default)]
struct Line {
    text: String,
    begun: bool,
}

impl Line {
    /// Adds something that has no characters to be minded: a number, an id, an instant, or nothing.
    fn plain(&mut self, value: impl Display) {
        if self.begun {
            self.text.push(',');
        }
        self.begun = true;
        self.text += &value.to_string();
    }

    /// Adds a text that anybody may have written. A spreadsheet must not take it for a formula.
    fn text(&mut self, text: &str) {
        let formula = text.starts_with(['\t', '\r']) || text.trim_start().starts_with(FORMULA);
        let guarded = if formula {
            Cow::Owned(format!("'{text}"))
        } else {
            Cow::Borrowed(text)
        };
        if guarded.contains(['"', ',', '\n', '\r']) {
            self.plain(format_args!("\"{}\"", guarded.replace('"', "\"\"")));
        } else {
            self.plain(guarded);
        }
    }

    fn end(mut self) -> String {
        self.text.push('\n');
        self.text
    }
}

/// The line of these names.
fn header(names: &[&str]) -> Vec<u8> {
    let mut line = Line::default();
    for name in names {
        line.plain(name);
    }
    line.end().into_bytes()
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use model::{GroupId, Micros, UserId, spend::Period};
    use uuid::Uuid;

    use super::*;

    pub(super) fn place() -> Place {
        Place {
            organization_id: OrganizationId(Uuid::from_u128(3)),
            organization_name: "acme".to_owned(),
        }
    }

    pub(super) fn row() -> SpendExportRow {
        let start: DateTime<Utc> = "2026-11-01T00:00:00Z".parse().unwrap();
        SpendExportRow {
            user_id: UserId(Uuid::from_u128(1)),
            username: "ada".to_owned(),
            group_id: Some(GroupId(Uuid::from_u128(2))),
            group_name: "makers, all".to_owned(),
            model: "gpt-4o".to_owned(),
            provider: "openai".to_owned(),
            provider_name: "main".to_owned(),
            input_tokens: 10,
            output_tokens: 20,
            cache_read_tokens: 3,
            cache_write_tokens: 4,
            cost: Some(Micros(1_500_001)),
            requests: 2,
            unpriced: 1,
            period: Period {
                start,
                end: start + Duration::days(1),
            },
        }
    }

    #[test]
    fn texts_are_quoted_and_no_formulas() {
        let check = |text: &str, expected: &str| {
            let mut line = Line::default();
            line.text(text);
            line.plain(7);
            assert_eq!(line.end(), format!("{expected},7\n"));
        };
        check("", "");
        check("ada", "ada");
        check("a,b", "\"a,b\"");
        check("a\"b", "\"a\"\"b\"");
        check("a\nb", "\"a\nb\"");
        check("=1+1", "'=1+1");
        check("+1", "'+1");
        check("-1", "'-1");
        check("@x", "'@x");
        check("\tx", "'\tx");
        check("\rx", "\"'\rx\"");
        check("=\"a\"", "\"'=\"\"a\"\"\"");
        check("  =1", "'  =1");
        check("＝1", "'＝1");
        check("＋1", "'＋1");
        check("－1", "'－1");
        check("＠x", "'＠x");
        check("a=1", "a=1");
    }
}
