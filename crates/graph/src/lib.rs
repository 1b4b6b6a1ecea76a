//! Microsoft Graph: tokens, paging, retries, and wire types turned into the domain's.
//!
//! Reading and writing are two handles, [`Reader`] and [`Writer`], so that who plans never holds what writes. Invariants:
//! every request leaves through one `send`; the token goes to no host but the configured ones; an answer that is cut
//! short or cannot be understood is an error and never an empty one; a write whose answer was lost is never repeated.

mod answer;
mod batch;
mod budget;
mod client;
mod error;
mod limits;
mod page;
mod reach;
mod reader;
mod request;
mod retry;
mod roles;
mod send;
mod settings;
mod token;
mod wire;
mod writer;

pub use client::{Graph, Requests, install_crypto};
pub use error::{Answered, GraphError, WriteError};
pub use limits::{Limit, Limits, Quota};
pub use reach::Reached;
pub use reader::{
    Account, Audited, Author, ChangePage, ChangesSince, Depth, GroupChange, GuestPage, Invited,
    Lists, Looked, Lost, Organization, Reader, Reread, SponsorPage, UserChange,
};
pub use settings::{Application, Credential, IdentitySource, Settings};
pub use writer::{Done, Mail, Writer};
