//! Compressed streams: the bytes that gzip, bzip2, xz, zstd, lzma, lzip and zlib files stand for, every stream of a file that
//! holds several, and members of a zip by their method.
//!
//! Owns the decoders' settings. Must not judge how much may come out; whoever reads sets the limit.

use std::io::{self, Read};

use ruzstd::decoding::{
    StreamingDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};

use super::format::Packing;

/// Memory that an xz stream may ask for its dictionary, in KiB; `xz -9` needs 65 MiB to read.
const XZ_MEMORY: u32 = 256 << 10;

/// What the headers of a compressed file say beside its content.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// What files were called before they were compressed.
    pub(super) names: Vec<Vec<u8>>,
    /// Comments, fields of other programs.
    pub(super) others: Vec<Vec<u8>>,
    /// Whether there are more of them than are kept.
    pub(super) left_out: bool,
}

/// Bytes of notes that are kept.
const MOST_NOTES: usize = 1 << 20;

/// A reader of what `bytes` stand for, which notes what the headers say as it comes to them.
pub(super) fn unpacked<'a>(packing: Packing, bytes: &'a [u8], notes: &'a mut Notes) -> Box<dyn Read + 'a> {
    match packing {
        Packing::Gzip => Box::new(Gzip { decoder: flate2::bufread::GzDecoder::new(bytes), notes, noted: false }),
        Packing::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(bytes)),
        Packing::Xz => Box::new(Sips(lzma_rust2::XzReader::new_mem_limit(bytes, true, XZ_MEMORY))),
        Packing::Zstd => Box::new(Frames { rest: bytes, frame: None }),
        Packing::Lzma => or_failed(lzma_rust2::LzmaReader::new_mem_limit(bytes, XZ_MEMORY, None).map(Sips)),
        // The dictionary's size is a power of two, less some sixteenths of it.
        Packing::Lzip if bytes.get(5).is_none_or(|b| b & 0x1f > 28) => or_failed(Err::<&[u8], _>(too_large())),
        Packing::Lzip => Box::new(Sips(lzma_rust2::LzipReader::new(bytes))),
        Packing::Zlib => Box::new(flate2::bufread::ZlibDecoder::new(bytes)),
    }
}

/// A reader of a zip's member whose content unpacks to `size` bytes (or it is not said); `None` for methods that nothing
/// here reads (APPNOTE.TXT, 4.4.5).
pub(super) fn zip_method(method: u16, packed: &[u8], size: u64) -> Option<Box<dyn Read + '_>> {
    Some(match method {
        0 => Box::new(packed),
        8 => Box::new(flate2::bufread::DeflateDecoder::new(packed)),
        12 => Box::new(bzip2::read::BzDecoder::new(packed)),
        14 => {
            // The version of the program, the length of what follows (always five), the properties.
            let &[_, _, 5, 0, properties, a, b, c, d, ..] = packed else { return None };
            let dictionary = u32::from_le_bytes([a, b, c, d]);
            if dictionary / 1024 > XZ_MEMORY {
                return Some(or_failed(Err::<&[u8], _>(too_large())));
            }
            or_failed(
                lzma_rust2::LzmaReader::new_with_props(&packed[9..], size, properties, dictionary, None).map(Sips),
            )
        }
        20 | 93 => Box::new(Frames { rest: packed, frame: None }),
        95 => Box::new(Sips(lzma_rust2::XzReader::new_mem_limit(packed, true, XZ_MEMORY))),
        _ => return None,
    })
}

/// How streams begin that a script or a program carries behind itself.
const CARRIED: [&[u8]; 4] = [b"\x1f\x8b\x08", b"\xfd7zXZ\0", b"BZh91AY&SY", b"\x28\xb5\x2f\xfd"];

/// Where a compressed stream begins in a script that unpacks itself.
pub(super) fn carried(bytes: &[u8]) -> Option<usize> {
    if !bytes.starts_with(b"#!") || std::str::from_utf8(bytes).is_ok() {
        return None;
    }
    // Behind a line's end, so that no word of the script is taken for one.
    let begins =
        |magic: &&[u8]| memchr::memmem::find_iter(bytes, magic).take(64).find(|at| bytes[..*at].last() == Some(&b'\n'));
    CARRIED.iter().filter_map(begins).min()
}

/// Whether some bytes begin as a zlib stream (RFC 1950) does: its two bytes prove little, so the first of the content have
/// to unpack.
pub(super) fn is_zlib(bytes: &[u8]) -> bool {
    if !matches!(bytes, [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..]) {
        return false;
    }
    let mut first = [0; 64];
    flate2::bufread::ZlibDecoder::new(&bytes[..bytes.len().min(4096)]).read(&mut first).is_ok_and(|n| n > 0)
}

/// Whether some bytes begin as the old format of lzma does, which has no signature: properties, a dictionary of a size that
/// encoders use, the length or none, and the first byte of the range coder, which is zero (`file`, `xz` guess alike).
pub(super) fn is_lzma(bytes: &[u8]) -> bool {
    let Some(&[properties, a, b, c, d, ref size @ .., first]) = bytes.first_chunk::<14>() else { return false };
    let dictionary = u32::from_le_bytes([a, b, c, d]);
    let even = dictionary.count_ones() == 1 || (dictionary.count_ones() == 2 && (dictionary & (dictionary >> 1)) != 0);
    let mut length = [0; 8];
    length.copy_from_slice(size);
    let length = u64::from_le_bytes(length);
    properties < 225
        && even
        && (1 << 12..=1 << 30).contains(&dictionary)
        && (length == u64::MAX || (1..1 << 38).contains(&length))
        && first == 0
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::OutOfMemory, "a dictionary above the limit")
}

fn or_failed<'a, R: Read + 'a>(reader: io::Result<R>) -> Box<dyn Read + 'a> {
    match reader {
        Ok(reader) => Box::new(reader),
        Err(error) => Box::new(Failed(error.kind())),
    }
}

/// A decoder that forgets what it has of a read in which it meets a tear, so that it is asked for little at once.
struct Sips<R>(R);

impl<R: Read> Read for Sips<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(64);
        self.0.read(&mut buffer[..most])
    }
}

/// A stream that could not even be begun.
struct Failed(io::ErrorKind);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self.0.into())
    }
}

/// The members of a gzip file, one after the other (RFC 1952, section 2.2), and what their headers say.
struct Gzip<'a> {
    decoder: flate2::bufread::GzDecoder<&'a [u8]>,
    notes: &'a mut Notes,
    noted: bool,
}

impl Gzip<'_> {
    fn note(&mut self) {
        let Some(header) = self.decoder.header().filter(|_| !self.noted) else { return };
        self.noted = true;
        let mut said = header.filename().into_iter().chain(header.comment()).chain(header.extra());
        if said.all(<[u8]>::is_empty) {
            return;
        }
        let kept: usize = self.notes.names.iter().chain(&self.notes.others).map(Vec::len).sum();
        if kept < MOST_NOTES {
            self.notes.names.extend(header.filename().map(<[u8]>::to_vec));
            self.notes.others.extend(header.comment().into_iter().chain(header.extra()).map(<[u8]>::to_vec));
        } else {
            self.notes.left_out = true;
        }
    }
}

impl<'a> Read for Gzip<'a> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let read = self.decoder.read(buffer);
            self.note();
            let n = read?;
            if n > 0 {
                return Ok(n);
            }
            let rest: &'a [u8] = self.decoder.get_ref();
            // Tapes and disks fill up with zeros.
            if rest.iter().all(|b| *b == 0) {
                return Ok(0);
            }
            self.decoder = flate2::bufread::GzDecoder::new(rest);
            self.noted = false;
        }
    }
}

/// The frames of a zstd file, one after the other (RFC 8878, section 3.1).
struct Frames<'a> {
    rest: &'a [u8],
    frame: Option<StreamingDecoder<&'a [u8], ruzstd::decoding::FrameDecoder>>,
}

impl Read for Frames<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(frame) = &mut self.frame {
                let n = frame.read(buffer)?;
                if n > 0 {
                    return Ok(n);
                }
                self.rest = self.frame.take().map_or(self.rest, StreamingDecoder::into_inner);
            }
            if self.rest.is_empty() {
                return Ok(0);
            }
            match StreamingDecoder::new(self.rest) {
                Ok(frame) => self.frame = Some(frame),
                // A frame for other programs: its magic number, its length, and its content, which is nobody's text.
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let behind = usize::try_from(length).ok().and_then(|n| self.rest.get(8 + n..));
                    self.rest = behind.ok_or(io::ErrorKind::UnexpectedEof)?;
                }
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
            }
        }
    }
}
