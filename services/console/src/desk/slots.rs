//! Slots that a form offers.

use wire::v1::tickets as proto;

use crate::format;
use crate::trouble::Trouble;
use crate::visitor::Visitor;

/// Free slots that are shown at most.
const SHOWN: u32 = 60;

/// The free slots of a day.
pub(super) struct Day {
    pub(super) title: String,
    pub(super) slots: Vec<Slot>,
}

pub(super) struct Slot {
    /// As a request names it.
    pub(super) value: String,
    /// The time of day.
    pub(super) time: String,
    pub(super) chosen: bool,
}

/// The slots that are free with a department, by day; none where it offers none.
pub(super) async fn free(
    visitor: &Visitor,
    department: &str,
    service: &str,
    chosen: &str,
) -> Result<Vec<Day>, Trouble> {
    if department.is_empty() || service.is_empty() {
        return Ok(Vec::new());
    }
    let asked = proto::ListSlotsRequest {
        department: department.to_owned(),
        service: service.to_owned(),
        page_size: SHOWN,
        ..Default::default()
    };
    match visitor.services.ticketing().list_slots(asked).await {
        Ok(listed) => Ok(by_day(&listed.into_inner().slots, chosen)),
        Err(status) if status.code() == tonic::Code::InvalidArgument => Ok(Vec::new()),
        Err(status) => Err(status.into()),
    }
}

fn by_day(slots: &[proto::Slot], chosen: &str) -> Vec<Day> {
    let mut days: Vec<Day> = Vec::new();
    for slot in slots.iter().filter(|slot| slot.free > 0) {
        let at = slot.starts_at_unix_ms;
        let written = format::weekday_and_time(at);
        let (title, time) = written.rsplit_once(' ').unwrap_or((&written, ""));
        let value = wire::time(at).map(domain::local_time::write).unwrap_or_default();
        let slot = Slot {
            chosen: chosen.lines().any(|line| line.trim() == value),
            value,
            time: time.to_owned(),
        };
        match days.last_mut().filter(|day| day.title == title) {
            Some(day) => day.slots.push(slot),
            None => days.push(Day {
                title: title.to_owned(),
                slots: vec![slot],
            }),
        }
    }
    days
}
