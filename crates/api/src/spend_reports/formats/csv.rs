//! Comma-separated values, with the columns that existing programs read.

use model::spend_reports::SpendExportRow;

use super::{Line, Lines, Place, instant};

const COLUMNS: [&str; 16] = [
    "user_id",
    "username",
    "group_id",
    "group_name",
    "organization_id",
    "organization_name",
    "model",
    "provider",
    "provider_name",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cost_micros",
    "period_start",
    "period_end",
];

#[derive(Debug)]
pub(super) struct Csv {
    pub(super) place: Place,
}

impl Lines for Csv {
    fn columns(&self) -> &[&str] {
        &COLUMNS
    }

    fn line(&self, row: &SpendExportRow) -> String {
        let mut line = Line::default();
        line.plain(row.user_id);
        line.text(&row.username);
        line.plain(row.group_id.map(|id| id.to_string()).unwrap_or_default());
        line.text(&row.group_name);
        line.plain(self.place.organization_id);
        line.text(&self.place.organization_name);
        for text in [&row.model, &row.provider, &row.provider_name] {
            line.text(text);
        }
        for tokens in [
            row.input_tokens,
            row.output_tokens,
            row.cache_read_tokens,
            row.cache_write_tokens,
        ] {
            line.plain(tokens);
        }
        // What is not known is no zero.
        line.plain(row.cost.map(|cost| cost.0.to_string()).unwrap_or_default());
        line.plain(instant(row.period.start));
        line.plain(instant(row.period.end));
        line.end()
    }
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
    fn a_row_is_a_line() {
        let mut csv = Csv { place: place() };
        let head = String::from_utf8(csv.begin().unwrap()).unwrap();
        assert_eq!(
            head,
            "user_id,username,group_id,group_name,organization_id,organization_name,model,provider,\
             provider_name,input_tokens,output_tokens,cache_read_tokens,cache_write_tokens,cost_micros,\
             period_start,period_end\n"
        );
        let unpriced = SpendExportRow {
            username: "=1".to_owned(),
            group_id: None,
            group_name: String::new(),
            cost: None,
            ..row()
        };
        let lines = String::from_utf8(csv.rows(vec![row(), unpriced]).unwrap()).unwrap();
        let id = |last: u8| format!("00000000-0000-0000-0000-00000000000{last}");
        let (ada, team, acme) = (id(1), id(2), id(3));
        let end = "2026-11-01T00:00:00Z,2026-11-02T00:00:00Z";
        assert_eq!(
            lines,
            format!(
                "{ada},ada,{team},\"makers, all\",{acme},acme,gpt-4o,openai,main,10,20,3,4,1500001,{end}\n\
                 {ada},'=1,,,{acme},acme,gpt-4o,openai,main,10,20,3,4,,{end}\n"
            )
        );
        assert_eq!(csv.end().unwrap(), b"");
    }
}
