//! What is said of an alert, to the person and to those who look after budgets.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::{
    Micros,
    budgets::{BudgetMode, BudgetPeriod, LimitSource},
};

/// The name of a template's text to the person whose limit it is.
const USER: &str = "ai_budget_threshold_user";
/// The same to administrators.
const ADMIN: &str = "ai_budget_threshold_admin";
/// A pool's to administrators.
const POOL_ADMIN: &str = "ai_pool_threshold_admin";

/// Where the limit of an alert comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertSource {
    /// A person's effective budget.
    User(LimitSource),
    /// A group's pool.
    Pool,
}

impl AlertSource {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User(LimitSource::UserOverride) => "user_override",
            Self::User(LimitSource::Group) => "group",
            Self::Pool => "pool",
        }
    }
}

/// An id and the name that people know it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<T> {
    /// The id.
    pub id: T,
    /// The name.
    pub name: String,
}

/// A threshold that spend has come to, with everything that is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// The share of the limit, in percent.
    pub threshold: u16,
    /// The limit.
    pub limit: Micros,
    /// What is spent.
    pub spent: Micros,
    /// Where the limit comes from.
    pub source: AlertSource,
    /// Whether the limit blocks.
    pub mode: BudgetMode,
    /// The kind of the period.
    pub period: BudgetPeriod,
    /// The first day of the period by the wall clocks of its zone.
    pub starts_on: NaiveDate,
    /// The first day after it.
    pub ends_on: NaiveDate,
    /// Whose limit it is; `None` for a pool.
    pub user: Option<Named<crate::UserId>>,
    /// The group that is charged.
    pub group: Option<Named<crate::GroupId>>,
    /// The group's organization.
    pub organization: Option<Named<crate::OrganizationId>>,
}

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// The person whose limit it is.
    User,
    /// Who looks after budgets.
    Admin,
}

/// A message, before it is anybody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Which text it is.
    pub template: &'static str,
    /// What it is about, on a line.
    pub title: String,
    /// What it says, as plain text.
    pub content: String,
    /// What it says, by name, for programs.
    pub data: BTreeMap<&'static str, String>,
}

impl Alert {
    /// What is said of it.
    #[must_use]
    pub fn notice(&self, audience: Audience) -> Notice {
        let (template, title, first) = match (audience, &self.user) {
            (Audience::User, _) => (USER, self.title("Your AI budget"), "You have".to_owned()),
            (Audience::Admin, Some(user)) => {
                let whose = format!("The AI budget of {}", user.name);
                (ADMIN, self.title(&whose), format!("{} has", user.name))
            }
            (Audience::Admin, None) => {
                let whose = format!("The AI pool of {}", self.group_name());
                let first = format!("The group {} has", self.group_name());
                (POOL_ADMIN, self.title(&whose), first)
            }
        };
        let content = format!(
            "{first} spent {} of {}, which runs from {} to {}. {}{}",
            self.spent,
            self.budget(audience),
            day(self.starts_on),
            day(self.ends_on),
            self.source(),
            self.consequence(),
        );
        Notice {
            template,
            title,
            content,
            data: self.labels(),
        }
    }

    fn title(&self, whose: &str) -> String {
        if self.threshold == 100 {
            format!("{whose} is used up")
        } else {
            format!("{whose} is used to {}%", self.threshold)
        }
    }

    fn budget(&self, audience: Audience) -> String {
        let whose = match (audience, &self.user) {
            (Audience::User, _) => "your",
            (Audience::Admin, Some(_)) => "their",
            (Audience::Admin, None) => "its",
        };
        let what = match self.source {
            AlertSource::User(_) => "budget",
            AlertSource::Pool => "pool",
        };
        format!(
            "{whose} {} AI {what} of {}",
            adjective(self.period),
            self.limit
        )
    }

    fn source(&self) -> String {
        let (group, organization) = (self.group_name(), self.organization_name());
        match self.source {
            AlertSource::User(LimitSource::UserOverride) => {
                format!("It is a personal budget, charged to the group {group} of {organization}.")
            }
            AlertSource::User(LimitSource::Group) => {
                format!("It comes from the group {group} of {organization}.")
            }
            AlertSource::Pool => format!("It is the pool of all of {group} in {organization}."),
        }
    }

    fn consequence(&self) -> &'static str {
        match self.mode {
            BudgetMode::Observe => " It is only observed: nothing is refused.",
            BudgetMode::Enforce if self.threshold >= 100 => {
                " Requests are refused until the period ends or the limit is raised."
            }
            BudgetMode::Enforce => "",
        }
    }

    fn group_name(&self) -> &str {
        self.group.as_ref().map_or("", |group| &group.name)
    }

    fn organization_name(&self) -> &str {
        let organization = self.organization.as_ref();
        organization.map_or("", |organization| &organization.name)
    }

    fn labels(&self) -> BTreeMap<&'static str, String> {
        let mut labels = BTreeMap::from([
            ("threshold", self.threshold.to_string()),
            ("limit", self.limit.to_string()),
            ("spent", self.spent.to_string()),
            ("period", adjective(self.period).to_owned()),
            ("period_start", day(self.starts_on)),
            ("period_end", day(self.ends_on)),
            ("limit_source", self.source.as_str().to_owned()),
            ("mode", self.mode.to_string()),
            ("effective_group_name", self.group_name().to_owned()),
            ("organization_name", self.organization_name().to_owned()),
        ]);
        if let Some(user) = &self.user {
            labels.insert("username", user.name.clone());
            labels.insert("user_id", user.id.to_string());
        }
        if let Some(group) = &self.group {
            labels.insert("group_id", group.id.to_string());
        }
        if let Some(organization) = &self.organization {
            labels.insert("organization_id", organization.id.to_string());
        }
        labels
    }
}

const fn adjective(period: BudgetPeriod) -> &'static str {
    match period {
        BudgetPeriod::Day => "daily",
        BudgetPeriod::Week => "weekly",
        BudgetPeriod::Month => "monthly",
        BudgetPeriod::Quarter => "quarterly",
    }
}

/// `June 1, 2026`.
fn day(date: NaiveDate) -> String {
    date.format("%B %-d, %Y").to_string()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{GroupId, OrganizationId, UserId};

    fn alert() -> Alert {
        let day = |month| NaiveDate::from_ymd_opt(2026, month, 1).unwrap();
        let name = str::to_owned;
        Alert {
            threshold: 85,
            limit: Micros(100_000_000),
            spent: Micros(86_250_000),
            source: AlertSource::User(LimitSource::Group),
            mode: BudgetMode::Enforce,
            period: BudgetPeriod::Month,
            starts_on: day(6),
            ends_on: day(7),
            user: Some(Named {
                id: UserId(Uuid::from_u128(1)),
                name: name("ada"),
            }),
            group: Some(Named {
                id: GroupId(Uuid::from_u128(2)),
                name: name("makers"),
            }),
            organization: Some(Named {
                id: OrganizationId(Uuid::from_u128(3)),
                name: name("acme"),
            }),
        }
    }

    #[test]
    fn the_labels_are_those_of_the_reference() {
        let data = alert().notice(Audience::User).data;
        for (label, value) in [
            ("threshold", "85"),
            ("limit", "$100.00"),
            ("spent", "$86.25"),
            ("period", "monthly"),
            ("limit_source", "group"),
            ("username", "ada"),
            ("effective_group_name", "makers"),
            ("organization_name", "acme"),
            ("period_start", "June 1, 2026"),
            ("period_end", "July 1, 2026"),
        ] {
            assert_eq!(data[label], value, "{label}");
        }
    }

    #[test]
    fn each_is_told_in_words_of_their_own() {
        let check = |alert: &Alert, audience, template: &str, title: &str, content: &str| {
            let notice = alert.notice(audience);
            assert_eq!(
                (
                    notice.template,
                    notice.title.as_str(),
                    notice.content.as_str()
                ),
                (template, title, content)
            );
        };
        check(
            &alert(),
            Audience::User,
            "ai_budget_threshold_user",
            "Your AI budget is used to 85%",
            "You have spent $86.25 of your monthly AI budget of $100.00, which runs from June 1, 2026 to July 1, 2026. \
             It comes from the group makers of acme.",
        );
        let full = Alert {
            threshold: 100,
            source: AlertSource::User(LimitSource::UserOverride),
            period: BudgetPeriod::Week,
            ..alert()
        };
        check(
            &full,
            Audience::Admin,
            "ai_budget_threshold_admin",
            "The AI budget of ada is used up",
            "ada has spent $86.25 of their weekly AI budget of $100.00, which runs from June 1, 2026 to July 1, 2026. \
             It is a personal budget, charged to the group makers of acme. \
             Requests are refused until the period ends or the limit is raised.",
        );
        let pool = Alert {
            source: AlertSource::Pool,
            mode: BudgetMode::Observe,
            user: None,
            ..alert()
        };
        check(
            &pool,
            Audience::Admin,
            "ai_pool_threshold_admin",
            "The AI pool of makers is used to 85%",
            "The group makers has spent $86.25 of its monthly AI pool of $100.00, which runs from June 1, 2026 to July 1, 2026. \
             It is the pool of all of makers in acme. It is only observed: nothing is refused.",
        );
        assert!(!pool.notice(Audience::Admin).data.contains_key("username"));
    }
}
