//! One call: its query and body, and how its answer is read.

use reqwest::{
    RequestBuilder, Response,
    header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    download::{Download, TIMEOUT},
    error::{ApiError, Error},
    events::Events,
    upload::Upload,
};

/// A call that has not been sent yet.
#[derive(Debug)]
#[must_use = "a call does nothing until its answer is asked for"]
pub struct Call {
    request: RequestBuilder,
}

impl Call {
    pub(super) const fn new(request: RequestBuilder) -> Self {
        Self { request }
    }

    /// Adds a query.
    pub fn query<Q: Serialize + ?Sized>(self, query: &Q) -> Self {
        Self {
            request: self.request.query(query),
        }
    }

    /// Adds a body.
    pub fn json<B: Serialize + ?Sized>(self, body: &B) -> Self {
        Self {
            request: self.request.json(body),
        }
    }

    /// Adds a file as the body.
    pub fn upload(self, file: Upload) -> Self {
        let disposition = file.disposition();
        let kind = file.content_type;
        let kind = kind.unwrap_or_else(|| "application/octet-stream".to_owned());
        Self {
            request: self
                .request
                .header(CONTENT_TYPE, kind)
                .header(CONTENT_DISPOSITION, disposition)
                .body(file.data),
        }
    }

    /// Sends the call and reads its answer.
    ///
    /// # Errors
    /// [`Error::Api`] when the server refuses, [`Error::Transport`] when it cannot be reached,
    /// [`Error::Answer`] when the answer is not what this version of the client knows.
    pub async fn answer<R: DeserializeOwned>(self) -> Result<R, Error> {
        let body = self.send().await?.bytes().await.map_err(Error::Transport)?;
        serde_json::from_slice(&body).map_err(Error::Answer)
    }

    /// Sends the call and reads its answer as text.
    ///
    /// # Errors
    /// See [`Call::answer`].
    pub async fn text(self) -> Result<String, Error> {
        self.send().await?.text().await.map_err(Error::Transport)
    }

    /// Sends a call whose answer is a file. It may take an hour, whatever the client's timeout is.
    ///
    /// # Errors
    /// See [`Call::answer`].
    pub async fn download(self) -> Result<Download, Error> {
        let request = self.request.timeout(TIMEOUT);
        Self { request }.send().await.map(Download::new)
    }

    /// Sends a call whose answer goes on. It may take an hour, whatever the client's timeout is.
    ///
    /// # Errors
    /// See [`Call::answer`].
    pub async fn events(self) -> Result<Events, Error> {
        let request = self.request.header(ACCEPT, "text/event-stream");
        let request = request.timeout(TIMEOUT);
        Self { request }.send().await.map(Events::new)
    }

    /// Sends a call whose answer has no body.
    ///
    /// # Errors
    /// See [`Call::answer`].
    pub async fn done(self) -> Result<(), Error> {
        self.send().await.map(drop)
    }

    pub(super) async fn send(self) -> Result<Response, Error> {
        let response = self.request.send().await.map_err(Error::Transport)?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(Error::Api(Box::new(ApiError::read(response).await)))
    }
}
