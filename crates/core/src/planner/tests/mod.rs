//! What the planner promises, one sentence a test.

mod adoption;
mod allowance;
mod bounds;
mod converging;
mod creation;
mod deletion;
mod extras;
mod failures;
pub(super) mod fixtures;
mod gaps;
mod lately;
mod list_and_mark;
mod location;
mod marking;
mod model;
mod operations;
mod platform_states;
mod restraint;
mod rules;
mod secrecy;
mod telling;
mod unkept;
mod unmarked;
mod unreadable;
mod wakes;
