use proptest::prelude::*;

use super::*;
use crate::scan::json::tests::zoe;

fn asked(text: &str, group: &[Field<'_>], ids: bool) -> Vec<String> {
    says(text, group, ids, &zoe(), Scope::Any)
        .into_iter()
        .map(|s| {
            let pieces: Vec<&str> = s.spans.into_iter().map(|r| &text[r]).collect();
            format!("{:?} {:?} {}", s.strength, s.kind, pieces.join("+"))
        })
        .collect()
}

fn in_table(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    rows(text, false, |fields| out.extend(asked(text, fields, false)));
    out
}

fn in_xml(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    elements(text, |fields| out.extend(asked(text, fields, true)));
    out
}

#[test]
fn names_in_two_columns() {
    for (text, want) in [
        ("first_name,last_name\nAnna,Bergman\nZoe,Xander\n", vec!["Probable FullName Zoe+Xander"]),
        ("id;Nachname;Vorname\n1;\"Xander\";\"Zoë\"\r\n", vec!["Probable FullName Xander+Zoë"]),
        ("First Name\tE-Mail\tLast Name\nZoe\tzoe.x@corp.example\tXander\n", vec!["Probable FullName Zoe+Xander"]),
        ("first_name,last_name,email\nZoe,Xander,other@corp.example\n", vec!["Possible FullName Zoe+Xander"]),
        ("first_name,last_name,note\nMary Zoe,Xander,x\n", vec![]),
        ("1,Zoe,Xander\n2,Anna,Bergman\n", vec!["Possible FullName Zoe+Xander"]),
        ("\"a\nb\",Xander,Zoe\n2,Anna,Bergman\n", vec!["Possible FullName Xander+Zoe"]),
        ("a,b,email\n1,2,x@y.example\nZoe,Xander,-\n", vec!["Possible FullName Zoe+Xander"]),
        // An initial beside the family name points too.
        (
            "a,b,email\n1,2,x@y.example\nZoe,Xander,z\n",
            vec!["Possible FullName Zoe+Xander", "Possible FullName Xander+z"],
        ),
        ("we met Zoe, Xander came\nlater\n", vec![]),
        ("", vec![]),
    ] {
        assert_eq!(in_table(text), want, "{text}");
    }
}

#[test]
fn jiras_own_export() {
    for (text, want) in [
        (
            "<User id=\"1\" lowerUserName=\"zxan\" firstName=\"Zoë\" lastName=\"Xander\" emailAddress=\"zoe.x@corp.example\"/>",
            vec!["Certain Username zxan", "Certain Email zoe.x@corp.example", "Probable FullName Zoë+Xander"],
        ),
        ("<Action id=\"2\" author=\"JIRAUSER10100\" type=\"comment\">", vec!["Certain UserKey JIRAUSER10100"]),
        ("<a><author>zxan</author> <x/></a>", vec!["Certain Username zxan"]),
        ("<o:a><o:author><![CDATA[zxan]]></o:author></o:a>", vec!["Certain Username zxan"]),
        (
            "<p><firstName>Zo&#235;</firstName>\n<lastName>Xander</lastName></p>",
            vec!["Probable FullName Zo&#235;+Xander"],
        ),
        ("<p><firstName>Zoe</firstName> and <lastName>Xander</lastName></p>", vec![]),
        ("<p title='zxan' é <b", vec![]),
    ] {
        assert_eq!(in_xml(text), want, "{text}");
    }
}

#[test]
fn roles() {
    for (name, want) in [
        ("First Name", Some(Role::First)),
        ("lowerLastName", Some(Role::Last)),
        ("user.given_name", Some(Role::First)),
        ("surname", Some(Role::Last)),
        ("middle-name", Some(Role::Middle)),
        ("name", None),
        ("filename", None),
        ("last", Some(Role::Last)),
        ("lastUpdated", None),
    ] {
        assert_eq!(role(name), want, "{name}");
    }
}

proptest! {
    #[test]
    fn never_panics_and_stays_inside(text in "[<>/a-c=\"' é,;\t\n\r|\\[!CDAT\\]]{0,80}") {
        let inside = |fields: &[Field<'_>]| fields.iter().all(|f| text.get(f.span.clone()).is_some());
        let mut all = true;
        elements(&text, |fields| all &= inside(fields));
        rows(&text, true, |fields| all &= inside(fields));
        prop_assert!(all);
    }
}
