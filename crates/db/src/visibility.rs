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

use crate::acl::AclTable;

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
    Texts(Vec<&'static str>),
}

/// What the rows have: columns, and for what is shared the table of its ACL.
#[derive(Debug, Clone, Copy)]
struct Rows<'a> {
    columns: &'a Columns,
    acl: Option<&'static AclTable>,
}

impl Visible {
    /// The rows of a table without ACLs.
    pub(crate) fn new(visibility: &Visibility, columns: &Columns) -> Self {
        Self::of(visibility, Rows { columns, acl: None })
    }

    /// The rows of a table with an ACL for each.
    pub(crate) fn shared(
        visibility: &Visibility,
        columns: &Columns,
        acl: &'static AclTable,
    ) -> Self {
        let acl = Some(acl);
        Self::of(visibility, Rows { columns, acl })
    }

    /// The rows with an entry for this person or for a group that they are in, whatever it lets do. Found from the
    /// entries on, by their indexes.
    pub(crate) fn shared_with(user: Uuid, id: &'static str, acl: &'static AclTable) -> Self {
        let mut visible = Self { parts: Vec::new() };
        let AclTable {
            name,
            object,
            counts,
            ..
        } = acl;
        for part in [
            "(",
            counts,
            " AND ",
            id,
            " IN (SELECT acl.",
            object,
            " FROM ",
            name,
        ] {
            visible.sql(part);
        }
        visible.sql(" AS acl WHERE acl.user_id = ");
        visible.parts.push(Part::Id(user));
        for part in [" UNION ALL SELECT acl.", object, " FROM ", name] {
            visible.sql(part);
        }
        visible.sql(
            " AS acl JOIN group_members_expanded AS e ON e.group_id = acl.group_id WHERE e.user_id = ",
        );
        visible.parts.push(Part::Id(user));
        visible.sql("))");
        visible
    }

    fn of(visibility: &Visibility, rows: Rows<'_>) -> Self {
        let mut visible = Self { parts: Vec::new() };
        visible.push(visibility, rows);
        visible
    }

    fn push(&mut self, visibility: &Visibility, rows: Rows<'_>) {
        let Rows { columns, acl } = rows;
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
            Visibility::UserAcl { user, action } => {
                self.entry(acl, *action, columns, |visible, _| {
                    visible.sql("acl.user_id = ");
                    visible.parts.push(Part::Id(*user));
                });
            }
            Visibility::GroupAcl { groups, action } if acl.is_some() => {
                self.entry(acl, *action, columns, |visible, organization| {
                    visible.sql("(acl.group_id = ");
                    visible.sql(organization);
                    visible.sql(" OR ");
                    visible.column_in(Some("acl.group_id"), groups);
                    visible.sql(")");
                });
            }
            Visibility::GroupAcl { groups, action } => self.group_acl(groups, *action, columns),
            Visibility::None => self.sql("FALSE"),
            Visibility::And(parts) => self.join(parts, " AND ", "TRUE", rows),
            Visibility::Or(parts) => self.join(parts, " OR ", "FALSE", rows),
        }
    }

    /// Rows with an entry that lets do something, about somebody whom `about` describes; it is told the column of the
    /// row's organization, whose Everyone group has the same id.
    fn entry(
        &mut self,
        acl: Option<&'static AclTable>,
        action: Action,
        columns: &Columns,
        about: impl FnOnce(&mut Self, &'static str),
    ) {
        let (Some(acl), Some(id), Some(organization)) = (acl, columns.id, columns.organization)
        else {
            return self.sql("FALSE");
        };
        let roles = (acl.granting)(action);
        if roles.is_empty() {
            return self.sql("FALSE");
        }
        for part in ["(", acl.counts, " AND EXISTS (SELECT 1 FROM ", acl.name] {
            self.sql(part);
        }
        for part in [" AS acl WHERE acl.", acl.object, " = ", id, " AND "] {
            self.sql(part);
        }
        about(self, organization);
        self.sql(" AND acl.role = ANY (");
        self.parts.push(Part::Texts(roles));
        self.sql(")))");
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
        rows: Rows<'_>,
    ) {
        if parts.is_empty() {
            return self.sql(empty);
        }
        self.sql("(");
        for (place, part) in parts.iter().enumerate() {
            if place > 0 {
                self.sql(operator);
            }
            self.push(part, rows);
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
                Part::Texts(texts) => {
                    out.push_bind_param::<sql_types::Array<sql_types::Text>, Vec<&'static str>>(
                        texts,
                    )?;
                }
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

    const THINGS: Columns = Columns {
        id: Some("t.id"),
        owner: Some("t.owner"),
        organization: Some("t.org"),
        groups: false,
    };
    const ACL: AclTable = AclTable {
        name: "thing_acl",
        object: "thing_id",
        granting: |action| match action {
            Action::Read => vec!["use", "admin"],
            Action::Share => vec!["admin"],
            _ => Vec::new(),
        },
        counts: "t.awake",
        changed: "",
    };

    #[test]
    fn entries_of_an_acl_are_looked_up_in_its_table() {
        let id = Uuid::from_u128(1);
        let check = |visible: &Visible, sql: &str| {
            let text = diesel::debug_query::<Pg, _>(visible).to_string();
            let text = text.split(" -- ").next().unwrap_or_default().to_owned();
            assert_eq!(text, sql);
        };
        let shared = |visibility: &Visibility| Visible::shared(visibility, &THINGS, &ACL);
        let (user, groups) = (id, vec![id]);
        let by_user = |action| Visibility::UserAcl { user, action };
        let by_group = |action| Visibility::GroupAcl {
            groups: groups.clone(),
            action,
        };
        check(
            &shared(&by_user(Action::Read)),
            "((t.awake AND EXISTS (SELECT 1 FROM thing_acl AS acl WHERE acl.thing_id = t.id \
             AND acl.user_id = $1 AND acl.role = ANY ($2))))",
        );
        check(
            &shared(&by_group(Action::Share)),
            "((t.awake AND EXISTS (SELECT 1 FROM thing_acl AS acl WHERE acl.thing_id = t.id \
             AND (acl.group_id = t.org OR acl.group_id = ANY ($1)) AND acl.role = ANY ($2))))",
        );
        check(&shared(&by_user(Action::Delete)), "(FALSE)");
        check(&shared(&by_group(Action::Delete)), "(FALSE)");
        check(
            &Visible::shared_with(id, "t.id", &ACL),
            "((t.awake AND t.id IN (SELECT acl.thing_id FROM thing_acl AS acl WHERE acl.user_id = $1 \
             UNION ALL SELECT acl.thing_id FROM thing_acl AS acl \
             JOIN group_members_expanded AS e ON e.group_id = acl.group_id WHERE e.user_id = $2)))",
        );
    }
}
