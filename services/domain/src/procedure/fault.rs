//! What can be wrong with a field.

use crate::named::named;

named! {
    /// What is wrong with a field, for programs: stable, unlike the words of a remedy.
    FaultCode {
        /// None of the others.
        Unusable = "unusable",
        /// It must be given.
        Required = "required",
        /// It must be given, because another field was.
        RequiredWith = "required_with",
        /// It or another way to reach the citizen must be given.
        Unreachable = "unreachable",
        /// It may be given only together with another field.
        OnlyWith = "only_with",
        /// The procedure has no such field.
        Undeclared = "undeclared",
        /// The system adds it.
        FromSystem = "from_system",
        /// It has too many characters.
        TooLong = "too_long",
        /// It holds control characters.
        ControlCharacters = "control_characters",
        /// None of the options.
        NoOption = "no_option",
        /// No telephone number.
        NoPhone = "no_phone",
        /// No e-mail address.
        NoEmail = "no_email",
        /// No German postal code.
        NoPostalCode = "no_postal_code",
        /// No IBAN, or wrong check digits.
        NoIban = "no_iban",
        /// No BIC.
        NoBic = "no_bic",
        /// Neither yes nor no.
        NoBoolean = "no_boolean",
        /// No whole number.
        NoNumber = "no_number",
        /// No day.
        NoDate = "no_date",
        /// No time with its offset.
        NoTimestamp = "no_timestamp",
        /// No IP address.
        NoIpAddress = "no_ip_address",
        /// No local time.
        NoLocalTime = "no_local_time",
        /// The clocks skip this hour in spring.
        SkippedHour = "skipped_hour",
        /// No procedure, or none with tickets.
        NoProcedure = "no_procedure",
        /// Neither source and id of a call, nor its identity.
        NoCall = "no_call",
        /// No ticket number.
        NoTicketNumber = "no_ticket_number",
        /// There is no such ticket.
        NoTicket = "no_ticket",
        /// A window with one end.
        WindowHalf = "window_half",
        /// A window that ends before it begins.
        WindowEmpty = "window_empty",
        /// A window that is past.
        WindowPast = "window_past",
        /// A window too far ahead.
        WindowTooFar = "window_too_far",
        /// No service time lies within the window.
        WindowClosed = "window_closed",
        /// A window where none belongs: with slots, or with a concern that joins a ticket.
        WindowUnwanted = "window_unwanted",
        /// Nobody offers slots of the service.
        NoService = "no_service",
        /// Several departments offer the service, but not the one where the request goes.
        ServiceElsewhere = "service_elsewhere",
        /// No slot begins then.
        NoSlot = "no_slot",
        /// The slot is too soon, or past.
        SlotTooSoon = "slot_too_soon",
        /// The slot is too far ahead.
        SlotTooFar = "slot_too_far",
        /// Slots that do not follow one another.
        SlotsApart = "slots_apart",
        /// More slots than an appointment may have.
        TooManySlots = "too_many_slots",
        /// The slot has no seat left.
        SlotTaken = "slot_taken",
        /// The ticket has no slots that could be moved.
        NoAppointment = "no_appointment",
        /// There is no such department.
        NoDepartment = "no_department",
        /// The ticket is with this department already.
        SameDepartment = "same_department",
        /// No answer is owed on the ticket.
        NothingOwed = "nothing_owed",
        /// An answer is still owed on the ticket.
        StillOwed = "still_owed",
        /// The ticket was settled too long ago.
        SettledLongAgo = "settled_long_ago",
        /// The ticket is closed already.
        AlreadyClosed = "already_closed",
        /// The ticket has as many concerns as it may have.
        Full = "full",
        /// Nothing of the ticket is left.
        Erased = "erased",
        /// An account for what is free.
        NothingToPay = "nothing_to_pay",
        /// There is no such offer.
        NoOffer = "no_offer",
        /// The deadline of the offer is over.
        OfferClosed = "offer_closed",
        /// No place is left.
        OfferFull = "offer_full",
        /// The ticket is restricted, or is not where that is to be lifted.
        Restricted = "restricted",
        /// Another request was made under the idempotency key.
        KeyTaken = "key_taken",
    }
}

/// A field that cannot be accepted, and what to do about it. Holds nothing of what was entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFault {
    /// The name of the field.
    pub field: String,
    /// What is wrong.
    pub code: FaultCode,
    /// What to enter instead.
    pub remedy: String,
}

impl FieldFault {
    /// A fault of a field that no code tells.
    pub fn new(field: &str, remedy: impl Into<String>) -> Self {
        Self::of(field, FaultCode::Unusable, remedy)
    }

    /// A fault of a field.
    pub fn of(field: &str, code: FaultCode, remedy: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            code,
            remedy: remedy.into(),
        }
    }
}
