#![no_main]
//! A staged message that can be read is written so that it reads the same.
use efface::staging::Message;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(message) = Message::parse(bytes) else { return };
    let written = message.to_bytes().expect("written");
    let again = Message::parse(&written).expect("read again").to_bytes().expect("written again");
    assert_eq!(written, again);
});
