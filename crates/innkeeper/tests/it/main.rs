//! The binary by itself. That cargo builds it for these tests is what the whole-binary tests rely on.

use std::process::Command;

fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_innkeeper"))
        .args(arguments)
        .output()
        .expect("the binary starts");
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[test]
fn it_tells_its_version_and_its_help() {
    let (code, said) = run(&["--version"]);
    assert_eq!(
        (code, said.contains("innkeeper")),
        (Some(0), true),
        "{said}"
    );
    let (code, said) = run(&["--help"]);
    assert_eq!(
        (code, said.contains("Examples:")),
        (Some(0), true),
        "{said}"
    );
}

#[test]
fn a_command_that_does_not_exist_is_a_usage_error() {
    let (code, said) = run(&["aply"]);
    assert_eq!((code, said.contains("apply")), (Some(64), true), "{said}");
}
