//! Chats by their words: what a search finds is read first and by itself, then looked up like whatever else is listed.

use model::UserId;
use rbac::Visibility;

use super::{
    list::{ROOT_ACL, Whose},
    pieces::Pieces,
    rows::ACL,
};
use crate::{
    acl::AclTable,
    visibility::{Columns, Visible},
};

/// Families: whose chats' titles and messages are looked at is `f`.
const FAMILY_ACL: AclTable = AclTable {
    row: "f.root_chat_id",
    counts: "TRUE",
    ..ACL
};

/// What a visibility asks for of them. That their organizations are alive, and let people share, is asked of their roots.
const FAMILY_COLUMNS: Columns = Columns {
    id: Some("f.id"),
    owner: Some("f.owner_id"),
    organization: Some("f.organization_id"),
    groups: false,
};

/// Chats of the families of `theirs`, by the indexes of their ids and of their roots: all chats are never read.
const OF_THEIRS: &str = "(f.id = ANY (ARRAY(SELECT t.id FROM theirs AS t)) \
    OR (f.parent_chat_id IS NOT NULL AND f.root_chat_id = ANY (ARRAY(SELECT t.id FROM theirs AS t))))";

/// Puts in what [`is_found`] asks: the roots of families with all the words in one title or one message. A text without a
/// word finds nothing.
pub(super) fn found(
    query: &mut Pieces,
    whose: Whose,
    (viewer, visibility): (UserId, &Visibility),
    search: &str,
) {
    // A rare word is looked for among all messages, a common one among those of few chats.
    query.planned_anew();
    match whose {
        Whose::Own => query.sql(", found_own"),
        Whose::Others => query
            .sql(", theirs (id) AS MATERIALIZED ")
            .visible(Visible::objects_shared_with(viewer.0, &ROOT_ACL))
            .sql(", found_theirs"),
    };
    query.sql(" (id) AS MATERIALIZED (SELECT f.root_chat_id FROM chats AS f WHERE ");
    looked_into(query, whose, visibility);
    query.sql(" AND to_tsvector('simple', f.title) @@ plainto_tsquery('simple', ");
    query.text(search);
    query.sql(
        ") UNION SELECT f.root_chat_id FROM chats AS f JOIN chat_messages AS m ON m.chat_id = f.id WHERE ",
    );
    looked_into(query, whose, visibility);
    query.sql(
        " AND NOT m.deleted AND m.visibility <> 'model' AND m.words @@ plainto_tsquery('simple', ",
    );
    query.text(search).sql("))");
}

/// Chats of whom it is about that the looker may read, each by itself: not all who may read the root may read the rest.
fn looked_into(query: &mut Pieces, whose: Whose, visibility: &Visibility) {
    query.sql(match whose {
        Whose::Own => "f.owner_id = $1",
        Whose::Others => OF_THEIRS,
    });
    query.sql(" AND CASE WHEN ");
    query.visible(Visible::shared(visibility, &FAMILY_COLUMNS, &FAMILY_ACL));
    query.sql(" THEN TRUE ELSE FALSE END");
}

/// The condition on a root `c` that its family was found, and what follows it.
pub(super) const fn is_found(whose: Whose) -> &'static str {
    match whose {
        Whose::Own => "c.id = ANY (ARRAY(SELECT f.id FROM found_own AS f)) AND ",
        Whose::Others => "c.id = ANY (ARRAY(SELECT f.id FROM found_theirs AS f)) AND ",
    }
}
