//! Sentences about people: pieces of text, names, e-mails and mentions, written as ADF or as wiki markup.

use serde_json::{Value, json};

use crate::sandbox::{
    rng::Rng,
    state::{UserIx, World},
};

/// A piece of a sentence.
pub(super) enum Piece {
    Text(String),
    Mention(UserIx),
}

/// What the issues are about.
pub(super) const TOPICS: &[&str] = &[
    "Invoice shows the wrong address",
    "Export stops at row 1000",
    "Password reset mail is late",
    "Portal rejects umlauts in names",
    "Credit note without a number",
    "Contract data differs between systems",
    "Slow search in the archive",
    "Login loop after the update",
    "Delivery note is printed twice",
    "Report lists closed accounts",
    "Upload of scans fails",
    "Phone number is cut off",
];

/// Labels.
pub(super) const LABELS: &[&str] = &["billing", "portal", "customer", "urgent", "q3", "data-quality"];

const PLAIN: &[&str] = &[
    "Seen again this morning, nothing new in the logs.",
    "The fix is on the test system.",
    "Please close if nobody objects.",
    "Works with the old template.",
    "Moved to the next sprint.",
    "The customer can wait until Monday.",
];

/// A sentence; every second one is about somebody.
pub(super) fn sentence(world: &World, rng: &mut Rng, someone: UserIx) -> Vec<Piece> {
    let user = world.user(someone);
    let name = user.display_name.as_str();
    let email = user.email.as_deref().unwrap_or("nobody@hq.example");
    let text = |s: String| Piece::Text(s);
    match rng.below(8) {
        0 => vec![text("Hello ".into()), Piece::Mention(someone), text(", can you have a look?".into())],
        1 => vec![text(format!("Reported by {name} on the phone."))],
        2 => vec![text(format!("Please send the result to {email} until Friday."))],
        3 => vec![
            text(format!("{name} <{email}> confirmed it; ")),
            Piece::Mention(someone),
            text(" has the screenshots.".into()),
        ],
        _ => vec![text((*rng.pick(PLAIN)).to_owned())],
    }
}

/// Paragraphs as rich text of the world's flavour.
pub(super) fn rich(world: &World, paragraphs: &[Vec<Piece>]) -> Value {
    if !world.is_cloud() {
        let lines: Vec<String> = paragraphs
            .iter()
            .map(|p| {
                p.iter()
                    .map(|piece| match piece {
                        Piece::Text(t) => t.clone(),
                        Piece::Mention(u) => format!("[~{}]", world.user(*u).name),
                    })
                    .collect()
            })
            .collect();
        return lines.join("\n\n").into();
    }
    let content: Vec<Value> = paragraphs
        .iter()
        .map(|p| {
            let inline: Vec<Value> = p
                .iter()
                .map(|piece| match piece {
                    Piece::Text(t) => json!({ "type": "text", "text": t }),
                    Piece::Mention(u) => {
                        let user = world.user(*u);
                        json!({ "type": "mention",
                                "attrs": { "id": user.id, "text": format!("@{}", user.display_name), "accessLevel": "" } })
                    }
                })
                .collect();
            json!({ "type": "paragraph", "content": inline })
        })
        .collect();
    json!({ "type": "doc", "version": 1, "content": content })
}
