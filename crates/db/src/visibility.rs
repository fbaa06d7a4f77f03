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
    /// The organizations that the rows are known to be in; empty when nothing is known.
    organizations: &'a [Uuid],
}

impl Visible {
    /// The rows of a table without ACLs.
    pub(crate) fn new(visibility: &Visibility, columns: &Columns) -> Self {
        let rows = Rows {
            columns,
            acl: None,
            organizations: &[],
        };
        Self::of(visibility, rows)
    }

    /// The rows of a table with an ACL for each.
    pub(crate) fn shared(
        visibility: &Visibility,
        columns: &Columns,
        acl: &'static AclTable,
    ) -> Self {
        let rows = Rows {
            columns,
            acl: Some(acl),
            organizations: &[],
        };
        Self::of(visibility, rows)
    }

    /// The rows with an entry for this person or for a group that they are in, whatever it lets do. Found from the
    /// entries on, by their indexes.
    pub(crate) fn shared_with(user: Uuid, acl: &'static AclTable) -> Self {
        let mut visible = Self { parts: Vec::new() };
        for part in ["(", acl.counts, " AND ", acl.row, " IN ("] {
            visible.sql(part);
        }
        visible.with_entries(user, acl);
        visible.sql("))");
        visible
    }

    /// The objects of [`Visible::shared_with`]: no condition but a query, whether or not their ACLs count.
    pub(crate) fn objects_shared_with(user: Uuid, acl: &'static AclTable) -> Self {
        let mut visible = Self { parts: Vec::new() };
        visible.with_entries(user, acl);
        visible
    }

    fn with_entries(&mut self, user: Uuid, acl: &'static AclTable) {
        let AclTable { name, object, .. } = acl;
        for part in ["SELECT acl.", object, " FROM ", name] {
            self.sql(part);
        }
        self.sql(" AS acl WHERE acl.user_id = ");
        self.parts.push(Part::Id(user));
        self.live(acl);
        for part in [" UNION ALL SELECT acl.", object, " FROM ", name] {
            self.sql(part);
        }
        self.sql(
            " AS acl JOIN group_members_expanded AS e ON e.group_id = acl.group_id WHERE e.user_id = ",
        );
        self.parts.push(Part::Id(user));
        self.live(acl);
    }

    fn of(visibility: &Visibility, rows: Rows<'_>) -> Self {
        let mut visible = Self { parts: Vec::new() };
        visible.push(visibility, rows);
        visible
    }

    fn push(&mut self, visibility: &Visibility, rows: Rows<'_>) {
        let Rows {
            columns,
            acl,
            organizations,
        } = rows;
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
                self.entry(acl, *action, |visible| {
                    visible.sql("acl.user_id = ");
                    visible.parts.push(Part::Id(*user));
                });
            }
            Visibility::GroupAcl { groups, action } if acl.is_some() => {
                self.entry(acl, *action, |visible| {
                    visible.groups_or_everyone(groups, organizations);
                });
            }
            Visibility::GroupAcl { groups, action } => self.group_acl(groups, *action, columns),
            Visibility::None => self.sql("FALSE"),
            Visibility::And(parts) => {
                let known = parts.iter().find_map(|part| match part {
                    Visibility::OrgIn(ids) => Some(ids.as_slice()),
                    _ => None,
                });
                let organizations = known.unwrap_or(organizations);
                let rows = Rows {
                    organizations,
                    ..rows
                };
                self.join(parts, " AND ", "TRUE", rows);
            }
            Visibility::Or(parts) => self.join(parts, " OR ", "FALSE", rows),
        }
    }

    /// Rows with an entry that lets do something, about somebody whom `about` describes. Written so that PostgreSQL
    /// looks the entries up once, by their own index, and then the rows by id: a condition on each row would read
    /// every row of an organization.
    fn entry(
        &mut self,
        acl: Option<&'static AclTable>,
        action: Action,
        about: impl FnOnce(&mut Self),
    ) {
        let Some(acl) = acl else {
            return self.sql("FALSE");
        };
        let roles = (acl.granting)(action);
        if roles.is_empty() {
            return self.sql("FALSE");
        }
        for part in [
            "(",
            acl.counts,
            " AND ",
            acl.row,
            " = ANY (ARRAY(SELECT acl.",
        ] {
            self.sql(part);
        }
        for part in [acl.object, " FROM ", acl.name, " AS acl WHERE "] {
            self.sql(part);
        }
        about(self);
        self.sql(" AND acl.role = ANY (");
        self.parts.push(Part::Texts(roles));
        self.sql(")");
        self.live(acl);
        self.sql(")))");
    }

    /// Leaves out entries that do not count now.
    fn live(&mut self, acl: &AclTable) {
        if let Some(live) = acl.live {
            for part in [" AND (", live, ")"] {
                self.sql(part);
            }
        }
    }

    /// Entries about one of these groups or about the Everyone group of the row's organization, which has the
    /// organization's id: it is one of the groups to look for where the organizations are known.
    fn groups_or_everyone(&mut self, groups: &[Uuid], organizations: &[Uuid]) {
        if organizations.is_empty() {
            self.sql("(acl.group_id = acl.organization_id OR ");
            self.column_in(Some("acl.group_id"), groups);
            self.sql(")");
        } else {
            let groups = [groups, organizations].concat();
            self.column_in(Some("acl.group_id"), &groups);
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
mod tests;
