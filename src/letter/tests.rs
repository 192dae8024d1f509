use super::*;
use crate::{
    erasure::certificate::Stays,
    model::{Area, CaseId, CaseKind, CaseRecord, Coverage, CoverageStatus, Outcome, Place, RecordRef, RecordType},
    store::{Case, CaseState},
};

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn case() -> Case {
    Case {
        id: "C-01ARZ3NDEKTSV4RRFFQ69G5FAV".parse::<CaseId>().unwrap(),
        subject: "p-1".into(),
        kind: CaseKind::Erasure,
        state: CaseState::Verified,
        received: date("2026-11-02"),
        due: date("2026-12-02"),
        plan: None,
        record: CaseRecord::default(),
    }
}

fn reply(letter: Kind) -> Reply {
    let from =
        (Some("Example Corp".into()), Some("privacy@corp.example".into()), Some("Authority of Exampleland".into()));
    let letter = Reply::new(letter, &case(), date("2026-11-22"), from);
    Reply { extended_until: Some(date("2027-02-02")), ..letter }
}

fn stays(place: &str, record: RecordType, why: &str) -> Stays {
    Stays {
        place: place.parse().unwrap(),
        record: RecordRef::of_issue(record, "77", "SECRET-1"),
        field: "fromString".into(),
        outcome: Outcome::Residual,
        why: why.into(),
        who: Some("the Jira administrator".into()),
    }
}

#[test]
fn every_letter_says_what_the_law_wants() {
    for kind in Kind::ALL {
        let facts = reply(kind);
        for name in ["reply.txt", "reply.html"] {
            let text = Templates::default().render(name, &facts).unwrap();
            let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
            for want in [
                "C-01ARZ3NDEKTSV4RRFFQ69G5FAV",
                "2 November 2026",
                "22 November 2026",
                "Article 77 GDPR",
                "Article 79 GDPR",
                "Example Corp",
                "privacy@corp.example",
                "Authority of Exampleland",
            ] {
                assert!(flat.contains(want), "{want:?} is not in the letter {kind:?} ({name}):\n{text}");
            }
        }
    }
}

#[test]
fn a_part_that_stays_is_told_in_plain_words_and_counted() {
    let mut facts = reply(Kind::Partly);
    let left = [
        stays("target:partner/PART", RecordType::History, "Jira's history cannot be edited"),
        stays("target:partner/OTHER", RecordType::History, "Jira's history cannot be edited"),
        stays("target:partner/PART", RecordType::Issue, "the instance's mandate is to notify"),
    ];
    let done = vec![Done { place: "log files".into(), count: 3 }];
    let gap = Coverage::with_reason(Place::new(Area::Log, "log"), CoverageStatus::Partial, 0, 0, "no permission");
    facts.tell(done, &left, &[gap]);
    assert_eq!((facts.gone, facts.unread, facts.stays.len()), (3, 1, 2));
    for name in ["reply.txt", "reply.html"] {
        let text = Templates::default().render(name, &facts).unwrap();
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for want in ["3 references", "log files", "1 place could not be read in full", "the Jira administrator"] {
            assert!(flat.contains(want), "{want:?} is not in:\n{text}");
        }
        assert!(!flat.contains("SECRET-1") && !flat.contains("PART"), "no record, no project:\n{text}");
        assert!(!flat.contains("carried it out in full"));
        assert!(!flat.contains("searched everything"), "what was not read is not called searched:\n{text}");
    }
    let text = Templates::default().render("reply.txt", &facts).unwrap();
    assert!(
        text.contains("- 2 in the change history of issues: Jira's history cannot be edited\n  Who could"),
        "{text}"
    );
    assert!(text.lines().all(|l| l.chars().count() <= 80), "a letter fits on paper:\n{text}");
}

#[test]
fn what_is_not_configured_is_said() {
    let facts = Reply::new(Kind::Erased, &case(), date("2026-11-22"), (None, None, None));
    for name in ["reply.txt", "reply.html"] {
        let text = Templates::default().render(name, &facts).unwrap();
        let text = text.replace("default-src 'none'", "").replace("max-width: none", "");
        assert!(text.contains("is not configured]") && !text.contains("none"), "{text}");
    }
}

#[test]
fn markup_in_facts_is_escaped_in_html() {
    let mut facts = reply(Kind::Refused);
    facts.salutation = Some("Dear <script>alert(1)</script> & Co".into());
    facts.reason = Some("<b>\"because\"</b>".into());
    let html = Templates::default().render("reply.html", &facts).unwrap();
    assert!(html.contains("&lt;script&gt;") && !html.contains("<script"), "{html}");
    assert!(html.contains("&lt;b&gt;") && !html.contains("<b>"), "{html}");
    assert!(Templates::default().render("reply.txt", &facts).unwrap().contains("Dear <script>alert(1)</script> & Co"));
    // A template of one's own is escaped as well.
    let own = Templates::new([("reply.html".to_owned(), "{{ salutation }}".to_owned())].into(), "letters");
    assert!(!own.render("reply.html", &facts).unwrap().contains('<'));
}

#[test]
fn html_is_self_contained() {
    for kind in Kind::ALL {
        let page = Templates::default().render("reply.html", &reply(kind)).unwrap();
        for word in ["http://", "https://", "<script", "@import", "url(", "<link", "<img", " src="] {
            assert!(!page.contains(word), "{word} in the page");
        }
        assert!(page.contains("@page { size: A4"));
    }
}

fn wrong(name: &str, text: &str) -> LetterError {
    let own = [(name.to_owned(), text.to_owned())].into();
    Templates::new(own, "/etc/efface/letters/").render("reply.txt", &reply(Kind::Erased)).unwrap_err()
}

#[test]
fn a_wrong_template_is_told_with_file_and_line() {
    let e = wrong(
        "reply.txt",
        "Dear reader, recieved is no tag\n{# recieved #}\n{% if case %}\n  {{ recieved|day }}\n{% endif %}\n",
    );
    assert_eq!((e.file.as_str(), e.line), ("/etc/efface/letters/reply.txt", Some(4)), "{e}");
    assert!(e.what.contains("`recieved`") && e.what.contains("received"), "{e}");
    // In a branch that this letter does not take.
    let e = wrong("reply.txt", "x\n{% if letter == \"refused\" %}{{ resaon }}{% endif %}");
    assert_eq!(e.line, Some(2), "{e}");
    for (text, line) in [
        ("one\n{{ case.number }}", 2),
        ("one\n{% for s in done %}\n{{ s }}", 3),
        ("{{ case|shout }}", 1),
        ("one\n\n{% include \"nowhere.txt\" %}", 3),
    ] {
        let e = wrong("reply.txt", text);
        assert_eq!(e.line, Some(line), "{text:?}: {e}");
        assert!(e.to_string().starts_with("the letter's template /etc/efface/letters/reply.txt:"), "{e}");
    }
    let e = wrong("reply.txt", "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}");
    assert!(e.what.contains("does not come to an end"), "{e}");
}

#[test]
fn a_check_writes_every_letter() {
    Templates::default().check().unwrap();
    // Wrong in what only one letter, and only one with something in it, uses.
    for (name, text, line) in [
        ("reply.html", "{% if letter == \"identity\" %}\n{{ case.of }}{% endif %}", 2),
        ("reply.txt", "{% for s in stays %}{{ s.wy }}{% endfor %}", 1),
        ("notice.txt", "{{ case }}\n{% for a in asked %}\n{{ a.reason }}{% endfor %}", 3),
        ("notice.html", "{{ received }}", 1),
    ] {
        let own = Templates::new([(name.to_owned(), text.to_owned())].into(), "my");
        let e = own.check().unwrap_err();
        assert_eq!((e.file, e.line), (format!("my/{name}"), Some(line)), "{}", e.what);
    }
}

#[test]
fn own_templates_win_and_missing_ones_fall_back() {
    let own = Templates::new(
        [
            ("reply.txt".to_owned(), "Fall {{ case }}\n{% include \"foot.txt\" %}".to_owned()),
            ("foot.txt".to_owned(), "Gruß\n".to_owned()),
        ]
        .into(),
        "letters",
    );
    assert_eq!(own.render("reply.txt", &reply(Kind::Erased)).unwrap(), "Fall C-01ARZ3NDEKTSV4RRFFQ69G5FAV\nGruß\n");
    assert!(own.render("reply.html", &reply(Kind::Erased)).unwrap().contains("Article 77"));
    // What is included comes from the templates alone, never from a path.
    let out = Templates::new([("reply.txt".to_owned(), "{% include \"/etc/passwd\" %}".to_owned())].into(), "letters");
    assert!(out.render("reply.txt", &reply(Kind::Erased)).is_err());
}

#[test]
fn lines_are_broken_and_indented() {
    assert_eq!(wrap("one two three", 9, 2), "one two\n  three", "behind a mark of two characters");
    assert_eq!(wrap("one two three", 8, 2), "one\n  two\n  three");
    assert_eq!(wrap("a-very-long-word x", 4, 0), "a-very-long-word\nx");
    assert_eq!(wrap("  ", 4, 0), "");
    assert_eq!((day("2026-11-02T10:00:00Z"), day("soon")), ("2 November 2026".into(), "soon".into()));
}

#[test]
fn a_notice_has_one_line_a_record_and_a_content_of_its_own() {
    let asked = |field: &str| Asked {
        place: "target:partner/PART".into(),
        record: "issue PART-1".into(),
        fields: vec![field.into()],
        why: "not ours".into(),
    };
    let mut notice = Notice {
        schema: NOTICE_SCHEMA.into(),
        case: "C-1".into(),
        request: "erasure".into(),
        date: date("2026-11-22"),
        controller: None,
        contact: None,
        recipient: Recipient { name: "partner".into(), controller: "partner".into(), contact: None },
        done: Vec::new(),
        asked: vec![asked("summary"), asked("description"), asked("summary")],
        acknowledge_within: "2 weeks".into(),
    };
    notice.sort();
    assert_eq!(notice.asked.len(), 1);
    assert_eq!(notice.asked[0].fields, ["description", "summary"]);
    let content = notice.content();
    notice.date = date("2026-12-01");
    assert_eq!(notice.content(), content, "the day does not matter");
    for name in ["notice.txt", "notice.html"] {
        let text = Templates::default().render(name, &notice).unwrap();
        for want in ["PART-1", "description, summary", "not ours", "2 weeks", "is not configured]", "C-1"] {
            assert!(text.contains(want), "{want:?} not in {text}");
        }
    }
    notice.asked[0].fields.pop();
    assert_ne!(notice.content(), content);
}

#[test]
fn places_of_an_instance() {
    let lies = |place: &str| lies_in(&place.parse().unwrap(), &"partner".parse().unwrap());
    assert!(lies("target:partner/PART") && lies("source:partner/PART/settings"));
    assert!(!lies("target:partner2/PART") && !lies("staging:partner/new") && !lies("foreign:partner"));
}
