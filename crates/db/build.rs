//! Builds the crate again when a migration is added or changed: they are embedded.

#[expect(clippy::print_stdout, reason = "a build script speaks to cargo that way")]
fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
