//! Deciding and approving, over a small tenant built by hand.

mod approving;
mod conditions;
mod deciding;
mod documents;
mod facts;
mod policies;
mod properties;
mod tenant;
