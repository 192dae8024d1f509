//! Compressed streams: the bytes that gzip, bzip2, xz and zstd files stand for, every stream of a file that holds several.
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

/// A reader of what `bytes` stand for.
pub(super) fn unpacked<'a>(packing: Packing, bytes: &'a [u8]) -> Box<dyn Read + 'a> {
    match packing {
        Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(bytes)),
        Packing::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(bytes)),
        Packing::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(bytes, true, XZ_MEMORY)),
        Packing::Zstd => Box::new(Frames { rest: bytes, frame: None }),
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
