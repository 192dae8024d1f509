//! The form of a staged file: a header in clear, then the content sealed in chunks.
//!
//! Owns the bytes. Header: magic, format version, algorithm, key id, nonce; then chunks of 64 KiB under the STREAM
//! construction over ChaCha20-Poly1305 (32-bit counter and last-block flag, so that reordering and truncation are
//! noticed). The header and the context (sync, kind, id, issue, sequence) are authenticated with every chunk. Knows no
//! store and no folder.

use std::io::{self, Read, Write};

use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit,
    aead::{
        Payload,
        stream::{DecryptorBE32, EncryptorBE32},
    },
};
use rand::RngExt;
use ulid::Ulid;

use crate::keys::DataKey;

const MAGIC: &[u8; 8] = b"EFFACE\x1a\n";
const VERSION: u8 = 1;
/// ChaCha20-Poly1305 in STREAM-BE32 with chunks of 64 KiB.
const ALGORITHM: u8 = 1;
const NONCE: usize = 7;
const TAG: usize = 16;
/// Bytes of content in one chunk.
pub(super) const CHUNK: usize = 64 * 1024;
/// Bytes of the header.
pub(super) const HEADER: usize = 8 + 1 + 1 + 16 + NONCE;

/// What stands at the head of a staged file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    bytes: [u8; HEADER],
}

impl Header {
    fn new(key_id: Ulid) -> Self {
        let mut bytes = [0u8; HEADER];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8] = VERSION;
        bytes[9] = ALGORITHM;
        bytes[10..26].copy_from_slice(&key_id.to_bytes());
        rand::rng().fill(&mut bytes[26..]);
        Self { bytes }
    }

    /// Reads a header; `InvalidData` when it is none, or of a version or algorithm that this efface does not know.
    pub(super) fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut bytes = [0u8; HEADER];
        from.read_exact(&mut bytes)?;
        let bad = |what| Err(io::Error::new(io::ErrorKind::InvalidData, what));
        if &bytes[..8] != MAGIC {
            return bad("not a staged file of efface");
        }
        if (bytes[8], bytes[9]) != (VERSION, ALGORITHM) {
            return bad("a staged file of another format version or algorithm");
        }
        Ok(Self { bytes })
    }

    /// Which key seals the file.
    pub(super) fn key_id(&self) -> Ulid {
        let mut id = [0u8; 16];
        id.copy_from_slice(&self.bytes[10..26]);
        Ulid::from_bytes(id)
    }

    fn nonce(&self) -> &[u8] {
        &self.bytes[26..]
    }
}

fn associated(header: &Header, context: &[u8]) -> Vec<u8> {
    let mut out = header.bytes.to_vec();
    out.extend_from_slice(context);
    out
}

/// Seals what is written to it. The last chunk is only written by [`SealedWriter::finish`].
pub(super) struct SealedWriter<W: Write> {
    to: W,
    cipher: EncryptorBE32<ChaCha20Poly1305>,
    associated: Vec<u8>,
    buffer: Vec<u8>,
    written: u64,
}

impl<W: Write> SealedWriter<W> {
    /// Writes the header.
    pub(super) fn new(mut to: W, key: &DataKey, key_id: Ulid, context: &[u8]) -> io::Result<Self> {
        let header = Header::new(key_id);
        to.write_all(&header.bytes)?;
        let aead = ChaCha20Poly1305::new(key.dangerously_expose().into());
        let cipher = EncryptorBE32::from_aead(aead, header.nonce().into());
        let associated = associated(&header, context);
        Ok(Self { to, cipher, associated, buffer: Vec::with_capacity(CHUNK), written: 0 })
    }

    /// Seals the last chunk; gives back the writer below and the number of bytes of content.
    pub(super) fn finish(mut self) -> io::Result<(W, u64)> {
        let sealed = self
            .cipher
            .encrypt_last(Payload { msg: &self.buffer, aad: &self.associated })
            .map_err(|_| io::Error::other("sealing failed"))?;
        self.to.write_all(&sealed)?;
        self.to.flush()?;
        Ok((self.to, self.written))
    }
}

impl<W: Write> Write for SealedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full buffer is only sealed when more comes, so that the last chunk is never sealed as a middle one.
        if self.buffer.len() == CHUNK {
            let sealed = self
                .cipher
                .encrypt_next(Payload { msg: &self.buffer, aad: &self.associated })
                .map_err(|_| io::Error::other("sealing failed: more chunks than the format has"))?;
            self.to.write_all(&sealed)?;
            self.buffer.clear();
        }
        let n = bytes.len().min(CHUNK - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..n]);
        self.written += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens what a [`SealedWriter`] wrote, chunk by chunk; `InvalidData` when it was changed, cut or belongs elsewhere.
pub(super) struct SealedReader<R: Read> {
    from: R,
    cipher: Option<DecryptorBE32<ChaCha20Poly1305>>,
    associated: Vec<u8>,
    ahead: Vec<u8>,
    plain: Vec<u8>,
    at: usize,
}

impl<R: Read> SealedReader<R> {
    /// Starts to read after the header.
    pub(super) fn new(mut from: R, header: &Header, key: &DataKey, context: &[u8]) -> io::Result<Self> {
        let aead = ChaCha20Poly1305::new(key.dangerously_expose().into());
        let cipher = DecryptorBE32::from_aead(aead, header.nonce().into());
        let ahead = sealed_chunk(&mut from)?;
        let associated = associated(header, context);
        Ok(Self { from, cipher: Some(cipher), associated, ahead, plain: Vec::new(), at: 0 })
    }

    fn next_chunk(&mut self) -> io::Result<bool> {
        let Some(mut cipher) = self.cipher.take() else { return Ok(false) };
        let changed = |_| io::Error::new(io::ErrorKind::InvalidData, "a staged file was changed or cut");
        let next = sealed_chunk(&mut self.from)?;
        let payload = Payload { msg: &self.ahead, aad: &self.associated };
        if next.is_empty() {
            self.plain = cipher.decrypt_last(payload).map_err(changed)?;
        } else {
            self.plain = cipher.decrypt_next(payload).map_err(changed)?;
            self.cipher = Some(cipher);
        }
        self.ahead = next;
        self.at = 0;
        Ok(true)
    }
}

fn sealed_chunk(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut chunk = Vec::with_capacity(CHUNK + TAG);
    from.take((CHUNK + TAG) as u64).read_to_end(&mut chunk)?;
    Ok(chunk)
}

impl<R: Read> Read for SealedReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.plain.len() {
            if !self.next_chunk()? {
                return Ok(0);
            }
        }
        let n = out.len().min(self.plain.len() - self.at);
        out[..n].copy_from_slice(&self.plain[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(key: &DataKey, context: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut w = SealedWriter::new(Vec::new(), key, Ulid::from_bytes([7; 16]), context).unwrap();
        w.write_all(plain).unwrap();
        let (out, n) = w.finish().unwrap();
        assert_eq!(n, plain.len() as u64);
        out
    }

    fn open(key: &DataKey, context: &[u8], sealed: &[u8]) -> io::Result<Vec<u8>> {
        let mut from = sealed;
        let header = Header::read(&mut from)?;
        assert_eq!(header.key_id(), Ulid::from_bytes([7; 16]));
        let mut out = Vec::new();
        SealedReader::new(from, &header, key, context)?.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn every_length_around_a_chunk_reads_back() {
        let key = DataKey::random();
        for n in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 5] {
            let plain: Vec<u8> = (0..n).map(|i| (i % 251) as u8).collect();
            assert_eq!(open(&key, b"c", &seal(&key, b"c", &plain)).unwrap(), plain, "{n} bytes");
        }
    }

    #[test]
    fn changes_cuts_swaps_and_other_contexts_are_noticed() {
        let key = DataKey::random();
        let sealed = seal(&key, b"c", &vec![1u8; 2 * CHUNK + 9]);
        assert!(open(&key, b"d", &sealed).is_err(), "another context");
        assert!(open(&DataKey::random(), b"c", &sealed).is_err(), "another key");
        for i in (0..sealed.len()).step_by(997).chain([8, 9, 26, HEADER, sealed.len() - 1]) {
            if (10..26).contains(&i) {
                continue;
            }
            let mut broken = sealed.clone();
            broken[i] ^= 1;
            assert!(open(&key, b"c", &broken).is_err(), "a changed byte {i}");
        }
        for cut in [HEADER, HEADER + CHUNK + TAG, HEADER + 2 * (CHUNK + TAG), sealed.len() - 1] {
            assert!(open(&key, b"c", &sealed[..cut]).is_err(), "cut to {cut}");
        }
        let mut swapped = sealed[..HEADER].to_vec();
        swapped.extend_from_slice(&sealed[HEADER + CHUNK + TAG..HEADER + 2 * (CHUNK + TAG)]);
        swapped.extend_from_slice(&sealed[HEADER..HEADER + CHUNK + TAG]);
        swapped.extend_from_slice(&sealed[HEADER + 2 * (CHUNK + TAG)..]);
        assert!(open(&key, b"c", &swapped).is_err(), "swapped chunks");
    }
}
