//! What stands behind the plus of the address that an undeliverable mail comes back to: ticket, version, department.

use std::fmt;

use domain::ids::DepartmentId;
use domain::ticket::{TicketVersion, spoken_ticket_id};
use store::tickets::HandOverKey;

/// What stands first behind the plus where a mail about an entry came back; no ticket is called so.
pub(super) const ENTRY_DETAIL: &str = "e";

/// The id of the entry or registration whose mail came back to an address; `None` for any other.
pub(super) fn entry_of(address: &str) -> Option<String> {
    let address = address.trim().trim_start_matches('<').trim_end_matches('>');
    let user = address.rsplit_once('@').map_or(address, |(user, _)| user);
    let (_, detail) = user.split_once('+')?;
    let (kind, id) = detail.split_once('.')?;
    let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    (kind.eq_ignore_ascii_case(ENTRY_DETAIL) && is_id).then(|| id.to_ascii_lowercase())
}

/// Whether an address is one that mails of ours come back to: about a ticket, or about an entry.
pub fn is_return_address(address: &str) -> bool {
    ReturnAddress::read(address).is_some() || entry_of(address).is_some()
}

/// Which mail came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnAddress(HandOverKey);

impl ReturnAddress {
    pub(super) fn of(key: &HandOverKey) -> Self {
        Self(key.clone())
    }

    /// Reads the address that an undeliverable mail came back to. Mail servers may have changed capitals.
    pub fn read(address: &str) -> Option<HandOverKey> {
        let address = address.trim().trim_start_matches('<').trim_end_matches('>');
        let user = address.rsplit_once('@').map_or(address, |(user, _)| user);
        let (_, detail) = user.split_once('+')?;
        let mut parts = detail.splitn(3, '.');
        let (ticket, version, department) = (parts.next()?, parts.next()?, parts.next()?);
        Some(HandOverKey {
            ticket: spoken_ticket_id(ticket)?,
            department: DepartmentId::new(department.to_ascii_lowercase()),
            version: TicketVersion(version.parse().ok()?),
        })
    }
}

impl fmt::Display for ReturnAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.0;
        write!(f, "{}.{}.{}", key.ticket, key.version, key.department)
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::TicketId;

    use super::*;

    #[test]
    fn it_is_read_back_whatever_a_mail_server_did_to_capitals() {
        let key = HandOverKey {
            ticket: TicketId::new("T-7K3M-9QXW"),
            department: DepartmentId::new("finanzamt-koeln"),
            version: TicketVersion(3),
        };
        let address = format!("nrwdirekt+{}@example.org", ReturnAddress::of(&key));
        assert_eq!(address, "nrwdirekt+T-7K3M-9QXW.3.finanzamt-koeln@example.org");
        for spelling in [address.clone(), address.to_lowercase(), format!("<{address}>")] {
            assert_eq!(ReturnAddress::read(&spelling).as_ref(), Some(&key), "{spelling}");
        }
    }

    #[test]
    fn an_entry_is_told_from_a_ticket() {
        let id = "0123456789abcdef0123456789abcdef";
        for spelling in [
            format!("n+e.{id}@example.org"),
            format!("<N+E.{}@example.org>", id.to_uppercase()),
        ] {
            assert_eq!(entry_of(&spelling).as_deref(), Some(id), "{spelling}");
            assert_eq!(ReturnAddress::read(&spelling), None, "{spelling}");
        }
        assert_eq!(entry_of("n+T-7K3M-9QXW.3.amt@example.org"), None);
        assert_eq!(entry_of("n+e.0123@example.org"), None);
    }

    #[test]
    fn other_addresses_are_nobodys() {
        for address in [
            "",
            "nrwdirekt@example.org",
            "a+b@example.org",
            "a+T-7K3M-9QXW.x.amt@example.org",
        ] {
            assert_eq!(ReturnAddress::read(address), None, "{address}");
        }
    }
}
