//! An answer that is a file, read piece by piece.

use std::time::Duration;

use reqwest::{
    Response,
    header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderName},
};

use super::error::Error;

/// How long a download may take in all.
pub(super) const TIMEOUT: Duration = Duration::from_secs(3_600);

/// A file that the server sends. It may be longer than memory: read it by [`Download::chunk`], or short ones at once.
#[derive(Debug)]
#[must_use = "a file that is not read is broken off"]
pub struct Download {
    response: Response,
}

impl Download {
    pub(super) const fn new(response: Response) -> Self {
        Self { response }
    }

    /// The file's type.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.header(&CONTENT_TYPE)
    }

    /// The name that the server gives the file.
    #[must_use]
    pub fn file_name(&self) -> Option<&str> {
        let (_, name) = self
            .header(&CONTENT_DISPOSITION)?
            .split_once("filename=\"")?;
        name.split('"').next()
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Transport`] when the connection breaks, or the server breaks off: what came is not the whole file then.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let chunk = self.response.chunk().await.map_err(Error::Transport)?;
        Ok(chunk.map(|chunk| chunk.to_vec()))
    }

    /// The rest of the file.
    ///
    /// # Errors
    /// See [`Download::chunk`].
    pub async fn bytes(self) -> Result<Vec<u8>, Error> {
        let bytes = self.response.bytes().await.map_err(Error::Transport)?;
        Ok(bytes.to_vec())
    }

    fn header(&self, name: &HeaderName) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }
}
