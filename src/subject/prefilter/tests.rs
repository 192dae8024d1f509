use super::*;

impl Prefilter {
    fn may(&self, bytes: &[u8]) -> bool {
        matches!(self.look(bytes), Look::May { .. })
    }
}

fn filter(spellings: &[&str]) -> Prefilter {
    let mut words: Vec<&str> = anchors::choose(spellings, &|_| 1).into_iter().flatten().collect();
    words.sort_unstable_by_key(|w| (!w.is_ascii(), *w));
    words.dedup();
    Prefilter::new(Arc::new(Anchors::new(words.into_iter(), Vec::new())), false).unwrap()
}

#[test]
fn lets_through_every_spelling() {
    let f = filter(&["zoe xander", "zoe.x@corp.example", "елкин"]);
    for text in [
        "XANDER",
        "a \\nXander",
        "Xa\u{ad}nder",
        "Ｘａｎｄｅｒ",
        r"X\u00e4nder",
        r"\\u0058ander",
        "%58ander",
        r"\ud83c\udd2bXander",
        "%20Xander",
        "&#88;ander",
        "Xa<b class=\"x y\">nd</b>er",
        "Xa{*}n{*}der",
        "Xa[nder]",
        "X**ander",
        "X\\u0061=\n=4Eder",
        "[|u v]Xan{{der",
        "Xan{{der}}",
        "[ Xan|u v]der",
        "X\\u0061<b class=\"x y\">=4Eder",
        "[Xan||u v]=\nder",
        r"{color:red}|Xan=\n]der",
        r"[|u v\u005dXan{{der",
        "<a href='u v'>Xan{{der",
        r#"{"type":"text","text":"Xa"},{"type":"text" , "text" : "nder"}"#,
        r#"{"text":"X"},{"text":"a"},{"text":""},{"text":"nd"},{"text":"er"}"#,
        "Zoe",
        "Ёлкин",
    ] {
        assert!(f.may(text.as_bytes()), "{text}");
    }
    assert!(f.may(b"X\xe4nder"));
    assert!(f.may(b"X\xaand\xc4 X\xaander"));
}

#[test]
fn rules_out_what_has_no_word() {
    let f = filter(&["zoe xander", "zoe.x@corp.example"]);
    for text in [
        "Alexander zoeb",
        "{\"a\":\"Jane\",\"b\":[1,2,{\"c\":\"corp.example\"}]}",
        "M\u{fc}ller an-der Stra\u{df}e",
        "x-ander",
        r#"{"text":"Xan "},{"text":"der"}"#,
        r"J\u00e4ger 50% a&b",
    ] {
        assert!(!f.may(text.as_bytes()), "{text}");
    }
}

#[test]
fn no_character_stands_for_more_letters_than_it_is_counted_for() {
    for c in (0x80..0x180).filter_map(char::from_u32) {
        let (_, others) = letters(c.to_string().as_bytes());
        let ascii = norm::bare(&c.to_string()).text().bytes().filter(u8::is_ascii_alphanumeric).count();
        assert!(ascii as u32 <= others.unwrap(), "{c:?}");
    }
    for b in 0x80..=0xff_u8 {
        let ascii = norm::bare(&encoding::latin1(&[b])).text().bytes().filter(u8::is_ascii_alphanumeric).count();
        assert!(letters(&[b]).1.is_none_or(|n| ascii as u32 <= n), "{b:x}");
    }
    assert_eq!(letters("\u{180}".as_bytes()).1, None);
}

#[test]
fn many_words_are_looked_up() {
    let names: Vec<String> = (0..100).map(|i| format!("name{i:03}x")).collect();
    let f = filter(&names.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(f.may(b"a NAME042X b"));
    assert!(!f.may(b"a NAME042Xy b"));
}
