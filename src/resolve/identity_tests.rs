use super::*;

fn person(instance: &str, key: Option<&str>, name: Option<&str>, email: Option<&str>, display: &str) -> Person {
    Person {
        instance: (!instance.is_empty()).then(|| instance.parse().unwrap()),
        key: key.map(str::to_owned),
        name: name.map(str::to_owned),
        email: email.map(str::to_owned),
        display: Some(display.to_owned()),
        current: true,
        active: Some(true),
        ..Person::default()
    }
}

fn cloud(instance: &str, id: &str, email: Option<&str>, display: &str) -> Person {
    Person { account_id: Some(id.to_owned()), ..person(instance, None, None, email, display) }
}

fn seen(place: &str) -> Seen {
    Seen { place: place.into(), record: String::new(), at: None }
}

fn roots(queries: &[&str]) -> Terms {
    let mut terms = Terms::default();
    for term in queries.iter().flat_map(|q| super::super::terms_of(q)) {
        terms.add(term);
    }
    terms
}

/// Kind, value, how sure, whether former.
fn items(proposal: &Proposal) -> Vec<(K, &str, Sure, bool)> {
    proposal.items.iter().map(|i| (i.kind, i.value.reveal().as_str(), i.sure, i.former)).collect()
}

#[test]
fn a_renamed_account_brings_its_key_and_its_former_names() {
    let now = person("hq", Some("JIRAUSER1"), Some("jdoe"), Some("jane@example.com"), "Jane Doe");
    let then = Person { current: false, ..person("hq", Some("JIRAUSER1"), Some("jmiller"), None, "Jane Miller") };
    let history = Person { current: false, ..person("hq", Some("JIRAUSER1"), None, None, "Jane M. Miller") };
    let elsewhere = Person { current: false, ..person("lab", Some("JIRAUSER1"), Some("bo"), None, "Bo Sand") };
    let evidence = Evidence {
        people: vec![
            (now, seen("hq: user search")),
            (then, seen("staging:a")),
            (history, seen("hq")),
            (elsewhere, seen("lab")),
        ],
        ..Evidence::default()
    };
    let proposal = propose(&roots(&["jane@example.com"]), &evidence, None);
    use Sure::Certain;
    assert_eq!(
        items(&proposal),
        [
            (K::UserKey, "JIRAUSER1", Certain, false),
            (K::Username, "jdoe", Certain, false),
            (K::Username, "jmiller", Certain, true),
            (K::Email, "jane@example.com", Certain, false),
            (K::FullName, "Jane Doe", Certain, false),
            (K::FullName, "Jane M. Miller", Certain, true),
            (K::FullName, "Jane Miller", Certain, true),
        ],
        "and nothing of the other instance's JIRAUSER1"
    );
    assert_eq!(proposal.items[0].seen.count(), 3);
}

#[test]
fn an_address_links_accounts_and_a_name_does_not() {
    let evidence = Evidence {
        people: vec![
            (person("hq", Some("k"), Some("aschmitt"), Some("a@hq.example"), "Anna Schmitt"), seen("hq")),
            (cloud("partner", "1", Some("A@hq.example"), "Schmitt, Anna"), seen("partner")),
            (cloud("partner", "2", Some("a@partner.example"), "Anna Schmitt"), seen("partner")),
            (cloud("lab", "3", None, "Anna Schmitt"), seen("lab")),
            (cloud("lab", "unknown", None, "Anna Schmitt"), seen("lab")),
        ],
        ..Evidence::default()
    };
    let proposal = propose(&roots(&["aschmitt"]), &evidence, None);
    let ids: Vec<_> = items(&proposal).into_iter().filter(|i| i.0 == K::AccountId).collect();
    assert_eq!(ids, [(K::AccountId, "1", Sure::Certain, false)]);
    let others: Vec<_> = proposal.accounts.iter().map(|a| (a.value(K::AccountId), a.apart)).collect();
    assert_eq!(
        others,
        [
            (Some("3"), "no e-mail address is shown: it may be the person's"),
            (None, "no e-mail address is shown: it may be the person's"),
            (Some("2"), "another account of an instance where the person has one"),
        ]
    );
    // Asked by the name that three have, nobody is proposed by the name alone.
    let proposal = propose(&roots(&["Anna Schmitt"]), &evidence, None);
    assert!(proposal.items.is_empty(), "{:?}", items(&proposal));
    assert_eq!(proposal.accounts.len(), 5);
}

#[test]
fn somebody_without_an_account_is_found_in_texts() {
    let term = |kind, value: &str| Term::new(kind, value);
    let jane = || term(K::Email, "jane@example.com");
    let evidence = Evidence {
        beside: vec![
            (jane(), term(K::FullName, "Jane Doe"), seen("hq/HQ")),
            (jane(), term(K::FullName, "Doe, Jane"), seen("foreign:x")),
            (jane(), term(K::Phone, "+49 170 1234567"), seen("hq/HQ")),
        ],
        texts: vec![(jane(), seen("hq/HQ")), (jane(), seen("hq/HQ"))],
        ..Evidence::default()
    };
    let proposal = propose(&roots(&["jane@example.com"]), &evidence, None);
    assert_eq!(
        items(&proposal),
        [
            (K::Email, "jane@example.com", Sure::Certain, false),
            (K::FullName, "Jane Doe", Sure::Possible, false),
            (K::Phone, "+49 170 1234567", Sure::Possible, false),
        ]
    );
    assert_eq!((proposal.items[0].seen.count(), proposal.items[1].seen.count()), (2, 2));
    let nobody = propose(&roots(&["nobody@example.com"]), &Evidence::default(), None);
    assert!(nobody.items.is_empty() && nobody.accounts.is_empty());
}

#[test]
fn what_a_person_excluded_is_not_proposed_again() {
    let evidence = Evidence {
        people: vec![
            (person("hq", Some("k"), Some("aschmitt"), Some("a@hq.example"), "Anna Schmitt"), seen("hq")),
            (person("hq", Some("k2"), Some("aschmitt2"), Some("a@partner.example"), "Anna Schmitt"), seen("hq")),
        ],
        ..Evidence::default()
    };
    let first = propose(&roots(&["a@hq.example"]), &evidence, None);
    assert_eq!(first.accounts.len(), 1);
    let name = first.items.iter().position(|i| i.kind == K::Username).unwrap();
    let mut anna = Subject::new(Personal::new("REQ-1".parse().unwrap()), "p".into(), Vec::new());
    anna.add_namesake(first.accounts[0].namesake());
    anna.reject(first.items[name].identifier(false));
    anna.learn(first.items[0].identifier(true));
    let again = propose(&roots(&["a@hq.example"]), &evidence, Some(&anna));
    assert_eq!((again.accounts.len(), again.excluded), (0, 2));
    assert!(!items(&again).iter().any(|i| i.1 == "aschmitt"), "{:?}", items(&again));
    assert!(again.items.iter().any(|i| i.kind == K::FullName), "the name is hers as well");
    assert_eq!(again.items[0].registered, Some(true));
}

#[test]
fn a_user_map_links_what_nothing_else_does() {
    let map = (("hq".parse().unwrap(), "jdoe".to_owned()), ("partner".parse().unwrap(), "557058:x".to_owned()));
    let evidence = Evidence {
        people: vec![
            (person("hq", Some("k"), Some("jdoe"), Some("jane@example.com"), "Jane Doe"), seen("hq")),
            (cloud("partner", "557058:x", None, "J. Doe"), seen("partner")),
        ],
        mapped: vec![map],
        ..Evidence::default()
    };
    let proposal = propose(&roots(&["jane@example.com"]), &evidence, None);
    assert!(items(&proposal).contains(&(K::AccountId, "557058:x", Sure::Probable, false)));
    assert!(proposal.to_ask().iter().any(|t| t.value == "557058:x"), "the mapped account is asked after");
    // A key that is no number is the first user name of its account; "Former user" is nobody's name.
    let old = person("hq", Some("jmiller"), Some("jdoe"), Some("jane@example.com"), "Former user");
    let evidence = Evidence { people: vec![(old, seen("hq"))], ..Evidence::default() };
    let proposal = propose(&roots(&["jane@example.com"]), &evidence, None);
    assert!(items(&proposal).contains(&(K::Username, "jmiller", Sure::Probable, true)));
    assert!(!proposal.items.iter().any(|i| i.kind == K::FullName));
}
