//! Bytes to text with positions.
//!
//! Owns encodings, archives and escapes: what a file's bytes say, and where. Must not know who is looked for.

mod archive;
pub mod encoded;
pub mod encoding;
mod format;
pub mod layout;
mod mail;
mod office;
mod pdf;
pub mod spans;
mod streams;
pub mod views;

pub use archive::{Leaf, Limits, Unread, gunzip, leaves};
pub use format::{Format, Packing, by_signature, format, lines};
pub use pdf::panic_is_expected;

#[cfg(test)]
pub(crate) mod tests {
    pub(crate) use super::{
        archive::tests::{gz, tarred, zipped},
        pdf::tests::pdf,
    };
}
