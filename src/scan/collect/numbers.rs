//! Which issue numbers of a project were seen: a bit each, so that a hundred thousand issues take 12 KiB.

/// Numbers above this are not kept: a key like that is no running number.
const HIGHEST: u64 = 50_000_000;

/// A set of issue numbers.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    bits: Vec<u64>,
    highest: u64,
}

impl Numbers {
    /// Notes the number of a key.
    pub(super) fn insert(&mut self, key: &str) {
        let Some(n) = key.rsplit_once('-').and_then(|(_, n)| n.parse::<u64>().ok()).filter(|n| *n <= HIGHEST) else {
            return;
        };
        let (word, bit) = place(n);
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        self.bits[word] |= bit;
        self.highest = self.highest.max(n);
    }

    fn has(&self, n: u64) -> bool {
        let (word, bit) = place(n);
        self.bits.get(word).is_some_and(|w| w & bit != 0)
    }

    /// The highest number that was seen.
    pub(super) const fn highest(&self) -> u64 {
        self.highest
    }

    /// Numbers below the highest that were not seen.
    pub(super) fn missing(&self) -> impl Iterator<Item = u64> + '_ {
        (1..self.highest).filter(|n| !self.has(*n))
    }
}

fn place(n: u64) -> (usize, u64) {
    (usize::try_from(n / 64).unwrap_or(usize::MAX), 1 << (n % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_what_lies_below_the_highest_and_was_not_seen() {
        let mut numbers = Numbers::default();
        for key in ["HQ-1", "HQ-3", "HQ-70", "HQ-64", "HQ-x", "HQ-99999999999999999999", "HQ-60000000"] {
            numbers.insert(key);
        }
        assert_eq!(numbers.highest(), 70);
        let missing: Vec<u64> = numbers.missing().collect();
        assert_eq!(missing.len(), 66);
        assert!(missing.contains(&2) && missing.contains(&63) && !missing.contains(&64) && !missing.contains(&70));
    }
}
