//! Words of a map, found regardless of case, umlaut spelling and blanks.

use std::collections::HashMap;

/// Writes `text` into `folded` in the one spelling under which words are compared: lower case, `ä` as `ae`, `ß` as
/// `ss`, one blank between words, none around them.
pub(crate) fn fold(text: &str, folded: &mut String) {
    folded.clear();
    let text = text.trim();
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && !text.contains("  ") {
        folded.push_str(text);
        folded.make_ascii_lowercase();
        return;
    }
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        for letter in word.chars() {
            match letter {
                'A'..='Z' => folded.push(letter.to_ascii_lowercase()),
                'ä' | 'Ä' => folded.push_str("ae"),
                'ö' | 'Ö' => folded.push_str("oe"),
                'ü' | 'Ü' => folded.push_str("ue"),
                'ß' | 'ẞ' => folded.push_str("ss"),
                // A diaeresis of its own, as macOS writes umlauts.
                '\u{308}' => folded.push('e'),
                '\0'..='\x7f' => folded.push(letter),
                _ => folded.extend(letter.to_lowercase()),
            }
        }
    }
}

/// What words mean.
#[derive(Clone, Debug)]
pub(crate) struct WordMap<T> {
    meanings: HashMap<Box<str>, T>,
    /// A bit for each ASCII sign that a folded word begins with: most numbers need not be looked up.
    beginnings: u128,
}

impl<T> Default for WordMap<T> {
    fn default() -> Self {
        Self {
            meanings: HashMap::new(),
            beginnings: 0,
        }
    }
}

impl<T> WordMap<T> {
    /// Adds a word, and gives back what it meant before.
    pub(crate) fn insert(&mut self, word: &str, meaning: T) -> Option<T> {
        let mut folded = String::new();
        fold(word, &mut folded);
        if let Some(first) = folded.bytes().next().filter(u8::is_ascii) {
            self.beginnings |= 1 << first;
        }
        self.meanings.insert(folded.into(), meaning)
    }

    /// Takes over the words of another map, which win.
    pub(crate) fn extend(&mut self, other: Self) {
        self.beginnings |= other.beginnings;
        self.meanings.extend(other.meanings);
    }

    /// What a word means. `folded` is room to work in.
    pub(crate) fn get(&self, word: &str, folded: &mut String) -> Option<&T> {
        let first = word.trim_start().bytes().next()?.to_ascii_lowercase();
        if first.is_ascii() && self.beginnings & (1 << first) == 0 {
            return None;
        }
        fold(word, folded);
        self.meanings.get(folded.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_does_not_matter() {
        let mut words = WordMap::default();
        words.insert("Gewählte Adresse", 4);
        let mut folded = String::new();
        for word in [
            "gewaehlte  ADRESSE ",
            "GEWÄHLTE Adresse",
            "Gewa\u{308}hlte\u{a0}Adresse",
        ] {
            assert_eq!(words.get(word, &mut folded), Some(&4), "{word}");
        }
        assert_eq!(words.get("gewahlte adresse", &mut folded), None);
        assert_eq!(words.get("", &mut folded), None);
        words.insert("Ärzte", 5);
        for word in ["aerzte", "ÄRZTE", "A\u{308}RZTE"] {
            assert_eq!(words.get(word, &mut folded), Some(&5), "{word}");
        }
        words.insert("−", 6);
        assert_eq!(words.get(" −", &mut folded), Some(&6));
    }
}
