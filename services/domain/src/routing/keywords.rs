//! Keywords of rules, and how they are found in a concern.

use crate::text;

/// One word or several in a row; with `*` at its end the last one need only begin so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Keyword {
    written: String,
    words: Vec<String>,
    is_beginning: bool,
}

impl Keyword {
    /// Reads a keyword as configuration writes it. `None` if it has no word, or a `*` elsewhere than at its end.
    pub(super) fn read(written: &str) -> Option<Self> {
        let written = written.trim();
        let (stem, is_beginning) = match written.strip_suffix('*') {
            Some(stem) => (stem, true),
            None => (written, false),
        };
        let words = text::words(stem);
        let ends_in_a_word = stem.ends_with(char::is_alphanumeric);
        (!words.is_empty() && !stem.contains('*') && (ends_in_a_word || !is_beginning)).then(|| Self {
            written: written.to_owned(),
            words,
            is_beginning,
        })
    }

    /// As configuration writes it: never a text of a citizen.
    pub(super) fn as_written(&self) -> &str {
        &self.written
    }

    /// Whether the words of a concern hold it.
    pub(super) fn is_in(&self, concern: &[String]) -> bool {
        concern.windows(self.words.len()).any(|found| {
            let last = self.words.len() - 1;
            let last_fits = match self.is_beginning {
                true => found[last].starts_with(&self.words[last]),
                false => found[last] == self.words[last],
            };
            last_fits && found[..last] == self.words[..last]
        })
    }

    /// The concern that holds this keyword, and no other unless it has to.
    pub(super) fn least_concern(&self) -> Vec<String> {
        let mut words = self.words.clone();
        if let Some(last) = words.last_mut().filter(|_| self.is_beginning) {
            // A letter that no keyword goes on with.
            last.push('\u{2c1f}');
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(keyword: &str, concern: &str, expected: bool) {
        let keyword = Keyword::read(keyword).expect("a keyword");
        assert_eq!(
            keyword.is_in(&text::words(concern)),
            expected,
            "{keyword:?} in {concern}"
        );
    }

    #[test]
    fn a_keyword_is_a_whole_word_in_any_spelling_of_capitals() {
        check("Steuer", "Frage zur STEUER.", true);
        check("Steuer", "Frage zum Steuerbescheid", false);
        check("straße", "In der STRASSE, links", true);
        check("Steuer", "", false);
    }

    #[test]
    fn a_star_means_what_begins_so() {
        check("Steuer*", "mein Steuerbescheid", true);
        check("Steuer*", "die Steuer", true);
        check("Steuer*", "die Einkommensteuer", false);
    }

    #[test]
    fn several_words_stand_in_a_row() {
        check("blauer Engel", "Was ist der „Blaue(r) Engel“?", false);
        check("Blauer Engel", "ein blauer-engel", true);
        check("blauer eng*", "Blauer  Engelmann", true);
        check("blauer Engel", "Engel, blauer", false);
    }

    #[test]
    fn what_is_no_keyword_is_not_read() {
        for text in ["", "*", " ! ", "a*b", "a **", "a *"] {
            assert_eq!(Keyword::read(text), None, "{text}");
        }
    }
}
