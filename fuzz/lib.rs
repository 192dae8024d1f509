//! What the fuzz targets share: an invented person to look for.

use std::sync::LazyLock;

use efface::{
    model::{Area, Identifier, IdentifierKind, Personal, Place, RecordRef, Subject},
    scan::Context,
    subject::Matcher,
};

/// A matcher for one invented person; its spellings are in `words.dict`.
pub static ZOE: LazyLock<Matcher> = LazyLock::new(|| {
    let identifiers = [
        (IdentifierKind::Email, "zoe.x@corp.example"),
        (IdentifierKind::FullName, "Zoë Xander"),
        (IdentifierKind::Username, "zxan"),
        (IdentifierKind::UserKey, "JIRAUSER10100"),
        (IdentifierKind::AccountId, "557058:0a1b2c3d-9f"),
    ];
    let subject = Subject::new(Personal::new("zoe".parse().expect("a key")), "s-1".into(), identifiers
            .map(|(kind, value)| Identifier {
                kind,
                value: Personal::new(value.to_owned()),
                instance: None,
                confirmed: true,
            })
            .into());
    Matcher::new(&[subject]).expect("a matcher")
});

/// A foreign folder's file.
pub fn context(name: &str) -> Context {
    Context::new(Place::new(Area::Foreign, "fuzz"), RecordRef::file(name))
}
