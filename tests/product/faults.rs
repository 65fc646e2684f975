//! What goes wrong, and what must not come of it.

mod acls;
mod backups;
mod connections;
mod erasure;
mod full_disk;
mod intervals;
mod kills;
mod ledgers;
mod limits;
mod load;
mod refusals;
mod retention;
mod servers;
mod slow_readers;
mod ticket_topic;
mod ticket_way;
mod two_owners;
