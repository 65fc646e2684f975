//! Personal data has types of its own, so that a log line or an error cannot show it by accident.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A text about a person. `Debug` shows only how long it is; the text itself is asked for with [`Personal::reveal`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Personal(String);

impl Personal {
    /// Wraps a text, trimmed of surrounding white space.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().trim().to_owned())
    }

    /// The text, for storing it, sending it to those who may have it, or comparing it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether nothing was given.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text with all but its last two characters hidden: enough to recognise, too little to know.
    pub fn masked(&self) -> String {
        let length = self.0.chars().count();
        if length <= 4 {
            return "•".repeat(length);
        }
        let tail: String = self.0.chars().skip(length - 2).collect();
        format!("{}{tail}", "•".repeat(length - 2))
    }
}

impl fmt::Debug for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<personal, {} characters>", self.0.chars().count())
    }
}

/// Who called or wrote: withheld by the caller, or a number or address as the telephone system delivered it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Caller {
    /// The caller suppressed the number.
    Withheld,
    /// The number or address as delivered.
    Given(Personal),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_character_of_the_text() {
        let shown = format!("{:?}", Caller::Given(Personal::new("0221 1234567")));
        assert_eq!(shown, "Given(<personal, 12 characters>)");
    }

    #[test]
    fn masking_leaves_two_characters() {
        assert_eq!(Personal::new("0221 1234567").masked(), "••••••••••67");
        assert_eq!(Personal::new("115").masked(), "•••");
    }
}
