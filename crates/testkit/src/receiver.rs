//! A receiver of webhooks on loopback that behaves as badly as it is told. It speaks just enough HTTP to do so.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::loopback::Loopback;

/// What it does with a request that it has read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behaviour {
    /// Answers this status without a body.
    Answer(u16),
    /// Answers this status with a header line of its own.
    AnswerWith(u16, String),
    /// Never answers.
    Hang,
    /// Answers success with a body that never ends.
    Huge,
    /// Closes the connection without an answer.
    Close,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// The first line.
    pub line: String,
    /// The headers, their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
    /// When it had come.
    pub at: Instant,
}

#[derive(Debug, Default)]
struct Shared {
    received: Vec<Received>,
    next: VecDeque<Behaviour>,
    always: Option<Behaviour>,
}

/// A receiver on a free port. Ends when it is dropped.
#[derive(Debug)]
pub struct TestReceiver {
    shared: Arc<Mutex<Shared>>,
    listening: Loopback,
}

impl TestReceiver {
    /// A receiver that answers 204, after it has gone through these behaviours.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(first: &[Behaviour]) -> anyhow::Result<Self> {
        let shared = Arc::new(Mutex::new(Shared {
            next: first.iter().cloned().collect(),
            ..Shared::default()
        }));
        let state = Arc::clone(&shared);
        let listening = Loopback::start(move |stream| {
            let state = Arc::clone(&state);
            async move { drop(serve(stream, &state).await) }
        })
        .await?;
        Ok(Self { shared, listening })
    }

    /// What it does from now on.
    pub fn always(&self, behaviour: Behaviour) {
        let mut shared = self.shared();
        shared.next.clear();
        shared.always = Some(behaviour);
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/in?token=t0ken", self.listening.address())
    }

    /// The port that it listens on.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.listening.address().port()
    }

    /// What has come so far.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared().received.clone()
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(mut stream: TcpStream, shared: &Mutex<Shared>) -> anyhow::Result<()> {
    let request = read(&mut stream).await?;
    let behaviour = {
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.received.push(request);
        let next = shared.next.pop_front();
        next.or_else(|| shared.always.clone())
            .unwrap_or(Behaviour::Answer(204))
    };
    let head = |status: u16, more: &str| {
        format!("HTTP/1.1 {status} Whatever\r\n{more}connection: close\r\n\r\n")
    };
    let empty = "content-length: 0\r\n";
    match behaviour {
        Behaviour::Answer(204) => stream.write_all(head(204, "").as_bytes()).await?,
        Behaviour::Answer(status) => stream.write_all(head(status, empty).as_bytes()).await?,
        Behaviour::AnswerWith(status, line) => {
            let more = format!("{line}\r\n{empty}");
            stream.write_all(head(status, &more).as_bytes()).await?;
        }
        Behaviour::Hang => std::future::pending().await,
        Behaviour::Huge => {
            stream.write_all(head(200, "").as_bytes()).await?;
            loop {
                stream.write_all(&[b'x'; 65_536]).await?;
            }
        }
        Behaviour::Close => {}
    }
    Ok(())
}

/// Reads a request with a body of a given length.
async fn read(stream: &mut TcpStream) -> anyhow::Result<Received> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        anyhow::ensure!(
            stream.read_buf(&mut bytes).await? > 0,
            "the request ends early"
        );
    };
    let mut body = bytes.split_off(end.saturating_add(4));
    let head = String::from_utf8(bytes)?;
    let mut lines = head.lines();
    let line = lines.next().unwrap_or_default().to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers
        .get("content-length")
        .map_or(Ok(0), |text| text.parse::<usize>())?;
    while body.len() < length {
        anyhow::ensure!(stream.read_buf(&mut body).await? > 0, "the body ends early");
    }
    Ok(Received {
        line,
        headers,
        body,
        at: Instant::now(),
    })
}
