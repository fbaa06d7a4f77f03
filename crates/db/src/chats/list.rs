//! Lists of chats: one statement for a page with its families.
//!
//! A page comes from up to three places, each in the list's order and no longer than the page: what the looker keeps on
//! top, the rest of the looker's own, and the rest of what others share. Each is found by an index of its own: places
//! on top, the owner's chats by their time, the entries of ACLs.

use diesel::QueryableByName;
use diesel_async::AsyncPgConnection;
use model::{
    ChatId, UserId,
    chats::{Chat, ChatCursor, ChatFilter, ChatPage, ChatSources, query::ChatFamily},
};
use rbac::Visibility;
use store::StoreResult;

use super::{
    pieces::Pieces,
    rows::{ACL, COLUMNS, ChatRow, columns, looked_at, unread},
    search,
};
use crate::{
    acl::AclTable,
    errors::internal,
    query::{row, rows},
    users::anywhere,
    visibility::Visible,
};

/// The living organization `o` of the chat `c`. Looked up chat by chat: no query starts from all chats of an organization,
/// since an owner's, or those with an entry, are fewer.
macro_rules! living {
    () => {
        " CROSS JOIN LATERAL (SELECT o.id, o.chat_sharing FROM organizations AS o \
         WHERE o.id = c.organization_id AND NOT o.deleted OFFSET 0) AS o "
    };
}

/// What the looker keeps on top.
const PINNED: &str = concat!(
    "(SELECT c.id, v.pin_order, c.updated_at FROM chat_viewers AS v JOIN chats AS c ON c.id = v.chat_id",
    living!(),
    "WHERE v.user_id = $1 AND v.pin_order > 0 AND c.parent_chat_id IS NULL AND NOT c.archived AND "
);

/// What is not kept on top. What the looker keeps of a chat is looked up chat by chat, too: for who has many chats
/// anything else that seems cheap is not.
const REST: &str = concat!(
    "(SELECT c.id, 0 AS pin_order, c.updated_at FROM chats AS c",
    living!(),
    "LEFT JOIN LATERAL (SELECT v.last_read_message_id, v.pin_order, v.hidden FROM chat_viewers AS v \
     WHERE v.chat_id = c.id AND v.user_id = $1 OFFSET 0) AS v ON TRUE \
     WHERE (v.pin_order IS NULL OR v.pin_order = 0) AND c.parent_chat_id IS NULL AND "
);

const FAMILIES: &str = concat!(
    ") SELECT ",
    columns!(),
    " FROM page AS p CROSS JOIN LATERAL (\
        SELECT p.id UNION ALL SELECT s.id FROM chats AS s JOIN chats AS r ON r.id = s.root_chat_id \
        WHERE s.root_chat_id = p.id AND s.parent_chat_id IS NOT NULL AND s.archived = r.archived) AS family (id) \
    JOIN chats_expanded AS c ON c.id = family.id",
    looked_at!(),
    "ORDER BY (p.pin_order = 0), p.pin_order, p.updated_at DESC, p.id DESC, \
        c.parent_chat_id IS NOT NULL, c.created_at, c.id"
);

const CHILDREN: &str = concat!(
    ") SELECT ",
    columns!(),
    " FROM chats AS r \
    JOIN chats_expanded AS c ON c.root_chat_id = r.id AND c.parent_chat_id IS NOT NULL AND c.archived = r.archived",
    looked_at!(),
    "WHERE r.id = "
);

/// Where a chat stands in its looker's list.
const PLACE: &str = concat!(
    ") SELECT ",
    columns!(),
    " FROM chats_expanded AS c",
    living!(),
    looked_at!(),
    "WHERE c.id = "
);

/// Of roots only: the entries are their own.
pub(super) const ROOT_ACL: AclTable = AclTable { row: "c.id", ..ACL };

/// Which chats: one's own, or those of others.
#[derive(Debug, Clone, Copy)]
pub(super) enum Whose {
    Own,
    Others,
}

/// A statement whose first value, `$1`, is who looks.
fn asked_by(user: UserId) -> Pieces {
    let mut query = Pieces::default();
    query.sql("WITH looker AS (SELECT ").looker(Some(user.0));
    query
}

pub(super) async fn chat_child_list(
    conn: &AsyncPgConnection,
    root: ChatId,
    viewer: UserId,
) -> StoreResult<Vec<Chat>> {
    let mut query = asked_by(viewer);
    query.sql(CHILDREN).id(root.0);
    query.sql(" ORDER BY c.created_at, c.id");
    let found: Vec<ChatRow> = rows(conn, query).await?;
    found.into_iter().map(ChatRow::chat).collect()
}

pub(super) async fn chat_list(
    conn: &AsyncPgConnection,
    filter: &ChatFilter,
    viewer: UserId,
    visibility: &Visibility,
) -> StoreResult<ChatPage> {
    let after = match filter.after_id.filter(|_| filter.after.is_none()) {
        Some(id) => {
            let Some(place) = place(conn, id, viewer, visibility).await? else {
                return Ok(ChatPage::default());
            };
            Some(place)
        }
        None => filter.after,
    };
    let list = List {
        filter,
        viewer,
        visibility,
        after,
    };
    let found: Vec<ChatRow> = rows(conn, list.statement()).await?;
    let limit = usize::try_from(filter.limit).map_err(internal)?;
    let mut page = ChatPage::default();
    for found in found {
        let chat = found.chat()?;
        match page.chats.last_mut() {
            Some(family) if !chat.root() => family.children.push(chat),
            _ => page.chats.push(ChatFamily {
                root: chat,
                children: Vec::new(),
            }),
        }
    }
    page.has_more = page.chats.len() > limit;
    page.chats.truncate(limit);
    Ok(page)
}

/// Where a chat stands now; nothing if the looker cannot see it.
async fn place(
    conn: &AsyncPgConnection,
    id: ChatId,
    viewer: UserId,
    visibility: &Visibility,
) -> StoreResult<Option<ChatCursor>> {
    let mut query = asked_by(viewer);
    query.sql(PLACE).id(id.0).sql(" AND ");
    query.visible(Visible::shared(visibility, &COLUMNS, &ACL));
    let found: Option<ChatRow> = row(conn, query).await?;
    let chat = found.map(ChatRow::chat).transpose()?;
    Ok(chat.as_ref().map(ChatCursor::of))
}

/// A page that is asked for.
struct List<'a> {
    filter: &'a ChatFilter,
    viewer: UserId,
    visibility: &'a Visibility,
    after: Option<ChatCursor>,
}

impl List<'_> {
    /// One row more than the page, so that it shows whether there are more.
    fn rows(&self) -> i64 {
        i64::from(self.filter.limit).saturating_add(1)
    }

    fn statement(&self) -> Pieces {
        let mut query = asked_by(self.viewer);
        query.sql(")");
        let sources: &[Whose] = match self.filter.sources {
            ChatSources::Own => &[Whose::Own],
            ChatSources::Shared => &[Whose::Others],
            ChatSources::Both => &[Whose::Own, Whose::Others],
        };
        if let Some(search) = &self.filter.search {
            for whose in sources {
                let asking = (self.viewer, self.visibility);
                search::found(&mut query, *whose, asking, search);
            }
        }
        query.sql(", page AS MATERIALIZED (SELECT * FROM (");
        let past_the_top = self.after.is_some_and(|after| after.pin_order == 0);
        let mut first = true;
        for whose in sources {
            if !self.filter.archived && !past_the_top {
                self.join(&mut query, &mut first);
                self.pinned(&mut query, *whose);
            }
            self.join(&mut query, &mut first);
            self.rest(&mut query, *whose);
        }
        query.sql(
            ") AS found ORDER BY (pin_order = 0), pin_order, updated_at DESC, id DESC OFFSET ",
        );
        query.number(self.filter.offset.into());
        query.sql(" LIMIT ").number(self.rows()).sql(FAMILIES);
        query
    }

    fn join(&self, query: &mut Pieces, first: &mut bool) {
        if !std::mem::replace(first, false) {
            query.sql(" UNION ALL ");
        }
    }

    fn pinned(&self, query: &mut Pieces, whose: Whose) {
        query.sql(PINNED);
        self.admitted(query, whose);
        if let Some(after) = self.after {
            let place = i64::from(after.pin_order);
            query.sql(" AND (v.pin_order > ").number(place);
            query.sql(" OR (v.pin_order = ").number(place);
            query
                .sql(" AND (c.updated_at, c.id) < (")
                .time(after.updated_at);
            query.sql(", ").id(after.id.0).sql(")))");
        }
        query.sql(")");
    }

    fn rest(&self, query: &mut Pieces, whose: Whose) {
        query.sql(REST);
        self.placed(query);
        query.sql(" AND ");
        self.admitted(query, whose);
        query.sql(" ORDER BY c.updated_at DESC, c.id DESC LIMIT ");
        query.number(i64::from(self.filter.offset).saturating_add(self.rows()));
        query.sql(")");
    }

    /// Archived as it is asked for, and after the place that was reached.
    fn placed(&self, query: &mut Pieces) {
        query.sql(if self.filter.archived {
            "c.archived"
        } else {
            "NOT c.archived"
        });
        if let Some(after) = self.after.filter(|after| after.pin_order == 0) {
            query
                .sql(" AND (c.updated_at, c.id) < (")
                .time(after.updated_at);
            query.sql(", ").id(after.id.0).sql(")");
        }
    }

    /// What the filter and the visibility admit of whose chats. All but whose they are is in a CASE, which PostgreSQL does not
    /// look into: it would take it for rarer than it is, and sort all chats of somebody instead of reading them in
    /// order.
    fn admitted(&self, query: &mut Pieces, whose: Whose) {
        match whose {
            Whose::Own => {
                query.sql("c.owner_id = $1 AND ");
            }
            Whose::Others => {
                query.sql("c.owner_id <> $1 AND ");
                query.visible(Visible::shared_with(self.viewer.0, &ROOT_ACL));
                query.sql(" AND ");
                if !self.filter.with_hidden {
                    query.sql("v.hidden IS NOT TRUE AND ");
                }
            }
        }
        if self.filter.search.is_some() {
            query.sql(search::is_found(whose));
        }
        query.sql("CASE WHEN ");
        query.visible(Visible::shared(self.visibility, &COLUMNS, &ROOT_ACL));
        self.narrowed(query);
        query.sql(" THEN TRUE ELSE FALSE END");
    }

    fn narrowed(&self, query: &mut Pieces) {
        let ChatFilter {
            title,
            has_unread,
            labels,
            ..
        } = self.filter;
        if let Some(title) = title {
            query.sql(" AND c.title ILIKE ").text(anywhere(title));
        }
        if let Some(has_unread) = has_unread {
            query.sql(if *has_unread { " AND " } else { " AND NOT " });
            query.sql(unread!());
        }
        if !labels.is_empty() {
            let labels = labels
                .iter()
                .map(|(key, value)| (key.clone(), value.clone().into()));
            let labels = serde_json::Value::Object(labels.collect());
            query.sql(" AND c.labels @> ").json(labels);
        }
    }
}

/// The newest chat of each workspace, found by their index.
pub(super) fn by_workspace(visibility: &Visibility, workspaces: &[uuid::Uuid]) -> Pieces {
    let mut query = Pieces::default();
    query
        .sql("SELECT w.id AS workspace_id, newest.id AS id FROM unnest(")
        .ids(workspaces);
    query.sql(concat!(
        ") WITH ORDINALITY AS w (id, place) CROSS JOIN LATERAL (SELECT c.id FROM chats AS c",
        living!(),
        "WHERE c.workspace_id = w.id AND "
    ));
    query.visible(Visible::shared(visibility, &COLUMNS, &ACL));
    query.sql(" ORDER BY c.created_at DESC, c.id DESC LIMIT 1) AS newest ORDER BY w.place");
    query
}

/// The roots that others share with somebody.
pub(super) fn shared_with(visibility: &Visibility, viewer: UserId) -> Pieces {
    let mut query = Pieces::default();
    query.sql(concat!(
        "SELECT c.id FROM chats AS c",
        living!(),
        "WHERE c.parent_chat_id IS NULL AND c.owner_id <> "
    ));
    query.id(viewer.0).sql(" AND ");
    query
        .visible(Visible::shared_with(viewer.0, &ROOT_ACL))
        .sql(" AND ");
    query.visible(Visible::shared(visibility, &COLUMNS, &ROOT_ACL));
    query.sql(" ORDER BY c.id");
    query
}

/// An id that a query selects.
#[derive(QueryableByName)]
pub(super) struct IdRow {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    pub(super) id: uuid::Uuid,
}

/// A workspace and its newest chat.
#[derive(QueryableByName)]
pub(super) struct WorkspaceChatRow {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    pub(super) workspace_id: uuid::Uuid,
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    pub(super) id: uuid::Uuid,
}
