//! Numbers and addresses within texts that nobody could read as records, such as lines of an export.
//!
//! A longer number that begins as another one does is somebody else's, as is an address that ends as another one does.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::numbers::Number;

/// Digits of a number without its country code that are enough to know it again beside other digits.
const TELLING_DIGITS: usize = 6;
/// Digits of a number in a text at most, with an international prefix.
const DIGITS_MAX: usize = 17;
/// Digits of an extension that stands behind its number without a blank, at most.
const EXTENSION_DIGITS_MAX: usize = 4;

/// Numbers and addresses to look for. Personal.
#[derive(Clone, Debug, Default)]
pub struct Traces {
    numbers: Vec<WantedNumber>,
    addresses: Vec<String>,
}

#[derive(Clone)]
struct WantedNumber {
    key: String,
    /// All digits behind country code and leading zero: where they are not, the number is not.
    telling: String,
    forms: BTreeSet<String>,
}

impl std::fmt::Debug for WantedNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<personal>")
    }
}

impl Traces {
    /// Of keys of numbers ([`Number::key`]) and addresses of mail.
    pub fn of<'k>(keys: impl IntoIterator<Item = &'k str>) -> Self {
        let (addresses, numbers): (Vec<&str>, Vec<&str>) =
            keys.into_iter().partition(|key| key.contains('@'));
        Self {
            numbers: numbers.into_iter().filter_map(WantedNumber::of).collect(),
            addresses: addresses.into_iter().map(str::to_lowercase).collect(),
        }
    }

    /// Those of them that stand in a text, in whatever spelling.
    pub fn in_text(&self, text: &str) -> BTreeSet<&str> {
        let mut found: BTreeSet<&str> = BTreeSet::new();
        if !self.addresses.is_empty() {
            let folded = text.to_lowercase();
            let addresses = self.addresses.iter().map(String::as_str);
            found.extend(addresses.filter(|address| address_is_in(address, &folded)));
        }
        if !self.numbers.is_empty() {
            for run in text.split(|letter: char| !belongs_to_a_run(letter)) {
                let digits: String = run.chars().filter(char::is_ascii_digit).collect();
                let may_be = self
                    .numbers
                    .iter()
                    .filter(|wanted| digits.contains(&wanted.telling));
                found.extend(
                    may_be
                        .filter(|wanted| wanted.is_in(run))
                        .map(|wanted| wanted.key.as_str()),
                );
            }
        }
        found
    }
}

impl WantedNumber {
    fn of(key: &str) -> Option<Self> {
        let digits: String = key.chars().filter(char::is_ascii_digit).collect();
        let national = digits
            .strip_prefix("49")
            .unwrap_or(&digits)
            .trim_start_matches('0');
        (!national.is_empty()).then(|| Self {
            key: key.to_owned(),
            telling: national.to_owned(),
            forms: Number::read(key).search_keys().into_iter().collect(),
        })
    }

    fn is_written(&self, text: &str) -> bool {
        let read = Number::read(text).search_keys();
        read.iter().any(|key| self.forms.contains(key))
    }

    /// Whether it is what a run of digits and signs means, or a part of what cannot be one number.
    fn is_in(&self, run: &str) -> bool {
        let run = run.trim_matches(|letter: char| "-‐‑–—−/. )\u{a0}".contains(letter));
        match Number::read(run) {
            Number::E164 { .. } | Number::Service(_) | Number::Internal(_) => self.is_written(run),
            Number::Doubtful(_) | Number::NotANumber(_) => self.is_written(run) || self.is_part_of(run),
        }
    }

    fn is_part_of(&self, run: &str) -> bool {
        let groups = digit_groups(run);
        (0..groups.len()).any(|first| {
            let mut digits = 0;
            (first..groups.len())
                .take_while(|last| {
                    digits += groups[*last].len();
                    digits <= DIGITS_MAX
                })
                .any(|last| self.is_between(run, &groups, first, last))
        })
    }

    fn is_between(&self, run: &str, groups: &[std::ops::Range<usize>], first: usize, last: usize) -> bool {
        let before = &run[first.checked_sub(1).map_or(0, |it| groups[it].end)..groups[first].start];
        let plus = before.rfind(['+', '＋']).map_or(before.len(), |at| at);
        let written = &run[groups[first].start - (before.len() - plus)..groups[last].end];
        let behind = groups
            .get(last + 1)
            .map(|next| (&run[groups[last].end..next.start], next.len()));
        let goes_on = behind.is_some_and(|(gap, digits)| !has_blank(gap) && digits <= EXTENSION_DIGITS_MAX);
        let stands_alone = (first == 0 || has_blank(before)) && behind.is_none_or(|(gap, _)| has_blank(gap));
        let digits = written.chars().filter(char::is_ascii_digit).count();
        let is_telling = self.telling.len() >= TELLING_DIGITS || stands_alone;
        is_telling && !goes_on && digits >= self.telling.len() && self.is_written(written)
    }
}

/// Bytes whose encoding nobody knows as text: UTF-8, else Windows-1252 as far as it is Latin-1.
pub fn as_text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
    }
}

fn has_blank(gap: &str) -> bool {
    gap.contains(char::is_whitespace)
}

fn digit_groups(run: &str) -> Vec<std::ops::Range<usize>> {
    let mut groups: Vec<std::ops::Range<usize>> = Vec::new();
    for (at, _) in run.match_indices(|letter: char| letter.is_ascii_digit()) {
        match groups.last_mut() {
            Some(last) if last.end == at => last.end = at + 1,
            _ => groups.push(at..at + 1),
        }
    }
    groups
}

fn belongs_to_a_run(letter: char) -> bool {
    letter.is_ascii_digit() || "+＋ -‐‑–—−/().\u{a0}".contains(letter)
}

/// Whether an address stands in a text in lower case, and not as the end or the beginning of another one.
fn address_is_in(address: &str, text: &str) -> bool {
    let of_user = |letter: char| letter.is_alphanumeric() || "._%+-".contains(letter);
    text.match_indices(address).any(|(at, _)| {
        let mut behind = text[at + address.len()..].chars();
        let goes_on = match behind.next() {
            Some('.') => behind.next().is_some_and(char::is_alphanumeric),
            Some(letter) => letter.is_alphanumeric() || letter == '-',
            None => false,
        };
        !text[..at].ends_with(of_user) && !goes_on
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stands(wanted: &str, text: &str) -> bool {
        let keys = Number::read(wanted).search_keys();
        let keys = match wanted.contains('@') {
            true => vec![wanted.to_lowercase()],
            false => keys,
        };
        !Traces::of(keys.iter().map(String::as_str))
            .in_text(text)
            .is_empty()
    }

    #[test]
    fn a_number_is_seen_in_any_spelling() {
        for line in [
            "1700000000|call|queue|NONE|ENTERQUEUE||+492214710123|1",
            "03.03.2025 09:00:12;Anruf eingehend;(0221) 47 10-123;",
            r#"{"caller":"0049 221 4710123"}"#,
            "PJSIP/02214710123-00000042",
            "+49 (0)221 4710123",
            "3 0221 4710123 2025",
            "2025-03-03 0221-4710-123",
            "x,492214710123,y",
        ] {
            assert!(stands("0221 4710123", line), "{line}");
        }
    }

    #[test]
    fn a_longer_number_is_somebody_else_s() {
        for line in [
            "a;0221 47101234;b",
            "a;+4922147101234;b",
            "a;0221 4710123-4;b",
            "03.03.2025 09:00:12;0221 4710124;",
            "2025-03-03 0221 4710123-45",
            "a;02234 2214710123;b",
        ] {
            assert!(!stands("0221 4710123", line), "{line}");
        }
        assert!(stands("0221 4710123-45", "2025-03-03 0221 4710123-45"));
    }

    #[test]
    fn a_short_number_stands_by_itself() {
        assert!(stands("115", "x;115;y"));
        assert!(!stands("115", "x;1150;y"));
        assert!(stands("115", "2025-03-03 115"));
        assert!(!stands("115", "03.115.2025"));
    }

    #[test]
    fn an_address_is_seen_whole() {
        for line in [
            "x,Erika@Example.org,y",
            "<erika@example.org>.",
            "mailto:erika@example.org?x",
        ] {
            assert!(stands("erika@example.org", line), "{line}");
        }
        for line in [
            "x,b.erika@example.org",
            "erika@example.org.uk",
            "erika@example.organic",
        ] {
            assert!(!stands("erika@example.org", line), "{line}");
        }
    }
}
