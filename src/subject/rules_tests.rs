//! Tables of what is found, how sure, and what is not; and the list of spellings held against the search.

use proptest::prelude::*;

use super::{
    Matcher, Scope, TextKind,
    variants::{Reason, variants},
};
use crate::model::{
    Identifier,
    IdentifierKind::{self, Email, FullName, Username},
    Personal,
    Strength::{self, Possible, Probable},
    Subject, SubjectKey,
};

fn subject(kind: IdentifierKind, value: &str) -> Subject {
    let identifier = Identifier { kind, value: Personal::new(value.to_owned()), instance: None, confirmed: true };
    Subject::new(Personal::new("s-1".parse::<SubjectKey>().unwrap()), "P1".into(), vec![identifier])
}

fn best_in(kind: IdentifierKind, value: &str, text: &str, what: TextKind) -> Option<Strength> {
    let matcher = Matcher::new(&[subject(kind, value)]).unwrap();
    let found = matcher.find_in(text, Scope::Any, what).iter().map(|m| m.strength).max();
    assert!(found.is_none() || matcher.may_match(text.as_bytes()), "the prefilter loses {text:?}");
    found
}

fn best(kind: IdentifierKind, value: &str, text: &str) -> Option<Strength> {
    best_in(kind, value, text, TextKind::Prose)
}

/// Holds a table: texts that spell the identifier surely, that may, and that do not.
fn table(kind: IdentifierKind, value: &str, sure: &[&str], perhaps: &[&str], not: &[&str]) {
    let mut wrong = Vec::new();
    for (texts, want) in [(sure, Some(Probable)), (perhaps, Some(Possible)), (not, None)] {
        for text in texts {
            for text in [(*text).to_owned(), format!("see {text}, ok")] {
                let found = best(kind, value, &text);
                if found != want {
                    wrong.push(format!("{text:?}: {found:?}, not {want:?}"));
                }
            }
        }
    }
    WRONG.with_borrow_mut(|all| all.extend(wrong.into_iter().map(|w| format!("{value}: {w}"))));
}

thread_local! {
    /// What tables of this test did not hold, so that one run tells all.
    static WRONG: std::cell::RefCell<Vec<String>> = const { std::cell::RefCell::new(Vec::new()) };
}

#[track_caller]
fn settle() {
    let wrong = WRONG.take();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_plain_name() {
    table(
        FullName,
        "Anna Berg",
        &[
            "Anna Berg",
            "ANNA BERG",
            "Berg, Anna",
            "BERG Anna",
            "Berg Anna",
            "Berg,Anna",
            "Berg;Anna",
            "Anna\u{a0}Berg",
            "Anna\t \tBerg",
            "Anna\nBerg",
            "Anna\r\n    Berg",
            "Anna\n> Berg",
            "Berg,\n> > Anna",
            "An\u{ad}na\u{200b} Be\u{200d}rg",
            "Anna_Berg",
            "Anna Berg's",
            "Anna Berg’s",
            "Anna Berg'in",
            "Dr. Anna Berg",
            "Anna Berg, PhD",
            "Anna Berg Jr.",
            "Berg, Dr. Anna",
            "Frau Anna Berg",
            "Onboarding Anna Berg",
            "Anna\\ Berg",
        ],
        &[
            "A. Berg",
            "A Berg",
            "A.Berg",
            "Berg, A.",
            "Berg A.",
            "Anna M. Berg",
            "Anna Maria Berg",
            "Anna van der Berg",
            "Maria Anna Berg",
            "Anna Berg Larsen",
            "Anna Berg von Stein",
            "Anna Berg-Larsen",
            "Lena-Anna Berg",
            "Kunibert Berg, Anna Stein",
            "Anna Berg-\nmann",
            "Jo-\nAnna Berg",
            "anna.berg",
            "AnnaBerg",
            "BergAnna",
            "Anna Bergs",
            "Anna Bergille",
            "Anna Bergem",
            "Änna Berg",
            "anna.berg@other.example",
            "Anna,Berg",
            "\"Anna\",\"Berg\"",
            "Anna\n\nBerg",
            "/home/aberg/",
            "C:\\Users\\aberg\\x",
            "~annab",
            "?name=aberg",
        ],
        &[
            "Joanna Berg",
            "Anna Bergman",
            "Anna Bergmann",
            "Anna Bergström",
            "Annabel Berg",
            "Anna Goldberg",
            "Anna. Berg",
            "Anna said that Berg",
            "Anna",
            "Berg",
            "annaberg",
            "aberg",
            "A.B.",
            "Anna Berg2",
            "Anna und Berg",
            "Anna (Berg)",
        ],
    );
    settle();
}

#[test]
fn letters_in_other_letters() {
    for (name, sure, perhaps) in [
        (
            "Jürgen Größl",
            &["Juergen Groessl", "Jurgen Grossl", "JUERGEN GRÖSSL", "Groessl, Juergen", "Juergen Größl"][..],
            &["Jürgen Grôßl"][..],
        ),
        ("Juergen Mueller", &["Juergen Mueller"], &["Jürgen Müller", "Jurgen Muller", "Müller, Jürgen"]),
        ("Søren Ågård", &["Soren Agard", "Soeren Aagaard", "SØREN ÅGÅRD"], &[]),
        ("Þóra Guðmundsdóttir", &["Thora Gudmundsdottir", "ÞÓRA GUÐMUNDSDÓTTIR"], &[]),
        ("Łukasz Żądło", &["Lukasz Zadlo"], &[]),
        ("Đorđe Đoković", &["Dorde Dokovic", "Djordje Djokovic"], &[]),
        ("Đặng Thị Ngọc", &["Dang Thi Ngoc", "Ngoc Dang Thi", "Ngọc, Đặng Thị"], &["Dang Ngoc"]),
        ("Işık İpek", &["ISIK IPEK", "isik ipek", "IŞIK İPEK"], &[]),
        ("Strauß Weiß", &["STRAUSS WEISS", "Strauss Weiss", "STRAUẞ WEIẞ"], &[]),
        (
            "Юрий Ёлкин",
            &["юрий елкин", "Yuriy Yolkin", "Iurii Elkin", "Jurij Ëlkin", "Yuri Yolkin", "Jolkin, Juri", "Yury Elkin"],
            &["Юрия Ёлкина", "Ю. Ёлкин"],
        ),
        ("Пётр Чайковский", &["Petr Chaikovskii", "Pyotr Chaykovskiy"], &["Пётра Чайковского"]),
        ("Анна Петрова", &["Anna Petrova"], &["Анны Петровой", "Анну Петрову"]),
        ("Γιώργος Παπαδόπουλος", &["Giorgos Papadopoulos", "ΓΙΩΡΓΟΣ ΠΑΠΑΔΟΠΟΥΛΟΣ", "Papadopoulos, Yorgos"], &[]),
    ] {
        table(FullName, name, sure, perhaps, &[]);
    }
    settle();
}

#[test]
fn names_of_several_parts() {
    table(
        FullName,
        "Anna van den Berg",
        &[
            "Anna van den Berg",
            "Anna Van Den Berg",
            "van den Berg, Anna",
            "Berg, Anna van den",
            "Anna vandenBerg",
            "Anna Vandenberg",
            "Anna VanDen Berg",
            "VAN DEN BERG Anna",
        ],
        &["Anna Berg", "Berg, Anna", "A. van den Berg", "Berg, A."],
        &["van den Berg", "Anna van den Bergh", "Joanna van den Berg"],
    );
    table(
        FullName,
        "Sean O'Brien",
        &[
            "Sean O’Brien",
            "Sean OBrien",
            "Sean O Brien",
            "O'Brien, Sean",
            "O`Brien Sean",
            "SEAN O'BRIEN",
            "Sean O\\'Brien",
            "Sean O´Brien",
        ],
        &["S. O'Brien", "Sean O'Briens"],
        &["Sean Brien", "Sean O'Brienne"],
    );
    table(FullName, "Ian McDonald", &["Ian Mc Donald", "MCDONALD, IAN"], &["Ian MacDonald"], &["Ian McDonaldson"]);
    table(
        FullName,
        "Omar al-Masri",
        &["Omar al Masri", "Omar Almasri", "Omar Al-Masri", "al-Masri, Omar", "Omar AlMasri"],
        &["Omar el-Masri", "Omar Masri", "O. al-Masri"],
        &["Omar al-Masrifi"],
    );
    table(
        FullName,
        "Anna Meier-Schulze",
        &[
            "Anna Meier Schulze",
            "Anna Meier-\nSchulze",
            "Meier-Schulze, Anna",
            "Anna Meierschulze",
            "Anna Meier‑Schulze",
            "Anna Meier – Schulze",
        ],
        &["Anna Meier", "Anna Schulze", "Schulze, Anna", "A. Meier-Schulze", "Anna Meier-Schulze-Koch"],
        &["Anna Meiers-Schulz", "Meier-Schulze"],
    );
    table(
        FullName,
        "Hans-Peter Quandt",
        &["Hans Peter Quandt", "Hanspeter Quandt", "Quandt, Hans-Peter", "HANS-PETER QUANDT"],
        &["H.-P. Quandt", "H. P. Quandt", "HP Quandt", "H. Quandt", "Hans Quandt", "Quandt, H.-P."],
        &["Johans-Peter Quandt"],
    );
    table(
        FullName,
        "John Ronald Quill",
        &["Quill, John Ronald", "John Ronald Quill", "Ronald Quill, John"],
        &[
            "John Quill",
            "John R. Quill",
            "John R Quill",
            "J. R. Quill",
            "J.R. Quill",
            "JR Quill",
            "J. Quill",
            "Quill, J. R.",
            "Quill, John",
        ],
        &["John Ronald", "Ronald Quill"],
    );
    table(
        FullName,
        "Сидоров Иван Петрович",
        &["Иван Петрович Сидоров", "СИДОРОВ Иван Петрович", "Sidorov Ivan Petrovich"],
        &["Иван Сидоров", "И. П. Сидоров", "Сидоров И.П.", "Сидорову Ивану Петровичу"],
        &["Иван Петрович"],
    );
    table(FullName, "Dr. Anna Berg", &["Anna Berg", "Berg, Anna"], &["A. Berg"], &["Dr. Berg"]);
    table(FullName, "Berg, Anna (extern)", &["Anna Berg", "Berg, Anna"], &[], &[]);
    table(FullName, "DOE Jane Mary", &["Jane Mary Doe", "Doe, Jane Mary"], &["Jane Doe", "J. Doe"], &[]);
    table(FullName, "Jo Li", &["Jo Li", "Li, Jo"], &["J. Li"], &["Jo Lin", "Mojo Li", "Jo Lives"]);
    settle();
}

#[test]
fn scripts() {
    table(
        FullName,
        "田中 太郎",
        &["田中太郎", "田中　太郎", "太郎 田中", "田中太郎さん", "担当は田中太郎です"],
        &["田中太郎子"],
        &["田中", "田口太郎"],
    );
    table(FullName, "王伟", &["王伟", "请王伟处理", "王 伟"], &["王伟明"], &["王明"]);
    table(FullName, "김철수", &["김철수", "김철수가", "김 철수님", "김철수 부장"], &["김철수진"], &["이철수"]);
    table(FullName, "ジェーン・ドウ", &["ジェーン・ドウ", "ジェーン ドウ", "ｼﾞｪｰﾝ･ﾄﾞｳ"], &[], &["ジェーン・ドウェイン"]);
    table(FullName, "זואי כהן", &["זואי כהן", "כהן, זואי"], &["וזואי כהן", "לזואי כהן"], &["אבזואי כהן"]);
    table(
        FullName,
        "محمد المصري",
        &["محمد المصري", "مـحمد المصري"],
        &["ومحمد المصري", "لمحمد المصري"],
        &["محمد المصريون"],
    );
    table(FullName, "สมชาย ใจดี", &["สมชาย ใจดี", "สมชายใจดี"], &[], &[]);
    settle();
}

#[test]
fn addresses() {
    table(
        Email,
        "zoe.x@corp.example",
        &[
            "zoe.x@corp.example",
            "ZOE.X@Corp.Example",
            "<zoe.x@corp.example>",
            "mailto:zoe.x@corp.example?subject=x",
            "zoe.x+jira-2@corp.example",
            "zoe.x@\ncorp.example",
            "zoe.x@corp.\n> example",
            "zoe.x (at) corp.example",
            "zoe.x[at]corp[dot]example",
            "'zoe.x@corp.example'",
        ],
        &["zoe.x at corp dot example", "/home/zoe.x/", "zoe.x", "label-less zoe.x", "zoe.x@corp example"],
        &[
            "azoe.x@corp.example",
            "zoe.x@corp.example.org",
            "zoe.x@corp.examples",
            "a.zoe.x@corp.example",
            "zoe.x@other.example",
            "zoe.x+a@other.example",
            "zoex@corp.example",
            "z.oe.x@corp.example",
        ],
    );
    table(
        Email,
        "zoe.xander@gmail.com",
        &["zoexander@gmail.com", "z.o.e.xander+a.b@gmail.com", "Zoe.Xander@GoogleMail.com", "_zoexander@gmail.com_"],
        &[],
        &[
            "zoexander@gmail.com.org",
            "azoexander@gmail.com",
            "zoexande@gmail.com",
            "a-zoexander@gmail.com",
            "zoe.xander@mail.com",
        ],
    );
    table(Email, "anna@corp.example", &["anna@corp.example"], &["/home/anna/x"], &["anna", "anna@other.example"]);
    settle();
}

#[test]
fn domains_in_their_other_form() {
    for value in ["ulrike@bücher.example", "ulrike@xn--bcher-kva.example"] {
        table(
            Email,
            value,
            &["ulrike@bücher.example", "ulrike@xn--bcher-kva.example", "ULRIKE@BÜCHER.example"],
            &[],
            &["ulrike@buch.example"],
        );
    }
    settle();
}

#[test]
fn a_name_before_another_address_is_perhaps_a_namesake() {
    let mut both = subject(FullName, "Anna Berg");
    both.identifiers.extend(subject(Email, "anna.b@corp.example").identifiers);
    let known = Matcher::new(&[both]).unwrap();
    let unknown = Matcher::new(&[subject(FullName, "Anna Berg")]).unwrap();
    for (text, strength) in [
        ("\"Anna Berg\" <anna.b@corp.example>", Probable),
        ("Anna Berg <anna.b+x@corp.example>", Probable),
        ("\"Anna Berg\" <anna.berg@elsewhere.example>", Possible),
        ("Anna Berg [mailto:aberg77@elsewhere.example]", Possible),
        // A list's or a service's mailbox is nobody's in particular.
        ("Anna Berg [mailto:builds@elsewhere.example]", Probable),
        ("Anna Berg wrote to <a@elsewhere.example>", Probable),
        ("Anna Berg (team lead)", Probable),
    ] {
        assert_eq!(known.find(text, Scope::Any)[0].strength, strength, "{text}");
        assert_eq!(unknown.find(text, Scope::Any)[0].strength, Probable, "{text}");
    }
}

#[test]
fn user_names() {
    table(
        Username,
        "jdoe",
        &[
            "jdoe",
            "JDoe:",
            "/home/jdoe/x",
            "C:\\Users\\jdoe\\x",
            "C:\\\\Users\\\\jdoe",
            "/~jdoe",
            "~jdoe",
            "?name=jdoe&x",
            "CORP\\jdoe",
            "jdoe@CORP.EXAMPLE",
            "jdoe@CORP",
            "jdoe:x:1001",
            "user=jdoe",
            "jdoe's",
        ],
        &["jdoe@corp.example", "JDOE@CORP.EXAMPLE", "jdoe.txt", "a.jdoe"],
        &["jdoe2", "ajdoe", "jdoe-test", "old-jdoe", "jdoe_b", "x@jdoe", "/home/jdoe2/"],
    );
    for text in ["/home/zx/", "C:\\Users\\zx\\a", "~zx", "CORP\\zx", "zx@CORP", "user=zx", "username: zx"] {
        let want = if text.contains(": ") { Possible } else { Probable };
        assert_eq!(best(Username, "zx", text), Some(want), "{text}");
    }
    settle();
}

#[test]
fn file_names() {
    for (text, want) in [
        ("anna_berg.pdf", Some(Probable)),
        ("cv-anna-berg.docx", Some(Probable)),
        ("Anna-Berg-notes.txt", Some(Probable)),
        ("Anna-Berg-cv.pdf", Some(Probable)),
        ("2026-03-02-Anna-Berg-Lebenslauf.pdf", Some(Probable)),
        ("anna-berg-2026.pdf", Some(Probable)),
        ("Anna-Berg-Strasse.txt", Some(Possible)),
        ("anna-berg-strasse.txt", Some(Possible)),
        ("Anna-Berg-Allee-5.txt", Some(Possible)),
        ("Anna-Berg-schule.txt", Some(Possible)),
        ("Anna-Berg-Larsen.pdf", Some(Possible)),
        ("anna-berg-larsen.pdf", Some(Possible)),
        ("Lena-Anna-Berg.pdf", Some(Possible)),
        ("Anna Berg-notes.txt", Some(Possible)),
        ("Anna.Berg.pdf", Some(Probable)),
        ("CV Anna Berg.pdf", Some(Probable)),
        ("anna_bergman.pdf", None),
    ] {
        assert_eq!(best_in(FullName, "Anna Berg", text, TextKind::FileName), want, "{text}");
    }
    for (text, want) in [
        ("anna.berg@corp.example.txt", Some(Probable)),
        ("anna.berg+x@corp.example.eml", Some(Probable)),
        ("anna.berg@corp.example.org.txt", None),
    ] {
        assert_eq!(best_in(Email, "anna.berg@corp.example", text, TextKind::FileName), want, "{text}");
    }
}

#[test]
fn ids_and_mailboxes_where_others_write_them() {
    let id = "712020:19da13d9-799f-49f9-94af-04a7162a3d6d";
    for (text, want) in [
        ("712020_19da13d9-799f-49f9-94af-04a7162a3d6d.json", Some(Possible)),
        ("712020-19da13d9-799f-49f9-94af-04a7162a3d6d", Some(Possible)),
        ("557058_19da13d9-799f-49f9-94af-04a7162a3d6d.json", None),
        ("712020_19da13d9-799f-49f9-94af-04a7162a3d6d0.json", None),
    ] {
        assert_eq!(best_in(IdentifierKind::AccountId, id, text, TextKind::FileName), want, "{text}");
    }
    for (text, want) in [
        ("mailbox iyildiz is full", Some(Possible)),
        ("account \"iyildiz\" locked", Some(Possible)),
        ("Postfach: iyildiz", Some(Possible)),
        ("the mailbox is full, iyildiz", None),
        ("mailbox iyildiz@other.example", None),
        ("mailbox iyildiz2", None),
    ] {
        assert_eq!(best(Email, "iyildiz@corp.example", text), want, "{text}");
    }
    for (text, want) in [
        ("{code:title=iyildiz.sh|borderStyle=solid}", Some(Probable)),
        ("filename=\"iyildiz.txt\"", Some(Probable)),
        ("see iyildiz.sh", Some(Possible)),
        ("title=iyildiz.example.org", Some(Possible)),
    ] {
        assert_eq!(best(Username, "iyildiz", text), want, "{text}");
    }
    for (text, want) in [
        ("asked Zoë X. about", Some(Possible)),
        ("ZOE X.", Some(Possible)),
        ("zoë x.", None),
        ("Zoë X", None),
        ("Zoë\u{a0}X.", Some(Possible)),
        ("Zoë Y.", None),
        ("Zoë. X.", None),
        ("Zoë Xander.", Some(Probable)),
    ] {
        assert_eq!(best(FullName, "Zoë Xander", text), want, "{text}");
    }
    for (number, text, want) in [
        ("+1 415 555 0137", "(415) 555-0137", Some(Possible)),
        ("+1 415 555 0137", "1-415-555-0137", Some(Probable)),
        ("(415) 555-0137", "+1 415 555 0137", Some(Possible)),
        ("+7 495 123 45 67", "8 (495) 123-45-67", Some(Possible)),
        ("+48 22 123 45 67", "22 123 45 67", Some(Possible)),
        ("+49 170 1234567", "0170 1234567", Some(Probable)),
        ("+1 415 555 0137", "555-0137", None),
        ("+1 415 555 0137", "+44 415 555 0137", None),
        ("+1 415 555 0137", "88 415 555 0137", None),
    ] {
        assert_eq!(best(IdentifierKind::Phone, number, text), want, "{number}: {text}");
    }
}

const PEOPLE: [(IdentifierKind, &str); 22] = [
    (FullName, "Anna Berg"),
    (FullName, "Anna Maria van den Berg"),
    (FullName, "Berg, Anna van den"),
    (FullName, "Jürgen Müller-Lüdenscheidt"),
    (FullName, "Hans-Peter Quandt"),
    (FullName, "Sean O'Brien"),
    (FullName, "Fiona McTavish"),
    (FullName, "Omar al-Masri"),
    (FullName, "Juan García López"),
    (FullName, "Jan Kowalski"),
    (FullName, "Pekka Virtanen"),
    (FullName, "Сидоров Иван Петрович"),
    (FullName, "Анна Чайковская"),
    (FullName, "Γιώργος Παπαδόπουλος"),
    (FullName, "田中 太郎"),
    (FullName, "김철수"),
    (FullName, "זואי כהן"),
    (FullName, "Nguyễn Thị Minh Khai"),
    (FullName, "Zoë"),
    (Email, "zoe.xander@gmail.com"),
    (Email, "anna@corp.example"),
    (Username, "jdoe"),
];

#[test]
fn what_is_listed_is_what_is_found() {
    for (kind, value) in PEOPLE {
        let subject = subject(kind, value);
        let matcher = Matcher::new(std::slice::from_ref(&subject)).unwrap();
        let all = variants(&subject);
        assert!((1..=150).contains(&all.len()), "{value}: {}", all.len());
        for v in &all {
            let text = format!("… {} …", v.spelling.reveal());
            let found = matcher.find(&text, Scope::Any);
            let best = found.iter().map(|m| m.strength).max();
            assert_eq!(best, Some(v.strength), "{value}: {} ({})", v.spelling.reveal(), v.reason);
            assert!(matcher.may_match(text.as_bytes()), "the prefilter loses {text:?}");
        }
        assert_eq!(all.iter().filter(|v| v.reason == Reason::AsGiven).count(), 1, "{value}");
    }
}

/// Slow and plain: whether `text` holds the words of `name` one after the other with single spaces, as words of their own.
fn plainly(name: &[&str], text: &str) -> bool {
    let words: Vec<String> = text.split(' ').map(str::to_lowercase).collect();
    let clean = |w: &str| w.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    words.windows(name.len()).any(|w| {
        w.iter().zip(name).enumerate().all(|(i, (w, n))| {
            let bound = if i + 1 == name.len() { w.trim_end_matches([',', '.', '!']) } else { w };
            let bound = if i == 0 { bound.trim_start_matches(['(', '"']) } else { bound };
            bound == *n && clean(bound) == *n
        })
    })
}

proptest! {
    /// Whatever words stand around and between: an exact spelling is found, and what is surely found spells all words.
    #[test]
    fn against_a_slow_search(words in prop::collection::vec(prop::sample::select(vec![
        "Anna", "Berg", "anna", "BERG", "Berg,", "Anna.", "(Anna", "Bergman", "Joanna", "and", "x", "A.", "Berg-Y", "Anna_Berg",
    ]), 1..8)) {
        let text = words.join(" ");
        let matcher = Matcher::new(&[subject(FullName, "Anna Berg")]).unwrap();
        let found = matcher.find(&text, Scope::Any);
        if plainly(&["anna", "berg"], &text) || plainly(&["berg", "anna"], &text) {
            prop_assert!(!found.is_empty(), "{}", text);
        }
        for m in &found {
            let seen = text[m.from..m.to].to_lowercase();
            prop_assert!(seen.contains("berg"), "{}", text);
            if m.strength > Possible {
                prop_assert!(seen.contains("anna"), "{}", text);
                let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
                prop_assert!(edge(text[..m.from].chars().next_back()) && edge(text[m.to..].chars().next()), "{}", text);
            }
        }
    }

    /// Hits are slices of the text and do not overlap, whatever stands there.
    #[test]
    fn hits_are_slices(text in "[ABabergn,.;\\-_>\n '’\u{ad}\u{200b}ÄäМмו田太@+~\\\\]{0,40}") {
        for (kind, value) in PEOPLE {
            let matcher = Matcher::new(&[subject(kind, value)]).unwrap();
            let found = matcher.find(&text, Scope::Any);
            for m in &found {
                prop_assert!(text.get(m.from..m.to).is_some_and(|s| !s.is_empty()));
            }
            for pair in found.windows(2) {
                prop_assert!(pair[0].to <= pair[1].from);
            }
        }
    }
}
