//! Readers of documents in processes of their own: a document that overflows a reader's stack, eats all memory or never
//! ends takes down such a process, and is named; the scan goes on.
//!
//! The parent writes a document to the child's stdin, the child answers with its parts on stdout, and waits for the next
//! one; a child that dies is replaced. Owns the frames between the two and the limits. Must not know what is read.
//!
//! A document: a byte for the reader, its length (u64, little endian), its bytes. A part: a byte for its kind, the length
//! of its name (u32), the length of its content (u64), name, content. The last frame of a document says how it ended.

use std::{
    io::{self, BufReader, BufWriter, Read, Write},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Mutex, OnceLock, mpsc},
    time::{Duration, Instant},
};

use super::readers::{Part, Reader, STACK, read_here};

/// The hidden command under which the program reads documents.
pub const COMMAND: &str = "read-documents";

/// What a child may take for one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Isolation {
    /// Address space of the process, in bytes.
    pub memory: u64,
    /// Time that the parent waits for the parts of one document, all in all.
    pub time: Duration,
}

impl Default for Isolation {
    fn default() -> Self {
        Self { memory: 2 << 30, time: Duration::from_secs(120) }
    }
}

/// The largest part that is taken from a child, in bytes.
const PART: u64 = 512 << 20;

/// Children that are kept for the next document.
const KEPT: usize = 16;

const CONTENT: u8 = 1;
const PARTLY: u8 = 2;
const UNREAD: u8 = 3;
const DONE: u8 = 4;
const FAILED: u8 = 5;

struct Isolated {
    program: PathBuf,
    limits: Isolation,
    idle: Mutex<Vec<Worker>>,
}

static ISOLATED: OnceLock<Isolated> = OnceLock::new();

/// From now on documents are read by `program`, which is this one or understands [`COMMAND`]. The first call counts.
pub fn isolate(program: PathBuf, limits: Isolation) {
    drop(ISOLATED.set(Isolated { program, limits, idle: Mutex::new(Vec::new()) }));
}

/// Reads a document in a child; `None` where there is none to be had.
pub(super) fn read(reader: Reader, bytes: &[u8], give: &mut dyn FnMut(Part)) -> Option<Result<(), String>> {
    let isolated = ISOLATED.get()?;
    let mut idle = isolated.idle.lock().ok()?.pop();
    // One that waited may have been ended by somebody meanwhile, which is no fault of this document.
    let alive = idle.as_mut().is_some_and(Worker::is_alive);
    let mut worker = match idle.filter(|_| alive) {
        Some(worker) => worker,
        None => Worker::start(isolated)?,
    };
    match worker.read(reader, bytes, isolated.limits.time, give) {
        Ok(read) => {
            if let Ok(mut idle) = isolated.idle.lock()
                && idle.len() < KEPT
            {
                idle.push(worker);
            }
            Some(read)
        }
        Err(death) => Some(Err(worker.end(death))),
    }
}

/// How a child stopped answering.
enum Death {
    Died,
    Late,
    Babbled,
}

struct Worker {
    child: Child,
    stdin: Option<ChildStdin>,
    frames: mpsc::Receiver<io::Result<Frame>>,
}

struct Frame {
    kind: u8,
    name: String,
    content: Vec<u8>,
}

impl Worker {
    fn start(isolated: &Isolated) -> Option<Self> {
        let mut child = Command::new(&isolated.program)
            .args([COMMAND, "--memory", &isolated.limits.memory.to_string()])
            // Nothing of ours is its business: no token, no configuration.
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .ok()?;
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(child.stdout.take()?);
        // One part at a time waits for the parent.
        let (sender, frames) = mpsc::sync_channel(1);
        std::thread::spawn(move || {
            loop {
                let frame = frame(&mut stdout);
                let last = frame.is_err();
                if sender.send(frame).is_err() || last {
                    break;
                }
            }
        });
        Some(Self { child, stdin, frames })
    }

    fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn read(
        &mut self,
        reader: Reader,
        bytes: &[u8],
        mut left: Duration,
        give: &mut dyn FnMut(Part),
    ) -> Result<Result<(), String>, Death> {
        let stdin = self.stdin.as_mut().ok_or(Death::Died)?;
        let mut head = [0; 9];
        head[0] = reader as u8;
        head[1..].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
        stdin.write_all(&head).and_then(|()| stdin.write_all(bytes)).map_err(|_| Death::Died)?;
        loop {
            let asked = Instant::now();
            let frame = match self.frames.recv_timeout(left) {
                Ok(Ok(frame)) => frame,
                Ok(Err(e)) if e.kind() == io::ErrorKind::InvalidData => return Err(Death::Babbled),
                Ok(Err(_)) | Err(mpsc::RecvTimeoutError::Disconnected) => return Err(Death::Died),
                Err(mpsc::RecvTimeoutError::Timeout) => return Err(Death::Late),
            };
            // What the parent does with a part is not the child's time.
            left = left.saturating_sub(asked.elapsed());
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            match frame.kind {
                CONTENT => give(Part::Content(frame.name, frame.content)),
                PARTLY | UNREAD => give(Part::Unread(frame.name, text(frame.content), frame.kind == PARTLY)),
                DONE => return Ok(Ok(())),
                FAILED => return Ok(Err(text(frame.content))),
                _ => return Err(Death::Babbled),
            }
        }
    }

    /// Ends the child; why its document was not read.
    fn end(mut self, death: Death) -> String {
        drop(self.stdin.take());
        if !matches!(death, Death::Died) {
            drop(self.child.kill());
        }
        // Rust says so before it gives up, and nothing else does.
        let mut said = String::new();
        if let Some(stderr) = self.child.stderr.take() {
            drop(stderr.take(4096).read_to_string(&mut said));
        }
        drop(self.child.kill());
        drop(self.child.wait());
        let why = match death {
            Death::Late => "took too long",
            Death::Babbled => "gave no answer that makes sense",
            Death::Died if said.contains("memory allocation of") => "ran out of memory",
            Death::Died => "crashed",
        };
        format!("the reader of this file {why}: only its plain strings were searched")
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It ends by itself when its input does; nobody waits for it but to take its remains.
        drop(self.stdin.take());
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn array<const N: usize>(from: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn frame(from: &mut impl Read) -> io::Result<Frame> {
    let [kind] = array(from)?;
    let name = u64::from(u32::from_le_bytes(array(from)?));
    let content = u64::from_le_bytes(array(from)?);
    if name > PART || content > PART {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut take = |len: u64| -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        from.take(len).read_to_end(&mut bytes)?;
        if bytes.len() as u64 == len { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    };
    let name = String::from_utf8_lossy(&take(name)?).into_owned();
    Ok(Frame { kind, name, content: take(content)? })
}

fn answer(to: &mut impl Write, kind: u8, name: &str, content: &[u8]) -> io::Result<()> {
    let len = u32::try_from(name.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    to.write_all(&[kind])?;
    to.write_all(&len.to_le_bytes())?;
    to.write_all(&(content.len() as u64).to_le_bytes())?;
    to.write_all(name.as_bytes())?;
    to.write_all(content)
}

/// The child's side: reads documents from `from` until it ends, and answers on `to`. `memory`: see [`Isolation`].
///
/// # Errors
/// When the limits cannot be set, or the parent is gone.
pub fn serve(from: &mut (impl Read + Send), to: &mut (impl Write + Send), memory: u64) -> io::Result<()> {
    limit(memory)?;
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        let thread = thread.spawn_scoped(scope, || answer_all(from, to))?;
        thread.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
    })
}

fn answer_all(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut to = BufWriter::new(to);
    let mut bytes = Vec::new();
    loop {
        let [reader] = match array(from) {
            Ok(byte) => byte,
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(e) => return Err(e),
        };
        let reader = *Reader::ALL.get(usize::from(reader)).ok_or(io::ErrorKind::InvalidData)?;
        let len = u64::from_le_bytes(array(from)?);
        bytes.clear();
        from.take(len).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut told = Ok(());
        let read = read_here(reader, &bytes, &mut |part| {
            if told.is_ok() {
                told = match part {
                    Part::Content(name, content) => answer(&mut to, CONTENT, &name, &content),
                    Part::Unread(name, why, partly) => {
                        answer(&mut to, if partly { PARTLY } else { UNREAD }, &name, why.as_bytes())
                    }
                };
            }
        });
        told?;
        match read {
            Ok(()) => answer(&mut to, DONE, "", b"")?,
            Err(why) => answer(&mut to, FAILED, "", why.as_bytes())?,
        }
        to.flush()?;
        if bytes.capacity() > 16 << 20 {
            bytes = Vec::new();
        }
    }
}

/// Limits this process: its memory, and no image of it on disk when it dies, which would hold what it read.
#[cfg(unix)]
fn limit(memory: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let at_most = |n| Rlimit { current: Some(n), maximum: Some(n) };
    setrlimit(Resource::Core, at_most(0))?;
    setrlimit(Resource::As, at_most(memory))?;
    Ok(())
}

#[cfg(not(unix))]
fn limit(_: u64) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the child answers to some documents.
    fn served(documents: &[(Reader, &[u8])]) -> Vec<(u8, String, String)> {
        let mut input = Vec::new();
        for (reader, bytes) in documents {
            input.push(*reader as u8);
            input.extend((bytes.len() as u64).to_le_bytes());
            input.extend_from_slice(bytes);
        }
        let mut output = Vec::new();
        answer_all(&mut input.as_slice(), &mut output).unwrap();
        let mut output = output.as_slice();
        let frames = std::iter::from_fn(|| frame(&mut output).ok());
        frames.map(|f| (f.kind, f.name, String::from_utf8_lossy(&f.content).into_owned())).collect()
    }

    #[test]
    fn many_documents_one_after_the_other() {
        let mail = b"From: =?UTF-8?Q?Zo=C3=AB?=\nTo: x\nContent-Type: multipart/encrypted\n\nabc";
        let got = served(&[(Reader::Office, b"<a>x</a>"), (Reader::Pdf, b"%PDF no"), (Reader::Mail, mail)]);
        let kinds: Vec<u8> = got.iter().map(|(kind, ..)| *kind).collect();
        assert_eq!(kinds, [CONTENT, DONE, FAILED, UNREAD, CONTENT, DONE], "{got:?}");
        assert_eq!(got[0].2.trim(), "x");
        assert_eq!(got[4].1, "(headers)");
        let mut cut: &[u8] = &[0, 5, 0, 0, 0, 0, 0, 0, 0, 1];
        assert!(answer_all(&mut cut, &mut Vec::new()).is_err(), "a document that ends early is none");
        let mut unknown: &[u8] = &[99];
        assert!(answer_all(&mut unknown, &mut Vec::new()).is_err());
    }

    #[test]
    fn an_answer_of_absurd_length_is_not_waited_for() {
        let mut huge = vec![CONTENT];
        huge.extend(0_u32.to_le_bytes());
        huge.extend(u64::MAX.to_le_bytes());
        assert_eq!(frame(&mut huge.as_slice()).err().map(|e| e.kind()), Some(io::ErrorKind::InvalidData));
    }
}
