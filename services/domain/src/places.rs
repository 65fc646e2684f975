//! The places of North Rhine-Westphalia: postal code → municipality → district → district government.
//!
//! The table is built from named packages (`schemas/places/README.md`) and compiled in. A postal code may span
//! several municipalities; then it gives all of them, and no one may pick for the citizen.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::LazyLock;

use serde::Serialize;

use crate::text::folded;

const TABLE: &str = include_str!("../../../schemas/places/nrw.tsv");

static NRW: LazyLock<Places> = LazyLock::new(|| Places::parse(TABLE));

macro_rules! place_key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(&'static str);

        impl $name {
            /// The digits.
            pub fn as_str(self) -> &'static str {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.0)
            }
        }
    };
}

place_key! {
    /// The official municipality key (Amtlicher Gemeindeschlüssel), 8 digits.
    MunicipalityKey
}
place_key! {
    /// The official key of a district or independent city, 5 digits.
    DistrictKey
}
place_key! {
    /// The official key of a district government (Regierungsbezirk), 3 digits.
    GovernmentKey
}

impl MunicipalityKey {
    /// The key of the district that the municipality lies in.
    pub fn district(self) -> DistrictKey {
        DistrictKey(&self.0[..5])
    }

    /// The key of the district government that the municipality lies in.
    pub fn government(self) -> GovernmentKey {
        GovernmentKey(&self.0[..3])
    }
}

/// A town or municipality, with what it lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Municipality {
    /// Official key, 8 digits.
    pub key: MunicipalityKey,
    /// Name without additions such as "Stadt".
    pub name: &'static str,
    /// Name of the district (`Kreis Herford`, `Rhein-Sieg-Kreis`) or independent city (`Köln`).
    pub district: &'static str,
    /// Name of the district government, without the word: `Köln`.
    pub government: &'static str,
}

impl Municipality {
    /// Whether the municipality is a district of its own (kreisfreie Stadt).
    pub fn is_independent_city(&self) -> bool {
        self.key.as_str().ends_with("000")
    }
}

/// A district or independent city.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct District {
    /// Official key, 5 digits.
    pub key: DistrictKey,
    /// Name: `Kreis Herford`, `Rhein-Sieg-Kreis`, `Köln`.
    pub name: &'static str,
}

/// A district government (Bezirksregierung), for its Regierungsbezirk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Government {
    /// Official key, 3 digits.
    pub key: GovernmentKey,
    /// Name: `Köln`.
    pub name: &'static str,
}

/// The complete table of the state.
#[derive(Debug)]
pub struct Places {
    municipalities: Vec<Municipality>,
    districts: Vec<District>,
    governments: Vec<Government>,
    by_postal_code: HashMap<&'static str, Vec<Municipality>>,
}

impl Places {
    /// The table that is compiled in; read once.
    pub fn nrw() -> &'static Self {
        &NRW
    }

    /// The municipalities that a postal code belongs to, by key; empty for one that is not of the state, or is none.
    pub fn by_postal_code(&self, postal_code: &str) -> &[Municipality] {
        self.by_postal_code.get(postal_code).map_or(&[], Vec::as_slice)
    }

    /// All municipalities, by key.
    pub fn municipalities(&self) -> &[Municipality] {
        &self.municipalities
    }

    /// All districts and independent cities, by key.
    pub fn districts(&self) -> &[District] {
        &self.districts
    }

    /// All district governments, by key.
    pub fn governments(&self) -> &[Government] {
        &self.governments
    }

    /// The postal codes of the state with their municipalities, in no order.
    pub fn postal_codes(&self) -> impl Iterator<Item = (&'static str, &[Municipality])> {
        self.by_postal_code
            .iter()
            .map(|(code, municipalities)| (*code, municipalities.as_slice()))
    }

    /// A municipality by its key or its name; case does not matter.
    pub fn municipality(&self, key_or_name: &str) -> Option<&Municipality> {
        let wanted = folded(key_or_name);
        self.municipalities
            .iter()
            .find(|it| it.key.as_str() == wanted || folded(it.name) == wanted)
    }

    /// A district by its key or its name, with or without the word `Kreis`.
    pub fn district(&self, key_or_name: &str) -> Option<&District> {
        let wanted = folded(key_or_name);
        self.districts.iter().find(|it| {
            let name = folded(it.name);
            it.key.as_str() == wanted
                || name == wanted
                || name.strip_prefix("kreis ") == Some(wanted.as_str())
        })
    }

    /// A district government by its key or its name, with or without the word `Regierungsbezirk`.
    pub fn government(&self, key_or_name: &str) -> Option<&Government> {
        let wanted = folded(key_or_name);
        let wanted = wanted.strip_prefix("regierungsbezirk ").unwrap_or(&wanted);
        self.governments
            .iter()
            .find(|it| it.key.as_str() == wanted || folded(it.name) == wanted)
    }

    fn parse(table: &'static str) -> Self {
        let mut municipalities = BTreeMap::new();
        let mut districts = BTreeMap::new();
        let mut governments = BTreeMap::new();
        let mut by_postal_code: HashMap<&str, Vec<Municipality>> = HashMap::new();
        for row in table.lines().skip(1) {
            let (postal_code, municipality) = parse_row(row).expect("the committed table has five columns");
            let key = municipality.key;
            let (district, government) = (key.district(), key.government());
            municipalities.insert(key, municipality);
            districts.insert(
                district,
                District {
                    key: district,
                    name: municipality.district,
                },
            );
            governments.insert(
                government,
                Government {
                    key: government,
                    name: municipality.government,
                },
            );
            by_postal_code.entry(postal_code).or_default().push(municipality);
        }
        Self {
            municipalities: municipalities.into_values().collect(),
            districts: districts.into_values().collect(),
            governments: governments.into_values().collect(),
            by_postal_code,
        }
    }
}

fn parse_row(row: &'static str) -> Option<(&'static str, Municipality)> {
    let mut columns = row.split('\t');
    let postal_code = columns.next()?;
    let key = MunicipalityKey(columns.next().filter(|key| key.len() == 8 && key.is_ascii())?);
    let (name, district, government) = (columns.next()?, columns.next()?, columns.next()?);
    columns.next().is_none().then_some((
        postal_code,
        Municipality {
            key,
            name,
            district,
            government,
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(postal_code: &str) -> Vec<&'static str> {
        Places::nrw()
            .by_postal_code(postal_code)
            .iter()
            .map(|municipality| municipality.name)
            .collect()
    }

    #[test]
    fn the_table_is_complete() {
        let places = Places::nrw();
        assert_eq!(places.municipalities().len(), 396);
        assert_eq!(places.districts().len(), 53);
        assert_eq!(places.postal_codes().count(), 865);
        let governments: Vec<_> = places
            .governments()
            .iter()
            .map(|it| (it.key.as_str(), it.name))
            .collect();
        assert_eq!(
            governments,
            [
                ("051", "Düsseldorf"),
                ("053", "Köln"),
                ("055", "Münster"),
                ("057", "Detmold"),
                ("059", "Arnsberg")
            ]
        );
        assert_eq!(
            places
                .municipalities()
                .iter()
                .filter(|it| it.is_independent_city())
                .count(),
            22
        );
    }

    #[test]
    fn every_row_is_well_formed_sorted_and_consistent() {
        let rows: Vec<_> = TABLE.lines().skip(1).collect();
        assert!(rows.is_sorted());
        let mut by_key: HashMap<MunicipalityKey, Municipality> = HashMap::new();
        let mut districts: HashMap<DistrictKey, &str> = HashMap::new();
        for row in rows {
            let (postal_code, municipality) = parse_row(row).unwrap();
            assert!(
                postal_code.len() == 5 && postal_code.bytes().all(|byte| byte.is_ascii_digit()),
                "{row}"
            );
            assert!(
                municipality
                    .key
                    .as_str()
                    .bytes()
                    .all(|byte| byte.is_ascii_digit()),
                "{row}"
            );
            assert_eq!(
                *by_key.entry(municipality.key).or_insert(municipality),
                municipality
            );
            let district = municipality.key.district();
            assert_eq!(
                *districts.entry(district).or_insert(municipality.district),
                municipality.district
            );
        }
    }

    #[test]
    fn known_postal_codes() {
        let cologne = Places::nrw().by_postal_code("50667");
        assert_eq!(cologne.len(), 1);
        assert_eq!(cologne[0].key.as_str(), "05315000");
        assert_eq!(
            (cologne[0].name, cologne[0].district, cologne[0].government),
            ("Köln", "Köln", "Köln")
        );
        let siegburg = Places::nrw().by_postal_code("53721")[0];
        assert_eq!(
            (siegburg.name, siegburg.district),
            ("Siegburg", "Rhein-Sieg-Kreis")
        );
        assert_eq!(siegburg.key.district().as_str(), "05382");
        assert_eq!(siegburg.key.government().as_str(), "053");
        assert!(!siegburg.is_independent_city());
        assert_eq!(names("40213"), ["Düsseldorf"]);
        assert_eq!(names("52062"), ["Aachen"]);
        assert_eq!(names("33790"), ["Halle (Westf.)"]);
        assert_eq!(names("49525"), ["Lengerich"]);
        assert_eq!(Places::nrw().by_postal_code("48143")[0].government, "Münster");
        assert_eq!(Places::nrw().by_postal_code("33602")[0].government, "Detmold");
        assert_eq!(Places::nrw().by_postal_code("44135")[0].government, "Arnsberg");
    }

    #[test]
    fn postal_codes_that_span_municipalities_give_all_of_them() {
        assert_eq!(names("51467"), ["Köln", "Bergisch Gladbach"]);
        assert_eq!(names("40472"), ["Düsseldorf", "Ratingen"]);
        assert_eq!(names("33154"), ["Paderborn", "Salzkotten"]);
        assert_eq!(
            Places::nrw()
                .postal_codes()
                .filter(|(_, found)| found.len() > 1)
                .count(),
            7
        );
    }

    #[test]
    fn codes_of_other_states_and_nonsense_give_nothing() {
        // Berlin; Lengerich in the Emsland; Alsdorf on the Sieg; Neunkirchen in Saarland.
        for code in ["10115", "49838", "57518", "66538", "", "5066", "506677", "KÖLN"] {
            assert_eq!(names(code), [""; 0], "{code}");
        }
    }

    #[test]
    fn places_are_found_by_key_and_by_name() {
        let places = Places::nrw();
        assert_eq!(places.municipality("05315000"), places.municipality(" köln "));
        assert_eq!(places.district("05758"), places.district("Herford"));
        assert_eq!(places.district("Kreis Herford").unwrap().key.as_str(), "05758");
        assert_eq!(
            places.government("Regierungsbezirk Köln"),
            places.government("053")
        );
        assert!(places.municipality("Hamburg").is_none());
        assert!(places.district("Atlantis").is_none());
        assert!(places.government("05").is_none());
    }

    #[test]
    fn a_name_means_one_place() {
        let places = Places::nrw();
        for it in places.municipalities() {
            assert_eq!(places.municipality(it.name), Some(it));
        }
        for it in places.districts() {
            assert_eq!(places.district(it.name), Some(it));
            assert_eq!(places.district(it.name.trim_start_matches("Kreis ")), Some(it));
        }
    }
}
