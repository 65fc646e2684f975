//! What users do, from end to end.

mod appointments;
mod asterisk;
mod calendar;
mod callbacks;
mod calls;
mod command_line;
mod dresses;
mod json_output;
mod life_cycle;
mod live;
mod mails;
mod procedures;
mod rejected_items;
mod repeated_imports;
mod replacements;
mod reports;
mod routing;
mod rules;
mod serving;
mod signing_in;
mod ticket_acts;
mod unreadable_rows;
