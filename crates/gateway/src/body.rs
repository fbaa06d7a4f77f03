//! The body of a streamed answer: fed through a bounded channel, and broken off visibly when its source is.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::sync::mpsc;

/// Pieces that may wait for a slow client before the provider is read no further.
const PIECES: usize = 32;

/// A piece of an answer.
#[derive(Debug)]
enum Piece {
    Data(Bytes),
    End,
}

/// The end that a task writes to.
#[derive(Debug)]
pub(crate) struct Feed {
    sender: mpsc::Sender<Piece>,
}

/// The end that the client reads from. A feed that is dropped without [`Feed::end`] breaks the answer off, so
/// that half an answer never looks like a whole one.
#[derive(Debug)]
pub(crate) struct FedBody {
    pieces: mpsc::Receiver<Piece>,
    over: bool,
}

/// The client does not read any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClientGone;

/// A feed and its body.
pub(crate) fn channel() -> (Feed, FedBody) {
    let (sender, pieces) = mpsc::channel(PIECES);
    (
        Feed { sender },
        FedBody {
            pieces,
            over: false,
        },
    )
}

impl Feed {
    /// Passes a piece on; waits while the client is slow.
    ///
    /// # Errors
    /// [`ClientGone`] when the body was dropped.
    pub(crate) async fn send(&self, data: Bytes) -> Result<(), ClientGone> {
        self.sender
            .send(Piece::Data(data))
            .await
            .map_err(|_unsent| ClientGone)
    }

    /// Ends the answer as a whole one.
    pub(crate) async fn end(self) {
        // A client that is gone needs no end.
        drop(self.sender.send(Piece::End).await);
    }

    /// Resolves when the client does not read any more.
    pub(crate) async fn gone(&self) {
        self.sender.closed().await;
    }
}

impl Body for FedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.over {
            return Poll::Ready(None);
        }
        self.pieces.poll_recv(context).map(|piece| match piece {
            Some(Piece::Data(data)) => Some(Ok(Frame::data(data))),
            Some(Piece::End) => {
                self.over = true;
                None
            }
            None => {
                self.over = true;
                Some(Err(io::Error::other("the provider's answer broke off")))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn an_answer_ends_or_breaks_off() {
        let (feed, body) = channel();
        feed.send("ab".into()).await.unwrap();
        feed.end().await;
        assert_eq!(body.collect().await.unwrap().to_bytes(), "ab");

        let (feed, body) = channel();
        feed.send("ab".into()).await.unwrap();
        drop(feed);
        assert!(body.collect().await.is_err());

        let (feed, body) = channel();
        drop(body);
        feed.gone().await;
        assert_eq!(feed.send("ab".into()).await, Err(ClientGone));
    }
}
