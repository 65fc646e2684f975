//! What must hold for all input.

mod simulated_day;
