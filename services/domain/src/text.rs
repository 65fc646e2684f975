//! Comparing names that people wrote.

use unicode_normalization::UnicodeNormalization as _;

/// A name for comparison: trimmed, and the same for every spelling in capitals or small letters (`ß` as `ss`), whether a letter
/// is written whole or in parts (`u` and two dots).
pub(crate) fn folded(text: &str) -> String {
    // Down, up and down again: capital ẞ becomes ß, which only has SS above it.
    let composed: String = text.trim().nfc().collect();
    composed.to_lowercase().to_uppercase().to_lowercase()
}

/// The words of a text for comparison, folded: runs of letters and digits.
pub(crate) fn words(text: &str) -> Vec<String> {
    folded(text)
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_surrounding_space_do_not_matter() {
        assert_eq!(folded(" BÜRGERTELEFON\t"), folded("Bürgertelefon"));
        assert_eq!(folded("STRASSE"), folded("straße"));
        assert_eq!(folded("STRAẞE"), folded("straße"));
        assert_ne!(folded("Bürgertelefon"), folded("Burgertelefon"));
        assert_ne!(folded("Bürger telefon"), folded("Bürgertelefon"));
    }

    #[test]
    fn letters_in_parts_are_the_same_letters() {
        assert_eq!(folded("Mu\u{308}ller"), folded("Müller"));
    }

    #[test]
    fn words_are_what_stands_between_marks_and_blanks() {
        assert_eq!(
            words(" Straße, E-Mail (neu) 2026!"),
            ["strasse", "e", "mail", "neu", "2026"]
        );
        assert_eq!(words(" – "), [""; 0]);
    }
}
