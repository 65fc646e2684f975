//! Who asks, what he or she may see of tickets, and the note that is taken of it.

use domain::access::{Principal, Role, Sight, TicketView};
use domain::audit::{AuditAction, AuditSubject, NewAuditEntry};
use domain::ids::TicketId;
use domain::ticket::{HistoryEntry, Ticket};
use tonic::{Request, Status};
use wire::tickets::ticket_seen;
use wire::v1::tickets as proto;

use super::TicketingParts;

/// Somebody who asks ticketing for something.
pub(super) struct Viewer<'p> {
    pub(super) parts: &'p TicketingParts,
    pub(super) principal: Principal,
    pub(super) view: TicketView,
}

impl<'p> Viewer<'p> {
    /// Whoever a request is from; nobody is refused.
    pub(super) fn of<T>(parts: &'p TicketingParts, request: &Request<T>) -> Result<Self, Status> {
        let principal = wire::access::principal(request)?;
        Ok(Self {
            view: principal.ticket_view(),
            principal,
            parts,
        })
    }

    pub(super) fn sight(&self, ticket: &Ticket) -> Sight {
        // A restricted ticket is there for data protection alone (Art. 18 GDPR).
        match ticket.is_restricted() && !self.principal.is(Role::DataProtection) {
            true => Sight::Hidden,
            false => self.view.of(&ticket.department),
        }
    }

    /// A ticket as it may be seen; `None` if it must look as if it were not there.
    pub(super) fn seen(&self, ticket: &Ticket, history: &[HistoryEntry]) -> Option<proto::Ticket> {
        ticket_seen(ticket, history, self.sight(ticket))
    }

    /// Tickets of a list as they may be seen, without their history.
    pub(super) fn all_seen(&self, tickets: &[Ticket]) -> Vec<proto::Ticket> {
        tickets
            .iter()
            .filter_map(|ticket| self.seen(ticket, &[]))
            .collect()
    }

    /// A ticket that the viewer has acted on. Who has sent it where it cannot be seen any more still sees what came of it.
    pub(super) fn acted_on(&self, ticket: &Ticket, history: &[HistoryEntry]) -> Option<proto::Ticket> {
        let sight = match self.sight(ticket) {
            Sight::Hidden => Sight::Masked,
            sight => sight,
        };
        ticket_seen(ticket, history, sight)
    }

    /// Notes that a ticket was seen whole. A masked one says nothing about a citizen.
    pub(super) async fn note_read(&self, ticket: &proto::Ticket) -> Result<(), Status> {
        if ticket.masked {
            return Ok(());
        }
        let subject = AuditSubject::new("ticket", &ticket.ticket_id);
        let audit = &self.parts.audit;
        audit
            .note(&self.principal, AuditAction::TicketRead, subject)
            .await
    }

    /// Notes that tickets were listed, if any of them was seen whole.
    pub(super) async fn note_listed(&self, tickets: &[proto::Ticket]) -> Result<(), Status> {
        let whole = tickets.iter().filter(|ticket| !ticket.masked).count();
        if whole == 0 {
            return Ok(());
        }
        let subject = match &self.view {
            TicketView::Of { department, .. } => AuditSubject::new("department", department.as_str()),
            _ => AuditSubject::none(),
        };
        let entry = self
            .parts
            .audit
            .entry(&self.principal, AuditAction::TicketsListed, subject);
        self.parts.audit.append(entry.of_items(whole)).await
    }

    /// An entry about a search for a citizen: how many tickets were found, never what was searched.
    pub(super) fn searched(&self, found: usize) -> NewAuditEntry {
        let subject = AuditSubject::none();
        let audit = &self.parts.audit;
        let entry = audit.entry(&self.principal, AuditAction::CitizenSearched, subject);
        entry.of_items(found)
    }

    /// An entry about something that was done to a ticket.
    pub(super) fn did(&self, action: AuditAction, ticket: &TicketId) -> NewAuditEntry {
        let subject = AuditSubject::new("ticket", ticket.as_str());
        self.parts.audit.entry(&self.principal, action, subject)
    }
}
