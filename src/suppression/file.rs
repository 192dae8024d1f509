//! The guard over a file that would go out whole: its members, its text, its views.

use super::{
    FileVerdict, Guard,
    text::{self, Class},
};
use crate::extract::{Format, Limits, format, layout, leaves, views};

pub(super) fn check(guard: &Guard, name: &str, bytes: &[u8]) -> FileVerdict {
    let mut worst = FileVerdict::Clean;
    if guard.is_empty() {
        return worst;
    }
    let unread = leaves(name, bytes, &Limits::default(), &mut |leaf| {
        // The names of an archive's members are part of it; the file's own name is checked with its description.
        if leaf.member {
            worst = worst.max(text_verdict(guard, leaf.path));
        }
        worst = worst.max(match format(leaf.path, leaf.bytes) {
            Format::Json(_, text) | Format::JsonLines(_, text) => {
                let plain = views::json_unescaped(&text);
                text_verdict(guard, &text).max(plain.map_or(FileVerdict::Clean, |p| text_verdict(guard, p.text())))
            }
            Format::Text(_, text) => {
                let read = layout::view(&text);
                text_verdict(guard, &text).max(read.map_or(FileVerdict::Clean, |r| text_verdict(guard, r.text())))
            }
            _ if leaf.bytes.is_empty() || leaf.read => FileVerdict::Clean,
            Format::Packed(_) | Format::Zip | Format::Tar | Format::Ar | Format::Binary(_) => FileVerdict::Unread,
        });
    });
    if unread.is_empty() { worst } else { worst.max(FileVerdict::Unread) }
}

fn text_verdict(guard: &Guard, text: &str) -> FileVerdict {
    let worst = text::hits(guard, text).into_iter().map(|h| h.class).min();
    match worst {
        Some(Class::Certain) => FileVerdict::Certain,
        Some(Class::Name) => FileVerdict::Name,
        None => FileVerdict::Clean,
    }
}
