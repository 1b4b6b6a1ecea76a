//! A full cycle on a large simulated tenant, as one process against another.
//!
//!     cargo bench -p innkeeper-tests --bench cycle                 100,000 guests
//!     cargo bench -p innkeeper-tests --bench cycle -- 10000        another number
//!
//! It prints the wall time of a first and of a second cycle with throttling off, the highest resident memory of the
//! process that runs them, and the size of the database.

mod installed;

use installed::{SHIPPED_POLICY, build, mebibytes, run, simulate, write_installation};

fn main() {
    let guests: u64 = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(100_000);
    let innkeeper = build();
    let folder = tempfile::TempDir::new().expect("a folder");
    let (server, settings) = simulate(&innkeeper, guests);
    write_installation(folder.path(), &settings, SHIPPED_POLICY);
    println!("{guests} guests, throttling off, SQLite");
    for name in ["first cycle", "second cycle"] {
        let (wall, resident) = run(&innkeeper, "apply", folder.path());
        println!(
            "{name}: {:.2} s, {:.1} MB resident at most",
            wall.as_secs_f64(),
            mebibytes(resident) * 1.048_576
        );
    }
    let database = std::fs::metadata(folder.path().join("innkeeper.db"))
        .expect("the database")
        .len();
    println!("database: {:.1} MB", mebibytes(database / 1024) * 1.048_576);
    drop(server);
}
