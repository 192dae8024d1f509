//! Sockets: takes connections, applies faults, checks credentials, reads bodies, hands plain requests to the routes.
//!
//! Owns axum. Must not know what a route does.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context as Task, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, FromRequest, Multipart, Request, State, connect_info::Connected},
    http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header},
    serve::{IncomingStream, Listener},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

use super::{
    faults::{BodyFault, Fault, Faults},
    http::{Failure, Part, Payload, Reply, ReplyBody, Req},
    routes,
    state::{Context, User, UserIx, World},
    wire::{Knife, faulty, is_put, is_read, issue_of, limit_headers, too_many},
};

/// How many requests the log keeps; older ones are dropped, so that a long run does not grow without end.
const LOG_LIMIT: usize = 200_000;
/// The largest request body, in bytes: an upload at Jira's limit and its frame.
const BODY_LIMIT: usize = 101 * 1024 * 1024;
const JSON: &str = "application/json;charset=UTF-8";

/// What the server and [`super::Control`] share.
pub(super) struct Shared {
    world: Mutex<World>,
    faults: Mutex<Faults>,
    log: Mutex<RequestLog>,
}

/// Requests seen since the last reset.
#[derive(Debug, Default)]
pub(super) struct RequestLog {
    pub(super) count: u64,
    pub(super) entries: VecDeque<(String, String)>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic in a route would be a bug of the sandbox; the world is still the best there is to look at.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(world: World, latency: Duration) -> Arc<Self> {
        let faults = Faults { latency, retry_after: 1, ..Faults::default() };
        Arc::new(Self { world: Mutex::new(world), faults: Mutex::new(faults), log: Mutex::default() })
    }

    /// The world for somebody who may turn a switch: what searches found is forgotten.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        let world = lock(&self.world);
        world.found.forget();
        world
    }

    /// The world for a request, which changes it by the revision only.
    pub(super) fn serving(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    pub(super) fn log(&self) -> MutexGuard<'_, RequestLog> {
        lock(&self.log)
    }
}

/// A connection that can be cut from inside a handler.
struct Connection {
    stream: TcpStream,
    knife: Knife,
}

impl Connection {
    fn severed(&self) -> bool {
        self.knife.is_cut()
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Task<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Task<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.severed() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

struct Door(TcpListener);

impl Listener for Door {
    type Io = Connection;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Connection, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Answers are small: without this they wait for the client's delayed acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        (Connection { stream, knife: Knife::default() }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Door>> for Knife {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.io().knife.clone()
    }
}

/// Starts to answer on `runtime`.
pub(super) fn serve(
    runtime: &tokio::runtime::Runtime,
    listener: std::net::TcpListener,
    shared: Arc<Shared>,
) -> io::Result<()> {
    let _inside = runtime.enter();
    let door = Door(TcpListener::from_std(listener)?);
    let app = Router::new().fallback(handle).with_state(shared).into_make_service_with_connect_info::<Knife>();
    runtime.spawn(async move {
        // `axum::serve` never ends by itself; it ends with the runtime.
        drop(axum::serve(door, app).await);
    });
    Ok(())
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(knife): ConnectInfo<Knife>,
    request: Request,
) -> Response<Body> {
    let path = request.uri().path().to_owned();
    {
        let mut log = shared.log();
        log.count += 1;
        if log.entries.len() >= LOG_LIMIT {
            log.entries.pop_front();
        }
        log.entries.push_back((request.method().to_string(), path.clone()));
    }
    let read = is_read(request.method(), &path);
    let (fault, latency, verdict) = {
        let mut faults = shared.faults();
        let verdict = faults.limiter.as_mut().map(|l| l.take(is_put(request.method()), issue_of(&path, read)));
        (faults.take(read), faults.latency, verdict)
    };
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    match fault {
        Some(Fault::Cut) => {
            knife.cut();
            return Response::new(Body::empty());
        }
        Some(Fault::TooMany) => return respond(&shared, too_many(&shared), None),
        Some(Fault::Broken) => {
            return respond(&shared, Failure::new(500, "Internal server error").into_reply(), None);
        }
        None => {}
    }
    if let Some(verdict) = verdict.filter(|v| v.wait.is_some()) {
        let reply = Failure::new(429, "Rate limit exceeded.").into_reply();
        return respond(&shared, limit_headers(&shared, reply, &verdict), None);
    }
    let (mut reply, committed) = answer(&shared, &path, request).await;
    if committed && shared.faults().take_after_commit() {
        knife.cut();
    }
    if let Some(verdict) = verdict {
        reply = limit_headers(&shared, reply, &verdict);
    }
    // An empty body cannot come in half.
    let fault = if matches!(reply.body, ReplyBody::Empty) { None } else { shared.faults().take_body() };
    respond(&shared, reply, fault.map(|f| (f, knife)))
}

/// Who a request comes from: `Ok(None)` without credentials, `Err` with wrong ones.
fn identify(world: &World, headers: &HeaderMap) -> Result<Option<UserIx>, Failure> {
    let Some(given) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let given = given.to_str().unwrap_or_default();
    let (scheme, value) = given.split_once(' ').unwrap_or((given, ""));
    let known = if scheme.eq_ignore_ascii_case("bearer") {
        (value.trim() == world.token).then_some(world.bot)
    } else if scheme.eq_ignore_ascii_case("basic") {
        let decoded = STANDARD.decode(value.trim()).unwrap_or_default();
        let decoded = String::from_utf8_lossy(&decoded).into_owned();
        // Every account has the bot's token for a password, so that a test can be somebody else.
        decoded.split_once(':').filter(|(_, password)| *password == world.token).and_then(|(user, _)| {
            let named = |u: &User| user.eq_ignore_ascii_case(&u.name) && !world.is_cloud();
            let mailed = |u: &User| u.email.as_deref().is_some_and(|e| e.eq_ignore_ascii_case(user));
            let is =
                |ix: &UserIx| Some(world.user(*ix)).is_some_and(|u| u.active && !u.deleted && (named(u) || mailed(u)));
            std::iter::once(world.bot).chain(0..world.users.len()).find(is)
        })
    } else {
        None
    };
    known.map(Some).ok_or_else(unauthenticated)
}

fn unauthenticated() -> Failure {
    Failure::new(401, "You are not authenticated. Authentication required to perform this operation.")
}

/// Answers a request; also says whether it changed the world.
async fn answer(shared: &Shared, path: &str, request: Request) -> (Reply, bool) {
    let segments: Vec<String> = path
        .split('/')
        .filter(|s| !s.is_empty())
        .map(|s| percent_decode_str(s).decode_utf8_lossy().into_owned())
        .collect();
    let who = identify(&shared.serving(), request.headers());
    let credentials = request.headers().get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let basic = credentials.get(..6).is_some_and(|s| s.eq_ignore_ascii_case("basic "));
    let has_credentials = request.headers().contains_key(header::AUTHORIZATION);
    let no_check = request
        .headers()
        .get("x-atlassian-token")
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.eq_ignore_ascii_case("no-check") || v.eq_ignore_ascii_case("nocheck"));
    let method = request.method().clone();
    let query = pairs(request.uri().query().unwrap_or_default());
    let payload = match read(request).await {
        Ok(payload) => payload,
        Err(failure) => return (failure.into_reply(), false),
    };

    let mut world = shared.serving();
    let page_cap = world.switches.page_cap.unwrap_or(usize::MAX);
    let mut req = Req { method, segments, query, payload, no_check, has_credentials, basic, page_cap };
    let cloud = world.is_cloud();
    let (version, api) = match req.segments.as_slice() {
        [rest, api, version, ..] if rest == "rest" && api == "api" => match (version.as_str(), cloud) {
            ("3" | "latest", true) => ("3", true),
            ("2", _) | ("latest", false) => ("2", true),
            _ => return (Failure::no_route().into_reply(), false),
        },
        _ => (if cloud { "3" } else { "2" }, false),
    };
    let public = !api && req.segments.first().is_some_and(|s| s == "media") && cloud;
    let actor = match who {
        Ok(Some(user)) => user,
        // Anyone may ask what server this is, and fetch what a signed address names.
        Ok(None) if public || (api && req.segments.get(3).is_some_and(|s| s == "serverInfo")) => world.bot,
        _ if public => world.bot,
        Ok(None) => return (locked(unauthenticated()), false),
        Err(failure) => return (locked(failure), false),
    };
    let now = (world.clock)();
    world.ctx = Context { now, actor, version, notify: true };
    let before = world.revision;
    let result = if public {
        routes::media(&mut world, &req)
    } else if api {
        req.segments.drain(..3);
        routes::api(&mut world, &req)
    } else {
        routes::page(&mut world, &req)
    };
    let committed = world.revision != before;
    (result.unwrap_or_else(Failure::into_reply), committed)
}

fn locked(failure: Failure) -> Reply {
    failure.into_reply().with_header("www-authenticate", "Basic realm=\"Jira\"")
}

/// Decodes a query (`+` is a space there).
fn pairs(query: &str) -> Vec<(String, String)> {
    let decode = |s: &str| percent_decode_str(&s.replace('+', " ")).decode_utf8_lossy().into_owned();
    query
        .split('&')
        .filter(|p| !p.is_empty())
        .map(|p| {
            let (k, v) = p.split_once('=').unwrap_or((p, ""));
            (decode(k), decode(v))
        })
        .collect()
}

async fn read(request: Request) -> Result<Payload, Failure> {
    let kind = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default()
        .to_ascii_lowercase();
    if kind.starts_with("multipart/form-data") {
        let bad = |_| Failure::new(400, "The multi-part body cannot be read.");
        let (parts, body) = request.into_parts();
        let mut request = Request::from_parts(parts, body);
        axum::extract::DefaultBodyLimit::max(BODY_LIMIT).apply(&mut request);
        let mut multipart = Multipart::from_request(request, &())
            .await
            .map_err(|_| Failure::new(400, "The multi-part body has no boundary."))?;
        let mut out = Vec::new();
        while let Some(field) = multipart.next_field().await.map_err(bad)? {
            out.push(Part {
                name: field.name().unwrap_or_default().to_owned(),
                file_name: field.file_name().map(str::to_owned),
                mime: field.content_type().map(str::to_owned),
                bytes: field.bytes().await.map_err(bad)?,
            });
        }
        return Ok(Payload::Parts(out));
    }
    let bytes = axum::body::to_bytes(request.into_body(), BODY_LIMIT)
        .await
        .map_err(|_| Failure::new(413, "The request body is too large."))?;
    if bytes.is_empty() {
        return Ok(Payload::None);
    }
    if !kind.contains("json") {
        return Err(Failure { status: 415, messages: Vec::new(), errors: Vec::new() });
    }
    Ok(serde_json::from_slice(&bytes).map_or(Payload::Unreadable, Payload::Json))
}

fn respond(shared: &Shared, reply: Reply, fault: Option<(BodyFault, Knife)>) -> Response<Body> {
    let (bytes, kind, name) = match reply.body {
        // Jira names its media type even where there is no body.
        ReplyBody::Empty => (Bytes::new(), Some(JSON.to_owned()), None),
        ReplyBody::Json(value) => (Bytes::from(value.to_string()), Some(JSON.to_owned()), None),
        ReplyBody::Bytes { mime, name, bytes } => (bytes, Some(mime), Some(name)),
    };
    let length = bytes.len();
    let mut out = Response::new(match fault {
        Some((fault, knife)) if length > 0 => faulty(bytes, fault, knife),
        _ => Body::from(bytes),
    });
    *out.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = out.headers_mut();
    if reply.status != 204 {
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    // The server's own clock, so that one that is ahead is so in every place.
    let date = (shared.serving().clock)().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = HeaderValue::from_str(&date) {
        headers.insert(header::DATE, date);
    }
    if let Some(kind) = kind.and_then(|k| HeaderValue::from_str(&k).ok()) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    if let Some(name) = name {
        let value = format!("attachment; filename*=UTF-8''{}", super::shapes::encode(&name));
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(header::CONTENT_DISPOSITION, value);
        }
    }
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    out
}
