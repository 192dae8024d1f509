//! A tiny HTTP server for the tests of this room: every answer is scripted, cut connections and silence included.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{Auth, Client, ClientConfig, RetryPolicy};
use crate::model::{Flavor, Secret};

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) method: String,
    /// Path and query as sent.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Got {
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What the server does.
pub(crate) enum Reply {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// Reads the request and hangs up.
    Cut,
    /// Promises more bytes than it sends.
    CutBody,
    /// Says nothing for ever.
    Silence,
}

pub(crate) fn json(status: u16, body: Value) -> Reply {
    Reply::Answer { status, headers: vec![], body: serde_json::to_vec(&body).unwrap() }
}

pub(crate) fn empty(status: u16) -> Reply {
    Reply::Answer { status, headers: vec![], body: vec![] }
}

pub(crate) fn bytes(status: u16, headers: Vec<(&'static str, String)>, body: &[u8]) -> Reply {
    Reply::Answer { status, headers, body: body.to_vec() }
}

#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) url: String,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Server {
    /// Starts a server that answers the n-th request (from 0) by `script`.
    pub(crate) async fn start(script: impl Fn(usize, &Got) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let got: Arc<Mutex<Vec<Got>>> = Arc::default();
        let (script, log) = (Arc::new(script), got.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, log) = (script.clone(), log.clone());
                tokio::spawn(async move { serve(stream, &*script, &log).await });
            }
        });
        Self { url, got }
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.got.lock().unwrap().len()
    }

    pub(crate) fn config(&self, flavor: Flavor) -> ClientConfig {
        config(&self.url, flavor)
    }

    pub(crate) fn client(&self, flavor: Flavor) -> Client {
        Client::new(self.config(flavor)).unwrap()
    }
}

/// A configuration with quick retries.
pub(crate) fn config(url: &str, flavor: Flavor) -> ClientConfig {
    let auth = Auth::Basic { user: "bot@corp.example".to_owned(), secret: Secret::new("s3cret-token".to_owned()) };
    let mut config = ClientConfig::new("hq".parse().unwrap(), url, flavor, auth);
    config.retry = RetryPolicy {
        attempts: 4,
        base: std::time::Duration::from_millis(2),
        cap: std::time::Duration::from_millis(10),
        patience: std::time::Duration::from_secs(3),
        search_lag: std::time::Duration::from_millis(700),
    };
    config.timeout = std::time::Duration::from_secs(5);
    config
}

async fn serve(mut stream: TcpStream, script: &(impl Fn(usize, &Got) -> Reply + ?Sized), log: &Mutex<Vec<Got>>) {
    let mut buffer = Vec::new();
    loop {
        let Some(got) = read_request(&mut stream, &mut buffer).await else { return };
        let n = {
            let mut log = log.lock().unwrap();
            log.push(got.clone());
            log.len() - 1
        };
        match script(n, &got) {
            Reply::Answer { status, headers, body } => {
                let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
                for (k, v) in headers {
                    head.push_str(&format!("{k}: {v}\r\n"));
                }
                head.push_str("\r\n");
                if status == 204 {
                    head = head.replace("content-length: 0\r\n", "");
                }
                let _ = stream.write_all(head.as_bytes()).await;
                let _ = stream.write_all(&body).await;
            }
            Reply::Cut => return,
            Reply::CutBody => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\":").await;
                return;
            }
            Reply::Silence => {
                tokio::time::sleep(std::time::Duration::from_secs(60)).await;
                return;
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Got> {
    let head_end = loop {
        if let Some(at) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&buffer[..head_end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> =
        lines.filter_map(|l| l.split_once(": ")).map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    let len = headers.iter().find(|(k, _)| k.eq_ignore_ascii_case("content-length")).and_then(|(_, v)| v.parse().ok());
    let end = head_end + 4 + len.unwrap_or(0_usize);
    while buffer.len() < end {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let body = buffer[head_end + 4..end].to_vec();
    buffer.drain(..end);
    Some(Got { method, target, headers, body })
}
