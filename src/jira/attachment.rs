//! Attachments, streamed both ways. Credentials go to the instance's own origin and nowhere else.

use std::{
    io::Read,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use reqwest::{
    Method, Url,
    header::{HeaderMap, LOCATION},
    multipart::{Form, Part},
};
use serde_json::Value;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::{
    call::Call,
    error::{ErrorKind, JiraError, Result},
    http::{Answer, Client, Trouble, origin, read_whole, trouble},
    instance::id_of,
    types::Gone,
};

const MOST_REDIRECTS: usize = 5;
/// An upload gets the client's timeout, and a second more for each of these (bytes).
const SLOWEST_UPLOAD: u64 = 64 << 10;

/// What to upload.
#[derive(Clone)]
pub enum Upload {
    /// Bytes in memory.
    Bytes(Bytes),
    /// A file, read while it is sent.
    File(PathBuf),
    /// What a reader gives, read while it is sent; opened anew for each try.
    Reader {
        /// Opens it.
        open: OpenReader,
        /// How many bytes it gives.
        len: u64,
    },
}

/// Opens a reader of bytes to upload.
pub type OpenReader = Arc<dyn Fn() -> std::io::Result<Box<dyn Read + Send>> + Send + Sync>;

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Bytes(_) => "Upload::Bytes(…)",
            Self::File(_) => "Upload::File(…)",
            Self::Reader { .. } => "Upload::Reader(…)",
        })
    }
}

/// A running download. It ends with an error unless as many bytes came as the attachment's `size` says.
pub struct Download {
    response: reqwest::Response,
    call: Call,
    client: Client,
    idle: Duration,
    expected: Option<u64>,
    got: u64,
}

impl std::fmt::Debug for Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Download({} of {:?} bytes)", self.got, self.expected)
    }
}

impl Download {
    /// The size that the attachment's metadata promises, in bytes.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.expected
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// `Network` or `Timeout` where the stream breaks; `BadAnswer` where it ends early or runs over the promised size.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        let next = tokio::time::timeout(self.idle, self.response.chunk()).await;
        let next = next.map_err(|e| self.client.error(&self.call, ErrorKind::Timeout).source(e))?;
        let chunk = next.map_err(trouble).map_err(|t| self.client.error(&self.call, t.kind).source(t.source))?;
        self.got += chunk.as_ref().map_or(0, |c| c.len() as u64);
        match self.expected {
            Some(size) if self.got > size || (chunk.is_none() && self.got < size) => {
                Err(self.client.bad_answer(&self.call, "not as many bytes as the attachment's size says"))
            }
            _ => Ok(chunk),
        }
    }

    /// Everything, up to `max` bytes.
    ///
    /// # Errors
    /// `TooLarge` where there is more; else as [`Download::chunk`].
    pub async fn read_limited(mut self, max: usize) -> Result<Vec<u8>> {
        let mut all = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if all.len() + chunk.len() > max {
                return Err(self.client.error(&self.call, ErrorKind::TooLarge));
            }
            all.extend_from_slice(&chunk);
        }
        Ok(all)
    }

    /// Writes everything and says how many bytes it was; flushes, does not sync.
    ///
    /// # Errors
    /// `Local` where writing fails; else as [`Download::chunk`]. What was written by then is to be thrown away.
    pub async fn copy_to<W: AsyncWrite + Unpin>(mut self, writer: &mut W) -> Result<u64> {
        let local = |this: &Self, e: std::io::Error| this.client.error(&this.call, ErrorKind::Local).source(e);
        while let Some(chunk) = self.chunk().await? {
            writer.write_all(&chunk).await.map_err(|e| local(&self, e))?;
        }
        writer.flush().await.map_err(|e| local(&self, e))?;
        Ok(self.got)
    }
}

impl Client {
    /// Starts to download an attachment, given as Jira describes it (with `id`, `content`, `size`).
    ///
    /// # Errors
    /// `NotFound` where it is gone; any other [`ErrorKind`].
    pub async fn download(&self, attachment: &Value) -> Result<Download> {
        let id = id_of(attachment).unwrap_or_default();
        let call = Call::get("attachment/content").id(&id);
        let url = if self.is_cloud() {
            self.url(&call)?
        } else {
            let content = attachment.get("content").and_then(Value::as_str);
            let content = content.ok_or_else(|| self.bad_answer(&call, "the attachment has no content address"))?;
            self.content_url(content).ok_or_else(|| self.bad_answer(&call, "the content address cannot be read"))?
        };
        let call = call.shown_as(shown_path(&url));
        let slot = Mutex::new(None);
        self.retrying(&call, || async {
            let response = self.follow(url.clone()).await?;
            if !response.status().is_success() {
                return read_whole(response).await;
            }
            let status = response.status().as_u16();
            if let Ok(mut slot) = slot.lock() {
                *slot = Some(response);
            }
            Ok(Answer { status, headers: HeaderMap::new(), body: Vec::new() })
        })
        .await?;
        let response = slot.into_inner().ok().flatten();
        let response = response.ok_or_else(|| self.bad_answer(&call, "no answer"))?;
        let expected = attachment.get("size").and_then(Value::as_u64);
        Ok(Download { response, call, client: self.clone(), idle: self.inner.timeout, expected, got: 0 })
    }

    /// Where the bytes are, as seen from here: a Jira that is reached by another name than its own base URL (proxy, tunnel)
    /// still names its own, so the known tail is put under the address that we use.
    fn content_url(&self, content: &str) -> Option<Url> {
        for marker in ["/secure/attachment/", "/rest/api/"] {
            if let Some(at) = content.find(marker) {
                return Url::parse(&format!("{}{}", self.base(), &content[at..])).ok();
            }
        }
        Url::parse(&format!("{}/", self.base())).ok()?.join(content).ok()
    }

    /// Follows redirects by hand: the credentials stay with the instance's own origin, and nothing falls back from HTTPS to
    /// plain HTTP.
    async fn follow(&self, mut url: Url) -> Result<reqwest::Response, Trouble> {
        let odd = |why: &'static str| Trouble { kind: ErrorKind::BadAnswer, sent: false, source: why.into() };
        for hop in 0..=MOST_REDIRECTS {
            // Cloud redirects to a signed address, which needs no credentials even where it is on the same host.
            let ours = origin(&url) == self.inner.origin && (hop == 0 || !self.is_cloud());
            let request = self.request(Method::GET, url.clone(), ours);
            let response = match tokio::time::timeout(self.inner.timeout, request.send()).await {
                Ok(result) => result.map_err(trouble)?,
                Err(e) => return Err(Trouble { kind: ErrorKind::Timeout, sent: true, source: Box::new(e) }),
            };
            if !response.status().is_redirection() {
                return Ok(response);
            }
            let location = response.headers().get(LOCATION).and_then(|v| v.to_str().ok());
            let next = location.and_then(|l| url.join(l).ok()).ok_or_else(|| odd("a redirect to nowhere"))?;
            if !matches!(next.scheme(), "http" | "https") || (url.scheme() == "https" && next.scheme() == "http") {
                return Err(odd("a redirect to an unprotected address"));
            }
            url = next;
        }
        Err(odd("too many redirects"))
    }

    /// Uploads a file to an issue and gives its description. Control characters in the name become `_`.
    ///
    /// # Errors
    /// `Doubtful` where it may have arrived: read the attachments before sending it again. `Local` where the file
    /// cannot be read.
    pub async fn upload(&self, key: &str, filename: &str, upload: Upload) -> Result<Value> {
        let call = Call::post("issue").id(key).then("attachments");
        let url = self.url(&call)?;
        let name: String = filename.chars().map(|c| if c.is_control() { '_' } else { c }).collect();
        let answer = self
            .retrying(&call, || async {
                let (part, len) = part(&upload).await?;
                // Raw UTF-8 in the name: Jira's multipart reader does not know RFC 5987's `filename*`.
                let form = Form::new().percent_encode_noop().part("file", part.file_name(name.clone()));
                let patience = self.inner.timeout + Duration::from_secs(len / SLOWEST_UPLOAD);
                let request = self
                    .request(Method::POST, url.clone(), true)
                    .header("X-Atlassian-Token", "no-check")
                    .timeout(patience)
                    .multipart(form);
                read_whole(request.send().await.map_err(trouble)?).await
            })
            .await?;
        let doubtful =
            || -> JiraError { self.error(&call, ErrorKind::Doubtful).message("the answer names no attachment") };
        match serde_json::from_slice(&answer.body) {
            Ok(Value::Array(list)) => list.into_iter().next().ok_or_else(doubtful),
            Ok(one @ Value::Object(_)) => Ok(one),
            _ => Err(doubtful()),
        }
    }

    /// An attachment's description; `None` where it is not there.
    ///
    /// # Errors
    /// Any [`ErrorKind`] but `NotFound`.
    pub async fn attachment_meta(&self, id: &str) -> Result<Option<Value>> {
        self.json_or_absent(&Call::get("attachment").id(id)).await
    }

    /// Deletes an attachment. The history keeps its file name.
    ///
    /// # Errors
    /// Any [`ErrorKind`] but `NotFound`.
    pub async fn delete_attachment(&self, id: &str) -> Result<Gone> {
        self.gone(&Call::delete("attachment").id(id)).await
    }
}

async fn part(upload: &Upload) -> Result<(Part, u64), Trouble> {
    let local = |e: std::io::Error| Trouble { kind: ErrorKind::Local, sent: false, source: Box::new(e) };
    match upload {
        Upload::Bytes(bytes) => {
            let len = bytes.len() as u64;
            Ok((Part::stream_with_length(bytes.clone(), len), len))
        }
        Upload::File(path) => {
            let file = tokio::fs::File::open(path).await.map_err(local)?;
            let len = file.metadata().await.map_err(local)?.len();
            Ok((Part::stream_with_length(file, len), len))
        }
        Upload::Reader { open, len } => {
            let reader = open().map_err(local)?;
            Ok((Part::stream_with_length(reqwest::Body::wrap_stream(stream(reader)), *len), *len))
        }
    }
}

/// A reader's bytes, read on a thread of its own, a few chunks ahead.
fn stream(mut reader: Box<dyn Read + Send>) -> impl futures_util::Stream<Item = std::io::Result<Bytes>> + Send {
    let (to, from) = tokio::sync::mpsc::channel(4);
    tokio::task::spawn_blocking(move || {
        loop {
            let mut chunk = vec![0; 64 << 10];
            let item = match reader.read(&mut chunk) {
                Ok(0) => return,
                Ok(n) => {
                    chunk.truncate(n);
                    Ok(Bytes::from(chunk))
                }
                Err(e) => Err(e),
            };
            let failed = item.is_err();
            if to.blocking_send(item).is_err() || failed {
                return;
            }
        }
    });
    futures_util::stream::unfold(from, |mut from| async move { from.recv().await.map(|item| (item, from)) })
}

/// The path without what follows the attachment's id: a file name may name a person.
fn shown_path(url: &Url) -> String {
    let path = url.path();
    match path.split_once("/secure/attachment/") {
        Some((before, after)) => {
            format!("{before}/secure/attachment/{}/…", after.split('/').next().unwrap_or_default())
        }
        None if path.contains("/rest/api/") => path.to_owned(),
        None => "/…".to_owned(),
    }
}
