//! Facts, policies and their conditions; deciding and approving, over a small tenant built by hand.

mod answering;
mod approving;
mod chain;
mod comparing;
mod conditions;
mod deciding;
mod documents;
mod facts;
mod forecasting;
mod kleene;
mod limits;
mod mistakes;
mod notices;
mod policies;
mod properties;
mod sparing;
mod stages;
mod templates;
mod tenant;
mod trials;
mod warnings;
