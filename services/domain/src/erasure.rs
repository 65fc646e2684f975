//! Erasing what is known about a person, in every copy: the order, and how what was erased is known again when it comes
//! back by a replay, a repeated import or a restored backup.

mod marks;
mod order;
mod reports;
mod suppression;

pub use marks::{Mark, MarkHash, MarkKey};
pub use order::{ErasureOrder, Place};
pub use suppression::Suppression;
