//! A mail server on loopback that behaves as badly as it is told. It speaks just enough SMTP to do so.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::loopback::Loopback;

/// What it does with one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Post {
    /// Takes the mail.
    Take,
    /// Answers this to the command that begins with this word; the end of the mail is `.`.
    Refuse(&'static str, &'static str),
    /// Reads the mail to its end, and closes the connection without a word.
    Drop,
    /// Says nothing at all.
    Silence,
}

/// A mail that was read to its end, whether it was taken or not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Letter {
    /// What the client called itself.
    pub hello: String,
    /// Who it is from, as said to the server.
    pub from: String,
    /// Who it goes to, as said to the server.
    pub to: Vec<String>,
    /// Headers and body, without the dots that were put before dots.
    pub text: String,
}

impl Letter {
    /// The headers, folded lines joined.
    #[must_use]
    pub fn headers(&self) -> Vec<String> {
        let mut headers: Vec<String> = Vec::new();
        for line in self.text.lines().take_while(|line| !line.is_empty()) {
            match headers.last_mut() {
                Some(last) if line.starts_with([' ', '\t']) => last.push_str(line),
                _ => headers.push(line.to_owned()),
            }
        }
        headers
    }

    /// The value of a header, which must be there once.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let prefix = format!("{}: ", name.to_lowercase());
        let headers = self.headers();
        let mut found = headers
            .iter()
            .filter(|line| line.to_lowercase().starts_with(&prefix));
        let first = found.next()?;
        let value = first.split_once(": ").map(|(_, value)| value.to_owned());
        value.filter(|_| found.next().is_none())
    }
}

#[derive(Debug, Default)]
struct Shared {
    letters: Vec<Letter>,
    connections: usize,
    next: VecDeque<Post>,
}

/// A mail server on a free port. Ends when it is dropped.
#[derive(Debug)]
pub struct TestMailServer {
    shared: Arc<Mutex<Shared>>,
    listening: Loopback,
}

impl TestMailServer {
    /// A server that takes every mail, after it has gone through these behaviours, one a connection.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(first: &[Post]) -> anyhow::Result<Self> {
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

    /// The port that it listens on.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.listening.address().port()
    }

    /// The mails that were read to their end.
    #[must_use]
    pub fn letters(&self) -> Vec<Letter> {
        self.shared().letters.clone()
    }

    /// How often it was connected to.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared().connections
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(stream: TcpStream, shared: &Mutex<Shared>) -> anyhow::Result<()> {
    let post = {
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.connections = shared.connections.saturating_add(1);
        shared.next.pop_front().unwrap_or(Post::Take)
    };
    if post == Post::Silence {
        std::future::pending::<()>().await;
    }
    let mut stream = BufReader::new(stream);
    let mut letter = Letter::default();
    say(&mut stream, "220 post.test").await?;
    while let Some(line) = hear(&mut stream).await? {
        let upper = line.to_uppercase();
        let between = || line.split_once(':').map_or("", |(_, rest)| rest).to_owned();
        let refused = match &post {
            Post::Refuse(word, answer) => upper.starts_with(word).then_some(*answer),
            Post::Take | Post::Drop | Post::Silence => None,
        };
        if let Some(answer) = refused {
            say(&mut stream, answer).await?;
        } else if let Some(name) = line.strip_prefix("EHLO ") {
            name.clone_into(&mut letter.hello);
            say(&mut stream, "250-post.test\r\n250 8BITMIME").await?;
        } else if upper.starts_with("MAIL FROM:") {
            letter.from = between();
            say(&mut stream, "250 ok").await?;
        } else if upper.starts_with("RCPT TO:") {
            letter.to.push(between());
            say(&mut stream, "250 ok").await?;
        } else if upper == "DATA" {
            say(&mut stream, "354 go on").await?;
            letter.text = text(&mut stream).await?;
            keep(shared, &letter);
            match &post {
                Post::Drop => return Ok(()),
                Post::Refuse(".", answer) => say(&mut stream, answer).await?,
                Post::Take | Post::Refuse(..) | Post::Silence => {
                    say(&mut stream, "250 taken").await?;
                }
            }
        } else if upper == "QUIT" {
            return say(&mut stream, "221 bye").await;
        } else {
            say(&mut stream, "502 what?").await?;
        }
    }
    Ok(())
}

fn keep(shared: &Mutex<Shared>, letter: &Letter) {
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    shared.letters.push(letter.clone());
}

/// The mail up to the dot that ends it.
async fn text(stream: &mut BufReader<TcpStream>) -> anyhow::Result<String> {
    let mut text = String::new();
    while let Some(line) = hear(stream).await? {
        if line == "." {
            return Ok(text);
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
        text.push('\n');
    }
    anyhow::bail!("the mail ends early")
}

async fn hear(stream: &mut BufReader<TcpStream>) -> anyhow::Result<Option<String>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

async fn say(stream: &mut BufReader<TcpStream>, line: &str) -> anyhow::Result<()> {
    stream.write_all(format!("{line}\r\n").as_bytes()).await?;
    Ok(())
}
