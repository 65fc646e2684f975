//! Mails to people that wait, as operators see them.

use std::sync::Arc;

use domain::personal::Personal;
use store::StoreError;
use store::citizen_mails::{CitizenMails, WaitingCitizenMail};
use store::persons::{PersonEntries, WaitingMail, WaitingMails};
use tonic::Status;
use wire::v1::tickets as proto;

/// Where mails to people are.
#[derive(Clone)]
pub struct MailsToPeople {
    /// About entries.
    pub entries: Arc<dyn PersonEntries>,
    /// About appointments.
    pub citizens: Arc<dyn CitizenMails>,
}

/// A place in the list: mails about entries come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Entries(i64),
    Citizens(i64),
}

impl Place {
    fn read(token: &str) -> Option<Self> {
        let number = |text: &str| text.parse().ok();
        match token {
            "" => Some(Self::Entries(0)),
            token => match token.split_at_checked(1)? {
                ("e", after) => number(after).map(Self::Entries),
                ("c", after) => number(after).map(Self::Citizens),
                _ => None,
            },
        }
    }

    fn token(self) -> String {
        match self {
            Self::Entries(after) => format!("e{after}"),
            Self::Citizens(after) => format!("c{after}"),
        }
    }
}

impl MailsToPeople {
    /// A page, of so many at most.
    pub(super) async fn list(
        &self,
        token: &str,
        most: usize,
    ) -> Result<proto::ListMailsToPeopleResponse, Status> {
        let place = Place::read(token).ok_or_else(|| {
            Status::invalid_argument("page_token: repeat the next_page_token of the page before")
        })?;
        let page = self.page(place, most).await;
        let (mails, next) = page.map_err(|error| super::service::refused(&error))?;
        Ok(proto::ListMailsToPeopleResponse {
            mails,
            next_page_token: next.map(Place::token).unwrap_or_default(),
        })
    }

    async fn page(
        &self,
        place: Place,
        most: usize,
    ) -> Result<(Vec<proto::MailToPeople>, Option<Place>), StoreError> {
        let mut mails = Vec::new();
        let mut after_citizens = 0;
        match place {
            Place::Citizens(after) => after_citizens = after,
            Place::Entries(after) => {
                let search = WaitingMails {
                    to: None,
                    after,
                    most: most + 1,
                };
                let found = self.entries.waiting_entry_mails(search).await?;
                mails.extend(found.iter().take(most).map(of_entries));
                if found.len() > most {
                    return Ok((mails, found.get(most - 1).map(|last| Place::Entries(last.number))));
                }
            }
        }
        let left = most - mails.len();
        let found = self
            .citizens
            .waiting_citizen_mails(after_citizens, left + 1)
            .await?;
        mails.extend(found.iter().take(left).map(of_citizen));
        let last = left.checked_sub(1).and_then(|at| found.get(at));
        let next = Place::Citizens(last.map_or(after_citizens, |last| last.number));
        Ok((mails, (found.len() > left).then_some(next)))
    }
}

fn of_entries(mail: &WaitingMail) -> proto::MailToPeople {
    let about = match &mail.registration {
        Some(_) => "registration",
        None => "reminder",
    };
    let recipient = mail.recipient.as_ref().map(Personal::masked);
    proto::MailToPeople {
        about: about.to_owned(),
        number: mail.number,
        procedure: mail.procedure.to_string(),
        offer: mail.offer.as_ref().map(ToString::to_string).unwrap_or_default(),
        ticket_id: String::new(),
        recipient: recipient.unwrap_or_default(),
        attempts: mail.attempts,
        error: mail.error.clone().unwrap_or_default(),
        retry_at_unix_ms: mail.retry_at.map(|at| at.timestamp_millis()),
    }
}

fn of_citizen(mail: &WaitingCitizenMail) -> proto::MailToPeople {
    proto::MailToPeople {
        about: "appointment".to_owned(),
        number: mail.number,
        procedure: String::new(),
        offer: String::new(),
        ticket_id: mail.ticket.to_string(),
        recipient: String::new(),
        attempts: mail.attempts,
        error: mail.error.clone().unwrap_or_default(),
        retry_at_unix_ms: mail.retry_at.map(|at| at.timestamp_millis()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_told() {
        for place in [Place::Entries(7), Place::Citizens(0)] {
            assert_eq!(Place::read(&place.token()), Some(place));
        }
        assert_eq!(Place::read(""), Some(Place::Entries(0)));
        for wrong in ["e", "x7", "ü", "e7x"] {
            assert_eq!(Place::read(wrong), None, "{wrong}");
        }
    }
}
