//! Lists that come in pages, where the answer's header tells the place of the next.

use reqwest::{Method, Response};
use serde::de::DeserializeOwned;

use super::{Call, Client, error::Error};
use crate::{Chat, ChatListQuery};

/// The header with the place of the next page.
const NEXT: &str = "x-next-cursor";

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// The `cursor` of the next page; `None` with the last.
    pub next_cursor: Option<String>,
}

impl Call {
    /// Sends the call and reads its answer as a page.
    ///
    /// # Errors
    /// See [`Call::answer`].
    pub async fn page<T: DeserializeOwned>(self) -> Result<Page<T>, Error> {
        let response = self.send().await?;
        let next_cursor = next(&response);
        let body = response.bytes().await.map_err(Error::Transport)?;
        let items = serde_json::from_slice(&body).map_err(Error::Answer)?;
        Ok(Page { items, next_cursor })
    }
}

fn next(response: &Response) -> Option<String> {
    let cursor = response.headers().get(NEXT)?.to_str().ok()?;
    Some(cursor.to_owned()).filter(|cursor| !cursor.is_empty())
}

impl Client {
    /// As [`Client::chat_list`], with the place of the next page. [`Client::chat_pages`] goes through all of them.
    ///
    /// # Errors
    /// See [`Call::answer`].
    pub async fn chat_list_page(&self, query: &ChatListQuery) -> Result<Page<Chat>, Error> {
        let call = self.call(Method::GET, &["api", "v2", "chats"])?;
        call.query(query).page().await
    }

    /// All chats that a query finds, page by page, from where it begins. A chat that changes meanwhile moves to the front,
    /// and so may be left out or, when it has been seen, come again; none of the others is.
    ///
    /// ```no_run
    /// # use bursar_sdk::{ChatListQuery, Client, client::Error};
    /// # async fn example(ben: &Client) -> Result<(), Error> {
    /// let mut pages = ben.chat_pages(ChatListQuery {
    ///     q: Some("source:created_by_me,shared_with_me".to_owned()),
    ///     limit: Some(200),
    ///     ..ChatListQuery::default()
    /// });
    /// while let Some(chats) = pages.next().await? {
    ///     for chat in chats {
    ///         println!("{}: {}", chat.owner_username, chat.title);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn chat_pages(&self, query: ChatListQuery) -> ChatPages {
        ChatPages {
            client: self.clone(),
            next: Some(query),
        }
    }
}

/// The pages of a list of chats, read one by one.
#[derive(Debug)]
pub struct ChatPages {
    client: Client,
    /// What to ask for; `None` after the last page.
    next: Option<ChatListQuery>,
}

impl ChatPages {
    /// The next page; `None` after the last. After an error the same page is asked for again.
    ///
    /// # Errors
    /// See [`Call::answer`].
    pub async fn next(&mut self) -> Result<Option<Vec<Chat>>, Error> {
        let Some(query) = &self.next else {
            return Ok(None);
        };
        let page = self.client.chat_list_page(query).await?;
        self.next = page
            .next_cursor
            .map(|cursor| following(query.clone(), cursor));
        Ok(Some(page.items))
    }
}

/// The same query from a place on: where the first page began is passed by then.
fn following(query: ChatListQuery, cursor: String) -> ChatListQuery {
    ChatListQuery {
        cursor: Some(cursor),
        after_id: None,
        offset: None,
        ..query
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_begins_at_its_cursor_and_nowhere_else() {
        let first = ChatListQuery {
            q: Some("title:x".to_owned()),
            label: vec!["a:b".to_owned()],
            limit: Some(5),
            offset: Some(7),
            after_id: Some(uuid::Uuid::nil()),
            cursor: None,
        };
        let expected = ChatListQuery {
            cursor: Some("c".to_owned()),
            offset: None,
            after_id: None,
            ..first.clone()
        };
        assert_eq!(following(first, "c".to_owned()), expected);
    }
}
