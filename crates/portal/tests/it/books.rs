//! What the portal process keeps, and how it answers when it behaves. It is strict: it knows only the operations of the
//! real one, takes only variables that the document declares, and writes amounts as they were written to it.

use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The namespace that it knows.
pub(crate) const NAMESPACE: &str = "42";
/// The licence key that it knows, of several lines as such keys are.
pub(crate) const LICENCE_KEY: &str = "bGljZW5jZS1vZi1hY21l\nMTIzNDU2Nzg5MA==\n";
/// The admin's address.
pub(crate) const ADMIN_EMAIL: &str = "admin@portal.example";
/// The admin's token.
pub(crate) const ADMIN_TOKEN: &str = "admin-t0ken-of-the-portal";

const CREATED: &str = "2026-04-01T12:00:00Z";
const UPDATED: &str = "2026-04-02T12:00:00Z";

/// The caps of the one subscription.
#[derive(Debug)]
pub(crate) struct Books {
    /// `subscriptionCap` and its switch, as JSON.
    pub(crate) subscription: (String, String),
    /// `flatUserCap` and its switch, as JSON.
    pub(crate) flat: (String, String),
    /// Whether there is a record.
    pub(crate) recorded: bool,
    pub(crate) overrides: Vec<Row>,
    /// How many overrides are on a page at most.
    pub(crate) page: usize,
    /// Who is stopped: entity id, and the cap as JSON.
    pub(crate) blocked: Vec<(String, String)>,
}

/// An override.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) entity_id: String,
    pub(crate) instance: Option<String>,
    pub(crate) cap: String,
    pub(crate) enabled: bool,
}

impl Default for Books {
    fn default() -> Self {
        let unset = || ("null".to_owned(), "false".to_owned());
        Self {
            subscription: unset(),
            flat: unset(),
            recorded: false,
            overrides: Vec::new(),
            page: 20,
            blocked: Vec::new(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    query: String,
    variables: Variables,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Variables {
    namespace_id: Option<String>,
    license_key: Option<String>,
    entity_ids: Option<Vec<String>>,
    first: Option<usize>,
    after: Option<String>,
    #[serde(rename = "instanceId")]
    _instance_id: Option<String>,
    #[serde(rename = "startDate")]
    _start_date: Option<String>,
    #[serde(rename = "endDate")]
    _end_date: Option<String>,
    input: Option<Input>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Input {
    namespace_id: Option<String>,
    license_key: Option<String>,
    unique_instance_id: Option<String>,
    flat_user_cap: Option<Box<RawValue>>,
    flat_user_cap_enabled: Option<bool>,
    overrides: Option<Vec<InputRow>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct InputRow {
    entity_id: String,
    cap_amount: Box<RawValue>,
    enabled: bool,
}

impl Books {
    /// The answer to a request: status and body.
    pub(crate) fn answer(&mut self, headers: &HeaderMap, body: &str) -> (u16, String) {
        let Ok(Body { query, variables }) = serde_json::from_str(body) else {
            return (422, r#"{"error":"unknown variables"}"#.to_owned());
        };
        let input = variables.input.as_ref();
        let (namespace, key) = match input {
            Some(input) => (&input.namespace_id, &input.license_key),
            None => (&variables.namespace_id, &variables.license_key),
        };
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let admin = header("x-admin-email") == Some(ADMIN_EMAIL)
            && header("x-admin-token") == Some(ADMIN_TOKEN);
        let known = match (namespace.as_deref(), key.as_deref()) {
            (Some(_), None) if !admin => return (401, String::new()),
            (Some(id), None) => id == NAMESPACE,
            (None, Some(key)) => key == LICENCE_KEY,
            _ => return (400, String::new()),
        };
        let name = query.split(['(', ' ']).nth(1).unwrap_or_default();
        let answer = match (name, variables.input) {
            ("budgetCaps" | "subscriptionBlockedStatuses", None) if !known => {
                r#"{"data":{"subscription":null}}"#.to_owned()
            }
            ("budgetCaps", None) => self.caps(
                variables.entity_ids.as_deref(),
                variables.first,
                variables.after.as_deref(),
            ),
            ("subscriptionBlockedStatuses", None) => {
                self.statuses(&variables.entity_ids.unwrap_or_default())
            }
            ("upsertBudgetCapSubscription", Some(input)) => self.set_flat(&input),
            ("upsertUserBudgetCapsBulk", Some(input)) => self.set_overrides(input),
            _ => r#"{"errors":[{"message":"no such operation"}]}"#.to_owned(),
        };
        (200, answer)
    }

    fn caps(&self, ids: Option<&[String]>, first: Option<usize>, after: Option<&str>) -> String {
        if !self.recorded {
            return r#"{"data":{"subscription":{"budgetControls":null}}}"#.to_owned();
        }
        let wanted = |row: &&Row| ids.is_none_or(|ids| ids.contains(&row.entity_id));
        let rows: Vec<&Row> = self.overrides.iter().filter(wanted).collect();
        let start = after.map_or(0, |cursor| {
            cursor.strip_prefix("row-").unwrap().parse().unwrap()
        });
        let end = rows.len().min(start + self.page.min(first.unwrap_or(20)));
        let shown = &rows[start.min(end)..end];
        let nodes: Vec<String> = shown.iter().map(|row| row.json(true)).collect();
        let (cap, enabled) = &self.subscription;
        let (flat, flat_enabled) = &self.flat;
        format!(
            r#"{{"data":{{"subscription":{{"budgetControls":{{"subscription":{{"subscriptionName":"A-S00012345","subscriptionCap":{cap},"subscriptionCapEnabled":{enabled},"flatUserCap":{flat},"flatUserCapEnabled":{flat_enabled}}},"userBudgetCapOverrides":{{"nodes":[{}],"pageInfo":{{"hasNextPage":{},"hasPreviousPage":{},"startCursor":"row-{start}","endCursor":"row-{end}"}}}}}}}}}}}}"#,
            nodes.join(","),
            end < rows.len(),
            start > 0,
        )
    }

    fn statuses(&self, ids: &[String]) -> String {
        let nodes: Vec<String> = ids
            .iter()
            .take(self.page)
            .map(|id| {
                let cap = self.blocked.iter().find(|(blocked, _)| blocked == id);
                let word = cap.map_or("null", |(_, word)| word);
                let blocked = cap.is_some();
                format!(r#"{{"entityId":"{id}","blocked":{blocked},"capType":{word}}}"#)
            })
            .collect();
        format!(
            r#"{{"data":{{"subscription":{{"gitlabCreditsUsage":{{"blockedStatuses":{{"nodes":[{}]}}}}}}}}}}"#,
            nodes.join(",")
        )
    }

    fn set_flat(&mut self, input: &Input) -> String {
        let amount = input.flat_user_cap.as_deref().unwrap().get().to_owned();
        if amount.starts_with('-') {
            return r#"{"data":{"upsertBudgetCapSubscription":{"subscriptionBudgetCap":null,"errors":["Flat user cap must be greater than or equal to 0"]}}}"#.to_owned();
        }
        let enabled = input.flat_user_cap_enabled.unwrap();
        self.recorded = true;
        self.flat = (amount.clone(), enabled.to_string());
        format!(
            r#"{{"data":{{"upsertBudgetCapSubscription":{{"subscriptionBudgetCap":{{"subscriptionName":"A-S00012345","flatUserCap":{amount},"flatUserCapEnabled":{enabled}}},"errors":[]}}}}}}"#
        )
    }

    fn set_overrides(&mut self, input: Input) -> String {
        if !self.recorded {
            return r#"{"data":{"upsertUserBudgetCapsBulk":{"userBudgetCapOverrides":null,"errors":["Subscription budget cap not found"]}}}"#.to_owned();
        }
        let mut stored = Vec::new();
        for one in input.overrides.unwrap() {
            let row = Row {
                entity_id: one.entity_id,
                instance: input
                    .unique_instance_id
                    .as_ref()
                    .map(|id| format!("act-{id}")),
                cap: one.cap_amount.get().to_owned(),
                enabled: one.enabled,
            };
            stored.push(row.json(false));
            let same =
                |old: &Row| (&old.entity_id, &old.instance) == (&row.entity_id, &row.instance);
            self.overrides.retain(|old| !same(old));
            self.overrides.push(row);
        }
        format!(
            r#"{{"data":{{"upsertUserBudgetCapsBulk":{{"userBudgetCapOverrides":[{}],"errors":[]}}}}}}"#,
            stored.join(",")
        )
    }
}

impl Row {
    /// As the portal writes it, when it is read with its times.
    fn json(&self, times: bool) -> String {
        let instance = match &self.instance {
            Some(instance) => format!("\"{instance}\""),
            None => "null".to_owned(),
        };
        let times = if times {
            format!(r#","createdAt":"{CREATED}","updatedAt":"{UPDATED}""#)
        } else {
            String::new()
        };
        format!(
            r#"{{"entityId":"{}","cap":{},"capEnabled":{},"selfManagedInstanceActivationId":{instance}{times}}}"#,
            self.entity_id, self.cap, self.enabled,
        )
    }
}
