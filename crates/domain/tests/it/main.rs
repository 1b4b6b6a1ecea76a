//! Deciding and approving, over a small tenant built by hand.

mod approving;
mod conditions;
mod deciding;
mod facts;
mod properties;
mod tenant;
