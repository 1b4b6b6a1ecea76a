//! Facts, policies and their conditions; deciding and approving, over a small tenant built by hand.

mod approving;
mod conditions;
mod deciding;
mod documents;
mod facts;
mod kleene;
mod limits;
mod mistakes;
mod policies;
mod properties;
mod stages;
mod tenant;
