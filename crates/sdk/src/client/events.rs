//! An answer that goes on: server-sent events, read one by one.

use reqwest::Response;
use serde::de::DeserializeOwned;

use super::error::Error;

/// A stream of events. Dropping it ends it.
#[derive(Debug)]
#[must_use = "events that are not read are lost"]
pub struct Events {
    response: Response,
    reader: Reader,
}

/// Something that the server tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What it is called; `message` where the server does not say.
    pub name: String,
    /// What it says.
    pub data: String,
}

impl Event {
    /// What it says, as a type of this crate.
    ///
    /// # Errors
    /// [`Error::Answer`] when it is something else.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_str(&self.data).map_err(Error::Answer)
    }
}

impl Events {
    pub(super) fn new(response: Response) -> Self {
        Self {
            response,
            reader: Reader::default(),
        }
    }

    /// The next event; `None` at the end. May be dropped and called again without losing one.
    ///
    /// # Errors
    /// [`Error::Transport`] when the connection breaks.
    pub async fn next(&mut self) -> Result<Option<Event>, Error> {
        loop {
            if let Some(event) = self.reader.event() {
                return Ok(Some(event));
            }
            match self.response.chunk().await.map_err(Error::Transport)? {
                Some(chunk) => self.reader.rest.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
    }
}

/// What was received and not told yet.
#[derive(Debug, Default)]
struct Reader {
    rest: Vec<u8>,
}

impl Reader {
    /// The first whole event; what is none, as a comment that keeps the stream open, is passed over.
    fn event(&mut self) -> Option<Event> {
        loop {
            let end = self.rest.windows(2).position(|two| two == b"\n\n")?;
            let rest = self.rest.split_off(end.saturating_add(2));
            let text = std::mem::replace(&mut self.rest, rest);
            if let Some(event) = read(&String::from_utf8_lossy(&text)) {
                return Some(event);
            }
        }
    }
}

fn read(text: &str) -> Option<Event> {
    let (mut name, mut data) = ("message".to_owned(), Vec::new());
    for line in text.lines() {
        match line.split_once(':') {
            Some(("event", word)) => word.trim().clone_into(&mut name),
            Some(("data", words)) => data.push(words.strip_prefix(' ').unwrap_or(words)),
            _ => {}
        }
    }
    let data = (!data.is_empty()).then(|| data.join("\n"))?;
    Some(Event { name, data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_however_they_are_cut() {
        let sent = ":\n\ndata: [1]\n\nevent: error\ndata: {\"code\":4403}\n\n:\n\ndata: a\ndata: b\n\ndata: ";
        let event = |name: &str, data: &str| Event {
            name: name.to_owned(),
            data: data.to_owned(),
        };
        let expected = [
            event("message", "[1]"),
            event("error", "{\"code\":4403}"),
            event("message", "a\nb"),
        ];
        for size in 1..=sent.len() {
            let mut reader = Reader::default();
            let mut found = Vec::new();
            for piece in sent.as_bytes().chunks(size) {
                reader.rest.extend_from_slice(piece);
                found.extend(std::iter::from_fn(|| reader.event()));
            }
            assert_eq!(found, expected, "{size}");
        }
    }
}
