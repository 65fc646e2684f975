//! Restarts of Asterisk, seen from the unique ids of its channels.

use std::collections::HashMap;

/// Unique ids are `[SYSTEM-]SECOND.NUMBER`. The number counts channels since Asterisk was started: a lower number in a
/// later second tells that it was started anew.
#[derive(Debug, Default)]
pub(super) struct Restarts {
    /// The last channel of each system.
    last: HashMap<String, (u64, u64)>,
}

/// Systems that are followed at most; channels of one file come from a few.
const SYSTEMS_MAX: usize = 1000;
/// A channel's second and number may be taken by two channels crosswise, but not for longer.
const CROSSWISE_S: u64 = 1;

impl Restarts {
    /// Whether Asterisk was started between the channels before and this one.
    pub(super) fn is_after_one(&mut self, unique: &str) -> bool {
        let Some((system, second, number)) = parts(unique) else {
            return false;
        };
        if self.last.len() >= SYSTEMS_MAX && !self.last.contains_key(system) {
            return false;
        }
        let Some(last) = self.last.get_mut(system) else {
            self.last.insert(system.to_owned(), (second, number));
            return false;
        };
        let is_after_one = number <= last.1 && second > last.0 + CROSSWISE_S;
        if is_after_one || number > last.1 {
            *last = (second, number);
        }
        is_after_one
    }
}

fn parts(unique: &str) -> Option<(&str, u64, u64)> {
    let (system, numbers) = unique.rsplit_once('-').unwrap_or(("", unique));
    let (second, number) = numbers.split_once('.')?;
    Some((system, second.parse().ok()?, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::Restarts;

    #[test]
    fn a_lower_number_in_a_later_second_is_a_restart() {
        let mut restarts = Restarts::default();
        let seen = [
            ("1795348030.81", false),
            // Two channels at once, written crosswise.
            ("1795348032.83", false),
            ("1795348031.82", false),
            ("1795348035.0", true),
            ("1795348035.1", false),
            ("pbx-1795348035.1", false),
            ("pbx-1795348050.0", true),
            ("not an id", false),
        ];
        for (unique, is_after_one) in seen {
            assert_eq!(restarts.is_after_one(unique), is_after_one, "{unique}");
        }
    }
}
