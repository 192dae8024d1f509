use proptest::prelude::*;

use super::{super::marks::*, *};

/// What the search does at a byte that it does not pass over.
fn is_looked_at(bytes: &[u8], at: usize) -> bool {
    let b = bytes[at];
    match CLASS[usize::from(b)] {
        LETTER => true,
        ESCAPE => is_escape(bytes, at) || (b == b'=' && soft_break(bytes, at).is_some()),
        MARKUP => at > 0 && may_join(bytes[at - 1]) && !lone(b, bytes.get(at + 1)),
        _ => false,
    }
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(
        prop_oneof![
            "[a-z ]{0,90}".prop_map(String::into_bytes),
            "[A-Za-z0-9/+_\\\\-]{0,300}".prop_map(String::into_bytes),
            "[\\\\u%&=<>{}\\[\\]|*_+^~?\\-;#nNA4 \t\r\n\"é]{0,12}".prop_map(String::into_bytes),
            "\\PC{0,4}".prop_map(String::into_bytes),
            "[é ]{0,70}".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..80),
            (0..5000_usize).prop_map(|n| vec![b' '; n]),
            (4000..4200_usize).prop_map(|n| vec![b'a'; n]),
        ],
        0..8,
    )
    .prop_map(|parts| parts.concat())
}

/// Every two bytes with which something that hides a word may begin, however it goes on.
#[test]
fn whatever_may_be_looked_at_hides() {
    let tails = [
        "", "4", "b", "4b", "04b", "004b", "{4b}", "000004b", "n", ";", "b;", "mp;", "4;", "x4;", " \n", "\n", "\\n",
        "\\u004b",
    ];
    let mut looked_at = 0;
    for (b, behind) in (0..=0x7f).filter(|b| rare(*b)).flat_map(|b| (0..=0xff).map(move |behind| (b, behind))) {
        let looks = |tail: &str| is_looked_at(&[&[b, behind], tail.as_bytes()].concat(), 0);
        if let Some(tail) = tails.into_iter().find(|tail| looks(tail)) {
            looked_at += 1;
            assert!(hides(b, behind), "{:?} {:?} {tail:?}", char::from(b), char::from(behind));
        }
    }
    assert!(looked_at > 100, "{looked_at}");
}

fn heads(words: &[String], few: usize) -> Heads {
    Heads::new(&Words::new(words.iter().map(String::as_str)), few)
}

proptest! {
    #[test]
    fn nothing_that_would_be_looked_at_is_passed_over(
        bytes in any_bytes(),
        skips in prop::collection::vec(1..80_usize, 1..6),
    ) {
        let heads = heads(&[], 0);
        let mut sweep = Sweep::new(&bytes, &heads);
        let (mut at, mut n) = (0, 0);
        loop {
            while let Some(next) = sweep.suspect(at) {
                prop_assert!(next >= at);
                prop_assert!((at..next).all(|i| !is_looked_at(&bytes, i)), "{at}..{next}");
                // The search goes on behind what it looked at.
                at = next + skips[n % skips.len()];
                n += 1;
            }
            prop_assert!((at..sweep.end()).all(|i| !is_looked_at(&bytes, i)));
            at = at.max(sweep.end());
            if !sweep.advance() { break }
        }
        prop_assert!(at >= bytes.len());
    }

    #[test]
    fn both_ways_give_the_same(bytes in any_bytes(), words in prop::collection::vec("[a-z0-9]{1,4}", 0..12)) {
        let heads = heads(&words, 32);
        let mut sweep = Sweep::new(&bytes, &heads);
        loop {
            let count = (bytes.len() - sweep.base).div_ceil(BLOCK).min(BLOCKS + 1);
            let mut other = Sweep { blocks: [Block::default(); BLOCKS + 1], some: Marked::default(), doubtful: false, ..sweep };
            let mut state = State::new(&bytes, other.base);
            other.portable(&mut state, count);
            other.finish(&state, count);
            prop_assert_eq!(&sweep.blocks[..count], &other.blocks[..count]);
            prop_assert_eq!((sweep.some, sweep.doubtful, sweep.hides), (other.some, other.doubtful, other.hides));
            if !sweep.advance() { break }
        }
    }

    #[test]
    fn every_word_that_begins_so_and_every_long_run_is_met(
        bytes in any_bytes(),
        words in prop::collection::vec("[a-z0-9]{1,4}", 0..12),
        many in any::<bool>(),
    ) {
        let many = many && !words.is_empty();
        let heads = heads(&words, if many { 0 } else { 32 });
        let mut all: Vec<(usize, usize)> = Vec::new();
        for (i, _) in bytes.iter().enumerate().filter(|(_, b)| b.is_ascii_alphanumeric()) {
            match all.last_mut() {
                Some(last) if last.1 == i => last.1 = i + 1,
                _ => all.push((i, i + 1)),
            }
        }
        let runs: Vec<usize> =
            (0..bytes.len()).filter(|i| bytes.get(*i..*i + RUN).is_some_and(|w| w.iter().all(|b| in_run(*b)))).collect();
        let (mut met, mut found) = (Vec::new(), Vec::new());
        let mut sweep = Sweep::new(&bytes, &heads);
        let mut at = 0;
        loop {
            while let Some((from, to)) = sweep.word(at) {
                met.push((from, to));
                at = to;
            }
            let mut at = 0;
            while let Some((next, _)) = sweep.run(at) {
                found.push(next);
                at = next + 1;
            }
            if !sweep.advance() { break }
        }
        prop_assert!(met.iter().all(|word| all.contains(word)));
        for word in all {
            let begins = |at: usize| {
                let rest = bytes[at..word.1].to_ascii_lowercase();
                many || words.iter().any(|w| rest.starts_with(&w.as_bytes()[..w.len().min(2)]))
            };
            let after = |n: usize, with: &[u8]| word.0 >= 1 && word.0 + n < word.1 && with.contains(&bytes[word.0 - 1]) && begins(word.0 + n);
            if begins(word.0) || after(1, b"\\") || after(2, b"%=") {
                prop_assert!(met.contains(&word), "{word:?}");
            }
        }
        prop_assert_eq!(found, runs);
    }

    #[test]
    fn what_is_not_doubtful_is_utf8(bytes in any_bytes()) {
        let heads = heads(&[], 0);
        let mut sweep = Sweep::new(&bytes, &heads);
        let (mut sure, mut hides) = (!sweep.doubtful(), sweep.hides());
        while sweep.advance() {
            sure &= !sweep.doubtful();
            hides |= sweep.hides();
        }
        prop_assert!(!sure || std::str::from_utf8(&bytes).is_ok());
        prop_assert_eq!(hides, bytes.iter().any(|b| matches!(b, 0 | 0x1b)));
    }
}
