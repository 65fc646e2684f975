//! Values that are written as JSON into columns have only fields that `schemas/register/stored/json.toml` names.

use std::collections::{BTreeMap, BTreeSet};

use domain::erasure::ErasureOrder;
use domain::event::{CallEvent, Measured};
use domain::privacy::inventory::{Backend, Inventory};
use domain::record::{CallRecord, Doubt};
use domain::report::{CallbackLogged, RevisedRecord};
use domain::ticket::{AddedConcern, Booking, Course, Raised, Rectified, Schedule, Window};
use serde::Deserialize;
use serde::de::value::Error;
use serde::de::{Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;

use crate::packing::More;
use crate::ticket_columns::Details;

/// Reads nothing, but learns which fields a type would read.
struct Fields<'a>(&'a mut Option<(&'static str, &'static [&'static str])>);

impl<'de> Deserializer<'de> for Fields<'_> {
    type Error = Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = Some((name, fields));
        Err(Error::custom("only the fields are asked for"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("no struct"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map enum identifier ignored_any
    }
}

fn add<T: for<'de> Deserialize<'de>>(found: &mut BTreeMap<String, BTreeSet<String>>) {
    let mut fields = None;
    // It fails: there is nothing to read.
    let _ = T::deserialize(Fields(&mut fields));
    let (name, fields) = fields.expect("a struct with named fields");
    let fields = fields.iter().map(|&field| field.to_owned()).collect();
    found.insert(name.to_owned(), fields);
}

#[test]
fn every_field_of_values_in_columns_is_in_the_inventory() {
    let mut found = BTreeMap::new();
    add::<Details>(&mut found);
    add::<Schedule>(&mut found);
    add::<Window>(&mut found);
    add::<Booking>(&mut found);
    add::<Raised>(&mut found);
    add::<Course>(&mut found);
    add::<Rectified>(&mut found);
    add::<AddedConcern>(&mut found);
    add::<More>(&mut found);
    add::<CallEvent>(&mut found);
    add::<Measured>(&mut found);
    add::<RevisedRecord>(&mut found);
    add::<CallRecord>(&mut found);
    add::<Doubt>(&mut found);
    add::<CallbackLogged>(&mut found);
    add::<ErasureOrder>(&mut found);
    let faults = Inventory::built_in().compared("json", Backend::Sqlite, &found);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
