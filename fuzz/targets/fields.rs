#![no_main]
//! Tables and XML whose fields name a person together: what is found is inside the text, can be cut, and nothing panics.
use efface::{model::Cut, scan::scan_bytes};
use efface_fuzz::{ZOE, context};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let (name, begin) = [
        ("a.csv", "first_name,last_name\nZoe,Xander\n"),
        ("a.tsv", "Zoe\tXander\tb\n"),
        ("a.xml", "<a firstName=\"Zoe\" lastName='Xander'/>"),
        ("a.txt", "Nachname;Vorname\n"),
        ("a.xml", "<"),
    ][usize::from(*first) % 5];
    let content = [begin.as_bytes(), rest].concat();
    let Ok(text) = std::str::from_utf8(&content) else { return };
    let (found, _) = scan_bytes(name, &content, &context(name), &ZOE);
    for reference in &found {
        if let Cut::Text { pieces } = &reference.cut {
            assert!(pieces.iter().all(|p| !p.pointer.is_empty() || text.get(p.from..p.to).is_some()));
        }
    }
});
