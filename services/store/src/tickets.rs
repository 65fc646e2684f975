//! Tickets, their history, and what is pending towards departments.
