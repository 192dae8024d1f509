use super::*;
use crate::config::Config;

fn sync(more: &str) -> Sync {
    let text = format!(
        "[home]\npath = \"home\"\n[instance.hq]\nurl = \"https://a.example\"\nflavor = \"datacenter\"\nauth = {{ token_env = \"A\" }}\n\
         [instance.p]\nurl = \"https://b.example\"\nflavor = \"datacenter\"\nauth = {{ token_env = \"B\" }}\n[sync.s]\n\
         source = {{ instance = \"hq\", project = \"HQ\" }}\ntarget = {{ instance = \"p\", project = \"PART\" }}\n{more}\n"
    );
    let config = Config::parse(&text, std::path::Path::new("efface.toml")).unwrap();
    config.syncs.into_values().next().unwrap()
}

fn kind(name: &str, subtask: bool, statuses: &[&str]) -> Type {
    Type { name: name.into(), subtask, statuses: statuses.iter().map(|s| (*s).to_owned()).collect() }
}

fn field(id: &str, wanted: bool) -> Field {
    Field { id: id.into(), name: format!("The {id}"), wanted }
}

fn seen() -> Seen {
    let list = |names: &[&str]| Ok(names.iter().map(|n| (*n).to_owned()).collect());
    let screen = ["summary", "description", "priority", "labels", "assignee", "reporter"];
    let screen: Vec<Field> = screen.into_iter().map(|f| field(f, f == "summary")).collect();
    Seen {
        source_types: Ok(vec![kind("Task", false, &["To Do", "Done"]), kind("Sub-task", true, &[])]),
        target_types: Ok(vec![kind("task", false, &["TO DO", "done"]), kind("Sub-task", true, &[])]),
        source_priorities: list(&["High", "Low"]),
        target_priorities: list(&["high", "low"]),
        fields: [("task".to_owned(), Ok(screen))].into(),
        source_may: Ok([("BROWSE_PROJECTS".to_owned(), true)].into()),
        target_may: Ok(permissions(&sync("")).into_iter().map(|(key, _)| (key.to_owned(), true)).collect()),
        strangers: Ok(Vec::new()),
    }
}

/// What is not ok, in a line each.
fn said(sync: &Sync, seen: &Seen) -> Vec<String> {
    let rows = fit(sync, seen).into_iter().filter(|r| r.fits != Fits::Ok);
    rows.map(|r| format!("{:?} {} {:?} {:?}", r.fits, r.what, r.source, r.target)).collect()
}

#[test]
fn what_fits_is_told_without_a_problem() {
    let s = sync("");
    assert_eq!(said(&s, &seen()), ["Note type \"Sub-task\" \"Sub-task\""], "a target's subtask type needs a parent");
    let fine = fit(&s, &seen()).into_iter().filter(|r| r.fits == Fits::Ok && r.what != "permission").count();
    assert_eq!(fine, 1 + 2 + 2 + 6);
    let mapped = sync("issue_types = { \"Sub-task\" = \"Task\" }");
    assert_eq!(said(&mapped, &seen()), ["Note type \"Sub-task\" \"Task\""]);
}

#[test]
fn what_does_not_fit_says_what_to_do() {
    let s = sync("issue_types = { Sub-task = \"Task\", Epos = \"Task\" }\nuser_map = { a = \"gone\", b = \"gone\" }");
    let mut seen = seen();
    seen.source_types = Ok(vec![kind("Task", false, &["To Do", "Frozen"]), kind("Bug", false, &["To Do"])]);
    seen.source_priorities = Ok(vec!["High".into(), "Blocker".into()]);
    seen.fields
        .insert("task".into(), Ok(vec![field("summary", true), field("team", true), field("description", false)]));
    seen.target_may = Ok([("ADD_COMMENTS".to_owned(), false), ("CREATE_ISSUES".to_owned(), true)].into());
    seen.strangers = Ok(vec!["gone".into()]);
    let said = said(&s, &seen);
    for want in [
        "Problem permission \"\" \"p/PART\"",
        "Problem user \"2 of user_map\" \"gone\"",
        "Problem priority \"Blocker\" \"Blocker\"",
        "Problem type \"Bug\" \"Bug\"",
        "Note type \"Epos\" \"\"",
        "Problem status \"Frozen (Task)\" \"Frozen (task)\"",
        "Problem field \"labels\" \"labels (task)\"",
        "Problem field \"\" \"The team (task)\"",
    ] {
        assert!(said.iter().any(|s| s == want), "{want} in {said:#?}");
    }
    let why = |what: &str| fit(&s, &seen).into_iter().find(|r| r.fits == Fits::Problem && r.what == what).unwrap().why;
    assert!(why("status").contains("[sync.s.statuses] \"Frozen\" = \"…\""), "{}", why("status"));
    assert!(why("priority").contains("[sync.s.priorities]") && why("permission").contains("ADD_COMMENTS"));
    // What is not carried is not asked for.
    let little = sync("fields = [\"summary\"]\nusers = \"drop\"");
    let problems: Vec<_> =
        fit(&little, &seen).into_iter().filter(|r| r.fits == Fits::Problem).map(|r| r.what).collect();
    assert_eq!(problems, ["user", "type", "field"], "the required team is still missing");
}

#[test]
fn what_could_not_be_read_is_said() {
    let mut silent = seen();
    silent.target_may = Ok(BTreeMap::new());
    let notes = fit(&sync(""), &silent).into_iter().filter(|r| r.fits == Fits::Note && r.what == "permission");
    assert_eq!(notes.count(), permissions(&sync("")).len(), "a server that says nothing of a permission");
    let mut seen = seen();
    seen.target_types = Err("forbidden".into());
    seen.target_priorities = Err("forbidden".into());
    seen.source_may = Err("no".into());
    let said = said(&sync(""), &seen);
    assert_eq!(said.iter().filter(|s| s.starts_with("Unread")).count(), 3, "{said:#?}");
}
