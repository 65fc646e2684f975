//! Names that rows refer to by number.

use std::collections::{BTreeSet, HashMap};
use std::sync::{PoisonError, RwLock};

use deadpool_postgres::GenericClient;

use super::super::values::text;
use crate::StoreError;

/// The numbers of names, as far as this instance has met them. Names are only ever added.
pub(super) struct Dictionary {
    find: &'static str,
    add: &'static str,
    known: RwLock<HashMap<String, i32>>,
}

/// The numbers of the names that one unit of work needs.
pub(super) struct Numbers(HashMap<String, i32>);

impl Dictionary {
    pub(super) fn hotlines() -> Self {
        Self::new(
            "SELECT name, id FROM hotlines WHERE name = ANY($1)",
            "INSERT INTO hotlines (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING",
        )
    }

    pub(super) fn sources() -> Self {
        Self::new(
            "SELECT name, id FROM sources WHERE name = ANY($1)",
            "INSERT INTO sources (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING",
        )
    }

    pub(super) fn runs() -> Self {
        Self::new(
            "SELECT name, id FROM runs WHERE name = ANY($1)",
            "INSERT INTO runs (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING",
        )
    }

    fn new(find: &'static str, add: &'static str) -> Self {
        Self {
            find,
            add,
            known: RwLock::default(),
        }
    }

    /// The numbers of names; new ones are added. Outside of a transaction, so that nobody waits for one to end
    /// because of a new name, and a number that is remembered is there for good.
    pub(super) async fn learn(
        &self,
        client: &impl GenericClient,
        names: impl IntoIterator<Item = &str>,
    ) -> Result<Numbers, StoreError> {
        let (mut numbers, missing) = self.remembered(names);
        if missing.is_empty() {
            return Ok(numbers);
        }
        let found = self.number(client, missing).await?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.extend(found.clone());
        numbers.0.extend(found);
        Ok(numbers)
    }

    /// The numbers of names within a transaction. All of them were learnt by whoever first met them.
    pub(super) async fn numbers(
        &self,
        transaction: &impl GenericClient,
        names: impl IntoIterator<Item = &str>,
    ) -> Result<Numbers, StoreError> {
        let (mut numbers, missing) = self.remembered(names);
        if !missing.is_empty() {
            numbers.0.extend(self.number(transaction, missing).await?);
        }
        Ok(numbers)
    }

    fn remembered<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> (Numbers, Vec<String>) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut numbers = HashMap::new();
        let mut missing = Vec::new();
        for name in names.into_iter().collect::<BTreeSet<_>>() {
            let name = text(name).into_owned();
            match known.get(&name) {
                Some(number) => drop(numbers.insert(name, *number)),
                None => missing.push(name),
            }
        }
        (Numbers(numbers), missing)
    }

    async fn number(
        &self,
        client: &impl GenericClient,
        mut missing: Vec<String>,
    ) -> Result<HashMap<String, i32>, StoreError> {
        let find = client.prepare_cached(self.find).await?;
        let mut numbers = HashMap::new();
        for added in [false, true] {
            for row in client.query(&find, &[&missing]).await? {
                numbers.insert(row.get(0), row.get(1));
            }
            missing.retain(|name| !numbers.contains_key(name));
            if missing.is_empty() || added {
                break;
            }
            client.execute(self.add, &[&missing]).await?;
        }
        Ok(numbers)
    }
}

impl Numbers {
    /// The number of a name.
    pub(super) fn of(&self, name: &str) -> Result<i32, StoreError> {
        let number = self.0.get(&*text(name));
        number
            .copied()
            .ok_or_else(|| StoreError::Unavailable("a name was removed while it was being used".to_owned()))
    }
}
