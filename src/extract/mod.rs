//! Bytes to text with positions.
//!
//! Owns encodings, archives and escapes: what a file's bytes say, and where. Must not know who is looked for.

mod archive;
pub mod charsets;
mod embedded;
pub mod encoded;
pub mod encoding;
pub(crate) mod escapes;
mod format;
mod image;
mod isolated;
mod joints;
pub mod layers;
pub mod layout;
mod mail;
mod office;
mod pdf;
mod readers;
pub mod spans;
mod streams;
pub mod views;

pub(crate) use archive::Inside;
pub use archive::{Leaf, Limits, Unread, gunzip, leaves};
pub use format::{Format, Packing, by_signature, format, lines};
pub(crate) use format::{Records, names_lines, records, text_format};
pub use isolated::{COMMAND, Isolation, isolate, serve};
pub use readers::panic_is_expected;

#[cfg(test)]
mod hostile_tests;

#[cfg(test)]
pub(crate) mod tests {
    pub(crate) use super::{
        archive::tests::{gz, tarred, zipped},
        image::tests::{png, ztxt},
        pdf::tests::pdf,
    };
}
