//! What users do, from end to end.

mod appointments;
mod asterisk;
mod audit;
mod calendar;
mod callbacks;
mod calls;
mod command_line;
mod desk;
mod dresses;
mod drill_down;
mod json_output;
mod life_cycle;
mod live;
mod mails;
mod pages;
mod procedures;
mod rejected_items;
mod repeated_imports;
mod replacements;
mod reports;
mod roles;
mod routing;
mod rules;
mod serving;
mod ticket_acts;
mod unreadable_rows;
