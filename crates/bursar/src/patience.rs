//! How long a client may take nothing of what it is sent: a connection that is written to in vain is given up, so that
//! nobody holds what an answer needs, or the server when it stops, by not reading.

use std::{
    io::{Error, ErrorKind, IoSlice, Result},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

/// How long it is waited for a client that takes nothing.
#[derive(Debug, Clone)]
pub(crate) struct Patience {
    /// As long as the server works.
    pub(crate) working: Duration,
    /// Once it stops.
    pub(crate) stopping: Duration,
    /// Whether it stops.
    pub(crate) stop: CancellationToken,
}

impl Patience {
    /// Ends when it is lost.
    async fn lost(self) {
        let stopped = async {
            self.stop.cancelled().await;
            sleep(self.stopping).await;
        };
        tokio::select! {
            () = sleep(self.working) => {}
            () = stopped => {}
        }
    }
}

/// A connection whose client is to take what it is sent.
pub(crate) struct Patient<S> {
    stream: S,
    patience: Patience,
    /// The client takes nothing at the moment; it ends when that has been so for too long.
    waiting: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl<S: Unpin> Patient<S> {
    pub(crate) fn new(stream: S, patience: Patience) -> Self {
        Self {
            stream,
            patience,
            waiting: None,
        }
    }

    fn stream(&mut self) -> Pin<&mut S> {
        Pin::new(&mut self.stream)
    }

    /// What became of something that was to be written.
    fn wrote(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<Result<usize>>,
    ) -> Poll<Result<usize>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let patience = &self.patience;
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(patience.clone().lost()));
        if waiting.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        self.waiting = None;
        Poll::Ready(Err(Error::new(
            ErrorKind::TimedOut,
            "the client takes nothing",
        )))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        self.stream().poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let written = self.stream().poll_write(context, bytes);
        self.wrote(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let written = self.stream().poll_write_vectored(context, pieces);
        self.wrote(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.stream().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.stream().poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    const PIECE: [u8; 8] = [0; 8];

    fn connection(working: Duration) -> (Patient<DuplexStream>, DuplexStream) {
        let (server, client) = duplex(PIECE.len());
        let patience = Patience {
            working,
            stopping: working,
            stop: CancellationToken::new(),
        };
        (Patient::new(server, patience), client)
    }

    /// Whoever takes something before the patience is lost has all of it again.
    #[tokio::test]
    async fn each_piece_that_is_taken_begins_the_patience_anew() {
        let (mut server, mut client) = connection(Duration::from_secs(3_600));
        server.write_all(&PIECE).await.unwrap();
        for _ in 0..2 {
            assert!(server.write_all(&PIECE).now_or_never().is_none());
            assert!(server.waiting.is_some());
            client.read_exact(&mut [0; 8]).await.unwrap();
            server.write_all(&PIECE).await.unwrap();
            assert!(server.waiting.is_none());
        }
    }

    #[tokio::test]
    async fn who_takes_nothing_loses_it() {
        let (mut server, _client) = connection(Duration::ZERO);
        server.write_all(&PIECE).await.unwrap();
        let error = server.write_all(&PIECE).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }
}
