//! The cycle: observe -> decide -> approve -> act -> record, for one tenant.
//!
//! Every kind of caller (daemon, command line, demo, tests) goes through [`Engine::cycle`]. The only other way to the
//! directory's writes is [`Engine::undo`], which can give back and nothing else.

mod acceptance;
mod act;
mod clock;
mod cycle;
mod decide;
mod error;
mod lease;
pub mod link;
mod notice;
mod observe;
mod ports;
mod progress;
mod record;
mod report;
pub mod schedule;
mod settle;
mod undo;

pub use acceptance::{Own, PolicyStanding, Ruling};
pub use act::recipients::{Answerer, answerers};
pub use act::{circle_of, heed_chain};
pub use clock::{Clock, ManualClock, SystemClock};
pub use cycle::{Engine, PolicyInForce, Tenant};
pub use error::CycleError;
pub use notice::what_follows;
pub use ports::{ReadDirectory, WriteDirectory};
pub use progress::{Phase, Progress, Silent};
pub use report::{Closed, Deeds, Failure, Report};
pub use undo::{Asked, Undoing, Undone, final_day, is_undoable};
