//! A client of a few lines: one connection per call, and everything that came before it broke.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use fakeprovider::Handle;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::{HeaderMap, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// An answer, or as much of it as came.
#[derive(Debug)]
pub(crate) struct Answer {
    /// 0 if not even the head came.
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// The body came to its proper end.
    pub(crate) whole: bool,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// The JSON of all `data` lines.
    pub(crate) fn events(&self) -> Vec<Value> {
        let data = self
            .text
            .lines()
            .filter_map(|line| line.strip_prefix("data: "));
        data.filter_map(|data| serde_json::from_str(data).ok())
            .collect()
    }
}

/// One call with the right key.
pub(crate) async fn call(fake: &Handle, path: &str, body: &Value) -> Answer {
    let key = fake.script().api_key;
    send(
        fake,
        path,
        body,
        &[("authorization", &format!("Bearer {key}"))],
    )
    .await
}

/// One call; a `GET` if the body is null.
pub(crate) async fn send(
    fake: &Handle,
    path: &str,
    body: &Value,
    headers: &[(&str, &str)],
) -> Answer {
    let base = fake.base_url();
    let stream = TcpStream::connect(base.strip_prefix("http://").unwrap())
        .await
        .unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut request = Request::builder().uri(path).header("host", "fake");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = if body.is_null() {
        request.body(Full::default())
    } else {
        request
            .method("POST")
            .body(Full::new(Bytes::from(body.to_string())))
    };
    let Ok(answer) = sender.send_request(request.unwrap()).await else {
        return Answer {
            status: 0,
            headers: HeaderMap::new(),
            text: String::new(),
            whole: false,
        };
    };
    let (parts, mut body) = answer.into_parts();
    let (mut bytes, mut whole) = (Vec::new(), true);
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => bytes.extend_from_slice(frame.data_ref().unwrap()),
            Err(_) => {
                whole = false;
                break;
            }
        }
    }
    connection.abort();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        text: String::from_utf8(bytes).unwrap(),
        whole,
    }
}

/// Fails a test that would hang.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what)
        .await
        .expect("too late")
}
