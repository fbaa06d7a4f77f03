//! A subject's visibility as an SQL condition, so that pages stay full and counts right.

use diesel::{
    AppearsOnTable, Expression, SelectableExpression,
    expression::{ValidGrouping, is_aggregate},
    pg::Pg,
    query_builder::{AstPass, QueryFragment, QueryId},
    result::QueryResult,
    sql_types,
};
use rbac::{Action, Visibility};
use uuid::Uuid;

/// Where the rows of a table keep what a visibility asks for; `None` where they have no such thing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns {
    /// The object's id.
    pub(crate) id: Option<&'static str>,
    /// The person whose own it is.
    pub(crate) owner: Option<&'static str>,
    /// The organization it belongs to.
    pub(crate) organization: Option<&'static str>,
    /// Whether the rows are groups, which their own members may read.
    pub(crate) groups: bool,
}

/// The condition. It may be put into any query that has the columns in reach.
#[derive(Debug, Clone)]
pub(crate) struct Visible {
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    Sql(&'static str),
    Ids(Vec<Uuid>),
    Id(Uuid),
}

impl Visible {
    pub(crate) fn new(visibility: &Visibility, columns: &Columns) -> Self {
        let mut visible = Self { parts: Vec::new() };
        visible.push(visibility, columns);
        visible
    }

    fn push(&mut self, visibility: &Visibility, columns: &Columns) {
        match visibility {
            Visibility::All => self.sql("TRUE"),
            Visibility::OrgIn(ids) => self.column_in(columns.organization, ids),
            Visibility::OrgIsNull => match columns.organization {
                Some(column) => {
                    self.sql(column);
                    self.sql(" IS NULL");
                }
                None => self.sql("TRUE"),
            },
            Visibility::IdIn(ids) => self.column_in(columns.id, ids),
            Visibility::OwnerIs(user) => match columns.owner {
                Some(column) => {
                    self.sql(column);
                    self.sql(" = ");
                    self.parts.push(Part::Id(*user));
                }
                None => self.sql("FALSE"),
            },
            Visibility::GroupAcl { groups, action } => self.group_acl(groups, *action, columns),
            Visibility::None | Visibility::UserAcl { .. } => self.sql("FALSE"),
            Visibility::And(parts) => self.join(parts, " AND ", "TRUE", columns),
            Visibility::Or(parts) => self.join(parts, " OR ", "FALSE", columns),
        }
    }

    /// Groups have one entry: their own members may read them. The Everyone group's are all in the organization.
    fn group_acl(&mut self, groups: &[Uuid], action: Action, columns: &Columns) {
        match (
            columns.groups && action == Action::Read,
            columns.id,
            columns.organization,
        ) {
            (true, Some(id), Some(organization)) => {
                self.sql("(");
                self.column_in(Some(id), groups);
                for part in [" OR ", id, " = ", organization, ")"] {
                    self.sql(part);
                }
            }
            _ => self.sql("FALSE"),
        }
    }

    fn column_in(&mut self, column: Option<&'static str>, ids: &[Uuid]) {
        match column {
            Some(column) => {
                self.sql(column);
                self.sql(" = ANY (");
                self.parts.push(Part::Ids(ids.to_vec()));
                self.sql(")");
            }
            None => self.sql("FALSE"),
        }
    }

    fn join(
        &mut self,
        parts: &[Visibility],
        operator: &'static str,
        empty: &'static str,
        columns: &Columns,
    ) {
        if parts.is_empty() {
            return self.sql(empty);
        }
        self.sql("(");
        for (place, part) in parts.iter().enumerate() {
            if place > 0 {
                self.sql(operator);
            }
            self.push(part, columns);
        }
        self.sql(")");
    }

    fn sql(&mut self, text: &'static str) {
        self.parts.push(Part::Sql(text));
    }
}

impl QueryFragment<Pg> for Visible {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(");
        for part in &self.parts {
            match part {
                Part::Sql(text) => out.push_sql(text),
                Part::Ids(ids) => {
                    out.push_bind_param::<sql_types::Array<sql_types::Uuid>, Vec<Uuid>>(ids)?;
                }
                Part::Id(id) => out.push_bind_param::<sql_types::Uuid, Uuid>(id)?,
            }
        }
        out.push_sql(")");
        Ok(())
    }
}

impl QueryId for Visible {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Expression for Visible {
    type SqlType = sql_types::Bool;
}

impl<Source> AppearsOnTable<Source> for Visible {}
impl<Source> SelectableExpression<Source> for Visible {}
impl<GroupBy> ValidGrouping<GroupBy> for Visible {
    type IsAggregate = is_aggregate::No;
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUPS: Columns = Columns {
        id: Some("g.id"),
        owner: None,
        organization: Some("g.org"),
        groups: true,
    };
    const USERS: Columns = Columns {
        id: Some("u.id"),
        owner: Some("u.id"),
        organization: None,
        groups: false,
    };

    #[test]
    fn every_condition_has_its_sql() {
        let check = |visibility: &Visibility, columns: &Columns, sql: &str| {
            let text = diesel::debug_query::<Pg, _>(&Visible::new(visibility, columns)).to_string();
            let text = text.split(" -- ").next().unwrap_or_default().to_owned();
            assert_eq!(text, sql, "{visibility:?}");
        };
        let id = Uuid::from_u128(1);
        let read = |action| Visibility::GroupAcl {
            groups: vec![id],
            action,
        };
        check(&Visibility::All, &USERS, "(TRUE)");
        check(&Visibility::None, &USERS, "(FALSE)");
        check(&Visibility::OwnerIs(id), &USERS, "(u.id = $1)");
        check(&Visibility::OwnerIs(id), &GROUPS, "(FALSE)");
        check(&Visibility::OrgIn(vec![id]), &USERS, "(FALSE)");
        check(&Visibility::OrgIn(vec![id]), &GROUPS, "(g.org = ANY ($1))");
        check(&Visibility::OrgIsNull, &USERS, "(TRUE)");
        check(&Visibility::OrgIsNull, &GROUPS, "(g.org IS NULL)");
        check(&Visibility::IdIn(vec![id]), &USERS, "(u.id = ANY ($1))");
        check(
            &Visibility::UserAcl {
                user: id,
                action: Action::Read,
            },
            &USERS,
            "(FALSE)",
        );
        check(
            &read(Action::Read),
            &GROUPS,
            "((g.id = ANY ($1) OR g.id = g.org))",
        );
        check(&read(Action::Update), &GROUPS, "(FALSE)");
        check(&read(Action::Read), &USERS, "(FALSE)");
        check(&Visibility::And(vec![]), &USERS, "(TRUE)");
        check(&Visibility::Or(vec![]), &USERS, "(FALSE)");
        let both = vec![
            Visibility::OwnerIs(id),
            Visibility::Or(vec![Visibility::All]),
        ];
        check(&Visibility::And(both), &USERS, "((u.id = $1 AND (TRUE)))");
    }
}
