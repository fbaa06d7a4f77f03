//! How it answers when it behaves.

use axum::http::HeaderMap;

use crate::{
    books::{Amount, Books, Own, Subscription, Whose},
    record::Operation,
    wire::{self, Body, Input, InputOwn, Variables},
};

const NAME: &str = "A-S00012345";

/// A status and a body.
pub(crate) type Answer = (u16, String);

impl Books {
    /// Does what is asked, and answers.
    pub(crate) fn answer(&mut self, headers: &HeaderMap, body: &str) -> Answer {
        let Ok(body) = serde_json::from_str::<Body>(body) else {
            return (422, r#"{"error":"unknown variables"}"#.to_owned());
        };
        let whose = match body.whose(headers) {
            Ok(whose) => whose,
            Err(status) => return (status, String::new()),
        };
        let operation = wire::operation(&body.query);
        let answer = match (operation, body.variables) {
            (Some(Operation::FlatCap), Variables { input: Some(i), .. }) => {
                self.set_flat(&whose, &i)
            }
            (Some(Operation::Overrides), Variables { input: Some(i), .. }) => {
                self.set_overrides(&whose, &i)
            }
            (Some(read), variables @ Variables { input: None, .. }) => {
                self.read(read, &whose, &variables)
            }
            _ => r#"{"errors":[{"message":"no such operation"}]}"#.to_owned(),
        };
        (200, answer)
    }

    fn read(&mut self, operation: Operation, whose: &Whose, variables: &Variables) -> String {
        let page = self.page;
        let Some(subscription) = self.of(whose) else {
            return r#"{"data":{"subscription":null}}"#.to_owned();
        };
        if operation == Operation::BlockedStatuses {
            let ids = variables.entity_ids.as_deref().unwrap_or_default();
            return subscription.statuses(ids, page);
        }
        let page = page.min(variables.first.unwrap_or(20));
        subscription.caps(variables, page)
    }

    fn set_flat(&mut self, whose: &Whose, input: &Input) -> String {
        let operation = Operation::FlatCap;
        let (Some(amount), Some(enabled)) = (&input.flat_user_cap, input.flat_user_cap_enabled)
        else {
            return operation.rejected("Flat user cap is missing");
        };
        let Some(subscription) = self.of(whose) else {
            return operation.rejected("Subscription not found");
        };
        let amount = amount.get();
        if amount.starts_with('-') {
            return operation.rejected("Flat user cap must be greater than or equal to 0");
        }
        subscription.recorded = true;
        subscription.flat = Amount::new(amount, enabled);
        format!(
            r#"{{"data":{{"upsertBudgetCapSubscription":{{"subscriptionBudgetCap":{{"subscriptionName":"{NAME}","flatUserCap":{amount},"flatUserCapEnabled":{enabled}}},"errors":[]}}}}}}"#
        )
    }

    fn set_overrides(&mut self, whose: &Whose, input: &Input) -> String {
        let operation = Operation::Overrides;
        let now = self.tick();
        let Some(subscription) = self.of(whose).filter(|found| found.recorded) else {
            return operation.rejected("Subscription budget cap not found");
        };
        let written = input.overrides.as_deref().unwrap_or_default();
        let negative = |own: &InputOwn| own.cap_amount.get().starts_with('-');
        if written.iter().any(negative) {
            return operation.rejected("Cap must be greater than or equal to 0");
        }
        let instance = input.unique_instance_id.as_deref();
        let stored: Vec<String> = written
            .iter()
            .map(|one| subscription.set(one, instance, &now).json(false))
            .collect();
        format!(
            r#"{{"data":{{"upsertUserBudgetCapsBulk":{{"userBudgetCapOverrides":[{}],"errors":[]}}}}}}"#,
            stored.join(",")
        )
    }
}

impl Subscription {
    /// Its record, and a page of its overrides.
    fn caps(&self, variables: &Variables, page: usize) -> String {
        if !self.recorded {
            return r#"{"data":{"subscription":{"budgetControls":null}}}"#.to_owned();
        }
        let ids = variables.entity_ids.as_ref();
        let wanted = |row: &&Own| ids.is_none_or(|ids| ids.contains(&row.entity_id));
        let rows: Vec<&Own> = self.overrides.iter().filter(wanted).collect();
        let cursor = variables.after.as_deref();
        let start = cursor.and_then(|cursor| cursor.strip_prefix("row-")?.parse().ok());
        let start: usize = start.unwrap_or(0).min(rows.len());
        let end = rows.len().min(start.saturating_add(page));
        let shown = rows.iter().skip(start).take(page);
        let nodes: Vec<String> = shown.map(|row| row.json(true)).collect();
        let info = format!(
            r#"{{"hasNextPage":{},"hasPreviousPage":{},"startCursor":"row-{start}","endCursor":"row-{end}"}}"#,
            end < rows.len(),
            start > 0,
        );
        self.with_page(&nodes, &info)
    }

    /// Its record with this page.
    pub(crate) fn with_page(&self, nodes: &[String], info: &str) -> String {
        let page = format!(r#"{{"nodes":[{}],"pageInfo":{info}}}"#, nodes.join(","));
        self.with_overrides(&page)
    }

    /// Its record with this in the place of a page.
    pub(crate) fn with_overrides(&self, page: &str) -> String {
        let Amount { amount, enabled } = &self.cap;
        let (flat, flat_enabled) = (&self.flat.amount, &self.flat.enabled);
        format!(
            r#"{{"data":{{"subscription":{{"budgetControls":{{"subscription":{{"subscriptionName":"{NAME}","subscriptionCap":{amount},"subscriptionCapEnabled":{enabled},"flatUserCap":{flat},"flatUserCapEnabled":{flat_enabled}}},"userBudgetCapOverrides":{page}}}}}}}}}"#,
        )
    }

    fn statuses(&self, ids: &[String], page: usize) -> String {
        let known = ids.iter().filter(|id| !self.left_out.contains(*id));
        let nodes: Vec<String> = known
            .take(page)
            .map(|id| {
                let stopped = self.blocked.iter().find(|one| &one.entity_id == id);
                let word = stopped.map_or("null", |one| &one.cap);
                let blocked = stopped.is_some();
                format!(r#"{{"entityId":"{id}","blocked":{blocked},"capType":{word}}}"#)
            })
            .collect();
        format!(
            r#"{{"data":{{"subscription":{{"gitlabCreditsUsage":{{"blockedStatuses":{{"nodes":[{}]}}}}}}}}}}"#,
            nodes.join(",")
        )
    }

    /// Sets somebody's own cap, known by person and instance; what is stored.
    fn set(&mut self, written: &InputOwn, instance: Option<&str>, now: &str) -> Own {
        let mut row = Own::new(
            &written.entity_id,
            written.cap_amount.get(),
            written.enabled,
        );
        row.instance = instance.map(|id| format!("act-{id}"));
        now.clone_into(&mut row.updated_at);
        let same =
            |old: &&mut Own| (&old.entity_id, &old.instance) == (&row.entity_id, &row.instance);
        match self.overrides.iter_mut().find(same) {
            Some(old) => {
                row.created_at.clone_from(&old.created_at);
                old.clone_from(&row);
            }
            None => {
                now.clone_into(&mut row.created_at);
                self.overrides.push(row.clone());
            }
        }
        row
    }
}

impl Own {
    /// As the portal writes it, when it is read with its times.
    fn json(&self, times: bool) -> String {
        let instance = match &self.instance {
            Some(instance) => format!("\"{instance}\""),
            None => "null".to_owned(),
        };
        let times = if times {
            let (created, updated) = (&self.created_at, &self.updated_at);
            format!(r#","createdAt":"{created}","updatedAt":"{updated}""#)
        } else {
            String::new()
        };
        format!(
            r#"{{"entityId":"{}","cap":{},"capEnabled":{},"selfManagedInstanceActivationId":{instance}{times}}}"#,
            self.entity_id, self.cap, self.enabled,
        )
    }
}
