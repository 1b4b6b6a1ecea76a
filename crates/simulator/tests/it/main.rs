//! The simulator over real HTTP, as a client and as a driver see it.

mod batch;
mod faults;
mod groups;
mod life;
mod lifecycle;
mod mail;
mod paging;
mod permissions;
mod queries;
mod sign_ins;
mod tenant;
mod throttling;
mod tokens;
