//! The access log of pages and calls: what of an address statistics may show, and how long the log is kept.

use std::net::IpAddr;

use chrono::TimeDelta;

use crate::procedure::{Period, Register};

/// The entry of the register that says how long the log is kept.
pub const ACCESS_LOGS: &str = "access-logs";

/// Kept for so long where the register does not say otherwise.
const KEPT: TimeDelta = TimeDelta::hours(48);

/// An address without what tells single people apart: the last octet of version 4, the last 80 bits of version 6.
pub fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
    }
}

/// How long entries with whole addresses are kept: as the register says, 48 hours unless an installation says otherwise.
pub fn kept(register: &Register) -> TimeDelta {
    let days = register
        .procedure(ACCESS_LOGS)
        .map(|procedure| match procedure.retention.period {
            Period::Days(days) => days,
            Period::Months(months) => months.saturating_mul(30),
            Period::Years(years) => years.saturating_mul(365),
        });
    days.map_or(KEPT, |days| TimeDelta::days(i64::from(days)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        network(text.parse().unwrap())
    }

    #[test]
    fn an_address_loses_its_last_octet_or_its_last_80_bits() {
        assert_eq!(masked("192.0.2.77"), "192.0.2.0/24");
        assert_eq!(masked("2001:db8:1:2:3:4:5:6"), "2001:db8:1::/48");
        assert_eq!(masked("::ffff:192.0.2.77"), "192.0.2.0/24");
    }

    #[test]
    fn the_built_in_register_keeps_the_log_for_48_hours() {
        assert_eq!(kept(&Register::built_in()), TimeDelta::hours(48));
    }
}
