//! Invented citizens: names made up of lists, places of the state, and telephone numbers that the Bundesnetzagentur keeps
//! free for films.

use domain::ids::{AgentName, CallId, HotlineName};
use domain::personal::{Caller, Personal};

use crate::arrivals::utc;
use crate::call::SimulatedCallback;
use crate::dice::Dice;

/// Ranges kept free for drama: prefix without the leading zero, and how many digits follow.
const DRAMA_RANGES: [(&str, u32); 8] = [
    ("3023125", 3),
    ("6990009", 3),
    ("4066969", 3),
    ("2214710", 3),
    ("2214710", 3),
    ("8999998", 3),
    ("17139200", 2),
    ("17604069", 3),
];
/// A single mobile number kept free for drama.
const DRAMA_MOBILE: &str = "1729925904";

const FIRST_NAMES: [&str; 16] = [
    "Anneliese",
    "Bülent",
    "Christa",
    "Dariusz",
    "Elif",
    "Friedhelm",
    "Gülay",
    "Heinz",
    "Ines",
    "Jörg",
    "Katarzyna",
    "Lars",
    "Mehmet",
    "Nadine",
    "Ömer",
    "Ursula",
];
const NAMES: [&str; 18] = [
    "Albers",
    "Brüggemann",
    "Çelik",
    "Dörfler",
    "Engels",
    "Fassbender",
    "Große-Venhaus",
    "Hülsmann",
    "Jansen",
    "Kowalski",
    "Lütkenhaus",
    "Müller",
    "Nowak",
    "Öztürk",
    "Pütz",
    "Schmitz",
    "Weiß",
    "Yılmaz",
];
const STREETS: [&str; 10] = [
    "Ahornweg",
    "Bahnhofstraße",
    "Dorfstraße",
    "Erlenweg",
    "Gartenstraße",
    "Hauptstraße",
    "Kirchplatz",
    "Lindenallee",
    "Mühlenweg",
    "Schulstraße",
];
const PLACES: [(&str, &str); 20] = [
    ("33098", "Paderborn"),
    ("33602", "Bielefeld"),
    ("40213", "Düsseldorf"),
    ("41061", "Mönchengladbach"),
    ("42103", "Wuppertal"),
    ("44135", "Dortmund"),
    ("44787", "Bochum"),
    ("45127", "Essen"),
    ("45879", "Gelsenkirchen"),
    ("46045", "Oberhausen"),
    ("47051", "Duisburg"),
    ("47798", "Krefeld"),
    ("48143", "Münster"),
    ("50667", "Köln"),
    ("52062", "Aachen"),
    ("53111", "Bonn"),
    ("57072", "Siegen"),
    ("58095", "Hagen"),
    ("59065", "Hamm"),
    ("59821", "Arnsberg"),
];
const CONCERNS: [&str; 10] = [
    "Bittet um Rückruf zu einem Bescheid, den sie nicht versteht.",
    "Fragt, welche Unterlagen für den Antrag noch fehlen.",
    "Möchte wissen, wann mit einer Antwort auf das Schreiben zu rechnen ist.",
    "Frage zur Fristverlängerung; die Frist läuft bald ab.",
    "Möchte eine Adressänderung mitteilen und fragt nach dem Weg.",
    "Beschwert sich über eine lange Bearbeitungszeit und bittet um eine Auskunft zum Stand.",
    "Fragt nach der zuständigen Stelle und einem Termin.",
    "Das Formular im Internet lässt sich nicht absenden; bittet um Hilfe.",
    "Möchte Widerspruch einlegen und fragt nach Form und Frist.",
    "Bittet um Zusendung einer Broschüre in leichter Sprache.",
];

/// A person that calls or writes.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) salutation: &'static str,
    pub(crate) first_name: &'static str,
    pub(crate) name: &'static str,
}

/// Somebody.
pub(crate) fn person(dice: &mut Dice) -> Person {
    let salutation = dice.one_of(&["Frau", "Herr", ""]);
    Person {
        salutation,
        first_name: dice.one_of(&FIRST_NAMES),
        name: dice.one_of(&NAMES),
    }
}

/// A callback request: a way to reach the citizen and a concern always, the other fields as citizens tell them.
pub(crate) fn callback(
    dice: &mut Dice,
    logged_at: i64,
    call_id: CallId,
    hotline: HotlineName,
    agent: AgentName,
    caller: Option<&Caller>,
) -> SimulatedCallback {
    let person = person(dice);
    let (street, house_number, postal_code, town) = address(dice);
    let by_mail_only = dice.chance(0.12);
    let email = (by_mail_only || dice.chance(0.25)).then(|| mail_address(dice, &person));
    let phone = match caller {
        _ if by_mail_only => None,
        Some(Caller::Given(number)) => Some(number.clone()),
        _ => Some(Personal::new(telephone_number(dice))),
    };
    let has_address = dice.chance(0.3);
    let knows_town = has_address || dice.chance(0.75);
    let told = |told: bool, text: &str| (told && !text.is_empty()).then(|| Personal::new(text));
    SimulatedCallback {
        at: utc(logged_at),
        call_id,
        hotline,
        agent,
        salutation: told(true, person.salutation),
        name: told(true, person.name),
        first_name: told(dice.chance(0.8), person.first_name),
        email: email.map(Personal::new),
        street: told(has_address, street),
        house_number: told(has_address, &house_number),
        postal_code: told(knows_town, postal_code),
        town: told(knows_town, town),
        phone,
        concern: Personal::new(concern(dice)),
    }
}

/// Street, house number, postal code and town.
fn address(dice: &mut Dice) -> (&'static str, String, &'static str, &'static str) {
    let suffix = if dice.chance(0.1) { "a" } else { "" };
    let house_number = format!("{}{suffix}", 1 + dice.below(140));
    let (postal_code, town) = dice.one_of(&PLACES);
    (dice.one_of(&STREETS), house_number, postal_code, town)
}

/// What somebody wants to be called back for.
fn concern(dice: &mut Dice) -> &'static str {
    dice.one_of(&CONCERNS)
}

/// A fictitious number without its leading zero.
fn drama_number(dice: &mut Dice) -> String {
    if dice.chance(0.02) {
        return DRAMA_MOBILE.to_owned();
    }
    let (prefix, digits) = dice.one_of(&DRAMA_RANGES);
    // 0176 040690xx has one free digit less than its range would.
    let free = if prefix == "17604069" {
        dice.below(100)
    } else {
        dice.below(10_usize.pow(digits))
    };
    format!("{prefix}{free:0width$}", width = digits as usize)
}

/// A number in E.164.
pub(crate) fn telephone_number(dice: &mut Dice) -> String {
    format!("+49{}", drama_number(dice))
}

/// Who calls, in the spellings that telephone systems deliver.
pub(crate) fn caller(dice: &mut Dice, withheld_share: f64) -> Caller {
    if dice.chance(withheld_share) {
        return Caller::Withheld;
    }
    let number = drama_number(dice);
    let spelling = dice.unit();
    Caller::Given(Personal::new(match spelling {
        _ if spelling < 0.9 => format!("+49{number}"),
        _ if spelling < 0.95 => format!("0{number}"),
        _ => format!("0049{number}"),
    }))
}

/// An e-mail address under a domain that is reserved for examples.
pub(crate) fn mail_address(dice: &mut Dice, person: &Person) -> String {
    let plain = |text: &str| -> String {
        let letters = text.to_lowercase();
        letters
            .replace('ä', "ae")
            .replace('ö', "oe")
            .replace('ü', "ue")
            .replace('ß', "ss")
            .replace('ç', "c")
            .replace('ı', "i")
    };
    let host = dice.one_of(&["example.org", "example.com", "example.net"]);
    format!(
        "{}.{}{}@{host}",
        plain(person.first_name),
        plain(person.name),
        dice.below(100)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Stream;

    #[test]
    fn every_number_is_kept_free_for_drama() {
        let mut dice = Dice::from_parts(1, 1, Stream::People);
        for _ in 0..2000 {
            let number = telephone_number(&mut dice);
            let free = [
                "+493023125",
                "+496990009",
                "+494066969",
                "+492214710",
                "+498999998",
            ]
            .iter()
            .any(|prefix| number.starts_with(prefix) && number.len() == prefix.len() + 3);
            let mobile = (number.starts_with("+4917139200") && number.len() == 13)
                || (number.starts_with("+49176040690") && number.len() == 14)
                || number == "+491729925904";
            assert!(free || mobile, "{number}");
        }
    }

    #[test]
    fn an_address_is_plain_ascii_under_a_reserved_domain() {
        let mut dice = Dice::from_parts(1, 1, Stream::People);
        for _ in 0..200 {
            let person = person(&mut dice);
            let address = mail_address(&mut dice, &person);
            assert!(address.is_ascii() && address.contains("@example."), "{address}");
        }
    }
}
