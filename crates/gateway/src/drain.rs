//! How long an answer is still worth waiting for: its client's presence, the provider's silence, the
//! server's own end.

use std::{future::Future, pin::pin, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The waiting was ended before the work was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut;

/// Watches over one answer.
#[derive(Debug)]
pub(crate) struct Drain {
    timeout: Duration,
    stop: CancellationToken,
    /// The client has left, and this is when the drain ends.
    until: Option<Instant>,
}

impl Drain {
    /// A watch that gives a client's answer `timeout` after the client has left, and ends with `stop`.
    pub(crate) const fn new(timeout: Duration, stop: CancellationToken) -> Self {
        Self {
            timeout,
            stop,
            until: None,
        }
    }

    /// The client has left.
    pub(crate) fn left(&mut self) {
        if self.until.is_none() {
            self.until = Some(Instant::now() + self.timeout);
        }
    }

    /// Whether the client has left.
    pub(crate) const fn has_left(&self) -> bool {
        self.until.is_some()
    }

    /// Does a piece of work that may take `most`, while watching `gone`, which resolves when the client leaves.
    ///
    /// # Errors
    /// [`Cut`] when the work took too long, the drain is over or the server ends.
    pub(crate) async fn over<T>(
        &mut self,
        most: Duration,
        work: impl Future<Output = T>,
        gone: impl Future<Output = ()>,
    ) -> Result<T, Cut> {
        let (mut work, mut gone) = (pin!(work), pin!(gone));
        let latest = Instant::now() + most;
        loop {
            let end = self.until.map_or(latest, |until| until.min(latest));
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                () = &mut gone, if self.until.is_none() => self.left(),
                () = tokio::time::sleep_until(end) => return Err(Cut),
                () = self.stop.cancelled() => return Err(Cut),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(600);

    #[tokio::test]
    async fn a_client_that_leaves_starts_the_drain() {
        let mut drain = Drain::new(SHORT, CancellationToken::new());
        let started = Instant::now();
        assert_eq!(drain.over(LONG, pending::<()>(), ready(())).await, Err(Cut));
        assert!(started.elapsed() >= SHORT);
        assert!(drain.has_left());
        // The drain is over for good: work that is not done at once is not waited for.
        assert_eq!(drain.over(LONG, pending::<()>(), pending()).await, Err(Cut));
        assert_eq!(drain.over(LONG, ready(7), pending()).await, Ok(7));
    }

    #[tokio::test]
    async fn silence_and_the_servers_end_cut_the_work() {
        let stop = CancellationToken::new();
        let mut drain = Drain::new(SHORT, stop.clone());
        assert_eq!(drain.over(SHORT, ready(7), pending()).await, Ok(7));
        assert_eq!(
            drain.over(SHORT, pending::<()>(), pending()).await,
            Err(Cut)
        );
        assert!(!drain.has_left());
        stop.cancel();
        assert_eq!(drain.over(LONG, pending::<()>(), pending()).await, Err(Cut));
    }
}
