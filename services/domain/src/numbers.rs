//! Telephone numbers: what a number as delivered means, and the key under which it is found in any spelling.
//!
//! The telephone system's spelling stays what is stored. Nothing is guessed: a number that could be two different
//! ones is [`Number::Doubtful`].

use rlibphonenumber::{PhoneNumber, PhoneNumberFormat, Region};

/// Digits of an extension that is written behind a slash, at most.
const EXTENSION_DIGITS_MAX: usize = 4;
/// Digits of a number inside the house, at most. The shortest national numbers have more.
const INTERNAL_DIGITS_MAX: usize = 5;
/// Digits of a number with its country code, at most (E.164).
const E164_DIGITS_MAX: usize = 15;
/// Digits of a number with its area code, without the zero, at least: shorter ones may be local numbers.
const NATIONAL_DIGITS_MIN: usize = 10;
/// Words before an extension, in lower case and without a full stop.
const EXTENSION_WORDS: [&str; 9] = [
    "ext",
    "x",
    "dw",
    "durchwahl",
    "app",
    "apparat",
    "nst",
    "nebenstelle",
    "extension",
];
/// Short numbers with a fixed meaning: authorities, police, fire brigade. Those that begin with 116 are known by that.
const SERVICES: [&str; 3] = ["115", "110", "112"];

/// What a number as delivered is. Personal data: not for logs.
#[derive(Clone, PartialEq, Eq)]
pub enum Number {
    /// A subscriber's number.
    E164 {
        /// With `+` and country code, digits only.
        number: String,
        /// The digits behind it, if any were written as an extension.
        extension: Option<String>,
    },
    /// A service number, such as 115, 110, 116117: its digits.
    Service(String),
    /// A number inside the house: its digits.
    Internal(String),
    /// It may be one number or another, or none that exists: its digits, with the `+` if there was one.
    /// `4930…` may lack a `+`, or be a local number.
    Doubtful(String),
    /// An address or a name, in lower case.
    NotANumber(String),
}

impl std::fmt::Debug for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<personal, {}>", self.kind())
    }
}

impl Number {
    /// Reads a number as a German telephone system writes it.
    pub fn read(text: &str) -> Self {
        let text = text.trim();
        let text = strip_prefix_ignoring_case(text, "tel:").unwrap_or(text).trim();
        let text = number_in_sip(address_in_brackets(text).unwrap_or(text)).unwrap_or(text);
        let Some((written, extension)) = split_extension(text) else {
            return Self::NotANumber(folded(text));
        };
        let digits: String = written.chars().filter_map(ascii_digit).collect();
        if digits.is_empty() || !written.chars().all(belongs_to_a_number) {
            return Self::NotANumber(folded(text));
        }
        let plus = written.trim_start_matches(['(', ' ']).starts_with(['+', '＋']);
        let domestic = match plus {
            true => digits.strip_prefix("49"),
            false => digits.strip_prefix("0049").or(Some(digits.as_str())),
        };
        if let Some(service) = domestic.filter(|digits| is_service(digits)) {
            return Self::Service(service.to_owned());
        }
        if !plus && !digits.starts_with('0') {
            return match digits.len() {
                ..=INTERNAL_DIGITS_MAX if extension.is_none() => Self::Internal(digits),
                _ => Self::Doubtful(digits),
            };
        }
        if extension.is_none()
            && let Some((number, extension)) = number_and_slash(written)
        {
            return Self::E164 {
                number,
                extension: Some(extension),
            };
        }
        match subscriber(written) {
            Some(number) => Self::E164 { number, extension },
            None if plus => Self::Doubtful(format!("+{digits}")),
            None => Self::Doubtful(digits),
        }
    }

    /// The name in JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::E164 { .. } => "e164",
            Self::Service(_) => "service",
            Self::Internal(_) => "internal",
            Self::Doubtful(_) => "doubtful",
            Self::NotANumber(_) => "not_a_number",
        }
    }

    /// The same for every spelling; an extension does not matter, so that a search for the number finds it.
    pub fn key(&self) -> &str {
        match self {
            Self::E164 { number, .. } => number,
            Self::Service(key) | Self::Internal(key) | Self::Doubtful(key) | Self::NotANumber(key) => key,
        }
    }

    /// Every key that a search for this number has to look under: a number with its country code may have been
    /// delivered without the `+`, one with its area code without the zero, and the other way round.
    pub fn search_keys(&self) -> Vec<String> {
        let mut keys = vec![self.key().to_owned()];
        match self {
            Self::E164 { number, .. } => {
                keys.extend(number.strip_prefix('+').map(str::to_owned));
                let national = number.strip_prefix("+49").map(str::to_owned);
                keys.extend(national.filter(|digits| digits.len() >= NATIONAL_DIGITS_MIN));
            }
            Self::Doubtful(digits) if !digits.starts_with('+') => {
                keys.extend(subscriber(&format!("+{digits}")));
                if digits.len() >= NATIONAL_DIGITS_MIN && !digits.starts_with('0') {
                    keys.extend(subscriber(&format!("0{digits}")));
                }
            }
            _ => {}
        }
        keys
    }
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// The number in an address of SIP such as `sip:+49…@host`; none where its user is a name or a number inside a house.
fn number_in_sip(text: &str) -> Option<&str> {
    let address =
        strip_prefix_ignoring_case(text, "sip:").or_else(|| strip_prefix_ignoring_case(text, "sips:"))?;
    let user = address.split(['@', ';']).next()?;
    user.starts_with(['+', '0']).then_some(user)
}

/// The address behind a name, as in `"Meier" <sip:+49…@host>`.
fn address_in_brackets(text: &str) -> Option<&str> {
    let (_, address) = text.strip_suffix('>')?.rsplit_once('<')?;
    Some(address.trim())
}

fn folded(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ")
}

fn ascii_digit(letter: char) -> Option<char> {
    letter.is_ascii_digit().then_some(letter)
}

fn belongs_to_a_number(letter: char) -> bool {
    letter.is_ascii_digit() || letter.is_whitespace() || "+＋-‐‑–—−/().".contains(letter)
}

/// The number, and the digits behind a word that means extension. None if the text has other words.
fn split_extension(text: &str) -> Option<(&str, Option<String>)> {
    if let Some((number, extension)) = text.rsplit_once('#')
        && (1..=7).contains(&extension.len())
        && extension.bytes().all(|byte| byte.is_ascii_digit())
        && !number.contains(char::is_alphabetic)
    {
        return Some((number.trim_end(), Some(extension.to_owned())));
    }
    let Some(start) = text.find(char::is_alphabetic) else {
        return Some((text, None));
    };
    let (number, rest) = text.split_at(start);
    let end = rest
        .find(|letter: char| !letter.is_alphabetic())
        .unwrap_or(rest.len());
    let (word, extension) = rest.split_at(end);
    let extension = extension.trim_matches(|letter: char| letter.is_whitespace() || ".:=".contains(letter));
    let known = EXTENSION_WORDS.contains(&word.to_lowercase().as_str());
    let fits =
        !extension.is_empty() && extension.len() <= 7 && extension.bytes().all(|byte| byte.is_ascii_digit());
    let number = number.trim_end_matches([' ', ',', ';', '(']);
    (known && fits).then(|| (number, Some(extension.to_owned())))
}

fn is_service(digits: &str) -> bool {
    SERVICES.contains(&digits) || (digits.len() == 6 && digits.starts_with("116"))
}

/// `0211 4710 / 12`: a number that is one without the few digits behind its last slash.
fn number_and_slash(written: &str) -> Option<(String, String)> {
    let (number, extension) = written.rsplit_once('/')?;
    let extension = extension.trim();
    let few = (1..=EXTENSION_DIGITS_MAX).contains(&extension.len());
    if !few || !extension.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((subscriber(number)?, extension.to_owned()))
}

/// The number in E.164, if it is one by the numbering plan of its country.
fn subscriber(written: &str) -> Option<String> {
    let digits = written.chars().filter_map(ascii_digit).count();
    if digits > E164_DIGITS_MAX + 4 {
        return None;
    }
    let parsed = PhoneNumber::parse(written, Some(Region::DE)).ok()?;
    parsed
        .is_valid()
        .then(|| parsed.format_as(PhoneNumberFormat::E164).into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(kind: &str, key: &str, spellings: &[&str]) {
        for spelling in spellings {
            let number = Number::read(spelling);
            assert_eq!((number.kind(), number.key()), (kind, key), "{spelling}");
        }
    }

    #[test]
    fn every_spelling_of_a_number_is_the_same_number() {
        check(
            "e164",
            "+493023125562",
            &[
                "0049 30 23125 562",
                "+49 30 23125562",
                "+49 (0)30 23125-562",
                "030/23125562",
                "(030) 23 12 55 62",
                "030 – 23125.562",
                " tel:+49-30-23125562 ",
            ],
        );
        check("e164", "+33140205050", &["0033 1 40 20 50 50", "+33 1 40205050"]);
    }

    #[test]
    fn a_trunk_number_keeps_its_zero() {
        check(
            "e164",
            "+492118370",
            &["0211 837-0", "0211/8370", "+49 211 837-0"],
        );
    }

    #[test]
    fn an_extension_is_told_apart_and_does_not_hide_the_number() {
        for spelling in [
            "0211 8371001 ext. 12",
            "+49 211 8371001 x12",
            "0211 8371001, Durchwahl 12",
            "0211/8371001 App. 12",
            "0211 8371001 / 12",
        ] {
            let number = Number::read(spelling);
            let expected = Number::E164 {
                number: "+492118371001".to_owned(),
                extension: Some("12".to_owned()),
            };
            assert!(
                number == expected,
                "{spelling}: {} {}",
                number.kind(),
                number.key()
            );
        }
    }

    #[test]
    fn service_numbers_and_numbers_of_the_house_are_no_subscribers() {
        check("service", "115", &["115", "1 15", "+49 115", "0049115"]);
        check("service", "116117", &["116117", "116 117"]);
        check("service", "116116", &["116 116"]);
        check("service", "110", &["110"]);
        check("internal", "4711", &["4711", "47 11"]);
    }

    #[test]
    fn what_may_be_two_numbers_is_doubtful_and_found_as_either() {
        check("doubtful", "493023125562", &["493023125562", "49 30 23125 562"]);
        check("doubtful", "23125562", &["23125562"]);
        check("doubtful", "0000", &["0000"]);
        check("doubtful", "0302312556212345678901", &["0302312556212345678901"]);
        for (search, delivered) in [
            ("030 23125562", "493023125562"),
            ("493023125562", "+49 30 23125562"),
            ("0221 6543210", "2216543210"),
            ("2216543210", "+49 221 6543210"),
            ("0221 6543210", "\"Meier\" <sip:02216543210@tk.example>"),
            ("0221 6543210", "0221 65432 10 #3"),
        ] {
            let keys = Number::read(search).search_keys();
            assert!(
                keys.iter().any(|key| key == Number::read(delivered).key()),
                "{search}"
            );
        }
    }

    #[test]
    fn a_short_number_may_be_a_local_one_of_another_place() {
        let keys = Number::read("0221 12345").search_keys();
        assert!(!keys.iter().any(|key| key == Number::read("22112345").key()));
    }

    #[test]
    fn addresses_and_names_are_no_numbers() {
        check("not_a_number", "erika@example.org", &["Erika@Example.org"]);
        check("not_a_number", "amt 12 köln", &["Amt  12 Köln"]);
        check("not_a_number", "---", &["---"]);
        check("not_a_number", "sip:100@10.0.0.1", &["sip:100@10.0.0.1"]);
        check(
            "e164",
            "+492285554441",
            &[
                "sip:+492285554441@tk.example",
                "SIPS:02285554441@tk.example;user=phone",
            ],
        );
    }

    #[test]
    fn debug_shows_no_digit() {
        assert_eq!(format!("{:?}", Number::read("030 23125562")), "<personal, e164>");
    }

    proptest! {
        #[test]
        fn any_text_has_a_key_that_its_own_search_finds(text in "\\PC{1,40}") {
            prop_assume!(!text.trim().is_empty());
            let number = Number::read(&text);
            prop_assert!(number.search_keys().contains(&number.key().to_owned()));
        }

        #[test]
        fn a_key_is_a_fixed_point(text in "[0+][0-9 /()-]{3,20}") {
            let number = Number::read(&text);
            let again = Number::read(number.key());
            prop_assert_eq!(again.key(), number.key());
        }
    }
}
