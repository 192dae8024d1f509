//! Excerpts with the reference hidden.

/// An excerpt with its middle hidden: of `text`, the bytes `from..to` become `…`, and at most `around` characters stay on
/// either side. The range is widened to whole characters, so that no part of what is hidden shows. Only as good as the
/// range: the caller masks every reference, of every subject, that lies in what stays.
#[must_use]
pub fn masked_excerpt(text: &str, from: usize, to: usize, around: usize) -> String {
    let down = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let up = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at += 1;
        }
        at
    };
    let (from, to) = (down(from), up(to.max(from)));
    let before: Vec<char> = text[..from].chars().rev().take(around).collect();
    let after: String = text[to..].chars().take(around).collect();
    let line = |c: char| if c.is_control() { ' ' } else { c };
    before.into_iter().rev().map(line).chain(['…']).chain(after.chars().map(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_hide_what_they_are_about() {
        let text = "dear Zoë Person,\nhello";
        assert_eq!(masked_excerpt(text, 5, 16, 6), "dear …,\u{20}hell");
        assert_eq!(masked_excerpt(text, 5, 8, 99), "dear … Person, hello", "half a character is hidden whole");
        assert_eq!(masked_excerpt("abc", 0, 99, 3), "…");
        assert_eq!(masked_excerpt("abc", 2, 1, 3), "ab…c");
    }
}
